// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A certificate for localhost, and the authority that signed it, for those who have none: kept in
// the user's cache directory and made anew when it is missing, broken or near its end.
// The authority's private key is never stored: whoever trusts the authority trusts this one
// certificate and nothing that could be signed later.
#pragma once

#include <filesystem>

namespace https_server {

struct development_certificate {
  std::filesystem::path authority;    // for clients: curl --cacert
  std::filesystem::path certificate;  // for localhost, 127.0.0.1 and ::1
  std::filesystem::path key;          // readable by its owner only
};

// $XDG_CACHE_HOME/tls_async or ~/.cache/tls_async. Throws std::runtime_error if neither is known.
std::filesystem::path certificate_directory();

// Finds or makes the three files in `directory`, which is created if needed and has to be this
// user's own: one that is a symbolic link or another user's is refused, files that are so are made
// anew. Safe to call from several processes at once. Throws std::runtime_error with what to do.
development_certificate ensure_development_certificate(std::filesystem::path const& directory);

}  // namespace https_server
