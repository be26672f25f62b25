// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "visit.hpp"

#include <tls_async/beast.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <utility>

namespace soak {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using stream_type = tls_async::stream<tcp::socket>;
constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

// Long: only what hangs meets it.
constexpr auto patience = 60s;

int keep_session(SSL* ssl, SSL_SESSION* fresh) {
  if (auto* const from = static_cast<target*>(SSL_get_app_data(ssl)))
    from->session.reset(SSL_SESSION_dup(fresh));  // the original ends with its connection
  return 0;
}

class visitor {
public:
  visitor(world& in, std::mt19937_64& random, tcp::socket socket, target& at, fault does)
      : in_(in), random_(random), at_(at), does_(does), stream_(std::move(socket), in.context) {}

  asio::awaitable<void> run() {
    SSL* const ssl = stream_.native_handle();
    SSL_set_app_data(ssl, &at_);
    if (at_.session && pick(2) == 0) SSL_set_session(ssl, at_.session.get());
    co_await tls_handshake(stream_, tls_async::as_client{"localhost"}, patience,
                           asio::use_awaitable);
    if (SSL_session_reused(ssl) != 0) ++in_.seen.resumed;
    std::size_t const requests = 1 + pick(8);
    for (std::size_t i = 0; i != requests; ++i) {
      if (pick(4) == 0) co_await new_keys();
      bool const is_last = i + 1 == requests;
      if (is_last && does_ != fault::none) {
        co_await misbehave();
        co_return;
      }
      co_await request(is_last);
    }
    co_await tls_shutdown(stream_, patience, asio::use_awaitable);
  }
  [[nodiscard]] std::string story() const { return stream_.error_info().text(); }

private:
  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

  asio::awaitable<void> new_keys() {
    auto const whose = pick(2) == 0 ? tls_async::new_keys::ours : tls_async::new_keys::both;
    co_await tls_key_update(stream_, whose, patience, asio::use_awaitable);
    ++in_.seen.key_updates;
  }

  // Small parts mostly, now and then a large one.
  void choose_part() {
    std::uint64_t const most = pick(16) == 0 ? in_.file_size : std::uint64_t{1} << pick(18);
    length_ = 1 + random_() % std::min(most, in_.file_size);
    begin_ = random_() % (in_.file_size - length_ + 1);
  }
  asio::awaitable<void> send_request(bool is_last) {
    choose_part();
    http::request<http::empty_body> asked{http::verb::get, in_.path, 11};
    asked.set(http::field::host, "localhost");
    asked.set(http::field::range,
              "bytes=" + std::to_string(begin_) + '-' + std::to_string(begin_ + length_ - 1));
    asked.keep_alive(!is_last || does_ != fault::none);
    co_await http::async_write(stream_, asked, asio::use_awaitable);
  }

  asio::awaitable<void> request(bool is_last) {
    co_await send_request(is_last);
    http::response_parser<http::string_body> parser;
    parser.body_limit(in_.file_size);
    parser.eager(true);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!parser.is_done()) {
      timer.expires_after(patience);
      // As tuples: operator|| would wait for the timer where the other has thrown.
      auto const ended = co_await (http::async_read_some(stream_, received_, parser, as_tuple) ||
                                   timer.async_wait(as_tuple));
      if (ended.index() == 1) throw std::runtime_error("nothing more of a response came");
      if (auto const ec = std::get<0>(std::get<0>(ended)); ec)
        throw boost::system::system_error(ec);
    }
    check(parser.get().result(), parser.get().body());
    ++in_.seen.requests;
  }
  void check(http::status status, std::string const& body) {
    if (status != http::status::partial_content)
      return in_.complain("status " + std::to_string(static_cast<unsigned>(status)));
    if (body.size() != length_)
      return in_.complain(std::to_string(body.size()) + " bytes came of " +
                          std::to_string(length_));
    for (std::size_t i = 0; i != body.size(); ++i) {
      if (static_cast<unsigned char>(body[i]) != content(begin_ + i))
        return in_.complain("byte " + std::to_string(begin_ + i) + " is another one");
    }
    in_.seen.bytes += body.size();
  }

