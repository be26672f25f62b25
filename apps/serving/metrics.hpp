// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a server counts for its operators, and how Prometheus reads it (the text format, 0.0.4). No
// label holds what a peer sent, so no peer can add to them.
#pragma once

#include "certificates.hpp"
#include "listener.hpp"

#include <tls_async/core/event.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace serving {

// Of HTTP; from any thread.
struct counters {
  std::array<std::atomic<std::uint64_t>, 6> responses{};  // by the first digit of their status

  void responded(unsigned status) {
    if (status / 100 < responses.size()) ++responses[status / 100];
  }
};

std::string metrics(server_totals const& totals, counters const& counted,
                    tls_async::counters const& of_tls,
                    std::span<certificate_end const> certificates, bool are_current);

}  // namespace serving
