// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "connection.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <vector>

namespace http2 {
namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t batch_size = 65536;
constexpr std::size_t read_size = 16384;     // a record
constexpr std::size_t most_kept = 64 << 20;  // of one body
constexpr std::size_t most_kept_all = 4 * most_kept;
constexpr std::size_t most_waiting = 1000;     // frames
constexpr std::size_t most_header = 16 << 10;  // of one message
constexpr std::size_t most_header_all = 8 * most_header;

ssize_t check(ssize_t result) {
  if (result < 0) throw std::runtime_error(nghttp2_strerror(static_cast<int>(result)));
  return result;
}

// For nghttp2, which copies them.
std::vector<nghttp2_nv> list_of(fields header) {
  auto const bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  std::vector<nghttp2_nv> list;
  for (auto const& [name, value] : header)
    list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return list;
}

std::string_view text_of(std::uint8_t const* bytes, std::size_t size) {
  return {reinterpret_cast<char const*>(bytes), size};
}

}  // namespace

connection::connection(tls_stream over, role side)
    : stream(std::move(over)),
      more_to_send_(stream.get_executor(), asio::steady_timer::time_point::max()),
      sent_(stream.get_executor(), asio::steady_timer::time_point::max()) {
  static auto* const calls = callbacks();
  static auto* const option = options();
  nghttp2_session* session = nullptr;
  check(side == role::server ? nghttp2_session_server_new2(&session, calls, this, option)
                             : nghttp2_session_client_new2(&session, calls, this, option));
  session_.reset(session);
  std::array<nghttp2_settings_entry, 3> const settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100},
       {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, most_header}}};
  check(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
}

asio::awaitable<void> connection::run(std::chrono::seconds longest_rest) {
  using namespace asio::experimental::awaitable_operators;
  progressed();
  try {
    co_await (receive(longest_rest) && send());
  } catch (
      asio::multiple_exceptions const& both) {  // receive() has failed, and so send() was cancelled
    std::rethrow_exception(both.first_exception());
  }
}

// A peer that takes no answers is not heard either, or what it brings about would pile up.
// And a peer is alive while its messages go on: a PING, or an interim response, is no progress.
asio::awaitable<void> connection::receive(std::chrono::seconds longest_rest) {
  std::vector<std::uint8_t> bytes(read_size);
  while (!peer_ended_) {
    // What is written of a body has its own deadline.
    clock::duration const left = giving_ ? longest_rest : progress_ + longest_rest - clock::now();
    if (left <= clock::duration::zero()) {
      if (!idle()) throw boost::system::system_error(asio::error::timed_out);
      finish();
      progressed();
      continue;
    }
    auto const [error, n] = co_await tls_read_some(stream, asio::buffer(bytes), left, as_values);
    if (error == asio::error::operation_aborted) co_return;  // since send() has failed
    if (error == asio::error::timed_out) continue;
    peer_ended_ = error == asio::error::eof;
    if (error && !peer_ended_) throw boost::system::system_error(error);
    check(nghttp2_session_mem_recv(session_.get(), bytes.data(), n));
    more_to_send_.cancel();
    while (writing_ && nghttp2_session_get_outbound_queue_size(session_.get()) > most_waiting) {
      co_await sent_.async_wait(as_values);
      auto const state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return;
    }
  }
}

// nghttp2 is asked for nothing while a write is under way, so no more than a batch waits for a slow
// peer. All that it has goes into one write, and so into full records.
asio::awaitable<void> connection::send() {
  auto* const session = session_.get();
  for (;;) {
    std::vector<std::uint8_t> batch;  // none while there is nothing to send
    std::uint8_t const* frame = nullptr;
    auto const given = given_;
    for (ssize_t n = 1; n > 0 && batch.size() < batch_size;) {
      n = check(nghttp2_session_mem_send(session, &frame));
      batch.insert(batch.end(), frame, frame + n);
    }
    if (!batch.empty()) {
      writing_ = true;
      giving_ = given_ != given;
      co_await tls_write(stream, asio::buffer(batch));
      writing_ = false;
      if (giving_) progressed();
      giving_ = false;
      sent_.cancel();
    } else if (!peer_ended_ &&
               (nghttp2_session_want_read(session) || nghttp2_session_want_write(session))) {
      co_await more_to_send_.async_wait(as_values);
    } else {
      break;
    }
  }
  co_await tls_shutdown(stream);  // by which receive() ends, too
}

void connection::finish() {
  auto const last = nghttp2_session_get_last_proc_stream_id(session_.get());
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  more_to_send_.cancel();
}

exchange& connection::request(fields header, bool with_body) {
  auto const id = static_cast<std::int32_t>(nghttp2_session_get_next_stream_id(session_.get()));
  exchange& x = exchanges_[id];
  auto const list = list_of(header);
  nghttp2_data_provider const body{{.ptr = &x}, give_body};
  check(nghttp2_submit_request(session_.get(), nullptr, list.data(), list.size(),
                               with_body ? &body : nullptr, nullptr));
  return x;
}

void connection::respond(std::int32_t id, exchange& x, fields header) {
  auto const list = list_of(header);
  nghttp2_data_provider const body{{.ptr = &x}, give_body};
  nghttp2_submit_response(session_.get(), id, list.data(), list.size(),
                          x.method == "HEAD" ? nullptr : &body);
}

