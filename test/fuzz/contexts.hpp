// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The contexts of the targets, each made once: ours, and those of a peer on bare OpenSSL.
#pragma once

#include <tls_async/context.hpp>

#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test {

/// Whom a peer turns out to be.
enum class shown { known, of_another, untrusted };
inline constexpr std::size_t shown_kinds = 3;
/// What a server asks of its clients.
enum class asked { nobody, optional, required };
inline constexpr std::size_t asked_kinds = 3;

/// Trusts the authority of the tests. Shows its certificate, that of somebody who is not trusted,
/// or none (`of_another`).
SSL_CTX* our_client(shown as);
/// Trusts the authority of the tests; its certificate is for another host, or of another authority.
SSL_CTX* our_server(shown as, asked of_clients);
/// On bare OpenSSL, of one version, with the one suite that record_peer knows. Shows the same.
SSL_CTX* bare_peer(role side, int version, shown as);

/// The callbacks of our contexts leave an error of their own in OpenSSL's queue.
inline bool callbacks_leave_errors = false;
/// As another library, or such a callback, does.
void leave_error();

/// What an honest handshake between the two has to come to.
[[nodiscard]] bool is_acceptable_server(shown as);
[[nodiscard]] bool is_acceptable_client(shown as, asked of_clients);

}  // namespace tls_async::test
