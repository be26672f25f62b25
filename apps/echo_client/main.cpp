// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The tutorial's client: sends each line of its input over TLS and prints what comes back.
#include "serving/command_line.hpp"

#include <tls_async/tls_async.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/program_options.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
namespace po = boost::program_options;
using asio::ip::tcp;
using tls_stream = tls_async::stream<tcp::socket>;

asio::awaitable<void> talk(tls_stream& stream, std::string host, std::string port) {
  using namespace asio::experimental::awaitable_operators;
  tcp::resolver resolver{stream.get_executor()};
  auto const [unknown, endpoints] =
      co_await resolver.async_resolve(host, port, asio::as_tuple(asio::deferred));
  if (unknown) throw std::runtime_error("cannot resolve " + host + ": " + unknown.message());
  auto const [error, endpoint] = co_await asio::async_connect(stream.lowest_layer(), endpoints,
                                                              asio::as_tuple(asio::deferred));
  if (error) throw std::runtime_error("cannot connect: " + error.message());
  // From here on the peer is known to be `host`: the handshake fails if it cannot prove it.
  co_await tls_handshake(stream, tls_async::as_client{host});

  std::string line;
  while (std::getline(std::cin, line)) {  // may block: nothing else happens in this program
    line += '\n';
    std::string echo(line.size(), '\0');
    // Both at once: a server that sends the beginning back before it has read the end would
    // otherwise wait for us while we wait for it, as soon as the line is long enough.
    co_await (tls_write(stream, asio::buffer(line), asio::use_awaitable) &&
              asio::async_read(stream, asio::buffer(echo), asio::use_awaitable));
    if (!(std::cout << echo << std::flush))
      throw std::runtime_error("cannot write to standard output");
  }
  if (std::ferror(stdin) != 0) throw std::runtime_error("cannot read standard input");
  co_await tls_shutdown(stream);
}

int main(int argc, char* argv[]) try {
  std::string server, authority;
  po::options_description known{"Options"};
  auto add = known.add_options();
  add("connect", po::value(&server)->required(), "HOST:PORT");
  add("cacert", po::value(&authority), "authorities to trust, PEM (default: the system's)");
  serving::add_information(known);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  std::ostringstream help;
  help << known;
  if (auto const asked = serving::information(given, "echo_client", help.str()))
    return std::cout << *asked, 0;
  po::notify(given);

  tls_async::context context{tls_async::context::role::client};
  if (authority.empty())
    context.trust_system();
  else
    context.trust_file(authority);

  asio::io_context io;
  tls_stream stream{io, context};
  auto const at = serving::parse_host_and_port(server, "--connect");
  asio::co_spawn(io, talk(stream, at.host, std::to_string(at.port)),
                 [&](std::exception_ptr const& error) {
                   auto const story = stream.error_info().text();
                   if (error && !story.empty()) throw std::runtime_error(story);
                   if (error) std::rethrow_exception(error);
                 });
  io.run();
} catch (std::exception const& error) {
  std::cerr << "echo_client: " << error.what() << '\n';
  return 1;
}
