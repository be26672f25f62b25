// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Verification as Asio's programs set it up: on the stream or on the context.
#include "connection.hpp"

#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/pem.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace tls_async::test {
namespace {

struct outcome {
  error_code client, server;
};

template <class Stream>
outcome try_handshake(connection<Stream>& over) {
  outcome was;
  over.client.stream.async_handshake(Stream::client, [&](error_code ec) {
    was.client = ec;
    // A server that was not told why must not wait for more.
    if (ec) over.client.stream.lowest_layer().close();
  });
  over.server.stream.async_handshake(Stream::server, [&](error_code ec) { was.server = ec; });
  over.io.run();
  over.io.restart();
  return was;
}

bool refused(error_code ec) {
  return ec.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_CERTIFICATE_VERIFY_FAILED;
}

BOOST_AUTO_TEST_SUITE(verification)

BOOST_AUTO_TEST_CASE_TEMPLATE(host_name_is_accepted, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  over.client.stream.set_verify_mode(ssl::verify_peer);
  over.client.stream.set_verify_callback(ssl::host_name_verification("example.test"));
  BOOST_TEST(!try_handshake(over).client);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(wrong_host_name_is_refused, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  over.client.stream.set_verify_mode(ssl::verify_peer);
  over.client.stream.set_verify_callback(ssl::host_name_verification("other.test"));
  auto const was = try_handshake(over);
  BOOST_TEST(refused(was.client), was.client.message());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(unknown_authority_is_refused, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  ssl::context trusts_nobody(ssl::context::tls_client);
  Stream client(std::move(over.client.stream.next_layer()), trusts_nobody);
  client.set_verify_mode(ssl::verify_peer);
  over.client.stream = std::move(client);
  auto const was = try_handshake(over);
  BOOST_TEST(refused(was.client), was.client.message());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_is_verified_with_verify_none, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  error_code ec;
  over.client.stream.set_verify_callback([](bool, ssl::verify_context&) { return false; }, ec);
  BOOST_TEST(!ec);
  over.client.stream.set_verify_mode(ssl::verify_none, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(!try_handshake(over).client);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(chain_longer_than_the_depth_is_refused, Stream,
                              both_streams<tcp::socket>) {
  for (bool const fits : {true, false}) {
    connection<Stream> over;
    auto const& identity = make_identity(identity_kind::server_intermediate);
    ssl::context with_intermediate(ssl::context::tls_server);
    with_intermediate.use_certificate_chain(asio::buffer(identity.certificate_chain));
    with_intermediate.use_private_key(asio::buffer(identity.private_key), ssl::context::pem);
    over.server.stream = Stream(std::move(over.server.stream.next_layer()), with_intermediate);
    error_code ec;
    over.client.stream.set_verify_depth(fits ? 1 : 0, ec);
    BOOST_TEST(!ec);
    auto const was = try_handshake(over);
    BOOST_TEST(refused(was.client) == !fits, was.client.message());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(callback_sees_each_certificate, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  std::string subjects;
  bool all_preverified = true;
  over.client.stream.set_verify_callback([&](bool preverified, ssl::verify_context& verify) {
    X509* const certificate = X509_STORE_CTX_get_current_cert(verify.native_handle());
    subjects += std::to_string(X509_STORE_CTX_get_error_depth(verify.native_handle()));
    all_preverified = all_preverified && preverified && certificate != nullptr;
    return preverified;
  });
  BOOST_TEST(!try_handshake(over).client);
  BOOST_TEST(subjects == "10");
  BOOST_TEST(all_preverified);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(callback_may_accept_what_openssl_refuses, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  ssl::context trusts_nobody(ssl::context::tls_client);
  over.client.stream = Stream(std::move(over.client.stream.next_layer()), trusts_nobody);
  over.client.stream.set_verify_mode(ssl::verify_peer);
  over.client.stream.set_verify_callback([](bool, ssl::verify_context&) { return true; });
  BOOST_TEST(!try_handshake(over).client);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(callback_of_the_context_is_asked, Stream, both_streams<tcp::socket>) {
  for (bool const accepts : {true, false}) {
    asio::io_context io;
    contexts with;
    int asked = 0;
    with.client.set_verify_callback([&](bool preverified, ssl::verify_context&) {
      ++asked;
      return preverified && accepts;
    });
    auto [a, b] = connected_sockets<tcp::socket>(io);
    Stream client(std::move(a), with.client), server(std::move(b), with.server);
    error_code result;
    client.async_handshake(Stream::client, [&](error_code ec) {
      result = ec;
      client.lowest_layer().close();
    });
    server.async_handshake(Stream::server, [](error_code) {});
    io.run();
    BOOST_TEST(refused(result) == !accepts, result.message());
    BOOST_TEST(asked != 0);
  }
}

// With Asio it would unwind through OpenSSL's C.
BOOST_AUTO_TEST_CASE(callback_that_throws_refuses) {
  connection<our_stream<tcp::socket>> over;
  over.client.stream.set_verify_callback([](bool, ssl::verify_context&) -> bool {
    throw std::runtime_error("the list of friends is gone");
  });
  auto const was = try_handshake(over);
  BOOST_TEST(refused(was.client), was.client.message());
  auto const story = over.client.stream.error_info().text();
  BOOST_TEST(story.find("the list of friends is gone") != std::string::npos, story);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(server_asks_for_the_clients_certificate, Stream,
                              both_streams<tcp::socket>) {
  for (bool const has_one : {true, false}) {
    asio::io_context io;
    contexts with;
    with.server.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    with.server.add_certificate_authority(asio::buffer(client_identity().authority));
    if (has_one) {
      with.client.use_certificate_chain(asio::buffer(client_identity().certificate_chain));
      with.client.use_private_key(asio::buffer(client_identity().private_key), ssl::context::pem);
    }
    auto [a, b] = connected_sockets<tcp::socket>(io);
    Stream client(std::move(a), with.client), server(std::move(b), with.server);
    error_code result;
    client.async_handshake(Stream::client, [](error_code) {});
    server.async_handshake(Stream::server, [&](error_code ec) { result = ec; });
    io.run();
    BOOST_TEST(!result == has_one, result.message());
  }
}

std::string encrypted(std::string const& key_pem, char const* password) {
  std::unique_ptr<BIO, decltype(&BIO_free)> const in(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), &BIO_free);
  std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), &BIO_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  BOOST_REQUIRE(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), password,
                                              static_cast<int>(std::string(password).size()),
                                              nullptr, nullptr) == 1);
  char* text = nullptr;
  long const length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

BOOST_AUTO_TEST_CASE_TEMPLATE(context_with_a_password_callback_serves, Stream,
                              both_streams<tcp::socket>) {
  asio::io_context io;
  contexts with;
  ssl::context context(ssl::context::tls_server);
  context.set_password_callback(
      [](std::size_t, ssl::context::password_purpose) { return "open sesame"; });
  context.use_certificate_chain(asio::buffer(server_identity().certificate_chain));
  context.use_private_key(asio::buffer(encrypted(server_identity().private_key, "open sesame")),
                          ssl::context::pem);
  auto [a, b] = connected_sockets<tcp::socket>(io);
  Stream client(std::move(a), with.client), server(std::move(b), context);
  error_code result;
  client.async_handshake(Stream::client, [&](error_code ec) { result = ec; });
  server.async_handshake(Stream::server, [](error_code ec) { require(ec, "server handshake"); });
  io.run();
  BOOST_TEST(!result);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
