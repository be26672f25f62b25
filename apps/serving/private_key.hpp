// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From --key and --key-password-file to the context.
#pragma once

#include <tls_async/context.hpp>

#include <filesystem>
#include <optional>

namespace serving {

// The password of an encrypted key is the first line of `password_file`. Throws std::exception with
// what is wrong with which file.
void use_private_key(tls_async::context& context, std::filesystem::path const& key,
                     std::optional<std::filesystem::path> const& password_file);

}  // namespace serving
