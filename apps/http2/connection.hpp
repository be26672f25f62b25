// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An HTTP/2 connection, of either side, over a TLS stream. nghttp2 knows HTTP/2 and does no I/O;
// one coroutine reads for it and one writes, each at its own pace.
#pragma once

#include <tls_async/tls_async.hpp>

#include <nghttp2/nghttp2.h>
#include <boost/asio.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace http2 {

namespace asio = boost::asio;
using tls_stream = tls_async::stream<asio::ip::tcp::socket>;

/// Names and values. The names are in lower case.
using fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// A request and its response: a stream of HTTP/2.
struct exchange {
  std::string method, path, status;
  std::string in;       ///< The peer's body so far, unless it is echoed.
  asio::streambuf out;  ///< Of our body what nghttp2 has not asked for yet.
  /// Behind `out`: puts the next part of our body there, at most so much, when it can be sent; 0 at
  /// its end.
  std::function<std::size_t(char* to, std::size_t most)> more;
  bool echoes = false;           ///< The peer's body goes to `out`. Bounded by its window.
  bool received = false;         ///< The peer has ended its message (END_STREAM).
  bool refused = false;          ///< The header was too large.
  std::size_t header_bytes = 0;  ///< Of the header, as RFC 9113, section 6.5.2 counts it.
};

class connection {
public:
  enum class role { client, server };

  connection(tls_stream over, role side);
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  virtual ~connection() = default;

  /// After the handshake, until the peer ends the session or we do: also when no message has made
  /// progress for `longest_rest`, whatever else the peer sends. Throws what goes wrong.
  asio::awaitable<void> run(std::chrono::seconds longest_rest);

  /// Nothing new is begun (GOAWAY). When what was begun is done, the session ends.
  void finish();

  /// For a client. Without a body unless `with_body`: then it is what `out` has.
  exchange& request(fields header, bool with_body);
  /// For a server, which has not refused it. The body is what `out`, `more` and `echoes` say.
  void respond(std::int32_t id, exchange& x, fields header);

  [[nodiscard]] bool idle() const { return exchanges_.empty(); }

  tls_stream stream;

private:
  /// The header of a request is there. What is called from nghttp2, which is C, may not throw.
  virtual void requested(std::int32_t, exchange&) noexcept {}
  /// Whole if the peer has ended its message, and without an error. NO_ERROR alone says nothing: it
  /// can also cut a message (RFC 9113, section 8.1).
  virtual void closed(exchange const&, bool /*whole*/, std::uint32_t /*error*/) noexcept {}

  asio::awaitable<void> receive(std::chrono::seconds longest_rest);
  asio::awaitable<void> send();
  void progressed() { progress_ = clock::now(); }
  void calm_down(nghttp2_session*) noexcept;

  static nghttp2_session_callbacks* callbacks();
  static nghttp2_option* options();
  static ssize_t give_body(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t most,
                           std::uint32_t* flags, nghttp2_data_source* source, void*) noexcept;
  static int on_header(nghttp2_session*, nghttp2_frame const*, std::uint8_t const* name,
                       std::size_t name_size, std::uint8_t const* value, std::size_t value_size,
                       std::uint8_t flags, void* self) noexcept;
  static int on_data(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                     std::uint8_t const* data, std::size_t size, void* self) noexcept;
  static int on_frame(nghttp2_session*, nghttp2_frame const*, void* self) noexcept;
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* self) noexcept;

  struct session_free {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
  };
  std::unique_ptr<nghttp2_session, session_free> session_;
  std::map<std::int32_t, exchange> exchanges_;
  asio::steady_timer more_to_send_;  ///< Cancelled when there may be more.
  asio::steady_timer sent_;          ///< Cancelled when a write has ended.
  using clock = std::chrono::steady_clock;
  clock::time_point progress_;    ///< When a message last went on.
  std::uint64_t given_ = 0;       ///< Bytes of our bodies.
  std::size_t header_bytes_ = 0;  ///< Of all exchanges.
  std::size_t kept_ = 0;          ///< Bytes of bodies in all exchanges.
  bool writing_ = false;
  bool giving_ = false;  ///< What is written has bytes of our bodies.
  bool peer_ended_ = false;
};

}  // namespace http2
