// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A file of the secrets of sessions, in the format that Wireshark reads (NSS key log). Private to
// the library.
#pragma once

#include <atomic>
#include <filesystem>
#include <string_view>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

class key_log {
public:
  /// Appends to the file, or makes one that its owner alone can read. Throws `file_error`.
  explicit key_log(std::filesystem::path const& file);
  key_log(key_log const&) = delete;
  key_log& operator=(key_log const&) = delete;
  ~key_log();

  /// Thread-safe. What can't be written is dropped: a full disk ends no connection.
  void write(std::string_view line) noexcept;

private:
  int descriptor_;
  std::atomic<bool> is_torn_ = false;  // the last line has no end
};

}  // namespace tls_async::detail
#pragma GCC visibility pop
