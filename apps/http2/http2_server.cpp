// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Answers requests over HTTP/2, many at once on each connection: a request with a body gets it
// back, /large is larger than a window, all else says what was asked for. A signal ends it once
// what was begun is done.
#include "connection.hpp"

#include <boost/program_options.hpp>
#include <boost/url/parse.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace po = boost::program_options;
using asio::ip::tcp;
constexpr auto as_values = asio::as_tuple(asio::deferred);

class server final : public http2::connection {
public:
  explicit server(http2::tls_stream over) : connection(std::move(over), role::server) {
    all.insert(this);
  }
  ~server() override { all.erase(this); }

  static inline std::set<server*> all;

private:
  void requested(std::int32_t id, http2::exchange& x) noexcept override {
    if (!x.received) {
      x.echoes = true;
    } else if (x.path == "/large") {  // 1 MiB, made as the client takes it
      x.more = [left = 64](asio::streambuf& out) mutable {
        for (int i = 0; i != 16384; ++i)
          out.sputc(static_cast<char>('a' + i % 23));
        return --left > 0;
      };
    } else {
      std::ostream(&x.out) << "You asked for " << x.path << '\n';
    }
    respond(id, x, {{":status", "200"}, {"content-type", "text/plain"}});
  }
};

asio::awaitable<void> answer(http2::tls_stream stream, std::chrono::seconds most_silence) {
  server connection(std::move(stream));
  auto& s = connection.stream;
  try {
    co_await tls_handshake(s, tls_async::as_server{});
    if (s.alpn() == "h2") {
      co_await connection.run(most_silence);
    } else {  // it named no protocol; those that name others only are refused by the handshake
      std::string refusal = "HTTP/1.1 505 HTTP/2 only\r\nConnection: close\r\n\r\nHTTP/2 only\n";
      co_await tls_write(s, std::move(refusal));
      co_await tls_shutdown(s);
    }
  } catch (std::exception const& error) {
    auto const story = s.error_info().text();
    std::cerr << (story.empty() ? error.what() : story) << std::endl;
  }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor, tls_async::context& context,
                            std::chrono::seconds most_silence) {
  for (asio::steady_timer pause{acceptor.get_executor()};;) {
    auto [error, socket] = co_await acceptor.async_accept(as_values);
    if (!acceptor.is_open()) co_return;
    if (!error) {
      http2::tls_stream stream(std::move(socket), context);
      asio::co_spawn(acceptor.get_executor(), answer(std::move(stream), most_silence),
                     asio::detached);
      continue;
    }
    // Too many files are open, as a rule: those who are served may go on.
    std::cerr << "accept: " << error.message() << std::endl;
    pause.expires_after(std::chrono::milliseconds(100));
    co_await pause.async_wait(as_values);
  }
}

}  // namespace

int main(int argc, char* argv[]) try {
  std::string listen, certificate, key;
  unsigned idle_seconds = 0;
  po::options_description known{"Options"};
  auto add = known.add_options();
  add("help", "this text");
  add("listen", po::value(&listen)->default_value("127.0.0.1:0"), "port 0: any free one");
  add("cert", po::value(&certificate)->required(), "certificate chain, PEM");
  add("key", po::value(&key)->required(), "its private key, PEM");
  add("idle-seconds", po::value(&idle_seconds)->default_value(60), "a silent connection ends");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  if (given.count("help")) return std::cout << known, 0;
  po::notify(given);
  if (idle_seconds == 0) throw std::invalid_argument("--idle-seconds wants 1 at least");

  tls_async::context context{tls_async::context::role::server};
  context.use_certificate_chain_file(certificate);
  context.use_private_key_file(key);
  context.alpn({"h2"});

  asio::io_context io;
  auto const at = boost::urls::parse_authority(listen);
  if (!at || at->port().empty())
    throw std::invalid_argument("--listen wants HOST:PORT, such as 127.0.0.1:8443, not " + listen);
  std::string const host = at->host_address(), port = at->port();
  tcp::acceptor acceptor{io, *tcp::resolver{io}.resolve(host, port).begin()};
  asio::signal_set interrupt{io, SIGINT, SIGTERM};
  interrupt.async_wait([&](boost::system::error_code, int) {
    interrupt.clear();  // a second one ends the program at once
    acceptor.close();
    for (auto* const connection : server::all)
      connection->finish();
  });
  std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
  asio::co_spawn(io, serve(acceptor, context, std::chrono::seconds(idle_seconds)),
                 [](std::exception_ptr const& error) {
                   if (error) std::rethrow_exception(error);
                 });
  io.run();
} catch (std::exception const& error) {
  std::cerr << "http2_server: " << error.what() << '\n';
  return 1;
}
