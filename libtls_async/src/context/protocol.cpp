// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context's protocol settings: versions, suites, groups, ALPN. OpenSSL skips much of what it
// does not know; here each word is tried out alone, so that none is ignored.
#include "state.hpp"

#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <string_view>

namespace tls_async {
namespace {

using detail::refuse;

int number_of(context::version named) {
  return named == context::version::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

std::vector<std::string> words(std::string const& list, char const* separators) {
  std::vector<std::string> found;
  for (std::size_t begin = 0;
       (begin = list.find_first_not_of(separators, begin)) != std::string::npos;) {
    auto const end = list.find_first_of(separators, begin);
    found.push_back(list.substr(begin, end - begin));
    begin = end == std::string::npos ? list.size() : end;
  }
  return found;
}

// The ClientHello of a client with these settings, or nothing if it can't make one: OpenSSL applies
// the security level to suites and groups only then.
std::string hello_of(SSL_CTX* settings, int version) {
  detail::session_ptr const session{SSL_new(settings)};
  detail::bio_ptr in{BIO_new(BIO_s_mem())};
  detail::bio_ptr out{BIO_new(BIO_s_mem())};
  detail::require_memory(session != nullptr && in != nullptr && out != nullptr);
  SSL_set_bio(session.get(), in.release(), out.release());
  SSL_set_connect_state(session.get());
  bool const waits_for_answer =
      SSL_set_min_proto_version(session.get(), version) == 1 &&
      SSL_set_max_proto_version(session.get(), version) == 1 &&
      SSL_get_error(session.get(), SSL_do_handshake(session.get())) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  char* text = nullptr;
  auto const length = BIO_get_mem_data(SSL_get_wbio(session.get()), &text);
  return {text, waits_for_answer ? static_cast<std::size_t>(length) : 0};
}

bool says_hello(SSL_CTX* settings, int version) { return !hello_of(settings, version).empty(); }

[[noreturn]] void refuse_word(std::string const& word, char const* setting, char const* why) {
  refuse(errc::bad_option, "'" + word + "' in " + setting + ": " + why);
}

constexpr auto tls12 = "the TLS 1.2 cipher list";
constexpr auto tls13 = "the TLS 1.3 suites";

// OpenSSL ends a word at any other character, and what follows is the next one: behind "AESGCM" in
// "AESGCM@SECLEVEL=0" a command, behind a NUL byte nothing at all. So that its words and ours are
// the same, nothing else may be in one.
bool has_only_letters_of_names(std::string_view word) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !word.empty() && word.front() != '-' &&
         word.find_first_not_of(letters) == std::string_view::npos;
}

// Suites that are all of several kinds, as in "ECDHE+AESGCM".
bool is_tls12_word(std::string_view word) {
  for (;;) {
    auto const plus = word.find('+');
    if (!has_only_letters_of_names(word.substr(0, plus))) return false;
    if (plus == std::string_view::npos) return true;
    word.remove_prefix(plus + 1);
  }
}

void check_tls12_word(SSL_CTX* handle, std::string const& word, bool is_first) {
  if (word == "@STRENGTH") {
    return;
  }
  bool const is_operator = std::string_view{"!-+"}.find(word.front()) != std::string_view::npos;
  auto const suites = word.substr(is_operator ? 1 : 0);
  if (word.find('@') != std::string::npos || suites.starts_with("SUITEB")) {
    refuse_word(word, tls12, "only suites and @STRENGTH are accepted, nothing that changes more");
  }
  // OpenSSL knows it at the beginning of the list, as a prefix, and nowhere else.
  if (suites.starts_with("DEFAULT") && (word != "DEFAULT" || !is_first)) {
    refuse_word(word, tls12, "DEFAULT is known only as the first word of the list");
  }
  auto const scratch = detail::scratch_context(handle);
  if (!is_tls12_word(suites) || SSL_CTX_set_cipher_list(scratch.get(), suites.c_str()) != 1) {
    refuse_word(word, tls12, "OpenSSL knows no such suite of TLS 1.2");
  }
  if (!is_operator && !says_hello(scratch.get(), TLS1_2_VERSION)) {
    refuse_word(word, tls12, "the security level allows no such suite");
  }
}

// Whatever a list says, it is a list of suites.
void require_same_level(SSL_CTX const* before, SSL_CTX const* after, std::string const& list) {
  if (SSL_CTX_get_security_level(before) != SSL_CTX_get_security_level(after)) {
    refuse_word(list, tls12, "it would change the security level");
  }
}

bool is_strong_tls12(SSL_CIPHER const* suite) {
  auto const exchange = SSL_CIPHER_get_kx_nid(suite);
  auto const authentication = SSL_CIPHER_get_auth_nid(suite);
  return (exchange == NID_kx_ecdhe || exchange == NID_kx_dhe) &&
         (authentication == NID_auth_ecdsa || authentication == NID_auth_rsa) &&
         SSL_CIPHER_is_aead(suite) == 1;
}

void check_tls12_suites(SSL_CTX* settings) {
  auto* const suites = SSL_CTX_get_ciphers(settings);
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); ++i) {
    auto const* const suite = sk_SSL_CIPHER_value(suites, i);
    bool const is_tls13 = SSL_CIPHER_get_kx_nid(suite) == NID_kx_any;
    if (!is_tls13 && !is_strong_tls12(suite)) {
      refuse_word(SSL_CIPHER_get_name(suite), tls12,
                  "not an AEAD suite with ephemeral key exchange and a certificate; exclude it, or "
                  "use SSL_CTX_set_cipher_list() on native_handle() at your own risk");
    }
  }
}

