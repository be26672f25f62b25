// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is done once on a connection; requests are in http1.cpp and http2.cpp.
#include "session.hpp"

#include "http1.hpp"
#include "http2.hpp"

#include "serving/last_bytes.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <optional>
#include <utility>

namespace https_server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

bool is_plain_http(boost::system::error_code error) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
}

}  // namespace

session::session(tcp::socket socket, tcp::endpoint const& from,
                 std::shared_ptr<serving::arrival> as, std::shared_ptr<tls_async::context> tls,
                 service const& server)
    : arrival_(std::move(as)),
      client_(std::move(socket), from, std::move(tls), server),
      stall_watch_(
          client_.stream.get_executor(), server.limits.stall,
          [this] { return serving::acknowledged_bytes(client_.stream.next_layer()); },
          [this] {
            client_.stalled = true;
            abort();
          }) {}

void session::start(end_handler ended) {
  asio::co_spawn(client_.stream.get_executor(), run(),
                 [self = shared_from_this(), ended = std::move(ended)](
                     std::exception_ptr const& failure) { ended(failure, self->stats()); });
}

asio::awaitable<void> session::run() {
  boost::system::error_code ignored;
  client_.stream.next_layer().set_option(tcp::no_delay(true), ignored);
  if (!co_await handshake()) co_return;
  if (client_.stream.alpn() == "h2") co_return co_await serve_http2(client_);
  http1 requests{client_, stall_watch_, weak_from_this()};
  bool goes_on = true;
  bool is_told = false;
  while (goes_on) {
    // Not inside of serve_request, whose frame an idle connection would keep.
    goes_on = co_await requests.wait();
    if (!goes_on) break;
    goes_on = co_await requests.serve_one();
    is_told = client_.stalled;  // by the line of that request
  }
  if (requests.is_over() && serving::may_close(client_.stream.next_layer())) co_return;
  co_await shut_down(requests.has_body());
  if (client_.stalled && !is_told)
    client_.server.log.event(serving::log_level::debug, client_.name, client_.why({}));
}

void session::finish() {
  client_.finishing = true;
  client_.finish_signal.emit(asio::cancellation_type::terminal);
}

// The last response may have to wait until a slow client has taken it.
asio::awaitable<void> session::shut_down(bool has_body) {
  // One that has acknowledged it all may be gone, and would never acknowledge our close_notify.
  if (!serving::has_arrived(client_.stream.next_layer())) {
    auto const watched = stall_watch_.begin(weak_from_this());
    co_await serving::deliver(client_.stream);
  }
  // A body is passed over: to close before its end would reset the connection and the response.
  auto const deadline =
      has_body && !client_.finishing ? client_.server.limits.header : std::chrono::seconds(2);
  co_await tls_shutdown(client_.stream, deadline, until_finish(client_));
}

asio::awaitable<bool> session::handshake() {
  auto& server = client_.server;
  std::optional<serving::attempt> attempt{std::in_place, *arrival_};
  auto const [error] = co_await tls_handshake(client_.stream, tls_async::as_server{attempt->asking},
                                              server.limits.handshake, until_finish(client_));
  attempt.reset();
  if (error && !client_.finishing) {
    server.log.event(serving::log_level::debug, client_.name,
                     is_plain_http(error)
                         ? "the client speaks plain HTTP; its URL has to begin with https://"
                         : "handshake failed: " + client_.why(error));
  }
  if (error) co_return false;
  // In one word with the address, so that every line of the log has it.
  auto const subject = client_.stream.session_info().peer_subject;
  if (!subject.empty())
    client_.name += '/' + boost::algorithm::replace_all_copy(subject, " ", "\\x20");
  if (server.ktls)
    server.log.event(
        serving::log_level::info, client_.name,
        std::string("kernel TLS is ") + to_string(client_.stream.ktls_status().sending));
  co_return true;
}

}  // namespace https_server
