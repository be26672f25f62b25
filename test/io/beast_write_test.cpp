// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_write of Beast's messages: the bytes are those of http::async_write, for every kind of body,
// in fewer records and sends, and a body that can't be sent as a whole is an error.
#include <tls_async/beast.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/multi_buffer.hpp>
#include <boost/beast/core/ostream.hpp>
#include <boost/beast/http.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "memory_session.hpp"
#include "temporary_file.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace data = boost::unit_test::data;
namespace http = beast::http;

// A body that comes in pieces, and may end in an error or an exception.
struct pieces_body {
  struct value_type {
    std::vector<std::string> pieces;
    error_code error;
    bool throws = false;
  };
  class writer {
  public:
    using const_buffers_type = asio::const_buffer;
    template <bool IsRequest, class Fields>
    writer(http::header<IsRequest, Fields> const&, value_type const& body) : body_(body) {}
    static void init(error_code& ec) { ec = {}; }
    boost::optional<std::pair<const_buffers_type, bool>> get(error_code& ec) {
      ec = {};
      if (next_ != body_.pieces.size()) {
        auto const& piece = body_.pieces[next_++];
        return {{asio::buffer(piece), true}};
      }
      if (body_.throws) throw std::runtime_error("the body can't be made");
      ec = body_.error;
      return boost::none;
    }

  private:
    value_type const& body_;
    std::size_t next_ = 0;
  };
};

// A server with something to say, and a client that listens.
struct speaking : connected_session {
  explicit speaking(stream_options const& options = {}) : connected_session(options) {
    keep_reading(client, received);
    settle();
    bytes_before_ = server_end().written().size();
    writes_before_ = server_end().writes();
  }
  template <class Message>
  ending write(Message& message) {
    ending written;
    tls_write(server, message, written.token());
    BOOST_TEST(!written.done);
    settle();
    BOOST_REQUIRE(written.done);
    return written;
  }
  template <class Message>
  ending write_by_beast(Message& message) {
    ending written;
    http::async_write(server, message, written.token());
    settle();
    BOOST_REQUIRE(written.done);
    return written;
  }
  [[nodiscard]] std::vector<std::size_t> records() {
    return records_written(server_end(), bytes_before_);
  }
  [[nodiscard]] std::size_t sends() { return server_end().writes() - writes_before_; }

  /// Nothing arrives until `release`, and no more than `capacity` bytes are on their way.
  void hold(std::size_t capacity) {
    server_end().deliver(0);
    server_end().outgoing().capacity = capacity;
  }
  void release() {
    server_end().deliver(unbounded / 2);
    settle();
  }

  sink received;

private:
  std::size_t bytes_before_ = 0, writes_before_ = 0;
};

template <class Body>
http::response<Body> response_of(typename Body::value_type body) {
  http::response<Body> made(http::status::ok, 11);
  made.set(http::field::server, "test");
  made.set(http::field::content_type, "application/octet-stream");
  made.body() = std::move(body);
  return made;
}
template <class Message>
Message with_length(Message message) {
  message.prepare_payload();
  return message;
}
template <class Message>
Message in_chunks(Message message) {
  message.chunked(true);
  return message;
}

http::file_body::value_type body_of(temporary_file const& file) {
  beast::file_posix opened;
  opened.native_handle(::dup(file.descriptor()));
  error_code ec;
  opened.seek(0, ec);  // all copies share one position
  http::file_body::value_type body;
  body.reset(std::move(opened), ec);
  BOOST_REQUIRE_EQUAL(ec, error_code());
  return body;
}

