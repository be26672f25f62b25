// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where a handshake waits for a signature by a key that is elsewhere: as a job of OpenSSL's
// (SSL_MODE_ASYNC, SSL_ERROR_WANT_ASYNC), and how one ends that nobody answers.
#include <tls_async/core/engine.hpp>

#include <boost/system/errc.hpp>

#include <openssl/async.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "certificate_text.hpp"
#include "openssl_call.hpp"
#include "remote_key.hpp"
#include "thread_jobs.hpp"

namespace tls_async {

int engine::do_handshake() noexcept {
  negotiation const under_way(this);
  if (hooks_) hooks_->failed_for = {};
  if (!hooks_ || !hooks_->wanted.signature) return SSL_do_handshake(ssl_.get());
  hooks_->may_wait = ASYNC_get_current_job() == nullptr;
  int const result = SSL_do_handshake(ssl_.get());
  if (SSL_waiting_for_async(ssl_.get()) == 0) hooks_->signer.reset();
  return result;
}

// In OpenSSL's job: what is on this stack stays there while it waits. AddressSanitizer has stacks
// of its own beside those that it knows, and would give the parts of this one to others meanwhile.
[[gnu::no_sanitize_address]] std::size_t engine::sign(detail::remote_signature const& asked,
                                                      std::span<std::byte> to) noexcept {
  engine* const self = negotiating;
  if (self == nullptr || !self->pose_signature(asked)) return 0;
  // A program can keep OpenSSL from waiting (ASYNC_block_pause(3)).
  bool const has_waited = ASYNC_pause_job() == 1;
  // Another, or none: the engine is gone.
  return negotiating == self && has_waited ? self->take_signature(asked, to) : 0;
}

bool engine::pose_signature(detail::remote_signature const& asked) noexcept {
  try {
    if (!hooks_ || !hooks_->wanted.signature) {
      explain(
          "the private key of our certificate is elsewhere, and this handshake has no hook for "
          "signatures");
      return false;
    }
    if (EVP_PKEY_eq(SSL_get_privatekey(ssl_.get()), asked.key) != 1) {
      explain("a callback in this handshake needs a signature by a key of another session");
      return false;
    }
    if (!hooks_->may_wait || ASYNC_get_current_job() == nullptr) {
      explain(
          "a handshake that waits for a signature cannot run in a callback of another one that may "
          "wait, too");
      return false;
    }
    hooks_->of_signature.reset();
    hooks_->signer = detail::thread_jobs::here();
    pose(detail::signature_request_of(asked));
    return true;
  } catch (...) {
    hooks_->signer.reset();
    hooks_->failed_for = make_error_code(boost::system::errc::not_enough_memory);
    return false;
  }
}

std::size_t engine::take_signature(detail::remote_signature const& asked,
                                   std::span<std::byte> to) noexcept {
  try {
    if (!hooks_->of_signature) {
      hooks_->open.reset();
      explain("OpenSSL could not wait for a signature (ASYNC_block_pause)");
      return 0;
    }
    auto const& decided = *hooks_->of_signature;
    std::span const bytes(decided.signature.data(), decided.signature.size());
    if (!decided.goes_on) {
      hooks_->failed_for = errc::refused;
      explain(detail::refusal_words("a hook refused to sign", decided.why));
      return 0;
    }
    bool const may_be_one = !bytes.empty() && bytes.size() <= to.size();
    if (may_be_one && detail::is_signature(asked, bytes)) {
      std::ranges::copy(bytes, to.begin());
      return bytes.size();
    }
    hooks_->failed_for = errc::bad_signature;
    explain(bytes.empty() ? "the hook for signatures answered without one"
                          : "the signature that a hook gave is none by the key of our certificate");
  } catch (...) {
    hooks_->failed_for = make_error_code(boost::system::errc::not_enough_memory);
  }
  return 0;
}

// SSL_clear(3) has taken away what the job works on: it can't go on, and stays in memory.
bool engine::drop_lost_job() noexcept {
  if (SSL_in_before(ssl_.get()) == 0) return false;
  hooks_->signer.reset();
  return true;
}

// A job that waits can only be ended by going on with it. On another thread it is left to its own
// when this engine ends.
void engine::end_signature() noexcept {
  hooks_->open.reset();
  // Nothing of it is to be sent any more, nor is the socket still ours, perhaps, if we have one.
  ring().carry(false, false);
  SSL_set_bio(ssl_.get(), nullptr, nullptr);
  try {
    if (!failure_) explain("the handshake was given up while it waited for a signature");
  } catch (...) {  // no memory for the words
  }
  if (!drop_lost_job() && hooks_->signer->may_go_on()) {
    callback_ran_ = true;
    openssl_call const call(path_.sends_directly(), callback_ran_);
    detail::thread_jobs::end(ssl_.get());
    hooks_->signer.reset();
  }
  abort(errc::refused);
}

void engine::leave_signature() noexcept {
  if (!has_job()) return;
  // From here on the other thread may work on the session.
  SSL_up_ref(ssl_.get());
  hooks_->signer->leave(detail::session_ptr(ssl_.get()));
}

}  // namespace tls_async
