// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The page that lists a directory (--browse).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace https_server {

// `path` begins and ends with a slash, names of directories end with one. All may hold any bytes.
std::string directory_page(std::string_view path, std::span<std::string const> names);

}  // namespace https_server
