// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine where the kernel seals or opens: files are sent without their bytes coming here, and
// keys can't change. docs/ktls.md says what OpenSSL and the kernel do there.
#include <tls_async/core/engine.hpp>
#include <tls_async/core/ktls.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "openssl_call.hpp"

namespace tls_async {

step engine::sendfile([[maybe_unused]] int file, [[maybe_unused]] std::uint64_t offset,
                      [[maybe_unused]] std::size_t length) {
  if (failure_) return {want::failed, 0};
#ifndef OPENSSL_NO_KTLS
  if (step const messages = finish_messages(); messages.next != want::nothing) return messages;
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

bool engine::has_to_fail_for_fixed_keys() const noexcept {
  // Behind close_notify nothing is sent, with whatever keys.
  // OpenSSL's new record layer, since 3.2, fails by itself where the kernel would have to change
  // its keys.
  bool const matters = !close_notify_sent() || OpenSSL_version_num() >= 0x30200000L;
  if (path_.kernel_seals() && matters &&
      SSL_get_key_update_type(ssl_.get()) != SSL_KEY_UPDATE_NONE) {
    return true;
  }
  return path_.kernel_opens() && stats_.key_updates_received != 0;
}

// RFC 8446 section 4.6.3 would have us send with new keys from here on.
step engine::fail_for_fixed_keys(char const* summary) {
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
