// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One verb in progress, as the gates know it: what it wants, where its plaintext is, and where it
// stands. Its handler is behind it (io/detail/handler_operation.hpp). Knows no Asio.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/question.hpp>
#include <tls_async/error.hpp>

#include <boost/intrusive/list.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace tls_async {

/// The length that `tls_sendfile` takes for all of the file from `offset` on.
inline constexpr std::uint64_t to_the_end = UINT64_MAX;

namespace detail {

using time_point = std::chrono::steady_clock::time_point;
inline constexpr time_point never = time_point::max();

/// As Asio has them.
inline error_code system_code(int number) noexcept {
  return {number, boost::system::system_category()};
}
inline error_code operation_aborted() noexcept { return system_code(ECANCELED); }

/// Whose clock it is: that of the stream.
using clock_function = time_point (*)();

enum class verb_kind : std::uint8_t { read, write, key_update, handshake, close_write, shutdown };

/// Where a verb stands. docs/architecture.md has the picture, which is drawn from `transitions`.
enum class verb_state : std::uint8_t {
  fresh,        ///< Not started.
  negotiating,  ///< A handshake.
  reading,      ///< A read that waits for plaintext.
  queued,       ///< In the output queue; OpenSSL has nothing of it.
  under_way,    ///< First in the output queue, and OpenSSL has begun it.
  leaving,      ///< It has its result, and waits until its ciphertext has left.
  closing,      ///< A shutdown whose close_notify is sealed, and which waits for the peer's.
  letting_go,   ///< Its result is that it was ended, and it waits for the end of the fill.
  done          ///< Its handler may be called.
};

struct verb_transition {
  verb_state from;
  verb_state to;
};

/// All that there are.
inline constexpr std::array transitions{
    verb_transition{verb_state::fresh, verb_state::negotiating},
    verb_transition{verb_state::fresh, verb_state::reading},
    verb_transition{verb_state::fresh, verb_state::queued},
    verb_transition{verb_state::fresh, verb_state::done},  // refused, or nothing to be done
    verb_transition{verb_state::negotiating, verb_state::leaving},
    verb_transition{verb_state::negotiating, verb_state::letting_go},
    verb_transition{verb_state::negotiating, verb_state::done},
    verb_transition{verb_state::reading, verb_state::leaving},  // an alert is to leave
    verb_transition{verb_state::reading, verb_state::letting_go},
    verb_transition{verb_state::reading, verb_state::done},
    verb_transition{verb_state::queued, verb_state::under_way},
    verb_transition{verb_state::queued, verb_state::leaving},
    verb_transition{verb_state::queued, verb_state::closing},
    verb_transition{verb_state::queued, verb_state::done},
    verb_transition{verb_state::under_way, verb_state::leaving},
    verb_transition{verb_state::under_way, verb_state::closing},
    verb_transition{verb_state::under_way, verb_state::done},
    verb_transition{verb_state::leaving, verb_state::done},
    verb_transition{verb_state::closing, verb_state::leaving},
    verb_transition{verb_state::closing, verb_state::letting_go},
    verb_transition{verb_state::closing, verb_state::done},
    verb_transition{verb_state::letting_go, verb_state::done},
};

/// How a verb's handler is reached.
enum class hop : std::uint8_t {
  none,      ///< We are on its executor, and may call it.
  dispatch,  ///< By its executor, perhaps at once.
  post       ///< By its executor, and not from within.
};

class verb : public boost::intrusive::list_base_hook<
                 boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
  verb(verb const&) = delete;
  verb& operator=(verb const&) = delete;

  /// Frees the node and calls the handler with `result` and `bytes`. No lock may be held. False if
  /// there is no memory to reach its executor: nothing has happened then.
  [[nodiscard]] virtual bool complete(hop how) = 0;
  /// Frees the node and destroys the handler without calling it.
  virtual void abandon() noexcept = 0;

  [[nodiscard]] verb_state state() const noexcept { return state_; }
  /// Asserts that there is such a transition.
  void enter(verb_state next) noexcept;

  verb_kind const kind;
  bool on_io_executor = false;   ///< Its handler's executor is the next layer's own.
  bool stalls = false;           ///< Bounded by the progress of the flush rather than by `expiry`.
  bool is_detached = false;      ///< Nobody waits for it: only what is final ends it.
  bool blocks = false;           ///< Its thread waits for it, and not for memory.
  bool is_locating = false;      ///< Its callable runs now, without the lock: the node has to stay.
  std::uint16_t node_bytes = 0;  ///< What the stream counts for it.
  time_point expiry = never;
  time_point started{};  ///< Of one that has a deadline.
  error_code result{};
  error_code ended_with{};  ///< It was cancelled where it could not end at once.
  std::size_t bytes = 0;    ///< Plaintext read, or sealed.
  /// Where its ciphertext stands, in bytes from the start of the session.
  std::uint64_t ciphertext_begin = 0;
  std::uint64_t ciphertext_end = 0;

protected:
  explicit verb(verb_kind k) noexcept : kind(k) {}
  ~verb() = default;

private:
  verb_state state_ = verb_state::fresh;
};

