// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The host that a client wants to talk to: a DNS name or an IP address, and nothing else. Knows no
// session. Private to the library.
#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// What is wrong with `host`, and what to pass in its place; null if it is a DNS name or the text
/// of an IP address. A name may end with a dot, and may have underscores, as names in use have
/// (RFC 2181 section 11). Internationalized ones have to be in their ASCII form (RFC 5890
/// section 2.3.2.1), since only that is in certificates and in SNI.
char const* fault_of_host(std::string_view host) noexcept;

/// The host as it is compared and sent: without the dot at its end (RFC 6066 section 3).
std::string_view without_final_dot(std::string_view host) noexcept;

/// Names are the same in any case (RFC 4343); whatever the locale is, only their ASCII letters.
std::string in_lower_case(std::string_view name);

/// Whether a host without a fault is an IP address.
bool is_ip_address(std::string_view host) noexcept;

/// Whether `certificate` is for `host`, which has no fault and no final dot. `flags`: of
/// X509_check_host(3).
bool is_for_host(X509* certificate, std::string const& host, unsigned flags) noexcept;

}  // namespace tls_async::detail
#pragma GCC visibility pop
