// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Answers requests over HTTP/2, many at once on each connection: a request with a body gets it
// back, /large is larger than a window, all else says what was asked for. A signal ends it once
// what was begun is done.
#include "connection.hpp"
#include "serving/admission_options.hpp"
#include "serving/command_line.hpp"
#include "serving/descriptors.hpp"
#include "serving/listener.hpp"
#include "serving/private_key.hpp"
#include "serving/run.hpp"
#include "serving/server_log.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace po = boost::program_options;
using asio::ip::tcp;

constexpr std::size_t large = 1 << 20;

class answers final : public http2::connection {
public:
  answers(http2::tls_stream& over, std::chrono::seconds longest)
      : connection(over, role::server, {longest, longest, longest}) {}

private:
  void requested(std::int32_t id, http2::exchange& x) override {
    if (!x.received) {
      x.echoes = true;
    } else if (x.path == "/large") {  // 1 MiB, made as the client takes it
      x.more = [at = std::size_t{0}](char* to, std::size_t most) mutable {
        auto const end = std::min(at + most, large);
        auto const size = end - at;
        for (; at != end; ++at)
          *to++ = static_cast<char>('a' + at % 16384 % 23);
        return http2::piece{size, end == large};
      };
    } else {
      x.out = "You asked for " + x.path + '\n';
    }
    respond(id, x, {{":status", "200"}, {"content-type", "text/plain"}});
  }
};

class session final : public serving::connection, public std::enable_shared_from_this<session> {
public:
  session(http2::tls_stream over, std::shared_ptr<serving::arrival> as,
          std::chrono::seconds longest, serving::server_log& log)
      : arrival_(std::move(as)), stream_(std::move(over)), http2_(stream_, longest), log_(log) {}

  void start(end_handler ended) override {
    asio::co_spawn(stream_.get_executor(), run(),
                   [self = shared_from_this(), ended = std::move(ended)](
                       std::exception_ptr const& failure) { ended(failure, self->stats()); });
  }
  void finish() override { http2_.finish(); }
  void abort() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }
  tls_async::stats stats() const noexcept override { return stream_.stats(); }

private:
  asio::awaitable<void> run() {
    try {
      stream_.next_layer().set_option(tcp::no_delay(true));  // small frames answer each other
      co_await handshake();
      if (stream_.alpn() == "h2") {
        co_await http2_.run();
      } else {  // it named no protocol; those that name others only are refused by the handshake
        std::string refusal = "HTTP/1.1 505 HTTP/2 only\r\nConnection: close\r\n\r\nHTTP/2 only\n";
        co_await tls_write(stream_, std::move(refusal));
        co_await tls_shutdown(stream_);
      }
    } catch (boost::system::system_error const& error) {
      log_.event(serving::log_level::debug, "a client", stream_.explain(error.code()));
    } catch (std::exception const& error) {
      log_.event(serving::log_level::debug, "a client", error.what());
    }
  }

  asio::awaitable<void> handshake() {
    serving::attempt const attempt{*arrival_};
    co_await tls_handshake(stream_, tls_async::as_server{attempt.asking});
  }

  std::shared_ptr<serving::arrival> arrival_;
  http2::tls_stream stream_;
  answers http2_;
  serving::server_log& log_;
};

}  // namespace

int main(int argc, char* argv[]) try {
  std::string listen, certificate, key;
  po::options_description known{"Options"};
  auto add = known.add_options();
  add("listen", po::value(&listen)->default_value("127.0.0.1:0"), "port 0: any free port");
  add("cert", po::value(&certificate)->required(), "certificate chain, PEM");
  add("key", po::value(&key)->required(), "its private key, PEM");
  add("key-password-file", serving::file(), "password of the key, in the first line");
  add("idle-seconds", serving::number(60), "limit without progress");
  add("max-connections", serving::number(500), "connections at once; others wait");
  serving::add_connection_limits(known);
  serving::add_handshake_limits(known);
  add("stop-seconds", serving::number(5), "limit for open requests after a signal");
  serving::add_information(known);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  std::ostringstream help;
  help << known;
  if (auto const asked = serving::information(given, "http2_server", help.str()))
    return std::cout << *asked, 0;
  po::notify(given);
  auto const idle = serving::seconds_from(1, given, "idle-seconds");
  serving::listener_options listening;
  listening.endpoint = serving::parse_endpoint(listen);
  listening.connections =
      static_cast<std::size_t>(serving::number_between(1, 1'000'000, given, "max-connections"));
  auto const tickets = tls_async::ticket_keys::random();
  listening.admission =
      serving::admission_options_of(given, listening.connections,
                                    std::chrono::ceil<std::chrono::seconds>(
                                        tls_async::stream_options().handshake_deadline.span()));
  listening.admission.tickets = tickets;
  listening.stop = serving::seconds_from(0, given, "stop-seconds");

  tls_async::context context{tls_async::context::role::server};
  context.use_certificate_chain_file(certificate);
  serving::use_private_key(context, key, serving::path(given, "key-password-file"));
  context.set_alpn({"h2"});
  context.use_ticket_keys(tickets);

  asio::io_context io;
  serving::server_log log{{}};
  log.warn(serving::raise_descriptor_limit(listening.connections, 1));
  serving::listener listener{io, listening, log};
  serving::until_signal program{io, listener, nullptr};
  listener.start(
      [&](tcp::socket socket, tcp::endpoint const&, std::shared_ptr<serving::arrival> as) {
        return std::make_shared<session>(http2::tls_stream{std::move(socket), context},
                                         std::move(as), idle, log);
      });
  std::cout << "listening on " << listener.local_endpoint() << std::endl;
  program.run(1);
} catch (std::exception const& error) {
  std::cerr << "http2_server: " << error.what() << '\n';
  return 1;
}