using verb_list = boost::intrusive::list<verb, boost::intrusive::constant_time_size<false>>;

class read_verb : public verb {
public:
  /// The next piece of the caller's buffers to read into; empty when they are full.
  [[nodiscard]] virtual std::span<std::byte> place() = 0;
  virtual void advance(std::size_t n) = 0;

  bool const only_waits;  ///< Done when there is something to open, of which it takes nothing.

protected:
  explicit read_verb(bool w = false) noexcept : verb(verb_kind::read), only_waits(w) {}
  ~read_verb() = default;
};

/// Plaintext that stands in a file.
struct file_part {
  int file;
  std::uint64_t offset;
  std::uint64_t length;  ///< Or to_the_end.
};

class write_verb : public verb {
public:
  /// Asks the program where the plaintext is; what it throws is in `located_with`. The only
  /// function here that runs code of the program: no lock may be held.
  virtual void locate() noexcept {}
  error_code located_with{};  ///< What it has thrown, until the session is told.
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

  bool const some;               ///< Complete after the first batch of records, as write_some does.
  bool moves = false;            ///< It has to be located anew before it is sealed.
  bool stays_located = false;    ///< One that moves: not any more when it has been located.
  bool goes_on = false;          ///< Its result asks for more, and is no failure.
  bool is_last = false;          ///< It is not done before close_notify has left behind it.
  bool is_all_sealed = false;    ///< Of a last one: close_notify is still to be sealed.
  bool gathered_all = false;     ///< They are its last.
  std::uint32_t located_in = 0;  ///< Where it is was asked in this turn.
  std::size_t gathered = 0;      ///< Bytes of it that are about to be sealed.

protected:
  explicit write_verb(bool s) noexcept : verb(verb_kind::write), some(s) {}
  ~write_verb() = default;
};

/// It is to be sealed as plaintext, and not as a message of the session itself.
inline bool has_plaintext(verb const& v) noexcept {
  return v.kind == verb_kind::write && !static_cast<write_verb const&>(v).is_all_sealed;
}

/// It has failed, and only waits until what says so to the peer has left.
inline bool has_failed(verb const& v) noexcept {
  bool const goes_on = v.kind == verb_kind::write && static_cast<write_verb const&>(v).goes_on;
  return v.state() == verb_state::leaving && v.result && !goes_on;
}

/// What a handshake brings along to ask the program (io/detail/hook_call.hpp).
class hook_set {
public:
  hook_set(hook_set const&) = delete;
  hook_set& operator=(hook_set const&) = delete;
  virtual ~hook_set() = default;

  [[nodiscard]] virtual questions asks() const noexcept = 0;

protected:
  hook_set() = default;
};

class control_verb : public verb {
public:
  std::shared_ptr<hook_set const> hooks{};  ///< Of a handshake; may be null.
  bool asks_peer = false;  ///< Of a key_update: the peer is to change its keys too.

protected:
  explicit control_verb(verb_kind k) noexcept : verb(k) {}
  ~control_verb() = default;
};

/// Verbs that have their result, until their handlers are called.
class completions {
public:
  /// Takes `v` out of whatever list it is in.
  void finish(verb& v, error_code result) noexcept;
  [[nodiscard]] bool empty() const noexcept { return done_.empty(); }
  /// The first; null if there is none.
  [[nodiscard]] verb* take() noexcept;
  /// Those whose handlers run elsewhere than on the next layer's executor.
  [[nodiscard]] verb_list take_foreign() noexcept;
  /// `v` was one of them, and its handler can't be called now.
  void put_back(verb& v) noexcept {
    done_.push_back(v);
    if (!v.on_io_executor) ++foreign_;
  }
  /// `v` is one of them, and is no more.
  void remove(verb& v) noexcept { v.unlink(); }
  void take_all(verb_list& to) noexcept {
    foreign_ = 0;
    to.splice(to.end(), done_);
  }

private:
  verb_list done_;
  std::uint32_t foreign_ = 0;  // of them, those that take_foreign() looks for
};

}  // namespace detail
}  // namespace tls_async
