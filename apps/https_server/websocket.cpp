// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that knows Boost.Beast's websocket::stream.
#include "websocket.hpp"

#include <tls_async/beast.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/websocket.hpp>

#include <tuple>

namespace https_server {
namespace {

namespace asio = boost::asio;
namespace ws = boost::beast::websocket;

constexpr auto as_values = asio::as_tuple(asio::deferred);

// A record's worth: a frame is then one record.
constexpr std::size_t frame_bytes = 16384;

}  // namespace

struct websocket::implementation {
  explicit implementation(tls_stream& next_layer) : stream(next_layer) {}

  ws::stream<tls_stream&> stream;
  asio::cancellation_slot stop;
  bool is_stopping = false;
};

bool asks_for_websocket(upgrade_request const& request, std::string_view path) {
  std::string_view const target{request.target().data(), request.target().size()};
  return ws::is_upgrade(request) && target.substr(0, target.find('?')) == path;
}

websocket::websocket(tls_stream& stream, connection_limits const& limits,
                     asio::cancellation_slot stop)
    : implementation_(std::make_unique<implementation>(stream)) {
  auto& self = *implementation_;
  ws::permessage_deflate compression;
  compression.server_enable = true;
  self.stream.set_option(compression);
  self.stream.set_option(ws::stream_base::timeout{limits.handshake, limits.idle, true});
  self.stream.set_option(ws::stream_base::decorator([](ws::response_type& response) {
    response.set(boost::beast::http::field::server, "tls_async");
  }));
  self.stream.read_message_max(limits.message_bytes);
  self.stream.write_buffer_bytes(frame_bytes);
  self.stream.text(true);
  self.stop = stop;
  // The read that is under way ends when the client has answered the close frame. It must not be
  // cancelled itself: then the close frame could not be sent any more.
  self.stop.assign([&self](asio::cancellation_type) {
    if (std::exchange(self.is_stopping, true) || !self.stream.is_open()) return;
    self.stream.async_close(ws::close_code::going_away, asio::detached);
  });
}

websocket::~websocket() { implementation_->stop.clear(); }

asio::awaitable<websocket::error_code> websocket::accept(upgrade_request const& request) {
  auto const [error] = co_await implementation_->stream.async_accept(request, as_values);
  co_return error;
}

asio::awaitable<websocket::error_code> websocket::read(boost::beast::flat_buffer& message) {
  auto& stream = implementation_->stream;
  auto const [error, size] = co_await stream.async_read(message, as_values);
  if (!error) stream.text(stream.got_text());
  // Many clients end the connection without close_notify: no harm behind their close frame.
  co_return error&& stream.reason() ? ws::error::closed : error;
}

asio::awaitable<websocket::error_code> websocket::write(asio::const_buffer message) {
  auto const [error, size] = co_await implementation_->stream.async_write(message, as_values);
  // Behind our close frame nothing can be sent, but the client's is still to be read.
  co_return implementation_->is_stopping ? error_code() : error;
}

asio::awaitable<websocket_record> echo(tls_stream& stream, upgrade_request const& request,
                                       connection_limits const& limits,
                                       asio::cancellation_slot stop) {
  websocket_record record;
  websocket socket{stream, limits, stop};
  record.end = co_await socket.accept(request);
  if (record.end == ws::condition::handshake_failed)
    record.status = record.end == ws::error::bad_sec_version ? 426 : 400;
  while (!record.end) {
    boost::beast::flat_buffer message;
    record.end = co_await socket.read(message);
    if (record.end) break;
    record.end = co_await socket.write(message.data());
    if (!record.end) record.bytes += message.size();
  }
  if (record.end == ws::error::closed) record.end = {};
  co_return record;
}

}  // namespace https_server
