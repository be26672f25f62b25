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
constexpr std::size_t most_kept = 64 << 20;  // of one body
constexpr std::size_t most_waiting = 1000;   // frames

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
  std::array<nghttp2_settings_entry, 2> const settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}, {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}}};
  check(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
}

asio::awaitable<void> connection::run(std::chrono::seconds most_silence) {
  using namespace asio::experimental::awaitable_operators;
  try {
    co_await (receive(most_silence) && send());
  } catch (
      asio::multiple_exceptions const& both) {  // receive() has failed, and so send() was cancelled
    std::rethrow_exception(both.first_exception());
  }
}

// A peer that takes no answers is not heard either, or what it brings about would pile up.
asio::awaitable<void> connection::receive(std::chrono::seconds most_silence) {
  std::vector<std::uint8_t> bytes(batch_size);
  while (!peer_ended_) {
    auto const [error, n] =
        co_await tls_read_some(stream, asio::buffer(bytes), most_silence, as_values);
    if (error == asio::error::operation_aborted) co_return;  // since send() has failed
    if (error == asio::error::timed_out && (writing_ || idle())) {
      if (!writing_) finish();
      continue;
    }
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
  for (std::vector<std::uint8_t> batch;; batch.clear()) {
    std::uint8_t const* frame = nullptr;
    for (ssize_t n = 1; n > 0 && batch.size() < batch_size;) {
      n = check(nghttp2_session_mem_send(session, &frame));
      batch.insert(batch.end(), frame, frame + n);
    }
    if (!batch.empty()) {
      writing_ = true;
      co_await tls_write(stream, asio::buffer(batch));
      writing_ = false;
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

// Called when the peer's windows have room for so much of our body, and we for the write.
ssize_t connection::give_body(nghttp2_session* session, std::int32_t id, std::uint8_t* to,
                              std::size_t most, std::uint32_t* flags, nghttp2_data_source* source,
                              void*) noexcept {
  auto& x = *static_cast<exchange*>(source->ptr);
  if (x.out.size() == 0 && x.more && !x.more(x.out)) x.more = nullptr;
  auto const size = std::min(most, x.out.size());
  x.out.sgetn(reinterpret_cast<char*>(to), static_cast<std::streamsize>(size));
  if (x.echoes) nghttp2_session_consume(session, id, size);
  if (x.out.size() == 0 && !x.more && (x.received || !x.echoes)) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  } else if (size == 0) {
    return NGHTTP2_ERR_DEFERRED;  // until nghttp2_session_resume_data
  }
  return static_cast<ssize_t>(size);
}

int connection::on_header(nghttp2_session*, nghttp2_frame const* frame, std::uint8_t const* name,
                          std::size_t name_size, std::uint8_t const* value, std::size_t value_size,
                          std::uint8_t, void* self) noexcept {
  auto& x = static_cast<connection*>(self)->exchanges_[frame->hd.stream_id];
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
  auto& x = static_cast<connection*>(self)->exchanges_[id];
  if (!x.echoes && x.in.size() + size > most_kept) {
    nghttp2_session_consume_connection(session, size);  // the window that all streams share
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  if (x.echoes) {
    x.out.sputn(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
    nghttp2_session_resume_data(session, id);
  } else {
    x.in += text_of(data, size);
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
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
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
  if (ended.mapped().echoes) nghttp2_session_consume(session, id, ended.mapped().out.size());
  c.closed(ended.mapped(), error);
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
