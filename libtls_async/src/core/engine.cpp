// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The life of an engine, and what each of its calls asks of OpenSSL. All of them end in answer(),
// the one reader of SSL_get_error, which has to be seen beside them: so this file is longer than
// others.
#include <tls_async/core/engine.hpp>
#include <tls_async/core/openssl_version.hpp>
#include <tls_async/core/policy.hpp>

#include <boost/system/system_error.hpp>

#include <openssl/async.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "openssl_call.hpp"
#include "thread_jobs.hpp"

namespace tls_async {
namespace {

SSL* new_session(SSL_CTX* context) {
  if (auto* const policy = detail::policy_of(context)) policy->use();
  SSL* const ssl = SSL_new(context);
  ERR_clear_error();
  if (ssl == nullptr) throw std::bad_alloc();
  return ssl;
}

constinit stream_options const defaults;

// A slot of our own in the session, so that the application's SSL_set_app_data stays its own.
int session_index() {
  static int const index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// SSL_get_error takes what a callback of the application has left in the error queue, as a loop
// over PEM blocks does, for the reason why the call has stopped.
bool only_waits(SSL* ssl) {
  if (std::strcmp(SSL_state_string(ssl), "SSLERR") == 0) return false;  // a fatal error
  switch (SSL_want(ssl)) {
    case SSL_NOTHING:
      return false;
    case SSL_READING:
      return BIO_should_read(SSL_get_rbio(ssl)) != 0;
    case SSL_WRITING:
      return BIO_should_write(SSL_get_wbio(ssl)) != 0;
    default:
      return true;
  }
}

// An alert that is no end, as no_renegotiation, may find a descriptor full. OpenSSL keeps it for
// the next record, and before 3.2 then takes a retry of that record for one of the alert, and fails
// (bad write retry). SSL_shutdown is the one function that only sends what is kept: with both flags
// set it does nothing else.
int send_kept_alert(SSL* ssl) {
  int const flags = SSL_get_shutdown(ssl);
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  int const result = SSL_shutdown(ssl);
  SSL_set_shutdown(ssl, flags);
  return result;
}

bool may_keep_alert(SSL* ssl) {
  static bool const is_old = OpenSSL_version_num() < 0x30200000L;
  return is_old && SSL_version(ssl) < TLS1_3_VERSION && SSL_get_quiet_shutdown(ssl) == 0 &&
         SSL_is_init_finished(ssl) != 0;
}

}  // namespace

void engine::ssl_free::operator()(SSL* ssl) const noexcept { SSL_free(ssl); }

void engine::options_free::operator()(stream_options const* given) const noexcept {
  if (given != &defaults) delete given;
}

engine::engine(SSL_CTX* context, stream_options const& options)
    : engine(new_session(context), options) {}

engine::engine(SSL* session, stream_options const& options)
    : ssl_(session),
      options_(options == defaults ? &defaults : new stream_options(options)),
      path_(session, options.ring_records * record_room, options.ktls),
      first_context_(SSL_get_SSL_CTX(session)) {
  if (options.ring_records < 1 || options.ring_records > 1'024) {
    throw boost::system::system_error(make_error_code(errc::bad_option),
                                      "ring_records has to be between 1 and 1024");
  }
  if (options.sessions != nullptr && !watch_sessions(SSL_get_SSL_CTX(session))) {
    throw boost::system::system_error(
        make_error_code(errc::bad_option),
        "stream_options::sessions: the SSL_CTX has a callback for new sessions already "
        "(SSL_CTX_sess_set_new_cb); take one of the two away");
  }
  // The modes of the engine are fixed; what a user sets for them is a policy of the stream.
  SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_AUTO_RETRY);
  if (options.allow_renegotiation) {
    SSL_clear_options(session, SSL_OP_NO_RENEGOTIATION);
    SSL_set_options(session, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  } else {
    SSL_set_options(session, SSL_OP_NO_RENEGOTIATION);
  }
  if (auto* const policy = detail::policy_of(SSL_get_SSL_CTX(session))) policy->use();
  SSL_set_ex_data(session, session_index(), this);
  adopt_verify_callback();
  SSL_set_info_callback(session, &engine::on_info);
  SSL_set_msg_callback(session, &engine::on_message);
  SSL_set_msg_callback_arg(session, this);
}

engine::~engine() {
  give_up_signature();
  // The application may hold a reference to the session that outlives us.
  SSL_set_ex_data(ssl_.get(), session_index(), nullptr);
  SSL_set_msg_callback(ssl_.get(), nullptr);
  leave_signature();
}

detail::context_counters* engine::counters() const noexcept {
  auto* const policy = detail::policy_of(first_context_);
  return policy != nullptr ? &policy->counters : nullptr;
}

bool engine::is_cleared() const noexcept {
  return story_.handshake_step != nullptr && SSL_in_before(ssl_.get()) != 0 && !has_job();
}

bool engine::begin_anew_if_cleared() noexcept {
  if (!is_cleared()) return false;
  if (phase_ != phase::fresh) enter(phase::fresh);
  path_.clear();
  pending_.clear();
  failure_ = {};
  story_ = {};
  under_key_ = {};
  peer_ = {};
  is_overruled_ = has_pinned_key_ = false;
  if (hooks_ && hooks_->asks_for_certificate) SSL_set_cert_cb(ssl_.get(), nullptr, nullptr);
  if (hooks_) SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);
  hooks_.reset();
  tickets_ = tickets::none;
  if (later_tickets_ != 0) SSL_set_num_tickets(ssl_.get(), std::exchange(later_tickets_, {}));
  // What it has left would be resumed whatever the rules are now.
  if (!is_server()) SSL_set_session(ssl_.get(), nullptr);
  resumption_.reset();
  blocked_ = blocked::nothing;
  return true;
}

step engine::handshake() {
  if (failure_) return {want::failed, 0};
  if (hooks_ && is_cleared() && phase_ != phase::fresh)  // OpenSSL would negotiate anew, unasked
    return fail(errc::bad_option, "the session was cleared (SSL_clear), and has hooks");
  if (handshake_done()) return {};
  if (!has_role_) return fail(errc::no_role, "the stream is neither client nor server");
  if (has_job() && drop_lost_job()) {
    return fail(errc::bad_option,
                "the session was cleared (SSL_clear) while it waited for a signature");
  }
  if (question() != nullptr) return {want::decision, 0};
  if (has_job() && !hooks_->signer->may_go_on()) {
    return fail(errc::bad_option, ASYNC_get_current_job() == nullptr
                                      ? "the handshake began to wait for a signature on another "
                                        "thread: a stream with that hook needs an executor of one "
                                        "thread"
                                      : "a handshake that waits for a signature cannot go on in a "
                                        "callback of another one that may wait, too");
  }
  if (begin().next == want::failed || !attach_ring()) return {want::failed, 0};
  callback_ran_ = true;
  openssl_call const call(path_.sends_directly(), callback_ran_);
  bool const has_rest = ring().output_bytes() != 0;
  auto result = answer(do_handshake());
  if (hooks_ && !hooks_->of_peer) {
    if (has_rest || result.next == want::flush) hooks_->is_flight_cut = true;
    if (result.next == want::fill) hooks_->is_flight_cut = false;
  }
  if (result.next == want::nothing) result = check_host();
  if (result.next == want::nothing && hooks_) result = check_peer();
  if (result.next != want::nothing) return result;
  if (hooks_) forget_answers();
  enter(phase::open);
  if (resumption_) begin_to_keep();
  if (later_tickets_ != 0 && supports_key_update()) tickets_ = tickets::due;
  story_.alert = 0;
  path_.settle();
  return result;
}

step engine::seal(std::span<std::byte const> plaintext) {
  assert(!plaintext.empty() && pending_.empty());
  if (step const session = handshake(); session.next != want::nothing) return session;
  if (!attach_ring()) return {want::failed, 0};
  // In the middle of a flight that found no room SSL_write_ex fails (bad length), or goes on with
  // that flight and looks as if the record had begun.
  bool const has_tickets = tickets_ != tickets::none;
  if (step const messages = finish_messages(); messages.next != want::nothing) return messages;
  // They have taken it. A record that waits would be in the way of an answer to a KeyUpdate.
  if (has_tickets && !path_.has_room()) return {want::flush, 0};
  if (path_.sends_directly() && may_keep_alert(ssl_.get())) {
    openssl_call const call(true, callback_ran_);
    step const alert = answer(send_kept_alert(ssl_.get()));
    if (alert.next != want::nothing) return alert;
  }
  // Never more than one record a call: a longer one may seal several (TLS 1.2 CBC), and would have
  // to be retried with its whole length.
  auto record = plaintext.first(std::min(plaintext.size(), max_record_plaintext));
  // On a descriptor such an end is usual, and OpenSSL 3.0 then goes on from the old place, moved or
  // not, if the kernel seals.
  if (path_.sends_directly()) {
    if (!copy_pending(record)) return {want::failed, 0};
    record = pending_.plaintext();
  }
  std::size_t written = 0;
  openssl_call const call(path_.sends_directly(), callback_ran_);
  auto const result = answer(SSL_write_ex(ssl_.get(), record.data(), record.size(), &written));
  if (result.next == want::flush) {
    // OpenSSL has sealed the record and will only take the same bytes again (SSL_write_ex(3),
    // WARNINGS). With a copy the caller is free of it, and may cancel; that its place has moved is
    // what SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER allows.
    std::size_t const size = record.size();
    if (!path_.sends_directly() && !copy_pending(record)) return {want::failed, 0};
    return {want::flush, size};
  }
  pending_.clear();
  if (result.next != want::nothing) return result;
  count_sealed(written);
  return {want::nothing, written};
}

// With the rest of a record that OpenSSL had begun a retry may seal one more, and where records are
// short there is more behind them.
step engine::finish_record() {
  if (failure_) return {want::failed, 0};
  if (pending_.empty()) return {};
  if (!attach_ring()) return {want::failed, 0};
  // SSL_write_ex would go on with that message by itself, and forget which of the records it is to
  // retry are sealed already.
  {
    openssl_call const call(path_.sends_directly(), callback_ran_);
    if (step const message = finish_message(); message.next != want::nothing) return message;
  }
  while (!pending_.empty()) {
    auto const rest = pending_.plaintext();
    std::size_t written = 0;
    openssl_call const call(path_.sends_directly(), callback_ran_);
    auto const result = answer(SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &written));
    if (result.next != want::nothing) return result;
    count_sealed(written);
    pending_.consume(written);
  }
  return {};
}