void connection::calm_down(nghttp2_session* session) noexcept {
  nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
  peer_ended_ = true;  // it is not heard any more
}

// Called when the peer's windows have room for so much of our body, and we for the write.
ssize_t connection::give_body(nghttp2_session* session, std::int32_t id, std::uint8_t* to,
                              std::size_t most, std::uint32_t* flags, nghttp2_data_source* source,
                              void* self) noexcept {
  auto& x = *static_cast<exchange*>(source->ptr);
  auto* const bytes = reinterpret_cast<char*>(to);
  auto size = std::min(most, x.out.size());
  x.out.sgetn(bytes, static_cast<std::streamsize>(size));
  if (size == 0 && x.more) size = x.more(bytes, most);
  if (size == 0) x.more = nullptr;
  static_cast<connection*>(self)->given_ += size;
  if (x.echoes) nghttp2_session_consume(session, id, size);
  if (x.out.size() == 0 && !x.more && (x.received || !x.echoes)) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  } else if (size == 0) {
    return NGHTTP2_ERR_DEFERRED;  // until nghttp2_session_resume_data
  }
  return static_cast<ssize_t>(size);
}

// A byte of HPACK can stand for a field of thousands, so what is counted is what comes out. A
// header that is somewhat too large is answered; from one far beyond, the peer is sent away, since
// to look at all of it is work.
int connection::on_header(nghttp2_session* session, nghttp2_frame const* frame,
                          std::uint8_t const* name, std::size_t name_size,
                          std::uint8_t const* value, std::size_t value_size, std::uint8_t,
                          void* self) noexcept {
  auto& c = *static_cast<connection*>(self);
  auto& x = c.exchanges_[frame->hd.stream_id];
  auto const size = name_size + value_size + 32;
  x.header_bytes += size;
  c.header_bytes_ += size;
  if (x.header_bytes > 4 * most_header || c.header_bytes_ > 4 * most_header_all) {
    c.calm_down(session);
    return NGHTTP2_ERR_PAUSE;
  }
  x.refused = x.header_bytes > most_header || c.header_bytes_ > most_header_all;
  if (x.refused) return 0;
  auto const key = text_of(name, name_size);
  if (key == ":method") x.method = text_of(value, value_size);
  if (key == ":path") x.path = text_of(value, value_size);
  if (key == ":status") x.status = text_of(value, value_size);
  return 0;
}

// What the peer may send is bounded by windows, which nghttp2_session_consume opens again: for an
// echo when it is sent back.
int connection::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                        std::uint8_t const* data, std::size_t size, void* self) noexcept {
  auto& c = *static_cast<connection*>(self);
  auto& x = c.exchanges_[id];
  c.progressed();
  if (x.refused) return nghttp2_session_consume(session, id, size);
  if (!x.echoes && (x.in.size() + size > most_kept || c.kept_ + size > most_kept_all)) {
    nghttp2_session_consume_connection(session, size);  // the window that all streams share
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  if (x.echoes) {
    x.out.sputn(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
    nghttp2_session_resume_data(session, id);
  } else {
    x.in += text_of(data, size);
    c.kept_ += size;
    nghttp2_session_consume(session, id, size);
  }
  return 0;
}

int connection::on_frame(nghttp2_session* session, nghttp2_frame const* frame,
                         void* self) noexcept {
  auto& c = *static_cast<connection*>(self);
  auto const found = c.exchanges_.find(frame->hd.stream_id);
  if (found == c.exchanges_.end()) return 0;
  auto& [id, x] = *found;
  x.received = x.received || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  bool const is_header = frame->hd.type == NGHTTP2_HEADERS;
  if (is_header && !x.status.starts_with('1')) c.progressed();
  bool const is_request = is_header && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  if (is_request && x.refused) {
    c.respond(id, x, {{":status", "431"}});  // RFC 6585, section 5; a body is passed over
  } else if (is_header && x.refused) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (is_request) {
    c.requested(id, x);
  } else if (x.received) {
    nghttp2_session_resume_data(session, id);
  }
  return 0;
}

int connection::on_close(nghttp2_session* session, std::int32_t id, std::uint32_t error,
                         void* self) noexcept {
  auto& c = *static_cast<connection*>(self);
  auto const ended = c.exchanges_.extract(id);
  if (!ended) return 0;
  auto const& x = ended.mapped();
  if (x.echoes) nghttp2_session_consume(session, id, x.out.size());
  c.header_bytes_ -= x.header_bytes;
  c.kept_ -= x.in.size();
  c.progressed();
  c.closed(x, x.received && error == NGHTTP2_NO_ERROR, error);
  return 0;
}

// These two are made once, for all connections.
nghttp2_session_callbacks* connection::callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  check(nghttp2_session_callbacks_new(&made));
  nghttp2_session_callbacks_set_on_header_callback(made, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, on_close);
  return made;
}

nghttp2_option* connection::options() {
  nghttp2_option* made = nullptr;
  check(nghttp2_option_new(&made));
  nghttp2_option_set_no_auto_window_update(made, 1);  // but by nghttp2_session_consume
  return made;
}

}  // namespace http2
