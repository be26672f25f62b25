// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "identity_set.hpp"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

#include "../core/certificate_text.hpp"
#include "../core/host.hpp"

namespace tls_async::detail {
namespace {

using std::chrono::system_clock;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string low(text);
  std::ranges::transform(low, low.begin(), [](char c) { return lower(c); });
  return low;
}

std::string_view bytes_of(ASN1_STRING const* value) {
  return {reinterpret_cast<char const*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(std::max(ASN1_STRING_length(value), 0))};
}

// As it is compared, or empty if no client could ask for it. An address does not count as a DNS
// name, and a wildcard is a whole label, the first one (RFC 9525 sections 6.3 and 6.5).
std::string dns_name(std::string_view name) {
  auto const host = name.starts_with("*.") ? name.substr(2) : name;
  bool const is_usable = fault_of_host(host) == nullptr && !is_ip_address(host);
  return is_usable ? lower(without_final_dot(name)) : std::string{};
}

// RFC 5280 section 4.2.1.6: four bytes or sixteen. As OpenSSL writes them: no zeros are left out.
std::string address(std::string_view bytes) {
  bool const is_v4 = bytes.size() == 4;
  if (!is_v4 && bytes.size() != 16) return {};
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += is_v4 ? 1 : 2) {
    auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    if (i != 0) text += is_v4 ? '.' : ':';
    if (is_v4) {
      text += std::to_string(byte(i));
      continue;
    }
    std::array<char, 8> group{};
    std::snprintf(group.data(), group.size(), "%x", byte(i) * 256U + byte(i + 1));
    text += group.data();
  }
  return text;
}

// As it is in `by_name_`, however it is written.
std::string address_named(std::string const& text) {
  openssl_ptr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> const read{a2i_IPADDRESS(text.c_str())};
  require_memory(read != nullptr);
  return address(bytes_of(read.get()));
}

void add_once(std::vector<std::string>& to, std::string name) {
  if (!name.empty() && std::ranges::find(to, name) == to.end()) to.push_back(std::move(name));
}

void read_names(named_pair& pair) {
  openssl_ptr<GENERAL_NAMES, GENERAL_NAMES_free> const all{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(leaf(pair.given), NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int type = 0;
    auto const* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type);
    if (type == GEN_DNS) {
      add_once(pair.names, dns_name(bytes_of(static_cast<ASN1_STRING const*>(value))));
    } else if (type == GEN_IPADD) {
      add_once(pair.addresses, address(bytes_of(static_cast<ASN1_STRING const*>(value))));
    }
  }
}

bool is_nameless(named_pair const& pair) { return pair.names.empty() && pair.addresses.empty(); }

// The first of all serves those that ask for no name, and so needs none.
void require_name(named_pair const& pair) {
  if (!is_nameless(pair)) return;
  refuse(errc::bad_certificate,
         pair.given.origin + " (subject " + subject_of(leaf(pair.given)) +
             ") has no name by which clients could ask for it: its subjectAltName needs a DNS name "
             "or an IP address, and the common name does not count; only the first of all can do "
             "without");
}

system_clock::time_point time_of(ASN1_TIME const* time, chain const& of) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    refuse(errc::bad_certificate, of.origin + " (subject " + subject_of(leaf(of)) +
                                      ") has a date that can't be read: have it issued anew");
  }
  using std::chrono::seconds;
  seconds const since{timegm(&parts)};
  if (since >= std::chrono::floor<seconds>(system_clock::duration::max()))
    return system_clock::time_point::max();
  if (since <= std::chrono::ceil<seconds>(system_clock::duration::min()))
    return system_clock::time_point::min();
  return system_clock::time_point{since};
}

std::string serial_of(X509* certificate) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  auto const* const number = X509_get0_serialNumber(certificate);
  std::string text = ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER ? "-" : "";
  for (char const each : bytes_of(number)) {
    text += digits[static_cast<unsigned char>(each) >> 4];
    text += digits[static_cast<unsigned char>(each) & 15];
  }
  return text;
}

void describe(named_pair& pair) {
  auto& info = pair.info;
  X509* const certificate = leaf(pair.given);
  for (auto const* const names : {&pair.names, &pair.addresses})
    for (auto const& name : *names)
      info.names += (info.names.empty() ? "" : " ") + name;
  info.subject = subject_of(certificate);
  info.key_type = EVP_PKEY_get0_type_name(pair.key.key.get());
  info.not_before = time_of(X509_get0_notBefore(certificate), pair.given);
  info.not_after = time_of(X509_get0_notAfter(certificate), pair.given);
  info.serial = serial_of(certificate);
  info.origin = pair.given.origin;
}