bool engine::copy_pending(std::span<std::byte const> record) {
  if (pending_.keep(record)) return true;
  (void)fail(make_error_code(boost::system::errc::not_enough_memory), "no memory for a record");
  return false;
}

step engine::open(std::span<std::byte> plaintext) {
  step const opened = open(plaintext, &SSL_read_ex);
  if (opened.next == want::nothing) {
    stats_.plaintext_opened += opened.bytes;
    ++stats_.records_opened;
    peer_.key_updates_in_a_row = peer_.handshake_messages_in_a_row = 0;
  }
  return opened;
}

step engine::peek() {
  std::byte first{};
  return {open(std::span(&first, 1), &SSL_peek_ex).next, 0};
}

step engine::open(std::span<std::byte> plaintext,
                  int (*by)(SSL*, void*, std::size_t, std::size_t*)) {
  assert(!plaintext.empty());
  if (step const session = handshake(); session.next != want::nothing) return session;
  openssl_call const call(path_.sends_directly(), callback_ran_);
  if (!path_.may_have_input() && !in_handshake()) {
    // Without input OpenSSL has nothing new to say, unless it stopped for want of room, and would
    // only make a buffer for it.
    if (SSL_has_pending(ssl_.get()) == 0 && SSL_renegotiate_pending(ssl_.get()) == 0 &&
        !close_notify_received()) {
      ++stats_.suspended_for_fill;
      return {want::fill, 0};
    }
  }
  if (!attach_ring()) return {want::failed, 0};
  // Behind a second KeyUpdate OpenSSL would answer the first in the middle of a record that waits,
  // and then refuse the rest of it (bad length), or that of a close_notify (bad write retry): so no
  // more than one message at a time is read.
  bool const has_rest = !pending_.empty() || blocked_ == blocked::close_notify;
  bool const is_careful = has_rest && supports_key_update();
  auto const has_to_answer = [&] {
    return is_careful && SSL_get_key_update_type(ssl_.get()) != SSL_KEY_UPDATE_NONE;
  };
  if (has_to_answer()) return {want::flush, 0};
  bool const retries = is_careful && (SSL_get_mode(ssl_.get()) & SSL_MODE_AUTO_RETRY) != 0;
  if (retries) SSL_clear_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
  std::size_t read = 0;
  step result;
  do {
    result = answer(by(ssl_.get(), plaintext.data(), plaintext.size(), &read), opening::yes);
    // Without SSL_MODE_AUTO_RETRY it has only come behind a message that is no plaintext.
  } while (result.next == want::fill && !has_to_fail_for_fixed_keys() && !has_to_answer() &&
           (path_.kernel_seals() || is_careful) && ring().input_bytes() != 0);
  if (retries) SSL_set_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
  if (has_to_fail_for_fixed_keys())
    return fail_for_fixed_keys("the peer changed the keys, which kernel TLS cannot follow");
  if (result.next == want::fill && has_to_answer()) result.next = want::flush;
  // What came behind a message that was one too many is nobody's.
  result.bytes = result.next == want::nothing ? read : 0;
  return result;
}

