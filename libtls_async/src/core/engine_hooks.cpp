// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where the handshake of an engine stops for a decision of the program: when a ClientHello has come
// (SSL_ERROR_WANT_CLIENT_HELLO_CB), when a certificate of ours is needed (WANT_X509_LOOKUP), and
// when the peer was verified: on a client in the middle of it (WANT_RETRY_VERIFY), and on a server,
// where OpenSSL would go on as if the answer were yes, behind OpenSSL's part of the handshake and
// before ours is done. So is a client where a session is resumed, whose certificates OpenSSL does
// not verify again. A signature by a key that is elsewhere is in the middle of OpenSSL's part,
// which waits as a job on a stack of its own (WANT_ASYNC).
#include <tls_async/core/engine.hpp>
#include <tls_async/core/policy.hpp>

#include <openssl/async.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

#include "certificate_text.hpp"
#include "client_hello.hpp"
#include "error_queue.hpp"
#include "thread_jobs.hpp"

namespace tls_async {
namespace {

std::string host_of(SSL* ssl) {
  char const* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

std::vector<std::string> authorities_of(SSL* ssl) {
  std::vector<std::string> names;
  auto const* const list = SSL_get0_peer_CA_list(ssl);
  names.reserve(static_cast<std::size_t>(std::max(sk_X509_NAME_num(list), 0)));
  for (int i = 0; i < sk_X509_NAME_num(list); ++i)
    names.push_back(detail::name_text(sk_X509_NAME_value(list, i)));
  return names;
}

peer_certificates shared(STACK_OF(X509) const* chain, X509* own) {
  std::vector<std::shared_ptr<X509>> all;
  auto const add = [&all](X509* certificate) {
    if (X509_up_ref(certificate) != 1) throw std::bad_alloc();
    all.emplace_back(certificate, X509_free);
  };
  for (int i = 0; i < sk_X509_num(chain); ++i)
    add(sk_X509_value(chain, i));
  if (all.empty() && own != nullptr) add(own);
  return peer_certificates(shared_list<std::shared_ptr<X509>>(std::move(all)));
}

}  // namespace

error_code engine::ask(questions const& wanted) {
  if (failure_) return {};  // which is what the handshake answers
  if (phase_ != phase::fresh) return wanted == asks() ? error_code() : errc::bad_option;
  if (wanted.empty() && !hooks_) return {};
  if (!hooks_) hooks_ = std::make_unique<hooks>();
  if (hooks_->wanted.signature && !wanted.signature) SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);
  // Also where they are refused: no other verb may negotiate without them then.
  hooks_->wanted = wanted;
  auto const refuse = [this](char const* why) {
    forget_story();
    story().summary = why;
    return error_code(errc::bad_option);
  };
  if (!wanted.empty() && options_->allow_renegotiation)
    return refuse("hooks and allow_renegotiation cannot be combined");
  if (wanted.client_hello && !is_server())
    return refuse("only a server has a hook for the ClientHello");
  if (wanted.client_hello && detail::policy_of(SSL_get_SSL_CTX(ssl_.get())) == nullptr) {
    return refuse(
        "the hook for the ClientHello needs a tls_async::context, since OpenSSL asks the "
        "SSL_CTX, and that of another is left as its owner has set it");
  }
  if (wanted.signature) {
    if (SSL_waiting_for_async(ssl_.get()) != 0)
      return refuse("the session was cleared (SSL_clear) while it waited for a signature");
    if (ASYNC_is_capable() != 1)
      return refuse(
          "the hook for signatures needs OpenSSL's asynchronous jobs, which are not here");
    SSL_set_mode(ssl_.get(), SSL_MODE_ASYNC);
    detail::thread_jobs::here()->end_left();
  }
  if (wanted.certificate != hooks_->asks_for_certificate)
    SSL_set_cert_cb(ssl_.get(), wanted.certificate ? &engine::on_certificate : nullptr, nullptr);
  hooks_->asks_for_certificate = wanted.certificate;
  return {};
}

questions engine::asks() const noexcept { return hooks_ ? hooks_->wanted : questions(); }

std::shared_ptr<question const> engine::question() const noexcept {
  return hooks_ && !failure_ ? hooks_->open : nullptr;  // one that has failed asks nothing
}

void engine::pose(tls_async::question asked) {
  hooks_->open = std::make_shared<tls_async::question const>(std::move(asked));
}

void engine::decide(verdict decided) {
  if (!hooks_ || hooks_->open == nullptr) return;
  auto const asked = std::exchange(hooks_->open, nullptr);
  if (auto const* const seen = std::get_if<client_hello>(asked.get())) {
    hooks_->hello = std::shared_ptr<client_hello const>(asked, seen);
    hooks_->of_hello = std::move(decided);
  } else if (std::holds_alternative<certificate_request>(*asked)) {
    hooks_->of_certificate = std::move(decided);
  } else if (std::holds_alternative<signature_request>(*asked)) {
    hooks_->of_signature = std::move(decided);
  } else {
    hooks_->of_peer = std::move(decided);
  }
}

// What they have captured goes when the session is there. A client's choice of a certificate is for
// requests behind the handshake too.
void engine::forget_answers() noexcept {
  hooks_->hello.reset();
  hooks_->of_hello.reset();
  hooks_->of_peer.reset();
  hooks_->of_signature.reset();
  if (hooks_->wanted.signature) SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);
  if (is_server()) hooks_->of_certificate.reset();
}

