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
#include <utility>

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
  bool is_closed_by_client = false;
  bool is_over = false;
  websocket_record record;

  void close_if_stopping() {
    if (is_stopping && stream.is_open())
      stream.async_close(ws::close_code::going_away, asio::detached);
  }

  // The first reason counts.
  void end(boost::system::error_code why) {
    if (!std::exchange(is_over, true)) record.end = why;
  }
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
  self.stream.control_callback([&self](ws::frame_type kind, boost::beast::string_view) {
    if (kind == ws::frame_type::close) self.is_closed_by_client = true;
  });
  self.stop = stop;
  // The read that is under way ends when the client has answered the close frame. It must not be
  // cancelled itself: then the close frame could not be sent any more.
  self.stop.assign([&self](asio::cancellation_type) {
    self.is_stopping = true;
    self.close_if_stopping();
  });
}

websocket::~websocket() { implementation_->stop.clear(); }

asio::awaitable<bool> websocket::accept(upgrade_request const& request) {
  auto& self = *implementation_;
  auto const [error] = co_await self.stream.async_accept(request, as_values);
  if (error == ws::condition::handshake_failed)
    self.record.status = error == ws::error::bad_sec_version ? 426 : 400;
  if (error) self.end(error);
  self.close_if_stopping();  // asked for meanwhile
  co_return !error;
}

asio::awaitable<bool> websocket::read(boost::beast::flat_buffer& message) {
  auto& self = *implementation_;
  auto const [error, size] = co_await self.stream.async_read(message, as_values);
  if (!error) {
    self.stream.text(self.stream.got_text());
  } else if (error == ws::error::closed || self.is_closed_by_client || self.is_stopping) {
    // Many clients end the connection without close_notify: no harm behind a close frame.
    self.end({});
  } else {
    self.end(error);
  }
  co_return !error;
}

asio::awaitable<void> websocket::write(asio::const_buffer message) {
  auto& self = *implementation_;
  auto const [error, size] = co_await self.stream.async_write(message, as_values);
  if (!error) {
    self.record.bytes += message.size();
  } else if (!self.is_stopping) {  // else our close frame came before it
    self.end(error);
  }
}

websocket_record const& websocket::record() const noexcept { return implementation_->record; }

asio::awaitable<websocket_record> echo(tls_stream& stream, upgrade_request const& request,
                                       connection_limits const& limits,
                                       asio::cancellation_slot stop) {
  websocket socket{stream, limits, stop};
  bool is_open = co_await socket.accept(request);
  while (is_open) {
    boost::beast::flat_buffer message;
    is_open = co_await socket.read(message);
    if (is_open) co_await socket.write(message.data());
  }
  co_return socket.record();
}

}  // namespace https_server
