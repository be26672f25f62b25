// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What nghttp2 tells of frames, and asks for. It is C, so nothing may be thrown there.
#include "connection.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace http2 {
namespace {

constexpr std::size_t most_kept = 64 << 20;  // of one body
constexpr std::size_t most_kept_all = 4 * most_kept;
constexpr std::size_t all_headers = 16;    // in those of one message
constexpr std::size_t far_beyond = 4;      // of what is still answered
constexpr std::size_t body_per_byte = 16;  // of a window that the peer opens
constexpr std::size_t lost_work = 128;     // bytes that an exchange costs which came to nothing

std::string_view text_of(std::uint8_t const* bytes, std::size_t size) {
  return {reinterpret_cast<char const*>(bytes), size};
}

// Responses take turns, unless the client wants it otherwise (RFC 9218): by default one that is
// large would hold up all that were asked for behind it.
void take_turns(nghttp2_session* session, std::int32_t id, exchange const& x) {
  auto const is_priority = [](auto const& field) { return field.first == "priority"; };
  if (std::any_of(x.header.begin(), x.header.end(), is_priority)) return;
  nghttp2_extpri priority{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  nghttp2_session_change_extpri_stream_priority(session, id, &priority, 0);
}

// What is thrown, for lack of memory, ends the connection.
template <auto call, class... Arguments>
int guarded(Arguments... arguments) noexcept {
  try {
    return call(arguments...);
  } catch (...) {
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

piece next_of(exchange& x, char* to, std::size_t most) {
  if (x.more) return x.more(to, most);
  auto const size = x.out.copy(to, most);
  x.out.erase(0, size);
  return {size, x.out.empty() && (x.received || !x.echoes)};
}

}  // namespace

// Called when the peer's windows have room for so much of our body, and we for the write.
ssize_t connection::give_body(nghttp2_session* session, std::int32_t id, std::uint8_t* to,
                              std::size_t most, std::uint32_t* flags, nghttp2_data_source* source,
                              void* self) noexcept {
  auto& c = *static_cast<connection*>(self);
  auto& x = *static_cast<exchange*>(source->ptr);
  piece next;
  try {
    next = next_of(x, reinterpret_cast<char*>(to), std::min(most, c.room_));
  } catch (...) {
    x.failure = std::current_exception();
    x.more = nullptr;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM with INTERNAL_ERROR
  }
  x.given += next.size;
  c.steps_ += next.size;
  c.allowance_.give_back(next.size / body_per_byte);
  if (x.echoes) nghttp2_session_consume(session, id, next.size);
  if (next.is_last) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    x.more = nullptr;
  } else if (next.size == 0) {
    return NGHTTP2_ERR_DEFERRED;  // until nghttp2_session_resume_data
  }
  return static_cast<ssize_t>(next.size);
}

// nghttp2 looks at no PRIORITY, now that these are switched off (RFC 9113, section 6.3).
int connection::on_frame_header(nghttp2_session* session, nghttp2_frame_hd const* header,
                                void* self) {
  auto& c = *static_cast<connection*>(self);
  auto const size = header->length + frame_header;
  if (header->type == NGHTTP2_HEADERS) c.block_bytes_ = 0;
  if (header->type == NGHTTP2_HEADERS || header->type == NGHTTP2_CONTINUATION)
    c.block_bytes_ += size;
  if (header->type == NGHTTP2_DATA && header->length != 0 && c.find(header->stream_id) == nullptr) {
    auto const late = std::min(size, c.late_bytes_);
    c.late_bytes_ -= late;
    c.allowance_.give_back(late);
  }
  if (header->type == NGHTTP2_PRIORITY && header->stream_id == 0)
    return nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
  return 0;
}

int connection::on_begin(nghttp2_session*, nghttp2_frame const* frame, void* self) {
  auto& c = *static_cast<connection*>(self);
  auto const id = frame->hd.stream_id;
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) c.exchanges_[id];
  c.header_of_ = id;
  c.header_since_ = clock::now();
  return 0;
}

// A byte of HPACK can stand for a field of thousands, so what is counted is what comes out. A
// header that is somewhat too large is answered; from one far beyond, the peer is sent away, since
// to look at all of it is work.
int connection::on_header(nghttp2_session*, nghttp2_frame const* frame, std::uint8_t const* name,
                          std::size_t name_size, std::uint8_t const* value, std::size_t value_size,
                          std::uint8_t, void* self) {
  auto& c = *static_cast<connection*>(self);
  auto* const x = c.find(frame->hd.stream_id);
  if (x == nullptr) return 0;
  auto const most = c.limits_.header_bytes;
  auto const size = name_size + value_size + 32;
  x->header_bytes += size;
  x->held_bytes += size;
  c.header_bytes_ += size;
  if (x->header_bytes > far_beyond * most || c.header_bytes_ > far_beyond * all_headers * most) {
    c.calm_down();
    return NGHTTP2_ERR_PAUSE;
  }
  x->refused = x->refused || x->header_bytes > most || c.header_bytes_ > all_headers * most;
  if (x->refused) return 0;
  auto const key = text_of(name, name_size);
  auto const text = text_of(value, value_size);
  if (key == ":method")
    x->method = text;
  else if (key == ":path")
    x->path = text;
  else if (key == ":status")
    x->status = text;
  else if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    x->header.emplace_back(key, text);
  return 0;
}

// What the peer may send is bounded by windows, which nghttp2_session_consume opens again: for an
// echo when it is sent back. A body that is passed over is progress only once it is answered.
int connection::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                        std::uint8_t const* data, std::size_t size, void* self) {
  auto& c = *static_cast<connection*>(self);
  c.allowance_.give_back(size);
  auto* const x = c.find(id);
  if (x == nullptr || x->passes_over) {
    if (x != nullptr && x->sent) ++c.steps_;  // not for long: end_discards()
    return nghttp2_session_consume(session, id, size);
  }
  ++c.steps_;
  if (!x->echoes && (x->in.size() + size > most_kept || c.kept_ + size > most_kept_all)) {
    nghttp2_session_consume_connection(session, size);  // the window that all streams share
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  if (x->echoes) {
    x->out += text_of(data, size);
    nghttp2_session_resume_data(session, id);
  } else {
    x->in += text_of(data, size);
    c.kept_ += size;
    nghttp2_session_consume(session, id, size);
  }
  return 0;
}

int connection::on_frame(nghttp2_session* session, nghttp2_frame const* frame, void* self) {
  auto& c = *static_cast<connection*>(self);
  auto const id = frame->hd.stream_id;
  bool const is_header = frame->hd.type == NGHTTP2_HEADERS;
  if (is_header) c.header_of_ = 0;
  if (frame->hd.type == NGHTTP2_DATA && frame->hd.length > frame->data.padlen)
    c.allowance_.give_back(frame_header);
  auto* const x = c.find(id);
  if (x == nullptr) return 0;
  x->received = x->received || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  bool const is_request = is_header && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  if (is_header && !x->status.starts_with('1')) {
    ++c.steps_;
    if (!x->refused) {  // taken again if it comes to nothing
      x->block_bytes += c.block_bytes_;
      c.allowance_.give_back(c.block_bytes_);
    }
  }
  if (is_request) take_turns(session, id, *x);
  x->passes_over = x->passes_over || x->refused;
  if (is_request && x->refused) {
    c.refused(id, *x);
  } else if (is_header && x->refused) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (is_request) {
    c.requested(id, *x);
  } else if (x->received) {
    nghttp2_session_resume_data(session, id);
  }
  return 0;
}

int connection::on_sent(nghttp2_session*, nghttp2_frame const* frame, void* self) {
  auto& c = *static_cast<connection*>(self);
  auto const kind = frame->hd.type;
  if (kind == NGHTTP2_GOAWAY) c.goaway_ = frame->goaway.error_code;
  if (kind == NGHTTP2_RST_STREAM) c.late_bytes_ += NGHTTP2_INITIAL_WINDOW_SIZE;
  bool const is_message = kind == NGHTTP2_HEADERS || kind == NGHTTP2_DATA;
  if (!is_message || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  if (auto* const x = c.find(frame->hd.stream_id)) {
    x->sent = true;
    x->sent_at = clock::now();
    x->sent_with = c.writes_ + 1;
  }
  return 0;
}

int connection::on_close(nghttp2_session* session, std::int32_t id, std::uint32_t error,
                         void* self) {
  auto& c = *static_cast<connection*>(self);
  if (c.header_of_ == id) c.header_of_ = 0;
  auto ended = c.exchanges_.extract(id);
  if (!ended) return 0;
  auto& x = ended.mapped();
  if (x.echoes) nghttp2_session_consume(session, id, x.out.size());
  ++c.steps_;
  if (!x.received || !x.sent || x.refused || error != NGHTTP2_NO_ERROR)
    c.allowance_.spend(x.block_bytes + lost_work, clock::now());
  c.ended_.push_back({id, std::move(x), error});
  if (!c.writing_) c.tell_all();  // else the write may have its last bytes
  return 0;
}

// RFC 6585, section 5. A body is passed over.
void connection::refused(std::int32_t id, exchange& x) { respond(id, x, {{":status", "431"}}); }

// These two are made once, for all connections.
nghttp2_session_callbacks* connection::callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_frame_callback(made, guarded<on_frame_header>);
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, guarded<on_begin>);
  nghttp2_session_callbacks_set_on_header_callback(made, guarded<on_header>);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, guarded<on_data>);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, guarded<on_frame>);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, guarded<on_sent>);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, guarded<on_close>);
  return made;
}

nghttp2_option* connection::options() {
  nghttp2_option* made = nullptr;
  if (nghttp2_option_new(&made) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(made, 1);  // but by nghttp2_session_consume
  return made;
}

}  // namespace http2
