// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The tutorial's server: sends back whatever it is sent, over TLS, to any number of clients at
// once.
#include "serving/command_line.hpp"
#include "serving/private_key.hpp"

#include <tls_async/tls_async.hpp>

#include <boost/asio.hpp>
#include <boost/program_options.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace po = boost::program_options;
using asio::ip::tcp;
using tls_stream = tls_async::stream<tcp::socket>;

// Lives as long as its connection. The first error ends it, with the reason for people to read.
asio::awaitable<void> echo(tls_stream stream) {
  try {
    // A client waits for each answer, and Nagle's algorithm would hold back its last segment.
    stream.next_layer().set_option(tcp::no_delay(true));
    co_await tls_handshake(stream, tls_async::as_server{});
    std::vector<char> bytes(16384);
    for (;;) {
      // As a tuple, because the end of the stream is expected and not worth an exception. It is eof
      // only after the peer's close_notify; a connection that was cut is stream_truncated.
      auto [error, count] =
          co_await tls_read_some(stream, asio::buffer(bytes), asio::as_tuple(asio::deferred));
      if (error == asio::error::eof) break;
      if (error) throw boost::system::system_error(error);
      co_await tls_write(stream, asio::buffer(bytes, count));
    }
    co_await tls_shutdown(stream);
  } catch (std::exception const& error) {
    auto const story = stream.error_info().text();
    std::cerr << (story.empty() ? error.what() : story) << '\n';
  }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor, tls_async::context& context) {
  for (asio::steady_timer pause{acceptor.get_executor()};;) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::deferred));
    if (!error) {
      tls_stream stream{std::move(socket), context};
      asio::co_spawn(acceptor.get_executor(), echo(std::move(stream)), asio::detached);
      continue;
    }
    // Too many files are open, as a rule: those who are served may go on.
    std::cerr << "accept: " << error.message() << '\n';
    pause.expires_after(std::chrono::milliseconds(100));
    co_await pause.async_wait(asio::deferred);
  }
}

int main(int argc, char* argv[]) try {
  std::string listen, certificate, key;
  po::options_description known{"Options"};
  auto add = known.add_options();
  add("listen", po::value(&listen)->default_value("127.0.0.1:0"), "port 0: any free port");
  add("cert", po::value(&certificate)->required(), "certificate chain, PEM");
  add("key", po::value(&key)->required(), "its private key, PEM");
  add("key-password-file", serving::file(), "password of the key, its first line");
  serving::add_information(known);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  std::ostringstream help;
  help << known;
  if (auto const asked = serving::information(given, "echo_server", help.str()))
    return std::cout << *asked, 0;
  po::notify(given);
  std::signal(SIGPIPE, SIG_IGN);  // standard error may be a pipe that nobody reads any more
  auto const at = serving::parse_endpoint(listen);

  tls_async::context context{tls_async::context::role::server};
  context.use_certificate_chain_file(certificate);
  serving::use_private_key(context, key, serving::path(given, "key-password-file"));

  asio::io_context io;
  tcp::acceptor acceptor{io, at};
  std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
  asio::co_spawn(io, serve(acceptor, context), [](std::exception_ptr const& error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
} catch (std::exception const& error) {
  std::cerr << "echo_server: " << error.what() << '\n';
  return 1;
}