step engine::key_update(bool ask) {
  if (failure_ || !attach_ring()) return {want::failed, 0};
  if (path_.kernel_seals()) return fail_for_fixed_keys("one key has sealed as much as it may");
  openssl_call const call(path_.sends_directly(), callback_ran_);
  if (std::exchange(blocked_, blocked::nothing) != blocked::key_update) {
    if (step const message = finish_message(); message.next != want::nothing) return message;
    if (SSL_key_update(ssl_.get(), ask ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) !=
        1) {
      return answer(0);
    }
  }
  // SSL_key_update only makes a note; the message is sent by the next call, and rather by this one
  // than by a write, which then needs room for just its record.
  auto const result = answer(SSL_do_handshake(ssl_.get()));
  if (result.next == want::flush) blocked_ = blocked::key_update;
  if (result.next == want::nothing) {
    ++stats_.key_updates_sent;
    under_key_.records = under_key_.bytes = 0;
  }
  return result;
}

step engine::close_notify() {
  if (failure_) return {want::failed, 0};
  // Once it is sent, another SSL_shutdown would look for the peer's, and fail on plaintext that is
  // still to be opened (SSL_shutdown(3)): `open` is the one that finds it.
  if (close_notify_sent() && blocked_ != blocked::close_notify) return {};
  if (!attach_ring()) return {want::failed, 0};
  openssl_call const call(path_.sends_directly(), callback_ran_);
  if (step const message = finish_message(); message.next != want::nothing) return message;
  // close_notify would take its place, and be lost with it.
  if (path_.sends_directly() && !close_notify_sent() && may_keep_alert(ssl_.get())) {
    step const alert = answer(send_kept_alert(ssl_.get()));
    if (alert.next != want::nothing) return alert;
  }
  int const result = SSL_shutdown(ssl_.get());
  step const sent = result >= 0 ? step{} : answer(result);
  blocked_ = sent.next == want::flush ? blocked::close_notify : blocked::nothing;
  // Nothing may follow it (RFC 8446 section 6.1), but OpenSSL answers a request for new keys all
  // the same. If the peer has closed its socket behind that, the answer would be met by a reset,
  // which takes what was still to be read.
  if (sent.next == want::nothing) path_.discard_output();
  return sent;
}

