// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The README's comparison with boost::asio::ssl::stream: a case for each row, named after it, which
// runs the same steps with both wherever both have them. If Asio changes, the row has to change.
#include <tls_async/tls_async.hpp>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/memory_link.hpp>
#include <tls_async_test/virtual_clock.hpp>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "support/engine_of.hpp"

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using namespace tls_async::test;
using namespace std::chrono_literals;

namespace {

using theirs = ssl::stream<memory_stream&>;
using ours = tls_async::stream<memory_stream&, virtual_clock>;

ssl::context server_context(identity const& who) {
  ssl::context context{ssl::context::tls_server};
  context.use_certificate_chain(asio::buffer(who.certificate_chain));
  context.use_private_key(asio::buffer(who.private_key), ssl::context::pem);
  return context;
}

ssl::context client_context(identity const& who) {
  ssl::context context{ssl::context::tls_client};
  context.add_certificate_authority(asio::buffer(who.authority));
  context.set_verify_mode(ssl::verify_peer);
  return context;
}

/// What an operation came to; nothing while it goes on.
struct outcome {
  std::optional<error_code> ec;
  std::size_t bytes = 0;

  auto store() {
    return [this](error_code result, std::size_t n = 0) {
      ec = result;
      bytes = n;
    };
  }
};

/// A client of the kind that is compared, and a server of ours, over memory.
template <class Stream>
struct connection {
  explicit connection(identity const& who = server_identity())
      : contexts{client_context(who), server_context(who)} {}

  asio::io_context io;
  std::pair<ssl::context, ssl::context> contexts;
  std::pair<memory_stream, memory_stream> link = memory_stream::make(io.get_executor());
  Stream client{link.first, contexts.first};
  tls_async::stream<memory_stream&, virtual_clock> server{link.second, contexts.second};

  void handshake() {
    outcome client_done, server_done;
    client.async_handshake(ssl::stream_base::client, client_done.store());
    server.async_handshake(ssl::stream_base::server, server_done.store());
    settle();
    BOOST_REQUIRE((client_done.ec == error_code() && server_done.ec == error_code()));
  }
  /// Runs all that can run without anything new.
  void settle() {
    io.restart();
    io.poll();
  }
  /// Lets time pass, and all that is due by then happen: timers end in the order of their times.
  void pass(virtual_clock::duration time) {
    virtual_clock::advance(time);
    asio::basic_waitable_timer<virtual_clock> now(io, virtual_clock::now());
    outcome due;
    now.async_wait(due.store());
    for (io.restart(); !due.ec;)
      io.run_one();
    settle();
  }
  /// The next `n` bytes the server reads, or fewer, and the error that ended it.
  std::pair<error_code, std::string> receive(std::size_t n) {
    outcome done;
    std::string bytes(n, '\0');
    asio::async_read(server, asio::buffer(bytes), done.store());
    settle();
    bytes.resize(done.bytes);
    return {done.ec.value_or(asio::error::would_block), bytes};
  }
};

template <class Stream>
struct written {
  std::size_t writes_of_a_mebibyte = 0;
  std::size_t writes_of_header_and_body = 0;

