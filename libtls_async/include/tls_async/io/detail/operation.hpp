// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One verb in progress: a node that stream_core queues, with the completion handler behind it.
#pragma once

#include <tls_async/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

namespace tls_async::detail {

using time_point = std::chrono::steady_clock::time_point;
inline constexpr time_point never = time_point::max();

using boost::asio::any_io_executor;

/// Held by the one thread that is inside a stream. Recursive, for callbacks of OpenSSL and the like
/// may start a verb from inside.
using stream_lock = std::unique_lock<std::recursive_mutex>;

/// A step of a gate or of the timer: handlers may be run from here, outside of the lock.
struct gate_step {
  any_io_executor const& executor;
  bool on_io_executor;  ///< It is the next layer's own.
  stream_lock& lock;
};

class operation : public boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
  enum class verb { read, write, key_update, handshake, close_write, shutdown };

  operation(operation const&) = delete;
  operation& operator=(operation const&) = delete;

  /// Frees the node, then runs the handler with `result` and `bytes` on its associated executor:
  /// dispatched from a gate step, whose lock is then released, and at once if that runs on the same
  /// executor; posted if `from` is null, for the function that starts or cancels an operation may
  /// not run its handler.
  virtual void complete(gate_step* from) = 0;
  /// Frees the node and destroys the handler without running it.
  virtual void abandon() noexcept = 0;
  /// The executor that gate steps started for this operation run on.
  [[nodiscard]] virtual any_io_executor executor() const = 0;

  verb const what;
  bool is_queued = false;        ///< A write or close_notify that is not sealed to its end.
  bool is_done = false;          ///< It has its result; its handler is about to run.
  bool waits_for_flush = false;  ///< All is done but for the ciphertext up to `end` to leave.
  bool stalls = false;           ///< Bounded by the progress of the flush rather than by `expiry`.
  bool is_kept = false;          ///< Nobody waits for it: only what is final ends it.
  bool on_io_executor = false;   ///< `executor()` is the next layer's own: no need to ask.
  time_point expiry = never;
  time_point started{};  ///< Of one that has a deadline.
  error_code result{};
  std::size_t bytes = 0;  ///< Plaintext read, or sealed.
  std::uint64_t end = 0;  ///< Of its ciphertext, in bytes from the start of the session.

protected:
  explicit operation(verb v) noexcept : what(v) {}
  ~operation() = default;
};

using operation_list =
    boost::intrusive::list<operation, boost::intrusive::constant_time_size<false>>;

class read_operation : public operation {
public:
  /// The next piece of the caller's buffers to read into; empty when they are full.
  [[nodiscard]] virtual std::span<std::byte> place() = 0;
  virtual void advance(std::size_t n) = 0;

protected:
  read_operation() noexcept : operation(verb::read) {}
  ~read_operation() = default;
};

/// Plaintext that stands in a file.
struct file_part {
  int file;
  std::uint64_t offset;
  std::uint64_t length;  ///< UINT64_MAX is all up to the end.
};

class write_operation : public operation {
public:
  /// What is left of it, if that is a part of a file: it may be sent from there.
  [[nodiscard]] virtual file_part const* file() const noexcept { return nullptr; }
  /// The next piece of the caller's buffers to seal; empty when all is sealed, or with `result` set
  /// if the buffers were misused.
  [[nodiscard]] virtual std::span<std::byte const> piece() = 0;
  /// Copies what stands behind `piece()` and is smaller than `limit`, as far as `room` goes, which
  /// is left with its rest. True if that is all of it.
  [[nodiscard]] virtual bool copy_behind(std::span<std::byte>& /*room*/,
                                         std::size_t /*limit*/) const {
    return true;
  }
  /// `n` bytes have been sealed, perhaps those of several pieces.
  virtual void advance(std::size_t n) = 0;

  std::size_t gathered = 0;   ///< Bytes of it that are about to be sealed.
  bool gathered_all = false;  ///< They are its last.
  bool const some;            ///< Complete after the first batch of records, as write_some does.

protected:
  explicit write_operation(bool s) noexcept : operation(verb::write), some(s) {}
  ~write_operation() = default;
};

class control_operation : public operation {
public:
  bool asks_peer = false;  ///< Of a key_update: the peer is to change its keys too.

protected:
  explicit control_operation(verb v) noexcept : operation(v) {}
  ~control_operation() = default;
};

}  // namespace tls_async::detail
