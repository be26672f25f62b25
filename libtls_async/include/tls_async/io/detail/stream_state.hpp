// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session over a next layer: the only place that calls it with Asio, and the timer. In one heap
// state, which outlives the stream object for as long as the next layer or the timer is busy.
//
// Whatever happens is told to the session under the lock, and then performed: `perform()` does what
// the session asks for. Code of the program (handlers, callables, allocators) runs without the
// lock. What a verb starts is on its way when its initiating function returns.
//
// Longer than other files, since it is one class: whatever its parts do, they do it under that one
// lock, and what the lock is let go for can be seen here only. What it asks about the type of the
// next layer stands in next_layer.hpp.
#pragma once

#include <tls_async/gates/session.hpp>
#include <tls_async/io/detail/access.hpp>
#include <tls_async/io/detail/asio_environment.hpp>
#include <tls_async/io/detail/hook_call.hpp>
#include <tls_async/io/detail/kernel_has_tls.hpp>
#include <tls_async/io/detail/lowest_layer.hpp>
#include <tls_async/io/detail/next_layer.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace tls_async::detail {

/// Held by the one thread that is inside a stream. Recursive, for callbacks of OpenSSL and the like
/// may start a verb from inside.
using stream_lock = std::unique_lock<std::recursive_mutex>;

