// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How the engine gathers the story of a failure, and how it is told.
#include <tls_async/core/engine.hpp>
#include <tls_async/core/failure.hpp>

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

#include "certificate_text.hpp"
#include "error_queue.hpp"
#include "handshake_words.hpp"
#include "host.hpp"
#include "openssl_ptr.hpp"

namespace tls_async {
namespace {

constexpr std::size_t longest_text = 2'048;

// Each line as it may be shown, and all of them with a bound.
std::string bounded_lines(std::string_view stack) {
  std::string lines;
  while (!stack.empty() && lines.size() < longest_text) {
    auto const end = std::min(stack.find('\n'), stack.size());
    auto const room = longest_text - lines.size();
    if (room < 16) return lines += "...";
    lines += detail::printable(stack.substr(0, end), room - 4);
    stack.remove_prefix(std::min(end + 1, stack.size()));
    if (!stack.empty()) lines += '\n';
  }
  return lines;
}

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
    if (stack.size() > longest_text) break;
  }
  ERR_clear_error();
  return bounded_lines(stack);
}

// What OpenSSL's words leave out: an authority that was made anew under its old name looks in all
// messages like the one that is trusted.
char const* more_of(int code, X509_STORE_CTX* chain, X509* certificate) {
  bool const has_no_issuer = code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                             code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
                             code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
                             code == X509_V_ERR_CERT_SIGNATURE_FAILURE ||
                             code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
  if (!has_no_issuer || certificate == nullptr) return "";
  detail::error_mark const mark;
  detail::certificates_ptr const named(
      X509_STORE_CTX_get1_certs(chain, X509_get_issuer_name(certificate)));
  int const count = sk_X509_num(named.get());
  bool has_signed = false;
  for (int i = 0; i < count; ++i) {
    auto* const key = X509_get0_pubkey(sk_X509_value(named.get(), i));
    has_signed = has_signed || (key != nullptr && X509_verify(certificate, key) == 1);
  }
  return count > 0 && !has_signed
             ? "; an authority of its issuer's name is trusted, with another key"
             : "";
}

