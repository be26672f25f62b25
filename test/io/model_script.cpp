// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The phases of a random script, and how the results of its verbs are judged.
#include "model_script.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "session_pair.hpp"
#include "support/engine_of.hpp"
#include "support/on_descriptor.hpp"

namespace tls_async::test {

namespace asio = boost::asio;
using asio::cancellation_type;
using namespace std::chrono_literals;

template <class Transport>
model_script<Transport>::model_script(std::uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15 + 1) {
  // So that the first seeds meet every ending.
  if (seed % 8 == 3) ending_ = ending::stream_destroyed;
  if (seed % 8 == 6) ending_ = ending::io_context_destroyed;
  clock::current = clock::time_point(1h);
  io_.emplace();
  configure();
}

template <class Transport>
model_script<Transport>::~model_script() {
  drop_everything();
}

template <class Transport>
void model_script<Transport>::configure() {
  transport_.emplace(*io_);
  stream_options options;
  options.ring_records = 1 + pick(4);
  options.most_key_updates_in_a_row = options.most_key_updates_per_second = 0;
  options.most_handshake_messages_in_a_row = 0;
  if (one_in(4)) options.rekey_after_records = 1 + pick(5);
  is_tls13_ = !one_in(4);
  bool const has_tickets = one_in(2);
  bool const has_cbc = one_in(2);
  cancels_lowest_layer_ = one_in(3);
  // Records shorter than a call is given plaintext, by the wish of one side or of the other.
  bool const has_short_records = one_in(3);
  bool const by_negotiation = one_in(2);
  auto const most = static_cast<long>(one_in(2) ? 512 : 513 + pick(15'871));
  // Records that are longer than their plaintext, KeyUpdates and alerts too (TLS 1.3).
  std::size_t const padding = one_in(4) ? 1 + pick(16'384) : 0;
  bool const reads_ahead = one_in(4);
  for (std::size_t i = 0; i != ends_.size(); ++i) {
    auto& e = *(ends_.at(i) = std::make_shared<endpoint>());
    e.is_client = i == 0;
    e.progress = clock::now();
    // One end at least is on its descriptor.
    if (Transport::has_descriptors)
      options.ktls = i == 0 ? std::array{ktls::off, ktls::tx, ktls::tx_rx}.at(pick(3))
                            : std::array{ktls::tx, ktls::tx_rx}.at(pick(2));
    e.stream =
        std::make_unique<stream_type>(transport_->take(i), script_context(e.is_client), options);
    e.watch.emplace(*transport_, i, e.stream->next_layer());
    if (options.ktls != ktls::off) stay_on_descriptor(engine_of(*e.stream));
    SSL* const ssl = e.stream->native_handle();
    if (!is_tls13_) SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    if (!is_tls13_ && has_cbc) SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-SHA256");
    if (!has_tickets) SSL_set_num_tickets(ssl, 0);
    if (padding > 1) SSL_set_block_padding(ssl, padding);
    if (reads_ahead) SSL_set_read_ahead(ssl, 1);
    if (has_short_records && !by_negotiation) SSL_set_max_send_fragment(ssl, most);
    if (has_short_records && by_negotiation && e.is_client)
      SSL_set_tlsext_max_fragment_length(ssl, TLSEXT_max_fragment_length_512);
    e.stream->set_role(e.is_client ? stream_type::client : stream_type::server);
    // Verbs may come before the handshake, and have to negotiate with the host it will ask for.
    if (e.is_client && engine_of(*e.stream).be_client_of("localhost"))
      complain("the client could not be told its host");
  }
  note(*ends_[0], std::string(is_tls13_ ? "TLS 1.3"
                              : has_cbc ? "TLS 1.2 CBC"
                                        : "TLS 1.2 GCM") +
                      (!has_short_records ? ""
                       : by_negotiation   ? ", records of 512"
                                          : ", records of " + std::to_string(most)) +
                      (padding > 1 ? ", padded to " + std::to_string(padding) : "") +
                      (reads_ahead ? ", reading ahead" : "") +
                      (has_tickets ? ", tickets, ring of " : ", ring of ") +
                      std::to_string(options.ring_records) + ", new keys after " +
                      std::to_string(options.rekey_after_records));
}

template <class Transport>
std::string model_script<Transport>::run() {
  negotiate();
  for (auto& e : ends_) {
    for (std::size_t links = pick(3); links != 0; --links)
      act_on_link(*e);
  }
  std::size_t const actions = 20 + pick(150);
  std::size_t const end = ending_ == ending::complete ? actions : pick(actions);
  for (std::size_t i = 0; i != end && complaint_.empty(); ++i)
    act();
  if (!complaint_.empty()) return complaint_;
  switch (ending_) {
    case ending::complete:
      come_to_an_end();
      break;
    case ending::stream_destroyed:
      end_without(either());
      break;
    case ending::io_context_destroyed:
      trace_ += "the io_context goes\n";
      drop_everything();
      break;
  }
  return complaint_;
}

// A handshake like any other verb: disturbed at first, then left alone.
template <class Transport>
void model_script<Transport>::negotiate() {
  for (std::size_t actions = pick(20); actions != 0; --actions)
    act();
  is_left_alone_ = true;
  for (auto& e : ends_)
    open(*e);
  settle();
  for (auto& e : ends_) {
    if (!e->negotiated) start_handshake(*e);
  }
  settle();
  is_left_alone_ = false;
  for (auto& e : ends_) {
    if (!e->negotiated) complain("the handshake did not come to its end");
  }
  negotiated_ = true;
}

template <class Transport>
void model_script<Transport>::come_to_an_end() {
  is_left_alone_ = true;
  for (auto& e : ends_)
    open(*e);
  settle();
  for (auto& e : ends_)
    start_end(*e, kind::close_write);
  for (auto& e : ends_) {
    e->reads_on = true;
    if (!e->find(kind::read) && !e->saw_end) start_read(*e);
  }
  settle();
  for (auto& e : ends_)
    start_end(*e, kind::shutdown);
  settle();
  for (auto& e : ends_) {
    std::string const who = e->is_client ? "client" : "server";
    if (!e->saw_end) complain("the " + who + " did not read to the end");
    if (!e->outstanding.empty()) complain("a verb of the " + who + " did not end");
    if (auto wrong = e->sent.difference(true); !wrong.empty())
      complain(wrong.insert(0, who + " sent: "));
  }
}

template <class Transport>
void model_script<Transport>::end_without(endpoint& gone) {
  is_left_alone_ = true;
  endpoint& rest = other(gone);
  for (auto& e : ends_)
    open(*e);  // or what its link holds back would never come
  destroy(gone);
  settle();
  if (!gone.outstanding.empty()) complain("a verb of the destroyed stream did not end");
  rest.reads_on = true;
  if (!rest.find(kind::read)) start_read(rest);
  settle();
  if (!rest.outstanding.empty()) complain("a verb did not end when the peer went");
  for (auto& e : ends_) {
    std::string const who = e->is_client ? "client" : "server";
    if (auto wrong = e->sent.difference(false); !wrong.empty())
      complain(wrong.insert(0, who + " sent: "));
  }
}

// The handlers own the ends now, and are destroyed with the event loop.
template <class Transport>
void model_script<Transport>::drop_everything() {
  ends_ = {};
  transport_.reset();
  if (io_) io_->stop();
  io_.reset();
}

template <class Transport>
void model_script<Transport>::step(std::size_t handlers) {
  for (auto& e : ends_) {
    for (auto const& v : e->outstanding)
      v->is_parked = false;
  }
  for (; handlers != 0; --handlers) {
    if (io_->stopped()) io_->restart();
    bool const moved = transport_->settle();
    if (io_->poll_one() == 0 && !moved) break;
  }
}

// Runs all that can run. What was cancelled or is due has then ended.
template <class Transport>
void model_script<Transport>::settle() {
  step(unbounded);
  for (auto& e : ends_) {
    e->lowest_layer_cancelled = false;
    for (auto const& v : e->outstanding) {
      v->is_parked = true;
      bool const had_to_end =
          v->lowest_layer_cancelled ||
          (v->cancelled & (cancellation_type::terminal | cancellation_type::partial)) !=
              cancellation_type::none;
      if (had_to_end) complain("verb " + std::to_string(v->number) + " was cancelled and goes on");
      if (v->limit != clock::duration::max() && !v->stalls &&
          clock::now() - v->started >= v->limit) {
        complain("verb " + std::to_string(v->number) + " is beyond its deadline and goes on");
      }
    }
  }
}

template <class Transport>
void model_script<Transport>::advance_clock() {
  for (auto& e : ends_) {
    if (e->was_destroyed || e->accepted == link(*e).writes()) continue;
    e->accepted = link(*e).writes();
    e->progress = clock::now();
  }
  constexpr std::array<clock::duration, 4> steps{100ms, 1s, 6s, 31s};
  auto const by = steps.at(pick(steps.size()));
  trace_ += "clock +" + std::to_string(by / 1ms) + " ms\n";
  clock::advance(by);
  // A timer that is due before all others makes the event loop look at its timers now.
  asio::basic_waitable_timer<clock> first(*io_, clock::time_point());
  first.async_wait([](error_code) {});
  settle();
}

template <class Transport>
void model_script<Transport>::finish(endpoint& e, verb_ptr const& v, error_code ec, std::size_t n) {
  note(e, "  verb " + std::to_string(v->number) + " ended: " + std::to_string(n) + " bytes, " +
              ec.message());
  if (inside_call_) complain("a handler ran inside a call");
  if (std::erase(e.outstanding, v) != 1) complain("a handler ran twice");
  if (auto const wrong = judge(e, *v, ec, n); !wrong.empty()) {
    complain("verb " + std::to_string(v->number) + ": " + wrong);
  }
  if (ec == asio::error::operation_aborted) ++cancelled_;
  if (ec == asio::error::timed_out) ++timed_out_;
  if (ec && n != 0 && n != v->size) ++cut_short_;
  if (v->is_write()) e.sent.end_write(v->write, n);
  if (v->what == kind::handshake && !ec) e.negotiated = true;
  if (v->what == kind::read) {
    other(e).sent.arrive({v->place.data(), n});
    if (ec == asio::error::eof) e.saw_end = true;
    if (e.reads_on && !e.was_destroyed && !ec && !e.find(kind::read)) start_read(e);
  }
  if (is_left_alone_ || !one_in(6)) return;
  bool const outer = std::exchange(inside_handler_, true);
  act_on_verbs(one_in(4) ? other(e) : e);
  inside_handler_ = outer;
}

// What may be the result of a verb; the transport never fails by itself.
template <class Transport>
std::string model_script<Transport>::judge(endpoint const& e, verb const& v, error_code ec,
                                           std::size_t n) const {
  if (n > v.size) return "it reports more bytes than it had";
  if (!ec) {
    if (v.refusal) return "it had to end with " + v.refusal.message();
    if (v.what == kind::write && n != v.size) return "it ended early";
    if (v.size != 0 && n == 0 && v.what != kind::handshake) return "it reports success and no byte";
    return {};
  }
  if (v.what == kind::read && n != 0) return "it failed, and has consumed something";
  if (ec == v.refusal) return n == 0 ? "" : "it was refused, and reports bytes";
  if (ec == asio::error::operation_aborted) {
    if (e.was_destroyed || v.lowest_layer_cancelled || e.lowest_layer_cancelled) return {};
    if (v.cancelled == cancellation_type::none) return "operation_aborted, and nobody cancelled it";
    if (v.cancelled == cancellation_type::total && n != 0)
      return "a total cancellation left something";
    return {};
  }
  if (ec == asio::error::timed_out) {
    auto const since = v.stalls ? std::max(e.progress, v.started) : v.started;
    return clock::now() - since >= v.limit ? "" : "it timed out too early";
  }
  bool const peer_ends = other(e).is_closing;
  if (ec == asio::error::eof)
    return v.what == kind::read && peer_ends ? "" : "eof, and nobody has closed";
  if (ec == errc::closed_for_writing && e.is_closing)
    return n == 0 ? "" : "refused, and reports bytes";
  if (other(e).was_destroyed) return {};
  return ec.message();
}

template <class Transport>
auto model_script<Transport>::endpoint::find(kind what) const -> verb_ptr {
  auto const found = std::find_if(outstanding.begin(), outstanding.end(),
                                  [what](verb_ptr const& v) { return v->what == what; });
  return found != outstanding.end() ? *found : nullptr;
}

template <class Transport>
void model_script<Transport>::call(std::function<void()> const& what) {
  bool const outer = std::exchange(inside_call_, true);
  what();
  inside_call_ = outer;
}

template <class Transport>
void model_script<Transport>::note(endpoint const& e, std::string const& what) {
  trace_ += (e.is_client ? "client " : "server ") + what + '\n';
}

template <class Transport>
void model_script<Transport>::complain(std::string const& what) {
  if (complaint_.empty()) complaint_ = what;
  trace_ += "*** " + what + '\n';
}

template class model_script<memory_transport>;
template class model_script<socket_transport>;

}  // namespace tls_async::test
