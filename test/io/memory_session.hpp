// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the io tests share: two streams over one in-memory link and a clock that stands still, and
// the moves a test makes with them. Nothing here waits for real time: what can happen has happened
// when `settle` returns.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/memory_link.hpp>
#include <tls_async_test/tls_pair.hpp>
#include <tls_async_test/virtual_clock.hpp>

namespace tls_async {

inline std::ostream& operator<<(std::ostream& out, errc shown) {
  return out << make_error_code(shown);
}
inline std::ostream& operator<<(std::ostream& out, ktls shown) {
  return out << (shown == ktls::tx ? "tx" : shown == ktls::tx_rx ? "tx_rx" : "off");
}
inline std::ostream& operator<<(std::ostream& out, ktls_state shown) {
  return out << to_string(shown);
}

}  // namespace tls_async

namespace tls_async::test {

using namespace std::chrono_literals;

using memory_tls = stream<memory_stream, virtual_clock>;

/// What a verb ended with. Its token must not outlive it.
struct ending {
  struct handler {
    ending* to;
    void operator()(error_code code, std::size_t n = 0) const {
      BOOST_TEST(!to->done, "a handler ran twice");
      *to = {true, code, n};
    }
  };
  handler token() { return {this}; }

  bool done = false;
  error_code ec;
  std::size_t bytes = 0;
};

/// Contexts that talk to each other, made once.
inline context& trusting_client() {
  static context client = [] {
    context made(context::role::client);
    made.trust(server_identity().authority);
    return made;
  }();
  return client;
}
inline context& known_server() {
  static context server = [] {
    context made(context::role::server);
    made.use_certificate_chain(server_identity().certificate_chain);
    made.use_private_key(server_identity().private_key);
    return made;
  }();
  return server;
}

/// A client like that which speaks TLS 1.`minor` only.
inline context client_of_tls_1(int minor) {
  context made(context::role::client);
  made.trust(server_identity().authority);
  auto const only = minor == 2 ? context::version::tls1_2 : context::version::tls1_3;
  made.set_versions(only, only);
  return made;
}

/// The peer may do what it likes, as often as it likes.
inline stream_options patient_options() {
  stream_options options;
  options.most_key_updates_in_a_row = 0;
  options.most_handshake_messages_in_a_row = 0;
  options.most_key_updates_per_second = 0;
  return options;
}

/// Runs all handlers that are ready; returns how many. Timers are not waited for.
inline std::size_t settle(boost::asio::io_context& io) {
  io.restart();
  return io.poll();
}

/// Nothing is left that could keep run() from returning.
inline bool has_no_work(boost::asio::io_context& io) {
  settle(io);
  return io.stopped();
}

/// Takes what comes, to the end.
struct sink {
  std::string plaintext;
  std::size_t reads = 0;
  bool ended = false;
  error_code end;
  std::array<char, 65'536> place;
};

template <class Stream>
void keep_reading(Stream& from, sink& into) {
  tls_read_some(from, boost::asio::buffer(into.place), [&](error_code ec, std::size_t n) {
    BOOST_TEST((!ec || n == 0));
    into.plaintext.append(into.place.data(), n);
    ++into.reads;
    into.ended = ec.failed();
    into.end = ec;
    if (!ec) keep_reading(from, into);
  });
}

struct memory_session {
  explicit memory_session(stream_options const& options = {},
                          context& for_client = trusting_client(),
                          context& for_server = known_server())
      : link_(memory_stream::make(io.get_executor())),
        client(std::move(link_.first), for_client, options),
        server(std::move(link_.second), for_server, options) {}

  void handshake() {
    ending of_client, of_server;
    tls_handshake(client, as_client{"localhost"}, of_client.token());
    tls_handshake(server, as_server{}, of_server.token());
    settle();
    BOOST_REQUIRE(of_client.done);
    BOOST_REQUIRE(of_server.done);
    BOOST_REQUIRE_EQUAL(of_client.ec, error_code());
    BOOST_REQUIRE_EQUAL(of_server.ec, error_code());
  }
  std::size_t settle() { return test::settle(io); }
  void pass(virtual_clock::duration time) { test::pass(io, time); }
  [[nodiscard]] bool has_no_work() { return test::has_no_work(io); }

  /// The ends of the link. What a stream sends goes by its own end's `outgoing()`.
  memory_stream& client_end() { return client.next_layer(); }
  memory_stream& server_end() { return server.next_layer(); }

  boost::asio::io_context io{1};

private:
  std::pair<memory_stream, memory_stream> link_;

public:
  memory_tls client;
  memory_tls server;
};

/// A session that is up, with both sides' link counters and tickets behind it.
struct connected_session : memory_session {
  explicit connected_session(stream_options const& options = {},
                             context& for_client = trusting_client(),
                             context& for_server = known_server())
      : memory_session(options, for_client, for_server) {
    handshake();
  }
};

struct tls_1_2_session {
  explicit tls_1_2_session(stream_options const& options = {})
      : client_context(client_of_tls_1(2)), session(options, client_context) {}
  context client_context;
  connected_session session;
};

/// Starts a write and lets everything happen that can.
inline ending write_now(memory_session& s, memory_tls& from, std::string const& message) {
  ending written;
  tls_write(from, boost::asio::buffer(message), written.token());
  s.settle();
  BOOST_REQUIRE(written.done);
  return written;
}

/// Records in what `from` has written since its byte number `begin`.
inline std::vector<std::size_t> records_written(memory_stream const& from, std::size_t begin = 0) {
  auto const& all = from.written();
  return record_lengths({reinterpret_cast<char const*>(all.data()) + begin, all.size() - begin});
}

}  // namespace tls_async::test
