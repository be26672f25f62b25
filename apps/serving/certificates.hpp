// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// When the certificates of a server expire.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <filesystem>

namespace serving {

// A certificate that the server shows, by its file.
struct certificate_end {
  std::filesystem::path file;
  std::chrono::system_clock::time_point expires;
};

// Of the certificate in use in `context`, which was read from `file`.
certificate_end end_of_certificate(SSL_CTX* context, std::filesystem::path const& file);

}  // namespace serving
