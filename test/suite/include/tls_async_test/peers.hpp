// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Who a record-level peer is. Owns the contexts of the peers.
#pragma once

#include <cstddef>

#include <openssl/types.h>

#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test {

enum class who {
  known,       ///< The certificate that is wanted.
  of_another,  ///< Server: its certificate is for another host. Client: it has none.
  untrusted    ///< By an authority that is not trusted.
};

/// For a peer of that side, of TLS 1.2 or 1.3 only. Made once a kind; not by several threads.
SSL_CTX* peer_context(role side, int version, who peer);

/// Records that such a peer sends in a whole session with OpenSSL, from its first to close_notify.
std::size_t records_of_session(role side, int version);

}  // namespace tls_async::test
