// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How the engine gathers the story of a failure, and how it is told.
#include <tls_async/core/engine.hpp>
#include <tls_async/core/failure.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "handshake_words.hpp"

namespace tls_async {
namespace {

// Drains the thread's error queue, so that it is empty whenever a coroutine suspends: the next
// operation may run on another thread, and a stale entry would turn its WANT_READ into an error.
std::string drain_error_queue() {
  std::string stack;
  char const* data = nullptr;
  int flags = 0;
  for (unsigned long code = 0;
       (code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) != 0;) {
    std::array<char, 256> line{};
    ERR_error_string_n(code, line.data(), line.size());
    if (!stack.empty()) stack += '\n';
    stack += line.data();
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') {
      stack += ": ";
      stack += data;
    }
  }
  return stack;
}

std::string content_of(BIO* memory) {
  char* text = nullptr;
  long const length = memory != nullptr ? BIO_get_mem_data(memory, &text) : 0;
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

// In UTF-8. OpenSSL escapes the control characters of ASCII, but not U+0080 to U+009F, some of
// which are commands to terminals.
std::string name_of(X509_NAME const* name) {
  std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), &BIO_free);
  if (!out || name == nullptr) return {};
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  auto text = content_of(out.get());
  for (std::size_t i = 1; i < text.size(); ++i)
    if (text[i - 1] == '\xc2' && static_cast<unsigned char>(text[i]) < 0xa0)
      text[i - 1] = text[i] = '?';
  return text;
}

// The first alternative names, which are what a host is compared with. The peer chose them, so
// nothing but printable ASCII gets through.
std::string alternative_names_of(X509* certificate) {
  constexpr int most = 5;
  ERR_set_mark();
  std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> const names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  ERR_pop_to_mark();
  std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), &BIO_free);
  int const count = names && out ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < std::min(count, most); ++i) {
    if (i != 0) BIO_puts(out.get(), ", ");
    GENERAL_NAME_print(out.get(), sk_GENERAL_NAME_value(names.get(), i));
  }
  if (count > most) BIO_puts(out.get(), " and more");
  auto list = content_of(out.get());
  std::ranges::replace_if(
      list, [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  return list;
}

std::string expected_host_of(SSL* ssl) {
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  if (char const* host = X509_VERIFY_PARAM_get0_host(parameters, 0); host != nullptr) return host;
  std::string address;
  if (char* const text = X509_VERIFY_PARAM_get1_ip_asc(parameters); text != nullptr) {
    address = text;
    OPENSSL_free(text);
  }
  return address;
}

std::string reason_of(unsigned long code) {
  char const* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

// OpenSSL 3.0 has no words for the alerts that came with TLS 1.3.
char const* words_of_alert(int value) {
  switch (value & 0xff) {
    case SSL_AD_MISSING_EXTENSION:
      return "missing extension";
    case SSL_AD_CERTIFICATE_REQUIRED:
      return "certificate required";
    default:
      return SSL_alert_desc_string_long(value);
  }
}

}  // namespace

step engine::fail(tls_async::failure why) {
  // Sticky: after a fatal error no SSL call may be made (SSL_get_error(3)).
  failure_ = why ? why : tls_async::failure(errc::unexpected_result);
  explain_failure(drain_error_queue());
  // What the story asked OpenSSL for may have left errors of its own (X509_VERIFY_PARAM_get1_ip_asc
  // does).
  ERR_clear_error();
  return {want::failed, 0};
}

step engine::fail(error_code why, std::string summary) {
  explain(std::move(summary));
  return fail(tls_async::failure(why));
}

void engine::refuse(error_code why, std::string summary) {
  if (!failure_) (void)fail(why, std::move(summary));
}

tls_async::error_info& engine::story() {
  if (!story_) story_ = std::make_unique<tls_async::error_info>();
  return *story_;
}

tls_async::error_info const& engine::error_info() const noexcept {
  static tls_async::error_info const nothing_went_wrong;
  return story_ ? *story_ : nothing_went_wrong;
}

void engine::explain(std::string summary) {
  forget_deadline();
  auto& info = story();
  if (info.summary.empty()) info.summary = std::move(summary);
  tell_alert();
  if (!handshake_done() && handshake_step_ != nullptr) info.handshake_step = handshake_step_;
}

void engine::explain_deadline(std::string summary) {
  forget_deadline();
  if (story_ && !story_->summary.empty()) return;  // a failure says more
  explain(std::move(summary));
  story_is_of_deadline_ = true;
}

void engine::forget_deadline() noexcept {
  if (!std::exchange(story_is_of_deadline_, false)) return;
  story_->summary.clear();
  story_->handshake_step.clear();
  story_->last_alert.reset();
}

void engine::explain_failure(std::string openssl) {
  auto& info = story();
  info.openssl = std::move(openssl);
  tell_alert();
  info.expected_host = expected_host_of(ssl_.get());
  if (info.verify_error) {
    explain("the peer's certificate was refused: " + info.verify_error->reason);
  } else if (info.last_alert && !info.last_alert->sent && info.last_alert->fatal) {
    bool const is_client = SSL_is_server(ssl_.get()) == 0;
    explain("the peer ended the session: " + info.last_alert->description +
            (info.last_alert->number == SSL_AD_PROTOCOL_VERSION && is_client
                 ? "; we offered " + versions_of(ssl_.get())
                 : ""));
  } else if (failure_.openssl != 0) {
    explain(reason_of(failure_.openssl) +
            (handshake_done() ? std::string() : hint_at(ssl_.get(), failure_.openssl)));
  }
}

void engine::on_info(SSL const* ssl, int where, int value) noexcept {
  if (auto const chained = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl)); chained != nullptr) {
    chained(ssl, where, value);
  }
  engine* const self = of(ssl);
  if (self == nullptr) return;
  if ((where & SSL_CB_LOOP) != 0) self->handshake_step_ = next_message_of(ssl);
  if ((where & SSL_CB_ALERT) == 0) return;
  if ((value & 0xff) == SSL_AD_CLOSE_NOTIFY) return;
  self->alert_ = value;
  self->alert_was_sent_ = (where & SSL_CB_WRITE) != 0;
}