// SSL_shutdown and SSL_key_update fail as long as a message of the session itself is half sent, or
// has come in part.
step engine::finish_message() {
  return handshake_done() && in_handshake() ? answer(SSL_do_handshake(ssl_.get())) : step{};
}

// What goes before a record: the rest of a message, and the tickets that have waited for it.
step engine::finish_messages() {
  if (tickets_ != tickets::due && !in_handshake()) {
    tickets_ = tickets::none;
    return {};
  }
  openssl_call const call(path_.sends_directly(), callback_ran_);
  if (step const message = finish_message(); message.next != want::nothing) return message;
  if (tickets_ != tickets::due) return {};
  tickets_ = tickets::begun;
  // One to whom a session was resumed has others still.
  int count = is_resumed() ? 1 : later_tickets_;
  while (count > 0 && SSL_new_session_ticket(ssl_.get()) == 1)
    --count;
  // For authentication behind the handshake, which brings new ones.
  SSL_set_num_tickets(ssl_.get(), later_tickets_);
  return finish_message();
}

bool engine::attach_ring() {
  if (ring().attach()) return true;
  (void)fail(make_error_code(boost::system::errc::not_enough_memory), "no memory for the ring");
  return false;
}

step engine::answer(int result, opening is_open) {
  int const failed = errno;
  if (peer_.exceeded != peer_limit::none) {
    ERR_clear_error();  // of the record that was put in the way
    return fail(errc::peer_limit_exceeded, words_of(peer_.exceeded));
  }
  int const error = SSL_get_error(ssl_.get(), result);
  bool const has_reason = error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
  if (has_reason && ERR_peek_error() != 0 && only_waits(ssl_.get())) {
    ERR_clear_error();
    return answer(result, is_open);
  }
  // The peer's close_notify is an orderly end of what is read, and of nothing else. Once it has
  // come OpenSSL says so of any failure without a reason, also where the descriptor failed.
  auto const end = [&]() -> step {
    if (is_open == opening::yes && (handshake_done() || !in_handshake())) return {want::closed, 0};
    if (path_.descriptor() != -1 && failed != 0) return fail_transport(failed);
    return fail(errc::closed_by_peer, "the peer closed the session in the middle of a handshake");
  };
  switch (error) {
    case SSL_ERROR_NONE:
      return {want::nothing, 0};
    case SSL_ERROR_WANT_READ:
      ++stats_.suspended_for_fill;
      return {want::fill, 0};
    case SSL_ERROR_WANT_WRITE:
      ++stats_.suspended_for_flush;
      return {want::flush, 0};
    case SSL_ERROR_ZERO_RETURN:
      return end();
    case SSL_ERROR_SSL:
    case SSL_ERROR_SYSCALL:
      if (unsigned long const code = ERR_peek_error(); ERR_SYSTEM_ERROR(code)) {
        return fail_transport(ERR_GET_REASON(code));
      } else if (code != 0) {
        bool const is_ours = hooks_ && hooks_->failed_for;
        return fail(is_ours ? tls_async::failure(hooks_->failed_for) : tls_async::failure(code));
      } else if (path_.descriptor() != -1 && failed != 0) {
        return fail_transport(failed);
      }
      // So it says that SSL_read_ex comes first, if that has met plaintext there before.
      if (is_open == opening::no && options_->allow_renegotiation && handshake_done() &&
          in_handshake() && !close_notify_received()) {
        return {want::open, 0};
      }
      // In TLS 1.3 a close_notify of any level is one (RFC 8446 section 6), but behind
      // user_canceled SSL_get_error knows only that which is a warning.
      return close_notify_received()
                 ? end()
                 : fail(errc::unexpected_result, "OpenSSL failed without a reason");
    case SSL_ERROR_WANT_ASYNC_JOB:
      return fail(errc::unexpected_result,
                  "OpenSSL has no job to wait for a signature in: it may have no more of them "
                  "(ASYNC_init_thread), or there is no memory");
    default:
      if (question() != nullptr) return {want::decision, 0};
      // Suspensions that only a callback of the application can ask for (X509_LOOKUP, ...).
      return fail(errc::unexpected_result, "OpenSSL waits for a callback of the application");
  }
}

