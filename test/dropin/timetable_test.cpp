// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the program and its peer see, in which order and when: the same with both streams, or the
// test says how not. Each journal is the whole of it; its lines begin with milliseconds.
#include "timetable.hpp"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

namespace tls_async::test {
namespace {

using theirs = ssl::stream<timed_stream>;
using ours = tls_async::stream<timed_stream, virtual_clock>;
using timed_streams = boost::mpl::list<theirs, ours>;
template <class Stream>
inline constexpr bool is_ours = std::is_same_v<Stream, ours>;

// How every journal begins: the session tickets arrive at 40.
std::string const session_is_there = R"(20 handshake: done
30 peer: handshake
)";

BOOST_AUTO_TEST_SUITE(timetable)

BOOST_AUTO_TEST_CASE_TEMPLATE(request_and_response, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake([&](error_code) { c.write("request", [&](error_code) { c.read(); }); });
  c.at(100ms, [&] { c.peer.say("response"); });
  c.at(200ms, [&] { c.shutdown([&](error_code) { c.close(); }); });
  c.run(1s);
  BOOST_TEST(c.journal() == R"(20 handshake: done
20 write: done
30 peer: handshake
30 peer: 'request'
110 read: 'response'
210 peer: close_notify
220 shutdown: done
230 peer: end
)");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(records_of_a_long_write, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] { c.write(std::string(40'000, 'x')); });
  c.run(1s);
  BOOST_TEST(c.journal() == session_is_there + R"(100 write: done
110 peer: 16384
110 peer: 16384
110 peer: 7232
)");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(writes_beside_a_read_that_waits, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(50ms, [&] { c.read([&](error_code) { c.read(); }); });
  for (auto const when : {100ms, 150ms, 200ms})
    c.at(when, [&] { c.write("tick"); });
  c.at(150ms, [&] { c.peer.say("tock"); });
  c.at(220ms, [&] { c.peer.say("the end"); });
  c.run(1s);
  BOOST_TEST(c.journal() == session_is_there + R"(100 write: done
110 peer: 'tick'
150 write: done
160 peer: 'tick'
160 read: 'tock'
200 write: done
210 peer: 'tick'
230 read: 'the end'
)");
}

// The next layer counts from when it was told, whatever the streams do meanwhile.
BOOST_AUTO_TEST_CASE_TEMPLATE(timeout_of_the_next_layer_ends_a_read, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] {
    c.line->expires_after(500ms);
    c.read();
  });
  c.at(300ms, [&] { c.write("still here"); });
  c.run(3s);
  BOOST_TEST(c.journal() == session_is_there + R"(300 write: done
310 peer: 'still here'
600 timeout of the next layer
600 read: The socket was closed due to a timeout
610 peer: end
)");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timeout_of_the_next_layer_ends_a_handshake, Stream, timed_streams) {
  timed_client<Stream> c;
  c.peer.line = {};  // what it says does not arrive
  c.line->expires_after(300ms);
  c.handshake();
  c.run(3s);
  BOOST_TEST(c.journal() == R"(300 timeout of the next layer
300 handshake: The socket was closed due to a timeout
310 peer: end
)");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timeout_of_the_next_layer_ends_a_write, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] {
    c.line->window = 0;
    c.line->expires_after(400ms);
    c.write("nobody takes it");
  });
  c.run(3s);
  BOOST_TEST(c.journal() == session_is_there + R"(500 timeout of the next layer
500 write: The socket was closed due to a timeout
510 peer: end
)");
}

// A read that is over leaves nothing outstanding, which the timeout would find.
BOOST_AUTO_TEST_CASE_TEMPLATE(timeout_spares_a_stream_whose_read_was_cancelled, Stream,
                              timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] {
    c.line->expires_after(200ms);
    c.read();
  });
  c.at(200ms, [&] { c.cancel(c.read_cancel); });
  c.at(600ms, [&] {
    c.line->expires_after(200ms);
    c.write("still here");
  });
  c.at(700ms, [&] { c.peer.say("so am I"); });
  c.at(750ms, [&] { c.read(); });
  c.run(3s);
  BOOST_TEST(c.journal() == session_is_there + R"(200 read: Operation canceled
600 write: done
610 peer: 'still here'
750 read: 'so am I'
)");
}

// Nor does one that has got something, or the end.
BOOST_AUTO_TEST_CASE_TEMPLATE(timeout_spares_a_stream_that_has_read, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] {
    c.line->expires_after(200ms);
    c.read();
  });
  c.at(150ms, [&] { c.peer.say("x"); });
  c.at(600ms, [&] {
    c.line->expires_after(200ms);
    c.read();
  });
  c.at(650ms, [&] { c.peer.close_notify(); });
  c.at(1s, [&] { c.write("still here"); });
  c.run(3s);
  BOOST_TEST(c.journal() == session_is_there + R"(160 read: 'x'
660 read: End of file
1000 write: done
1010 peer: 'still here'
)");
}

