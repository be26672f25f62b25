// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The steps of a connection, until its two directions begin.
#include "session.hpp"

#include "serving/as_values.hpp"
#include "serving/tcp_info.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <openssl/ssl.h>

#include <tuple>
#include <utility>
#include <vector>

namespace tls_proxy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

using serving::as_values;

tls_async::stream_options stream_options_for(options const& chosen) {
  tls_async::stream_options all;
  all.handshake_deadline = chosen.handshake;
  all.write_stall_deadline = session::no_limit;  // a completed write tells less than progress()
  if (chosen.ktls) all.ktls = tls_async::ktls::tx;
  return all;
}

std::string text_of(tcp::endpoint const& endpoint) {
  return tls_proxy::text_of(
      backend_name{endpoint.address().to_string(), std::to_string(endpoint.port())});
}

std::string seconds(std::chrono::seconds time) { return std::to_string(time.count()) + " s"; }

}  // namespace

session::session(tcp::socket client, tcp::endpoint const& address,
                 std::shared_ptr<serving::arrival> as, std::shared_ptr<tls_async::context> context,
                 options const& chosen, backends& known, serving::server_log& log)
    : options_(chosen),
      backends_(known),
      log_(log),
      arrival_(std::move(as)),
      context_(std::move(context)),
      secured_(is_server() ? std::move(client) : tcp::socket(client.get_executor()), *context_,
               stream_options_for(chosen)),
      plain_(is_server() ? tcp::socket(secured_.get_executor()) : std::move(client)),
      timer_(secured_.get_executor()),
      idleness_(
          secured_.get_executor(), chosen.idle, [this] { return progress(); },
          [this] {
            fail("nothing was carried for " + seconds(options_.idle));
            cut();
          }) {
  error_code gone, ignored;
  if (!is_server()) this->client().remote_endpoint(gone);  // a handshake would meet it
  if (!is_server()) arrival_->is_done();
  addresses_.source = address;
  if (chosen.send_proxy_header) addresses_.destination = this->client().local_endpoint(ignored);
  record_.client = text_of(address);
  if (gone) fail("the client had left before it was served");
  record_.backend = "-";
}

// No coroutine waits for the end: its frames would be an eighth of an idle connection.
void session::start(end_handler ended) {
  ended_ = std::move(ended);
  asio::co_spawn(secured_.get_executor(), prepare(),
                 [self = shared_from_this()](std::exception_ptr failure, bool ready) {
                   try {
                     if (!failure && ready) return self->relay();
                   } catch (...) {
                     failure = std::current_exception();
                   }
                   self->end(failure);
                 });
}

void session::end(std::exception_ptr failure) {
  watched_.reset();
  timer_.cancel();
  // The client may have sent a request already, and would take an end for an empty answer. Nor is
  // there an end for want of memory.
  bool const is_stranger = is_server() && record_.protocol.empty();
  if (failure || (!relaying_ && !is_stranger)) cut();
  try {
    record_.duration =
        std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - started_);
    using serving::log_level;
    if (!options_.log.quiet)
      log_.access(record_, is_stranger ? log_level::debug : log_level::info);
    else if (!is_stranger && !record_.incident.empty())
      log_.warn_about_peer(record_.client, record_.incident);
  } catch (...) {
    failure = std::current_exception();
  }
  std::exchange(ended_, {})(failure, stats());
}

// What goes by the pipe the stream does not see.
tls_async::stats session::stats() const noexcept {
  auto all = secured_.stats();
  all.plaintext_sealed += piped_bytes_;
  return all;
}

void session::finish() {
  if (!relaying_) abort();
}

void session::abort() {
  fail("the proxy was stopped");
  cut();
}

void session::make_room() {
  fail("others waited for its place");
  cut();
}

// The backend hears of a client only after its handshake, unless told otherwise.
asio::awaitable<bool> session::prepare() {
  if (!record_.incident.empty()) co_return false;
  error_code ignored;
  client().set_option(tcp::no_delay(true), ignored);
  if (!is_server()) plain_.non_blocking(true, ignored);
  bool ready = !options_.accept_proxy_header || co_await receive_header();
  if (ready && options_.early_connect) {
    using namespace asio::experimental::awaitable_operators;
    auto const [shaken, connected] = co_await (handshake() && connect());
    ready = shaken && connected;
  } else {
    if (is_server()) ready = ready && co_await handshake();
    ready = ready && co_await connect();
  }
  if (options_.send_proxy_header) ready = ready && co_await send_header();
  if (!is_server()) ready = ready && co_await handshake();
  co_return ready;
}

asio::awaitable<bool> session::receive_header() {
  expire_after(options_.handshake, client());
  try {
    std::string header(header_start_bytes, '\0');
    auto [error, count] = co_await asio::async_read(client(), asio::buffer(header), as_values);
    if (!error) {
      header.resize(header_start_bytes + rest_of_header(header));
      std::tie(error, count) =
          co_await asio::async_read(client(), asio::buffer(header) + header_start_bytes, as_values);
    }
    timer_.expires_at(clock::time_point::max());
    if (expired_) co_return fail("no PROXY header in " + seconds(options_.handshake));
    if (error) co_return fail("no whole PROXY header: " + error.message());
    if (auto const said = parse_header(header)) {
      addresses_ = *said;
      if (!arrival_->comes_from(said->source.address()))
        co_return fail("its address has as many connections as it may");
    }
    record_.client = text_of(addresses_.source);
    co_return record_.incident.empty();
  } catch (malformed_header const& wrong) {
    co_return fail(wrong.what());
  }
}

