// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Our end of an interop cell: one connection, as client or as server, that sends back what it gets,
// or sends a file and expects it back, or another one, or answers HTTP requests with their bodies;
// then ends in the way it is told. Prints `port N` when it listens, `session VERSION SUITE` after
// the handshake, `echo same` when all came back, and `ended REASON` for the end it saw. Exits with
// 0 only if nothing was unexpected. With --rounds it is that many connections, one after another,
// with one context; at last it prints `resumed N of ROUNDS`.
#include <tls_async/tls_async.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace po = boost::program_options;
using asio::ip::tcp;
using tls_async::error_code;
using tls_stream = tls_async::stream<tcp::socket>;

namespace {

struct settings {
  unsigned short port = 0;
  unsigned rounds = 0;
  std::string authority, certificate, key, version, file, expected_file, end;
  bool http = false, updates_keys = false, renegotiates = false;
};

void told(error_code ec) { std::cout << "ended " << (ec ? ec.message() : "well") << std::endl; }

// The peer has ended: answers a close_notify with ours.
asio::awaitable<void> answer_end(tls_stream& stream, error_code ec) {
  told(ec);
  error_code gone;  // it need not wait for the answer
  if (ec == asio::error::eof || ec == http::error::end_of_stream)
    co_await tls_shutdown(stream, asio::redirect_error(asio::use_awaitable, gone));
}

// Sends back what comes, until it ends.
asio::awaitable<void> echo(tls_stream& stream) {
  std::array<char, 65536> place;
  error_code ec;
  while (!ec) {
    std::size_t const n = co_await tls_read_some(stream, asio::buffer(place),
                                                 asio::redirect_error(asio::use_awaitable, ec));
    if (!ec)
      co_await tls_write(stream, asio::buffer(place, n),
                         asio::redirect_error(asio::use_awaitable, ec));
  }
  co_await answer_end(stream, ec);
}

asio::awaitable<void> send(tls_stream& stream, std::string const& bytes, settings const& given) {
  bool const updates_keys = given.updates_keys;
  std::size_t const step = updates_keys ? std::max<std::size_t>(bytes.size() / 8, 1) : bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    co_await tls_write(stream, asio::buffer(asio::buffer(bytes) + at, step));
    if (updates_keys) co_await tls_key_update(stream, tls_async::new_keys::both);
  }
  if (given.end == "half-close") co_await tls_close_write(stream);
}

asio::awaitable<void> receive(tls_stream& stream, std::string& bytes) {
  co_await asio::async_read(stream, asio::buffer(bytes), asio::use_awaitable);
}

// Reads to the end. More data is not expected.
asio::awaitable<void> await_end(tls_stream& stream) {
  std::array<char, 1> place;
  error_code ec;
  co_await tls_read_some(stream, asio::buffer(place),
                         asio::redirect_error(asio::use_awaitable, ec));
  if (!ec) throw std::runtime_error("more came than was sent");
  told(ec);
}

asio::awaitable<void> end(tls_stream& stream, std::string const& how) {
  error_code ec;
  if (how == "shutdown") {
    co_await tls_shutdown(stream, asio::redirect_error(asio::use_awaitable, ec));
    told(ec);
    stream.lowest_layer().close();  // else a fill may wait there for the answer
  } else if (how == "late-half-close") {
    co_await tls_close_write(stream);
    co_await await_end(stream);
  } else if (how == "await" || how == "half-close") {
    co_await await_end(stream);
  } else if (how == "cut") {
    stream.lowest_layer().close();
  } else {
    throw std::runtime_error("no such end: " + how);
  }
}

std::string content_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

asio::awaitable<void> answer_http(tls_stream& stream) {
  boost::beast::flat_buffer buffer;
  error_code ec;
  for (;;) {
    http::request_parser<http::string_body> request;
    request.body_limit(boost::none);
    co_await http::async_read(stream, buffer, request,
                              asio::redirect_error(asio::use_awaitable, ec));
    if (ec) break;
    http::response<http::string_body> response{http::status::ok, 11,
                                               std::move(request.get().body())};
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    co_await http::async_write(stream, response, asio::use_awaitable);
    if (!request.keep_alive()) co_return co_await end(stream, "shutdown");
  }
  co_await answer_end(stream, ec);
}

asio::awaitable<void> send_and_compare(tls_stream& stream, settings const& given) {
  using namespace asio::experimental::awaitable_operators;
  std::string const sent = content_of(given.file);
  std::string const expected = given.expected_file.empty() ? sent : content_of(given.expected_file);
  std::string received(expected.size(), '\0');
  co_await (send(stream, sent, given) && receive(stream, received));
  if (expected != received) throw std::runtime_error("what came differs from what was expected");
  std::cout << "echo same" << std::endl;
  co_await end(stream, given.end);
}

asio::awaitable<void> talk(tls_stream& stream, settings const& given) {
  bool const is_server = !given.certificate.empty();
  if (is_server) {
    co_await tls_handshake(stream, tls_async::as_server{});
  } else {
    co_await tls_handshake(stream, tls_async::as_client{"localhost"});
  }
  SSL const* const session = stream.native_handle();
  std::cout << "session " << SSL_get_version(session) << ' ' << SSL_get_cipher(session)
            << std::endl;
  if (given.http) {
    co_await answer_http(stream);
  } else if (given.file.empty()) {
    co_await echo(stream);
  } else {
    co_await send_and_compare(stream, given);
  }
}

