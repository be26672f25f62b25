// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone, in each phase of its session: every transition of the table is reached, by what
// docs/architecture.md says of it.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <functional>
#include <string>
#include <vector>

#include "engine_pair.hpp"

namespace tls_async {

inline std::ostream& operator<<(std::ostream& out, phase shown) {
  constexpr std::array names{"fresh",        "negotiating", "open",  "output_closed",
                             "input_closed", "closed",      "failed"};
  return out << names.at(static_cast<std::size_t>(shown));
}

inline std::ostream& operator<<(std::ostream& out, phase_transition const& shown) {
  return out << shown.from << " to " << shown.to;
}

}  // namespace tls_async

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

// A client that is brought into a phase, or taken out of it.
class played_session {
public:
  phase now() { return client().phase(); }

  void come_to(phase wanted) {
    switch (wanted) {
      case phase::fresh:
        return;
      case phase::negotiating:
        return begin();
      case phase::open:
        return negotiate();
      case phase::output_closed:
        negotiate();
        return close();
      case phase::input_closed:
        negotiate();
        return be_closed();
      case phase::closed:
        negotiate();
        close();
        return be_closed();
      case phase::failed:
        begin();
        return fail();
    }
  }
  void begin() { (void)client().handshake(); }
  void negotiate() { pair_.handshake(); }
  void close() { (void)client().close_notify(); }
  void close_quietly() {
    SSL_set_quiet_shutdown(client().native_handle(), 1);
    close();
  }
  void be_closed() {
    BOOST_REQUIRE_EQUAL(pair_.server.close_notify(), step{});
    want end{};
    deliver_all(pair_.server, client(), &end);
    BOOST_REQUIRE_EQUAL(end, want::closed);
  }
  void fail() { client().abort(errc::unexpected_result, "for this test"); }
  void clear() {
    BOOST_REQUIRE_EQUAL(SSL_clear(client().native_handle()), 1);
    BOOST_REQUIRE(client().begin_anew_if_cleared());
  }
  engine& client() { return pair_.client; }

private:
  engine_pair pair_;
};

struct event {
  std::string name;
  std::function<void(played_session&)> happen;
  std::vector<phase_transition> leads;  ///< Where it may happen, and to which phase it leads.
};

std::vector<event> all_events() {
  return {
      {"the handshake begins", &played_session::begin, {{phase::fresh, phase::negotiating}}},
      {"the handshake is done", &played_session::negotiate, {{phase::negotiating, phase::open}}},
      {"close_notify",
       &played_session::close,
       {{phase::open, phase::output_closed}, {phase::input_closed, phase::closed}}},
      {"close_notify of the peer",
       &played_session::be_closed,
       {{phase::open, phase::input_closed}, {phase::output_closed, phase::closed}}},
      {"the end without a word", &played_session::close_quietly, {{phase::open, phase::closed}}},
      {"a failure",
       &played_session::fail,
       {{phase::fresh, phase::failed},
        {phase::negotiating, phase::failed},
        {phase::open, phase::failed},
        {phase::output_closed, phase::failed},
        {phase::input_closed, phase::failed},
        {phase::closed, phase::failed}}},
      {"SSL_clear",
       &played_session::clear,
       {{phase::negotiating, phase::fresh},
        {phase::open, phase::fresh},
        {phase::output_closed, phase::fresh},
        {phase::input_closed, phase::fresh},
        {phase::closed, phase::fresh},
        {phase::failed, phase::fresh}}},
  };
}

BOOST_AUTO_TEST_SUITE(phases)

BOOST_AUTO_TEST_CASE(every_transition_is_reached) {
  std::size_t reached = 0;
  for (auto const& each : all_events()) {
    for (phase_transition const& way : each.leads) {
      BOOST_TEST_CONTEXT(each.name << ": " << way) {
        played_session s;
        s.come_to(way.from);
        BOOST_TEST(s.now() == way.from);
        each.happen(s);
        BOOST_TEST(s.now() == way.to);
        BOOST_TEST(may_follow(way.from, way.to));
        ++reached;
      }
    }
  }
  BOOST_TEST(reached == phase_transitions.size());
}

