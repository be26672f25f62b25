// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/ring.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <new>

namespace tls_async {

ring::ring(SSL* session, std::size_t output_bytes, std::size_t input_bytes) {
  if (BIO_new_bio_pair(&inner_, output_bytes, &outer_, input_bytes) != 1) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
  SSL_set_bio(session, inner_, inner_);
}

ring::~ring() { BIO_free(outer_); }

std::span<std::byte const> ring::readable() noexcept {
  char* place = nullptr;
  int const n = BIO_nread0(outer_, &place);
  if (n <= 0) return {};
  return {reinterpret_cast<std::byte const*>(place), static_cast<std::size_t>(n)};
}

void ring::consume(std::size_t n) noexcept {
  char* place = nullptr;
  BIO_nread(outer_, &place, static_cast<int>(n));
}

std::size_t ring::output_bytes() const noexcept { return BIO_ctrl_pending(outer_); }

std::size_t ring::output_room() const noexcept { return BIO_ctrl_get_write_guarantee(inner_); }

std::span<std::byte> ring::writable() noexcept {
  if (input_bytes() != 0) return {};
  char* place = nullptr;
  int const n = BIO_nwrite0(outer_, &place);
  if (n <= 0) return {};
  return {reinterpret_cast<std::byte*>(place), static_cast<std::size_t>(n)};
}

void ring::commit(std::size_t n) noexcept {
  char* place = nullptr;
  BIO_nwrite(outer_, &place, static_cast<int>(n));
}

std::size_t ring::input_bytes() const noexcept { return BIO_ctrl_pending(inner_); }

}  // namespace tls_async