// One of many connections: a client sends a line and reads it, for tickets come with the first
// answer at the latest. Returns whether the session was resumed.
asio::awaitable<bool> one_round(tls_stream& stream, settings const& given) {
  if (!given.certificate.empty()) {
    co_await tls_handshake(stream, tls_async::as_server{});
    bool const resumed = stream.session_info().is_resumed;
    co_await echo(stream);
    co_return resumed;
  }
  co_await tls_handshake(stream, tls_async::as_client{"localhost", given.port});
  std::string const line = "a\n";
  std::string answer(line.size(), '\0');
  co_await tls_write(stream, asio::buffer(line));
  co_await receive(stream, answer);
  if (answer != line) throw std::runtime_error("what came differs from what was sent");
  bool const resumed = stream.session_info().is_resumed;
  error_code ignored;  // how a peer ends is for other cells
  co_await tls_shutdown(stream, asio::redirect_error(asio::use_awaitable, ignored));
  co_return resumed;
}

asio::awaitable<void> rounds(settings const& given, tls_async::context& context) {
  auto const io = co_await asio::this_coro::executor;
  bool const is_server = !given.certificate.empty();
  tcp::endpoint const place{asio::ip::address_v4::loopback(), given.port};
  tcp::acceptor acceptor(io);
  if (is_server) {
    acceptor = tcp::acceptor(io, place);
    std::cout << "port " << acceptor.local_endpoint().port() << std::endl;
  }
  unsigned resumed = 0;
  for (unsigned at = 0; at < given.rounds; ++at) {
    tcp::socket socket(io);
    if (is_server) {
      co_await acceptor.async_accept(socket, asio::use_awaitable);
    } else {
      co_await socket.async_connect(place, asio::use_awaitable);
    }
    socket.set_option(tcp::no_delay(true));  // else many wait for a late acknowledgement
    tls_stream stream(std::move(socket), context);
    if (co_await one_round(stream, given)) ++resumed;
  }
  std::cout << "resumed " << resumed << " of " << given.rounds << std::endl;
}

tls_async::context context_of(settings const& given) {
  using tls_async::context;
  context made(given.certificate.empty() ? context::role::client : context::role::server);
  if (given.certificate.empty()) {
    made.trust_file(given.authority);
  } else {
    made.use_certificate_chain_file(given.certificate);
    made.use_private_key_file(given.key);
  }
  auto const version = given.version == "1.2" ? context::version::tls1_2 : context::version::tls1_3;
  made.set_versions(version, version);
  return made;
}

tcp::socket socket_of(settings const& given, asio::io_context& io) {
  tcp::endpoint const place{asio::ip::address_v4::loopback(), given.port};
  tcp::socket socket(io);
  if (given.certificate.empty()) {
    socket.connect(place);
  } else {
    tcp::acceptor acceptor(io, place);
    std::cout << "port " << acceptor.local_endpoint().port() << std::endl;
    acceptor.accept(socket);
  }
  return socket;
}

bool parse(int argc, char* argv[], settings& given) {
  po::options_description known{"Options: a server has a certificate, a client an authority"};
  auto add = known.add_options();
  add("help", "this text");
  add("port", po::value(&given.port), "to connect to on 127.0.0.1");
  add("cacert", po::value(&given.authority), "authority to trust, PEM");
  add("cert", po::value(&given.certificate), "certificate, PEM");
  add("key", po::value(&given.key), "its private key, PEM");
  add("tls", po::value(&given.version)->default_value("1.3"), "1.2 or 1.3, the only version");
  add("send", po::value(&given.file),
      "file to send and to expect back; else what comes is sent back");
  add("expect", po::value(&given.expected_file), "what has to come instead of what was sent");
  add("rounds", po::value(&given.rounds),
      "connections, one after another; counts those that are resumed");
  add("http", po::bool_switch(&given.http), "answer HTTP requests with their bodies");
  add("key-updates", po::bool_switch(&given.updates_keys),
      "change the keys of both sides now and then");
  add("renegotiation", po::bool_switch(&given.renegotiates), "let the peer renegotiate");
  add("end", po::value(&given.end)->default_value("shutdown"),
      "after --send: shutdown, half-close (at once, before it came back), late-half-close, await "
      "or cut");
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, known), values);
  if (values.count("help") != 0) std::cout << known;
  po::notify(values);
  return values.count("help") == 0;
}

}  // namespace

int main(int argc, char* argv[]) try {
  settings given;
  if (!parse(argc, argv, given)) return 0;
  auto context = context_of(given);
  asio::io_context io;
  if (given.rounds != 0) {
    asio::co_spawn(io, rounds(given, context), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    io.run();
    return 0;
  }
  tls_async::stream_options options;
  options.allow_renegotiation = given.renegotiates;
  options.most_key_updates_per_second = options.most_key_updates_in_a_row = 0;
  options.most_handshake_messages_in_a_row = 0;
  tls_stream stream(socket_of(given, io), context, options);
  asio::co_spawn(io, talk(stream, given), [&](std::exception_ptr thrown) {
    if (!thrown) return;
    if (auto const story = stream.error_info().text(); !story.empty())
      std::cerr << "peer: " << story << '\n';
    std::rethrow_exception(thrown);
  });
  io.run();
  std::cout << "key updates " << stream.stats().key_updates_received << "\nrenegotiations "
            << SSL_CTX_sess_accept_renegotiate(context.native_handle()) << " refused "
            << stream.stats().renegotiations_refused << std::endl;
} catch (std::exception const& error) {
  std::cerr << "peer: " << error.what() << '\n';
  return 1;
}
