// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How a stream under test is made and negotiates. What stands here fits every stream with the
// constructor and the members of boost::asio::ssl::stream; for others specialise it, or give a
// class with the same functions to test_stream. In that class this may stand too:
//
//   static void let_time_pass(boost::asio::io_context&);  // for streams with deadlines: all expire
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include <memory>
#include <utility>

#include <tls_async_test/hand_fed_stream.hpp>
#include <tls_async_test/subject.hpp>

namespace tls_async::test {

/// A context with those settings, made once for each side. Not by several threads.
inline boost::asio::ssl::context& asio_context(stream_settings const& with) {
  namespace ssl = boost::asio::ssl;
  auto const make = [&with](ssl::context::method method) {
    ssl::context made(method);
    made.use_certificate_chain(boost::asio::buffer(with.certificate_chain));
    made.use_private_key(boost::asio::buffer(with.private_key), ssl::context::pem);
    made.add_certificate_authority(boost::asio::buffer(with.authority));
    made.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    return made;
  };
  if (with.side == role::server) {
    static ssl::context server = make(ssl::context::tls_server);
    return server;
  }
  static ssl::context client = [&] {
    ssl::context made = make(ssl::context::tls_client);
    made.set_verify_callback(ssl::host_name_verification(with.host));
    return made;
  }();
  return client;
}

template <class Stream>
struct stream_traits {
  static std::unique_ptr<Stream> make(hand_fed_stream next_layer, stream_settings const& with) {
    return std::make_unique<Stream>(std::move(next_layer), asio_context(with));
  }
  template <class Handler>
  static void handshake(Stream& s, role side, Handler&& done) {
    s.async_handshake(side == role::client ? Stream::client : Stream::server,
                      std::forward<Handler>(done));
  }
};

}  // namespace tls_async::test