void check_tls13_word(SSL_CTX* handle, std::string const& word) {
  auto const scratch = detail::scratch_context(handle);
  if (!has_only_letters_of_names(word) ||
      SSL_CTX_set_ciphersuites(scratch.get(), word.c_str()) != 1) {
    refuse_word(word, tls13, "OpenSSL knows no such suite of TLS 1.3");
  }
  if (!says_hello(scratch.get(), TLS1_3_VERSION)) {
    refuse_word(word, tls13, "the security level does not allow it");
  }
}

// TLS 1.2 can do without a group that the security level forbids, and leaves the extension
// supported_groups out: its type, its length and its list's length, of one group (RFC 8422 5.1.1).
bool offers_group_in_tls12(SSL_CTX* settings) {
  using namespace std::string_view_literals;
  return hello_of(settings, TLS1_2_VERSION).find("\0\x0a\0\x04\0\x02"sv) != std::string::npos;
}

void check_group(SSL_CTX* handle, std::string const& word) {
  constexpr auto setting = "the groups";
  auto const scratch = detail::scratch_context(handle);
  // OpenSSL 3.5 has signs for more than a name: '*' and '?' before it, '/' between two.
  if (!has_only_letters_of_names(word) ||
      SSL_CTX_set1_groups_list(scratch.get(), word.c_str()) != 1) {
    refuse_word(word, setting, "OpenSSL knows no such group");
  }
  if (!says_hello(scratch.get(), TLS1_3_VERSION) && !offers_group_in_tls12(scratch.get())) {
    refuse_word(word, setting, "the security level does not allow it");
  }
}

// RFC 7301 section 3.1: each name with its length before it.
std::string on_the_wire(std::vector<std::string> const& protocols) {
  if (protocols.empty()) {
    refuse(errc::bad_option, "the list of application protocols is empty");
  }
  std::string wire;
  for (auto const& name : protocols) {
    if (name.empty() || name.size() > 255) {
      refuse(errc::bad_option, "application protocol " +
                                   std::to_string(&name - protocols.data() + 1) + " has " +
                                   std::to_string(name.size()) + " bytes; 1 to 255 are possible");
    }
    wire += static_cast<char>(name.size());
    wire += name;
  }
  // All extensions of a ClientHello share 65 535 bytes; 4 KiB are left to the others.
  constexpr std::size_t most = 61'440;
  if (wire.size() > most) {
    refuse(errc::bad_option, "the application protocols take " + std::to_string(wire.size()) +
                                 " bytes together; at most " + std::to_string(most) +
                                 " fit a ClientHello");
  }
  return wire;
}

unsigned char const* bytes_of(std::string const& text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

// Where `name` stands in a list as on the wire, without its length; null if nowhere.
unsigned char const* place_in(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    auto const each = list.substr(1, static_cast<unsigned char>(list.front()));
    if (each == name) return reinterpret_cast<unsigned char const*>(each.data());
    list.remove_prefix(std::min(list.size(), each.size() + 1));
  }
  return nullptr;
}

