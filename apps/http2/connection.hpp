// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An HTTP/2 connection, of either side, over a TLS stream. nghttp2 knows HTTP/2 and does no I/O;
// one coroutine reads for it and one writes, each at its own pace.
#pragma once

#include "allowance.hpp"
#include "exchange.hpp"

#include "serving/stall_watch.hpp"

#include <tls_async/tls_async.hpp>

#include <nghttp2/nghttp2.h>
#include <boost/asio.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace http2 {

namespace asio = boost::asio;
using tls_stream = tls_async::stream<asio::ip::tcp::socket>;

/// What a peer may take of us.
struct peer_limits {
  std::chrono::seconds header;          ///< From the first byte of a header to its end, and for
                                        ///< a body that is passed over, once it is answered.
  std::chrono::seconds idle;            ///< While there is no exchange.
  std::chrono::seconds stall;           ///< While there are, and none of them goes on.
  std::size_t header_bytes = 16 << 10;  ///< Of one message, unfolded; of all together 16 times.
};

class connection {
public:
  enum class role { client, server };

  /// The stream has to outlive it.
  connection(tls_stream& over, role side, peer_limits const& limits);
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  virtual ~connection() = default;

  /// After the handshake, until the peer ends the session or we do. Throws what goes wrong.
  asio::awaitable<void> run();

  /// Nothing new is begun (GOAWAY). When what was begun is done, the session ends.
  void finish();

  /// For a client. Without a body unless `with_body`: then it is what the exchange says.
  exchange& request(fields const& header, bool with_body);
  /// For a server; `:status` comes first.
  void respond(std::int32_t id, exchange& x, fields const& header);
  /// For a server that can't answer.
  void reset(std::int32_t id, std::uint32_t error) noexcept;

  [[nodiscard]] bool idle() const { return exchanges_.empty() && ended_.empty(); }
  /// Whether run() has failed since nothing went on for `stall`.
  [[nodiscard]] bool stalled() const { return stalled_; }

protected:
  /// Null once it has ended, which closed() may not have told yet.
  exchange* find(std::int32_t id);
  /// Those that have not ended, when run() has.
  std::map<std::int32_t, exchange> const& left() const { return exchanges_; }
  /// Whether all of our message has.
  bool has_left(exchange const& x) const { return x.sent && x.sent_with <= writes_; }

private:
  // What these throw ends the connection.

  /// The header of a request is there, and not too large.
  virtual void requested(std::int32_t, exchange&) {}
  /// Before each write, for a server that doesn't answer in requested().
  virtual void answer_waiting() {}
  /// It was too large, so the exchange has no more than a part of it.
  virtual void refused(std::int32_t id, exchange& x);
  /// When all of it has left. Whole if the peer has ended its message, and without an error.
  /// NO_ERROR alone says nothing: it can also cut a message (RFC 9113, section 8.1).
  virtual void closed(std::int32_t, exchange const&, bool /*whole*/, std::uint32_t /*error*/) {}

  using clock = std::chrono::steady_clock;
  struct ended_exchange {
    std::int32_t id;
    exchange what;
    std::uint32_t error;
  };

  asio::awaitable<void> receive();
  asio::awaitable<void> send();
  asio::awaitable<void> until_taken();
  void take(std::uint8_t const* bytes, std::size_t size);
  std::vector<std::uint8_t> gather();
  void calm_down() noexcept;
  clock::duration time_left();
  std::uint64_t progress() const;
  clock::duration end_discards();
  bool is_over() const;
  bool has_taken() const;
  void watch();
  void tell(ended_exchange const& one);
  void tell_all();
  bool is_waiting() const;
  void forget_header(exchange& x) noexcept;

  static nghttp2_session_callbacks* callbacks();
  static nghttp2_option* options();
  static ssize_t give_body(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t most,
                           std::uint32_t* flags, nghttp2_data_source* source, void*) noexcept;
  static int on_frame_header(nghttp2_session*, nghttp2_frame_hd const*, void* self);
  static int on_begin(nghttp2_session*, nghttp2_frame const*, void* self);
  static int on_header(nghttp2_session*, nghttp2_frame const*, std::uint8_t const* name,
                       std::size_t name_size, std::uint8_t const* value, std::size_t value_size,
                       std::uint8_t flags, void* self);
  static int on_data(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                     std::uint8_t const* data, std::size_t size, void* self);
  static int on_frame(nghttp2_session*, nghttp2_frame const*, void* self);
  static int on_sent(nghttp2_session*, nghttp2_frame const*, void* self);
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* self);

  struct session_free {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
  };
  static constexpr std::size_t frame_header = 9;  ///< RFC 9113, section 4.1.
  static constexpr auto everything = std::numeric_limits<std::uint64_t>::max();

  tls_stream& stream_;
  peer_limits const limits_;
  std::unique_ptr<nghttp2_session, session_free> session_;
  std::map<std::int32_t, exchange> exchanges_;
  std::vector<ended_exchange> ended_;  ///< Whose last bytes may not have left yet.
  asio::steady_timer more_to_send_;    ///< Cancelled when there may be more.
  asio::steady_timer sent_;            ///< Cancelled when a write has ended.
  allowance allowance_;
  clock::time_point idle_since_ = clock::now();
  clock::time_point header_since_{};
  std::int32_t header_of_ = 0;    ///< The stream whose header has begun; 0 if there is none.
  std::uint64_t writes_ = 0;      ///< That have ended.
  std::uint64_t steps_ = 0;       ///< Of messages, and bytes of our bodies.
  std::uint64_t body_until_ = 0;  ///< Where in what was sent the last byte of a body is.
  std::uint32_t goaway_ = 0;      ///< The error that we have sent.
  std::size_t header_bytes_ = 0;  ///< Of all exchanges.
  std::size_t block_bytes_ = 0;   ///< Of the header that comes, as it was sent.
  std::size_t late_bytes_ = 0;    ///< That may still come on streams that we have reset.
  std::size_t kept_ = 0;          ///< Bytes of bodies in all exchanges.
  std::size_t room_ = 0;          ///< For a body in the next frame.
  bool writing_ = false;
  bool peer_ended_ = false;
  bool finished_ = false;  ///< All is sent.
  bool stalled_ = false;
  // The last: gone first, so nothing is called any more.
  serving::stall_watch stall_watch_;
  std::shared_ptr<void> alive_ = std::make_shared<char>();
  std::unique_ptr<serving::stall_watch, serving::stall_watch::ended_by> watched_;
};

}  // namespace http2
