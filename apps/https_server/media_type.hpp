// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The Content-Type of a file, by the extension of its name. Pure: never looks into the file.
#pragma once

#include <string_view>

namespace https_server {

// A name with no known extension is "application/octet-stream", which a browser saves to disk.
std::string_view media_type(std::string_view file_name);

}  // namespace https_server