// Of one name and one type of key there can be one: OpenSSL has a place for one of each.
named_pair_ptr const* of_type(pairs_of_name const& pairs, std::string_view key_type) noexcept {
  auto const found = std::ranges::find_if(
      pairs, [&](named_pair_ptr const& each) { return each->info.key_type == key_type; });
  return found == pairs.end() ? nullptr : &*found;
}

}  // namespace

named_pair_ptr make_named_pair(chain given, private_key key, std::filesystem::path file) {
  require_pair(given, key);
  auto pair = std::make_shared<named_pair>();
  pair->issuers = issuers_in(given);
  pair->given = std::move(given);
  pair->key = std::move(key);
  read_names(*pair);
  describe(*pair);
  pair->info.file = std::move(file);
  return pair;
}

compared_name::compared_name(std::string_view asked) noexcept {
  asked = without_final_dot(asked);
  if (asked.size() > longest) return;
  for (char const each : asked)
    bytes_[size_++] = lower(each);
}

std::string_view compared_name::wildcard() noexcept {
  auto const dot = text().find('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  bytes_[dot - 1] = '*';
  return text().substr(dot - 1);
}

void identity_set::require_free(named_pair const& pair) const {
  for (auto const& name : pair.names) {
    auto const found = by_name_.find(name);
    if (found == by_name_.end()) continue;
    auto const* const other = of_type(found->second, pair.info.key_type);
    if (other == nullptr) continue;
    refuse(errc::bad_option, pair.given.origin + " and " + (*other)->given.origin +
                                 " are both for " + name + " with a key of type " +
                                 pair.info.key_type + "; keep the one to use");
  }
}

// What may throw comes first.
void identity_set::add(named_pair_ptr pair) {
  bool const is_first = pairs_.empty();
  if (!is_first) require_name(*pair);
  require_free(*pair);
  decltype(by_name_) fresh;
  if (is_nameless(*pair)) fresh[""].push_back(pair);
  std::vector<pairs_of_name*> known;
  for (auto const* const names : {&pair->names, &pair->addresses}) {
    for (auto const& name : *names) {
      auto const found = by_name_.find(name);
      if (found == by_name_.end()) {
        fresh[name].push_back(pair);
      } else if (of_type(found->second, pair->info.key_type) == nullptr) {
        found->second.reserve(found->second.size() + 1);
        known.push_back(&found->second);
      }
    }
  }
  std::string first;  // the empty one of a certificate that has none, for which nobody asks
  if (!is_nameless(*pair))
    first = pair->names.empty() ? pair->addresses.front() : pair->names.front();
  pairs_.push_back(pair);
  by_name_.merge(fresh);
  for (auto* const pairs : known)
    pairs->push_back(pair);
  if (is_first) default_name_ = std::move(first);
}

bool identity_set::set_default(std::string_view name) {
  compared_name const compared{name};
  auto const found = is_ip_address(name) ? by_name_.find(address_named(std::string{name}))
                                         : by_name_.find(compared.text());
  if (found == by_name_.end()) return false;
  default_name_ = found->first;
  refuses_others_ = false;
  return true;
}

bool use_pairs(SSL* session, pairs_of_name const& pairs) {
  constexpr int replace = 1;
  return std::ranges::all_of(pairs, [session](named_pair_ptr const& each) {
    return SSL_use_cert_and_key(session, leaf(each->given), each->key.key.get(),
                                each->issuers.get(), replace) == 1;
  });
}

identity_set::by_name::value_type const* identity_set::find(std::string_view asked) const noexcept {
  compared_name name{asked};
  // Nobody is called "*".
  if (!name.text().empty() && !name.text().starts_with('*')) {
    if (auto const exact = by_name_.find(name.text()); exact != by_name_.end()) return &*exact;
    auto const wildcard = name.wildcard();
    auto const wild = wildcard.empty() ? by_name_.end() : by_name_.find(wildcard);
    if (wild != by_name_.end()) return &*wild;
  }
  if (refuses_others_) return nullptr;
  auto const by_default = by_name_.find(default_name_);
  return by_default == by_name_.end() ? nullptr : &*by_default;
}

}  // namespace tls_async::detail
