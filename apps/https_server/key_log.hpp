// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Writes the secrets of every session to a file, in the format that Wireshark reads (NSS key log).
#pragma once

#include <openssl/types.h>

#include <filesystem>

namespace https_server {

class key_log {
public:
  // Appends to the file, or makes one that its owner alone can read. Throws std::runtime_error,
  // saying what to do, if it cannot be written, is a symbolic link, belongs to another user, or may
  // be read by others.
  explicit key_log(std::filesystem::path const& file);
  key_log(key_log const&) = delete;
  key_log& operator=(key_log const&) = delete;
  ~key_log();

  // For every session that is made from `context`, which this has to outlive. Takes its app data.
  void attach(SSL_CTX* context);

private:
  static void write(SSL const* session, char const* line) noexcept;

  int descriptor_;
};

}  // namespace https_server
