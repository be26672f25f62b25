// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The lock is never held while a handshake is answered, for that may run the program's handlers.
#include "admission.hpp"

#include <boost/asio/post.hpp>

#include <openssl/tls1.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <tuple>

namespace serving {
namespace {

namespace asio = boost::asio;
using bytes = std::span<std::byte const>;
using tls_async::hook_answer;
using tls_async::verdict;

// What resumes goes first, but for each fourth: others don't wait for ever.
constexpr unsigned most_in_a_row = 3;
constexpr int internal_error = 80;  // RFC 8446 section 6.2: it has nothing to do with the peer

// An opaque<0..2^16-1> at the beginning of `from`, which it is taken off.
bytes take_vector(bytes& from) {
  if (from.size() < 2) return from = {};
  auto const size = std::to_integer<std::size_t>(from[0]) << 8 | std::to_integer<unsigned>(from[1]);
  if (from.size() - 2 < size) return from = {};
  auto const taken = from.subspan(2, size);
  from = from.subspan(2 + size);
  return taken;
}

// A forged ticket is none. Only two of a client's are looked at, so that a long list costs nothing.
bool resumes(tls_async::client_hello const& hello, tls_async::ticket_keys const& keys) {
  if (auto const ticket = hello.find(TLSEXT_TYPE_session_ticket))  // RFC 5077
    if (keys.authenticates(*ticket)) return true;
  auto const offered = hello.find(TLSEXT_TYPE_psk);  // RFC 8446 section 4.2.11
  if (!offered) return false;
  constexpr std::size_t age_bytes = 4;
  auto rest = *offered;
  auto identities = take_vector(rest);
  for (int i = 0; i != 2 && !identities.empty(); ++i) {
    if (keys.authenticates(take_vector(identities))) return true;
    identities = identities.subspan(std::min(age_bytes, identities.size()));
  }
  return false;
}

rate_limit rate_of(admission_options const& chosen) {
  return {std::max<std::uint64_t>(chosen.rate / 10, 1),
          rate_limit::clock::duration(std::chrono::seconds(1)) / chosen.rate};
}

}  // namespace

asio::ip::address network_of(asio::ip::address const& address) {
  if (address.is_v4()) return address;
  auto const whole = address.to_v6();
  if (whole.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, whole);
  auto octets = whole.to_bytes();
  std::fill(octets.begin() + 8, octets.end(), static_cast<unsigned char>(0));
  return asio::ip::address_v6(octets);
}

admission::admission(asio::any_io_executor const& executor, admission_options chosen,
                     std::function<void()> has_room)
    : options_(std::move(chosen)),
      timer_(executor),
      has_room_(std::move(has_room)),
      rate_(rate_of(options_)) {}

std::shared_ptr<arrival> admission::arrive() {
  return std::make_shared<arrival>(shared_from_this());
}

bool admission::is_full() const {
  std::scoped_lock const lock(mutex_);
  return options_.above == when_full::wait && waiting() >= options_.queue;
}

bool admission::end_silent() {
  std::scoped_lock const lock(mutex_);
  if (silent_.empty() || clock::now() < silent_.front()->since_ + options_.patience) return false;
  ++refused_.silent;
  end(*silent_.front(), silent_);
  return true;
}

// What it still does is refused or over, so it counts no more.
void admission::end(arrival& who, arrivals& of) {
  who.phase_ = arrival::phase::over;
  others_.splice(others_.end(), of, who.in_);
  try {
    asio::post(who.executor_, [which = who.who_] {
      if (auto const self = which.lock()) self->make_room();
    });
  } catch (...) {  // no memory: its own deadline ends it
  }
}

void admission::close() {
  for (;;) {
    std::optional<hook_answer> answer;
    std::unique_lock lock(mutex_);
    is_closed_ = true;
    has_room_ = nullptr;
    timer_.cancel();
    auto const found =
        std::ranges::find_if(lines_, [](auto const& each) { return !each.waiting.empty(); });
    if (found == lines_.end()) return;
    found->waiting.begin()->second->phase_ = arrival::phase::over;
    answer.emplace(*take(*found, found->waiting.begin()));
    lock.unlock();
    (*answer)(verdict::refuse("the server stops", internal_error));
  }
}

admission_state admission::state() const {
  std::scoped_lock const lock(mutex_);
  return {in_progress_.size(), waiting(), waited_, refused_};
}

void admission::count_full() {
  std::scoped_lock const lock(mutex_);
  ++refused_.full;
}

// Takes one out of its line.
std::optional<hook_answer> admission::take(line& from, those_waiting::iterator which) {
  bool const was_full = waiting() >= options_.queue;
  auto& who = *which->second;
  from.waiting.erase(which);
  if (was_full && waiting() < options_.queue && has_room_) has_room_();
  std::optional<hook_answer> answer(std::move(who.answer_));
  who.answer_.reset();
  return answer;
}

void admission::enter(arrival& who, bool resumes, hook_answer answer) {
  std::optional<hook_answer> refused;
  {
    std::unique_lock lock(mutex_);
    if (who.phase_ != arrival::phase::silent || is_closed_) {
      bool const has_begun = who.phase_ == arrival::phase::in_progress;  // a second ClientHello
      lock.unlock();
      return answer(has_begun ? verdict() : verdict::refuse("it came too late", internal_error));
    }
    who.line_ = resumes ? 0 : 1;
    auto& into = lines_[who.line_];
    auto const round =
        std::max(into.round, who.has_origin_ ? who.origin_->second.rounds[who.line_] : 0);
    who.place_ = {round, entered_++};
    into.waiting.emplace(who.place_, &who);
    if (who.has_origin_) who.origin_->second.rounds[who.line_] = round + 1;
    who.answer_.emplace(std::move(answer));
    who.phase_ = arrival::phase::waiting;
    others_.splice(others_.end(), silent_, who.in_);
    if (options_.above == when_full::close && waiting() > options_.queue) {
      // Whose address has the most before it, of whichever line.
      auto const last = [&](std::size_t index) {
        auto const& of = lines_[index];
        if (of.waiting.empty()) return std::tuple<std::uint64_t, std::size_t, std::uint64_t>();
        auto const& at = std::prev(of.waiting.end())->first;
        return std::tuple(at.first - of.round + 1, index, at.second);
      };
      auto& longest = lines_[last(0) < last(1) ? 1 : 0];
      auto const which = std::prev(longest.waiting.end());
      which->second->phase_ = arrival::phase::over;
      ++refused_.full;
      refused.emplace(*take(longest, which));
    }
  }
  if (refused) (*refused)(verdict::refuse("too many handshakes wait already", internal_error));
  advance();
  std::scoped_lock const lock(mutex_);
  if (who.phase_ == arrival::phase::waiting) ++waited_;
}

void admission::leave(arrival& who) noexcept {
  std::optional<hook_answer> unused;  // ends behind the lock
  try {
    {
      std::scoped_lock const lock(mutex_);
      auto const was = std::exchange(who.phase_, arrival::phase::over);
      if (was == arrival::phase::over) return;
      if (was == arrival::phase::silent) others_.splice(others_.end(), silent_, who.in_);
      if (was == arrival::phase::in_progress) others_.splice(others_.end(), in_progress_, who.in_);
      if (was == arrival::phase::waiting) {
        auto& from = lines_[who.line_];
        if (auto answer = take(from, from.waiting.find(who.place_)))
          unused.emplace(std::move(*answer));
      }
    }
    advance();
  } catch (...) {  // no memory for the timer: whoever comes or goes next sets it again
  }
}

// Begins as many as may begin now.
void admission::advance() {
  for (;;) {
    std::optional<hook_answer> answer;
    {
      std::scoped_lock const lock(mutex_);
      if (auto found = next(clock::now())) answer.emplace(std::move(*found));
    }
    if (!answer) return;
    (*answer)(verdict());
  }
}

std::optional<hook_answer> admission::next(clock::time_point now) {
  if (waiting() == 0) return {};
  bool const is_full = in_progress_.size() >= options_.handshakes;
  if (is_full && now < in_progress_.front()->since_ + options_.patience) {
    wait_until(in_progress_.front()->since_ + options_.patience);
    return {};
  }
  if (!rate_.admits(now)) {
    wait_until(rate_.next());
    return {};
  }
  if (is_full) {
    ++refused_.slow;
    end(*in_progress_.front(), in_progress_);
  }
  auto& [resuming, full] = lines_;
  bool const is_turn_of_full = !full.waiting.empty() && resumed_in_a_row_ >= most_in_a_row;
  bool const resumes = !resuming.waiting.empty() && !is_turn_of_full;
  resumed_in_a_row_ = resumes ? resumed_in_a_row_ + 1 : 0;
  auto& from = resumes ? resuming : full;
  auto const first = from.waiting.begin();
  auto& who = *first->second;
  from.round = first->first.first;
  who.phase_ = arrival::phase::in_progress;
  who.since_ = now;
  in_progress_.splice(in_progress_.end(), others_, who.in_);
  return take(from, first);
}

void admission::wait_until(clock::time_point then) {
  if (is_closed_) return;
  timer_.expires_at(then);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    if (cancelled) return;
    if (auto const self = weak.lock()) self->advance();
  });
}

