// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The examples of the reference, and that each verb has the handler and the default token that the
// reference says.
#include <tls_async/beast.hpp>
#include <tls_async/tls_async.hpp>

#include <boost/asio.hpp>
#include <boost/beast/http.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reference {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using namespace std::chrono_literals;
using asio::ip::tcp;
using tls_async::error_code;
using tls_stream = tls_async::stream<tcp::socket>;

asio::awaitable<void> handshakes(tls_stream& s, tls_stream& accepted) {
  //! [tls_handshake]
  co_await tls_handshake(s, tls_async::as_client{"example.org"});
  std::cout << s.session_info().version << '\n';

  co_await tls_handshake(accepted, tls_async::as_server{}, std::chrono::seconds(5));
  //! [tls_handshake]
}

asio::awaitable<void> reads(tls_stream& s) {
  //! [tls_read_some]
  std::array<char, 16384> bytes;
  for (;;) {
    auto [ec, n] = co_await tls_read_some(s, asio::buffer(bytes), asio::as_tuple(asio::deferred));
    if (ec == asio::error::eof) break;  // close_notify: all has come
    if (ec) throw boost::system::system_error(ec, s.explain(ec));
    std::cout << std::string_view(bytes.data(), n);
  }
  //! [tls_read_some]
}

asio::awaitable<void> waits(tls_stream& s) {
  //! [tls_wait_read]
  auto const [ec] = co_await tls_wait_read(s, asio::as_tuple(asio::deferred));
  if (ec) co_return;
  std::vector<char> bytes(16384);  // only now
  std::size_t const n = co_await tls_read_some(s, asio::buffer(bytes));
  std::cout << std::string_view(bytes.data(), n);
  //! [tls_wait_read]
}

asio::awaitable<void> writes(tls_stream& s) {
  //! [tls_write]
  std::string const head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", body = "hi";
  co_await tls_write(s, std::array{asio::buffer(head), asio::buffer(body)});  // one message

  // A string that the stream keeps until it is sent, by a handler, within a second.
  tls_write(s, std::string("bye"), std::chrono::seconds(1), [&s](error_code ec, std::size_t) {
    if (ec) std::cerr << s.explain(ec) << '\n';
  });
  //! [tls_write]
}

asio::awaitable<void> last_writes(tls_stream& s) {
  //! [tls_write_last]
  co_await tls_write_last(s, std::string("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbye"));
  s.next_layer().close();  // whoever waits for what the peer still sends calls tls_shutdown first
  //! [tls_write_last]
}

asio::awaitable<void> writes_without_a_handler(tls_stream& s, std::string line) {
  //! [tls_try_write]
  error_code const ec = tls_try_write(s, asio::buffer(line));  // a copy is kept
  if (ec == tls_async::errc::queue_full) {
    co_await tls_write(s, asio::buffer(line));  // waits until the peer has taken what is kept
  }
  //! [tls_try_write]
}

asio::awaitable<void> files(tls_stream& s, int file) {
  //! [tls_sendfile]
  co_await tls_write(s, std::string("the first MiB:\n"));
  std::size_t const sent = co_await tls_sendfile(s, file, 0, 1 << 20);  // behind that write
  std::cout << sent << " bytes\n";
  //! [tls_sendfile]
}

asio::awaitable<void> messages(tls_stream& s, http::request<http::empty_body> const& request) {
  //! [tls_write_message]
  http::response<http::file_body> response(http::status::ok, request.version());
  boost::system::error_code ec;
  response.body().open("file", beast::file_mode::scan, ec);
  if (ec) throw boost::system::system_error(ec);
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  co_await tls_write(s, response);  // header and file
  //! [tls_write_message]
}

asio::awaitable<void> keys(tls_stream& s) {
  //! [tls_key_update]
  co_await tls_key_update(s);                             // ours
  co_await tls_key_update(s, tls_async::new_keys::both);  // and the peer's
  //! [tls_key_update]
}

asio::awaitable<void> half_close(tls_stream& s) {
  //! [tls_close_write]
  co_await tls_write(s, std::string("the last request\n"));
  co_await tls_close_write(s);  // the peer reads eof; its answer may still be long
  std::string answer;
  auto [ec, n] =
      co_await asio::async_read(s, asio::dynamic_buffer(answer), asio::as_tuple(asio::deferred));
  //! [tls_close_write]
  if (ec != asio::error::eof) std::cerr << n << '\n';
}

asio::awaitable<void> ends(tls_stream& s) {
  //! [tls_shutdown]
  auto [ec] = co_await tls_shutdown(s, std::chrono::seconds(1), asio::as_tuple(asio::deferred));
  if (ec == asio::error::timed_out) std::cerr << "the peer did not answer\n";
  s.next_layer().close();
  //! [tls_shutdown]
}

