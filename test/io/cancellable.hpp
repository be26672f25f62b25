// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the cancellation tests share: verbs with a signal, over a link that holds less than is
// written, so that each of them has to wait.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "memory_session.hpp"
#include "support/model.hpp"

namespace boost::asio {

inline std::ostream& operator<<(std::ostream& out, cancellation_type type) {
  return out << (type == cancellation_type::terminal  ? "terminal"
                 : type == cancellation_type::partial ? "partial"
                                                      : "total");
}

}  // namespace boost::asio

namespace tls_async::test {

using boost::asio::cancellation_type;
using boost::asio::error::operation_aborted;

inline auto const effective =
    boost::unit_test::data::make({cancellation_type::terminal, cancellation_type::partial});
inline auto const any_type = boost::unit_test::data::make(
    {cancellation_type::terminal, cancellation_type::partial, cancellation_type::total});

/// What a verb ended with, and the signal that cancels it.
struct cancellable : ending {
  auto token() { return boost::asio::bind_cancellation_slot(signal.slot(), ending::token()); }
  [[nodiscard]] bool ended_with(error_code e) const { return done && ec == e; }

  boost::asio::cancellation_signal signal;
};

struct narrow_session : memory_session {
  explicit narrow_session(bool has_session = true) {
    client_end().outgoing().capacity = server_end().outgoing().capacity = 30'000;
    if (has_session) handshake();
  }

  void cancel(cancellable& v, cancellation_type type) {
    bool const was_done = v.done;
    v.signal.emit(type);
    BOOST_TEST(v.done == was_done, "a handler ran inside the cancellation");
    settle();
  }
  /// All that comes to `s`, until nothing more does.
  std::string read_all(memory_tls& s) {
    std::string all;
    std::vector<char> place(50'000);
    for (;;) {
      cancellable read;
      tls_read_some(s, boost::asio::buffer(place), read.token());
      settle();
      if (!read.done) {
        cancel(read, cancellation_type::terminal);
        BOOST_TEST_REQUIRE(read.ended_with(operation_aborted));
        return all;
      }
      BOOST_TEST_REQUIRE(!read.ec, read.ec.message());
      all.append(place.data(), read.bytes);
    }
  }
  /// A write from client to server that nobody disturbs.
  void write(std::string_view plaintext) {
    cancellable written;
    tls_write(client, boost::asio::buffer(plaintext.data(), plaintext.size()), written.token());
    std::string const got = read_all(server);
    BOOST_TEST(written.ended_with({}));
    BOOST_TEST(written.bytes == plaintext.size());
    BOOST_TEST((got == plaintext));
  }
};

}  // namespace tls_async::test
