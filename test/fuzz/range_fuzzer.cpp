// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The Range of a request, for https_server, and the Content-Range of a response, for https_get.
// Judged by a second reading of the same grammar (RFC 9110 sections 14.1.2 and 14.4), and each of
// the two by the other.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "byte_range.hpp"
#include "content_range.hpp"
#include "script.hpp"

namespace {

using namespace https_server;
using tls_async::test::must;

// One that is too large is the largest, which is behind the end of every file.
std::optional<std::uint64_t> number_of(std::string const& digits) {
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return {};
  std::uint64_t value = 0;
  for (char const digit : digits) {
    auto const next = static_cast<std::uint64_t>(digit - '0');
    value = value > (largest - next) / 10 ? largest : value * 10 + next;
    if (value == largest) break;
  }
  return value;
}

range_choice expected(std::string header, std::uint64_t size) {
  range_choice const whole{range_verdict::whole, {0, size}};
  range_choice const unsatisfiable{range_verdict::unsatisfiable, {}};
  boost::algorithm::to_lower(header);
  if (!header.starts_with("bytes=")) return whole;
  auto range = header.substr(6);
  boost::algorithm::trim_if(range, [](char c) { return c == ' ' || c == '\t'; });
  auto const dash = range.find('-');
  if (dash == std::string::npos) return whole;
  auto const first = number_of(range.substr(0, dash));
  auto const last = number_of(range.substr(dash + 1));
  auto const part = [](std::uint64_t from, std::uint64_t to) {  // without `to`
    return range_choice{range_verdict::part, {from, to - from}};
  };
  if (dash == 0) {
    if (!last) return whole;
    if (*last == 0) return unsatisfiable;
    return size == 0 ? whole : part(*last > size ? 0 : size - *last, size);
  }
  if (!first || (!last && dash + 1 != range.size()) || (last && *last < *first)) return whole;
  if (*first >= size) return unsatisfiable;
  return part(*first, last && *last < size ? *last + 1 : size);
}

void judge_range(std::string const& header, std::uint64_t size) {
  auto const chosen = choose_range(header, size);
  must(chosen == expected(header, size), "another range");
  if (chosen.verdict == range_verdict::whole)
    must(chosen.bytes == byte_range{0, size}, "the whole is another");
  if (chosen.verdict != range_verdict::part) return;
  must(chosen.bytes.length != 0 && chosen.bytes.offset < size &&
           chosen.bytes.length <= size - chosen.bytes.offset,
       "a part that is not in the file");

  auto const told = "bytes " + std::to_string(chosen.bytes.offset) + '-' +
                    std::to_string(chosen.bytes.offset + chosen.bytes.length - 1) + '/' +
                    std::to_string(size);
  auto const understood = https_get::parse_content_range(told);
  must(understood && understood->first == chosen.bytes.offset && understood->total == size,
       "our client understands something else");
}

void judge_content_range(std::string const& text) {
  auto const range = https_get::parse_content_range(text);
  if (!range) return;
  must(text.starts_with("bytes "), "another unit");
  must(range->first || range->total, "it says nothing");
  if (range->first && range->total) must(*range->first < *range->total, "a part behind the end");
  if (range->first) must(text.find(std::to_string(*range->first)) != text.npos, "another place");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  tls_async::test::script input(data, size);
  std::uint64_t file_size = 0;
  for (std::size_t bytes = input.below(9); bytes != 0; --bytes)
    file_size = file_size << 8 | input.byte();
  auto const header = input.rest();
  judge_range(header, file_size);
  judge_content_range(header);
  return 0;
}