asio::awaitable<session::error_code> session::handshake_of_server() {
  serving::attempt const attempt{*arrival_};
  auto const [error] =
      co_await tls_handshake(secured_, tls_async::as_server{attempt.asking}, as_values);
  co_return error;
}

asio::awaitable<bool> session::handshake() {
  error_code error, ignored;
  if (is_server()) {
    error = co_await handshake_of_server();
  } else {
    auto const& name = options_.server_name.empty() ? chosen_->name().host : options_.server_name;
    auto const port = secured_.next_layer().remote_endpoint(ignored).port();
    std::tie(error) = co_await tls_handshake(secured_, tls_async::as_client{name, port}, as_values);
  }
  bool const was_stopped = error && !secured_.next_layer().is_open();
  if (!is_server() && !error) chosen_->answered();
  if (!is_server() && error && !was_stopped) chosen_->failed("handshake failed: " + why(error));
  if (error && is_server()) plain_.close(ignored);  // it may be connecting already
  std::string const peer = is_server() ? "the client" : "the backend";
  if (error == tls_async::condition::not_tls)
    co_return fail(peer + " does not speak TLS, perhaps plain HTTP: " + why(error));
  if (error) co_return fail("handshake with " + peer + " failed: " + why(error));
  record_.protocol = SSL_get_version(secured_.native_handle());
  if (options_.ktls) look_at_kernel();
  co_return record_.incident.empty();
}

void session::look_at_kernel() {
  auto const state = secured_.ktls_status().sending;
  kernel_seals_ = state == tls_async::ktls_state::on;
  record_.sealed_by = kernel_seals_ ? "kernel" : "process";
  log_.event(serving::log_level::debug, record_.client,
             std::string("kernel TLS is ") + to_string(state));
  // The stream ends a session whose keys the kernel can't change by close_notify. In the middle of
  // what is carried that would be a lie: SSL_shutdown(3) sends none until allow_close_notify().
  if (kernel_seals_) SSL_set_quiet_shutdown(secured_.native_handle(), 1);
}

// One after the other, until one answers.
asio::awaitable<bool> session::connect() {
  std::vector<backends::choice> tried;
  std::string reasons = "cannot connect";
  while (auto next = backends_.choose(tried)) {
    record_.backend = text_of(next->name());
    error_code error, ignored;
    backend().close(ignored);
    // asio::async_connect would not tell why not: no descriptor is left, for one.
    backend().open(next->endpoint().protocol(), error);
    if (!error && is_server()) plain_.non_blocking(true, error);
    bool can_ask = !error || error == asio::error::address_family_not_supported;
    expired_ = false;
    if (!error) {
      expire_after(options_.connect, backend());
      std::tie(error) = co_await backend().async_connect(next->endpoint(), as_values);
      timer_.expires_at(clock::time_point::max());
      if (expired_) error = asio::error::timed_out;
      can_ask = error != asio::error::no_buffer_space && error != asio::error::no_memory;
    }
    if (!record_.incident.empty()) co_return false;
    if (!error) {
      if (is_server()) next->answered();
      chosen_ = std::move(next);
      backend().set_option(tcp::no_delay(true), ignored);
      co_return true;
    }
    auto const why_not = expired_ ? " in " + seconds(options_.connect) : ": " + error.message();
    reasons += (tried.empty() ? " to " : ", to ") + next->text() + why_not;
    if (!can_ask) break;  // no other address could be asked either
    // No local port is left, to this one.
    if (error != boost::system::errc::address_not_available)
      next->failed("cannot connect" + why_not);
    tried.push_back(std::move(*next));
  }
  co_return fail(reasons);
}

asio::awaitable<bool> session::send_header() {
  auto const header = format_header(addresses_, is_server() ? secured_.alpn() : std::string());
  auto const [error, count] =
      co_await asio::async_write(backend(), asio::buffer(header), as_values);
  if (error) co_return fail("cannot send the PROXY header: " + error.message());
  co_return record_.incident.empty();
}

// Bytes that one side has sent, or that the other has taken, however long they lay with the kernel.
std::uint64_t session::progress() {
  return record_.to_backend + record_.to_client +
         serving::acknowledged_bytes(secured_.next_layer()) + serving::acknowledged_bytes(plain_);
}

// The step under way fails when its socket is closed.
void session::expire_after(std::chrono::seconds limit, tcp::socket& waits) {
  expired_ = false;
  timer_.expires_after(limit);
  timer_.async_wait([weak = weak_from_this(), &waits](error_code stopped) {
    auto const self = weak.lock();
    // A step that ended when its time did may have set the timer anew too late to stop this.
    if (!self || stopped || self->timer_.expiry() > clock::now()) return;
    self->expired_ = true;
    error_code ignored;
    waits.close(ignored);
  });
}

// The first incident is the reason for those that follow from it.
bool session::fail(std::string incident) {
  if (record_.incident.empty()) record_.incident = std::move(incident);
  return false;
}

void session::fail_tls(error_code error) {
  fail((is_server() ? "the client: " : "the backend: ") + why(error));
}

// Neither side may take this for an end: no close_notify, and a reset instead of FIN.
void session::cut() {
  error_code ignored;
  plain_.set_option(tcp::socket::linger(true, 0), ignored);
  plain_.close(ignored);
  secured_.next_layer().close(ignored);
}

std::string session::why(error_code error) const { return secured_.explain(error); }

}  // namespace tls_proxy
