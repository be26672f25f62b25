// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From --key and --key-password-file to the context.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async/identities.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace serving {

// What opens an encrypted key: the first line of a file, which may be a pipe, so it is read once,
// for all keys. Leaves nothing of it in memory.
class key_password {
public:
  // None without a file. Throws std::runtime_error, saying what to do, if it has no password.
  key_password(std::optional<std::filesystem::path> const& file);
  key_password(key_password const&) = delete;
  key_password& operator=(key_password const&) = delete;
  ~key_password();

  // Empty if there is none.
  std::string const& text() const noexcept { return text_; }

private:
  std::string text_;
};

// Throw std::exception with what is wrong with which file.
void add_identity(tls_async::identities& to, std::filesystem::path const& certificate,
                  std::filesystem::path const& key, key_password const& password);
// All that a folder has.
void add_identities(tls_async::identities& to, std::filesystem::path const& folder,
                    key_password const& password);
void use_private_key(tls_async::context& context, std::filesystem::path const& key,
                     key_password const& password);

}  // namespace serving
