// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that knows Boost.Beast's websocket::stream.
#include "websocket.hpp"

#include <tls_async/beast.hpp>

#include <boost/asio/detached.hpp>
#include <boost/beast/websocket.hpp>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace https_server {
namespace {

namespace asio = boost::asio;
namespace ws = boost::beast::websocket;

// A record's worth: a frame is then one record.
constexpr std::size_t frame_bytes = 16384;

// A frame may promise a length that never comes: memory grows with what has come.
constexpr std::size_t least_part_bytes = 4096;
constexpr std::size_t most_part_bytes = 65536;

// The first part is in open_websocket_bytes.
constexpr std::size_t charge(std::size_t capacity) {
  return std::max(capacity, least_part_bytes) - least_part_bytes;
}

}  // namespace

struct websocket::implementation {
  implementation(tls_stream& next_layer, websocket_memory::share& share)
      : stream(next_layer), memory(share) {}

  ws::stream<tls_stream&> stream;
  websocket_memory::share& memory;
  asio::cancellation_slot stop;
  bool is_stopping = false;
  bool is_closing = false;  // a close frame of ours is on its way
  bool is_closed_by_client = false;
  bool is_over = false;
  websocket_record record;

  void close_if_stopping() {
    if (is_stopping && stream.is_open() && !std::exchange(is_closing, true))
      stream.async_close(ws::close_code::going_away, asio::detached);
  }

  // The first reason counts.
  void end(boost::system::error_code why) {
    if (!std::exchange(is_over, true)) record.end = why;
  }

  // Many clients end the connection without close_notify: no harm behind a close frame.
  void end_reading(boost::system::error_code why) {
    bool const is_wanted = why == ws::error::closed || is_closed_by_client || is_stopping;
    end(is_wanted ? boost::system::error_code() : why);
  }

  // False if there is no memory left for more of the message.
  bool make_room(boost::beast::flat_buffer& message) {
    auto const held = message.capacity();
    if (held - message.size() >= least_part_bytes) return true;
    auto const wanted = std::max(2 * held, message.size() + least_part_bytes);
    if (!memory.take(charge(wanted) - charge(held))) return false;
    message.reserve(wanted);
    return true;
  }

  void let_go_of(boost::beast::flat_buffer& message) {
    auto const held = message.capacity();
    message.clear();
    message.shrink_to_fit();
    memory.give_back(charge(held) - charge(message.capacity()));
  }
};

bool asks_for_websocket(upgrade_request const& request, std::string_view path) {
  std::string_view const target{request.target().data(), request.target().size()};
  return ws::is_upgrade(request) && target.substr(0, target.find('?')) == path;
}

websocket::websocket(tls_stream& stream, connection_limits const& limits,
                     websocket_memory::share& memory, asio::cancellation_slot stop)
    : implementation_(std::make_unique<implementation>(stream, memory)) {
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
  self.let_go_of(message);
  do {
    if (!self.make_room(message)) {
      self.let_go_of(message);
      self.end(make_error_code(boost::system::errc::not_enough_memory));
      if (std::exchange(self.is_closing, true)) co_return false;
      co_await self.stream.async_close(ws::close_code::try_again_later, as_values);
      co_return false;
    }
    auto const room = std::min(message.capacity() - message.size(), most_part_bytes);
    auto const [error, size] = co_await self.stream.async_read_some(message, room, as_values);
    if (error) {
      self.end_reading(error);
      co_return false;
    }
  } while (!self.stream.is_message_done());
  self.stream.text(self.stream.got_text());
  co_return true;
}

asio::awaitable<void> websocket::pass_over() {
  auto& self = *implementation_;
  std::array<char, least_part_bytes> part;
  for (;;) {
    auto const [error, size] = co_await self.stream.async_read_some(asio::buffer(part), as_values);
    if (error) co_return self.end_reading(error);
  }
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
                                       service const& server, websocket_memory::share& memory,
                                       asio::cancellation_slot stop) {
  websocket socket{stream, server.limits, memory, stop};
  bool is_open = co_await socket.accept(request);
  boost::beast::flat_buffer message;
  while (is_open) {
    is_open = co_await socket.read(message);
    if (is_open) co_await socket.write(message.data());
  }
  co_return socket.record();
}

}  // namespace https_server
