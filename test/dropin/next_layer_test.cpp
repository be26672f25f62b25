// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The next layers that Asio's stream takes, one after the other, with both streams: a session, with
// 100 KB each way at once. docs/migration.md has the list, and where the two differ.
#include "connection.hpp"

#include <boost/asio/buffered_read_stream.hpp>
#include <boost/asio/buffered_stream.hpp>
#include <boost/asio/buffered_write_stream.hpp>
#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/serial_port.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffered_read_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/flat_stream.hpp>
#include <boost/beast/core/rate_policy.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <tls_async_test/memory_link.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace tls_async::test {
namespace {

/// One end of the session.
template <class Stream>
class talker {
public:
  talker(Stream& stream, handshake_type role)
      : stream_(stream), role_(role), sent_(100'000, role == Stream::client ? 'c' : 's') {}

  void start() { stream_.async_handshake(role_, next{this, &talker::talk}); }
  /// It has got what the other has sent, and both have said good bye.
  [[nodiscard]] bool is_content() const {
    char const other = role_ == Stream::client ? 's' : 'c';
    return has_ended_ && !result_ && received_ == std::string(sent_.size(), other);
  }
  [[nodiscard]] std::string result() const { return has_ended_ ? result_.message() : "it waits"; }

private:
  // The same for all, since each type of a handler takes the compiler seconds here.
  struct next {
    talker* self;
    void (talker::*then)(error_code);
    void operator()(error_code ec, std::size_t = 0) const { (self->*then)(ec); }
  };
  void talk(error_code ec) {
    if (ec) return end(ec);
    asio::async_write(stream_, asio::buffer(sent_), next{this, &talker::done_one});
    asio::async_read(stream_, asio::buffer(received_), next{this, &talker::done_one});
  }
  void done_one(error_code ec) {
    if (ec) return end(ec);
    if (++done_ == 2) stream_.async_shutdown(next{this, &talker::end});
  }
  void end(error_code ec) {
    has_ended_ = true;
    result_ = ec;
  }

  Stream& stream_;
  handshake_type role_;
  std::string sent_, received_ = std::string(100'000, '\0');
  int done_ = 0;
  bool has_ended_ = false;
  error_code result_;
};

/// The least that Asio asks for, over two pipes: the asynchronous operations, an executor, a lowest
/// layer.
class two_pipes {
public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = two_pipes;

  two_pipes(asio::readable_pipe in, asio::writable_pipe out)
      : in_(std::move(in)), out_(std::move(out)) {}

  executor_type get_executor() { return in_.get_executor(); }
  lowest_layer_type& lowest_layer() { return *this; }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    return in_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    return out_.async_write_some(buffers, std::forward<Token>(token));
  }

private:
  asio::readable_pipe in_;
  asio::writable_pipe out_;
};

// How two connected ones are made.

struct world {
  asio::io_context io;
  asio::thread_pool pool{1};

