// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that reads and writes a connection.
#include "exchange.hpp"

#include "advice.hpp"
#include "content_range.hpp"
#include "printable.hpp"
#include "session_description.hpp"
#include "validator.hpp"

#include "serving/as_values.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

namespace https_get {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace urls = boost::urls;

using serving::as_values;
constexpr std::size_t chunk_bytes = 131072;  // also the most that waits to be understood
constexpr std::uint32_t header_bytes = 65536;

constexpr unsigned most_interim = 32;

std::string text(beast::string_view of) { return {of.data(), of.size()}; }

bool is_timeout(boost::system::error_code error) {
  return error == beast::error::timeout || error == asio::error::timed_out;
}

std::string seconds(std::chrono::seconds time) { return std::to_string(time.count()) + " s"; }

}  // namespace

exchange::exchange(asio::io_context& io, tls_async::context& context, options const& chosen,
                   urls::url const& url, console& out)
    : options_(chosen), url_(url), console_(out), stream_(io, context), received_(chunk_bytes) {
  received_.reserve(chunk_bytes);
}

asio::awaitable<void> exchange::connect() {
  asio::ip::tcp::resolver resolver{stream_.get_executor()};
  auto const name = host(url_);
  auto const service = port(url_);
  // Asio's thread for this, which begins here and stays, must not be the one that a signal ends.
  std::optional<held_interruptions> held{std::in_place};
  auto const [unknown, addresses] = co_await resolver.async_resolve(name, service, as_values);
  if (unknown)
    throw failure(exit_status::not_resolved, "cannot resolve " + name + ": " + unknown.message());
  held.reset();
  resolved_ = clock::now();

  // (Beast of Boost 1.81 cannot connect to several addresses with asio::deferred.)
  auto& next = stream_.next_layer();
  next.expires_after(options_.connect);
  auto const [unreachable, address] =
      co_await next.async_connect(addresses, asio::as_tuple(asio::use_awaitable));
  if (is_timeout(unreachable))
    throw failure(exit_status::timed_out,
                  "cannot connect to " + peer() + ": no answer in " + seconds(options_.connect));
  if (unreachable)
    throw failure(exit_status::not_connected,
                  "cannot connect to " + peer() + ": " + unreachable.message());
  connected_ = clock::now();

  next.expires_never();
  auto const number = static_cast<std::uint16_t>(options_.sessions ? std::stoul(service) : 0);
  auto const [refused] = co_await tls_handshake(stream_, tls_async::as_client{name, number},
                                                options_.connect, as_values);
  if (refused) throw handshake_failure(refused);
  negotiated_ = clock::now();
  if (!options_.verbose) co_return;
  console_.say({std::string(url_.buffer())});
  console_.say(describe_session(stream_.native_handle(), stream_.alpn()));
}

asio::awaitable<std::optional<urls::url>> exchange::fetch(destination& file) {
  co_await ask(file);
  co_await receive_header();
  require_framing();
  auto const status = response_->get().result_int();
  std::optional<urls::url> next;
  if (status == 416 && file.present() > 0) {
    next = part_refused(file);
  } else if (status >= 300 && status < 400) {
    next = redirect();
  } else if (status == 206 && file.present() > 0 &&
             !is_version(response_->get(), file.validator())) {
    file.forget();
    next = url_;
  } else {
    accept(file);
    co_await receive_body(file);
  }
  report_times();
  (void)co_await tls_close_write(stream_, as_values);  // it is all there: how it ends is no matter
  co_return next;
}

asio::awaitable<void> exchange::ask(destination const& file) {
  http::request<http::empty_body> request{http::verb::get, request_target(url_), 11};
  request.set(http::field::host, text(url_.encoded_host_and_port()));
  request.set(http::field::user_agent, "tls_async");
  request.set(http::field::accept_encoding, "identity");
  request.set(http::field::connection, "close");
  if (file.present() > 0) {
    request.set(http::field::range, "bytes=" + std::to_string(file.present()) + '-');
    request.set(http::field::if_range, file.validator());
  }
  http::request<http::empty_body>::header_type const& header = request;
  http::fields::writer writer{header, header.version(), header.method()};
  auto const bytes = beast::buffers_to_string(writer.get());
  if (options_.verbose)
    console_.say(describe_header("> ", "GET " + text(request.target()) + " HTTP/1.1", request));
  auto const [error, count] =
      co_await tls_write(stream_, asio::buffer(bytes), options_.stall, as_values);
  // A server that refused us has said so before it closed: what it said is the better reason.
  if (is_timeout(error)) throw receive_failure(error);
}

asio::awaitable<void> exchange::receive_header() {
  expect_progress();
  auto const [end, count] =
      co_await tls_read_some(stream_, received_.prepare(chunk_bytes), as_values);
  if (end) throw receive_failure(end);
  received_.commit(count);
  first_byte_ = clock::now();
  // One deadline for all of it, or a header could take for ever, byte by byte.
  expect_progress();
  for (unsigned interim = 0; interim <= most_interim; ++interim) {
    response_.emplace();
    response_->body_limit(boost::none);
    response_->header_limit(header_bytes);
    auto const [error, read] =
        co_await http::async_read_header(stream_, received_, *response_, as_values);
    if (error) throw receive_failure(error);
    auto const& header = response_->get();
    if (options_.verbose)
      console_.say(describe_header("< ",
                                   (header.version() < 11 ? "HTTP/1.0 " : "HTTP/1.1 ") +
                                       std::to_string(header.result_int()) + ' ' +
                                       text(header.reason()),
                                   header));
    if (header.result_int() / 100 != 1) co_return;
  }  // more is to come: RFC 9110, section 15.2
  throw failure(exit_status::malformed, "the server sends interim responses without an end");
}

