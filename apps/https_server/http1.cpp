// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is answered is decided in reply.cpp.
#include "http1.hpp"

#include "live.hpp"

#include "serving/last_bytes.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace https_server {
namespace {

namespace asio = boost::asio;

// What an idle connection keeps ready for the next request. Few programs send longer ones; a client
// that does, as browsers do, has more ready from then on.
constexpr std::size_t idle_bytes = 512;
constexpr std::size_t idle_bytes_of_longer = 4096;

// Of an answer that the kernel takes at once, if no more than this is on its way before it: even a
// new connection has room for 45 KiB (tcp_init_buffer_space() of Linux).
constexpr std::size_t most_short_bytes = 16384;
constexpr std::size_t most_before_short = 4096;

http::status status_for(boost::system::error_code error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return http::status::request_header_fields_too_large;
  if (error == http::error::bad_version) return http::status::http_version_not_supported;
  return http::status::bad_request;
}

bool is_malformed_request(boost::system::error_code error) {
  return error.category() == make_error_code(http::error::bad_method).category();
}

// A page of another site may not use the rights that a browser has here (RFC 6455, section 10.2).
bool is_of_another_site(upgrade_request const& request) {
  auto const origin = request.find(http::field::origin);
  return origin != request.end() &&
         origin->value() != "https://" + std::string(request[http::field::host]);
}

}  // namespace

http1::http1(client& of, serving::stall_watch& watch, std::weak_ptr<void> owner)
    : client_(of),
      stall_watch_(watch),
      owner_(std::move(owner)),
      received_(of.server.limits.header_bytes + idle_bytes_of_longer),
      idle_bytes_(idle_bytes) {}

// A connection without a request under way may end at any time, so the reasons are not logged.
asio::awaitable<bool> http1::wait() {
  if (received_.size() > 0) co_return true;  // the client has sent it together with the last one
  if (client_.finishing) co_return false;
  std::unique_ptr<serving::stall_watch, serving::stall_watch::ended_by> watched;
  std::chrono::milliseconds limit = client_.server.limits.idle;
  for (;;) {
    auto const [error, count] = co_await tls_read_some(
        client_.stream, received_.prepare(idle_bytes_), limit, until_finish(client_));
    received_.commit(count);
    // Told of the end just when the time was up, it may have missed that.
    if (error != asio::error::timed_out || client_.finishing) co_return !error;
    bool const has_all = serving::has_arrived(client_.stream.next_layer());
    if (has_all && !watched) co_return false;
    // While it still reads the last response it may stall; behind that it has its time anew.
    limit = has_all ? client_.server.limits.idle : serving::between_looks;
    if (has_all)
      watched.reset();
    else if (!watched)
      watched = stall_watch_.begin(owner_);
  }
}

asio::awaitable<http1::error_code> http1::read_header(request_parser& parser) {
  auto const& limits = client_.server.limits;
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  // The header decides the answer, however long a body it declares: none is ever read or kept.
  parser.body_limit(boost::none);
  auto const until = std::chrono::steady_clock::now() + limits.header;
  error_code error;
  std::size_t taken = 0;
  auto const parse = [&] {
    std::size_t const n = parser.put(received_.data(), error);
    received_.consume(n);
    taken += n;
    // Beast takes whole fields, and holds its limit against what is left.
    if (error == http::error::need_more && taken + received_.size() >= limits.header_bytes)
      error = http::error::header_limit;
  };
  parse();
  while (error == http::error::need_more) {  // mostly all of it is there
    idle_bytes_ = idle_bytes_of_longer;
    auto const left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) co_return asio::error::timed_out;
    auto const [end, count] =
        co_await tls_read_some(client_.stream, received_.prepare(idle_bytes_), left, as_values);
    if (end) co_return end;
    received_.commit(count);
    parse();
  }
  co_return error;
}

asio::awaitable<bool> http1::serve_one() {
  request_parser parser;
  auto error = co_await read_header(parser);
  // RFC 9112, section 6.3: nobody can tell where a body of another coding ends.
  if (!error && parser.get().count(http::field::transfer_encoding) != 0 && !parser.chunked())
    error = http::error::bad_transfer_encoding;
  auto const started = std::chrono::steady_clock::now();
  if (error && !is_malformed_request(error)) {
    bool const is_late = error == asio::error::timed_out;
    client_.server.log.event(
        serving::log_level::debug, client_.name,
        "no whole request: " + (is_late ? error.message() : client_.why(error)));
    // Nothing polite for half a request, unless an answer is still on its way.
    if (is_late && serving::has_arrived(client_.stream.next_layer())) client_.abort();
    co_return false;
  }
  auto const& request = parser.get();
  request_record record;
  bool keep_alive = false;
  if (!error) {
    record.method = std::string(request.method_string());
    record.target = std::string(request.target());
    // A body is never read, so what follows it on this connection cannot be told from it.
    has_body_ = parser.chunked() || parser.content_length().value_or(0) > 0;
    keep_alive = request.keep_alive() && !has_body_ && !client_.finishing;
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
                                  : client_.answer_to(request, keep_alive);
    co_await send(response, record);
    keep_alive = response.keep_alive && record.incident.empty();
  }
  if (error || request.keep_alive() || has_body_ || received_.size() != 0) is_over_ = false;
  client_.record(record, started);
  co_return keep_alive;
}