  void run() {
    io.run();
    pool.join();
  }
};
template <class Executor>
Executor executor_of(world& in) {
  if constexpr (std::is_same_v<Executor, asio::thread_pool::executor_type>) {
    return in.pool.get_executor();
  } else if constexpr (std::is_constructible_v<Executor, asio::io_context::executor_type>) {
    return Executor(in.io.get_executor());
  } else {
    return Executor(typename Executor::inner_executor_type(in.io.get_executor()));
  }
}

template <class Layer>
struct maker {  // over a socket
  static std::pair<Layer, Layer> make(world& in) {
    auto [a, b] = connected_sockets<tcp::socket>(in.io);
    return {Layer(std::move(a)), Layer(std::move(b))};
  }
};
template <class Protocol, class Executor>
struct maker<asio::basic_stream_socket<Protocol, Executor>> {
  using layer = asio::basic_stream_socket<Protocol, Executor>;
  static std::pair<layer, layer> make(world& in) {
    using plain = std::conditional_t<std::is_same_v<Protocol, asio::local::stream_protocol>,
                                     local_socket, tcp::socket>;
    auto [a, b] = connected_sockets<plain>(in.io);
    auto const protocol = Protocol(a.local_endpoint().protocol());
    auto const where = executor_of<Executor>(in);
    return {layer(where, protocol, a.release()), layer(where, protocol, b.release())};
  }
};
template <>
struct maker<asio::posix::stream_descriptor> {
  using layer = asio::posix::stream_descriptor;
  static std::pair<layer, layer> make(world& in) {
    auto [a, b] = connected_sockets<local_socket>(in.io);
    return {layer(in.io, a.release()), layer(in.io, b.release())};
  }
};
template <>
struct maker<beast::basic_stream<asio::local::stream_protocol>> {
  using layer = beast::basic_stream<asio::local::stream_protocol>;
  static std::pair<layer, layer> make(world& in) {
    auto [a, b] = connected_sockets<local_socket>(in.io);
    return {layer(std::move(a)), layer(std::move(b))};
  }
};
template <>
struct maker<two_pipes> {
  static std::pair<two_pipes, two_pipes> make(world& in) {
    asio::readable_pipe a_in(in.io), b_in(in.io);
    asio::writable_pipe a_out(in.io), b_out(in.io);
    asio::connect_pipe(a_in, b_out);
    asio::connect_pipe(b_in, a_out);
    return {two_pipes(std::move(a_in), std::move(a_out)),
            two_pipes(std::move(b_in), std::move(b_out))};
  }
};
template <>
struct maker<memory_stream> {
  static std::pair<memory_stream, memory_stream> make(world& in) {
    return memory_stream::make(in.io.get_executor());
  }
};
template <>
struct maker<beast::test::stream> {
  static std::pair<beast::test::stream, beast::test::stream> make(world& in) {
    std::pair<beast::test::stream, beast::test::stream> ends{in.io, in.io};
    ends.first.connect(ends.second);
    return ends;
  }
};

template <class Stream>
void talk(world& in, Stream& client, Stream& server) {
  talker<Stream> at_client(client, Stream::client), at_server(server, Stream::server);
  at_client.start();
  at_server.start();
  in.run();
  BOOST_TEST(at_client.is_content(), at_client.result());
  BOOST_TEST(at_server.is_content(), at_server.result());
}
template <class Stream>
void talk() {
  using layer = std::remove_reference_t<below_t<Stream>>;
  contexts with;
  world in;
  auto ends = maker<layer>::make(in);
  Stream client(static_cast<below_t<Stream>&&>(ends.first), with.client);
  Stream server(static_cast<below_t<Stream>&&>(ends.second), with.server);
  talk(in, client, server);
}
// One that can't be moved.
template <class Stream>
void talk_in_place() {
  contexts with;
  world in;
  auto ends = connected_sockets<tcp::socket>(in.io);
  Stream client(in.io, with.client), server(in.io, with.server);
  client.lowest_layer().assign(tcp::v4(), ends.first.release());
  server.lowest_layer().assign(tcp::v4(), ends.second.release());
  talk(in, client, server);
}

template <class Executor>
using socket_on = asio::basic_stream_socket<tcp, Executor>;
using io_executor = asio::io_context::executor_type;

using sockets = boost::mpl::list<
    tcp::socket, tcp::socket&, socket_on<io_executor>, socket_on<asio::strand<io_executor>>,
    socket_on<asio::strand<asio::any_io_executor>>, socket_on<asio::thread_pool::executor_type>,
    asio::generic::stream_protocol::socket, local_socket>;
using others =
    boost::mpl::list<asio::posix::stream_descriptor, two_pipes, memory_stream, beast::tcp_stream,
                     beast::basic_stream<asio::local::stream_protocol>,
                     beast::basic_stream<tcp, asio::any_io_executor, beast::simple_rate_policy>,
                     beast::test::stream>;

BOOST_AUTO_TEST_SUITE(next_layer)

BOOST_AUTO_TEST_CASE_TEMPLATE(socket_carries_a_session, Layer, sockets) {
  talk<asio_stream<Layer>>();
  talk<our_stream<Layer>>();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_no_socket_carries_a_session, Layer, others) {
  talk<asio_stream<Layer>>();
  talk<our_stream<Layer>>();
}

BOOST_AUTO_TEST_CASE(buffered_read_stream_carries_a_session) {
  talk_in_place<asio_stream<asio::buffered_read_stream<tcp::socket>>>();
  talk_in_place<our_stream<asio::buffered_read_stream<tcp::socket>>>();
}

// These have no lowest_layer(), which Asio's stream asks for.
using for_ours = boost::mpl::list<beast::flat_stream<tcp::socket>,
                                  beast::buffered_read_stream<tcp::socket, beast::flat_buffer>>;
BOOST_AUTO_TEST_CASE_TEMPLATE(what_has_no_lowest_layer_carries_a_session, Layer, for_ours) {
  talk<our_stream<Layer>>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// Compiled only: threads of the system, a device, what keeps back what is written to it, and the
// blocking members.
template <class Stream>
void use_all(Stream& s) {
  talker<Stream> one(s, Stream::client);
  one.start();
  (void)s.lowest_layer();
  (void)s.next_layer();
  (void)s.get_executor();
}
template <class Stream>
void block(Stream& s) {
  char place[1];
  s.handshake(Stream::client);
  s.write_some(asio::buffer(place));
  s.read_some(asio::buffer(place));
  s.shutdown();
}
template void use_all(asio_stream<socket_on<asio::system_executor>>&);
template void use_all(our_stream<socket_on<asio::system_executor>>&);
template void use_all(asio_stream<asio::serial_port>&);
template void use_all(our_stream<asio::serial_port>&);
template void use_all(asio_stream<asio::buffered_stream<tcp::socket>>&);
template void use_all(our_stream<asio::buffered_stream<tcp::socket>>&);
template void use_all(asio_stream<asio::buffered_write_stream<tcp::socket>>&);
template void use_all(our_stream<asio::buffered_write_stream<tcp::socket>>&);
template void block(asio_stream<socket_on<asio::strand<io_executor>>>&);
template void block(our_stream<socket_on<asio::strand<io_executor>>>&);
template void block(asio_stream<asio::generic::stream_protocol::socket>&);
template void block(our_stream<asio::generic::stream_protocol::socket>&);
template void block(asio_stream<asio::posix::stream_descriptor>&);
template void block(our_stream<asio::posix::stream_descriptor>&);
template void block(asio_stream<asio::buffered_stream<tcp::socket>>&);
template void block(our_stream<asio::buffered_stream<tcp::socket>>&);
template void block(asio_stream<beast::tcp_stream>&);
template void block(our_stream<beast::tcp_stream>&);
template void block(asio_stream<beast::test::stream>&);
template void block(our_stream<beast::test::stream>&);

}  // namespace tls_async::test
