// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// All that a hostile peer may do at one point.
#pragma once

#include <vector>

#include <tls_async_test/hostile_peer.hpp>

namespace tls_async::test {

/// One of each kind: the order stays, so that a number names one.
std::vector<deed> const& all_deeds();
/// The one of that name. Throws if there is none.
deed const& deed_of(std::string_view name);
/// An alert of `level` (1: warning, 2: fatal) and `number` (RFC 8446 section 6).
deed alert_of(int level, int number);

}  // namespace tls_async::test
