// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "host.hpp"

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "error_queue.hpp"
#include "openssl_ptr.hpp"

namespace tls_async::detail {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view letters_of_names =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

bool has_only(std::string_view text, std::string_view letters) noexcept {
  return text.find_first_not_of(letters) == std::string_view::npos;
}

std::string_view last_label(std::string_view name) noexcept {
  auto const dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

// Of "127.0.0.010" some programs make 127.0.0.8, and OpenSSL 127.0.0.10.
bool has_leading_zero(std::string_view host) noexcept {
  for (bool is_first = true; host.size() > 1; host.remove_prefix(1)) {
    if (is_first && host[0] == '0' && host[1] != '.') return true;
    is_first = host[0] == '.';
  }
  return false;
}

char const* fault_of_letters(std::string_view host) noexcept {
  if (std::ranges::any_of(host, [](unsigned char c) { return c >= 0x80; })) {
    return "it has letters that are not ASCII: pass the ASCII form of the name, whose labels begin "
           "with xn--";
  }
  if (host.find('/') != std::string_view::npos) return "it is a URL or a path: pass the host alone";
  if (host.find('[') != std::string_view::npos) return "pass the address without its brackets";
  if (host.find('%') != std::string_view::npos) return "pass the address without its zone";
  if (host.find('@') != std::string_view::npos) return "pass the host without the user's name";
  if (host.find('*') != std::string_view::npos) return "pass the name of one host";
  if (std::ranges::count(host, ':') == 1) return "pass the host without its port";
  return "it is neither a DNS name nor an IP address: it has a character that no name has";
}

}  // namespace

char const* fault_of_host(std::string_view host) noexcept {
  if (host.empty()) return "it is empty";
  if (is_ip_address(host)) return nullptr;
  if (!has_only(host, letters_of_names)) return fault_of_letters(host);
  auto name = without_final_dot(host);
  // RFC 1035 section 2.3.4: 255 bytes on the wire, of which two are not the name's.
  if (name.size() > 253) return "it is longer than the 253 characters of a DNS name";
  // Else it could be taken for an address elsewhere (RFC 1123 section 2.1).
  if (auto const last = last_label(name); !last.empty() && has_only(last, digits)) {
    return "it ends with a number, and is not an IP address";
  }
  for (;;) {
    auto const dot = name.find('.');
    auto const label = name.substr(0, dot);
    if (label.empty()) return "it has an empty label: pass the whole name of one host";
    if (label.size() > 63) return "it has a label of more than 63 characters";
    if (dot == std::string_view::npos) return nullptr;
    name.remove_prefix(dot + 1);
  }
}

std::string in_lower_case(std::string_view name) {
  std::string made(name);
  for (char& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return made;
}

std::string_view without_final_dot(std::string_view host) noexcept {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool is_ip_address(std::string_view host) noexcept {
  // What OpenSSL reads with sscanf(3), which is generous with blanks and signs.
  bool const is_ipv4 = has_only(host, "0123456789.") && !has_leading_zero(host);
  bool const is_ipv6 = has_only(host, "0123456789abcdefABCDEF:.") && host.find(':') < host.size();
  constexpr std::size_t longest = 45;
  if ((!is_ipv4 && !is_ipv6) || host.size() > longest) return false;
  char text[longest + 1] = {};
  host.copy(text, longest);
  error_mark const mark;
  openssl_ptr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> const address(a2i_IPADDRESS(text));
  return address != nullptr;
}

bool is_for_host(X509* certificate, std::string const& host, unsigned flags) noexcept {
  error_mark const mark;
  int const answer = is_ip_address(host)
                         ? X509_check_ip_asc(certificate, host.c_str(), 0)
                         : X509_check_host(certificate, host.data(), host.size(), flags, nullptr);
  return answer == 1;
}

}  // namespace tls_async::detail
