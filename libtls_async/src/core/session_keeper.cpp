// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/session_keeper.hpp>

#include <openssl/crypto.h>

namespace tls_async {
namespace {

void cleanse(std::string& secret) noexcept {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace

// What is moved from may still have a short text in it.
kept_session::kept_session(kept_session&& other) noexcept
    : bytes(std::move(other.bytes)), began(other.began), ends(other.ends) {
  cleanse(other.bytes);
}

kept_session& kept_session::operator=(kept_session&& other) noexcept {
  bytes.swap(other.bytes);
  began = other.began;
  ends = other.ends;
  cleanse(other.bytes);
  return *this;
}

kept_session::~kept_session() { cleanse(bytes); }

session_keeper::~session_keeper() = default;

}  // namespace tls_async
