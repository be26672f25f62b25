// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session that sends on a descriptor, which takes nothing for a while: who goes on when it does.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "played_session.hpp"

namespace tls_async::test {
namespace {

// One that takes nothing until it is emptied.
class full_descriptor {
public:
  full_descriptor() {
    BOOST_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0);
    std::array<char, 100> const other{};
    while (::send(ends_[0], other.data(), other.size(), MSG_NOSIGNAL) > 0) {
    }
    while (::send(ends_[0], other.data(), 1, MSG_NOSIGNAL) > 0) {
    }
  }
  full_descriptor(full_descriptor const&) = delete;
  full_descriptor& operator=(full_descriptor const&) = delete;
  ~full_descriptor() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  [[nodiscard]] int get() const noexcept { return ends_[0]; }
  void empty() {
    std::array<char, 4'096> taken;
    while (::recv(ends_[1], taken.data(), taken.size(), 0) > 0) {
    }
  }

private:
  std::array<int, 2> ends_{-1, -1};
};

void ask_for_new_keys(raw_session& by) {
  BOOST_REQUIRE_EQUAL(SSL_key_update(by.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  by.handshake();
}

BOOST_AUTO_TEST_SUITE(gates)

// The answer to a request for new keys is half sent and the record waits behind it, while what a
// read wants is there already: all of that ends in one turn.
BOOST_AUTO_TEST_CASE(writes_go_on_when_a_record_ends_beside_a_read_that_ends) {
  full_descriptor descriptor;
  played_session s;
  s.negotiate();
  played_read first(1);
  s.start(first);
  ask_for_new_keys(s.peer);
  s.peer.write("x");
  s.peer.write("hello");
  s.fill();
  BOOST_REQUIRE(first.told.done);
  s.session.engine().path().use_descriptor(descriptor.get(), [](int) { return false; });
  played_write under_way("one");
  played_write queued("two");
  s.start(under_way);
  s.start(queued);
  played_read second(5);
  s.start(second);
  BOOST_TEST(s.session.engine().record_pending());
  BOOST_TEST(s.session.engine().in_handshake());
  BOOST_REQUIRE(!second.told.done);
  descriptor.empty();
  s.become_writable();
  BOOST_TEST(second.plaintext() == "hello");
  BOOST_TEST(under_way.told.done);
  BOOST_TEST(queued.told.done);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