  written() {
    connection<Stream> c;
    c.handshake();
    std::string const mebibyte(1 << 20, 'm'), header(200, 'h'), body(10 << 10, 'b');
    auto const before = c.link.first.writes();
    outcome done;
    asio::async_write(c.client, asio::buffer(mebibyte), done.store());
    BOOST_TEST((c.receive(mebibyte.size()).second == mebibyte));
    writes_of_a_mebibyte = c.link.first.writes() - before;
    std::array<asio::const_buffer, 2> const message{asio::buffer(header), asio::buffer(body)};
    asio::async_write(c.client, message, done.store());
    BOOST_TEST((c.receive(header.size() + body.size()).second == header + body));
    writes_of_header_and_body = c.link.first.writes() - before - writes_of_a_mebibyte;
  }
};

/// How many bytes one read takes when the peer has sent four full records.
template <class Stream>
std::size_t bytes_of_one_read() {
  connection<Stream> c;
  c.handshake();
  std::string const plaintext(65536, 'p');
  outcome sent, read;
  asio::async_write(c.server, asio::buffer(plaintext), sent.store());
  c.settle();
  std::array<char, 65536> bytes{};
  c.client.async_read_some(asio::buffer(bytes), read.store());
  c.settle();
  BOOST_TEST((read.ec == error_code()));
  return read.bytes;
}

std::string const next_message(20'000, 'n');

/// Cancels a write of which the next layer has taken 4 KiB, then writes `next_message`. What the
/// server gets behind the bytes that the cancelled write reported.
template <class Stream>
std::pair<error_code, std::string> next_message_after_a_cancelled_write() {
  connection<Stream> c;
  c.handshake();
  c.link.first.outgoing().capacity = 4096;
  std::string const cancelled(100'000, 'c');
  outcome first, second;
  asio::cancellation_signal signal;
  c.client.async_write_some(asio::buffer(cancelled),
                            asio::bind_cancellation_slot(signal.slot(), first.store()));
  c.settle();
  BOOST_TEST(!first.ec.has_value());
  signal.emit(asio::cancellation_type::terminal);
  c.settle();
  BOOST_TEST((first.ec == asio::error::operation_aborted));

  c.link.first.outgoing().capacity = unbounded;
  asio::async_write(c.client, asio::buffer(next_message), second.store());
  auto const [ec, bytes] = c.receive(first.bytes + next_message.size());
  BOOST_TEST((second.ec == error_code()));
  return {ec, bytes.substr(std::min(bytes.size(), first.bytes))};
}

/// How a client ends that trusts the authority of a server with a certificate for another host.
template <class Stream, class Handshake>
error_code refuse_wrong_host(connection<Stream>& c, Handshake handshake) {
  outcome client_done, server_done;
  handshake(c.client, client_done.store());
  c.server.async_handshake(ssl::stream_base::server, server_done.store());
  c.settle();
  return client_done.ec.value_or(error_code());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(comparison)

BOOST_AUTO_TEST_CASE(writing) {
  written<theirs> const asio_stream;
  BOOST_TEST(asio_stream.writes_of_a_mebibyte == 64U);
  BOOST_TEST(asio_stream.writes_of_header_and_body == 2U);
  written<ours> const stream;
  BOOST_TEST(stream.writes_of_a_mebibyte == 16U);
  BOOST_TEST(stream.writes_of_header_and_body == 1U);
}

BOOST_AUTO_TEST_CASE(reading) {
  BOOST_TEST(bytes_of_one_read<theirs>() == 16384U);
  BOOST_TEST(bytes_of_one_read<ours>() == 65536U);
}

BOOST_AUTO_TEST_CASE(many_writers) {
  connection<ours> c;
  c.handshake();
  std::string all;
  std::array<std::string, 8> messages;
  std::array<outcome, 8> done;
  for (std::size_t i = 0; i != messages.size(); ++i) {
    messages[i].assign(30'000 * i + 1, static_cast<char>('a' + i));
    all += messages[i];
    tls_write(c.client, asio::buffer(messages[i]), done[i].store());
  }
  BOOST_TEST((c.receive(all.size()).second == all));
  for (std::size_t i = 0; i != messages.size(); ++i) {
    BOOST_TEST((done[i].ec == error_code()));
    BOOST_TEST(done[i].bytes == messages[i].size());
  }

  // The first leaves at once; the others gather meanwhile, and leave as one record.
  std::string const small(128, 's');
  std::array<outcome, 64> small_done;
  auto const before = c.link.first.writes();
  for (auto& each : small_done)
    tls_write(c.client, asio::buffer(small), each.store());
  BOOST_TEST(c.receive(small.size() * small_done.size()).second.size() == 64U * 128);
  BOOST_TEST(c.link.first.writes() - before == 2U);
}

BOOST_AUTO_TEST_CASE(second_read) {
  connection<ours> c;
  c.handshake();
  std::array<char, 10> a{}, b{};
  outcome first, second, sent;
  tls_read_some(c.client, asio::buffer(a), first.store());
  tls_read_some(c.client, asio::buffer(b), second.store());
  c.settle();
  BOOST_TEST((second.ec == tls_async::errc::second_read));
  tls_write(c.server, asio::buffer("hello", 5), sent.store());
  c.settle();
  BOOST_TEST((first.ec == error_code()));
  BOOST_TEST(std::string(a.data(), first.bytes) == "hello");
}

BOOST_AUTO_TEST_CASE(cancellation) {
  auto const asio_stream = next_message_after_a_cancelled_write<theirs>();
  BOOST_TEST(asio_stream.first.message() == "decryption failed or bad record mac (SSL routines)");
  auto const stream = next_message_after_a_cancelled_write<ours>();
  BOOST_TEST(!stream.first);
  BOOST_TEST((stream.second == next_message));
}

BOOST_AUTO_TEST_CASE(half_close) {
  connection<ours> c;
  c.handshake();
  outcome closed, sent, read;
  tls_close_write(c.client, closed.store());
  BOOST_TEST((c.receive(1).first == asio::error::eof));
  BOOST_TEST((closed.ec == error_code()));
  tls_write(c.server, asio::buffer("answer", 6), sent.store());
  std::array<char, 10> bytes{};
  tls_read_some(c.client, asio::buffer(bytes), read.store());
  c.settle();
  BOOST_TEST(std::string(bytes.data(), read.bytes) == "answer");
}

BOOST_AUTO_TEST_CASE(shutdown_of_a_silent_peer) {
  outcome done;
  {
    connection<theirs> c;
    c.handshake();
    c.client.async_shutdown(done.store());
    c.settle();
    BOOST_TEST(!done.ec.has_value());  // and nothing is under way that would end it
    BOOST_TEST(c.link.first.is_reading());
  }
  outcome bounded;
  connection<ours> c;
  c.handshake();
  c.client.async_shutdown(bounded.store());
  c.pass(1s);
  BOOST_TEST(!bounded.ec.has_value());
  c.pass(1s);
  BOOST_TEST((bounded.ec == asio::error::timed_out));
}

BOOST_AUTO_TEST_CASE(deadlines) {
  connection<ours> c;
  outcome handshake, read;
  tls_handshake(c.client, tls_async::as_client{"localhost"}, handshake.store());
  c.settle();
  c.pass(10s);
  BOOST_TEST((handshake.ec == asio::error::timed_out));

  // The socket is kept, so the same handshake goes on.
  c.handshake();
  std::array<char, 10> bytes{};
  tls_read_some(c.client, asio::buffer(bytes), 50ms, read.store());
  c.pass(50ms);
  BOOST_TEST((read.ec == asio::error::timed_out));

  // A write that makes progress goes on; one that makes none ends, and nothing is closed.
  c.link.first.outgoing().capacity = 1000;
  c.link.first.deliver(0);
  std::string const plaintext(10'000, 'p');
  outcome written, received;
  c.server.async_read_some(asio::buffer(bytes), received.store());
  tls_write(c.client, asio::buffer(plaintext), written.store());
  c.pass(29s);
  c.link.first.deliver(500);  // less than the record that it is part of
  c.settle();
  c.pass(29s);
  BOOST_TEST(!written.ec.has_value());
  c.pass(1s);
  BOOST_TEST((written.ec == asio::error::timed_out));
  BOOST_TEST(!received.ec.has_value());
}

BOOST_AUTO_TEST_CASE(errors) {
  auto const& who = make_identity(identity_kind::wrong_host);
  connection<theirs> a{who};
  a.client.set_verify_callback(ssl::host_name_verification("localhost"));
  auto const asio_code = refuse_wrong_host(a, [](theirs& client, auto handler) {
    client.async_handshake(ssl::stream_base::client, std::move(handler));
  });
  connection<ours> c{who};
  auto const code = refuse_wrong_host(c, [](ours& client, auto handler) {
    tls_handshake(client, tls_async::as_client{"localhost"}, std::move(handler));
  });
  BOOST_TEST(code == asio_code);
  BOOST_TEST(code.message() == "certificate verify failed (SSL routines)");
  auto const text = c.client.error_info().text();
  BOOST_TEST_MESSAGE(text);
  for (char const* part :
       {"hostname mismatch", "the host is 'localhost'", "alert 'bad certificate'"}) {
    BOOST_TEST(text.find(part) != std::string::npos, part << " is not in: " << text);
  }
}

BOOST_AUTO_TEST_CASE(memory) {
  // Asio's: a BIO pair and two buffers, 17 KiB each, four in all (asio/ssl/detail/stream_core.hpp).
  BOOST_TEST(ssl::detail::stream_core::max_tls_record_size == 17 * 1024);
  connection<ours> c;
  c.handshake();
  std::array<char, 64> place{};
  tls_read_some(c.client, asio::buffer(place), [](error_code, std::size_t) {});
  c.settle();
  // With a read that waits there is neither ring nor record buffer.
  BOOST_TEST(!engine_of(c.client).ring().is_attached());
  BOOST_TEST(c.client.memory_usage() < 2560U);
}

BOOST_AUTO_TEST_SUITE_END()
