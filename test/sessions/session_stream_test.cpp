// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions of streams: with a context of ours by the port, with one of Asio's by the options.
#include <tls_async/tls_async.hpp>

#include <tls_async_test/certificates.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;

struct stream_fixture {
  stream_fixture() {
    server.use_certificate_chain(server_identity().certificate_chain);
    server.use_private_key(server_identity().private_key);
    theirs.add_certificate_authority(asio::buffer(server_identity().authority));
  }

  // A connection with one byte from the server, before which its tickets come.
  template <class Context>
  bool resumes(Context& client, std::uint16_t port, stream_options const& options = {}) {
    asio::io_context io;
    socket_type near(io), far(io);
    asio::local::connect_pair(near, far);
    stream<socket_type> ours(std::move(near), client, options);
    stream<socket_type> peer(std::move(far), server);
    std::array<char, 1> got{};
    bool has_come = false;
    tls_handshake(ours, as_client{"localhost", port}, [&](error_code ec) {
      BOOST_TEST(!ec, ec.message());
      tls_read_some(ours, asio::buffer(got), [&](error_code read, std::size_t) {
        BOOST_TEST(!read, read.message());
        has_come = true;
      });
    });
    tls_handshake(peer, as_server{}, [&](error_code ec) {
      BOOST_TEST(!ec, ec.message());
      tls_write(peer, asio::buffer("x", 1), [](error_code, std::size_t) {});
    });
    io.run();
    BOOST_TEST(has_come);
    return SSL_session_reused(ours.native_handle()) == 1;
  }

  context server{context::role::server};
  asio::ssl::context theirs{asio::ssl::context::tls_client};
};

BOOST_FIXTURE_TEST_SUITE(session_stream, stream_fixture)

BOOST_AUTO_TEST_CASE(handshake_that_names_the_port_resumes) {
  context client(context::role::client);
  client.trust(server_identity().authority);
  BOOST_TEST(!resumes(client, 443));
  BOOST_TEST(resumes(client, 443));
  BOOST_TEST(!resumes(client, 0));
  BOOST_TEST(!resumes(client, 444));
}

BOOST_AUTO_TEST_CASE(context_of_asios_resumes_from_the_store_of_the_options) {
  stream_options options;
  options.sessions = std::make_shared<session_store>();
  BOOST_TEST(!resumes(theirs, 443));
  BOOST_TEST(!resumes(theirs, 443));
  BOOST_TEST(!resumes(theirs, 443, options));
  BOOST_TEST(resumes(theirs, 443, options));
}

BOOST_AUTO_TEST_CASE(context_of_asios_with_a_callback_of_its_own_is_refused) {
  auto* const own = +[](SSL*, SSL_SESSION*) { return 0; };
  SSL_CTX_sess_set_new_cb(theirs.native_handle(), own);
  stream_options options;
  options.sessions = std::make_shared<session_store>();
  asio::io_context io;
  BOOST_CHECK_EXCEPTION(
      stream<socket_type>(socket_type(io), theirs, options), boost::system::system_error,
      [](boost::system::system_error const& error) { return error.code() == errc::bad_option; });
  BOOST_TEST((SSL_CTX_sess_get_new_cb(theirs.native_handle()) == own));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