void engine::count_sealed(std::size_t plaintext) noexcept {
  ++stats_.records_sealed;
  ++under_key_.records;
  blocked_ = blocked::nothing;  // it left first
  stats_.plaintext_sealed += plaintext;
  under_key_.bytes += plaintext;
}

// What OpenSSL decides itself is asked of it, so that no copy can differ.
tls_async::phase engine::phase() const noexcept {
  if (failure_) return phase::failed;
  if (phase_ != phase::open) return phase_;
  switch (SSL_get_shutdown(ssl_.get())) {
    case SSL_SENT_SHUTDOWN:
      return phase::output_closed;
    case SSL_RECEIVED_SHUTDOWN:
      return phase::input_closed;
    case SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN:
      return phase::closed;
    default:
      return phase::open;
  }
}

void engine::enter(tls_async::phase next) noexcept {
  assert(may_follow(phase(), next));
  phase_ = next;
}

bool engine::in_handshake() const noexcept { return SSL_is_init_finished(ssl_.get()) == 0; }

bool engine::is_server() const noexcept { return SSL_is_server(ssl_.get()) != 0; }

bool engine::is_resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }

bool engine::supports_key_update() const noexcept {
  return SSL_version(ssl_.get()) >= TLS1_3_VERSION;
}

bool engine::wants_new_keys() const noexcept {
  auto const reached = [](std::uint64_t count, std::uint64_t limit) {
    return limit != 0 && count >= limit;
  };
  return (reached(under_key_.records, options_->rekey_after_records) ||
          reached(under_key_.bytes, options_->rekey_after_bytes)) &&
         supports_key_update();
}

void engine::go_idle(bool buffers) noexcept {
  pending_.go_idle();
  if (failure_ || close_notify_received()) ring().drop_input();  // what nobody reads any more
  if (!ring().detach()) return;
  static bool const is_safe = detail::frees_only_unused_buffers(OpenSSL_version_num());
  if (is_safe && buffers && !failure_) SSL_free_buffers(ssl_.get());
}

void engine::release_buffers_always(bool on) noexcept {
  if (on) {
    SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  } else {
    SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  }
}

bool engine::close_notify_sent() const noexcept {
  return (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0;
}

bool engine::close_notify_received() const noexcept {
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::string engine::alpn() const {
  unsigned char const* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return {reinterpret_cast<char const*>(name), length};
}

engine* engine::of(SSL const* ssl) noexcept {
  return static_cast<engine*>(SSL_get_ex_data(ssl, session_index()));
}

}  // namespace tls_async