arrival::arrival(std::shared_ptr<admission> to) : to_(std::move(to)) {
  std::scoped_lock const lock(to_->mutex_);
  in_ = to_->silent_.insert(to_->silent_.end(), this);
}

arrival::~arrival() {
  is_done();
  std::scoped_lock const lock(to_->mutex_);
  to_->others_.erase(in_);
  if (has_origin_ && --origin_->second.connections == 0) to_->origins_.erase(origin_);
}

void arrival::belongs_to(std::weak_ptr<connection> who, asio::any_io_executor const& executor) {
  std::scoped_lock const lock(to_->mutex_);
  who_ = std::move(who);
  executor_ = executor;
}

bool arrival::comes_from(asio::ip::address const& address) {
  std::scoped_lock const lock(to_->mutex_);
  auto const found = to_->origins_.try_emplace(network_of(address)).first;
  if (found->second.connections >= to_->options_.per_address) {
    ++to_->refused_.address;
    return false;
  }
  ++found->second.connections;
  origin_ = found;
  has_origin_ = true;
  return true;
}

void arrival::ask(tls_async::client_hello const& hello, hook_answer answer) {
  auto const& keys = to_->options_.tickets;
  to_->enter(*this, keys && resumes(hello, *keys), std::move(answer));
}

// Weak: who waits is held by its answer, which has these hooks.
attempt::attempt(arrival& of) : of_(of) {
  asking.client_hello = [weak = of.weak_from_this()](tls_async::client_hello const& hello,
                                                     hook_answer answer) {
    if (auto const self = weak.lock()) self->ask(hello, std::move(answer));
  };
}

}  // namespace serving
