// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The heart of a stream: the engine, the two gates, and every verb in progress, in one heap state
// that outlives the stream object for as long as a gate is busy. Independent of the next layer's
// type.
//
// All that happens (a verb starts, a flush or fill ends, a deadline passes, a verb is cancelled)
// ends in `drive()`, the one loop, which steps whatever can go on, opens the gates, and completes
// what is done. It happens under the lock; only handlers run outside of it.
//
// Invariant: after every engine call, the ciphertext it left in the ring is flushed, whoever
// produced it, before anything waits for input.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async/core/engine.hpp>
#include <tls_async/core/mode.hpp>
#include <tls_async/io/detail/operation.hpp>
#include <tls_async/io/detail/operation_memory.hpp>
#include <tls_async/io/options.hpp>
#include <tls_async/memory_account.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace tls_async::detail {

class stream_core : public std::enable_shared_from_this<stream_core>,
                    private memory_account::waiter {
public:
  /// `size` is that of the whole object, in bytes.
  template <class Session>
  stream_core(Session session, stream_options const& options, std::size_t size)
      : own_options_(options == defaults() ? nullptr : new stream_options(options)),
        options_(own_options_ ? *own_options_ : defaults()),
        size_(size),
        engine_(session, options_) {
    if (options.small_record_bytes > max_record_plaintext) {
      throw boost::system::system_error(make_error_code(errc::bad_option),
                                        "small_record_bytes must be 16384 at most");
    }
    SSL_CTX* const context = SSL_get_SSL_CTX(engine_.native_handle());
    if (options.ktls != ktls::off && options.allow_renegotiation) {
      throw boost::system::system_error(make_error_code(errc::bad_option),
                                        "ktls and allow_renegotiation cannot be combined");
    }
    set_modes(inherited_modes(context));
    account_ = account_of(context);
    tell_account();
  }
  stream_core(stream_core const&) = delete;
  stream_core& operator=(stream_core const&) = delete;

  /// To be held by who calls anything here but close() and abandon().
  [[nodiscard]] stream_lock lock() { return stream_lock(mutex_); }

  [[nodiscard]] tls_async::engine& engine() noexcept { return engine_; }
  [[nodiscard]] stream_options const& options() const noexcept { return options_; }
  [[nodiscard]] operation_memory& memory() noexcept { return memory_; }
  [[nodiscard]] unsigned long modes() const noexcept { return modes_; }
  void set_modes(unsigned long modes) noexcept;
  [[nodiscard]] stats const& statistics() noexcept { return engine_.stats(); }
  [[nodiscard]] virtual time_point now() const = 0;

  /// `engine().handshake()`, on a descriptor if one is asked for.
  step negotiate();
  /// Gives back what a stream that waits can do without.
  void rest() noexcept;
  /// Of all that is ours, in bytes.
  [[nodiscard]] memory_account::holding memory_usage() const noexcept {
    return {.kept = size_ + engine_.memory_usage() + memory_.memory_usage() + kept_bytes_,
            .ring = engine_.ring().memory_usage()};
  }
  /// Input has come: how many KeyUpdates may be in it.
  void limit_key_updates();
  /// Room for `n` more bytes that the stream itself keeps until they are sealed; false if there is
  /// none.
  [[nodiscard]] bool keep_bytes(std::size_t n) noexcept;
  void drop_bytes(std::size_t n) noexcept { kept_bytes_ -= n; }
  /// Bytes of plaintext that the next record may have.
  [[nodiscard]] std::size_t record_limit();
  /// Why a write that starts now can't be sent, as far as that is known.
  [[nodiscard]] error_code refusal() const;

  /// So much may come to a place outside of the ring.
  static constexpr std::size_t landing_bytes = 192;
  /// A fill that brought as much is probably one of many.
  static constexpr std::size_t bulk_bytes = 2 * max_record_plaintext;

  // Verbs. Each takes over the node; it completes later, never from within.

  void start(read_operation& read);
  void start(write_operation& write);
  void start(control_operation& control);
  /// Completes `op` with `why` without having started it.
  void reject(operation& op, error_code why);
  /// Ends `op` with `why`, where `type` allows it. What has been sealed of a write stays in the
  /// ring and is delivered; a read has taken nothing.
  void cancel(operation& op, boost::asio::cancellation_type type, error_code why);

  /// A blocking call may only be made while nothing is under way, a gate's flush or fill included.
  [[nodiscard]] bool is_idle() const noexcept;

  /// A handshake is in progress.
  [[nodiscard]] bool is_in_handshake() const noexcept { return handshake_ != nullptr; }

  /// The error that the session's failure has for a program.
  [[nodiscard]] error_code failure_code() const;
  /// What the end of the transport means for a reader, and why, for `error_info()`.
  [[nodiscard]] error_code end_of_input(error_code transport);
  [[nodiscard]] error_code end_of_output(error_code transport);

protected:
  ~stream_core() {
    abandon();
    if (account_ != nullptr) account_->change(told_, {});
    add_stats(SSL_get_SSL_CTX(engine_.native_handle()), engine_.stats());
  }

  // The next layer, for the gates. Started flushes and fills end in flushed() and filled().

  /// The socket, which then doesn't block; -1 if it is not open, or the next layer is none.
  [[nodiscard]] virtual int descriptor() = 0;
  /// Until the descriptor takes more. Ends in has_room().
  virtual void start_waiting_flush(operation const* starter) = 0;
  virtual void start_flush(std::span<std::byte const> ciphertext, operation const* starter) = 0;
  virtual void start_fill(std::span<std::byte> room, operation const* starter) = 0;
  /// Holds no room of the ring while it waits. Ends in filled() or in landed().
  virtual void start_waiting_fill(operation const* starter) = 0;
  /// The fill ends soon, in operation_aborted if it has taken nothing. False where that is not
  /// certain.
  virtual bool let_go_of_fill() = 0;
  /// It is certain that a fill need not wait.
  [[nodiscard]] virtual bool more_is_there() = 0;
  virtual void arm_timer(time_point expiry, operation const* starter) = 0;
  virtual void disarm_timer() = 0;

  /// Whose executor a gate step that starts now runs on; null if no verb is in progress.
  [[nodiscard]] operation const* any_operation() const noexcept;

  void flushed(gate_step from, error_code ec, std::size_t n);
  void has_room(gate_step from, error_code ec);
  void has_input(gate_step from, error_code ec);
  void filled(gate_step from, error_code ec, std::size_t n);
  /// The first `n` bytes of `landing` have come from the next layer.
  void landed(gate_step from, error_code ec, std::span<std::byte const> landing, std::size_t n);
  void timer_expired(gate_step from);
  /// There may be room for a ring again.
  void resumed(gate_step from);
  /// The socket was not ready after all.
  void received_nothing(gate_step from);
  /// Where a fill goes that need not wait.
  [[nodiscard]] std::span<std::byte> fill_room() noexcept;
  void leave_account() noexcept {
    if (account_ != nullptr) account_->leave(*this);
  }

  /// The stream is gone: every verb ends with operation_aborted.
  void close();
  /// Nobody will run a handler any more (the io_context is being destroyed).
  void abandon() noexcept;

private:
  enum class input_outcome { fill, flush, done, ended };

  void drive(gate_step* from);
  void step_handshake();
  void step_output();
  bool may_begin_to_seal();
  bool finish_record();
  bool seal_record();
  bool send_file(write_operation& write);
  void sent_directly(std::size_t plaintext);
  void end_flush(error_code ec);
  std::span<std::byte const> gather(std::size_t limit);
  void take_sealed(std::size_t n);
  bool seal_close_notify(control_operation& control);
  bool seal_key_update(control_operation& control);
  bool went_on(step const& sealed_step);
  void step_input();
  void received(gate_step from, error_code ec, std::size_t n);
  input_outcome read_into(read_operation& read);
  input_outcome discard();
  void open_gates();
  void flush();
  void fill();
  [[nodiscard]] bool holds_ring() const noexcept;
  [[nodiscard]] bool may_keep_ring() const noexcept;
  void tell_account() noexcept;

  void begin(operation& op);
  void leave_queue(operation& op) noexcept;
  void finish(operation& op, error_code result);
  void finish_after_flush(operation& op, error_code result);
  void wait_for_flush(operation& op, error_code result, std::uint64_t end);
  void finish_sealed(operation& op);
  void finish_flushed();
  void end_outputs(error_code result);
  void end_inputs(error_code result);
  void explain_expiry(operation const& op);
  void fail_session();
  [[nodiscard]] bool end_fill(error_code ec);
  void run_handlers(gate_step* from);
  void add_deadline(operation& op);
  [[nodiscard]] time_point expiry_of(operation const& op) const;
  [[nodiscard]] bool has_operations() const noexcept;
  [[nodiscard]] bool is_shutting_down() const noexcept;
  [[nodiscard]] std::uint64_t sealed() noexcept { return flushed_ + engine_.ring().output_bytes(); }

  template <class Visit>
  void each_operation(Visit visit);

  /// Plaintext that one turn of the loop sends directly, at most.
  static constexpr std::size_t most_sent_a_turn = std::size_t{1} << 20;
  static constexpr std::uint64_t not_in_ring_yet = UINT64_MAX;

  std::recursive_mutex mutex_;
  static stream_options const& defaults() noexcept {
    static stream_options const all;
    return all;
  }
  std::unique_ptr<stream_options const> const
      own_options_;  // null for the defaults, which all share
  stream_options const& options_;
  std::size_t const size_;
  memory_account* account_ =
      nullptr;  // of the context, if that is ours; lives as long as the session
  memory_account::holding told_;
  operation_memory memory_;
  tls_async::engine engine_;
  unsigned long modes_ = 0;

  // Verbs in progress. Writes, close_writes and shutdowns stand in one FIFO until they are sealed,
  // then, like a handshake, in the order of their last byte until that has left.
  operation_list output_queue_;
  operation_list in_flight_;
  read_operation* read_ = nullptr;
  control_operation* handshake_ = nullptr;
  control_operation* shutdown_ = nullptr;  // waits for the peer's close_notify
  operation_list done_;

  // The output gate: the only place that writes to the next layer.
  bool flushing_ = false;
  bool wants_room_ = false;   // of the descriptor
  bool flush_rests_ = false;  // the next layer was cancelled: the next verb goes on with the flush
  bool ring_has_rest_ = false;  // of a partial flush: it leaves before anything is sealed behind it
  std::size_t sent_this_turn_ = 0;  // plaintext, directly
  std::uint64_t flushed_ = 0;
  std::uint64_t records_flushed_ = 0;
  error_code output_end_;  // sticky
  time_point last_progress_{};

  // The input gate: the only place that reads from the next layer.
  bool filling_ = false;
  bool wants_fill_ = false;
  bool fill_is_let_go_ = false;  // nobody wanted it any more, and it is about to end
  bool more_is_likely_ = false;  // the last fill brought much
  error_code input_end_;         // sticky; eof after close_notify

  std::uint64_t small_records_from_ = 0;  // of all plaintext sealed
  time_point last_sealed_{};

  std::uint64_t queued_writes_ = 0;
  std::uint64_t queued_closes_ = 0;
  std::size_t kept_bytes_ = 0;
  std::uint64_t key_updates_counted_ = 0;
  std::uint64_t key_updates_spent_ = 0;
  time_point key_updates_earned_{};

  time_point armed_until_ = never;
  std::thread::id driver_;  // who is in drive(), perhaps outside of the lock to run a handler
  bool drive_again_ = false;
  bool closed_ = false;
};

}  // namespace tls_async::detail

#include <tls_async/io/detail/stream_core.ipp>
#include <tls_async/io/detail/stream_core_descriptor.ipp>
#include <tls_async/io/detail/stream_core_input.ipp>
#include <tls_async/io/detail/stream_core_output.ipp>
#include <tls_async/io/detail/stream_core_verb.ipp>
