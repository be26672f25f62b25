// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The smallest program that needs the library's headers and its compiled part.
#include <tls_async/tls_async.hpp>
#include <tls_async/version.hpp>

#include <boost/asio.hpp>

#include <iostream>

#ifdef BOOST_ASIO_SEPARATE_COMPILATION
#error "how Asio is compiled is the user's choice"
#endif

int main() {
  boost::asio::io_context io;
  tls_async::context context(tls_async::context::role::client);
  context.set_alpn({"h2", "http/1.1"});
  tls_async::stream<boost::asio::ip::tcp::socket> stream(io, context);
  stream.set_role(stream.client);
  std::cout << "tls_async " << TLS_ASYNC_VERSION_MAJOR << '.' << TLS_ASYNC_VERSION_MINOR << '.'
            << TLS_ASYNC_VERSION_PATCH << '\n';
  // The compiled part and the headers see the same members.
  auto& engine = tls_async::detail::access::state(stream).engine();
  bool const is_whole =
      engine.has_role() && !engine.handshake_done() && engine.path().descriptor() == -1;
  return is_whole && stream.native_handle() != nullptr ? 0 : 1;
}