// A warning that ends nothing, as unrecognized_name, is no story by itself.
void engine::tell_alert() {
  if (alert_ == 0) return;
  story().last_alert = {.sent = alert_was_sent_,
                        .fatal = (alert_ >> 8) == SSL3_AL_FATAL,
                        .number = alert_ & 0xff,
                        .description = words_of_alert(alert_)};
}

// RFC 8446 section 6.2 has the peer told, and OpenSSL has no call that sends an alert. But it sends
// one by itself when a record comes that may not: behind the message that was one too many it finds
// such a record instead of what the peer has sent on, which nobody reads any more. The alert is
// unexpected_message, as BoringSSL and rustls answer too many KeyUpdates. (In TLS 1.2 it would be
// bad_record_mac, which is not true; there the peer has got no_renegotiation for each attempt.)
void engine::exceed(char const* limit) noexcept {
  if (exceeded_ != nullptr) return;
  exceeded_ = limit;
  static constexpr std::array<unsigned char, 6> unprotected{SSL3_RT_HANDSHAKE, 3, 3, 0, 1, 0};
  if (!supports_key_update()) return;
  BIO* const instead = BIO_new_mem_buf(unprotected.data(), static_cast<int>(unprotected.size()));
  if (instead != nullptr) SSL_set0_rbio(ssl_.get(), instead);
}

