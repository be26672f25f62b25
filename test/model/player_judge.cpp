// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What may be the result of a verb, and of a whole script.
#include <tls_async/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "player.hpp"

namespace tls_async::test::model {

namespace asio = boost::asio;
using asio::cancellation_type;

constexpr std::string_view failed_state = "SSLERR";  // SSL_state_string(3)

verdict verdict_of(error_code const& ec) {
  if (!ec) return verdict::success;
  if (ec == asio::error::eof) return verdict::end;
  if (ec == asio::ssl::error::stream_truncated) return verdict::truncated;
  if (ec == asio::error::operation_aborted) return verdict::aborted;
  if (ec == asio::error::timed_out) return verdict::timed_out;
  if (ec == asio::error::would_block) return verdict::waits;
  if (ec == errc::peer_limit_exceeded) return verdict::limit;
  if (ec.category() == errc_category()) return verdict::refused;
  if (ec.category() != asio::error::get_ssl_category()) return verdict::transport;
  int const reason = ERR_GET_REASON(static_cast<unsigned long>(ec.value()));
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return verdict::refused_certificate;
  return reason >= SSL_AD_REASON_OFFSET ? verdict::alert : verdict::protocol;
}

char const* name_of(verdict which) {
  constexpr std::array names{"nothing", "success",  "end",     "truncated", "refused certificate",
                             "alert",   "protocol", "aborted", "timed out", "transport",
                             "limit",   "waits",    "refused"};
  return names.at(static_cast<std::size_t>(which));
}

void player::begun(verb& of) {
  of.has_begun = true;
  of.started = virtual_clock::now();
  of.had_session = outcome_.negotiated == verdict::success;
  of.had_rival = std::any_of(outstanding_.begin(), outstanding_.end(), [&of](auto const& v) {
    return v.get() != &of && v->asked.what == of.asked.what;
  });
  if (counts_ != nullptr) counts_->count(of.asked);
  did(of.asked.what);
  if (of.asked.what == act::write) of.in_queue = sent_.begin_write(of.bytes);
  if (of.asked.what == act::handshake) negotiation_begun_ = true;
  if (of.asked.what == act::read)
    reads_.push_back(*std::find_if(verbs_.begin(), verbs_.end(),
                                   [&of](auto const& v) { return v.get() == &of; }));
  if (of.asked.what == act::close_write || of.asked.what == act::shutdown) is_closing_ = true;
  // Plaintext that comes beside it goes to nobody.
  if (of.asked.what == act::shutdown && outcome_.end != verdict::end) outcome_.discarded = true;
}

void player::ended(verb_ptr const& of, error_code ec, std::size_t n, bool elsewhere) {
  auto const which = verdict_of(ec);
  std::string const name = "verb " + std::to_string(of->number);
  note("  " + name + ", " + name_of(of->asked.what) + ": " + std::to_string(n) + ", " +
       ec.message());
  if (std::exchange(of->has_ended, true)) return complain(name + " ends twice");
  std::erase(outstanding_, of);
  bool const ends_at_once = is_bare() || of->asked.told == way::blocking ||
                            of->asked.buffers == form::attempt || of->was_refused_here;
  if (!ends_at_once && calls_ != 0) complain(name + " ends inside of a call");
  if (counts_ != nullptr) counts_->count(name_of(which));
  SSL* const ssl = subject_ ? subject_->ssl() : nullptr;
  if (!ec && ssl != nullptr) outcome_.is_resumed = SSL_session_reused(ssl) != 0;
  if (ec == errc::not_verified && shares_key(script_) && !host_of(script_).empty())
    outcome_.lacks_certificate = true;
  if (elsewhere) complain(name + " ends on another executor");
  if (!of->was_refused_here) {
    if (auto const wrong = judge(*of, ec, n); !wrong.empty())
      complain(name + ": " + wrong + " [" + (subject_ ? subject_->story() : "") + "]");
  }
  bool const had_failed = has_failed_;
  if (of->asked.what == act::write && of->has_begun) sent_.end_write(of->in_queue, n);
  if (of->asked.what == act::handshake) {
    // One more on a session that is there says how that is now.
    if (!had_failed && !has_session_ && (which != verdict::refused || !of->had_rival))
      outcome_.negotiated = which;
    if (!ec && has_session_) outcome_.negotiated = verdict::success;
  }
  // Where the first verb negotiates, it tells, too. What was only queued does not.
  bool const has_moved = (of->asked.what == act::read || of->asked.what == act::write) && n != 0 &&
                         of->asked.buffers != form::attempt;
  has_session_ = has_session_ || (!ec && (of->asked.what == act::handshake || has_moved));
  if (which == verdict::waits && !has_session_) outcome_.waited_in_handshake = true;
  if (of->asked.what == act::read && n <= of->place.size()) {
    of->taken = n;
    // In the order in which they began: who starts one before he was told of the last can't know.
    for (; !reads_.empty() && reads_.front()->has_ended; reads_.pop_front())
      hear({reads_.front()->place.data(), reads_.front()->taken},
           reads_.front()->asked.buffers == form::composed);
    read_succeeded_ = !ec && outcome_.complaint.empty();
    if (which != verdict::refused && !has_failed_) outcome_.end = which;
  }
  bool const is_final = which == verdict::truncated || which == verdict::refused_certificate ||
                        which == verdict::alert || which == verdict::protocol ||
                        which == verdict::transport || which == verdict::limit;
  if (is_final && !std::exchange(has_failed_, true) && outcome_.end != verdict::end)
    outcome_.end = which;
  bool const in_handler = of->asked.told != way::blocking && of->asked.told != way::future &&
                          of->asked.buffers != form::attempt;
  if (!inside_.empty() && io_ && in_handler) {
    auto const [what, number] = inside_.front();
    inside_.pop_front();
    auto const calls = std::exchange(calls_, 0);
    ++handlers_;
    perform(what, number);
    --handlers_;
    calls_ = calls;
  }
  if (io_ && !was_destroyed_ && !subject_->takes_all()) start_waiting();
  bool const is_handler = (of->asked.told == way::callback || of->asked.told == way::strand) &&
                          of->asked.buffers != form::attempt;
  if (!is_handler || !std::exchange(will_throw_, false)) return;
  did(act::throws);
  throw thrown();
}

void player::hear(std::string_view plaintext, bool is_composed) {
  outcome_.heard += plaintext;
  auto const& said = peer_->said();
  // Between two reads of asio::async_read a shutdown may discard something: then its pieces stand
  // in that order, and not side by side.
  if (is_composed && outcome_.discarded && !plaintext.empty()) {
    for (std::size_t n = plaintext.size(); !plaintext.empty(); n = plaintext.size()) {
      auto at = std::string::npos;
      for (; n != 0 && at == std::string::npos; n -= at == std::string::npos ? 1 : 0)
        at = said.find(plaintext.substr(0, n), heard_to_);
      if (at == std::string::npos) return complain("the peer has not said what was read");
      heard_to_ = at + n;
      plaintext.remove_prefix(n);
    }
    return;
  }
  auto const at = outcome_.discarded ? said.find(plaintext, heard_to_) : heard_to_;
  if (at == std::string::npos || said.compare(at, plaintext.size(), plaintext) != 0)
    return complain("the peer has not said what was read");
  heard_to_ = at + plaintext.size();
}

std::string player::judge(verb const& of, error_code ec, std::size_t n) const {
  if (n > of.size()) return "it reports more bytes than it had";
  if (!ec) return judge_success(of, n);
  bool const may_be_part = of.asked.what != act::read || of.asked.buffers == form::composed;
  if (n != 0 && !may_be_part) return "it failed, and has consumed something";
  if (kind_ == kind::asio) return {};  // its codes are only compared
  std::string const but = ec.message() + ", and ";
  switch (verdict_of(ec)) {
    case verdict::aborted:
      if (was_destroyed_ || of.layer_was_cancelled || layer_cancelled_) return {};
      if (of.cancelled == cancellation_type::none) return but + "nobody cancelled it";
      return of.cancelled == cancellation_type::total && n != 0
                 ? "a total cancellation left something"
                 : "";
    case verdict::timed_out:
      // What has left now may have left behind that.
      return is_late(of,
                     wire_->took_at == virtual_clock::now() ? wire_->took_before : wire_->took_at)
                 ? ""
                 : but + "it was not so long";
    case verdict::end:
      // Behind half a message what has to send one ends so: a known fault.
      if (leaves_half_ && !judges_known) return {};
      if (of.asked.what != act::read && kind_ == kind::ours) return but + "it is no read";
      return peer_->has_closed() || kind_ != kind::ours ? "" : but + "the peer has not closed";
    case verdict::refused:
      return judge_refusal(of, ec);
    case verdict::truncated:
    case verdict::transport:
      return was_disturbed_ || was_hostile_ || has_failed_ ? "" : but + "the transport is there";
    case verdict::refused_certificate:
    case verdict::alert:
    case verdict::protocol:
    case verdict::limit:
      return was_hostile_ || is_refused_ || has_failed_ ? "" : but + "the peer is honest";
    default:
      return of.asked.told == way::blocking ? "" : but + "it does not block";
  }
}

std::string player::judge_success(verb const& of, std::size_t n) const {
  bool const may_be_short = of.asked.buffers == form::some || of.asked.told == way::blocking;
  switch (of.asked.what) {
    case act::write:
      if (n != of.size() && !may_be_short) return "success, and not all was written";
      return of.size() != 0 && n == 0 ? "success, and no byte" : "";
    case act::read:
      if (of.asked.buffers == form::composed && !is_bare() && !may_be_short && n != of.size())
        return "success, and not all was read";
      return n == 0 ? "success, and no byte" : "";
    case act::handshake: {
      if (n != of.size()) return "success, and not all was taken that had come";
      SSL* const ssl = subject_->ssl();
      if (ssl == nullptr) return {};
      // New keys that wait to be sent are a handshake to OpenSSL, too, and the next one may have
      // begun. A handler may be called when our own are on their way already.
      OSSL_HANDSHAKE_STATE const state = SSL_get_state(ssl);
      bool const renews = state == TLS_ST_CW_KEY_UPDATE || state == TLS_ST_SW_KEY_UPDATE;
      // A fatal alert makes SSL_is_init_finished false and leaves the place where it came. A server
      // of TLS 1.3 may send one when the client is done (RFC 8446 section 4.4.2.4), and a read
      // meets it before the handler of the handshake is called.
      bool const has_failed_since = state == TLS_ST_OK && SSL_state_string(ssl) == failed_state;
      if (SSL_is_init_finished(ssl) == 0 && !renews && !has_failed_since && !was_hostile_ &&
          !of.had_session && !renegotiates(script_))
        return "success, and OpenSSL is not done with the handshake";
      if (expected_ != verdict::success && kind_ == kind::ours)
        return std::string("success, where OpenSSL has ") + name_of(expected_);
      // OpenSSL is content with a key that is shared, and with a host.
      bool const is_ours_to_verify = kind_ == kind::ours && !negotiates_by_member(script_);
      if (shares_key(script_) && !is_ours_to_verify) return {};
      if (host_of(script_).empty() && (!requires_certificate(script_) || shares_key(script_)))
        return {};
      if (SSL_get0_peer_certificate(ssl) == nullptr) return "success, and there is no certificate";
      return SSL_get_verify_result(ssl) == X509_V_OK ? "" : "success, and it is not verified";
    }
    default:
      return {};
  }
}

std::string player::judge_refusal(verb const& of, error_code ec) const {
  bool const fits =
      ec == errc::unexpected_result       ? false
      : ec == errc::second_read           ? of.asked.what == act::read && of.had_rival
      : ec == errc::operation_in_progress ? of.had_rival || of.asked.told == way::blocking
      : ec == errc::closed_for_writing    ? is_closing_
      : ec == errc::queue_full            ? of.asked.buffers == form::attempt
      : ec == errc::buffer_threw          ? of.asked.buffers == form::throwing
      : ec == errc::no_role               ? !of.had_session
      : ec == errc::not_verified          ? outcome_.lacks_certificate
      : ec == errc::handshake_not_done    ? !of.had_session
      : ec == errc::not_supported         ? of.asked.what == act::key_update && !is_tls1_3(script_)
                                          : has_failed_ || expected_ == verdict::refused;
  return fits ? "" : "refused without a reason: " + ec.message();
}

std::optional<virtual_clock::duration> player::limit_of(verb const& of) const {
  using namespace std::chrono_literals;
  if (of.asked.within < no_limit - 1) return std::chrono::milliseconds(of.asked.within);
  bool const is_closing = of.asked.what == act::close_write || of.asked.what == act::shutdown;
  if (is_closing && of.asked.within == no_limit) return 2s;  // async_shutdown, too
  if (of.asked.within == no_limit - 1 || !takes_limit(of.asked)) return {};
  switch (of.asked.what) {
    case act::handshake:
      return 10s;
    case act::write:
    case act::key_update:
      return 30s;  // without progress
    default:
      return {};
  }
}

bool player::is_late(verb const& of, virtual_clock::time_point progress) const {
  auto const limit = limit_of(of);
  // Without a limit of its own a write may take any time, as long as some of what is sent is taken;
  // where that goes through a socket, its buffer has taken it before.
  bool const stalls = of.asked.within == no_limit &&
                      (of.asked.what == act::write || of.asked.what == act::key_update) &&
                      is_chosen(script_, "next_layer", "wire");
  auto const since = stalls ? std::max(of.started, progress) : of.started;
  return limit && virtual_clock::now() - since >= *limit;
}

// When all is over.
void player::look_back() {
  if (!outcome_.complaint.empty()) return;
  if (counts_ != nullptr && outcome_.is_resumed) counts_->count("resumed");
  if (!wire_->misuse.empty()) complain(wire_->misuse);
  // The verbs that went with the event loop have told nothing.
  if (io_ && (kind_ == kind::ours || !has_failed_)) {
    // What Asio has sealed for a blocking write leaves with the next one.
    bool const can_tell = !was_hostile_ || (kind_ == kind::ours && !peer_->is_puzzled());
    // What had left for the kernel is lost then, also behind the end of what was read.
    bool const is_broken = std::any_of(script_.events.begin(), script_.events.end(),
                                       [](auto const& e) { return e.what == act::net_breaks; });
    // Nor does anything leave behind half a message that never ends, as above.
    bool const is_stuck = leaves_half_ && !judges_known;
    bool const is_whole = kind_ != kind::asio && can_tell && !is_stuck && !has_failed_ &&
                          !was_cut_short_ && !is_broken && outcome_.end == verdict::end;
    sent_.arrive(peer_->heard());
    if (auto const wrong = sent_.difference(is_whole); !wrong.empty()) complain("sent: " + wrong);
  }
  if (peer_->is_puzzled() && !was_hostile_ && !is_refused_)
    complain("the peer can't open what was sent");
  if (outcome_.end == verdict::end && !outcome_.discarded && outcome_.heard != peer_->said())
    complain("not all came that the peer has said");
  destroy_loop();
  if (ends_->ours() != nullptr && ends_->ours()->memory_usage() != 0)
    complain("memory is held that no stream holds");
}

bool player::is_in_progress(act what) const {
  return std::any_of(outstanding_.begin(), outstanding_.end(),
                     [what](auto const& v) { return v->asked.what == what; });
}

void player::complain(std::string const& what) {
  if (outcome_.complaint.empty()) outcome_.complaint = what;
  note("*** " + what);
}

}  // namespace tls_async::test::model