asio::awaitable<void> as_asio(tls_stream& s, std::string& text) {
  //! [async_handshake]
  co_await s.async_handshake(tls_stream::server);
  //! [async_handshake]
  //! [async_handshake_received]
  std::size_t const used = co_await s.async_handshake(tls_stream::server, asio::buffer(text));
  text.erase(0, used);
  //! [async_handshake_received]
  //! [async_read_some]
  // Calls async_read_some until a line has come.
  auto buffer = asio::dynamic_buffer(text);
  std::size_t const n = co_await asio::async_read_until(s, buffer, '\n', asio::deferred);
  //! [async_read_some]
  //! [async_write_some]
  // Calls async_write_some until all is written.
  co_await asio::async_write(s, asio::buffer(text, n), asio::deferred);
  //! [async_write_some]
  //! [async_shutdown]
  s.async_shutdown([](error_code ec) {
    if (ec) std::cerr << ec.message() << '\n';
  });
  //! [async_shutdown]
}

void ends_for_a_websocket(tls_stream& s) {
  //! [async_teardown]
  async_teardown(beast::role_type::server, s, [](error_code ec) {
    if (ec) std::cerr << ec.message() << '\n';
  });
  //! [async_teardown]
}

asio::awaitable<void> renews(tls_async::context& serving, std::filesystem::path live) {
  //! [file_watcher]
  auto const chain = live / "fullchain.pem", key = live / "privkey.pem";
  auto const executor = co_await asio::this_coro::executor;
  tls_async::file_watcher files(executor, {chain, key});
  for (;;) {
    try {
      serving.use_certificate_chain_file(chain);
      serving.use_private_key_file(key);
    } catch (boost::system::system_error const& refused) {
      std::cerr << "the old certificate stays: " << refused.what() << '\n';
    }
    co_await files.async_wait();
  }
  //! [file_watcher]
}

// As docs/guide/certificates.md has it.
asio::awaitable<void> warns(tls_async::context& serving) {
  int days = 0, seconds = 0;
  X509 const* const certificate = SSL_CTX_get0_certificate(serving.native_handle());
  ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate));
  asio::system_timer timer(co_await asio::this_coro::executor);
  timer.expires_at(std::chrono::system_clock::now() + 24h * std::clamp(days - 30, 0, 36'500));
  co_await timer.async_wait(asio::deferred);
  std::cerr << "the certificate ends in 30 days\n";
}

// A handler that does not fit doesn't compile.
void has_these_handlers(tls_stream& s, asio::mutable_buffer buffer,
                        http::response<http::file_body>& message) {
  auto const ended = [](error_code) {};
  auto const counted = [](error_code, std::size_t) {};
  tls_handshake(s, tls_async::as_client{"host"}, ended);
  tls_read_some(s, buffer, counted);
  tls_wait_read(s, ended);
  tls_write(s, buffer, counted);
  tls_write_last(s, buffer, counted);
  tls_write(s, message, counted);
  tls_sendfile(s, 0, 0, 0, counted);
  tls_key_update(s, ended);
  tls_close_write(s, ended);
  tls_shutdown(s, ended);
  s.async_handshake(tls_stream::client, ended);
  s.async_handshake(tls_stream::client, buffer, counted);
  s.async_read_some(buffer, counted);
  s.async_write_some(buffer, counted);
  s.async_shutdown(ended);
}
void has_this_handler(tls_async::file_watcher& files) {
  files.async_wait([](error_code) {});
}

template <class Returned>
void must_be_deferred(Returned const&) {
  static_assert(asio::is_deferred<Returned>::value);
}

void has_these_default_tokens(tls_stream& s, asio::mutable_buffer buffer,
                              http::response<http::file_body>& message) {
  must_be_deferred(tls_handshake(s, tls_async::as_server{}));
  must_be_deferred(tls_read_some(s, buffer));
  must_be_deferred(tls_wait_read(s));
  must_be_deferred(tls_write(s, buffer));
  must_be_deferred(tls_write_last(s, buffer));
  must_be_deferred(tls_write(s, message));
  must_be_deferred(tls_sendfile(s, 0, 0, 0));
  must_be_deferred(tls_key_update(s));
  must_be_deferred(tls_close_write(s));
  must_be_deferred(tls_shutdown(s));
  must_be_deferred(s.async_handshake(tls_stream::client));
  must_be_deferred(s.async_handshake(tls_stream::client, buffer));
  must_be_deferred(s.async_read_some(buffer));
  must_be_deferred(s.async_write_some(buffer));
  must_be_deferred(s.async_shutdown());
}
void has_this_default_token(tls_async::file_watcher& files) {
  must_be_deferred(files.async_wait());
}

}  // namespace reference
