// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "content_range.hpp"

#include <charconv>

namespace https_get {
namespace {

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  auto const end = digits.data() + digits.size();
  auto const [stopped, failure] = std::from_chars(digits.data(), end, value);
  if (failure != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<content_range> parse_content_range(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  auto const slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto const part = text.substr(0, slash);
  auto const size = text.substr(slash + 1);

  content_range range;
  range.total = number(size);
  if (!range.total && size != "*") return std::nullopt;
  if (part == "*") return range.total ? std::optional(range) : std::nullopt;
  auto const dash = part.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  range.first = number(part.substr(0, dash));
  auto const last = number(part.substr(dash + 1));
  bool const in_order = range.first && last && *range.first <= *last;
  if (!in_order || (range.total && *last >= *range.total)) return std::nullopt;
  return range;
}

}  // namespace https_get