// Sees each handshake message that comes or goes; OpenSSL itself limits none of those counted here.
void engine::on_message(int sent, int /*version*/, int type, void const* message,
                        std::size_t length, SSL* /*ssl*/, void* engine) noexcept {
  auto* const self = static_cast<tls_async::engine*>(engine);
  if (self == nullptr || sent != 0 || type != SSL3_RT_HANDSHAKE || length == 0) return;
  if (!self->handshake_done_) return;
  auto const exceeds = [](std::uint32_t count, std::uint32_t limit) {
    return limit != 0 && count > limit;
  };
  auto const& options = self->options_;
  switch (*static_cast<unsigned char const*>(message)) {
    case SSL3_MT_KEY_UPDATE:
      ++self->stats_.key_updates_received;
      if (exceeds(++self->key_updates_in_a_row_, options.most_key_updates_in_a_row))
        self->exceed("the peer sent too many KeyUpdates without plaintext between them");
      if (self->key_updates_allowed_ == 0) self->exceed("the peer sends KeyUpdates too often");
      if (self->key_updates_allowed_ != UINT32_MAX) --self->key_updates_allowed_;
      return;
    case SSL3_MT_HELLO_REQUEST:
    case SSL3_MT_CLIENT_HELLO:
      if (options.allow_renegotiation) break;
      if (exceeds(static_cast<std::uint32_t>(++self->stats_.renegotiations_refused),
                  options.most_renegotiation_attempts)) {
        self->exceed("the peer tried again to renegotiate after it was refused");
      }
      break;
    default:
      break;
  }
  if (exceeds(++self->handshake_messages_in_a_row_, options.most_handshake_messages_in_a_row))
    self->exceed("the peer sent too many handshake messages without plaintext between them");
}

int engine::on_verify(int preverified, X509_STORE_CTX* chain) noexcept {
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  engine* const self = ssl != nullptr ? of(ssl) : nullptr;
  if (self == nullptr) return 0;
  try {
    return self->verify(preverified, chain);
  } catch (std::exception const& thrown) {
    self->explain(std::string("the verify callback threw: ") + thrown.what());
  } catch (...) {
    self->explain("the verify callback threw");
  }
  return 0;
}

int engine::verify(int preverified, X509_STORE_CTX* chain) {
  int accepted = preverified;
  if (verify_callback_) {
    accepted = verify_callback_(preverified != 0, chain) ? 1 : 0;
  } else if (context_verify_ != nullptr) {
    accepted = context_verify_(preverified, chain);
  }
  // Without SSL_VERIFY_PEER the answer of a client is not acted upon.
  bool const ignored = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) == 0;
  if (accepted != 0 || ignored || (story_ && story_->verify_error)) return accepted;
  // Without a reason the alert would be of an internal error.
  if (X509_STORE_CTX_get_error(chain) == X509_V_OK)
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
  int const code = X509_STORE_CTX_get_error(chain);
  bool const is_of_another =
      code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH;
  X509* const certificate = X509_STORE_CTX_get_current_cert(chain);
  story().verify_error = {
      .code = code,
      .depth = X509_STORE_CTX_get_error_depth(chain),
      .reason =
          preverified != 0 ? "the verify callback refused it" : X509_verify_cert_error_string(code),
      .subject =
          certificate != nullptr ? name_of(X509_get_subject_name(certificate)) : std::string(),
      .issuer = certificate != nullptr ? name_of(X509_get_issuer_name(certificate)) : std::string(),
      .names = is_of_another && certificate != nullptr ? alternative_names_of(certificate)
                                                       : std::string()};
  return accepted;
}

std::string error_info::text() const {
  std::string text = summary;
  auto const add = [&text](std::string const& more) { text += (text.empty() ? "" : "; ") + more; };
  if (!expected_host.empty() && verify_error) add("the host is '" + expected_host + "'");
  if (verify_error && !verify_error->subject.empty()) {
    add("its certificate is for '" + verify_error->subject + "', issued by '" +
        verify_error->issuer + "'");
  }
  if (verify_error && !verify_error->names.empty()) add("its names are " + verify_error->names);
  if (last_alert) {
    add(std::string(last_alert->sent ? "we sent" : "the peer sent") + " the alert '" +
        last_alert->description + "' (" + std::to_string(last_alert->number) + ")");
  }
  if (!handshake_step.empty() && !text.ends_with(handshake_step))
    add("handshake step: " + handshake_step);
  if (!openssl.empty()) add("OpenSSL: " + openssl);
  return text;
}

}  // namespace tls_async
