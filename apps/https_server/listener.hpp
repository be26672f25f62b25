// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Accepts connections and counts their sessions: how many there are at once, what happens when the
// machine has no room for more, and how all of them end.
#pragma once

#include "service.hpp"
#include "session.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <list>
#include <memory>
#include <string_view>

namespace https_server {

class listener {
public:
  // Listens at once; throws std::runtime_error if it cannot. The options, context, files
  // and log have to outlive the io_context's last run.
  listener(boost::asio::io_context& io, options const& chosen, tls_async::context& context,
           static_files const* files, access_log& log);

  boost::asio::ip::tcp::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }
  // The strand of this object; what is not said to be callable from anywhere runs on it.
  boost::asio::any_io_executor const& executor() const { return executor_; }

  // Begins to accept. Call before the io_context runs.
  void start();
  // Accepts no more and lets each session finish its request; completes when all have ended or the
  // deadline (--stop-seconds) has passed.
  boost::asio::awaitable<void> finish();
  // Ends the sessions that are left.
  boost::asio::awaitable<void> abort();

private:
  // A session belongs to the coroutine that runs it, and so ends on its own executor.
  struct open_session {
    boost::asio::any_io_executor executor;
    std::weak_ptr<session> session_there;
  };
  using sessions = std::list<open_session>;

  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> wait_for_room();
  boost::asio::awaitable<server_totals> count();
  boost::asio::awaitable<void> wait_for_end(std::chrono::seconds at_most);
  void serve(boost::asio::ip::tcp::socket socket);
  void tell_all(void (session::*what)());
  void forget(sessions::iterator ended, std::exception_ptr const& failure);
  void complain(std::string_view what);
  boost::asio::any_io_executor new_executor();

  boost::asio::io_context& io_;
  options const& options_;
  tls_async::context& context_;
  boost::asio::any_io_executor executor_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer room_;  // cancelled when a session ends
  boost::asio::steady_timer end_;   // cancelled when the last session ends
  sessions sessions_;
  std::chrono::steady_clock::time_point silent_until_{};
  server_totals totals_;  // as they were when they were last counted
  std::chrono::steady_clock::time_point counted_at_{};
  service service_;
};

}  // namespace https_server