int select_alpn(SSL* /*session*/, unsigned char const** chosen, unsigned char* chosen_length,
                unsigned char const* offered, unsigned int offered_length, void* state) noexcept {
  auto const ours = static_cast<detail::context_state const*>(state)->alpn.get();
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_length, bytes_of(*ours),
                            static_cast<unsigned int>(ours->size()), offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  // OpenSSL reads it when we have returned, and another list may be in the place of ours then.
  *chosen = place_in({reinterpret_cast<char const*>(offered), offered_length},
                     {reinterpret_cast<char const*>(found), *chosen_length});
  return *chosen != nullptr ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

namespace detail {
namespace {

// The extension supported_groups of a ClientHello, its list alone (RFC 8446 section 4.2.7).
std::vector<unsigned> groups_in(std::string_view hello) {
  auto const number = [&hello](std::size_t at) {
    return at + 2 <= hello.size() ? static_cast<unsigned char>(hello[at]) * 256U +
                                        static_cast<unsigned char>(hello[at + 1])
                                  : 0U;
  };
  // Headers of the record and of the message, version, random; then what has a length before it.
  std::size_t at = 5 + 4 + 2 + 32;
  if (at >= hello.size()) return {};
  at += 1U + static_cast<unsigned char>(hello[at]);
  at += 2 + number(at);
  if (at >= hello.size()) return {};
  at += 1U + static_cast<unsigned char>(hello[at]);
  std::vector<unsigned> found;
  for (at += 2; at + 4 <= hello.size(); at += 4 + number(at + 2)) {
    constexpr unsigned supported_groups = 10;
    if (number(at) != supported_groups) continue;
    for (std::size_t i = 0; i + 2 <= number(at + 4); i += 2)
      found.push_back(number(at + 6 + i));
  }
  return found;
}

// RFC 8446 section 4.2.7, RFC 7919.
bool is_ffdhe(unsigned group) { return group >= 0x100 && group <= 0x1ff; }

}  // namespace

void leave_out_ffdhe(SSL_CTX* handle) {
  auto const scratch = scratch_context(handle);
  auto const offered = groups_in(hello_of(scratch.get(), TLS1_3_VERSION));
  if (std::none_of(offered.begin(), offered.end(), is_ffdhe)) return;  // the system's choice
  // From 3.5 on a list says more than an order.
  if (OpenSSL_version_num() >= 0x30500000UL &&
      SSL_CTX_set1_groups_list(handle,
                               "DEFAULT:-ffdhe2048:-ffdhe3072:-ffdhe4096:-ffdhe6144:"
                               "-ffdhe8192") == 1) {
    return;
  }
  session_ptr const session{SSL_new(scratch.get())};
  require_memory(session != nullptr);
  std::string list;
  for (auto const group : offered) {
    char const* const name =
        is_ffdhe(group)
            ? nullptr
            : SSL_group_to_name(session.get(), static_cast<int>(TLSEXT_nid_unknown | group));
    if (name != nullptr) list += (list.empty() ? "" : ":") + std::string{name};
  }
  if (list.empty() || SSL_CTX_set1_groups_list(handle, list.c_str()) != 1) {
    refuse(errc::bad_option, "this OpenSSL has only groups of finite fields: " + openssl_reason());
  }
}

}  // namespace detail

void context::set_versions(version oldest, version newest) {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "set_versions()");
  if (oldest > newest) {
    refuse(errc::bad_option, "set_versions(): the oldest version is newer than the newest");
  }
  auto const scratch = detail::scratch_context(handle_.get());
  if (!says_hello(scratch.get(), number_of(oldest)) ||
      !says_hello(scratch.get(), number_of(newest))) {
    refuse(errc::bad_option, "set_versions(): this OpenSSL was built without one of them");
  }
  SSL_CTX_set_min_proto_version(handle_.get(), number_of(oldest));
  SSL_CTX_set_max_proto_version(handle_.get(), number_of(newest));
  SSL_CTX_clear_options(handle_.get(), SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);
}

void context::set_ciphers_tls12(std::string const& list) {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "set_ciphers_tls12()");
  auto const all = words(list, ":;, ");
  for (auto const& word : all) {
    check_tls12_word(handle_.get(), word, &word == all.data() && list.starts_with(word));
  }
  auto const scratch = detail::scratch_context(handle_.get());
  if (SSL_CTX_set_cipher_list(scratch.get(), list.c_str()) != 1) {
    refuse_word(list, tls12, "no suite is left");
  }
  require_same_level(handle_.get(), scratch.get(), list);
  check_tls12_suites(scratch.get());
  detail::require_memory(SSL_CTX_set_cipher_list(handle_.get(), list.c_str()) == 1);
}

void context::set_ciphersuites_tls13(std::string const& list) {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "set_ciphersuites_tls13()");
  auto const names = words(list, ":");
  if (names.empty()) {
    refuse(errc::bad_option,
           "the list of TLS 1.3 suites is empty; to speak TLS 1.2 only, call "
           "set_versions(version::tls1_2, version::tls1_2)");
  }
  for (auto const& name : names) {
    check_tls13_word(handle_.get(), name);
  }
  detail::require_memory(SSL_CTX_set_ciphersuites(handle_.get(), list.c_str()) == 1);
}

void context::set_groups(std::string const& list) {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "set_groups()");
  auto const names = words(list, ":");
  if (names.empty()) {
    refuse(errc::bad_option, "the list of groups is empty");
  }
  for (auto const& name : names) {
    check_group(handle_.get(), name);
  }
  if (SSL_CTX_set1_groups_list(handle_.get(), list.c_str()) != 1) {
    refuse(errc::bad_option,
           "OpenSSL does not accept the list of groups '" + list + "'; does it name one twice?");
  }
}

void context::set_alpn(std::string const* first, std::size_t count) {
  detail::error_queue_scope const scope;
  auto wire = on_the_wire({first, first + count});
  if (!is_server()) {
    detail::require_unused(handle_.get(), "set_alpn() of a client");
    // Here 0 is success.
    detail::require_memory(SSL_CTX_set_alpn_protos(handle_.get(), bytes_of(wire),
                                                   static_cast<unsigned int>(wire.size())) == 0);
    detail::state_of(handle_.get()).policy.alpn_offer = std::move(wire);
    return;
  }
  auto& state = detail::state_of(handle_.get());
  bool const is_first = state.alpn.get() == nullptr;
  if (is_first) detail::require_unused(handle_.get(), "the first set_alpn()");
  state.alpn.set(std::move(wire));
  if (is_first) SSL_CTX_set_alpn_select_cb(handle_.get(), select_alpn, &state);
}

}  // namespace tls_async
