// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Asks an HTTP/2 server for any number of paths at once, over one connection. Prints each body when
// it is complete, and about each a line on standard error.
#include "connection.hpp"
#include "serving/command_line.hpp"

#include <boost/program_options.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace po = boost::program_options;
using asio::ip::tcp;

class client final : public http2::connection {
public:
  client(http2::tls_stream& over, std::chrono::seconds longest)
      : connection(over, role::client, {longest, longest, longest}) {}

  void ask(std::string const& host, std::string const& path, bool upload) {
    auto& x = request({{":method", upload ? "POST" : "GET"},
                       {":scheme", "https"},
                       {":authority", host},
                       {":path", path}},
                      upload);
    x.path = path;
    if (!upload) return;
    std::string body{std::istreambuf_iterator<char>(std::cin), {}};
    if (std::ferror(stdin) != 0) throw std::runtime_error("cannot read standard input");
    x.more = [body = std::move(body), at = std::size_t{0}](char* to, std::size_t most) mutable {
      auto const size = body.copy(to, most, at);
      at += size;
      return http2::piece{size, at == body.size()};
    };
  }
  int failed = 0;

private:
  void closed(std::int32_t, http2::exchange const& x, bool whole, std::uint32_t error) override {
    std::cout << x.in << std::flush;
    std::cerr << x.path << ": ";
    if (whole) {
      std::cerr << "status " << x.status << ", ";
    } else {
      std::cerr << "cut off with " << nghttp2_http2_strerror(error) << " after ";
    }
    std::cerr << x.in.size() << " bytes\n";
    if (!std::cout) std::cerr << "cannot write to standard output\n";
    if (!whole || !x.status.starts_with('2') || !std::cout) ++failed;
    if (idle()) finish();
  }
};

asio::awaitable<void> talk(http2::tls_stream& s, client& connection, std::string host,
                           std::string port) {
  tcp::resolver resolver{s.get_executor()};
  auto const [unknown, endpoints] =
      co_await resolver.async_resolve(host, port, asio::as_tuple(asio::deferred));
  if (unknown) throw std::runtime_error("cannot resolve " + host + ": " + unknown.message());
  auto const [error, endpoint] =
      co_await asio::async_connect(s.lowest_layer(), endpoints, asio::as_tuple(asio::deferred));
  if (error) throw std::runtime_error("cannot connect: " + error.message());
  s.next_layer().set_option(tcp::no_delay(true));  // small frames answer each other
  co_await tls_handshake(s, tls_async::as_client{host});
  if (s.alpn() != "h2") throw std::runtime_error("the server does not speak HTTP/2");
  try {
    co_await connection.run();
  } catch (std::runtime_error const&) {
    if (!connection.idle()) throw;  // else all is answered: how the connection ends is no matter
  }
  if (!connection.idle())
    throw std::runtime_error("the server closed the connection before it had answered");
}

}  // namespace

int main(int argc, char* argv[]) try {
  std::string server, authority;
  std::vector<std::string> paths;
  po::options_description known{"http2_get [OPTIONS] PATH...\n\nOptions"};
  auto add = known.add_options();
  add("connect", po::value(&server)->required(), "HOST:PORT");
  add("cacert", po::value(&authority), "authorities to trust, PEM (default: the system's)");
  add("idle-seconds", serving::number(60), "limit without progress");
  add("upload", "send standard input to one path");
  add("path", po::value(&paths)->required(), "what to ask for");
  po::positional_options_description rest;
  rest.add("path", -1);
  serving::add_information(known);
  po::variables_map given;
  po::store(po::command_line_parser(argc, argv).options(known).positional(rest).run(), given);
  std::ostringstream help;
  help << known;
  if (auto const asked = serving::information(given, "http2_get", help.str()))
    return std::cout << *asked, 0;
  po::notify(given);
  auto const at = serving::parse_host_and_port(server, "--connect");
  auto const idle = serving::seconds_from(1, given, "idle-seconds");
  bool const upload = given.count("upload") != 0;
  if (upload && paths.size() != 1) throw std::runtime_error("--upload takes one path");

  tls_async::context context{tls_async::context::role::client};
  if (authority.empty())
    context.trust_system();
  else
    context.trust_file(authority);
  context.set_alpn({"h2"});

  asio::io_context io;
  http2::tls_stream stream{io, context};
  client connection{stream, idle};
  for (auto const& path : paths)
    connection.ask(server, path, upload);
  auto answers = talk(stream, connection, at.host, std::to_string(at.port));
  asio::co_spawn(io, std::move(answers), [&](std::exception_ptr const& error) {
    auto const story = stream.error_info().text();
    if (error && !story.empty()) throw std::runtime_error(story);
    if (error) std::rethrow_exception(error);
  });
  io.run();
  return connection.failed == 0 ? 0 : 1;
} catch (std::exception const& error) {
  std::cerr << "http2_get: " << error.what() << '\n';
  return 1;
}
