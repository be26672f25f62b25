// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine on a descriptor, for kernel TLS: OpenSSL itself then writes to the socket, and with
// ktls::tx_rx reads from it. docs/ktls.md says what OpenSSL and the kernel do there.
#include <tls_async/core/engine.hpp>

#include <boost/system/error_code.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "openssl_call.hpp"

namespace tls_async {
namespace {

constexpr bool openssl_has_ktls() {
#ifdef OPENSSL_NO_KTLS
  return false;
#else
  return true;
#endif
}

bool is_sealed_below(BIO* bio) { return bio != nullptr && BIO_get_ktls_send(bio) != 0; }
bool is_opened_below(BIO* bio) { return bio != nullptr && BIO_get_ktls_recv(bio) != 0; }

// OpenSSL's new record layer, since 3.2, receives TLS 1.3 through the kernel, and fails by itself
// where the kernel would have to change its keys.
bool has_new_record_layer() { return OpenSSL_version_num() >= 0x30200000L; }

}  // namespace

void engine::use_descriptor(int descriptor, bool (*kernel_has_tls)(int)) {
  kernel_has_tls_ = kernel_has_tls;
  bool const has_input = ring_.input_bytes() != 0;
  bool const receives = options_.ktls == ktls::tx_rx && !has_input;
  SSL_set_options(ssl_.get(), SSL_OP_ENABLE_KTLS);
  BIO* const bio = BIO_new_socket(descriptor, BIO_NOCLOSE);
  if (bio == nullptr) return ERR_clear_error();
  if (options_.ktls == ktls::tx_rx && has_input) ktls_.receiving = ktls_state::input_came_early;
  descriptor_ = descriptor;
  sends_directly_ = true;
  receives_directly_ = receives;
  ring_.carry(false, !receives);
  if (receives) {
    BIO_up_ref(bio);
    SSL_set0_rbio(ssl_.get(), bio);
  }
  SSL_set0_wbio(ssl_.get(), bio);
}

// The handshake is done, so it is decided what the kernel does. The rest goes by the ring.
void engine::leave_descriptor() {
  bool const seals = is_sealed_below(SSL_get_wbio(ssl_.get()));
  bool const opens = receives_directly_ && is_opened_below(SSL_get_rbio(ssl_.get()));
  auto const why_not = [this](bool is_input) {
    if (!openssl_has_ktls()) return ktls_state::not_in_openssl;
    if (!kernel_has_tls_(descriptor_)) return ktls_state::not_in_kernel;
    bool const is_old = SSL_version(ssl_.get()) < TLS1_2_VERSION;
    bool const is_new = is_input && supports_key_update() && !has_new_record_layer();
    return is_old || is_new ? ktls_state::not_for_version : ktls_state::not_for_cipher;
  };
  ktls_.sending = seals ? ktls_state::on : why_not(false);
  if (receives_directly_) ktls_.receiving = opens ? ktls_state::on : why_not(true);
  // The kernel can't change its keys, so a read has to stop behind each KeyUpdate.
  if (seals || opens) SSL_clear_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
  if (!opens) SSL_clear_options(ssl_.get(), SSL_OP_ENABLE_KTLS);  // fact 14
  if (stays_on_descriptor_) return;
  sends_directly_ = seals;
  receives_directly_ = opens;
  ring_.carry(!seals, !opens);
  if (!seals && !opens) descriptor_ = -1;
}

tls_async::ktls_status engine::ktls_status() const noexcept {
  auto status = ktls_;
  if (options_.ktls == ktls::off || handshake_done_) return status;
  status.sending = ktls_state::not_yet;
  if (options_.ktls == ktls::tx_rx && status.receiving == ktls_state::not_asked_for)
    status.receiving = ktls_state::not_yet;
  return status;
}

step engine::sendfile([[maybe_unused]] int file, [[maybe_unused]] std::uint64_t offset,
                      [[maybe_unused]] std::size_t length) {
  if (failure_) return {want::failed, 0};
#ifndef OPENSSL_NO_KTLS
  openssl_call const call(true, callback_ran_);
  auto const sent = SSL_sendfile(ssl_.get(), file, static_cast<off_t>(offset), length, 0);
  int const failed = errno;
  if (sent > 0) {
    auto const n = static_cast<std::size_t>(sent);
    count_sealed(n);
    stats_.records_sealed += (n - 1) / max_record_plaintext;
    return {want::nothing, n};
  }
  if (sent < 0 && BIO_should_write(SSL_get_wbio(ssl_.get())) != 0 && failed == EAGAIN) {
    ERR_clear_error();
    ++stats_.suspended_for_flush;
    return {want::flush, 0};
  }
  ERR_clear_error();
  constexpr std::array of_transport{EPIPE,    ECONNRESET,   ECONNABORTED, ETIMEDOUT,
                                    ENOTCONN, EHOSTUNREACH, ENETUNREACH,  ENETDOWN};
  if (sent < 0 && std::ranges::find(of_transport, failed) != of_transport.end())
    return fail_transport(failed);
#endif
  return {};
}

step engine::fail_transport(int error) {
  error_code const why(error, boost::system::system_category());
  return fail(why, "the connection failed: " + why.message());
}

bool engine::has_to_end_for_fixed_keys() const noexcept {
  // Behind close_notify nothing is sent, with whatever keys.
  bool const matters = !close_notify_sent() || has_new_record_layer();
  if (kernel_seals() && matters && SSL_get_key_update_type(ssl_.get()) != SSL_KEY_UPDATE_NONE) {
    return true;
  }
  return ktls_.receiving == ktls_state::on && stats_.key_updates_received != 0;
}

// RFC 8446 section 4.6.3 would have us send with new keys from here on.
step engine::end_for_fixed_keys(char const* summary) {
  openssl_call const call(true, callback_ran_);
  if (!close_notify_sent()) SSL_shutdown(ssl_.get());
  return fail(errc::ktls_fixed_keys, summary);
}

char const* to_string(ktls_state state) noexcept {
  switch (state) {
    case ktls_state::on:
      return "on";
    case ktls_state::not_asked_for:
      return "off: not asked for";
    case ktls_state::not_yet:
      return "off: the handshake is not done";
    case ktls_state::not_in_openssl:
      return "off: OpenSSL was built without it";
    case ktls_state::not_in_kernel:
      return "off: the kernel has none for this socket (module tls, TCP only)";
    case ktls_state::not_for_version:
      return "off: OpenSSL has none for this protocol version";
    case ktls_state::not_for_cipher:
      return "off: none for this cipher";
    case ktls_state::input_came_early:
      return "off: input had been received before the handshake";
  }
  return "unknown";
}

}  // namespace tls_async
