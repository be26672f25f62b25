// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The accept loop, and the end of all connections.
#include "listener.hpp"

#include "as_values.hpp"
#include "descriptors.hpp"
#include "run_on.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace serving {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Counters that somebody is told of.
constexpr auto told = {&tls_async::stats::plaintext_sealed,   &tls_async::stats::plaintext_opened,
                       &tls_async::stats::ciphertext_flushed, &tls_async::stats::ciphertext_filled,
                       &tls_async::stats::records_sealed,     &tls_async::stats::flushes,
                       &tls_async::stats::messages,           &tls_async::stats::messages_merged};

asio::awaitable<tls_async::stats> stats_of(std::weak_ptr<connection> there) {
  auto const self = there.lock();
  co_return self ? self->stats() : tls_async::stats();
}

}  // namespace

tcp::acceptor open_acceptor(asio::any_io_executor const& executor, tcp::endpoint const& endpoint,
                            std::string_view option) {
  try {
    return {executor, endpoint};
  } catch (boost::system::system_error const& error) {
    std::ostringstream text;
    text << "cannot listen on " << endpoint << ": " << error.code().message()
         << "; choose another address or port with " << option << " (port 0 is any free one)";
    throw std::runtime_error(text.str());
  }
}

listener::listener(asio::io_context& io, listener_options const& chosen, server_log& log)
    : io_(io),
      options_(chosen),
      log_(log),
      executor_(new_executor()),
      acceptor_(open_acceptor(executor_, chosen.endpoint, "--listen")),
      room_(executor_),
      end_(executor_),
      admission_(std::make_shared<admission>(executor_, chosen.admission, [this] {
        try {
          asio::post(executor_, [this] { room_.cancel(); });
        } catch (...) {  // no memory: it looks again within a second
        }
      })) {}

// A single thread needs no strands.
asio::any_io_executor listener::new_executor() {
  if (options_.threads == 1) return io_.get_executor();
  return asio::make_strand(io_);
}

void listener::start(make_connection make) {
  make_ = std::move(make);
  asio::co_spawn(executor_, accept(), [](std::exception_ptr const& failure) {
    if (failure) std::rethrow_exception(failure);
  });
}

asio::awaitable<void> listener::accept() {
  tcp::endpoint client;
  while (acceptor_.is_open()) {
    if (!co_await wait_until_admitted()) continue;
    auto [error, socket] = co_await acceptor_.async_accept(new_executor(), client, as_values);
    if (!acceptor_.is_open()) break;
    bool const is_last = !error && is_of_reserve(socket.native_handle());
    if (is_last) error = asio::error::no_descriptors;
    if (error == asio::error::connection_aborted) continue;
    if (error) {
      // Out of descriptors, most often. The connection stays in the queue of the kernel, or is the
      // only one that doesn't, so to try again at once would spin.
      ++refused_;
      complain("cannot accept: " + error.message());
      if (is_last && closes()) continue;
      do
        co_await wait_for_room();
      while (is_last && acceptor_.is_open() && is_reserve_next(acceptor_.native_handle()));
      if (!is_last || !acceptor_.is_open()) continue;
    }
    if (closes() && connections_.size() >= options_.connections)
      admission_->count_full();
    else
      serve(std::move(socket), client);
  }
}

// False if there was no room, and may be now.
asio::awaitable<bool> listener::wait_until_admitted() {
  if (connections_.size() >= options_.connections) {
    // Only where somebody is there others have to go.
    co_await acceptor_.async_wait(tcp::acceptor::wait_read, as_values);
    if (!acceptor_.is_open() || connections_.size() < options_.connections) co_return false;
    if (!admission_->end_silent()) {
      complain("all " + std::to_string(connections_.size()) + " connections are in use; new ones " +
               (closes() ? "are closed" : "wait") + " (see --max-connections)");
      if (closes()) co_return true;
    }
  } else if (admission_->is_full()) {
    complain("as many handshakes wait as may; new connections wait (see --handshake-queue)");
  } else {
    co_return true;
  }
  co_await wait_for_room();
  co_return false;
}