bool engine::use_chosen(SSL* ssl, std::function<bool(SSL*)> const& use) noexcept {
  engine* const self = of(ssl);
  if (self == nullptr || !self->hooks_) return false;
  self->hooks_->failed_for = errc::refused;
  try {
    try {
      if (use(ssl)) return self->hooks_->failed_for = {}, true;
      self->explain("the certificate that a hook chose is not accepted");
    } catch (std::exception const& thrown) {
      self->explain(detail::refusal_words("what a hook chose threw", thrown.what()));
    } catch (...) {
      self->explain("what a hook chose threw");
    }
  } catch (...) {  // no memory for the words
  }
  return false;
}

// A client that is asked for another group comes with a second ClientHello.
engine::hello engine::ask_about_hello(SSL* ssl, int& alert,
                                      std::function<bool(SSL*)> const*& use) noexcept {
  engine* const self = of(ssl);
  if (self == nullptr || !self->hooks_ || !self->hooks_->wanted.client_hello) return hello::goes_on;
  auto& hooks = *self->hooks_;
  alert = SSL_AD_INTERNAL_ERROR;
  try {
    auto asked = detail::read_client_hello(ssl);
    if (hooks.of_hello && detail::asks_for_the_same(*hooks.hello, asked)) {
      if (hooks.of_hello->use) use = &hooks.of_hello->use;
      if (hooks.of_hello->goes_on) return hello::goes_on;
      bool const is_alert = hooks.of_hello->alert > 0 && hooks.of_hello->alert <= UINT8_MAX;
      alert = is_alert ? hooks.of_hello->alert : SSL_AD_ACCESS_DENIED;
      hooks.failed_for = errc::refused;
      self->explain(detail::refusal_words("a hook refused the ClientHello", hooks.of_hello->why));
      return hello::is_refused;
    }
    hooks.of_hello.reset();
    hooks.of_certificate.reset();
    self->pose(std::move(asked));
    return hello::waits;
  } catch (...) {  // no memory
    return hello::is_refused;
  }
}

// Behind the handshake nobody is asked: what was chosen in it is what a request for authentication
// gets, too (RFC 8446 section 4.6.2), and nothing if nothing was.
int engine::on_certificate(SSL* ssl, void* /*argument*/) noexcept {
  constexpr int is_chosen = 1;
  constexpr int is_refused = 0;
  constexpr int waits = -1;
  engine* const found = of(ssl);
  if (found == nullptr) return is_refused;  // the session has outlived it
  engine& self = *found;
  if (!self.hooks_ || !self.hooks_->wanted.certificate) return is_chosen;
  self.callback_ran_ = true;
  auto const& chosen = self.hooks_->of_certificate;
  try {
    if (!chosen && self.handshake_done()) return SSL_certs_clear(ssl), is_chosen;
    if (!chosen || self.hooks_->certificate_host != host_of(ssl)) {
      self.hooks_->of_certificate.reset();
      self.hooks_->certificate_host = host_of(ssl);
      bool const is_server = SSL_is_server(ssl) != 0;
      self.pose(certificate_request{
          host_of(ssl),
          shared_list<std::string>(is_server ? std::vector<std::string>() : authorities_of(ssl))});
      return waits;
    }
    if (chosen->goes_on)
      return !chosen->use || use_chosen(ssl, chosen->use) ? is_chosen : is_refused;
    self.hooks_->failed_for = errc::refused;
    self.explain(detail::refusal_words("a hook refused to choose a certificate", chosen->why));
  } catch (...) {  // no memory
  }
  return is_refused;
}

