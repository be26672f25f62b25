// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The two stacks that are compared, and a connection of either over any next layer: real sockets on
// loopback. Everything here only names what both stacks have.
// Must not use the verbs of tls_async: what is written for boost::asio::ssl::stream has to do.
#pragma once

#include <tls_async/io/stream.hpp>

#include <tls_async_test/certificates.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/mpl/list.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <future>
#include <list>
#include <type_traits>
#include <utility>
#include <vector>

namespace tls_async::test {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using local_socket = asio::local::stream_protocol::socket;
using handshake_type = ssl::stream_base::handshake_type;

template <class NextLayer>
using asio_stream = ssl::stream<NextLayer>;
template <class NextLayer>
using our_stream = tls_async::stream<NextLayer>;
/// For a case that is to hold for each of them.
template <class NextLayer>
using both_streams = boost::mpl::list<asio_stream<NextLayer>, our_stream<NextLayer>>;

/// What `Stream` was made over: a type or a reference. Void for what is no TLS stream.
template <class Stream>
struct below {
  using type = void;
};
template <class NextLayer>
struct below<ssl::stream<NextLayer>> {
  using type = NextLayer;
};
template <class NextLayer, class Clock>
struct below<tls_async::stream<NextLayer, Clock>> {
  using type = NextLayer;
};
template <class Stream>
using below_t = typename below<Stream>::type;
template <class Stream>
inline constexpr bool is_tls = !std::is_void_v<below_t<Stream>>;

/// The socket at the bottom of `Layer`.
template <class Layer>
struct bottom : std::conditional_t<is_tls<Layer>, bottom<std::remove_reference_t<below_t<Layer>>>,
                                   std::type_identity<Layer>> {};
template <>
struct bottom<beast::tcp_stream> : std::type_identity<tcp::socket> {};

/// Asio's contexts, as a user of boost::asio::ssl::stream has them: the client trusts the server's
/// authority.
struct contexts {
  ssl::context server{ssl::context::tls_server};
  ssl::context client{ssl::context::tls_client};

  contexts() {
    auto const& identity = server_identity();
    server.use_certificate_chain(asio::buffer(identity.certificate_chain));
    server.use_private_key(asio::buffer(identity.private_key), ssl::context::pem);
    client.add_certificate_authority(asio::buffer(identity.authority));
    client.set_verify_mode(ssl::verify_peer);
  }
  ssl::context& of(handshake_type role) {
    return role == ssl::stream_base::client ? client : server;
  }
};

/// For what may not fail. Throws, since Boost.Test's checks are for the thread of the test only.
inline void require(error_code ec, char const* what) {
  if (ec) throw boost::system::system_error(ec, what);
}

template <class Socket>
std::pair<Socket, Socket> connected_sockets(asio::io_context& io) {
  std::pair<Socket, Socket> ends{Socket(io), Socket(io)};
  if constexpr (std::is_same_v<typename Socket::protocol_type, tcp>) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    ends.first.connect(acceptor.local_endpoint());
    acceptor.accept(ends.second);
  } else {
    asio::local::connect_pair(ends.first, ends.second);
  }
  return ends;
}

template <class Layer, class Socket>
Layer make_layer(Socket socket, contexts& with, handshake_type role) {
  if constexpr (is_tls<Layer>) {
    return Layer(make_layer<below_t<Layer>>(std::move(socket), with, role), with.of(role));
  } else {
    return Layer(std::move(socket));
  }
}

/// One end of a connection.
template <class Stream>
struct end {
  using next_layer = below_t<Stream>;

  template <class Socket>
  end(Socket socket, contexts& with, handshake_type side)
      : role(side),
        layer(make_layer<std::remove_reference_t<next_layer>>(std::move(socket), with, side)),
        stream(static_cast<next_layer&&>(layer), with.of(side)) {}

  handshake_type const role;
  std::remove_reference_t<next_layer>
      layer;  ///< Moved into the stream, unless that only refers to it.
  Stream stream;
};

/// Both ends of a connection. The next layers are ready for use: their own handshakes are done.
template <class Stream>
class connection {
  using socket = typename bottom<Stream>::type;

public:
  connection() { handshake_below(client.stream, server.stream); }

  asio::io_context io;
  contexts with;

private:
  std::pair<socket, socket> sockets_ = connected_sockets<socket>(io);

public:
  end<Stream> client{std::move(sockets_.first), with, ssl::stream_base::client};
  end<Stream> server{std::move(sockets_.second), with, ssl::stream_base::server};

private:
  template <class Layer>
  void handshake_below(Layer& to_server, Layer& to_client) {
    if constexpr (is_tls<typename Layer::next_layer_type>) {
      handshake_below(to_server.next_layer(), to_client.next_layer());
      auto const done = [](error_code ec) { require(ec, "handshake of the next layer"); };
      to_server.next_layer().async_handshake(ssl::stream_base::client, done);
      to_client.next_layer().async_handshake(ssl::stream_base::server, done);
      io.run();
      io.restart();
    }
  }
};

/// Runs `io` on so many threads. What a handler throws ends all of them and is thrown from here.
inline void run(asio::io_context& io, unsigned threads = 1) {
  auto const one = [&io] {
    try {
      io.run();
    } catch (...) {
      io.stop();
      throw;
    }
  };
  std::vector<std::future<void>> others;
  while (others.size() + 1 < threads)
    others.push_back(std::async(std::launch::async, one));
  one();
  for (auto& other : others)
    other.get();
}

/// For co_spawn.
inline void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

/// A connection for use_future, whose intermediate steps run on threads of the system executor:
/// these may still be leaving the io_context when the last future is ready. So it stays until the
/// program ends.
template <class Connection>
Connection& lasting() {
  static std::list<Connection> all;
  return all.emplace_back();
}

/// Both handshakes, which have to succeed.
template <class Stream>
void handshake(asio::io_context& io, Stream& client, Stream& server) {
  client.async_handshake(Stream::client, [](error_code ec) { require(ec, "client handshake"); });
  server.async_handshake(Stream::server, [](error_code ec) { require(ec, "server handshake"); });
  io.run();
  io.restart();
}
template <class Stream>
void handshake(connection<Stream>& over) {
  handshake(over.io, over.client.stream, over.server.stream);
}

}  // namespace tls_async::test
