// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The JSON of the messages, and reading beside writing.
#include "live.hpp"

#include <tls_async/core/session_info.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <string>

namespace https_server {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr auto interval = std::chrono::milliseconds(500);

std::string text_of(tls_async::session_info const& session) {
  return json::serialize(json::object{{"version", session.version},
                                      {"suite", session.suite},
                                      {"group", session.group},
                                      {"alpn", session.alpn},
                                      {"name", session.server_name},
                                      {"subject", session.peer_subject},
                                      {"resumed", session.is_resumed ? "yes" : "no"}});
}

std::string text_of(serving::server_totals const& totals) {
  auto const& stats = totals.stats;
  return json::serialize(json::object{{"connections", totals.connections},
                                      {"records", stats.records_sealed},
                                      {"sends", stats.flushes},
                                      {"messages", stats.messages},
                                      {"merged", stats.messages_merged},
                                      {"bytes", stats.ciphertext_flushed}});
}

// Until it is cancelled.
asio::awaitable<void> write_counters(websocket& socket, tls_stream& stream, service const& server) {
  auto message = text_of(stream.session_info());
  asio::steady_timer pause{stream.get_executor()};
  for (;;) {
    co_await socket.write(asio::buffer(message));
    auto const [cancelled] = co_await pause.async_wait(asio::as_tuple(asio::deferred));
    if (cancelled) co_return;
    pause.expires_after(interval);
    auto const totals = co_await server.totals();
    message = text_of(totals);
  }
}

}  // namespace

asio::awaitable<websocket_record> live(tls_stream& stream, upgrade_request const& request,
                                       service const& server, websocket_memory::share& memory,
                                       asio::cancellation_slot stop) {
  using namespace asio::experimental::awaitable_operators;
  websocket socket{stream, server.limits, memory, stop};
  // Without a read neither a close nor a pong would be seen.
  if (co_await socket.accept(request))
    co_await (socket.pass_over() || write_counters(socket, stream, server));
  co_return socket.record();
}

}  // namespace https_server
