// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which handshakes may begin, and when. Each waits behind its ClientHello, in a queue that is fair
// to addresses, for one of few places and for its turn by a rate. Who holds others up, without a
// ClientHello or in the middle of a handshake, is ended. Opens and accepts nothing.
#pragma once

#include "connection.hpp"
#include "rate_limit.hpp"

#include <tls_async/io/hooks.hpp>
#include <tls_async/sessions/ticket_keys.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace serving {

// What becomes of connections for which there is no room.
enum class when_full { wait, close };

struct admission_options {
  std::size_t handshakes = 64;    // in progress at once
  std::uint64_t rate = 400;       // that begin within a second
  std::size_t queue = 250;        // that wait for these
  std::size_t per_address = 125;  // connections
  when_full above = when_full::wait;
  std::chrono::milliseconds patience{2000};  // with whoever holds others up
  bool sees_clients = true;  // else a proxy is in front, whose header tells where they come from
  std::shared_ptr<tls_async::ticket_keys const> tickets;  // whose clients go first; or null
};

// Connections that were not served.
struct refusals {
  std::uint64_t address = 0;  // there were enough from there
  std::uint64_t full = 0;     // there was no room, and they were not to wait (when_full::close)
  std::uint64_t silent = 0;   // no ClientHello, while others waited to be accepted
  std::uint64_t slow = 0;     // in their handshake, while others waited for their place
};

struct admission_state {
  std::size_t in_progress = 0;
  std::size_t waiting = 0;
  std::uint64_t waited = 0;  // all that have ever waited
  refusals refused;
};

// For whom an address stands: IPv6 has 2^64 for each of its networks (RFC 4291 section 2.5.1), and
// an IPv4 address may come as one of IPv6 (section 2.5.5.2).
boost::asio::ip::address network_of(boost::asio::ip::address const& address);

class arrival;

// Of one listener; from any thread.
class admission : public std::enable_shared_from_this<admission> {
public:
  using clock = rate_limit::clock;

  // `has_room` is called, on any thread and under a lock, when the queue has room again.
  admission(boost::asio::any_io_executor const& executor, admission_options chosen,
            std::function<void()> has_room);

  // A connection that was accepted.
  std::shared_ptr<arrival> arrive();
  // Whether the queue is full, so that nobody else should be accepted (when_full::wait).
  bool is_full() const;
  // Ends the connection that has been without a ClientHello for the longest time, if that is long
  // enough. Returns whether there was one.
  bool end_silent();
  // Refuses those that wait and all that are to come. Has to be called before the event loop ends.
  void close();
  admission_state state() const;
  void count_full();

private:
  friend class arrival;
  using address = boost::asio::ip::address;
  // An address that has many connections waits with each behind one of every other address. (Start-
  // time fair queueing: a round has one handshake of each address.)
  using place = std::pair<std::uint64_t, std::uint64_t>;  // the round, and who was first
  using those_waiting = std::map<place, arrival*>;
  struct line {
    those_waiting waiting;
    std::uint64_t round = 0;  // of the last that has left it
  };
  struct origin {
    std::size_t connections = 0;
    std::array<std::uint64_t, 2> rounds{};  // of the next handshake, in each line
  };
  using arrivals = std::list<arrival*>;

  void enter(arrival& who, bool resumes, tls_async::hook_answer answer);
  void leave(arrival& who) noexcept;
  void advance();
  std::optional<tls_async::hook_answer> next(clock::time_point now);
  std::optional<tls_async::hook_answer> take(line& from, those_waiting::iterator which);
  void end(arrival& who, arrivals& of);
  void wait_until(clock::time_point then);
  std::size_t waiting() const { return lines_[0].waiting.size() + lines_[1].waiting.size(); }

  admission_options const options_;
  std::mutex mutable mutex_;
  boost::asio::steady_timer timer_;  // for the next that waits
  std::function<void()> has_room_;
  rate_limit rate_;
  std::map<address, origin> origins_;  // those that have connections
  // The oldest first.
  arrivals silent_, in_progress_, others_;
  std::array<line, 2> lines_;  // those that resume a session, as it seems, and all others
  std::uint64_t entered_ = 0;
  unsigned resumed_in_a_row_ = 0;
  bool is_closed_ = false;
  std::uint64_t waited_ = 0;
  refusals refused_;
};

// One connection from its acceptance to its end, as it counts for the admission.
class arrival : public std::enable_shared_from_this<arrival> {
public:
  explicit arrival(std::shared_ptr<admission> to);
  arrival(arrival const&) = delete;
  arrival& operator=(arrival const&) = delete;
  ~arrival();

  // Whom to end where it holds others up. Call before it runs.
  void belongs_to(std::weak_ptr<connection> who, boost::asio::any_io_executor const& executor);
  // Counts it for this address. False if that has enough, so that it should be ended. Once.
  bool comes_from(boost::asio::ip::address const& address);
  // The handshake is over, or there will be none: its place is free.
  void is_done() noexcept { to_->leave(*this); }

private:
  friend class admission;
  friend class attempt;
  enum class phase { silent, waiting, in_progress, over };

  void ask(tls_async::client_hello const& hello, tls_async::hook_answer answer);

  // All of this is the admission's, by its lock.
  std::shared_ptr<admission> to_;
  std::weak_ptr<connection> who_;
  boost::asio::any_io_executor executor_;
  phase phase_ = phase::silent;
  admission::arrivals::iterator in_;
  admission::clock::time_point since_ = admission::clock::now();  // in its phase
  std::map<admission::address, admission::origin>::iterator origin_;
  bool has_origin_ = false;
  std::size_t line_ = 0;
  admission::place place_;
  std::optional<tls_async::hook_answer> answer_;
};

// One handshake of it, which has to be given `asking`. When this ends the handshake is over.
class attempt {
public:
  explicit attempt(arrival& of);
  attempt(attempt const&) = delete;
  attempt& operator=(attempt const&) = delete;
  ~attempt() { of_.is_done(); }

  tls_async::hooks asking;

private:
  arrival& of_;
};

}  // namespace serving
