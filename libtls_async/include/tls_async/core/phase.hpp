// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The phases of a session: before, in and after its handshake, closed one way or both, failed; and
// the table of all transitions between them. Where a verb stands is gates/verb.hpp.
#pragma once

#include <tls_async/requirements.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tls_async {

/// Where a session stands. docs/architecture.md has the table with what leads from one to another.
enum class phase : std::uint8_t {
  fresh,          ///< The handshake has not begun.
  negotiating,    ///< It has begun, and is not done: no plaintext passes.
  open,           ///< Plaintext passes both ways.
  output_closed,  ///< Our close_notify is made: plaintext may still come (RFC 8446 section 6.1).
  input_closed,   ///< The peer's close_notify has come: plaintext may still be sent.
  closed,         ///< Both.
  failed          ///< `engine::failure()` says why.
};

/// From one phase to another.
struct phase_transition {
  phase from;  ///< Before the call of an engine.
  phase to;    ///< After it.
};

/// All that there are. OpenSSL makes those to a closed phase, the engine all others.
inline constexpr std::array phase_transitions{
    phase_transition{phase::fresh, phase::negotiating},
    phase_transition{phase::fresh, phase::failed},
    phase_transition{phase::negotiating, phase::open},
    phase_transition{phase::negotiating, phase::failed},
    phase_transition{phase::negotiating, phase::fresh},  // by SSL_clear(3), as all to `fresh`
    phase_transition{phase::open, phase::output_closed},
    phase_transition{phase::open, phase::input_closed},
    phase_transition{phase::open, phase::closed},  // without a word (SSL_set_quiet_shutdown(3))
    phase_transition{phase::open, phase::failed},
    phase_transition{phase::open, phase::fresh},
    phase_transition{phase::output_closed, phase::closed},
    phase_transition{phase::output_closed, phase::failed},
    phase_transition{phase::output_closed, phase::fresh},
    phase_transition{phase::input_closed, phase::closed},
    phase_transition{phase::input_closed, phase::failed},
    phase_transition{phase::input_closed, phase::fresh},
    phase_transition{phase::closed, phase::failed},
    phase_transition{phase::closed, phase::fresh},
    phase_transition{phase::failed, phase::fresh},
};

/// There is such a transition.
[[nodiscard]] constexpr bool may_follow(phase from, phase to) noexcept {
  return std::ranges::any_of(phase_transitions, [&](phase_transition const& each) {
    return each.from == from && each.to == to;
  });
}

}  // namespace tls_async
