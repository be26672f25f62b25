// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// docs/ktls.md says what OpenSSL and the kernel do on a descriptor.
#include <tls_async/core/path.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

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

// OpenSSL's new record layer, since 3.2, receives TLS 1.3 through the kernel.
bool receives_tls13() { return OpenSSL_version_num() >= 0x30200000L; }

// In each direction that was asked for.
void set_all(ktls_status& status, ktls_state state) noexcept {
  for (ktls_state* const each : {&status.sending, &status.receiving}) {
    if (*each != ktls_state::not_asked_for) *each = state;
  }
}

}  // namespace

[[gnu::weak]] bool detail::stays_on_descriptor(SSL const* /*session*/) noexcept { return false; }

path::path(SSL* session, std::size_t output_bytes, ktls asked_for) noexcept
    : session_(session),
      ring_(session, output_bytes),
      status_{asked_for != ktls::off ? ktls_state::not_yet : ktls_state::not_asked_for,
              asked_for == ktls::tx_rx ? ktls_state::not_yet : ktls_state::not_asked_for} {}

void path::use_descriptor(int descriptor, bool (*kernel_has_tls)(int)) noexcept {
  kernel_has_tls_ = kernel_has_tls;
  bool const is_asked_to_receive = status_.receiving != ktls_state::not_asked_for;
  bool const has_input = ring_.input_bytes() != 0;
  bool const receives = is_asked_to_receive && !has_input;
  SSL_set_options(session_, SSL_OP_ENABLE_KTLS);
  BIO* const bio = BIO_new_socket(descriptor, BIO_NOCLOSE);
  if (bio == nullptr) return ERR_clear_error();
  if (is_asked_to_receive && has_input) status_.receiving = ktls_state::input_came_early;
  descriptor_ = descriptor;
  sends_directly_ = true;
  receives_directly_ = receives;
  ring_.carry(false, !receives);
  if (receives) {
    BIO_up_ref(bio);
    SSL_set0_rbio(session_, bio);
  }
  SSL_set0_wbio(session_, bio);
}

void path::begin() noexcept {
  if (!sends_directly_) SSL_clear_options(session_, SSL_OP_ENABLE_KTLS);  // fact 14
  // On a descriptor OpenSSL would tell the end of the transport as that of the session. The ring
  // has no end that it could take so.
  SSL_clear_options(session_, SSL_OP_IGNORE_UNEXPECTED_EOF);
  // What OpenSSL has read ahead it goes through in one call, also where it has to stop behind each
  // message (engine::open). The ring does it anyway.
  SSL_set_read_ahead(session_, 0);
}

void path::settle() noexcept {
  if (descriptor_ == -1) return set_all(status_, ktls_state::not_in_kernel);
  bool const seals = is_sealed_below(SSL_get_wbio(session_));
  bool const opens = receives_directly_ && is_opened_below(SSL_get_rbio(session_));
  status_.sending = seals ? ktls_state::on : why_not(false);
  if (receives_directly_) status_.receiving = opens ? ktls_state::on : why_not(true);
  // The kernel can't change its keys, so a read has to stop behind each KeyUpdate.
  if (seals || opens) SSL_clear_mode(session_, SSL_MODE_AUTO_RETRY);
  if (!opens) SSL_clear_options(session_, SSL_OP_ENABLE_KTLS);  // fact 14
  if (detail::stays_on_descriptor(session_)) return;
  sends_directly_ = seals;
  receives_directly_ = opens;
  ring_.carry(!seals, !opens);
  if (!seals && !opens) descriptor_ = -1;
}

ktls_state path::why_not(bool is_input) const noexcept {
  if (!openssl_has_ktls()) return ktls_state::not_in_openssl;
  if (!kernel_has_tls_(descriptor_)) return ktls_state::not_in_kernel;
  int const version = SSL_version(session_);
  bool const is_new = is_input && version >= TLS1_3_VERSION && !receives_tls13();
  return version < TLS1_2_VERSION || is_new ? ktls_state::not_for_version
                                            : ktls_state::not_for_cipher;
}

void path::discard_output() noexcept {
  BIO* const nowhere = BIO_new(BIO_s_null());
  if (nowhere == nullptr) return ERR_clear_error();
  ring_.carry(false, !receives_directly_);
  SSL_set0_wbio(session_, nowhere);
}

void path::put_in_the_way(std::span<unsigned char const> record) noexcept {
  BIO* const instead = BIO_new_mem_buf(record.data(), static_cast<int>(record.size()));
  if (instead != nullptr) SSL_set0_rbio(session_, instead);
}

void path::clear() noexcept {
  ring_.clear();
  SSL_set_mode(session_, SSL_MODE_AUTO_RETRY);  // settle() may have taken it away
  descriptor_ = -1;
  sends_directly_ = receives_directly_ = false;
  set_all(status_, ktls_state::not_yet);
}

}  // namespace tls_async
