// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "session.hpp"

#include <algorithm>
#include <exception>
#include <numeric>
#include <string_view>
#include <utility>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "error_kind.hpp"

namespace tls_async::test {
namespace {

using boost::system::error_code;

stream_settings settings_of(role side) {
  bool const is_client = side == role::client;
  auto const& own = is_client ? client_identity() : server_identity();
  auto const& peer = is_client ? server_identity() : client_identity();
  return {side, peer.authority, own.certificate_chain, own.private_key};
}

std::size_t all_messages() {
  return std::accumulate(message_sizes.begin(), message_sizes.end(), std::size_t{0});
}

}  // namespace

session::session(fault_case const& which, subject_factory const& make)
    : case_(which),
      peer_(peer_context(which.side == role::client ? role::server : role::client, which.version,
                         which.peer),
            which.side == role::client ? role::server : role::client, which.speed, which.plan),
      subject_(make(settings_of(which.side), peer_)) {
  if (!case_.faults_from) subject_->faults() = case_.faults;
}

case_result session::run() {
  try {
    play();
  } catch (over const&) {
  } catch (std::exception const& error) {
    note(rule::throws_nothing);
    result_.error = error.what();
  }
  if (case_.cancels && was_cancelled_) {
    std::string const first = went_on_ ? "is cancelled" : "is not cancelled";
    result_.did = first + (result_.did.empty() ? "" : "; then " + result_.did);
  }
  result_.reached = was_reached();
  return result_;
}

void session::play() {
  if (error_code const ec = shake_hands()) return after_failure(verb::handshake, ec);
  if (error_code const ec = write()) return after_failure(verb::write, ec);
  constexpr int many = 6'000;  // one byte in each record, at worst
  for (int i = 0; i != many; ++i) {
    if (case_.ends_first && heard_.size() >= all_messages()) {
      if (error_code const ec = shut_down()) return after_failure(verb::shutdown, ec);
      return say_whole();
    }
    error_code const ec = read();
    if (is_end(ec)) return after_end();
    if (ec) return after_failure(verb::read, ec);
    constexpr int answers = 5;
    if (i >= answers) continue;
    if (error_code const failed = write()) return after_failure(verb::write, failed);
  }
  note(rule::completes);
}

void session::after_end() {
  must(read().failed(), rule::failure_is_final);
  error_code const ec = shut_down();
  if (ec) return say(verb::shutdown, kind_of(ec), ec);
  say_whole();
}

void session::after_failure(verb of, error_code ec) {
  say(of, kind_of(ec), ec);
  bool const has_session = of != verb::handshake;
  if (of == verb::read && !is_failure_of_tls(ec) && !is_cancellation(ec) && is_only_cut() &&
      subject_->undelivered() == 0) {
    must(heard_ == peer_.said(), rule::reads_all_that_came);
  }
  // What still works tells what it was worth.
  bool const is_final = is_failure_of_tls(ec);
  error_code const written = write();
  must(written.failed() || !is_final, rule::failure_is_final);
  error_code const was_read = read();
  must(was_read.failed() || !is_final, rule::failure_is_final);
  if (!has_session) must(shake_hands().failed() || !is_final, rule::failure_is_final);
  (void)shut_down();
}

error_code session::shake_hands() {
  for (;;) {
    auto const done = use(verb::handshake);
    if (!done.ec) judge_success(true);
    if (!goes_on(done.ec)) return done.ec;
  }
}

error_code session::read() {
  for (;;) {
    auto const done = use(verb::read);
    judge_read(done);
    if (!goes_on(done.ec)) return done.ec;
  }
}

error_code session::write() {
  // One takes more than a record.
  std::size_t const size = writes_ == 1 ? 20'000 : 100 + 50 * writes_;
  message_ = numbered_plaintext(size, writes_++ * 1'000);
  for (std::string_view rest = message_; !rest.empty();) {
    auto const done = use(verb::write, rest);
    judge_write(done, rest);
    rest.remove_prefix(done.bytes);
    if (done.ec && !goes_on(done.ec)) return done.ec;
  }
  return {};
}

error_code session::shut_down() {
  for (;;) {
    auto const done = use(verb::shutdown);
    if (goes_on(done.ec)) continue;
    if (done.ec) return done.ec;
    must(peer_.has_closed(), rule::end_is_the_peers);
    judge_what_has_left(true);
    auto const& received = peer_.session().received();
    must(!received.empty() && received.back().type == content::alert &&
             received.back().plaintext == std::string({1, 0}),
         rule::says_close_notify);
    return {};
  }
}

session::ending session::use(verb of, std::string_view bytes) {
  arm(of);
  now_ = of;
  ending& done = endings_.emplace_back();
  auto handler = [this, &done](error_code ec, std::size_t n) {
    if (inside_call_) note(rule::completes_once);
    done = {done.times + 1, ec, n};
  };
  inside_call_ = true;
  switch (of) {
    case verb::handshake:
      subject_->start_handshake(handler);
      break;
    case verb::read:
      subject_->start_read(inbox_.data(), inbox_.size(), handler);
      break;
    case verb::write:
      subject_->start_write(bytes, handler);
      break;
    case verb::shutdown:
      subject_->start_shutdown(handler);
      break;
  }
  inside_call_ = false;
  await(of, done);
  return done;
}

void session::await(verb of, ending const& is_done) {
  constexpr int many = 200'000;
  for (int i = 0; i != many; ++i) {
    settle();
    if (is_done.times != 0) return must(is_done.times == 1, rule::completes_once);
    if (cancel_now(of)) continue;
    if (subject_->holds_write()) {
      subject_->release_write();
    } else if (!subject_->deliver()) {
      if (!subject_->let_time_pass()) break;
      settle();
      if (is_done.times == 0) break;
    }
  }
  // Silence has no end but a deadline.
  must(peer_.is_silent(), rule::completes);
  say(of, "waits for ever");
  throw over();
}

bool session::cancel_now(verb of) {
  if (!case_.cancels || was_cancelled_ || case_.cancels->of != of) return false;
  bool const is_now =
      case_.faults.held_write ? subject_->holds_write() : waited_++ == case_.cancels->at;
  if (!is_now) return false;
  was_cancelled_ = true;
  case_.cancels->of_next_layer ? subject_->cancel_next_layer() : subject_->cancel(of);
  return true;
}

bool session::goes_on(error_code ec) {
  if (!was_cancelled_ || went_on_ || !is_cancellation(ec)) return false;
  return went_on_ = true;
}

void session::arm(verb of) {
  if (is_armed_ || case_.faults_from != of) return;
  is_armed_ = true;
  auto& faults = subject_->faults();
  faults = case_.faults;
  if (faults.failing_read) *faults.failing_read += subject_->reads();
  if (faults.failing_write) *faults.failing_write += subject_->writes();
  if (faults.held_write) *faults.held_write += subject_->writes();
}

void session::judge_read(ending const& done) {
  must(!done.ec || done.bytes == 0, rule::failed_read_is_empty);
  must(done.ec || done.bytes != 0, rule::makes_progress);
  heard_.append(inbox_.data(), std::min(done.bytes, inbox_.size()));
  must(peer_.said().compare(0, heard_.size(), heard_) == 0, rule::reads_what_was_said);
  if (is_end(done.ec)) {
    must(peer_.has_closed(), rule::end_is_the_peers);
    must(heard_ == peer_.said(), rule::reads_all_that_came);
  }
  if (!done.ec || is_end(done.ec)) judge_success(false);
}

void session::judge_write(ending const& done, std::string_view asked) {
  must(done.bytes <= asked.size(), rule::reports_what_has_left);
  told_ += asked.substr(0, done.bytes);
  judge_what_has_left(!done.ec);
  if (done.ec) return;
  must(done.bytes != 0, rule::makes_progress);
  judge_success(false);
}

void session::judge_what_has_left(bool all) {
  auto const& left = peer_.session().plaintext();
  must(!left.starts_with(told_) || left.size() == told_.size(), rule::reports_what_has_left);
  must(told_.starts_with(left), rule::writes_what_was_given);
  must(!all || left == told_, rule::written_has_left);
}

void session::judge_success(bool of_handshake) {
  must(case_.peer == who::known, rule::verified_peer);
  auto& peer = peer_.session();
  must(peer.finished_sent() && peer.finished_received(), rule::finished_handshake);
  SSL* const ssl = of_handshake ? subject_->native_handle() : nullptr;
  if (ssl == nullptr) return;
  must(SSL_is_init_finished(ssl) != 0, rule::finished_handshake);
  must(SSL_get0_peer_certificate(ssl) != nullptr && SSL_get_verify_result(ssl) == X509_V_OK,
       rule::verified_peer);
}

// The peer has said nothing but what it should, so all of it has to come.
bool session::is_only_cut() const {
  return std::all_of(case_.plan.begin(), case_.plan.end(), [](placed_deed const& one) {
    return (one.what->how == deed::manner::does_nothing &&
            one.then != deed_end::in_place_of_next) ||
           one.what->how == deed::manner::sends_next;
  });
}

bool session::was_reached() {
  auto const& faults = subject_->faults();
  if (case_.faults_from && !is_armed_) return false;
  if (case_.cancels) return was_cancelled_;
  if (faults.failing_read) return subject_->reads() > *faults.failing_read;
  if (faults.failing_write) return subject_->writes() > *faults.failing_write;
  return case_.peer != who::known || case_.plan.empty() || peer_.deeds_done() != 0;
}

// What fails behind the handshake may show in a read or in a write.
void session::say(verb of, std::string const& did, error_code ec) {
  if (!result_.did.empty()) return;
  bool const has_deadline = did == "timed out" || did == "waits for ever";
  bool const has_name = of == verb::handshake || (of == verb::shutdown && has_deadline);
  result_.did = std::string(has_name ? name_of(of) : "session") + ": " + did;
  if (ec) result_.error = std::string(name_of(of)) + ": " + ec.message();
}

}  // namespace tls_async::test
