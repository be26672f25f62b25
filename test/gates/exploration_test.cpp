// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Every sequence of events that a session can be told of: no byte, completion or timer is lost, and
// no state is outside of the table.
#include <array>
#include <memory>
#include <string>

#include "explored_session.hpp"

namespace tls_async::test {

using w = explored_session&;

std::array<event<explored_session>, 33> const explored_session::events{{
    {"handshake", both, [](w s) { return s.may_start(verb_kind::handshake); },
     [](w s) { s.start_control(verb_kind::handshake); }},
    {"read", inwards | both, [](w s) { return s.may_start(verb_kind::read); },
     [](w s) { s.start_read(); }},
    {"write", outwards, [](w s) { return s.may_send(); }, [](w s) { s.start_write(6); }},
    {"long write", outwards, [](w s) { return s.may_send(); },
     [](w s) { s.start_write(20'000, true); }},
    {"last write", outwards, [](w s) { return s.may_send(); },
     [](w s) { s.start_last_write(max_record_plaintext + 6); }},
    {"write of two records", both, [](w s) { return s.may_send(); },
     [](w s) { s.start_write(max_record_plaintext + 6); }},
    {"key update", outwards | both, [](w s) { return s.may_send(); },
     [](w s) { s.start_control(verb_kind::key_update); }},
    {"close_write", outwards, [](w s) { return s.may_send(); },
     [](w s) { s.start_control(verb_kind::close_write); }},
    {"shutdown", inwards | both, [](w s) { return s.may_send(); },
     [](w s) { s.start_control(verb_kind::shutdown); }},
    {"cancel handshake", both, [](w s) { return s.first(is<verb_kind::handshake>) != nullptr; },
     [](w s) { s.cancel(s.first(is<verb_kind::handshake>)); }},
    {"cancel read", inwards | both, [](w s) { return s.first(is<verb_kind::read>) != nullptr; },
     [](w s) { s.cancel(s.first(is<verb_kind::read>)); }},
    {"cancel output", all, [](w s) { return s.first(is_output) != nullptr; },
     [](w s) { s.cancel(s.first(is_output)); }},
    {"cancel last output", outwards, [](w s) { return s.last_output() != s.first(s.is_output); },
     [](w s) { s.cancel(s.last_output()); }},
    {"cancel output, total", outwards, [](w s) { return s.first(is_output) != nullptr; },
     [](w s) { s.cancel(s.first(is_output), true); }},
    {"expire", all, [](w s) { return s.s_.asked.timer != detail::never; }, [](w s) { s.expire(); }},
    {"flush", all, [](w s) { return s.s_.asked.flush; }, [](w s) { s.flush(); }},
    {"flush a part", outwards | both,
     [](w s) { return s.s_.asked.flush && part_of(s.output()) != 0; },
     [](w s) { s.s_.flush(part_of(s.output())); }},
    {"cancel flush", all, [](w s) { return s.s_.asked.flush; },
     [](w s) { s.fail_flush(asio::error::operation_aborted); }},
    {"fail flush", all, [](w s) { return s.s_.asked.flush; },
     [](w s) { s.fail_flush(asio::error::connection_reset); }},
    {"fill", inwards | both, [](w s) { return s.may_fill(); }, [](w s) { s.fill(everything); }},
    {"fill a part", inwards, [](w s) { return s.may_fill() && part_of(s.s_.peer.produced()) != 0; },
     [](w s) { s.fill(part_of(s.s_.peer.produced())); }},
    {"fill nonsense", inwards, [](w s) { return s.s_.asked.fill; }, [](w s) { s.fill_nonsense(); }},
    {"cancel fill", inwards | both, [](w s) { return s.s_.asked.fill; },
     [](w s) { s.fail_fill(asio::error::operation_aborted); }},
    {"end transport", inwards | both, [](w s) { return s.s_.asked.fill; },
     [](w s) { s.fail_fill(asio::error::eof); }},
    {"let go", inwards | both, [](w s) { return s.s_.asked.let_go; },
     [](w s) { s.s_.end_fill_let_go(); }},
    {"keep fill", inwards, [](w s) { return s.s_.asked.let_go; }, [](w s) { s.leave_fill(); }},
    {"look again", all, [](w s) { return s.s_.asked.look_again; }, [](w s) { s.look_again(); }},
    {"locate", outwards, [](w s) { return s.s_.asked.locate != nullptr; },
     [](w s) { s.s_.locate(); }},
    {"peer writes", inwards | both, [](w s) { return s.peer_may_act(); },
     [](w s) { s.peer_writes(); }},
    {"peer asks for keys", inwards | both, [](w s) { return s.peer_may_act(); },
     [](w s) { s.peer_asks_for_keys(); }},
    {"peer closes", inwards | both, [](w s) { return s.peer_may_act(); },
     [](w s) { s.s_.peer.shutdown(); }},
    {"close", all, [](w s) { return !s.is_gone_; }, [](w s) { s.end(false); }},
    {"destroy", outwards | inwards, [](w s) { return !s.is_gone_ && s.s_.asked.locate == nullptr; },
     [](w s) { s.end(true); }},
}};

namespace {

// `gates_test --run_test=exploration -- 8` explores deeper.
std::size_t depth() {
#ifdef __SANITIZE_ADDRESS__
  constexpr std::size_t usual = 3;  // it takes four times as long
#else
  constexpr std::size_t usual = 5;
#endif
  auto const& suite = boost::unit_test::framework::master_test_suite();
  return suite.argc > 1 ? std::stoul(suite.argv[1]) : usual;
}

void explore(char const* title, unsigned part, beginning from, std::size_t to = depth()) {
  explorer<explored_session>(title, part, [=] {
    return std::make_unique<explored_session>(part, from);
  }).explore(to);
}

BOOST_AUTO_TEST_SUITE(exploration)

BOOST_AUTO_TEST_CASE(output_gate_loses_nothing) {
  explore("output gate", outwards, beginning::negotiated);
}

BOOST_AUTO_TEST_CASE(full_ring_loses_nothing) {
  explore("full ring", outwards, beginning::full_ring, depth() - 1);  // each step is a long one
}

BOOST_AUTO_TEST_CASE(input_gate_loses_nothing) {
  explore("input gate", inwards, beginning::negotiated);
}

BOOST_AUTO_TEST_CASE(both_gates_lose_nothing) {
  explore("both gates", both, beginning::negotiated);
}

BOOST_AUTO_TEST_CASE(handshake_loses_nothing) {
  explore("handshake", both, beginning::before_handshake);
}

BOOST_AUTO_TEST_CASE(every_transition_of_the_table_is_reached) {
  explore("output gate", outwards, beginning::negotiated, 4);
  explore("input gate", inwards, beginning::negotiated, 4);
  explore("handshake", both, beginning::before_handshake, 4);
  explore("full ring", inwards, beginning::full_ring, 3);
  for (auto const& [from, to] : detail::transitions) {
    BOOST_TEST_CONTEXT(from << " to " << to)
    BOOST_TEST(explored_session::steps.contains({from, to}));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