// `make()` makes a message, and is called once for each of the two that write it.
template <class Make>
void is_as_written_by_beast(Make make, std::string const& what) {
  speaking beasts, ours;
  auto theirs = make();
  auto const expected = beasts.write_by_beast(theirs);
  auto mine = make();
  auto const written = ours.write(mine);
  BOOST_TEST((ours.received.plaintext == beasts.received.plaintext), what);
  BOOST_TEST(written.ec == expected.ec, what);
  BOOST_TEST(written.bytes == expected.bytes, what);
  BOOST_TEST(written.bytes == ours.received.plaintext.size(), what);
  BOOST_TEST(ours.sends() <= beasts.sends(), what);
  BOOST_TEST(ours.records().size() <= beasts.records().size(), what);
}

BOOST_AUTO_TEST_SUITE(beast_write)

BOOST_DATA_TEST_CASE(every_kind_of_body_goes_out_as_http_async_write_sends_it,
                     data::make({0U, 1U, 1'024U, 16'000U, 16'383U, 16'384U, 16'385U, 40'000U,
                                 300'000U}),
                     size) {
  auto const text = numbered_plaintext(size);
  temporary_file const file(text);
  is_as_written_by_beast([&] { return with_length(response_of<http::string_body>(text)); },
                         "string");
  is_as_written_by_beast([&] { return in_chunks(response_of<http::string_body>(text)); },
                         "string, chunked");
  is_as_written_by_beast([&] { return response_of<http::string_body>(text); },
                         "string, to the end of the connection");
  is_as_written_by_beast(
      [&] {
        return with_length(
            response_of<http::vector_body<char>>(std::vector<char>(text.begin(), text.end())));
      },
      "vector");
  is_as_written_by_beast(
      [&] {
        return with_length(response_of<http::span_body<char const>>({text.data(), text.size()}));
      },
      "span");
  is_as_written_by_beast(
      [&] {
        beast::multi_buffer body;
        for (std::size_t at = 0, part = 1; at < text.size(); at += part, part = part * 3 + 1)
          beast::ostream(body) << text.substr(at, part);
        return with_length(response_of<http::dynamic_body>(std::move(body)));
      },
      "dynamic");
  is_as_written_by_beast(
      [&] {
        auto made = response_of<http::buffer_body>({});
        made.body().data = const_cast<char*>(text.data());
        made.body().size = text.size();
        made.body().more = false;
        made.content_length(text.size());
        return made;
      },
      "buffer");
  is_as_written_by_beast([&] { return with_length(response_of<http::file_body>(body_of(file))); },
                         "file");
  is_as_written_by_beast([&] { return in_chunks(response_of<http::file_body>(body_of(file))); },
                         "file, chunked");
  is_as_written_by_beast([&] { return response_of<http::file_body>(body_of(file)); },
                         "file, to the end of the connection");
  is_as_written_by_beast(
      [&] {
        http::request<http::file_body> made(http::verb::put, "/there", 11);
        made.body() = body_of(file);
        return with_length(std::move(made));
      },
      "request with a file");
  is_as_written_by_beast(
      [&] {
        http::request<http::string_body> made(http::verb::unknown, "/there", 10);
        made.method_string("ASK");
        made.body() = text;
        return with_length(std::move(made));
      },
      "request with a string");
}

// New keys come where only a part of what was gathered is sealed.
BOOST_AUTO_TEST_CASE(key_updates_among_short_records_lose_nothing) {
  std::vector<std::string> const pieces(100, numbered_plaintext(1'000));
  std::string text = numbered_plaintext(50'000);
  for (long const fragment : {512, 5'000, 16'384}) {
    for (std::uint64_t const records : {1U, 5U}) {
      stream_options options;
      options.rekey_after_records = records;
      options.most_key_updates_in_a_row = 10'000;  // of the client
      speaking beasts, ours(options);
      BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(ours.server.native_handle(), fragment), 1);
      auto const make = [&] { return in_chunks(response_of<pieces_body>({pieces, {}, false})); };
      auto message = make(), expected = make();
      beasts.write_by_beast(expected);
      auto const whole = ours.write(message);
      BOOST_TEST(whole.ec == error_code());
      BOOST_TEST(whole.bytes == beasts.received.plaintext.size());
      BOOST_TEST((ours.received.plaintext == beasts.received.plaintext));
      auto const pass_on = [&](auto write) {
        auto part = in_chunks(response_of<http::buffer_body>({text.data(), text.size(), true}));
        http::response_serializer<http::buffer_body> serializer(part);
        BOOST_TEST(write(serializer).ec == error_code(http::error::need_buffer));
        part.body() = {text.data(), text.size(), false};
        BOOST_TEST(write(serializer).ec == error_code());
        BOOST_TEST(serializer.is_done());
      };
      pass_on([&](auto& serializer) { return beasts.write_by_beast(serializer); });
      pass_on([&](auto& serializer) { return ours.write(serializer); });
      BOOST_TEST((ours.received.plaintext == beasts.received.plaintext));
    }
  }
}

BOOST_AUTO_TEST_CASE(answers_without_a_body_go_out_as_http_async_write_sends_them) {
  auto const answer = [](http::status status, unsigned version, std::uint64_t length) {
    http::response<http::empty_body> made(status, version);
    made.set(http::field::server, "test");
    if (length != 0) made.content_length(length);  // of the body that HEAD does not get
    made.keep_alive(false);
    return made;
  };
  is_as_written_by_beast([&] { return answer(http::status::ok, 11, 1'000); }, "HEAD");
  is_as_written_by_beast([&] { return answer(http::status::no_content, 11, 0); }, "204");
  is_as_written_by_beast([&] { return answer(http::status::not_modified, 11, 7); }, "304");
  is_as_written_by_beast([&] { return answer(http::status::continue_, 10, 0); }, "100");
  is_as_written_by_beast([] { return http::request<http::empty_body>(http::verb::get, "/", 11); },
                         "GET");
}

// Around what is sealed in place, what is gathered, and what one record takes.
BOOST_AUTO_TEST_CASE(pieces_of_any_size_go_out_as_http_async_write_sends_them) {
  std::vector<std::vector<std::size_t>> const cuts{{0},
                                                   {1, 0, 0, 1},
                                                   {16'384},
                                                   {16'383, 1},
                                                   {1, 16'384, 1},
                                                   {16'385, 0},
                                                   {0, 16'200, 16'384},
                                                   {40'000, 1},
                                                   {1, 40'000, 70'000},
                                                   {4'096, 4'096, 4'096},
                                                   {8'000, 8'300, 16'384, 16'384, 16'384, 3},
                                                   std::vector<std::size_t>(300, 500)};
  for (auto const& cut : cuts) {
    pieces_body::value_type body;
    char next = 'a';
    for (auto const size : cut)
      body.pieces.emplace_back(size, next = static_cast<char>(next == 'z' ? 'a' : next + 1));
    auto const what =
        std::to_string(cut.size()) + " pieces, the first of " + std::to_string(cut.front());
    is_as_written_by_beast([&] { return response_of<pieces_body>(body); }, what);
    is_as_written_by_beast([&] { return in_chunks(response_of<pieces_body>(body)); },
                           what + ", chunked");
  }
}

BOOST_AUTO_TEST_CASE(small_answer_is_one_record_and_one_send) {
  std::string const text(1'024, 'b');
  temporary_file const file(text);
  auto const check = [](auto message, std::string const& what) {
    speaking s;
    s.write(message);
    BOOST_TEST(s.records().size() == 1U, what);
    BOOST_TEST(s.sends() == 1U, what);
  };
  check(with_length(response_of<http::string_body>(text)), "string");
  check(with_length(response_of<http::file_body>(body_of(file))), "file");
  check(in_chunks(response_of<http::file_body>(body_of(file))), "file, chunked");
  check(in_chunks(response_of<pieces_body>({{text, text, text}, {}, false})), "pieces");
}

BOOST_AUTO_TEST_CASE(mebibyte_leaves_in_full_records_four_a_send) {
  std::string const text = numbered_plaintext(1 << 20);
  temporary_file const file(text);
  auto const check = [](auto message, std::string const& what) {
    speaking s;
    BOOST_TEST(s.write(message).ec == error_code(), what);
    BOOST_TEST(s.records().size() <= 66U, what << ": " << s.records().size() << " records");
    BOOST_TEST(s.sends() <= 17U, what << ": " << s.sends() << " sends");
  };
  check(with_length(response_of<http::string_body>(text)), "string");
  check(with_length(response_of<http::file_body>(body_of(file))), "file");
  check(in_chunks(response_of<http::file_body>(body_of(file))), "file, chunked");
  check(response_of<pieces_body>(
            {std::vector<std::string>(1'024, std::string(1'024, 'p')), {}, false}),
        "pieces");
}

BOOST_AUTO_TEST_CASE(part_of_a_file_is_from_its_position_as_long_as_the_header_says) {
  auto const text = numbered_plaintext(200'000);
  temporary_file const file(text);
  for (std::size_t const first : {0U, 1U, 70'000U, 199'999U}) {
    for (std::size_t const length : {1U, 1'000U, 20'000U, 130'000U}) {
      if (first + length > text.size()) continue;
      speaking s;
      auto message = response_of<http::file_body>(body_of(file));
      error_code ec;
      message.body().file().seek(first, ec);
      message.content_length(length);
      auto const written = s.write(message);
      auto const& got = s.received.plaintext;
      BOOST_TEST(written.ec == error_code());
      BOOST_TEST(written.bytes == got.size());
      BOOST_TEST((got.substr(got.find("\r\n\r\n") + 4) == text.substr(first, length)));
      BOOST_TEST(message.body().file().pos(ec) == first + length);
    }
  }
}

BOOST_AUTO_TEST_CASE(rest_of_a_file_is_sent_where_no_length_is_said) {
  temporary_file const file("not this, this");
  speaking s;
  auto message = response_of<http::file_body>(body_of(file));
  error_code ec;
  message.body().file().seek(10, ec);
  message.keep_alive(false);
  BOOST_TEST(s.write(message).ec == error_code());
  auto const& got = s.received.plaintext;
  BOOST_TEST(got.substr(got.find("\r\n\r\n") + 4) == "this");
}

BOOST_AUTO_TEST_CASE(small_file_that_has_shrunk_sends_nothing) {
  temporary_file const file(std::string(1'000, 'f'));
  speaking s;
  auto message = with_length(response_of<http::file_body>(body_of(file)));
  file.shrink_to(999);
  auto const written = s.write(message);
  BOOST_TEST(written.ec == errc::file_ended);
  BOOST_TEST(written.bytes == 0U);
  BOOST_TEST(s.sends() == 0U);
  BOOST_TEST(write_now(s, s.server, "goes on").ec == error_code());
  BOOST_TEST(s.received.plaintext == "goes on");
}

BOOST_AUTO_TEST_CASE(file_that_shrinks_while_it_is_sent_is_an_error_with_the_count) {
  auto const text = numbered_plaintext(1'000'000);
  temporary_file const file(text);
  speaking s;
  auto message = with_length(response_of<http::file_body>(body_of(file)));
  s.hold(70'000);
  ending written;
  tls_write(s.server, message, written.token());
  s.settle();
  BOOST_TEST(!written.done);
  file.shrink_to(200'000);
  s.release();
  auto const& got = s.received.plaintext;
  BOOST_TEST(written.ec == errc::file_ended);
  BOOST_TEST(written.bytes == got.size());
  BOOST_TEST((got.substr(got.find("\r\n\r\n") + 4) == text.substr(0, 200'000)));
}

BOOST_AUTO_TEST_CASE(file_that_is_not_open_is_the_systems_error) {
  http::response<http::file_body> message(http::status::ok, 11);
  speaking s;
  auto const written = s.write(message);
  BOOST_TEST(written.ec.failed());
  BOOST_TEST(s.sends() == 0U);
}

BOOST_AUTO_TEST_CASE(body_that_fails_has_sent_what_it_gave_before) {
  auto const failure = make_error_code(boost::system::errc::io_error);
  for (std::size_t const pieces : {0U, 1U, 5U, 100U}) {
    for (bool const chunked : {false, true}) {
      auto const make = [&] {
        auto made = response_of<pieces_body>(
            {std::vector<std::string>(pieces, std::string(1'000, 'p')), failure, false});
        if (chunked) made.chunked(true);
        return made;
      };
      is_as_written_by_beast(make, std::to_string(pieces) + " pieces");
      speaking s;
      auto message = make();
      BOOST_TEST(s.write(message).ec == failure);
      message.body().throws = true;
      speaking throwing;
      auto const written = throwing.write(message);
      BOOST_TEST(written.ec == errc::buffer_threw);
      BOOST_TEST((throwing.received.plaintext == s.received.plaintext));
      BOOST_TEST(write_now(throwing, throwing.server, "goes on").ec == error_code());
    }
  }
}

// As a server does that passes on what comes to it.
BOOST_AUTO_TEST_CASE(buffer_body_asks_for_its_next_buffer) {
  for (bool const chunked : {false, true}) {
    auto const pass_on = [chunked](speaking& s, auto write) {
      auto message = response_of<http::buffer_body>({nullptr, 0, true});
      if (chunked) message.chunked(true);
      http::response_serializer<http::buffer_body> serializer(message);
      ending header;
      http::async_write_header(s.server, serializer, header.token());
      s.settle();
      std::vector<std::size_t> counts;
      for (std::size_t const size : {1U, 50'000U, 0U, 300U}) {
        std::string text(size, 't');
        message.body() = {text.data(), text.size(), size != 300U};
        auto const written = write(s, serializer);
        BOOST_TEST(written.ec ==
                   (size != 300U ? error_code(http::error::need_buffer) : error_code()));
        counts.push_back(written.bytes);
      }
      BOOST_TEST(serializer.is_done());
      return counts;
    };
    speaking beasts, ours;
    auto const expected =
        pass_on(beasts, [](speaking& s, auto& serializer) { return s.write_by_beast(serializer); });
    auto const counts =
        pass_on(ours, [](speaking& s, auto& serializer) { return s.write(serializer); });
    BOOST_TEST(counts == expected, boost::test_tools::per_element());
    BOOST_TEST((ours.received.plaintext == beasts.received.plaintext));
  }
}

// What says that more has to come is no failure, which would be told instead of them.
BOOST_AUTO_TEST_CASE(part_of_a_body_that_waits_is_cancelled_and_late_as_any_write) {
  std::string text(30'000, 't');
  for (int const how : {0, 1, 2}) {
    speaking s;
    auto message = response_of<http::buffer_body>({text.data(), text.size(), true});
    http::response_serializer<http::buffer_body> serializer(message);
    s.hold(10'000);
    ending written;
    asio::cancellation_signal cancel;
    if (how == 0) {
      tls_write(s.server, serializer, written.token());
      s.settle();
      s.pass(3s);  // longer than an alert would have
      BOOST_TEST(!written.done);
      s.server_end().outgoing().capacity = unbounded;
      s.release();
      BOOST_TEST(written.ec == error_code(http::error::need_buffer));
    } else if (how == 1) {
      tls_write(s.server, serializer, 1s, written.token());
      s.settle();
      s.pass(1s);
      BOOST_TEST(written.ec == asio::error::timed_out);
    } else {
      tls_write(s.server, serializer, asio::bind_cancellation_slot(cancel.slot(), written.token()));
      s.settle();
      cancel.emit(asio::cancellation_type::terminal);
      s.settle();
      BOOST_TEST(written.ec == asio::error::operation_aborted);
    }
    BOOST_TEST(written.done);
  }
}

// http::async_write ends such a message behind its header as if it were whole.
BOOST_AUTO_TEST_CASE(body_that_is_not_ready_yet_is_sent_later) {
  for (bool const chunked : {false, true}) {
    auto const not_ready = make_error_code(http::error::need_more);
    speaking s, expected;
    auto message = response_of<pieces_body>({{}, not_ready, false});
    message.chunked(chunked);
    http::response_serializer<pieces_body> serializer(message);
    auto const header = s.write(serializer);
    BOOST_TEST(header.ec == not_ready);
    BOOST_TEST(!serializer.is_done());
    BOOST_TEST(header.bytes == s.received.plaintext.size());
    message.body() = {{"ready", "now"}, {}, false};
    BOOST_TEST(s.write(serializer).ec == error_code());
    BOOST_TEST(serializer.is_done());
    expected.write_by_beast(message);
    BOOST_TEST(s.received.plaintext == expected.received.plaintext);
  }
}

// So that another answer can still be sent.
BOOST_AUTO_TEST_CASE(body_that_fails_at_once_sends_no_header) {
  auto message =
      response_of<pieces_body>({{}, make_error_code(boost::system::errc::io_error), false});
  http::response_serializer<pieces_body> serializer(message);
  serializer.split(true);
  speaking s;
  BOOST_TEST(s.write(serializer).ec == boost::system::errc::io_error);
  BOOST_TEST(s.sends() == 0U);
}

// A serializer that something was written of already, in every way.
BOOST_AUTO_TEST_CASE(serializer_goes_on_where_it_stands) {
  auto const text = numbered_plaintext(30'000);
  temporary_file const file(text);
  for (int const way : {0, 1, 2, 3}) {
    speaking expected, s;
    auto whole = with_length(response_of<http::file_body>(body_of(file)));
    expected.write_by_beast(whole);
    auto message = with_length(response_of<http::file_body>(body_of(file)));
    http::response_serializer<http::file_body> serializer(message);
    ending before;
    if (way == 1) http::async_write_header(s.server, serializer, before.token());
    if (way == 2) http::async_write_some(s.server, serializer, before.token());
    if (way == 3) http::async_write(s.server, serializer, before.token());
    s.settle();
    auto const written = s.write(serializer);
    BOOST_TEST(written.ec == error_code());
    BOOST_TEST(written.bytes == s.received.plaintext.size() - before.bytes);
    BOOST_TEST(serializer.is_done());
    BOOST_TEST((s.received.plaintext == expected.received.plaintext));
  }
}

// What tls_write promises of its writes.
BOOST_AUTO_TEST_CASE(messages_leave_in_their_order_each_as_a_whole) {
  speaking s, alone;
  temporary_file const of_first(numbered_plaintext(100'000));
  temporary_file const of_second(numbered_plaintext(90'000));
  auto first = in_chunks(response_of<http::file_body>(body_of(of_first)));
  auto second = with_length(response_of<http::file_body>(body_of(of_second)));
  auto third = with_length(response_of<http::string_body>("3"));
  alone.write(first);
  alone.write(second);
  alone.write(third);
  first.body() = body_of(of_first);
  second.body() = body_of(of_second);
  s.hold(30'000);
  std::vector<ending> ends(4);
  tls_write(s.server, first, ends[0].token());
  tls_write(s.server, second, ends[1].token());
  tls_write(s.server, third, ends[2].token());
  tls_write(s.server, asio::buffer("end", 3), ends[3].token());
  s.settle();
  s.release();
  for (auto const& each : ends)
    BOOST_TEST((each.done && !each.ec));
  BOOST_TEST((s.received.plaintext == alone.received.plaintext + "end"));
}

BOOST_AUTO_TEST_CASE(takes_a_deadline_a_const_message_and_no_token) {
  speaking s;
  auto const message = with_length(response_of<http::string_body>("as it is"));
  auto started = tls_write(s.server, message);
  static_assert(asio::is_deferred<decltype(started)>::value);
  ending deferred, in_time, late;
  std::move(started)(deferred.token());
  tls_write(s.server, message, 1s, in_time.token());
  s.settle();
  BOOST_TEST((deferred.done && !deferred.ec));
  BOOST_TEST((in_time.done && !in_time.ec));
  s.hold(10);
  tls_write(s.server, message, 1s, late.token());
  s.settle();
  s.pass(1s);
  BOOST_TEST(late.ec == asio::error::timed_out);
}

BOOST_AUTO_TEST_CASE(refusals_are_those_of_tls_write) {
  memory_session fresh;
  auto const message = with_length(response_of<http::string_body>("never sent"));
  ending early, late, closed;
  tls_write(fresh.server, message, early.token());
  fresh.settle();
  BOOST_TEST(early.ec == errc::no_role);
  speaking s;
  tls_close_write(s.server, closed.token());
  tls_write(s.server, message, late.token());
  s.settle();
  BOOST_TEST(late.ec == errc::closed_for_writing);
  BOOST_TEST(s.received.plaintext.empty());
}

// What is refused can be written again, also to another stream.
BOOST_AUTO_TEST_CASE(refused_write_takes_nothing_of_its_message) {
  for (std::size_t const size : {10U, 30'000U}) {
    auto const text = numbered_plaintext(size);
    temporary_file const file(text);
    auto message = in_chunks(response_of<http::string_body>(text));
    http::response_serializer<http::string_body> serializer(message);
    auto of_file = with_length(response_of<http::file_body>(body_of(file)));
    auto const is_refused = [&](memory_session& s, error_code why) {
      ending written, from_file;
      tls_write(s.server, serializer, written.token());
      tls_write(s.server, of_file, from_file.token());
      s.settle();
      BOOST_TEST(written.ec == why);
      BOOST_TEST(written.bytes == 0U);
      BOOST_TEST(!serializer.is_header_done());
      BOOST_TEST(from_file.ec == why);
      error_code ec;
      BOOST_TEST(of_file.body().file().pos(ec) == 0U);
    };
    memory_session fresh;
    is_refused(fresh, errc::no_role);
    speaking closing, failed, beasts, ours;
    ending closed;
    tls_close_write(closing.server, closed.token());
    is_refused(closing, errc::closed_for_writing);  // close_notify is still to leave
    is_refused(closing, errc::closed_for_writing);
    failed.server_end().write_fault =
        memory_stream::fault{failed.server_end().writes(), asio::error::broken_pipe};
    BOOST_TEST(write_now(failed, failed.server, "lost").ec == asio::error::broken_pipe);
    is_refused(failed, asio::error::broken_pipe);
    BOOST_TEST(ours.write(serializer).ec == error_code());
    BOOST_TEST(ours.write(of_file).ec == error_code());
    auto expected = in_chunks(response_of<http::string_body>(text));
    beasts.write_by_beast(expected);
    auto expected_file = with_length(response_of<http::file_body>(body_of(file)));
    beasts.write_by_beast(expected_file);
    BOOST_TEST((ours.received.plaintext == beasts.received.plaintext));
  }
}

// One message that is gathered, one in place, and a file, over a link narrower than a record:
// cancelled before each step in each way, cut at many places, and with each write failing.
struct disturbed {
  std::string whole;      // what would be received
  std::size_t steps = 0;  // of an undisturbed run
  std::size_t sends = 0;
};
template <class Make>
disturbed undisturbed(Make make, std::size_t capacity) {
  disturbed all;
  speaking s;
  s.server_end().outgoing().capacity = capacity;
  auto message = make();
  auto const sends = s.server_end().writes();
  ending written;
  tls_write(s.server, message, written.token());
  s.io.restart();
  while (s.io.poll_one() != 0)
    ++all.steps;
  BOOST_TEST((written.done && !written.ec));
  all.sends = s.server_end().writes() - sends;
  all.whole = s.received.plaintext;
  return all;
}

template <class Make>
void cancel_everywhere(Make make, std::size_t capacity) {
  auto const all = undisturbed(make, capacity);
  std::size_t cancelled = 0;
  for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                          asio::cancellation_type::total}) {
    for (std::size_t step = 0; step <= all.steps; ++step) {
      speaking s;
      s.server_end().outgoing().capacity = capacity;
      auto message = make();
      asio::cancellation_signal cancel;
      ending written;
      tls_write(s.server, message, asio::bind_cancellation_slot(cancel.slot(), written.token()));
      s.io.restart();
      for (std::size_t i = 0; i != step; ++i)
        s.io.poll_one();
      cancel.emit(type);
      s.settle();
      BOOST_REQUIRE(written.done);
      BOOST_TEST((s.received.plaintext == all.whole.substr(0, written.bytes)));
      if (written.ec) {
        ++cancelled;
        BOOST_TEST(written.ec == asio::error::operation_aborted);
      } else {
        BOOST_TEST(written.bytes == all.whole.size());
      }
      BOOST_TEST(write_now(s, s.server, "next").ec == error_code());
      BOOST_TEST((s.received.plaintext == all.whole.substr(0, written.bytes) + "next"));
    }
  }
  BOOST_TEST(cancelled > all.steps);
}

template <class Make>
void cut_everywhere(Make make, std::size_t capacity) {
  auto const all = undisturbed(make, capacity);
  for (std::size_t nth = 0; nth != all.sends; ++nth) {
    speaking s;
    s.server_end().outgoing().capacity = capacity;
    auto const before = s.server_end().writes();
    s.server_end().write_fault = memory_stream::fault{before + nth, asio::error::broken_pipe};
    auto message = make();
    auto const written = s.write(message);
    BOOST_TEST(written.ec == asio::error::broken_pipe);
    BOOST_TEST((all.whole.starts_with(s.received.plaintext)));
  }
  for (std::size_t cut = 0; cut < all.whole.size(); cut += 997) {
    speaking s;
    s.server_end().outgoing().capacity = capacity;
    s.server_end().outgoing().cut_at = s.server_end().written().size() + cut;
    auto message = make();
    (void)s.write(message);  // what is behind the cut vanishes
    BOOST_TEST((all.whole.starts_with(s.received.plaintext)));
    BOOST_TEST(s.received.plaintext.size() < all.whole.size());
    BOOST_TEST(s.received.end == asio::ssl::error::stream_truncated);
  }
}

BOOST_AUTO_TEST_CASE(is_byte_exact_however_it_is_disturbed) {
  auto const text = numbered_plaintext(60'000);
  temporary_file const file(text);
  for (std::size_t const capacity : {5'000U, 40'000U}) {
    auto const gathered = [&] { return in_chunks(response_of<http::file_body>(body_of(file))); };
    auto const in_place = [&] { return with_length(response_of<http::string_body>(text)); };
    auto const sent_from_file = [&] {
      return with_length(response_of<http::file_body>(body_of(file)));
    };
    cancel_everywhere(gathered, capacity);
    cancel_everywhere(in_place, capacity);
    cancel_everywhere(sent_from_file, capacity);
    cut_everywhere(gathered, capacity);
    cut_everywhere(sent_from_file, capacity);
  }
}

// The verb holds the serializer, and goes with the stream or with the io_context.
BOOST_AUTO_TEST_CASE(stream_may_be_destroyed_while_it_is_sent) {
  auto message = in_chunks(response_of<pieces_body>(
      {std::vector<std::string>(100, std::string(1'000, 'p')), {}, false}));
  ending written;
  {
    speaking s;
    s.hold(10'000);
    tls_write(s.server, message, written.token());
    s.settle();
    { auto const gone = std::move(s.server); }
    s.settle();
    BOOST_TEST(written.ec == asio::error::operation_aborted);
    written = {};
  }
  speaking s;
  s.hold(10'000);
  tls_write(s.server, message, written.token());
  s.settle();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