// Where the body ends can't be told, or what is in it, with codings that were not asked for
// (RFC 9112, section 6.3).
void exchange::require_framing() const {
  auto const& header = response_->get();
  auto const codings = header.count(http::field::transfer_encoding);
  if (codings == 0) return;
  auto const coding = header[http::field::transfer_encoding];
  if (codings > 1 || !beast::iequals(coding, "chunked"))
    throw failure(
        exit_status::malformed,
        "the server's answer has a transfer coding that was not asked for: " + printable(coding));
  if (header.version() < 11 || header.count(http::field::content_length) != 0)
    throw failure(exit_status::malformed,
                  "the server's answer says in two ways where its body ends");
}

asio::awaitable<void> exchange::receive_body(destination& file) {
  auto const chunk = std::make_unique_for_overwrite<char[]>(chunk_bytes);
  error_code error;
  expect_progress();
  while (!error && !response_->is_done()) {
    auto& body = response_->get().body();
    body.data = chunk.get();
    body.size = chunk_bytes;
    std::tie(error, std::ignore) =
        co_await http::async_read_some(stream_, received_, *response_, as_values);
    if (error == http::error::need_buffer) error = {};
    auto const count = chunk_bytes - response_->get().body().size;
    file.append(chunk.get(), count);   // also what came before an error
    if (count > 0) expect_progress();  // chunks' headers are none
  }
  if (!error && file.size() == file.total().value_or(file.size())) {
    file.finish();
    co_return;
  }
  auto const reason =
      error ? receive_failure(error)
            : failure(exit_status::cut_short, "the server did not send exactly the rest");
  throw cut_off(reason, file, options_);
}

std::optional<urls::url> exchange::redirect() const {
  auto const location = text(response_->get()[http::field::location]);
  if (location.empty()) throw failure(exit_status::refused, answer());
  if (!options_.follow)
    throw failure(exit_status::refused, answer() + ": it is at " + printable(location),
                  {"-L goes there, if it is https."});
  return redirected(url_, location);
}

std::string exchange::answer() const {
  return "the server answered " + std::to_string(response_->get().result_int()) + ' ' +
         printable(response_->get().reason());
}

// Nothing is left to ask for, or what we have is not of this version.
std::optional<urls::url> exchange::part_refused(destination& file) const {
  auto const& header = response_->get();
  auto const range = parse_content_range(text(header[http::field::content_range]));
  if (range && range->total == file.present() && is_version(header, file.validator())) {
    file.finish();
    return std::nullopt;
  }
  file.forget();
  return url_;
}

void exchange::accept(destination& file) {
  auto const& header = response_->get();
  auto const length = response_->content_length();
  auto total = length ? std::optional<std::uint64_t>(*length) : std::nullopt;
  if (header.result() == http::status::partial_content && file.present() > 0) {
    auto const range = parse_content_range(text(header[http::field::content_range]));
    if (!range || range->first != file.present())
      throw failure(exit_status::malformed, "the server sent another part than the one asked for",
                    {"Try without --resume, -C -."});
    total = range->total;
  } else if (header.result() == http::status::ok) {
    file.forget();
  } else {
    throw failure(exit_status::refused, answer());
  }
  file.start(strong_validator(header), total);
}

// The next layer's timer, not a deadline of a verb: Beast's reads have no argument for one.
void exchange::expect_progress() { stream_.next_layer().expires_after(options_.stall); }

failure exchange::handshake_failure(error_code error) const {
  if (is_timeout(error))
    return {exit_status::timed_out,
            peer() + ": no TLS handshake in " + seconds(options_.connect) + "; is it a TLS port?"};
  if (auto const info = stream_.error_info(); info.verify_error)
    return certificate_refused(info, options_);
  if (error == tls_async::condition::not_tls)
    return {exit_status::not_tls,
            peer() + " does not speak TLS, perhaps plain HTTP: " + why(error)};
  return {exit_status::tls_failed, "TLS handshake failed: " + why(error)};
}

failure exchange::receive_failure(error_code error) const {
  if (is_timeout(error))
    return {exit_status::timed_out, "nothing has come for " + seconds(options_.stall)};
  if (error.category() == asio::error::get_ssl_category())
    return {exit_status::tls_failed, "TLS failed: " + why(error)};
  // Which of them says it of a trailer depends on the version of Beast.
  if (error == http::error::buffer_overflow || error == http::error::header_limit)
    return {exit_status::malformed,
            "the server's answer has a header, a chunk header or a trailer that is too long"};
  bool const ended = error == http::error::partial_message || error == http::error::end_of_stream;
  if (!ended && error.category() == make_error_code(http::error::bad_method).category())
    return {exit_status::malformed, "the server's answer is not HTTP: " + error.message()};
  return {exit_status::cut_short, "the connection ended too early: " + why(error)};
}

std::string exchange::why(error_code error) const { return stream_.explain(error); }

std::string exchange::peer() const { return host(url_) + " port " + port(url_); }

void exchange::report_times() {
  if (!options_.verbose) return;
  auto const line = [this](char const* what, clock::time_point time) {
    char text[64];
    std::snprintf(text, sizeof text, "  %-12s %.3f s", what,
                  std::chrono::duration<double>(time - started_).count());
    return std::string(text);
  };
  console_.say({std::string(url_.buffer()), line("resolve", resolved_), line("connect", connected_),
                line("handshake", negotiated_), line("first byte", first_byte_),
                line("total", clock::now())});
}

}  // namespace https_get
