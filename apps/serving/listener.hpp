// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Accepts connections and counts them: how many there are at once, what happens when the machine
// has no room for more, and how all of them end.
#pragma once

#include "admission.hpp"
#include "connection.hpp"
#include "server_log.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <string_view>

namespace serving {

struct listener_options {
  boost::asio::ip::tcp::endpoint endpoint;
  unsigned threads = 1;
  std::size_t connections = 500;  // beyond these, new ones wait to be accepted
  std::chrono::seconds stop{5};   // for what is in flight when we are asked to stop
  admission_options admission;
};

struct server_totals {
  tls_async::stats stats;  // of all connections, those that have ended included
  std::size_t connections = 0;
  std::uint64_t accepted = 0;  // connections, those that have ended included
  std::uint64_t refused = 0;   // that could not be accepted or served
  admission_state admission;
};

// Listens. Throws std::runtime_error, which names `option`.
boost::asio::ip::tcp::acceptor open_acceptor(boost::asio::any_io_executor const& executor,
                                             boost::asio::ip::tcp::endpoint const& endpoint,
                                             std::string_view option);

class listener {
public:
  // `client` is what accept(2) tells: a socket doesn't know it any more after a reset. A handshake
  // has to be an attempt of `as`.
  using make_connection = std::function<std::shared_ptr<connection>(
      boost::asio::ip::tcp::socket socket, boost::asio::ip::tcp::endpoint const& client,
      std::shared_ptr<arrival> as)>;

  // Listens at once; throws std::runtime_error if it cannot. The log has to outlive the
  // io_context's last run.
  listener(boost::asio::io_context& io, listener_options const& chosen, server_log& log);
  listener(listener const&) = delete;
  listener& operator=(listener const&) = delete;
  ~listener() { admission_->close(); }

  boost::asio::ip::tcp::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }
  // The strand of this object; what is not said to be callable from anywhere runs on it.
  boost::asio::any_io_executor const& executor() const { return executor_; }

  // Begins to accept. Call before the io_context runs. `make` is called on the strand of this.
  void start(make_connection make);
  // Accepts no more and asks each connection to finish; completes when all have ended or the
  // deadline (--stop-seconds) has passed.
  boost::asio::awaitable<void> finish();
  // Whether finish() was called. From any thread.
  bool is_stopping() const noexcept { return is_stopping_; }
  // Ends the connections that are left.
  boost::asio::awaitable<void> abort();

  // From any executor. At most a few times a second a new count.
  boost::asio::awaitable<server_totals> totals();

private:
  // A connection lives by what it has under way, and so ends on its own executor.
  struct open_connection {
    boost::asio::any_io_executor executor;
    std::weak_ptr<connection> there;
    std::shared_ptr<arrival> as;
  };
  using connections = std::list<open_connection>;

  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<bool> wait_until_admitted();
  boost::asio::awaitable<void> wait_for_room();
  boost::asio::awaitable<server_totals> count();
  boost::asio::awaitable<void> wait_for_end(std::chrono::seconds at_most);
  void serve(boost::asio::ip::tcp::socket socket, boost::asio::ip::tcp::endpoint const& client);
  void tell_all(void (connection::*what)());
  void forget(connections::iterator ended, std::exception_ptr const& failure,
              tls_async::stats const& done);
  void complain(std::string_view what);
  boost::asio::any_io_executor new_executor();
  bool closes() const { return options_.admission.above == when_full::close; }

  boost::asio::io_context& io_;
  listener_options const options_;
  server_log& log_;
  make_connection make_;
  boost::asio::any_io_executor executor_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer room_;  // cancelled when a connection ends
  boost::asio::steady_timer end_;   // cancelled when the last one ends
  std::shared_ptr<admission> admission_;
  connections connections_;
  std::atomic<bool> is_stopping_{false};
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  tls_async::stats ended_;  // of the connections that have ended
  std::chrono::steady_clock::time_point silent_until_{};
  server_totals totals_;  // as they were when they were last counted
  std::chrono::steady_clock::time_point counted_at_{};
};

}  // namespace serving
