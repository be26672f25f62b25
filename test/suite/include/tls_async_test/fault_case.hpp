// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The cases of the suite: one session each, in which one thing goes wrong.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tls_async_test/hostile_peer.hpp>
#include <tls_async_test/layer_faults.hpp>
#include <tls_async_test/peers.hpp>
#include <tls_async_test/subject.hpp>

namespace tls_async::test {

/// The first time that verb is used, it is cancelled; then it is used again.
struct cancellation {
  verb of = verb::read;
  std::size_t at = 0;          ///< Behind so many things that it had to wait for.
  bool of_next_layer = false;  ///< By cancel() of the next layer, not by the verb's slot.
};

struct fault_case {
  std::string kind;          ///< One of a few.
  std::string what;          ///< What is done: the same in many places.
  std::string where;         ///< To whom, and at which point.
  role side = role::client;  ///< The stream's.
  int version = TLS1_3_VERSION;
  who peer = who::known;
  pace speed = pace::record_by_record;
  std::vector<placed_deed> plan;  ///< Of the peer.
  layer_faults faults;
  /// From the first time on that this verb is used; its operations are counted from there.
  std::optional<verb> faults_from;
  std::optional<cancellation> cancels;
  /// It ends the session when it has read all, without having read the peer's close_notify.
  bool ends_first = false;
};

/// The same for every stream, some thousand.
std::vector<fault_case> const& all_cases();

}  // namespace tls_async::test