std::string expected_host_of(SSL* ssl, std::string const* wanted) {
  if (wanted != nullptr) return *wanted;
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  if (char const* host = X509_VERIFY_PARAM_get0_host(parameters, 0); host != nullptr) return host;
  detail::text_ptr const address(X509_VERIFY_PARAM_get1_ip_asc(parameters));
  return address ? address.get() : "";
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

// What ends a verb without an end of the session, which may have a story of its own.
bool is_of_the_verb_alone(error_code ec) {
  if (!ec || ec == boost::system::errc::operation_canceled) return true;
  if (ec.category() != errc_category()) return false;
  switch (static_cast<errc>(ec.value())) {
    case errc::no_role:
    case errc::second_read:
    case errc::operation_in_progress:
    case errc::closed_for_writing:
    case errc::handshake_not_done:
    case errc::not_supported:
    case errc::queue_full:
    case errc::buffer_moved:
    case errc::buffer_changed:
    case errc::file_ended:
      return true;
    default:
      return false;
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

step engine::fail_transport(int error) {
  error_code const why(error, boost::system::system_category());
  return fail(why, "the connection failed: " + why.message());
}

void engine::refuse(error_code why, std::string summary) {
  if (!failure_) (void)fail(why, std::move(summary));
}

tls_async::error_info& engine::story() {
  if (!story_.told) story_.told = std::make_unique<tls_async::error_info>();
  return *story_.told;
}

tls_async::error_info const& engine::error_info() const noexcept {
  static tls_async::error_info const nothing_went_wrong;
  return story_.told ? *story_.told : nothing_went_wrong;
}

void engine::explain(std::string summary) {
  forget_deadline();
  auto& info = story();
  if (info.summary.empty()) {
    if (summary.size() > longest_text) summary.replace(longest_text - 3, summary.npos, "...");
    info.summary = std::move(summary);
  }
  tell_alert();
  if (!handshake_done() && story_.handshake_step != nullptr)
    info.handshake_step = story_.handshake_step;
}

void engine::explain_deadline(std::string summary) {
  forget_deadline();
  if (story_.told && !story_.told->summary.empty()) return;  // a failure says more
  explain(std::move(summary));
  story_.is_of_deadline = true;
}

void engine::forget_deadline() noexcept {
  if (!std::exchange(story_.is_of_deadline, false)) return;
  story_.told->summary.clear();
  story_.told->handshake_step.clear();
  story_.told->last_alert.reset();
}

void engine::explain_failure(std::string openssl) {
  auto& info = story();
  info.openssl = std::move(openssl);
  tell_alert();
  info.expected_host = expected_host_of(ssl_.get(), verification_.host.get());
  if (info.verify_error) {
    explain("the peer's certificate was refused: " + info.verify_error->reason);
  } else if (info.last_alert && !info.last_alert->sent && info.last_alert->fatal) {
    bool const is_client = SSL_is_server(ssl_.get()) == 0;
    int const alert = info.last_alert->number;
    // "unknown CA" alone reads as if it were ours that is not known.
    explain("the peer ended the session: " + info.last_alert->description +
            (alert == SSL_AD_PROTOCOL_VERSION && is_client
                 ? "; we offered " + versions_of(ssl_.get())
             : alert == SSL_AD_UNKNOWN_CA
                 ? ", which means that it does not trust the issuer of our certificate"
                 : ""));
  } else if (failure_.openssl != 0) {
    explain(reason_of(failure_.openssl) +
            (handshake_done() ? std::string() : hint_at(ssl_.get(), failure_.openssl)));
  }
}

void engine::on_info(SSL const* ssl, int where, int value) noexcept {
  // What the application's leaves in the error queue would be the reason of the alert it is told
  // of, or make an error of a close_notify.
  if (auto const chained = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl)); chained != nullptr) {
    detail::error_mark const mark;
    chained(ssl, where, value);
  }
  engine* const self = of(ssl);
  if (self == nullptr) return;
  self->callback_ran_ = true;
  if ((where & SSL_CB_LOOP) != 0) self->story_.handshake_step = next_message_of(ssl);
  if ((where & SSL_CB_ALERT) == 0) return;
  if ((value & 0xff) == SSL_AD_CLOSE_NOTIFY) return;
  self->story_.alert = static_cast<std::uint16_t>(value);
  self->story_.alert_was_sent = (where & SSL_CB_WRITE) != 0;
}

// A warning that ends nothing, as unrecognized_name, is no story by itself.
void engine::tell_alert() {
  if (story_.alert == 0) return;
  story().last_alert = {.sent = story_.alert_was_sent,
                        .fatal = (story_.alert >> 8) == SSL3_AL_FATAL,
                        .number = story_.alert & 0xff,
                        .description = words_of_alert(story_.alert)};
}

char const* engine::words_of(peer_limit exceeded) noexcept {
  switch (exceeded) {
    case peer_limit::none:
      break;
    case peer_limit::key_updates_in_a_row:
      return "the peer sent too many KeyUpdates without plaintext between them";
    case peer_limit::key_updates_a_second:
      return "the peer sends KeyUpdates too often";
    case peer_limit::renegotiations:
      return "the peer tried again to renegotiate after it was refused";
    case peer_limit::handshake_messages:
      return "the peer sent too many handshake messages without plaintext between them";
  }
  return "the peer went beyond a limit";
}

// RFC 8446 section 6.2 has the peer told, and OpenSSL has no call that sends an alert. But it sends
// one by itself when a record comes that may not: behind the message that was one too many it finds
// such a record instead of what the peer has sent on, which nobody reads any more. The alert is
// unexpected_message, as BoringSSL and rustls answer too many KeyUpdates. (In TLS 1.2 it would be
// bad_record_mac, which is not true; there the peer has got no_renegotiation for each attempt.)
void engine::exceed(peer_limit limit) noexcept {
  if (peer_.exceeded != peer_limit::none) return;
  peer_.exceeded = limit;
  static constexpr std::array<unsigned char, 6> unprotected{SSL3_RT_HANDSHAKE, 3, 3, 0, 1, 0};
  if (supports_key_update()) path_.put_in_the_way(unprotected);
}

// Sees each handshake message that comes or goes; OpenSSL itself limits none of those counted here.
void engine::on_message(int sent, int /*version*/, int type, void const* message,
                        std::size_t length, SSL* /*ssl*/, void* engine) noexcept {
  auto* const self = static_cast<tls_async::engine*>(engine);
  if (self == nullptr || type != SSL3_RT_HANDSHAKE || length == 0) return;
  self->callback_ran_ = true;
  if (sent != 0) return;
  if (!self->handshake_done()) return;
  auto const exceeds = [](std::uint32_t count, std::uint32_t limit) {
    return limit != 0 && count > limit;
  };
  auto const& options = self->options_;
  switch (*static_cast<unsigned char const*>(message)) {
    case SSL3_MT_KEY_UPDATE:
      ++self->stats_.key_updates_received;
      if (exceeds(++self->peer_.key_updates_in_a_row, options.most_key_updates_in_a_row))
        self->exceed(peer_limit::key_updates_in_a_row);
      if (self->peer_.key_updates_allowed == 0) self->exceed(peer_limit::key_updates_a_second);
      if (self->peer_.key_updates_allowed != UINT32_MAX) --self->peer_.key_updates_allowed;
      return;
    case SSL3_MT_HELLO_REQUEST:
    case SSL3_MT_CLIENT_HELLO:
      if (options.allow_renegotiation) break;
      if (exceeds(static_cast<std::uint32_t>(++self->stats_.renegotiations_refused),
                  options.most_renegotiation_attempts)) {
        self->exceed(peer_limit::renegotiations);
      }
      break;
    default:
      break;
  }
  if (exceeds(++self->peer_.handshake_messages_in_a_row, options.most_handshake_messages_in_a_row))
    self->exceed(peer_limit::handshake_messages);
}

int engine::on_verify(int preverified, X509_STORE_CTX* chain) noexcept {
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  engine* const self = ssl != nullptr ? of(ssl) : nullptr;
  if (self == nullptr) return 0;
  try {
    return self->verify(preverified, chain);
  } catch (std::exception const& thrown) {
    self->explain("the verify callback threw: " + detail::printable(thrown.what(), 1'024));
  } catch (...) {
    self->explain("the verify callback threw");
  }
  return 0;
}

int engine::verify(int preverified, X509_STORE_CTX* chain) {
  X509* const certificate = X509_STORE_CTX_get_current_cert(chain);
  if (preverified != 0 && verification_.host && X509_STORE_CTX_get_error_depth(chain) == 0 &&
      (certificate == nullptr ||
       !detail::is_for_host(certificate, *verification_.host, host_flags()))) {
    X509_STORE_CTX_set_error(chain, detail::is_ip_address(*verification_.host)
                                        ? X509_V_ERR_IP_ADDRESS_MISMATCH
                                        : X509_V_ERR_HOSTNAME_MISMATCH);
    preverified = 0;
  }
  int accepted = preverified;
  if (verification_.callback) accepted = verification_.callback(accepted != 0, chain) ? 1 : 0;
  if (verification_.context_callback != nullptr)
    accepted = verification_.context_callback(accepted, chain);
  verification_.is_overruled = verification_.is_overruled || (accepted != 0 && preverified == 0);
  // Without SSL_VERIFY_PEER the answer of a client is not acted upon.
  bool const ignored = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) == 0;
  if (accepted != 0 || ignored || (story_.told && story_.told->verify_error)) return accepted;
  // Without a reason the alert would be of an internal error.
  if (X509_STORE_CTX_get_error(chain) == X509_V_OK)
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
  int const code = X509_STORE_CTX_get_error(chain);
  bool const is_of_another =
      code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH;
  story().verify_error = {
      .code = code,
      .depth = X509_STORE_CTX_get_error_depth(chain),
      .reason = preverified != 0 ? std::string("the verify callback refused it")
                                 : X509_verify_cert_error_string(code) +
                                       std::string(more_of(code, chain, certificate)),
      .subject = certificate != nullptr ? detail::name_text(X509_get_subject_name(certificate))
                                        : std::string(),
      .issuer = certificate != nullptr ? detail::name_text(X509_get_issuer_name(certificate))
                                       : std::string(),
      .names = is_of_another && certificate != nullptr ? detail::alternative_names_text(certificate)
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

std::string error_info::explain(error_code ec) const {
  auto story = is_of_the_verb_alone(ec) ? std::string() : text();
  return story.empty() ? ec.message() : story;
}

}  // namespace tls_async
