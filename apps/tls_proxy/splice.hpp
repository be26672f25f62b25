// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Bytes that go from one socket to another without entering the process, by splice(2), which needs
// a pipe in between. A pipe is two descriptors, so it is borrowed while bytes are under way, as
// lent_buffer is; each thread keeps a few.
#pragma once

#include <tls_async/core/record.hpp>

#include <boost/system/error_code.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace tls_proxy {

class lent_pipe {
public:
  // The kernel counts a pipe's buffers, 16 of them, and what is in one depends on the network: so
  // many bytes come only where segments are merged. Eight records.
  static constexpr std::size_t most_bytes = 131'072;
  static constexpr std::size_t most_kept = 8;  // by a thread

  lent_pipe() = default;
  lent_pipe(lent_pipe const&) = delete;
  lent_pipe& operator=(lent_pipe const&) = delete;
  ~lent_pipe() { give_back(); }

  // Empty, or as it is if it was borrowed before. False if the system has none, for want of
  // descriptors for instance.
  bool borrow() noexcept;
  // What is still in it is lost.
  void give_back() noexcept;

  // Of an empty one that is borrowed: what has come to the socket `from`, which must not block.
  // Returns the number of bytes, with asio::error::eof at the end; would_block if there is nothing.
  std::size_t fill(int from, boost::system::error_code& error) noexcept;
  // Moves on what the socket `to`, which must not block, takes: all, unless there is an error.
  // would_block if it takes no more for now; the rest stays. Raises SIGPIPE if the peer is gone.
  std::size_t drain(int to, boost::system::error_code& error) noexcept;

private:
  struct ends {
    int read = -1;
    int write = -1;
  };
  // Closes them with their thread. Takes no memory: a thread may give back what it has not
  // borrowed.
  struct kept_ends {
    kept_ends() = default;
    kept_ends(kept_ends const&) = delete;
    kept_ends& operator=(kept_ends const&) = delete;
    ~kept_ends();

    std::array<ends, most_kept> places;
    std::size_t count = 0;
  };

  static void close(ends const& both) noexcept;
  static kept_ends& kept_here() noexcept;

  ends ends_;
  std::size_t held_ = 0;
};

// Records that the kernel has sealed under one key, which neither OpenSSL nor the stream sees. Each
// drain of a pipe ends a record. Pure.
class sealed_records {
public:
  void add(std::size_t drained) noexcept {
    count_ += drained / tls_async::max_record_plaintext + 1;
  }
  // AES-GCM is safe for 2^24.5 full records under one key (RFC 8446 section 5.5).
  bool are_all_that_are_safe() const noexcept { return count_ >= std::uint64_t{1} << 24; }

private:
  std::uint64_t count_ = 0;
};

}  // namespace tls_proxy