// At 20 the answer has come, and nobody has been told yet.
BOOST_AUTO_TEST_CASE_TEMPLATE(handshake_goes_on_behind_a_cancel_at_each_step, Stream,
                              timed_streams) {
  for (std::string const when : {"0", "10", "20"}) {
    timed_client<Stream> c;
    c.handshake();
    c.after(milliseconds(std::stoi(when)),
            [&] { c.after(0ms, [&] { c.cancel(c.handshake_cancel); }); });
    c.at(100ms, [&] { c.handshake(); });
    c.run(1s);
    BOOST_TEST(c.journal() == when + R"( handshake: Operation canceled
100 handshake: done
110 peer: handshake
)");
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(read_that_is_cancelled_at_each_step_takes_nothing, Stream,
                              timed_streams) {
  for (std::string const when : {"100", "150", "160"}) {
    timed_client<Stream> c;
    c.handshake();
    c.at(100ms, [&] { c.read(); });
    c.at(150ms, [&] { c.peer.say("x"); });
    c.at(milliseconds(std::stoi(when)), [&] { c.after(0ms, [&] { c.cancel(c.read_cancel); }); });
    c.at(300ms, [&] { c.read(); });
    c.at(400ms, [&] { c.write("y"); });
    c.run(1s);
    BOOST_TEST(c.journal() == session_is_there + when + R"( read: Operation canceled
300 read: 'x'
400 write: done
410 peer: 'y'
)");
  }
}

// Asio's has sealed what it then drops, and the peer meets the gap.
BOOST_AUTO_TEST_CASE_TEMPLATE(write_is_cancelled_while_nobody_takes_it, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] {
    c.line->window = 5;
    c.write("message");
  });
  c.at(200ms, [&] { c.cancel(c.write_cancel); });
  c.at(300ms, [&] { c.line->open_window(); });
  c.at(400ms, [&] { c.write("another"); });
  c.run(1s);
  BOOST_TEST(c.journal() == session_is_there + (is_ours<Stream> ? R"(200 write: Operation canceled
310 peer: 'message'
400 write: done
410 peer: 'another'
)"
                                                                : R"(200 write: Operation canceled
400 write: done
410 peer: no TLS
)"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(shutdown_is_cancelled_at_each_step, Stream, timed_streams) {
  for (std::string const when : {"100", "110", "120"}) {
    timed_client<Stream> c;
    c.handshake();
    c.at(100ms, [&] { c.shutdown(); });
    c.at(milliseconds(std::stoi(when)),
         [&] { c.after(0ms, [&] { c.cancel(c.shutdown_cancel); }); });
    c.at(200ms, [&] { c.shutdown(); });
    c.at(300ms, [&] { c.close(); });
    c.run(4s);
    std::string const cancelled = when + " shutdown: Operation canceled\n";
    BOOST_TEST(c.journal() == session_is_there + (when == "100" ? cancelled : "") +
                                  "110 peer: close_notify\n" + (when != "100" ? cancelled : "") +
                                  "200 shutdown: done\n310 peer: end\n");
  }
}

// Asio's waits until the read has ended, and then takes that for its own cancellation.
BOOST_AUTO_TEST_CASE_TEMPLATE(shutdown_beside_a_read, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] { c.read(); });
  c.at(200ms, [&] { c.shutdown([&](error_code) { c.close(); }); });
  c.run(4s);
  std::string const result = is_ours<Stream> ? "done" : "Operation canceled";
  BOOST_TEST(c.journal() == session_is_there + R"(210 peer: close_notify
220 read: End of file
220 shutdown: )" + result + "\n230 peer: end\n");
}

// Ours ends by its deadline.
BOOST_AUTO_TEST_CASE_TEMPLATE(shutdown_of_a_silent_peer, Stream, timed_streams) {
  timed_client<Stream> c;
  c.peer.answers_close_notify = false;
  c.handshake();
  c.at(100ms, [&] { c.shutdown(); });
  c.run(4s);
  BOOST_TEST(c.journal() == session_is_there + "110 peer: close_notify\n" +
                                (is_ours<Stream> ? "2100 shutdown: Connection timed out\n" : ""));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(peer_closes_its_half_first, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] { c.read(); });
  c.at(150ms, [&] { c.peer.close_notify(); });
  c.at(200ms, [&] { c.write("not yet"); });
  c.at(300ms, [&] { c.shutdown([&](error_code) { c.close(); }); });
  c.run(4s);
  BOOST_TEST(c.journal() == session_is_there + R"(160 read: End of file
200 write: done
210 peer: 'not yet'
300 shutdown: done
310 peer: close_notify
310 peer: end
)");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(peer_goes_without_a_close_notify, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] { c.read([&](error_code) { c.read(); }); });
  c.at(150ms, [&] {
    c.peer.say("last");
    c.peer.end();
  });
  c.run(4s);
  BOOST_TEST(c.journal() == session_is_there + R"(160 read: 'last'
160 read: stream truncated
)");
}

// What was written has left, as far as the next layer took it at once.
BOOST_AUTO_TEST_CASE_TEMPLATE(close_behind_a_write, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] {
    c.write("last");
    c.close();
  });
  c.run(4s);
  BOOST_TEST(c.journal() == session_is_there + R"(100 write: done
110 peer: 'last'
110 peer: end
)");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(close_behind_a_write_in_a_handler, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] {
    c.read([&](error_code) {
      c.write("last");
      c.close();
    });
  });
  c.at(150ms, [&] { c.peer.say("go"); });
  c.run(4s);
  BOOST_TEST(c.journal() == session_is_there + R"(160 read: 'go'
160 write: done
170 peer: 'last'
170 peer: end
)");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(close_ends_a_read, Stream, timed_streams) {
  timed_client<Stream> c;
  c.handshake();
  c.at(100ms, [&] { c.read(); });
  c.at(200ms, [&] { c.close(); });
  c.run(4s);
  BOOST_TEST(c.journal() == session_is_there + R"(200 read: Operation canceled
210 peer: end
)");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
