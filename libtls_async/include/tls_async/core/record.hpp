// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The arithmetic of TLS records: how much plaintext one record takes, and how much room its
// ciphertext needs.
#pragma once

#include <tls_async/requirements.hpp>

#include <cstddef>

namespace tls_async {

/// The most plaintext one record carries, in bytes (RFC 8446 section 5.1).
inline constexpr std::size_t max_record_plaintext = 16'384;

/// The share of a ring that one full record is counted with, in bytes: its plaintext, and as much
/// again as header, tag and padding of every suite (85 at most, TLS 1.2 CBC) and control records
/// between them need.
inline constexpr std::size_t record_room = max_record_plaintext + 1'024;

/// Room that must be free beyond the plaintext before a record is sealed, in bytes. It covers the
/// overhead of a record and a KeyUpdate that OpenSSL sends in front of it, so that sealing never
/// has to stop half way: a record that OpenSSL has begun can't be taken back.
inline constexpr std::size_t seal_margin = 512;

}  // namespace tls_async