asio::awaitable<void> listener::wait_for_room() {
  room_.expires_after(std::chrono::seconds(1));
  co_await room_.async_wait(as_values);
}

void listener::serve(tcp::socket socket, tcp::endpoint const& client) try {
  ++accepted_;
  auto const as = admission_->arrive();
  if (options_.admission.sees_clients && !as->comes_from(client.address()))
    return complain(client.address().to_string() +
                    " has as many connections as it may (see --connections-per-address)");
  auto const executor = socket.get_executor();
  auto const opened = make_(std::move(socket), client, as);
  as->belongs_to(opened, executor);
  auto const entry = connections_.insert(connections_.end(), {executor, opened, as});
  try {
    opened->start([this, entry](std::exception_ptr const& failure, tls_async::stats const& done) {
      asio::dispatch(executor_, [=, this] { forget(entry, failure, done); });
    });
  } catch (...) {
    connections_.erase(entry);
    throw;
  }
} catch (std::exception const& failure) {  // out of memory for one more
  ++refused_;
  complain(std::string("cannot serve a connection: ") + failure.what());
}

void listener::tell_all(void (connection::*what)()) {
  for (auto const& open : connections_) {
    asio::post(open.executor, [weak = open.there, what] {
      if (auto const self = weak.lock()) (self.get()->*what)();
    });
  }
}

void listener::forget(connections::iterator ended, std::exception_ptr const& failure,
                      tls_async::stats const& done) {
  ended_ += done;
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (std::exception const& error) {
    log_.event(log_level::error, "a connection failed", error.what());
  }
  connections_.erase(ended);
  room_.cancel();
  if (connections_.empty()) end_.cancel();
}

asio::awaitable<void> listener::finish() {
  is_stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  room_.cancel();
  admission_->close();
  tell_all(&connection::finish);
  co_await wait_for_end(options_.stop);
}

asio::awaitable<void> listener::abort() {
  if (connections_.empty()) co_return;
  log_.event(log_level::warning, "listener",
             "cutting " + std::to_string(connections_.size()) +
                 " connections that are still busy (see --stop-seconds)");
  tell_all(&connection::abort);
  co_await wait_for_end(std::chrono::seconds(1));
}

asio::awaitable<void> listener::wait_for_end(std::chrono::seconds at_most) {
  if (connections_.empty()) co_return;
  end_.expires_after(at_most);
  co_await end_.async_wait(as_values);
}

asio::awaitable<server_totals> listener::totals() { return run_on(executor_, count()); }

// Each connection is asked on its own executor. However many ask, it is done a few times a second
// only. One that ends meanwhile may be missing in this sum; it is in the next, and until then the
// counters stay where they were.
asio::awaitable<server_totals> listener::count() {
  auto const now = std::chrono::steady_clock::now();
  totals_.admission = admission_->state();  // which asks nobody
  if (now - counted_at_ < std::chrono::milliseconds(200)) co_return totals_;
  bool const is_first = counted_at_ == std::chrono::steady_clock::time_point{};
  if (!is_first) counted_at_ = now;  // else whoever asks meanwhile would be told of nothing
  server_totals sum{ended_, connections_.size(), accepted_, refused_, admission_->state()};
  std::vector<open_connection> const open(connections_.begin(), connections_.end());
  for (auto const& each : open)
    sum.stats += co_await run_on(each.executor, stats_of(each.there));
  for (auto const counter : told)
    sum.stats.*counter = std::max(sum.stats.*counter, totals_.stats.*counter);
  sum.accepted = std::max(sum.accepted, totals_.accepted);
  sum.refused = std::max(sum.refused, totals_.refused);
  if (is_first) counted_at_ = now;
  totals_ = sum;
  co_return sum;
}

// A client can bring these about at will, so they must not fill the log.
void listener::complain(std::string_view what) {
  auto const now = std::chrono::steady_clock::now();
  if (now < silent_until_) return;
  silent_until_ = now + std::chrono::seconds(10);
  log_.event(log_level::warning, "listener", what);
}

}  // namespace serving
