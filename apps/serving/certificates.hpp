// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// When the certificates of a server expire, and what somebody should know of their files.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <filesystem>
#include <string>

namespace serving {

// A certificate that the server shows, by its file.
struct certificate_end {
  std::filesystem::path file;
  std::chrono::system_clock::time_point expires;
};

// Of the certificate in use in `context`, which was read from `file`.
certificate_end end_of_certificate(SSL_CTX* context, std::filesystem::path const& file);

// Empty, or that it has expired or will within 14 days, and what to do.
std::string complaint_about(certificate_end const& certificate,
                            std::chrono::system_clock::time_point now);
// Empty, or that others than its owner and its group can read it.
std::string complaint_about_key(std::filesystem::path const& key);

}  // namespace serving
