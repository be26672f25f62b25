// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that reads and writes; what is answered is decided in reply.cpp.
#include "session.hpp"

#include "live.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <array>
#include <memory>
#include <sstream>
#include <utility>

namespace https_server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Errors are expected here, so they come as values.
constexpr auto as_values = asio::as_tuple(asio::deferred);

// What an idle connection keeps ready for the next request; a longer one is read in steps.
constexpr std::size_t idle_bytes = 4096;

// The stall watch sets the limit, or Beast for a WebSocket.
constexpr auto no_limit = std::chrono::hours(24 * 365);

std::string text_of(tcp::endpoint const& endpoint) {
  std::ostringstream text;
  text << endpoint;
  return text.str();
}

http::status status_for(boost::system::error_code error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return http::status::request_header_fields_too_large;
  if (error == http::error::bad_version) return http::status::http_version_not_supported;
  return http::status::bad_request;
}

bool is_plain_http(boost::system::error_code error) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
}

tls_async::stream_options stream_options_of(service const& server) {
  tls_async::stream_options made;
  made.write_stall_deadline = no_limit;
  if (server.ktls) made.ktls = tls_async::ktls::tx;
  return made;
}

bool is_malformed_request(boost::system::error_code error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

session::session(tcp::socket socket, tcp::endpoint const& client,
                 std::shared_ptr<server_context> tls, service const& server)
    : tls_(std::move(tls)),
      stream_(std::move(socket), tls_->context(), stream_options_of(server)),
      server_(server),
      peer_(text_of(client)),
      received_(server.limits.header_bytes + idle_bytes),
      header_timer_(stream_.get_executor()),
      stall_watch_(
          stream_.get_executor(), server.limits.stall,
          [this] { return serving::acknowledged_bytes(stream_.next_layer()); },
          [this] {
            stalled_ = true;
            abort();
          }) {}

asio::awaitable<void> session::run() {
  error_code ignored;
  stream_.next_layer().set_option(tcp::no_delay(true), ignored);
  if (!co_await handshake()) co_return;
  bool goes_on = true;
  while (goes_on) {
    // Not inside of serve_request, whose frame an idle connection would keep.
    goes_on = co_await wait_for_request();
    if (goes_on) goes_on = co_await serve_request();
  }
  co_await shut_down();
}

void session::finish() {
  finishing_ = true;
  finish_signal_.emit(asio::cancellation_type::terminal);
}

void session::abort() {
  error_code ignored;
  stream_.lowest_layer().close(ignored);
}

// For a wait in which nothing is in flight. (Boost 1.81 cannot bind a slot to asio::deferred.)
auto session::until_finish() {
  return asio::bind_cancellation_slot(finish_signal_.slot(), asio::as_tuple(asio::use_awaitable));
}

// close_notify may have to wait behind the last response until a slow client has taken that.
asio::awaitable<void> session::shut_down() {
  auto watched = stall_watch_.begin(weak_from_this());
  auto const [cut] = co_await tls_close_write(stream_, no_limit, as_values);
  watched.reset();
  if (cut) co_return;
  // A body is passed over: to close before its end would reset the connection and the response.
  auto const deadline = has_body_ && !finishing_ ? server_.limits.header : std::chrono::seconds(2);
  co_await tls_shutdown(stream_, deadline, until_finish());
}

asio::awaitable<bool> session::handshake() {
  auto const [error] = co_await tls_handshake(stream_, tls_async::as_server{},
                                              server_.limits.handshake, until_finish());
  if (error && !finishing_) {
    ++server_.counted.handshakes_failed;
    server_.log.event(serving::log_level::debug, peer_,
                      is_plain_http(error)
                          ? "the client speaks plain HTTP; its URL has to begin with https://"
                          : "handshake failed: " + why(error));
  }
  if (error) co_return false;
  ++server_.counted.handshakes;
  // In one word with the address, so that every line of the log has it.
  auto const subject = stream_.session_info().peer_subject;
  if (!subject.empty()) peer_ += '/' + boost::algorithm::replace_all_copy(subject, " ", "\\x20");
  if (server_.ktls)
    server_.log.event(serving::log_level::info, peer_,
                      std::string("kernel TLS is ") + to_string(stream_.ktls_status().sending));
  co_return true;
}

// A connection without a request under way may end at any time, so the reasons are not logged.
asio::awaitable<bool> session::wait_for_request() {
  if (received_.size() > 0) co_return true;  // the client has sent it together with the last one
  if (finishing_) co_return false;
  auto const [error, count] = co_await tls_read_some(stream_, received_.prepare(idle_bytes),
                                                     server_.limits.idle, until_finish());
  received_.commit(count);
  co_return !error;
}

asio::awaitable<session::error_code> session::read_header(request_parser& parser) {
  parser.header_limit(static_cast<std::uint32_t>(server_.limits.header_bytes));
  // The header decides the answer, however long a body it declares: none is ever read or kept.
  parser.body_limit(boost::none);
  error_code incomplete;
  received_.consume(parser.put(received_.data(), incomplete));
  if (incomplete != http::error::need_more) co_return incomplete;  // mostly all of it is there

  header_timer_.expires_after(server_.limits.header);
  header_timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
    auto const self = weak.lock();
    if (self && !cancelled) self->abort();  // a mere cancel could miss a read between two steps
  });
  auto const [error, count] =
      co_await http::async_read_header(stream_, received_, parser, as_values);
  bool const in_time = header_timer_.cancel() > 0;
  co_return (in_time || !error ? error : asio::error::timed_out);
}

