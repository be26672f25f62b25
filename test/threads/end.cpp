// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The life of an end: handshake, reads beside writes and key updates, the two halves' ends, and
// what is done to the stream meanwhile.
#include "end.hpp"

#include <tls_async/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <utility>

namespace tls_async::threads {

void end::begin() {
  writers_left_ = plan().writers.size() + 1 + (plan().key_updates != 0 ? 1 : 0);
  auto const work = [self = shared_from_this()] {
    if (self->plan().expires_after) self->set_expiry(*self->plan().expires_after);
    self->shake(0);
    if (self->plan().early_verbs) self->start_work();
    for (act_plan const& one : self->plan().acts)
      later(self->home(), one.after, [self, what = one.what] { self->run_act(what); });
  };
  if (is_shared()) return work();
  asio::post(home().executor, work);
}

verb_ptr end::make(verb_kind what, maybe_limit limit, bool binds) {
  auto made = std::make_shared<verb>(shared_from_this(), what);
  made->limit = limit;
  made->binds = binds;
  made->where = !binds ? in_.socket : in_.home;
  if (binds && !in_.others.empty() && what != verb_kind::handshake && what != verb_kind::shutdown)
    made->where = in_.others[turn_++ % in_.others.size()];
  if (limit) {
    count("deadlines");
    if (*limit == time_limit::none()) count("deadline max");
    if (limit->span() == limit->span().zero()) count("deadline 0");
  }
  return made;
}

bool end::start(verb_ptr const& one) {
  auto const launched = [&] {
    if (!has_stream()) return false;
    count(one->binds ? "bound handlers" : "plain handlers");
    ++mine().in_progress[static_cast<std::size_t>(one->what)];
    inside_call const inside(*this);
    std::unique_lock<std::recursive_mutex> holds(program_, std::defer_lock);
    if (one->holds_mutex) {
      count("under a mutex");
      holds.lock();
    }
    launch(one);
    return true;
  };
  if (is_shared()) {
    std::shared_lock const keeps_the_stream(calls_);
    return launched();
  }
  if (!home().is_here()) complain(name() + ": this model calls from elsewhere");
  return launched();
}

void end::later(place const& where, std::chrono::microseconds after, std::function<void()> what) {
  auto const timer = std::make_shared<asio::steady_timer>(where.executor, after);
  timer->async_wait([timer, what = std::move(what)](error_code) { what(); });
}

void end::cancel_some_time(verb_ptr const& one) {
  static std::atomic<unsigned> turn = 0;
  unsigned const now = turn++;
  constexpr std::array types{asio::cancellation_type::terminal, asio::cancellation_type::partial,
                             asio::cancellation_type::total};
  later(*one->where, std::chrono::microseconds(now % 7 * 50),
        [self = shared_from_this(), weak = std::weak_ptr(one), type = types[now % 3]] {
          auto const verb = weak.lock();
          if (!verb || verb->runs != 0) return;
          count("signal emitted");
          verb->is_cancelled = true;
          inside_call const inside(*self);
          verb->signal.emit(type);
        });
}

void end::shake(std::size_t attempt) {
  bool const has_limit = attempt < plan().handshake_limits.size();
  bool const is_cancelled = attempt < plan().handshake_cancels;
  auto const one =
      make(verb_kind::handshake, has_limit ? plan().handshake_limits[attempt] : maybe_limit(),
           is_cancelled || plan().reader.binds);
  one->has_slot = is_cancelled;
  one->then = [this, attempt](verb&, error_code ec, std::size_t) {
    bool const again = ec == asio::error::operation_aborted || ec == asio::error::timed_out;
    if (again && !mine().is_broken && !mine().is_gone) return shake(attempt + 1);
    if (ec) fail("handshake", ec);
    is_up();
  };
  if (!start(one)) return is_up();
  if (is_cancelled) cancel_some_time(one);
}

void end::is_up() {
  mine().has_shaken = true;
  in_.with->has_shaken();
  is_up_ = true;
  if (!plan().early_verbs) start_work();
  if (plan().key_updates != 0) update_keys(plan().key_updates);
  writer_has_ended();  // the handshake is one
}

void end::start_work() {
  using style = reader_plan::style;
  switch (plan().reader.how) {
    case style::callbacks:
      read();
      break;
    case style::coroutine:
    case style::operators:
      count("coroutines");
      read_in_coroutine(plan().reader.how == style::operators);
      break;
    case style::thread_of_futures:
      in_.with->spawn([self = shared_from_this()] { self->read_futures(); });
      break;
  }
  for (std::size_t w = 0; w != plan().writers.size(); ++w)
    start_writer(w);
}

void end::read() {
  reader_plan const& how = plan().reader;
  std::size_t const number = reads_++;
  bool const is_cancelled = number < how.cancels;
  auto const one =
      make(verb_kind::read, number < how.limits.size() ? how.limits[number] : maybe_limit(),
           is_cancelled || how.binds);
  one->room.resize(how.room);
  one->as_some = how.as_some && !one->limit;
  one->has_slot = is_cancelled;
  one->then = [this, started = started_++](verb& done, error_code ec, std::size_t n) {
    has_come(started, {done.room.data(), n});
    if (ec == errc::second_read && second_reads_ != 0) {
      is_refused_ = true;
      return;
    }
    if (ec == errc::second_read || reads_on(ec)) return read();
    reader_has_ended();
  };
  if (!start(one)) return reader_has_ended();
  if (is_cancelled) cancel_some_time(one);
  if (number < how.second_reads) second_read();
}

void end::second_read() {
  auto const one = make(verb_kind::read, maybe_limit(), plan().reader.binds);
  one->is_second = true;
  one->room.resize(plan().reader.room);
  // The first may be done by now, and its handler on its way: then this one is in order, and that
  // which follows the first is refused.
  one->then = [this, started = started_++](verb& done, error_code ec, std::size_t n) {
    has_come(started, {done.room.data(), n});
    --second_reads_;
    bool const was_refused = ec == errc::second_read;
    if (!is_refused_ || (was_refused && second_reads_ != 0)) return;
    is_refused_ = false;
    if (was_refused || reads_on(ec)) return read();
    reader_has_ended();
  };
  if (start(one)) {
    ++second_reads_;
  } else {
    --started_;
  }
}

// Of two reads whose first is done when the second starts, two threads bring the handlers on their
// way, and the second's may be called first.
void end::has_come(std::size_t number, std::string_view bytes) {
  come_early_.emplace(number, bytes);
  while (!come_early_.empty() && come_early_.begin()->first == told_) {
    auto const next = come_early_.extract(come_early_.begin());
    in_.peers->sent->arrive(next.mapped());
    ++told_;
  }
}

void end::read_futures() {
  std::vector<char> room(plan().reader.room);
  for (;;) {
    error_code ec;
    std::size_t n = 0;
    if (!read_as_future(room, ec, n)) break;
    count("read by future");
    judge(verb_kind::read, ec, n, false, false);
    has_come(room.data(), n);
    if (!reads_on(ec)) break;
  }
  reader_has_ended();
}

void end::update_keys(std::size_t left) {
  if (left == 0) return writer_has_ended();
  bool const is_cancelled = left <= plan().key_update_cancels;
  auto const one = make(verb_kind::key_update, maybe_limit(), is_cancelled || plan().reader.binds);
  one->asks_peer = plan().asks_peer;
  one->has_slot = is_cancelled;
  one->then = [this, left](verb&, error_code ec, std::size_t) {
    update_keys(writes_on(ec) ? left - 1 : 0);
  };
  if (!start(one)) return writer_has_ended();
  if (is_cancelled) {
    count("key update with a slot");
    cancel_some_time(one);
  }
}

void end::reader_has_ended() { half_has_ended(); }

void end::writer_has_ended() {
  if (--writers_left_ != 0) return;
  if (plan().answers) return half_has_ended();
  end_writing(0);
}

void end::end_writing(std::size_t attempt) {
  mine().closes = true;
  bool const is_cancelled = attempt == 0 && plan().cancels_close;
  auto const one = make(verb_kind::close_write, maybe_limit(), is_cancelled || plan().reader.binds);
  one->has_slot = is_cancelled;
  one->then = [this, attempt](verb&, error_code ec, std::size_t) {
    if (ec && writes_on(ec)) return end_writing(attempt + 1);
    if (ec) fail("close_write", ec);
    half_has_ended();
  };
  // The last writer may have been one outside.
  if (is_shared() || home().is_here()) {
    if (!start(one)) return half_has_ended();
    if (is_cancelled) cancel_some_time(one);
    return;
  }
  complain(name() + ": this model ends elsewhere");
}

void end::half_has_ended() {
  if (--halves_left_ != 0) return;
  bool const shuts = (plan().answers || plan().shuts) && !is_shutting_;
  if (!shuts) return finish();
  shut_down(0, [this] { finish(); });
}

void end::shut_down(std::size_t attempt, std::function<void()> then) {
  mine().closes = true;
  is_shutting_ = true;
  bool const is_cancelled = attempt == 0 && plan().can_cancel_shutdown;
  auto const one = make(
      verb_kind::shutdown,
      attempt == 0 && plan().shuts ? maybe_limit(std::chrono::microseconds(300)) : maybe_limit(),
      is_cancelled || plan().reader.binds);
  one->has_slot = is_cancelled;
  one->then = [this, attempt, then](verb&, error_code ec, std::size_t) {
    if (writes_on(ec) && ec) return shut_down(attempt + 1, then);
    is_shutting_ = false;
    if (ec) fail("shutdown", ec);
    then();
  };
  if (!start(one)) {
    is_shutting_ = false;
    return then();
  }
  if (is_cancelled) cancel_some_time(one);
}

void end::finish() {
  if (mine().has_finished.exchange(true)) return;
  if (plan().leaves)
    later(home(), std::chrono::microseconds(0),
          [self = shared_from_this()] { self->destroy_now(); });
  in_.with->has_finished();
}

void end::fail(char const*, error_code) {
  // What is broken is let go of, so that the peer sees an end.
  mine().is_broken = true;
  later(home(), std::chrono::microseconds(0), [self = shared_from_this()] { self->destroy_now(); });
}

void end::leave() {
  asio::post(home().executor, [self = shared_from_this()] { self->destroy_now(); });
}

void end::destroy_now() {
  mine().is_gone = true;
  if (!is_shared()) {
    inside_call const inside(*this);
    return destroy_stream();
  }
  std::unique_lock const alone(calls_);
  inside_call const inside(*this);
  destroy_stream();
}

void end::run_act(act what) {
  if (what == act::look) {
    std::shared_lock<std::shared_mutex> keeps_the_stream(calls_, std::defer_lock);
    if (is_shared()) keeps_the_stream.lock();
    if (!has_stream()) return;
    count("looked at");
    return do_act(what);
  }
  std::unique_lock<std::shared_mutex> alone(calls_, std::defer_lock);
  if (is_shared()) alone.lock();
  if (!has_stream() || mine().has_finished) return;
  inside_call const inside(*this);
  switch (what) {
    case act::destroy:
      count("destroyed");
      mine().is_broken = mine().is_gone = true;
      return destroy_stream();
    case act::close:
      count("closed");
      mine().is_broken = true;
      return do_act(what);
    case act::cancel_below:
      count("cancelled below");
      mine().is_cancelled_below = true;
      return do_act(what);
    case act::shut_early:
      if (!is_up_ || mine().closes) return;
      count("shut early");
      mine().discards = true;
      return shut_down(0, [] {});
    case act::move:
      count("moved");
      return do_act(what);
    case act::look:
      return;
  }
}

}  // namespace tls_async::threads