/// `NextLayer` is a stream or a reference to one. `Clock` has the duration of
/// std::chrono::steady_clock.
template <class NextLayer, class Clock>
class stream_state final : public std::enable_shared_from_this<stream_state<NextLayer, Clock>>,
                           private memory_account::waiter {
public:
  using next_layer_type = std::remove_reference_t<NextLayer>;
  using executor_type = typename next_layer_type::executor_type;
  using lowest = lowest_layer<next_layer_type>;
  static constexpr bool is_closed_by_us =
      !std::is_reference_v<NextLayer> &&
      (closes_with_code<typename lowest::type> || closes<typename lowest::type>);

  static constexpr bool is_told_what_to_end = is_tls_stream<next_layer_type>;

  template <class Arg, class Source>
  stream_state(Arg&& next_layer, Source* source, stream_options const& options)
      : session_(source, options, world()),
        next_layer_(std::forward<Arg>(next_layer)),
        timer_(next_layer_.get_executor()) {
    if (options.ktls != ktls::off && !is_socket<next_layer_type>) {
      throw boost::system::system_error(
          make_error_code(errc::bad_option),
          "ktls needs a socket as the next layer: a boost::asio::basic_stream_socket");
    }
    if constexpr (is_told_what_to_end) access::share_state(next_layer_)->session().carry_another();
  }
  stream_state(stream_state const&) = delete;
  stream_state& operator=(stream_state const&) = delete;
  ~stream_state() {
    abandon();
    session_.leave_account(*this);
    if (session_.has_news()) {  // of a stream that was destroyed from inside of OpenSSL
      auto inside = lock();
      tell_news(inside);
    }
  }

  /// For whatever follows, but for start(), cancel() and destroy_stream(), which take it.
  [[nodiscard]] stream_lock lock() const { return stream_lock(mutex_); }
  [[nodiscard]] class session& session() noexcept { return session_; }
  [[nodiscard]] tls_async::engine& engine() noexcept { return session_.engine(); }
  [[nodiscard]] stream_options const& options() const noexcept { return session_.options(); }
  [[nodiscard]] next_layer_type& next_layer() noexcept { return next_layer_; }
  [[nodiscard]] executor_type const& executor() noexcept { return timer_.get_executor(); }

  /// Takes `one` over; its handler is called later, never from within. `admit()`, under the lock,
  /// does what has to be done before, and returns why the verb can't be started.
  template <class Node, class Admit>
  void start(Node& one, Admit admit) {
    // A callable of the program, of this write or of one that waits, may destroy the stream.
    auto const alive = this->shared_from_this();
    try {
      if (auto slot = one.cancellation_slot(); slot.is_connected()) {
        slot.assign([weak = this->weak_from_this(), &one](boost::asio::cancellation_type type) {
          if (auto const state = weak.lock()) state->cancel(one, type);
        });
      }
      auto inside = lock();
      error_code refused = session_.is_closed() ? operation_aborted() : admit();
      if constexpr (std::is_base_of_v<write_verb, Node>) {
        if (one.moves && !refused && session_.may_locate()) {
          locate(one, inside);
          if (session_.is_closed()) refused = operation_aborted();
        }
      }
      if (begin(one, refused, inside)) return;
      // What it has read or sent is lost with it.
      if (one.bytes != 0) session_.fail_for_memory();
      perform(inside);
      hand_over(inside);
      throw std::bad_alloc();
    } catch (...) {
      if (auto slot = one.cancellation_slot(); slot.is_connected()) slot.clear();
      one.abandon();
      throw;
    }
  }
  /// The same of a verb without a handler, under the lock.
  template <class Node>
  void start_here(Node& one, stream_lock& inside) {
    if (!begin(one, {}, inside)) one.abandon();
  }

  void cancel(verb& v, boost::asio::cancellation_type type) {
    using boost::asio::cancellation_type;
    constexpr auto whatever = cancellation_type::terminal | cancellation_type::partial;
    if (type == cancellation_type::none) return;
    auto inside = lock();
    if (!session_.is_in_progress(v)) return;  // or its node is no more
    session_.cancel(v, (type & whatever) == cancellation_type::none, operation_aborted());
    perform(inside);
    hand_over(inside);
  }

  /// Of a stream that stands on this one: ends what it has outstanding here.
  void cancel_all(verb_kind kind) {
    auto inside = lock();
    session_.cancel_all(kind, operation_aborted());
    perform(inside);
    hand_over(inside);
  }

  void drop_bytes(std::size_t n) noexcept {
    auto const inside = lock();
    session_.drop_bytes(n);
  }

  /// Does what the session asks for, until there is nothing that could be done now. False if the
  /// lock was given up meanwhile.
  bool perform(stream_lock& inside) {
    bool has_stayed = true;
    for (bool again = true; again;) {
      prepare_descriptor();
      auto const wanted = session_.turn(*this);
      if (wanted.locate != nullptr) {
        locate(*wanted.locate, inside);
        has_stayed = false;
      } else {
        again = !begin_all(wanted);
      }
    }
    return has_stayed;
  }
  void locate(write_verb& write, stream_lock& inside) noexcept {
    inside.unlock();
    write.locate();
    inside.lock();
    session_.located(write);
  }
  /// Begins what is wanted, but for what has to be located. False if there was no memory for some
  /// of it, which the session has been told.
  bool begin_all(actions const& wanted);

  /// Calls no handler: those of verbs that are done are called later, each by its executor. Where
  /// there is no memory for that, with the next event; but there may be none that `own` waits for,
  /// so it is taken out then, and the answer is false.
  bool hand_over(stream_lock& inside, verb* own = nullptr) noexcept {
    // Not from here: the caller may be another stream, whose lock is held.
    if (has_next_layer_ && session_.has_news()) (void)call_handlers_soon();
    auto elsewhere = session_.take_done_elsewhere();
    bool all_on_their_way = true;
    if (!session_.has_done()) {
      go_idle();
    } else if (!call_handlers_soon() && own != nullptr && own->state() == verb_state::done &&
               own->on_io_executor) {
      session_.take_done(*own);
      all_on_their_way = false;
    }
    if (elsewhere.empty()) return all_on_their_way;
    verb_list unreached;
    inside.unlock();
    while (!elsewhere.empty()) {
      verb& first = elsewhere.front();
      elsewhere.pop_front();
      if (first.complete(hop::post)) continue;
      if (&first == own) {
        all_on_their_way = false;
      } else {
        unreached.push_back(first);
      }
    }
    inside.lock();
    session_.put_back(unreached);
    return all_on_their_way;
  }
  /// Tells the program what has happened, without the lock: it may do anything meanwhile, also
  /// destroy the stream. One thread at a time; what happens meanwhile is told by that one.
  void tell_news(stream_lock& inside) noexcept {
    if (is_beginning_ || !session_.begin_telling()) return;
    if (session_.has_done()) hand_over(inside);  // or it might wait for a handler in vain
    while (auto const told = session_.take_news()) {
      inside.unlock();
      told->tell();
      inside.lock();
    }
  }
  /// Where OpenSSL itself is to work on the socket, or does so.
  void prepare_descriptor() noexcept {
    if constexpr (is_socket<next_layer_type>) {
      if (session_.options().ktls == ktls::off) return;
      bool const has_one = engine().path().descriptor() != -1;
      if (!has_one && !session_.is_about_to_negotiate()) return;
      int const socket = descriptor();
      if (!has_one && socket != -1) {
        engine().path().use_descriptor(socket, &kernel_has_tls);
      } else if (has_one && engine().path().descriptor() != socket) {
        // Closed by its owner: the number may be another file's by now.
        abort_session(boost::asio::error::bad_descriptor, "the socket was closed");
      }
    }
  }
  [[nodiscard]] memory_account::waiter& waiter() noexcept { return *this; }

  /// A hook has decided, on whichever thread: what follows is done on the stream's executor.
  /// Without effect if nobody waits for that.
  void answer_question(hook_call& call, verdict decided) noexcept {
    auto inside = lock();
    if (call_.get() != &call) return;
    call.decided = std::move(decided);
    is_beginning_ = true;
    bool is_on_its_way = true;
    try {
      boost::asio::post(executor(), on<event::answered>());
    } catch (...) {
      is_on_its_way = false;
    }
    is_beginning_ = false;
    if (is_on_its_way) return;
    call_.reset();  // who answers has it too
    session_.decide(std::move(*call.decided));
    perform(inside);
    tell_news(inside);
    hand_over(inside);
  }

  /// The stream is gone. The next layer may follow at once if it is only referred to, so its
  /// operations are ended by signals of their own; one that is ours lives until they have, but is
  /// closed now. `when`: whether the program may be told from here.
  enum class telling : bool { later, now };
  void destroy_stream(telling when = telling::now) noexcept {
    auto inside = lock();
    bool const was_open = std::exchange(has_next_layer_, false);
    session_.close();
    drop_question();
    if (was_open && !is_abandoned_) {
      timer_.cancel();
      if constexpr (is_tls_stream<next_layer_type>) {
        end_next_stream();
      } else {
        auto const attempt = [](auto end_it) {
          try {
            end_it();
          } catch (...) {  // the next layer has no memory for its handlers
          }
        };
        attempt([this] { (void)flush_cancel_.emit(); });
        attempt([this] { (void)fill_cancel_.emit(); });
        if constexpr (is_closed_by_us) attempt([this] { close_next_layer(); });
      }
    }
    hand_over(inside);
    if (when == telling::now) tell_news(inside);
  }

private:
  enum class event {
    flushed,
    writable,
    filled,
    readable,
    landed,
    let_go,
    expired,
    asked,
    answered,
    done
  };

  // Keeps the state alive while the next layer or the timer is busy. Destroyed without having been
  // called, it tells that the io_context is going down: then the handlers of all verbs must be
  // destroyed too, for one of them may own the stream, and with it this state. It has no executor
  // of its own: the next layer's is where all of a stream runs, whoever has started what.
  template <event Event>
  class gate_handler {
  public:
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit gate_handler(stream_state& state, boost::asio::cancellation_slot slot = {})
        : state_(state.shared_from_this()), slot_(slot) {}
    gate_handler(gate_handler&&) noexcept = default;
    gate_handler& operator=(gate_handler&&) = delete;
    ~gate_handler() {
      if (!state_ || state_->is_beginning_) return;
      state_->is_abandoned_ = true;
      state_->abandon();
    }

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

    void operator()(error_code ec = {}, std::size_t n = 0) {
      auto const state = std::move(state_);
      auto inside = state->lock();
      if constexpr (Event == event::done) {
        state->call_handlers_and_look_again(inside);
      } else if constexpr (Event == event::asked) {
        state->ask_program(inside);
      } else if constexpr (Event == event::answered) {
        state->take_answer(inside);
      } else {
        try {
          state->template tell<Event>(ec, n);
        } catch (...) {
          state->session_.fail_for_memory();
        }
        state->perform(inside);
        state->tell_news(inside);
        state->call_handlers(inside);
      }
    }

  private:
    std::shared_ptr<stream_state> state_;
    boost::asio::cancellation_slot slot_;
  };

  template <event Event>
  gate_handler<Event> on(boost::asio::cancellation_slot slot = {}) {
    return gate_handler<Event>(*this, slot);
  }

  static time_point now() {
    return time_point(
        std::chrono::duration_cast<time_point::duration>(Clock::now().time_since_epoch()));
  }
  static environment const& world() noexcept {
    static environment const of_this{asio_environment(&now, sizeof(stream_state))};
    return of_this;
  }
  static error_code no_memory() noexcept {
    return make_error_code(boost::system::errc::not_enough_memory);
  }

  template <class Node>
  bool begin(Node& one, error_code refused, stream_lock& inside) noexcept {
    if (refused) {
      session_.reject(one, refused);
    } else {
      session_.start(one);
    }
    bool const is_there = perform(inside);  // else its handler may have been called
    return hand_over(inside, is_there ? &one : nullptr);
  }

  // The events.

  template <event Event>
  void tell(error_code ec, std::size_t n) {
    if constexpr (Event == event::flushed) {
      session_.flushed(ec, n);
    } else if constexpr (Event == event::writable) {
      session_.writable(ec);
    } else if constexpr (Event == event::filled) {
      session_.filled(ec, n);
    } else if constexpr (Event == event::readable) {
      receive(ec);
    } else if constexpr (Event == event::landed) {
      session_.landed(ec, std::as_bytes(std::span(landing_)), n);
    } else if constexpr (Event == event::let_go) {
      // It may be of a fill that has ended by itself, and the one after it be told already.
      if (session_.is_letting_go() && !std::exchange(fill_is_told_, true) && !fill_cancel_.emit())
        session_.leave_fill();
    } else {
      static_assert(Event == event::expired);
      if (!ec) session_.expired();
    }
  }
  // Asio's own receive would wait if there is nothing after all.
  void receive(error_code ec) {
    if (engine().path().receives_directly()) return session_.has_input(ec);
    if (ec || !has_next_layer_) return session_.landed(ec ? ec : operation_aborted(), {}, 0);
    auto const room = session_.fill_room();
    if (room.empty()) return session_.landed(no_memory(), {}, 0);
    ::ssize_t const n = ::recv(next_layer_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (n >= 0) return session_.filled({}, static_cast<std::size_t>(n));
    error_code const failed(errno, boost::system::system_category());
    bool const is_nothing =
        failed == boost::asio::error::would_block || failed == boost::asio::error::interrupted;
    return is_nothing ? session_.nothing_came() : session_.filled(failed, 0);
  }
  // From whichever thread has made room, under the lock of the account.
  void resume() override {
    boost::asio::post(executor(), [weak = this->weak_from_this()] {
      auto const state = weak.lock();
      if (!state) return;
      auto inside = state->lock();
      state->perform(inside);
      state->session_.account()->wake_one();
      state->tell_news(inside);
      state->call_handlers(inside);
    });
  }

  // What is to be done.

  void set_timer(actions const& wanted) {
    timer_.expires_at(typename Clock::time_point(wanted.timer.time_since_epoch()));
    timer_.async_wait(on<event::expired>());
  }
  void flush() {
    auto const ciphertext = engine().ring().readable();
    next_layer_.async_write_some(boost::asio::const_buffer(ciphertext.data(), ciphertext.size()),
                                 on<event::flushed>(flush_cancel_.slot()));
  }
  void wait_writable() {
    if constexpr (is_socket<next_layer_type>) {
      next_layer_.async_wait(next_layer_type::wait_write,
                             on<event::writable>(flush_cancel_.slot()));
    }
  }
  void fill(fill_way way) {
    fill_is_told_ = false;
    if (way == fill_way::at_once || (way == fill_way::if_something_is && something_is_there())) {
      if (auto const room = session_.fill_room(); !room.empty()) {
        return next_layer_.async_read_some(boost::asio::mutable_buffer(room.data(), room.size()),
                                           on<event::filled>(fill_cancel_.slot()));
      }
    }
    if constexpr (is_socket<next_layer_type>) {
      next_layer_.async_wait(next_layer_type::wait_read, on<event::readable>(fill_cancel_.slot()));
    } else {
      next_layer_.async_read_some(boost::asio::buffer(landing_),
                                  on<event::landed>(fill_cancel_.slot()));
    }
  }
  [[nodiscard]] bool something_is_there() {
    auto& bottom = lowest::of(next_layer_);
    if constexpr (requires(error_code ec) { bottom.available(ec); }) {
      error_code ignored;
      return bottom.available(ignored) != 0;
    }
    return false;
  }
  // By its signal, and not by cancel(): that would end a flush and what the program waits for too.
  void let_go_of_fill() {
    if constexpr (is_socket<next_layer_type>) {
      (void)fill_cancel_.emit();  // no completion of a socket touches the slot
    } else if constexpr (is_told_what_to_end) {
      auto const next = access::share_state(next_layer_);
      if (!next) return session_.leave_fill();  // it was moved away
      next->cancel_all(verb_kind::read);
    } else {
      // On its executor, where its completion touches the same slot.
      boost::asio::post(executor(), on<event::let_go>());
    }
  }

  // Hooks.

  void ask_program(stream_lock& inside) {
    bool const is_wanted = session_.hooks() != nullptr && engine().question() != nullptr;
    if (!is_wanted || call_ != nullptr) return;  // it has ended since
    call_ = hook_call_of<stream_state>::make(*this);
    if (auto call = call_) {
      auto const strand = call->executor();
      inside.unlock();
      try {
        boost::asio::dispatch(strand, hook_call::start(std::move(call)));
      } catch (std::bad_alloc const&) {  // it has no answer then
      }
      return;
    }
    session_.decide(verdict::refuse("no memory, or no executor"));
    perform(inside);
    tell_news(inside);
    call_handlers(inside);
  }
  void take_answer(stream_lock& inside) {
    if (call_ == nullptr || !call_->decided) return;  // dropped meanwhile
    auto call = std::exchange(call_, nullptr);
    session_.decide(std::move(*call->decided));
    perform(inside);  // first, and so on this thread, of which OpenSSL's job may be
    inside.unlock();
    call.reset();  // what its hook has captured is the program's
    inside.lock();
    tell_news(inside);
    call_handlers(inside);
  }
  void drop_question() noexcept {
    if (auto const call = std::exchange(call_, nullptr)) call->cancel();
  }

  // Handlers.

  // From a step of the next layer's executor. Each may do anything, also destroy the stream, run
  // the event loop or wait for another verb: so nothing is left undone when it is called, and what
  // follows it is with the executor too.
  void call_handlers(stream_lock& inside) {
    // One stream may not hold its thread for ever.
    constexpr int fairness = 256;
    verb_list unreached;
    std::exception_ptr thrown;
    for (int called = 0; session_.has_done(); ++called) {
      if (called >= fairness && call_handlers_soon()) break;
      verb* const next = session_.take_done();
      bool const others_will_be = !session_.has_done() || call_handlers_soon();
      inside.unlock();
      try {
        if (!next->complete(next->on_io_executor ? hop::none : hop::dispatch))
          unreached.push_back(*next);
      } catch (...) {
        if (others_will_be && unreached.empty()) throw;
        thrown = std::current_exception();  // there is no memory: nobody else calls them
      }
      inside.lock();
    }
    if (!session_.has_done()) go_idle();
    session_.put_back(unreached);  // until the next event
    if (thrown) std::rethrow_exception(thrown);
  }
  // When all is done that there was to be done.
  void go_idle() noexcept {
    if (session_.is_closed()) return;
    session_.go_idle();
    if (session_.wants_no_timer()) timer_.cancel();
  }
  // A handler that throws or runs the event loop leaves the second look to the next of these.
  void call_handlers_and_look_again(stream_lock& inside) {
    is_called_soon_ = false;
    tell_news(inside);
    bool const waits_for_them = looks_again_ && session_.has_done() && call_handlers_soon();
    if (!waits_for_them && std::exchange(looks_again_, false)) {
      session_.go_on();
      perform(inside);
      tell_news(inside);
    }
    call_handlers(inside);
  }
  // False if there is no memory for it.
  bool call_handlers_soon() noexcept {
    if (std::exchange(is_called_soon_, true)) return true;
    is_beginning_ = true;
    try {
      boost::asio::post(executor(), on<event::done>());
    } catch (...) {
      is_called_soon_ = false;
    }
    is_beginning_ = false;
    return is_called_soon_;
  }
  // Nobody will call a handler any more.
  void abandon() noexcept {
    auto const ends_last = std::exchange(call_, nullptr);  // its hook may own the stream
    auto all = session_.take_all();
    while (!all.empty()) {
      verb& first = all.front();
      all.pop_front();
      first.abandon();
    }
  }

  void abort_session(error_code why, char const* words) noexcept {
    try {
      engine().abort(why, words);
    } catch (...) {
      engine().abort(why);
    }
  }
  [[nodiscard]] int descriptor() {
    if (!has_next_layer_ || !next_layer_.is_open()) return -1;
    error_code ec;
    if (!next_layer_.native_non_blocking()) next_layer_.native_non_blocking(true, ec);
    return ec ? -1 : next_layer_.native_handle();
  }
  // Unless it has been moved away.
  void end_next_stream() noexcept {
    auto const next = access::share_state(next_layer_);
    if (!next) return;
    if constexpr (std::is_reference_v<NextLayer>) {
      next->cancel_all(verb_kind::write);
      next->cancel_all(verb_kind::read);
    } else {
      next->destroy_stream(std::remove_reference_t<decltype(*next)>::telling::later);
    }
  }
  void close_next_layer() noexcept {
    auto& bottom = lowest::of(next_layer_);
    error_code ignored;
    if constexpr (closes_with_code<typename lowest::type>) {
      bottom.close(ignored);
    } else {
      bottom.close();
    }
  }

  mutable std::recursive_mutex mutex_;
  class session session_;
  NextLayer next_layer_;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, executor_type> timer_;
  std::shared_ptr<hook_call> call_;  // of a hook that is asked
  [[no_unique_address]] operation_cancellation<!is_closed_by_us && !is_told_what_to_end>
      flush_cancel_;
  // Another type: two empty members of one have to have two addresses.
  struct fill_cancellation : operation_cancellation<!is_told_what_to_end> {};
  [[no_unique_address]] fill_cancellation fill_cancel_;
  [[no_unique_address]] std::conditional_t<is_socket<next_layer_type>, std::array<std::byte, 0>,
                                           std::array<std::byte, session::landing_bytes>>
      landing_;
  bool has_next_layer_ = true;
  bool fill_is_told_ = false;  // that it is to end
  bool is_abandoned_ = false;
  bool is_beginning_ = false;
  bool is_called_soon_ = false;  // handlers, by `event::done`
  bool looks_again_ = false;     // behind them
};

template <class NextLayer, class Clock>
bool stream_state<NextLayer, Clock>::begin_all(actions const& wanted) {
  bool all_begun = true;
  auto const attempt = [&](bool is_wanted, auto begin_it, auto tell_failure) {
    if (!is_wanted) return;
    is_beginning_ = true;
    try {
      begin_it();
    } catch (...) {
      tell_failure();
      all_begun = false;
    }
    is_beginning_ = false;
  };
  if (wanted.drop_question) drop_question();
  attempt(
      wanted.ask, [&] { boost::asio::post(executor(), on<event::asked>()); },
      [&] { session_.decide(verdict::refuse("no memory")); });
  attempt(
      wanted.let_go, [&] { let_go_of_fill(); }, [&] { session_.leave_fill(); });
  attempt(
      wanted.timer != never, [&] { set_timer(wanted); },
      [&] { engine().abort(no_memory()); });  // no verb would end in time
  attempt(
      wanted.wait_writable, [&] { wait_writable(); }, [&] { session_.writable(no_memory()); });
  attempt(
      wanted.flush, [&] { flush(); }, [&] { session_.flushed(no_memory(), 0); });
  attempt(
      wanted.fill != fill_way::none, [&] { fill(wanted.fill); },
      [&] { session_.filled(no_memory(), 0); });
  if (wanted.look_again) {
    looks_again_ = call_handlers_soon();
    if (!looks_again_) {
      session_.go_on();
      all_begun = false;
    }
  }
  return all_begun;
}

}  // namespace tls_async::detail
