// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "client_hello.hpp"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "openssl_ptr.hpp"

namespace tls_async::detail {
namespace {

using bytes = std::basic_string_view<unsigned char>;

bytes extension_of(SSL* session, unsigned type) {
  unsigned char const* data = nullptr;
  std::size_t length = 0;
  if (SSL_client_hello_get0_ext(session, type, &data, &length) != 1) return {};
  return {data, length};
}

// A part of `from` with its length before it, in so many bytes; nothing if it is cut short, which
// OpenSSL refuses the handshake for when it comes to it.
std::optional<bytes> part_with_length(bytes& from, std::size_t length_bytes) {
  if (from.size() < length_bytes) return {};
  std::size_t length = 0;
  for (std::size_t i = 0; i != length_bytes; ++i)
    length = length * 256 + from[i];
  if (length > from.size() - length_bytes) return {};
  auto const part = from.substr(length_bytes, length);
  from.remove_prefix(length_bytes + length);
  return part;
}

std::string_view text_of(bytes part) {
  return {reinterpret_cast<char const*>(part.data()), part.size()};
}

// RFC 6066 section 3: a list of one name, of the type host_name.
std::string_view name_in(bytes extension) {
  auto list = part_with_length(extension, 2);
  constexpr unsigned char host_name = 0;
  if (!list || list->empty() || list->front() != host_name) return {};
  list->remove_prefix(1);
  auto const name = part_with_length(*list, 2);
  return name ? text_of(*name) : std::string_view();
}

std::vector<std::uint16_t> numbers_in(bytes list) {
  std::vector<std::uint16_t> numbers;
  for (std::size_t i = 0; i + 1 < list.size(); i += 2)
    numbers.push_back(static_cast<std::uint16_t>(list[i] * 256U + list[i + 1]));
  return numbers;
}

std::vector<std::uint16_t> numbers_of_ssl2(bytes list) {
  std::vector<std::uint16_t> numbers;
  for (std::size_t i = 0; i + 2 < list.size(); i += 3)
    if (list[i] == 0)
      numbers.push_back(static_cast<std::uint16_t>(list[i + 1] * 256U + list[i + 2]));
  return numbers;
}

std::vector<std::uint16_t> numbers_of(SSL* session, unsigned type, std::size_t length_bytes) {
  auto extension = extension_of(session, type);
  auto const list = part_with_length(extension, length_bytes);
  return list ? numbers_in(*list) : std::vector<std::uint16_t>();
}

std::vector<std::string> protocols_of(SSL* session) {
  auto extension = extension_of(session, TLSEXT_TYPE_application_layer_protocol_negotiation);
  auto list = part_with_length(extension, 2);
  std::vector<std::string> names;
  while (list && !list->empty()) {
    auto const name = part_with_length(*list, 1);
    if (!name) break;
    names.emplace_back(text_of(*name));
  }
  return names;
}

std::vector<client_hello::extension> extensions_of(SSL* session) {
  int* types = nullptr;
  std::size_t count = 0;
  if (SSL_client_hello_get1_extensions_present(session, &types, &count) != 1)
    throw std::bad_alloc();
  auto const give = [](int* p) { OPENSSL_free(p); };
  std::unique_ptr<int, decltype(give)> const owned(types, give);
  std::vector<client_hello::extension> all;
  all.reserve(count);
  for (int const type : std::span(types, count)) {
    auto const content = extension_of(session, static_cast<unsigned>(type));
    auto const octets = std::as_bytes(std::span(content.data(), content.size()));
    all.push_back({static_cast<std::uint16_t>(type), shared_list<std::byte>(octets)});
  }
  return all;
}

// RFC 8446 section 4.1.2.
bool may_change(client_hello::extension const& which) {
  constexpr std::array<unsigned, 5> all{TLSEXT_TYPE_key_share, TLSEXT_TYPE_cookie,
                                        TLSEXT_TYPE_early_data, TLSEXT_TYPE_psk,
                                        TLSEXT_TYPE_padding};
  return std::ranges::find(all, which.type) != all.end();
}

auto what_may_not_change(client_hello const& of) {
  std::vector<client_hello::extension const*> all;
  for (auto const& each : of.extensions)
    if (!may_change(each)) all.push_back(&each);
  return all;
}

}  // namespace

bool asks_for_the_same(client_hello const& first, client_hello const& second) {
  return std::ranges::equal(first.ciphers, second.ciphers) &&
         std::ranges::equal(what_may_not_change(first), what_may_not_change(second),
                            [](auto const* a, auto const* b) {
                              return a->type == b->type && std::ranges::equal(a->bytes, b->bytes);
                            });
}

std::string_view asked_name(SSL* session) {
  return name_in(extension_of(session, TLSEXT_TYPE_server_name));
}

client_hello read_client_hello(SSL* session) {
  client_hello hello;
  hello.host = asked_name(session);
  hello.alpn = shared_list<std::string>(protocols_of(session));
  auto versions = numbers_of(session, TLSEXT_TYPE_supported_versions, 1);
  if (versions.empty()) {
    versions.push_back(static_cast<std::uint16_t>(SSL_client_hello_get0_legacy_version(session)));
  }
  hello.versions = shared_list<std::uint16_t>(versions);
  hello.groups = shared_list<std::uint16_t>(numbers_of(session, TLSEXT_TYPE_supported_groups, 2));
  unsigned char const* suites = nullptr;
  std::size_t const length = SSL_client_hello_get0_ciphers(session, &suites);
  bytes const offered{suites, length};
  // One of SSL 2 has three bytes for each, the first 0 for one of TLS (RFC 5246 appendix E.2).
  hello.ciphers = shared_list<std::uint16_t>(
      SSL_client_hello_isv2(session) != 0 ? numbers_of_ssl2(offered) : numbers_in(offered));
  hello.extensions = shared_list<client_hello::extension>(extensions_of(session));
  return hello;
}

}  // namespace tls_async::detail
