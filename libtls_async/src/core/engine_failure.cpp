// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How the engine fails, and gathers the story of that.
#include <tls_async/core/engine.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "certificate_text.hpp"
#include "handshake_words.hpp"
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

std::string name_was_refused(SSL* ssl) {
  char const* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return "the client names no host, and this server refuses that";
  return "the client asks for the host '" + detail::printable(name, 256) +
         "', which this server does not have";
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

step engine::fail_transport(int error) {
  error_code const why(error, boost::system::system_category());
  return fail(why, "the connection failed: " + why.message());
}

void engine::abort(error_code why, std::string summary) {
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
    if (summary.size() > longest_text) summary.replace(longest_text - 3, std::string::npos, "...");
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
  info.expected_host = expected_host_of(ssl_.get(), wanted_host());
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
  } else if (info.last_alert && info.last_alert->sent && info.last_alert->fatal &&
             info.last_alert->number == SSL_AD_UNRECOGNIZED_NAME) {
    explain(name_was_refused(ssl_.get()));
  } else if (failure_.openssl != 0) {
    explain(reason_of(failure_.openssl) +
            (handshake_done() ? std::string() : hint_at(ssl_.get(), failure_.openssl)));
  }
}

// A warning that ends nothing, as unrecognized_name, is no story by itself.
void engine::tell_alert() {
  if (story_.alert == 0) return;
  story().last_alert = {.sent = story_.alert_was_sent,
                        .fatal = (story_.alert >> 8) == SSL3_AL_FATAL,
                        .number = story_.alert & 0xff,
                        .description = words_of_alert(story_.alert)};
}

}  // namespace tls_async
