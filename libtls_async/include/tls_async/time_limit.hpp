// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A time limit, and the only place where one is computed with: it saturates, and never overflows.
#pragma once

#include <tls_async/requirements.hpp>

#include <chrono>
#include <concepts>
#include <ratio>
#include <type_traits>

namespace tls_async {
namespace detail {

/// `span`, where nanoseconds can count it, else the nearest that they can.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds saturated(std::chrono::duration<Rep, Period> span) noexcept {
  using std::chrono::nanoseconds;
  using real = std::chrono::duration<long double, std::nano>;
  if (!(span > span.zero())) return nanoseconds::zero();  // not a number compares with none
  // Exact or not, it is off by less than a rounding here: 2^63 ns is far from what anybody means.
  constexpr long double end = 9223372036854775807.0L;
  auto const count = real(span).count();
  if (count >= end) return nanoseconds::max();
  if constexpr (std::integral<Rep> && std::ratio_divide<Period, std::nano>::den == 1) {
    return std::chrono::duration_cast<nanoseconds>(span);
  } else {
    return nanoseconds(static_cast<nanoseconds::rep>(count));
  }
}

}  // namespace detail

/// How long something may take: made of any `std::chrono::duration`, of any unit, whole or not.
///
/// More than nanoseconds can count (292 years), `std::chrono::seconds::max()` for instance, is no
/// limit. Less than nothing is nothing: it ends at once. So is a duration that is not a number.
class time_limit {
public:
  /// `span`, from the start of what it limits.
  template <class Rep, class Period>
  constexpr time_limit(std::chrono::duration<Rep, Period> span) noexcept
      : span_(detail::saturated(span)) {}

  /// A number says no unit: 5s, not 5.
  template <class Number>
  requires std::is_arithmetic_v<Number> time_limit(Number) {
    static_assert(std::is_void_v<Number>,
                  "a time limit is a std::chrono::duration: 5s or std::chrono::seconds(5), not 5");
  }

  /// As long as it takes.
  [[nodiscard]] static constexpr time_limit none() noexcept {
    return std::chrono::nanoseconds::max();
  }

  /// It ends at some time.
  [[nodiscard]] constexpr bool is_limit() const noexcept {
    return span_ != std::chrono::nanoseconds::max();
  }
  /// How long; the longest that there is for none.
  [[nodiscard]] constexpr std::chrono::nanoseconds span() const noexcept { return span_; }
  /// The time that is over when something that began at `start` has used up its limit:
  /// `TimePoint`'s maximum if it never has.
  template <class TimePoint>
  [[nodiscard]] constexpr TimePoint after(TimePoint start) const noexcept {
    using unit = typename TimePoint::duration;
    if (!is_limit()) return TimePoint::max();
    auto const span = std::chrono::duration_cast<unit>(span_);
    // Before the clock's zero there is room for any span.
    bool const is_too_late =
        start.time_since_epoch() > unit::zero() && span > TimePoint::max() - start;
    return is_too_late ? TimePoint::max() : start + span;
  }

  /// Of the same length.
  bool operator==(time_limit const&) const = default;

private:
  std::chrono::nanoseconds span_;
};

}  // namespace tls_async
