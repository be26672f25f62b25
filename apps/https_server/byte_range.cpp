// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// RFC 9110, section 14.1.2, for a single range.
#include "byte_range.hpp"

#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

namespace https_server {
namespace {

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A number of any length: one that is too large for 64 bits lies beyond the end of every file, and
// so does the largest one that is not.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  std::uint64_t value = 0;
  auto const result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  return value;
}

}  // namespace

range_choice choose_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view unit = "bytes=";
  range_choice const whole{range_verdict::whole, {0, size}};
  range_choice const unsatisfiable{range_verdict::unsatisfiable, {}};

  if (!boost::algorithm::istarts_with(header, unit)) return whole;
  auto const range = trimmed(header.substr(unit.size()));
  auto const dash = range.find('-');
  if (dash == std::string_view::npos) return whole;

  auto const first_text = range.substr(0, dash);
  auto const last_text = range.substr(dash + 1);
  auto const first = parse_position(first_text);
  auto const last = parse_position(last_text);

  if (first_text.empty() && last) {  // "-N": the last N bytes
    if (*last == 0) return unsatisfiable;
    // No Content-Range can describe a part of nothing, so an empty file is sent as a whole.
    if (size == 0) return whole;
    auto const length = std::min(*last, size);
    return {range_verdict::part, {size - length, length}};
  }
  if (!first || !(last || last_text.empty())) return whole;  // not a single valid range
  if (last && *last < *first) return whole;
  if (*first >= size) return unsatisfiable;
  auto const end = last && *last < size ? *last + 1 : size;
  return {range_verdict::part, {*first, end - *first}};
}

}  // namespace https_server