BOOST_AUTO_TEST_CASE(table_has_each_transition_once_and_no_way_to_stay) {
  for (auto const& each : phase_transitions) {
    BOOST_TEST(each.from != each.to);
    BOOST_TEST(std::ranges::count_if(phase_transitions, [&](auto const& other) {
                 return other.from == each.from && other.to == each.to;
               }) == 1);
  }
}

// By us, by what comes in place of a handshake, and by a record that can't be opened.
BOOST_AUTO_TEST_CASE(failures_of_all_kinds_lead_to_failed) {
  engine alone(make_context(role::client).get(), plain_options);
  BOOST_TEST(alone.handshake().next == want::failed);
  BOOST_TEST(alone.phase() == phase::failed);
  played_session s;
  s.begin();
  give(s.client(), "HTTP/1.0 400 Bad Request\r\n\r\n");
  BOOST_TEST(s.client().handshake().next == want::failed);
  BOOST_TEST(s.now() == phase::failed);
  BOOST_TEST(!s.client().handshake_done());
  played_session open;
  open.negotiate();
  give(open.client(), std::string("\x17\x03\x03\0\x20", 5) + std::string(32, '\0'));
  BOOST_TEST(open_all(open.client()) == "");
  BOOST_TEST(open.now() == phase::failed);
  BOOST_TEST(open.client().handshake_done());
}

// A renegotiation, a ticket that has come in part: the session stays open.
BOOST_AUTO_TEST_CASE(message_behind_the_handshake_is_no_phase) {
  connected_engines pair(tls_settings{.long_tickets = true});
  SSL* const server = pair.server.native_handle();
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(server, 512), 1);
  BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(server), 1);
  BOOST_REQUIRE_EQUAL(SSL_do_handshake(server), 1);
  BOOST_REQUIRE_EQUAL(move_ciphertext(pair.server, pair.client, 600), 600U);
  BOOST_TEST(open_all(pair.client) == "");
  BOOST_TEST(pair.client.in_handshake());
  BOOST_TEST(pair.client.phase() == phase::open);
}

// What is closed can't be sealed any more, also while close_notify itself finds no room.
BOOST_DATA_TEST_CASE(close_notify_that_waits_for_room_has_closed_the_output,
                     data::make({TLS1_2_VERSION, TLS1_3_VERSION}), version) {
  connected_engines pair(version_settings(version));
  for (std::size_t size = max_record_plaintext; size != 0;) {
    if (pair.client.ring().output_room() < size + 30) {
      size /= 2;
      continue;
    }
    seal_all(pair.client, std::string(size, 'x'));
  }
  (void)pair.client.seal(bytes_of("?"));
  if (pair.client.record_pending()) {
    move_ciphertext(pair.client, pair.server, 10);
    (void)pair.client.finish_record();
  }
  BOOST_REQUIRE(!pair.client.record_pending());
  BOOST_TEST(pair.client.close_notify() == (step{want::flush, 0}));
  BOOST_TEST(pair.client.phase() == phase::output_closed);
  open_all(pair.server);
  deliver_all(pair.client, pair.server);
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(pair.client.phase() == phase::output_closed);
}

BOOST_AUTO_TEST_CASE(session_of_before_leaves_nothing_to_the_next_after_ssl_clear) {
  played_session s;
  s.come_to(phase::closed);
  s.clear();
  BOOST_TEST(s.now() == phase::fresh);
  BOOST_TEST(!s.client().handshake_done());
  BOOST_TEST(s.client().handshake().next == want::fill);
  BOOST_TEST(s.now() == phase::negotiating);
  BOOST_TEST(s.client().ring().output_bytes() != 0U);
}

BOOST_AUTO_TEST_CASE(nothing_begins_anew_before_ssl_clear) {
  for (auto const where : {phase::fresh, phase::open, phase::failed}) {
    played_session s;
    s.come_to(where);
    BOOST_TEST(!s.client().begin_anew_if_cleared());
    BOOST_TEST(s.now() == where);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
