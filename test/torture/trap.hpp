// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The trap: which call fails. All that can fail asks it, and it counts those calls while it is
// armed, which is around the library's own work and not around the test's. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace tls_async::test::torture {

/// What fails.
enum class kind { our_memory, openssl_memory, next_layer, openssl_call };
inline constexpr std::size_t kinds = 4;
inline constexpr std::array<char const*, kinds> kind_names{"our_memory", "openssl_memory",
                                                           "next_layer", "openssl_call"};

/// How it fails, where there is more than one way.
enum class manner {
  plain,   ///< Memory: there is none. A call: with a reason in OpenSSL's error queue.
  silent,  ///< A call: without one.
  reset,   ///< The next layer: with connection_reset.
  end,     ///< The next layer: eof of a read, broken_pipe of a write.
  zero,    ///< The next layer: success, and no byte.
  brief    ///< The next layer: a few bytes only, which is no failure.
};
inline constexpr std::array<char const*, 6> manner_names{"plain", "silent", "reset",
                                                         "end",   "zero",   "brief"};

struct failure_plan {
  kind what = kind::our_memory;
  manner how = manner::plain;
  std::uint64_t at = UINT64_MAX;  ///< The number of the call that fails, from 0.
  bool all_later = false;         ///< So do all behind it.
};

/// Where the call was made that failed. In memory that a parent shares with its children.
struct note {
  std::array<char, 240> where{};
  std::array<char, 240> what{};  ///< What the program said as it died.
};

class trap {
public:
  static void set(failure_plan const& next) noexcept;
  /// Counts a call, and says whether it has to fail.
  static bool springs(kind what, char const* where, int line = 0) noexcept;
  static bool has_sprung() noexcept;
  static manner how() noexcept;
  /// What a brief transfer has: one byte, or some where all later ones are brief.
  static std::size_t few_bytes() noexcept;
  static std::uint64_t calls(kind what) noexcept;

  static bool is_armed() noexcept;
  static bool arm(bool on) noexcept;

  static note& last() noexcept;
  /// What the test is about to do, for the note of a crash.
  static inline char const* doing = "";
  /// Each run says what became of every verb.
  static inline bool tells = false;
};

/// While it lives the trap is armed, or not.
class armed {
public:
  explicit armed(bool on) noexcept : before_(trap::arm(on)) {}
  ~armed() { trap::arm(before_); }
  armed(armed const&) = delete;
  armed& operator=(armed const&) = delete;

private:
  bool before_;
};

/// In the test's own code.
class disarmed : armed {
public:
  disarmed() noexcept : armed(false) {}
};

}  // namespace tls_async::test::torture
