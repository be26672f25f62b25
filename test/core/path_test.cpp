// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which way the ciphertext of an engine goes, and what is said of the kernel. What a stream does on
// a descriptor is test/io/descriptor_test.cpp; what the kernel does, test/ktls.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ostream>
#include <utility>

#include "engine_pair.hpp"
#include "support/on_descriptor.hpp"

namespace tls_async {

inline std::ostream& operator<<(std::ostream& out, ktls shown) {
  constexpr std::array names{"off", "tx", "tx_rx"};
  return out << names.at(static_cast<std::size_t>(shown));
}

inline std::ostream& operator<<(std::ostream& out, ktls_state shown) {
  return out << to_string(shown);
}

inline std::ostream& operator<<(std::ostream& out, ktls_status const& shown) {
  return out << shown.sending << ", " << shown.receiving;
}

}  // namespace tls_async

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

stream_options with(ktls way) {
  stream_options options = plain_options;
  options.ktls = way;
  return options;
}

bool has_no_tls(int /*descriptor*/) { return false; }

// Two connected sockets that don't block.
class sockets {
public:
  sockets() {
    BOOST_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0);
  }
  ~sockets() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  sockets(sockets const&) = delete;
  sockets& operator=(sockets const&) = delete;

  [[nodiscard]] int near() const { return ends_[0]; }
  std::string take() {
    std::string bytes(100'000, '\0');
    auto const n = ::recv(ends_[1], bytes.data(), bytes.size(), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  void give(std::string_view bytes) {
    BOOST_REQUIRE_EQUAL(::send(ends_[1], bytes.data(), bytes.size(), 0),
                        static_cast<::ssize_t>(bytes.size()));
  }

private:
  std::array<int, 2> ends_{};
};

// A client on a descriptor, and a server whose ciphertext the test carries to the socket.
struct on_socket {
  explicit on_socket(ktls way, bool stays = false)
      : options(with(way)),
        client(make_context(role::client).get(), options),
        server(make_context(role::server).get(), plain_options) {
    client.be_client();
    server.be_server();
    if (stays) stay_on_descriptor(client);
    client.path().use_descriptor(ends.near(), &has_no_tls);
  }
  void handshake() {
    for (int i = 0; i != 3; ++i) {
      BOOST_REQUIRE_NE(client.handshake().next, want::failed);
      give(server, ends.take());
      BOOST_REQUIRE_NE(server.handshake().next, want::failed);
      if (client.path().receives_directly()) {
        ends.give(take_all(server));
      } else if (!client.path().may_have_input()) {
        give(client, take_all(server));
      }
    }
    BOOST_REQUIRE(client.handshake_done() && server.handshake_done());
  }

  stream_options const options;
  sockets ends;
  engine client;
  engine server;
};

auto const both_ways = data::make({ktls::tx, ktls::tx_rx});

BOOST_AUTO_TEST_SUITE(engine_path)

BOOST_AUTO_TEST_CASE(nothing_is_asked_of_the_kernel_unless_the_options_do) {
  connected_engines pair;
  BOOST_TEST(pair.client.path().ktls_status() == ktls_status{});
  BOOST_TEST(pair.client.path().descriptor() == -1);
  BOOST_TEST(!pair.client.path().sends_directly());
  BOOST_TEST(!pair.client.path().receives_directly());
}

BOOST_DATA_TEST_CASE(kernel_is_asked_in_the_directions_of_the_options, both_ways, way) {
  auto const options = with(way);
  engine_pair pair({}, options);
  bool const receives = way == ktls::tx_rx;
  BOOST_TEST(pair.client.path().ktls_status() ==
             (ktls_status{ktls_state::not_yet,
                          receives ? ktls_state::not_yet : ktls_state::not_asked_for}));
  pair.handshake();
  // Nobody has given it a descriptor.
  BOOST_TEST(pair.client.path().ktls_status() ==
             (ktls_status{ktls_state::not_in_kernel,
                          receives ? ktls_state::not_in_kernel : ktls_state::not_asked_for}));
}

BOOST_DATA_TEST_CASE(handshake_on_a_descriptor_ends_on_the_ring_without_the_kernel, both_ways,
                     way) {
  on_socket s(way);
  BOOST_TEST(s.client.path().sends_directly());
  BOOST_TEST(s.client.path().receives_directly() == (way == ktls::tx_rx));
  s.handshake();
  BOOST_TEST(!s.client.path().sends_directly());
  BOOST_TEST(!s.client.path().receives_directly());
  BOOST_TEST(s.client.path().descriptor() == -1);
  BOOST_TEST(s.client.path().ktls_status().sending == ktls_state::not_in_kernel);
  seal_all(s.client, "by the ring");
  BOOST_TEST(s.ends.take() == "");
  BOOST_TEST(deliver_all(s.client, s.server) == "by the ring");
}

BOOST_DATA_TEST_CASE(engine_on_its_descriptor_leaves_nothing_to_flush, both_ways, way) {
  on_socket s(way, true);
  s.handshake();
  BOOST_TEST(s.client.path().sends_directly());
  BOOST_TEST(s.client.path().receives_directly() == (way == ktls::tx_rx));
  BOOST_TEST(s.client.path().descriptor() == s.ends.near());
  BOOST_TEST(s.client.can_seal());
  seal_all(s.client, "by the socket");
  BOOST_TEST(s.client.ring().output_bytes() == 0U);
  give(s.server, s.ends.take());
  BOOST_TEST(open_all(s.server) == "by the socket");
}

// OpenSSL would wait on the socket for what is in the ring.
BOOST_AUTO_TEST_CASE(input_that_came_early_keeps_receiving_on_the_ring) {
  auto const options = with(ktls::tx_rx);
  sockets ends;
  engine server(make_context(role::server).get(), options);
  server.be_server();
  give(server, "early");
  server.path().use_descriptor(ends.near(), &has_no_tls);
  BOOST_TEST(server.path().sends_directly());
  BOOST_TEST(!server.path().receives_directly());
  BOOST_TEST(server.path().ktls_status() ==
             (ktls_status{ktls_state::not_yet, ktls_state::input_came_early}));
}

BOOST_DATA_TEST_CASE(all_goes_by_the_ring_again_after_ssl_clear, both_ways, way) {
  on_socket s(way, true);
  auto const before = s.client.path().ktls_status();
  s.handshake();
  BOOST_REQUIRE_EQUAL(SSL_clear(s.client.native_handle()), 1);
  BOOST_REQUIRE(s.client.begin_anew_if_cleared());
  BOOST_TEST(s.client.path().ktls_status() == before);
  BOOST_TEST(s.client.path().descriptor() == -1);
  BOOST_TEST(s.client.handshake().next == want::fill);
  BOOST_TEST(s.client.ring().output_bytes() != 0U);
}

// Where the kernel seals or opens, settle() takes it away. Without it a read would stop behind each
// ticket, and ask for a fill beside what has not been read.
BOOST_AUTO_TEST_CASE(reads_go_on_behind_a_ticket_again_after_ssl_clear) {
  on_socket s(ktls::tx, true);
  s.handshake();
  SSL_clear_mode(s.client.native_handle(), SSL_MODE_AUTO_RETRY);
  BOOST_REQUIRE_EQUAL(SSL_clear(s.client.native_handle()), 1);
  BOOST_REQUIRE(s.client.begin_anew_if_cleared());
  BOOST_TEST((SSL_get_mode(s.client.native_handle()) & SSL_MODE_AUTO_RETRY) != 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