  asio::awaitable<void> misbehave() {
    switch (does_) {
      case fault::reset_in_response:
        co_await send_request(false);
        co_await read_some(none());
        stream_.lowest_layer().set_option(asio::socket_base::linger(true, 0));
        co_return;
      case fault::slow_reader: {
        co_await send_request(false);
        asio::steady_timer pause(co_await asio::this_coro::executor, 300ms);
        co_await pause.async_wait(asio::use_awaitable);
        co_await read_some(none());
        co_return;
      }
      case fault::cancelled_read: {
        co_await send_request(false);
        asio::steady_timer soon(co_await asio::this_coro::executor,
                                std::chrono::microseconds(pick(20'000)));
        while ((co_await (read_some(none()) || soon.async_wait(asio::use_awaitable))).index() ==
               0) {
        }
        co_return;
      }
      case fault::expired_read: {
        co_await send_request(false);
        while (co_await read_some(std::chrono::microseconds(pick(5'000)))) {
        }
        co_return;
      }
      case fault::half_close: {
        co_await send_request(false);
        co_await tls_close_write(stream_, patience, asio::use_awaitable);
        while (co_await read_some(std::chrono::seconds(10))) {
        }
        co_return;
      }
      case fault::key_update_flood:
        for (int i = 0; i != 300; ++i)
          co_await tls_key_update(stream_, tls_async::new_keys::both, patience, as_tuple);
        while (co_await read_some(std::chrono::seconds(10))) {
        }
        co_return;
      default:  // it just leaves
        co_return;
    }
  }
  static tls_async::time_limit none() { return tls_async::time_limit(patience); }
  // False at an end of any kind.
  asio::awaitable<bool> read_some(tls_async::time_limit limit) {
    std::array<char, 4096> place;
    auto const [ec, n] = co_await tls_read_some(stream_, asio::buffer(place), limit, as_tuple);
    co_return !ec;
  }

  world& in_;
  std::mt19937_64& random_;
  target& at_;
  fault does_;
  stream_type stream_;
  boost::beast::flat_buffer received_;
  std::uint64_t begin_ = 0, length_ = 0;  // of the part that was asked for
};

// Those that never come to a session.
asio::awaitable<bool> spoil(tcp::socket& socket, fault does, std::mt19937_64& random) {
  std::string bytes;
  if (does == fault::no_tls) bytes = "GET / HTTP/1.1\r\n\r\n";
  if (does == fault::half_a_hello) bytes = std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9);
  bool const spoils = !bytes.empty() || does == fault::silence;
  if (!bytes.empty()) co_await asio::async_write(socket, asio::buffer(bytes), as_tuple);
  if (spoils && random() % 2 == 0) {
    std::array<char, 512> place;
    asio::steady_timer soon(co_await asio::this_coro::executor, 200ms);
    co_await (socket.async_read_some(asio::buffer(place), as_tuple) || soon.async_wait(as_tuple));
  }
  co_return spoils;
}

}  // namespace

char const* name_of(fault what) {
  static constexpr std::array<char const*, fault_count> names{
      "none",        "silence",        "no TLS",       "half a hello", "no close_notify", "reset",
      "slow reader", "cancelled read", "expired read", "half-close",   "KeyUpdate flood"};
  return names.at(static_cast<std::size_t>(what));
}

world::world() {
  SSL_CTX* const handle = context.native_handle();
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(handle, &keep_session);
}

void world::complain(std::string const& what) {
  if (++seen.wrong <= 20) std::cerr << "soak_client: " << what << std::endl;
}

asio::awaitable<void> visit(world& in, std::mt19937_64& random) {
  auto& at = *in.targets.at(static_cast<std::size_t>(random() % in.targets.size()));
  bool const is_faulty = random() % 100 < in.fault_percent;
  auto const does = is_faulty ? static_cast<fault>(1 + random() % (fault_count - 1)) : fault::none;
  tcp::socket socket(co_await asio::this_coro::executor);
  auto const [ec] = co_await socket.async_connect(at.endpoint, as_tuple);
  if (ec) co_return in.complain("cannot connect: " + ec.message());
  ++in.seen.visits;
  ++in.seen.faults.at(static_cast<std::size_t>(does));
  if (co_await spoil(socket, does, random)) co_return;
  visitor one(in, random, std::move(socket), at, does);
  try {
    co_await one.run();
  } catch (std::exception const& error) {
    in.complain(std::string(error.what()) + "; " + one.story() + " (" + name_of(does) + ")");
  }
}

}  // namespace soak
