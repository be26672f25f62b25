// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The two coroutines and what they wait for; what nghttp2 calls is in callbacks.cpp.
#include "connection.hpp"

#include "serving/tcp_info.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace http2 {
namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t batch_size = 65536;   // four records
constexpr std::size_t small_batch = 16384;  // needs no room for all of that
constexpr std::size_t read_size = 16384;    // a record, which an idle connection keeps ready
constexpr std::size_t most_waiting = 1000;  // frames
constexpr std::uint32_t most_exchanges = 100;

ssize_t check(ssize_t result) {
  if (result < 0) throw std::runtime_error(nghttp2_strerror(static_cast<int>(result)));
  return result;
}

// What acknowledged_bytes() will be when the peer has acknowledged all that was written. In this
// order: what is acknowledged in between is then left out, not counted twice. The counter of the
// stream doesn't have what the kernel sealed.
std::uint64_t written_bytes(asio::ip::tcp::socket& socket) {
  auto const acknowledged = serving::acknowledged_bytes(socket);
  if (acknowledged == 0 || !socket.is_open()) return acknowledged;  // 0: the kernel doesn't tell
  return acknowledged + serving::unacknowledged_bytes(socket.native_handle());
}

// For nghttp2, which copies them.
std::vector<nghttp2_nv> list_of(fields const& header) {
  auto const bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  std::vector<nghttp2_nv> list;
  list.reserve(header.size());
  for (auto const& [name, value] : header)
    list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return list;
}

std::vector<nghttp2_settings_entry> settings(connection::role side, peer_limits const& limits) {
  std::vector<nghttp2_settings_entry> list{
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)}};
  if (side == connection::role::server) {
    list.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, most_exchanges});
    // Their tree costs memory and work (CVE-2019-9513); RFC 9113 has deprecated it.
    list.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    list.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  return list;
}

}  // namespace

connection::connection(tls_stream& over, role side, peer_limits const& limits)
    : stream_(over),
      limits_(limits),
      more_to_send_(over.get_executor(), asio::steady_timer::time_point::max()),
      sent_(over.get_executor(), asio::steady_timer::time_point::max()),
      stall_watch_(
          over.get_executor(), limits.stall, [this] { return progress(); },
          [this] {
            watch();
            if (!watched_) return;  // it has taken all meanwhile
            stalled_ = true;
            boost::system::error_code ignored;
            stream_.lowest_layer().close(ignored);  // which ends the reads and writes
          }) {
  static auto* const calls = callbacks();
  static auto* const option = options();
  nghttp2_session* session = nullptr;
  check(side == role::server ? nghttp2_session_server_new2(&session, calls, this, option)
                             : nghttp2_session_client_new2(&session, calls, this, option));
  session_.reset(session);
  auto const list = settings(side, limits);
  check(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, list.data(), list.size()));
}

