// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// HTTP by Beast.
#include "admin.hpp"

#include "as_values.hpp"
#include "run_on.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <memory>
#include <utility>

namespace serving {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr unsigned most_connections = 16;
constexpr std::size_t most_bytes = 4096;  // of a request
constexpr auto request_limit = std::chrono::seconds(5);

using request_parser = http::request_parser<http::empty_body>;
using part = std::array<char, most_bytes>;

// Beast's own reading takes whole fields and holds its limit against what is left, so a request
// could go on without end, and in time too: an operation that finds bytes there never times out.
asio::awaitable<beast::error_code> read_header(beast::tcp_stream& stream, request_parser& parser) {
  part received;
  std::size_t size = 0, taken = 0;
  beast::error_code error = http::error::need_more;
  while (error == http::error::need_more) {
    if (size == received.size()) co_return http::error::header_limit;
    auto const [end, count] =
        co_await stream.async_read_some(asio::buffer(received) + size, as_values);
    if (end) co_return end;
    size += count;
    taken += parser.put(asio::buffer(received.data() + taken, size - taken), error);
  }
  co_return error;
}

}  // namespace

admin::admin(asio::io_context& io, tcp::endpoint const& endpoint, listener& server,
             counters const& counted, live_context& tls, more_metrics more)
    : executor_(asio::make_strand(io)),
      acceptor_(open_acceptor(executor_, endpoint, "--admin")),
      server_(server),
      counted_(counted),
      tls_(tls),
      more_(std::move(more)) {
  asio::co_spawn(executor_, accept(), [](std::exception_ptr const& failure) {
    if (failure) std::rethrow_exception(failure);
  });
}

asio::awaitable<void> admin::accept() {
  asio::steady_timer pause{executor_};
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(as_values);
    if (error && error != asio::error::connection_aborted) {  // out of descriptors
      pause.expires_after(std::chrono::seconds(1));
      co_await pause.async_wait(as_values);
    }
    if (error) continue;
    if (open_.size() == most_connections) {  // who has said nothing for so long goes first
      open_.front()->close();
      open_.pop_front();
    }
    auto const stream = std::make_shared<beast::tcp_stream>(std::move(socket));
    open_.push_back(stream);
    asio::co_spawn(executor_, serve(*stream),
                   [this, stream](std::exception_ptr const&) { open_.remove(stream); });
  }
}

asio::awaitable<std::string> admin::current_metrics() {
  auto const totals = co_await server_.totals();
  co_return metrics(totals, counted_, tls_.counters(), tls_.ends(), tls_.is_current()) +
      (more_ ? more_() : std::string());
}

asio::awaitable<void> admin::serve(beast::tcp_stream& stream) {
  stream.expires_after(request_limit);
  request_parser parser;
  auto const error = co_await read_header(stream, parser);
  if (error && error.category() != make_error_code(http::error::bad_method).category()) co_return;

  http::response<http::string_body> response;
  auto const say = [&](http::status status, std::string text) {
    response.result(status);
    response.body() = std::move(text);
  };
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  auto const& request = parser.get();
  auto const target = request.target().substr(0, request.target().find('?'));
  bool const is_head = request.method() == http::verb::head;
  if (error) {
    say(http::status::bad_request, "not a small request of HTTP\n");
  } else if (!is_head && request.method() != http::verb::get) {
    response.set(http::field::allow, "GET, HEAD");
    say(http::status::method_not_allowed, "only GET and HEAD\n");
  } else if (target == "/metrics") {
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    say(http::status::ok, co_await run_on(server_.executor(), current_metrics()));
  } else if (target == "/live") {
    say(http::status::ok, "live\n");
  } else if (target == "/ready") {
    bool const is_ready = !server_.is_stopping();
    say(is_ready ? http::status::ok : http::status::service_unavailable,
        is_ready ? "ready\n" : "stopping\n");
  } else {
    say(http::status::not_found, "there are /metrics, /ready and /live\n");
  }
  response.keep_alive(false);
  response.prepare_payload();
  if (is_head) response.body().clear();
  co_await http::async_write(stream, response, as_values);
  beast::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  // To close before the client has read would reset the connection, and the answer with it, if
  // there is more of its request. A request that was answered has no more.
  if (response.result() == http::status::ok) co_return;
  part passed_over;
  for (int parts = 0; parts < 16; ++parts) {
    auto const [ended, more] =
        co_await stream.async_read_some(asio::buffer(passed_over), as_values);
    if (ended) break;
  }
}

void announce(admin const& there) {
  std::cout << "metrics: http://" << there.local_endpoint() << "/metrics" << std::endl;
}

}  // namespace serving