// A page of another site may not use the rights that a browser has here (RFC 6455, section 10.2).
bool is_of_another_site(upgrade_request const& request) {
  auto const origin = request.find(http::field::origin);
  return origin != request.end() &&
         origin->value() != "https://" + std::string(request[http::field::host]);
}

// Answers one request; false if it was the last.
asio::awaitable<bool> session::serve_request() {
  request_parser parser;
  auto error = co_await read_header(parser);
  // RFC 9112, section 6.3: nobody can tell where a body of another coding ends.
  if (!error && parser.get().count(http::field::transfer_encoding) != 0 && !parser.chunked())
    error = http::error::bad_transfer_encoding;
  auto const started = std::chrono::steady_clock::now();
  if (error && !is_malformed_request(error)) {
    server_.log.event(serving::log_level::debug, peer_, "no whole request: " + why(error));
    co_return false;
  }
  auto const& request = parser.get();
  request_record record;
  record.peer = peer_;
  bool keep_alive = false;
  if (!error) {
    record.method = std::string(request.method_string());
    record.target = std::string(request.target());
    // A body is never read, so what follows it on this connection cannot be told from it.
    has_body_ = parser.chunked() || parser.content_length().value_or(0) > 0;
    keep_alive = request.keep_alive() && !has_body_ && !finishing_;
  }
  bool const wants_websocket =
      keep_alive && has_valid_host(request) &&
      (asks_for_websocket(request, "/ws") || asks_for_websocket(request, "/live"));
  bool const is_foreign = wants_websocket && is_of_another_site(request);
  if (wants_websocket && !is_foreign) {
    co_await serve_websocket(request, record);
    keep_alive = false;
  } else {
    reply response = error        ? refuse(status_for(error))
                     : is_foreign ? refuse(http::status::forbidden)
                                  : answer_to(request, keep_alive);
    response.header.insert(response.header.size() - 2, server_.added);
    co_await send(response, record);
    keep_alive = response.keep_alive && record.incident.empty();
  }
  record.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - started);
  server_.counted.responded(record.status);
  server_.log.access(record);
  co_return keep_alive;
}

reply session::answer_to(upgrade_request const& request, bool keep_alive) {
  if (server_.files != nullptr) return answer(request, *server_.files, keep_alive);
  return answer_about_itself(request, stream_.session_info(), keep_alive);
}

// In a coroutine of its own, so that connections that are none do not hold its frame.
asio::awaitable<void> session::serve_websocket(upgrade_request const& request,
                                               request_record& record) {
  websocket_memory::share memory{server_.websockets};
  bool const has_room = memory.take(open_websocket_bytes);
  // What comes before our answer would be lost: a client has to wait for it.
  if (received_.size() > 0 || !has_room) {
    reply const refusal =
        refuse(has_room ? http::status::bad_request : http::status::service_unavailable);
    co_await send(refusal, record);
    co_return;
  }
  auto const stop = finish_signal_.slot();
  auto const done = asks_for_websocket(request, "/ws")
                        ? co_await echo(stream_, request, server_, memory, stop)
                        : co_await live(stream_, request, server_, memory, stop);
  record.status = done.status;
  record.body_bytes = done.bytes;
  if (done.end == boost::system::errc::not_enough_memory)
    record.incident = "no memory is left for its message (see --websocket-bytes)";
  else if (done.end)
    record.incident = why(done.end);
}

asio::awaitable<void> session::send(reply const& response, request_record& record) {
  auto const watched = stall_watch_.begin(weak_from_this());
  record.status = static_cast<unsigned>(response.status);
  if (response.burst.messages != 0) co_return co_await send_burst(response, record);
  if (!response.file || response.file->content()) {
    std::string_view body = response.text;
    if (response.file)
      body = std::string_view(*response.file->content())
                 .substr(response.part.offset, response.part.length);
    std::array const buffers{asio::buffer(response.header), asio::buffer(body)};
    auto const [error, written] = co_await tls_write(stream_, buffers, as_values);
    record.body_bytes = written - std::min(written, response.header.size());
    if (error) record.incident = why(error);
    co_return;
  }
  // Not waited for by itself, so that the header leaves together with the first of the file. What
  // goes wrong with it goes wrong with the file too.
  tls_write(stream_, std::string(response.header), asio::detached);
  auto const [error, written] = co_await tls_sendfile(
      stream_, response.file->descriptor(), response.part.offset, response.part.length, as_values);
  record.body_bytes = written;
  if (error == tls_async::errc::file_ended) {
    // Another length was promised: only the end of the connection tells.
    record.incident = "the file became shorter while it was sent";
  } else if (error) {
    record.incident = why(error);
  }
}

// All writes are started at once, and each is a message of its own; the last tells how it went.
asio::awaitable<void> session::send_burst(reply const& response, request_record& record) {
  static std::string const content(most_burst_bytes, 'x');  // outlives every write
  auto const message = asio::buffer(content, response.burst.bytes);
  tls_write(stream_, std::string(response.header), asio::detached);
  for (unsigned i = 1; i < response.burst.messages; ++i)
    tls_write(stream_, message, asio::detached);
  auto const [error, written] = co_await tls_write(stream_, message, as_values);
  if (error) {
    record.incident = why(error);
  } else {
    record.body_bytes = response.burst.messages * message.size();
  }
}

std::string session::why(error_code error) const {
  if (stalled_) {
    auto const limit = std::to_string(server_.limits.stall.count());
    return "the client took nothing for " + limit + " s (see --stall-seconds)";
  }
  return stream_.explain(error);
}

}  // namespace https_server
