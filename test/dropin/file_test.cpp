// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Files as the bodies of Beast's messages, large ones too: by Beast alone as over any stream, and
// with the header by Beast and the body by tls_sendfile.
#include <tls_async/io/sendfile.hpp>

#include "http.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

namespace tls_async::test {
namespace {

using usual = our_stream<beast::tcp_stream>;

// With a name, gone with the test.
struct named_file {
  explicit named_file(std::size_t size) : content(size, '\0') {
    std::uint32_t state = 1;
    for (char& byte : content)
      byte = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
    std::string name = (std::filesystem::temp_directory_path() / "tls_async_XXXXXX").string();
    int const descriptor = ::mkstemp(name.data());
    BOOST_REQUIRE(descriptor >= 0);
    path = name;
    BOOST_REQUIRE(::write(descriptor, content.data(), size) == static_cast<ssize_t>(size));
    (void)::close(descriptor);
  }
  named_file(named_file const&) = delete;
  named_file& operator=(named_file const&) = delete;
  ~named_file() { std::filesystem::remove(path); }

  [[nodiscard]] http::file_body::value_type body(beast::file_mode mode) const {
    http::file_body::value_type opened;
    error_code ec;
    opened.open(path.c_str(), mode, ec);
    BOOST_REQUIRE(!ec);
    return opened;
  }

  std::string content;
  std::filesystem::path path;
};

// Both programs, to their ends. What they throw comes out.
void run_both(asio::io_context& io, asio::awaitable<void> one, asio::awaitable<void> other) {
  auto const end = [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  asio::co_spawn(io, std::move(one), end);
  asio::co_spawn(io, std::move(other), end);
  run(io);
}

template <class Stream>
asio::awaitable<void> receive(Stream& stream, http_response& response) {
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::uint64_t{1} << 30);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  response = parser.release();
}

BOOST_AUTO_TEST_SUITE(beast_file)

constexpr std::size_t large = 10'000'001;

BOOST_AUTO_TEST_CASE_TEMPLATE(body_is_written_by_beast, Stream, both_streams<beast::tcp_stream>) {
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, large}) {
    named_file const file(size);
    connection<Stream> over;
    handshake(over);
    auto const serve = [&]() -> asio::awaitable<void> {
      http::response<http::file_body> response{http::status::ok, 11,
                                               file.body(beast::file_mode::scan)};
      response.prepare_payload();
      co_await http::async_write(over.server.stream, response, asio::use_awaitable);
    };
    http_response response;
    run_both(over.io, serve(), receive(over.client.stream, response));
    BOOST_TEST((response.body() == file.content));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(body_is_read_into_a_file, Stream, both_streams<beast::tcp_stream>) {
  named_file const file(large), place(0);
  connection<Stream> over;
  handshake(over);
  auto const upload = [&]() -> asio::awaitable<void> {
    http_request request{http::verb::put, "/name", 11, file.content};
    request.prepare_payload();
    co_await http::async_write(over.client.stream, request, asio::use_awaitable);
  };
  auto const serve = [&]() -> asio::awaitable<void> {
    beast::flat_buffer buffer;
    http::request_parser<http::file_body> parser;
    parser.body_limit(std::uint64_t{1} << 30);
    parser.get().body() = place.body(beast::file_mode::write);
    co_await http::async_read(over.server.stream, buffer, parser, asio::use_awaitable);
  };
  run_both(over.io, upload(), serve());
  auto written = place.body(beast::file_mode::scan);
  BOOST_REQUIRE_EQUAL(written.size(), large);
  std::string content(large, '\0');
  error_code ec;
  BOOST_TEST(written.file().read(content.data(), large, ec) == large);
  BOOST_TEST((content == file.content));
}

// The header by Beast, the file or a part of it by the stream, and the next response behind it.
BOOST_AUTO_TEST_CASE(body_is_sent_by_tls_sendfile) {
  named_file const file(large);
  struct part {
    std::uint64_t offset, length;
  };
  for (auto const& [offset, length] :
       std::array<part, 4>{{{0, large}, {0, 1}, {16'383, 3'000'000}, {large - 1, 1}}}) {
    connection<usual> over;
    handshake(over);
    auto const serve = [&]() -> asio::awaitable<void> {
      http::response<http::file_body> response{http::status::partial_content, 11,
                                               file.body(beast::file_mode::scan)};
      response.content_length(length);
      http::response_serializer<http::file_body> serializer(response);
      co_await http::async_write_header(over.server.stream, serializer, asio::use_awaitable);
      auto const sent = co_await tls_sendfile(
          over.server.stream, response.body().file().native_handle(), offset, length);
      BOOST_TEST(sent == length);
      http_response next{http::status::ok, 11, "next"};
      next.prepare_payload();
      co_await http::async_write(over.server.stream, next, asio::use_awaitable);
    };
    http_response response, next;
    auto const ask = [&]() -> asio::awaitable<void> {
      beast::flat_buffer buffer;
      http::response_parser<http::string_body> parser;
      parser.body_limit(std::uint64_t{1} << 30);
      co_await http::async_read(over.client.stream, buffer, parser, asio::use_awaitable);
      response = parser.release();
      co_await http::async_read(over.client.stream, buffer, next, asio::use_awaitable);
    };
    run_both(over.io, serve(), ask());
    BOOST_TEST((response.body() == file.content.substr(offset, length)));
    BOOST_TEST(next.body() == "next");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
