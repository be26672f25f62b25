// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// When a handshake and a session end, what is counted then, and what is told of it. Nothing here
// fails: where there is no memory an event is lost, and counted.
#include <tls_async/gates/news.hpp>
#include <tls_async/gates/session.hpp>

#include <boost/system/errc.hpp>

#include <cerrno>
#include <ctime>
#include <string>
#include <utility>

namespace tls_async::detail {
namespace {

std::chrono::nanoseconds thread_time() noexcept {
  ::timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

// OpenSSL's error stack has one error a line.
std::string on_one_line(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;)
    text.replace(at, 1, "; ");
  return text;
}

}  // namespace

void report::tell() const noexcept {
  try {
    (*whom_)(what_);
  } catch (...) {
    counters_.count_thrown();
  }
}

// One after the other, however many there are.
news::~news() {
  while (first_ != nullptr)
    first_ = std::move(first_->next_);
}

void news::add(session_event&& what) {
  auto added = std::make_unique<report>(std::move(what), whom_, counters_);
  auto* const last = added.get();
  (first_ == nullptr ? first_ : last_->next_) = std::move(added);
  last_ = last;
}

bool news::begin_telling() noexcept {
  bool const begins = has_any();
  is_telling_ = is_telling_ || begins;
  return begins;
}

std::unique_ptr<report> news::take() noexcept {
  auto taken = std::move(first_);
  if (taken != nullptr) first_ = std::move(taken->next_);
  is_telling_ = taken != nullptr;
  return taken;
}

// A step of the first handshake, whose time is only measured where somebody is told of it.
want session::negotiate() {
  if (life_ == life::before) {
    life_ = life::negotiating;
    if (news_) news_->began = parts_.now();
  }
  if (!news_) return parts_.engine.handshake().next;
  auto const began = thread_time();
  want const next = parts_.engine.handshake().next;
  news_->cpu_time += thread_time() - began;
  return next;
}

// At the end of each turn.
void session::note_ends() noexcept {
  if (life_ == life::negotiating && parts_.engine.handshake_done())
    end_handshake(end_reason::ok, {});
  if (life_ == life::before || life_ == life::over) return;
  if (auto const why = final_error()) {
    auto const reason = reason_of_final_error();
    life_ == life::open ? end_session(reason, why) : end_handshake(reason, why);
  } else if (life_ == life::open && output_.is_closing() &&
             parts_.engine.phase() == phase::closed && has_all_left()) {
    end_session(end_reason::ok, {});
  }
}

// Nothing more can happen to it.
void session::end_life() noexcept {
  note_ends();
  error_code const why = has_timed_out_ ? system_code(ETIMEDOUT) : operation_aborted();
  if (life_ == life::negotiating) {
    end_handshake(has_timed_out_ ? end_reason::timed_out : end_reason::cancelled, why);
  } else if (life_ == life::open) {
    auto const reason = reason_of_silent_end();
    bool const is_closed = reason != end_reason::timed_out && reason != end_reason::abandoned;
    end_session(reason, is_closed ? error_code() : why);
  }
}

bool session::has_all_left() const noexcept {
  return !output_.is_flushing() && parts_.engine.ring().output_bytes() == 0;
}

error_code session::final_error() const noexcept {
  if (parts_.engine.failure()) return failure_code();
  return output_.error() ? output_.error() : input_.error();
}

end_reason session::reason_of_final_error() const noexcept {
  auto const& engine = parts_.engine;
  if (engine.failure())
    return reason_of(engine.failure(), engine.error_info(), !engine.handshake_done());
  auto const why = final_error();
  if (why == parts_.world.truncated) return end_reason::truncated;
  return why == boost::system::errc::not_enough_memory ? end_reason::out_of_memory
                                                       : end_reason::connection_failed;
}

end_reason session::reason_of_silent_end() const noexcept {
  auto const& engine = parts_.engine;
  bool const is_sent = engine.close_notify_sent() && has_all_left();
  if (engine.close_notify_received()) return is_sent ? end_reason::ok : end_reason::closed_by_peer;
  if (engine.close_notify_sent()) return end_reason::closed_by_us;
  return has_timed_out_ ? end_reason::timed_out : end_reason::abandoned;
}

void session::end_handshake(end_reason reason, error_code result) noexcept {
  bool const is_done = reason == end_reason::ok;
  life_ = is_done ? life::open : life::over;
  auto* const counters = parts_.engine.counters();
  if (counters == nullptr) return;
  bool const is_server = parts_.engine.is_server();
  if (is_done) {
    counters->count_handshake(is_server, parts_.engine.is_resumed());
  } else {
    counters->count_failure(is_server, reason);
  }
  if (news_) add_news(session_event::kind::handshake_ended, reason, result);
}

void session::end_session(end_reason reason, error_code result) noexcept {
  life_ = life::over;
  auto* const counters = parts_.engine.counters();
  if (counters == nullptr) return;
  counters->count_end(reason);
  if (news_) add_news(session_event::kind::session_ended, reason, result);
}

void session::add_news(session_event::kind what, end_reason reason, error_code result) noexcept {
  auto& engine = parts_.engine;
  bool const is_of_handshake = what == session_event::kind::handshake_ended;
  try {
    session_event event;
    event.what = what;
    event.reason = reason;
    event.is_server = engine.is_server();
    event.duration = parts_.now() - news_->began;
    event.cpu_time = news_->cpu_time;
    event.result = result;
    event.stats = engine.stats();
    if (is_of_handshake) engine.counters()->count_duration(event.duration);
    // After SSL_clear(3) OpenSSL doesn't know any more.
    if (is_of_handshake) news_->info = engine.session_info();
    event.info = news_->info;
    if (result) {
      event.alert = engine.error_info().last_alert;
      event.text = on_one_line(engine.error_info().text());
    }
    news_->add(std::move(event));
  } catch (...) {
    engine.counters()->count_lost_event();
  }
}

}  // namespace tls_async::detail