// In a coroutine of its own, so that connections that are none do not hold its frame.
asio::awaitable<void> http1::serve_websocket(upgrade_request const& request,
                                             request_record& record) {
  auto const& server = client_.server;
  websocket_memory::share memory{server.websockets};
  bool const has_room = memory.take(open_websocket_bytes);
  // What comes before our answer would be lost: a client has to wait for it.
  if (received_.size() > 0 || !has_room) {
    reply refusal =
        refuse(has_room ? http::status::bad_request : http::status::service_unavailable);
    co_await send(refusal, record);
    if (!has_room && record.incident.empty())
      record.incident = "no memory is left for one more WebSocket (see --websocket-bytes)";
    co_return;
  }
  auto const stop = client_.finish_signal.slot();
  auto const done = asks_for_websocket(request, "/ws")
                        ? co_await echo(client_.stream, request, server, memory, stop)
                        : co_await live(client_.stream, request, server, memory, stop);
  record.status = done.status;
  record.body_bytes = done.bytes;
  // Not what the system calls so, which is of another category.
  if (done.end == make_error_code(boost::system::errc::not_enough_memory))
    record.incident = "no memory is left for its message (see --websocket-bytes)";
  else if (done.end)
    record.incident = client_.why(done.end);
}

asio::awaitable<void> http1::send(reply& response, request_record& record) {
  client_.server.complete(response);
  record.status = static_cast<unsigned>(response.status);
  auto header = text_of(response.header);
  std::string_view body = response.text;
  if (response.file && response.file->content())
    body = std::string_view(*response.file->content())
               .substr(response.part.offset, response.part.length);
  bool const is_in_memory =
      response.burst.messages == 0 && (!response.file || response.file->content());
  bool const is_last = is_in_memory && !response.keep_alive;
  // The kernel takes a short one at once, so there is nothing to be watched.
  bool const is_short = is_last && header.size() + body.size() <= most_short_bytes &&
                        serving::bytes_under_way(client_.stream.next_layer()) <= most_before_short;
  auto const watched = is_short ? nullptr : stall_watch_.begin(owner_);
  std::array<asio::const_buffer, 2> const buffers{asio::buffer(header), asio::buffer(body)};
  auto const note = [&](error_code error, std::size_t written) {
    record.body_bytes = written - std::min(written, header.size());
    if (error) record.incident = client_.why(error);
  };
  if (is_last) {
    auto const limit = is_short ? tls_async::time_limit(client_.server.limits.stall)
                                : tls_async::time_limit::none();
    auto const [error, written] =
        co_await tls_write_last(client_.stream, buffers, limit, as_values);
    note(error, written);
    is_over_ = !error;
    co_return;
  }
  if (is_in_memory) {
    auto const [error, written] = co_await tls_write(client_.stream, buffers, as_values);
    note(error, written);
    co_return;
  }
  if (response.burst.messages != 0)
    co_return co_await send_burst(response, std::move(header), record);
  // Not waited for by itself: what goes wrong with it goes wrong with the file too.
  tls_write(client_.stream, std::move(header), asio::detached);
  auto const [error, written] =
      co_await tls_sendfile(client_.stream, response.file->descriptor(), response.part.offset,
                            response.part.length, as_values);
  record.body_bytes = written;
  if (error == tls_async::errc::file_ended) {
    // Another length was promised: only the end of the connection tells.
    record.incident = "the file became shorter while it was sent";
  } else if (error) {
    record.incident = client_.why(error);
  }
}

// All writes are started at once, and each is a message of its own; the last tells how it went.
asio::awaitable<void> http1::send_burst(reply const& response, std::string header,
                                        request_record& record) {
  static std::string const content(most_burst_bytes, 'x');  // outlives every write
  auto const message = asio::buffer(content, response.burst.bytes);
  tls_write(client_.stream, std::move(header), asio::detached);
  for (unsigned i = 1; i < response.burst.messages; ++i)
    tls_write(client_.stream, message, asio::detached);
  auto const [error, written] = co_await tls_write(client_.stream, message, as_values);
  if (error) {
    record.incident = client_.why(error);
  } else {
    record.body_bytes = response.burst.messages * message.size();
  }
}

}  // namespace https_server