// The last step of the handshake, behind OpenSSL's.
step engine::check_peer() {
  if (hooks_->wanted.client_hello && !hooks_->of_hello) {
    return fail(errc::bad_option,
                "the hook for the ClientHello was not asked: the SSL_CTX has a callback of its own "
                "(SSL_CTX_set_client_hello_cb), or another SSL_CTX was put in its place");
  }
  // By a second ClientHello of which it was not told, behind a callback that has put another
  // SSL_CTX in the place of the first (SSL_set_SSL_CTX(3)). TLS 1.2 has no second one, and there a
  // session that is resumed has the name as it was spelled first.
  auto const host = host_of(ssl_.get());
  if (hooks_->wanted.client_hello && supports_key_update() && !host.empty() &&
      host != hooks_->hello->host)
    return refuse_peer("it asks for another host than its first ClientHello");
  if (!hooks_->wanted.peer) return {};
  auto const& decided = hooks_->of_peer;
  if (decided) return decided->goes_on ? step{} : refuse_peer(decided->why);
  pose_peer(SSL_get0_verified_chain(ssl_.get()));
  return {want::decision, 0};
}

void engine::pose_peer(STACK_OF(X509) const* chain) {
  pose(shared(chain, SSL_get0_peer_certificate(ssl_.get())));
}

// In a full handshake of TLS 1.2 what a server sends is in the clear until its ChangeCipherSpec,
// which is still in the ring with all that is behind it.
bool engine::may_send_plain_alert() const noexcept {
  return is_server() && !supports_key_update() && !is_resumed() && !path_.sends_directly() &&
         ring().is_attached() && !hooks_->is_flight_cut;
}

void engine::count_alert_sent(int alert) noexcept {
  if (auto* const all = counters()) all->count_alert(true, alert);
  story_.alert = static_cast<std::uint16_t>((SSL3_AL_FATAL << 8) | alert);
  story_.alert_was_sent = true;
}

// OpenSSL has no call that sends an alert. In TLS 1.3 it sends one of our choice where an extension
// of a ticket can't be made (is_refusing), which our contexts have for that. Where there is no way
// the peer gets close_notify. What a client has made for a server that it refuses stays here, and
// what is behind that could not be read without it.
step engine::refuse_peer(std::string const& why) {
  SSL* const ssl = ssl_.get();
  auto const words = detail::refusal_words("a hook refused the peer", why);
  explain(words);
  // Nor may it resume what it has begun here. One that was resumed may have an id of its choice.
  if (is_server() && !is_resumed())
    (void)SSL_CTX_remove_session(first_context_, SSL_get_session(ssl));
  bool is_told = false;
  auto const drop_output = [&out = ring()] {
    while (!out.readable().empty())
      out.consume(out.readable().size());
  };
  if (!is_server() && ring().is_attached() && !ring().readable().empty() &&
      !path_.sends_directly()) {
    drop_output();
    is_told = true;
  } else if (may_send_plain_alert()) {
    drop_output();
    auto const version = static_cast<unsigned>(SSL_version(ssl));
    std::array<unsigned char, 7> const record{SSL3_RT_ALERT,
                                              static_cast<unsigned char>(version >> 8),
                                              static_cast<unsigned char>(version),
                                              0,
                                              2,
                                              SSL3_AL_FATAL,
                                              SSL_AD_ACCESS_DENIED};
    is_told = BIO_write(SSL_get_wbio(ssl), record.data(), record.size()) ==
              static_cast<int>(record.size());
    if (is_told) count_alert_sent(SSL_AD_ACCESS_DENIED);
  } else if (is_server() && supports_key_update() &&
             detail::policy_of(SSL_get_SSL_CTX(ssl)) != nullptr &&
             SSL_new_session_ticket(ssl) == 1) {
    hooks_->is_refusing = true;
    is_told = SSL_do_handshake(ssl) != 1 && story_.alert_was_sent;
    hooks_->is_refusing = false;
  }
  if (!is_told) (void)SSL_shutdown(ssl);
  ERR_clear_error();
  return fail(errc::refused, words);
}

bool engine::is_refusing(SSL const* ssl) noexcept {
  engine const* const self = of(ssl);
  return self != nullptr && self->hooks_ && self->hooks_->is_refusing;
}

}  // namespace tls_async