asio::awaitable<void> connection::run() {
  using namespace asio::experimental::awaitable_operators;
  idle_since_ = clock::now();
  std::exception_ptr failure;
  try {
    co_await (receive() && send());
  } catch (asio::multiple_exceptions const& both) {  // one has failed, and so the other one ended
    failure = both.first_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  watched_.reset();
  stall_watch_.stop();
  for (auto& [id, ended, error] : ended_)
    exchanges_.emplace(id, std::move(ended));
  ended_.clear();
  if (stalled_) throw boost::system::system_error(asio::error::timed_out);
  // Once all is sent, how the connection ends is no matter.
  if (failure && !finished_) std::rethrow_exception(failure);
  if (goaway_ != NGHTTP2_NO_ERROR)
    throw std::runtime_error(std::string("sent away with ") + nghttp2_http2_strerror(goaway_));
}

// A peer that takes no answers is not heard either, or what it brings about would pile up.
asio::awaitable<void> connection::receive() {
  std::vector<std::uint8_t> bytes(read_size);
  while (!peer_ended_) {
    auto const left = time_left();
    if (left <= clock::duration::zero()) {
      if (header_of_ != 0) throw boost::system::system_error(asio::error::timed_out);
      finish();
      idle_since_ = clock::now();
      continue;
    }
    auto const [error, n] = co_await tls_read_some(stream_, asio::buffer(bytes), left, as_values);
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;  // since send() has failed
    // Our own deadline. TCP's, behind which nothing comes any more, has the same code.
    if (error == asio::error::timed_out && !is_over()) continue;
    peer_ended_ = error == asio::error::eof;
    if (error && !peer_ended_) throw boost::system::system_error(error);
    take(bytes.data(), n);
    watch();
    more_to_send_.cancel();
    while (writing_ && nghttp2_session_get_outbound_queue_size(session_.get()) > most_waiting) {
      co_await sent_.async_wait(as_values);
      if (state.cancelled() != asio::cancellation_type::none) co_return;
    }
  }
}

// nghttp2 is asked for nothing while a write is under way, so no more than a batch waits for a slow
// peer. All that it has goes into one write, and so into full records.
asio::awaitable<void> connection::send() {
  for (;;) {
    answer_waiting();
    writing_ = true;
    auto const before = steps_;
    auto const batch = gather();  // none while there is nothing to send
    bool const has_body = steps_ != before;
    if (has_body) body_until_ = everything;
    watch();
    if (!batch.empty()) co_await tls_write(stream_, asio::buffer(batch));
    if (has_body) body_until_ = written_bytes(stream_.next_layer());
    writing_ = false;
    ++writes_;
    bool const has_told = !ended_.empty();
    tell_all();
    watch();
    sent_.cancel();
    if (!batch.empty() || has_told) continue;
    if (peer_ended_ || !is_waiting()) break;
    co_await more_to_send_.async_wait(as_values);
  }
  finished_ = true;
  co_await until_taken();
  co_await tls_shutdown(stream_);  // by which receive() ends, too
}

// To close a socket that still has something to read, such as a WINDOW_UPDATE, resets it, and what
// the peer has not taken is lost. Nothing tells when it is, so this looks.
asio::awaitable<void> connection::until_taken() {
  auto const state = co_await asio::this_coro::cancellation_state;
  asio::steady_timer pause{stream_.get_executor()};
  for (watch(); !is_over() && !has_taken(); watch()) {
    pause.expires_after(std::chrono::milliseconds(100));
    co_await pause.async_wait(as_values);
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

bool connection::is_waiting() const {
  return nghttp2_session_want_read(session_.get()) != 0 ||
         nghttp2_session_want_write(session_.get()) != 0;
}

void connection::take(std::uint8_t const* bytes, std::size_t size) {
  allowance_.spend(size, clock::now());
  auto const taken = nghttp2_session_mem_recv(session_.get(), bytes, size);
  if (taken == NGHTTP2_ERR_NOMEM || taken == NGHTTP2_ERR_CALLBACK_FAILURE) check(taken);
  if (taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_PROTOCOL_ERROR);
    peer_ended_ = true;
  } else if (taken < 0 || allowance_.is_spent()) {  // nghttp2 has bounds of its own
    calm_down();
  }
}

void connection::calm_down() noexcept {
  nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
  peer_ended_ = true;  // it is not heard any more
}

// No more than full records: a few bytes beyond them would be one more, and a send of their own.
std::vector<std::uint8_t> connection::gather() {
  std::vector<std::uint8_t> batch;
  std::uint8_t const* frame = nullptr;
  for (ssize_t n = 1; n > 0 && batch.size() + frame_header < batch_size;) {
    room_ = batch_size - batch.size() - frame_header;
    n = check(nghttp2_session_mem_send(session_.get(), &frame));
    if (batch.size() + static_cast<std::size_t>(n) > small_batch) batch.reserve(batch_size);
    batch.insert(batch.end(), frame, frame + n);
  }
  return batch;
}

// RFC 9113, section 8.1: NO_ERROR tells the client that it has the whole answer. Returns when to
// look again.
connection::clock::duration connection::end_discards() {
  clock::duration next = limits_.idle;
  for (auto const& [id, x] : exchanges_) {
    if (!x.passes_over || x.received) continue;
    auto const left = x.sent ? x.sent_at + limits_.header - clock::now() : limits_.header;
    if (left <= clock::duration::zero())
      reset(id, NGHTTP2_NO_ERROR);
    else
      next = std::min<clock::duration>(next, left);
  }
  return next;
}

connection::clock::duration connection::time_left() {
  if (header_of_ != 0) return header_since_ + limits_.header - clock::now();
  if (!idle()) return end_discards();  // then look again; the stall watch has the limit
  if (!has_taken()) {
    idle_since_ = clock::now();
    return std::min<clock::duration>(limits_.idle, std::chrono::seconds(1));
  }
  return idle_since_ + limits_.idle - clock::now();
}

// A peer is alive while its messages go on, and while it acknowledges our bodies, to their last
// byte: a PING, or an interim response, is no progress, and neither is that our answers to those
// arrive.
std::uint64_t connection::progress() const {
  return steps_ + std::min(serving::acknowledged_bytes(stream_.next_layer()), body_until_);
}

bool connection::is_over() const {
  auto& socket = stream_.lowest_layer();
  return !socket.is_open() || serving::is_over(socket.native_handle());
}

bool connection::has_taken() const {
  return serving::acknowledged_bytes(stream_.next_layer()) >= body_until_;
}

void connection::watch() {
  bool const has_to = writing_ || !idle() || !has_taken();
  if (has_to && !watched_) watched_ = stall_watch_.begin(alive_);
  if (!has_to) watched_.reset();
}

void connection::finish() {
  auto const last = nghttp2_session_get_last_proc_stream_id(session_.get());
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  more_to_send_.cancel();
}

exchange& connection::request(fields const& header, bool with_body) {
  auto const id = static_cast<std::int32_t>(nghttp2_session_get_next_stream_id(session_.get()));
  exchange& x = exchanges_[id];
  auto const list = list_of(header);
  nghttp2_data_provider const body{{.ptr = &x}, give_body};
  check(nghttp2_submit_request(session_.get(), nullptr, list.data(), list.size(),
                               with_body ? &body : nullptr, nullptr));
  return x;
}

void connection::respond(std::int32_t id, exchange& x, fields const& header) {
  auto const list = list_of(header);
  x.status = header.front().second;
  bool const has_body = x.method != "HEAD" && (x.more || x.echoes || !x.out.empty());
  nghttp2_data_provider const body{{.ptr = &x}, give_body};
  nghttp2_submit_response(session_.get(), id, list.data(), list.size(), has_body ? &body : nullptr);
  forget_header(x);
  more_to_send_.cancel();
}

void connection::reset(std::int32_t id, std::uint32_t error) noexcept {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, error);
  more_to_send_.cancel();
}

exchange* connection::find(std::int32_t id) {
  auto const found = exchanges_.find(id);
  return found == exchanges_.end() ? nullptr : &found->second;
}

// Of an exchange that is answered.
void connection::forget_header(exchange& x) noexcept {
  x.header = {};
  auto const still = std::min(x.held_bytes, x.method.size() + x.path.size());
  header_bytes_ -= x.held_bytes - still;
  x.held_bytes = still;
}

void connection::tell(ended_exchange const& one) {
  auto const& x = one.what;
  header_bytes_ -= x.held_bytes;
  kept_ -= x.in.size();
  idle_since_ = clock::now();
  closed(one.id, x, x.received && one.error == NGHTTP2_NO_ERROR, one.error);
}

void connection::tell_all() {
  for (auto const& one : std::exchange(ended_, {}))
    tell(one);
}

}  // namespace http2
