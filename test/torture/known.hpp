// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Complaints of faults that are known, see "Known faults" in docs/advisories.md: what triggers
// them, until they are cured. `torture --known` counts them as complaints.
#pragma once

#include <array>
#include <string_view>

#include "trap.hpp"

namespace tls_async::test::torture {

struct known_fault {
  kind what;
  std::string_view complaint;  ///< A part of it.
  std::string_view fault;
  std::string_view script = {};   ///< In this one only.
  bool needs_all_later = false;   ///< Where all allocations fail from some point on.
  bool needs_openssl_32 = false;  ///< With OpenSSL 3.2 or later.
};

inline constexpr std::array<known_fault, 7> known_faults{{
    {kind::our_memory, "behind bad_alloc from a verb or the event loop: no end",
     "memory runs out inside a step, and the stream stops for good, or drops its verbs"},
    {kind::our_memory, "behind bad_alloc from a verb or the event loop: only time ended",
     "memory runs out inside a step, and the stream stops until a deadline"},
    {kind::our_memory, "behind bad_alloc from a verb or the event loop: the other pair",
     "a stream that has stopped so keeps its ring, also when it is destroyed, and others wait for "
     "the budget"},
    {kind::our_memory, "a crash, terminate while a stream is destroyed: std::bad_alloc",
     "a destructor ends the verbs by handlers that it posts, for which there is no memory"},
    {kind::openssl_memory, "use_certificate_chain of another pair threw, and has changed something",
     "no memory to take the old pair out when the new one is in: both are offered"},
    {kind::openssl_memory, "no end of ha",
     "no memory at all on the descriptor of kernel TLS: OpenSSL wants to read and does not, again "
     "and again",
     "ktls", true, true},
    {kind::openssl_call, "use_certificate_chain of another pair threw, and has changed something",
     "the same"},
}};

}  // namespace tls_async::test::torture
