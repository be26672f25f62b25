// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The PROXY header that a proxy before tls_proxy sends. Judged: malformed, or with the addresses
// that stand in it; what we write of them is read as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy_header.hpp"
#include "script.hpp"

namespace {

using namespace tls_proxy;
using tls_async::test::must;

std::optional<std::size_t> rest_of(std::string_view header) {
  try {
    return rest_of_header(header.substr(0, header_start_bytes));
  } catch (malformed_header const&) {
    return std::nullopt;
  }
}

// Nothing if it is malformed; what is in it may be nothing too.
std::optional<std::optional<client_addresses>> parsed(std::string_view header) {
  try {
    return parse_header(header);
  } catch (malformed_header const&) {
    return std::nullopt;
  }
}

bool holds_in_order(std::string_view header, client_addresses const& client) {
  auto const rest = header.substr(header_start_bytes);
  auto const is_at = [&](std::size_t at, auto const& bytes) {
    return std::equal(bytes.begin(), bytes.end(), rest.begin() + static_cast<std::ptrdiff_t>(at),
                      [](unsigned char a, char b) { return static_cast<char>(a) == b; });
  };
  auto const source = client.source.address(), destination = client.destination.address();
  if (source.is_v4())
    return is_at(0, source.to_v4().to_bytes()) && is_at(4, destination.to_v4().to_bytes());
  return is_at(0, source.to_v6().to_bytes()) && is_at(16, destination.to_v6().to_bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string const header(reinterpret_cast<char const*>(data), size);
  auto const rest = rest_of(header);
  auto const read = parsed(header);
  must(!rest || header_start_bytes + *rest <= most_header_bytes, "a header without a bound");
  must(!read || (rest && header.size() == header_start_bytes + *rest), "not exactly one header");
  if (rest && header.size() < header_start_bytes + *rest)
    must(!read, "a header that is cut off was read");
  if (!read || !*read) return 0;

  client_addresses const& client = **read;
  must(holds_in_order(header, client), "other addresses than those in the header");
  std::string const alpn = header.substr(std::min<std::size_t>(header.size(), 28)).substr(0, 255);
  auto const written = format_header(client, alpn);
  must(parsed(written) == std::optional(std::optional(client)), "what was written is not read");
  must(written.size() <= most_header_bytes, "a header of ours without a bound");
  return 0;
}
