// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context's trust: what a peer's certificate is verified with, and who has to be verified.
#include "state.hpp"

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../core/verification_digest.hpp"
#include "../pem/pem.hpp"

namespace tls_async {
namespace {

namespace fs = std::filesystem;
using detail::certificates_ptr;
using detail::names_ptr;
using detail::refuse;

// As X509_LOOKUP_hash_dir(3): the hash of a name, eight hexadecimal digits, with .N behind, or with
// .rN for a list of revoked certificates.
bool is_found_by_lookup(fs::directory_entry const& entry) {
  auto const name = entry.path().filename().string();
  std::error_code unknown;
  return name.size() > 9 && name.find_first_not_of("0123456789abcdef") == 8 && name[8] == '.' &&
         entry.is_regular_file(unknown);
}

// OpenSSL begins with ".0".
bool is_lookup_entry(fs::directory_entry const& entry) {
  return entry.path().extension() == ".0" && is_found_by_lookup(entry);
}

bool has_lookup_entry(fs::path const& directory, std::error_code& error) {
  fs::directory_iterator const entries{directory, error};
  return !error && std::any_of(begin(entries), end(entries), is_lookup_entry);
}

// As OpenSSL: the environment does not count in a program with raised privileges.
std::string from_environment(char const* name, char const* otherwise) {
#ifdef __GLIBC__
  char const* const value = secure_getenv(name);
#else
  char const* const value = std::getenv(name);
#endif
  return value != nullptr ? value : otherwise;
}

// OpenSSL takes a list of directories, joined by ':'.
template <class Visit>
void for_each_directory(std::string_view directories, Visit visit) {
  while (!directories.empty()) {
    auto const length = std::min(directories.find(':'), directories.size());
    visit(directories.substr(0, length));
    directories.remove_prefix(std::min(length + 1, directories.size()));
  }
}

bool any_has_lookup_entry(std::string_view directories) {
  bool has_any = false;
  for_each_directory(directories, [&](std::string_view each) {
    std::error_code unreadable;
    has_any = has_any || has_lookup_entry(each, unreadable);
  });
  return has_any;
}

bool default_file_has_certificate() {
  detail::store_ptr const store{X509_STORE_new()};
  detail::require_memory(store != nullptr);
  return X509_STORE_set_default_paths(store.get()) == 1 && detail::has_certificate(store.get());
}

bool has_name(STACK_OF(X509_NAME) const* names, X509_NAME const* name) {
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    if (X509_NAME_cmp(sk_X509_NAME_value(names, i), name) == 0) {
      return true;
    }
  }
  return false;
}

bool add_name(STACK_OF(X509_NAME) * names, X509_NAME const* name) {
  detail::openssl_ptr<X509_NAME, X509_NAME_free> copy{X509_NAME_dup(name)};
  return copy != nullptr && sk_X509_NAME_push(names, copy.get()) > 0 && copy.release() != nullptr;
}

// Of the authorities in the trust store, for clients that are asked to have a certificate; null if
// they are too long.
names_ptr names_of_authorities(SSL_CTX* handle) {
  certificates_ptr const certificates{X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(handle))};
  names_ptr names{sk_X509_NAME_new_null()};
  detail::require_memory(certificates != nullptr && names != nullptr);
  std::size_t bytes = 0;
  for (int i = 0; i < sk_X509_num(certificates.get()); ++i) {
    X509_NAME const* const subject = X509_get_subject_name(sk_X509_value(certificates.get(), i));
    if (!has_name(names.get(), subject)) {
      int const length = i2d_X509_NAME(subject, nullptr);
      detail::require_memory(length >= 0 && add_name(names.get(), subject));
      // Two bytes of length stand before each name: RFC 8446 section 4.2.4.
      bytes += 2 + static_cast<std::size_t>(length);
    }
  }
  // No names means any authority to a client; a list as long as a system's is no help to it.
  constexpr std::size_t most = 16'384;
  return bytes <= most ? std::move(names) : nullptr;
}

// Whatever is trusted, sessions are resumed only where the same was trusted before.
class added_trust {
public:
  explicit added_trust(SSL_CTX* handle)
      : handle_(handle),
        record_(detail::state_of(handle).policy.trust),
        digest_(record_.digest()) {}

  void add(std::string_view given) {
    detail::require_memory(detail::add_to_digest(digest_, given));
  }
  void add(X509 const* certificate) {
    detail::sha256_digest each{};
    detail::require_memory(X509_digest(certificate, EVP_sha256(), each.data(), nullptr) == 1);
    add({reinterpret_cast<char const*>(each.data()), each.size()});
  }
  // What a lookup would find by the hash of a name, certificates and lists of revoked ones, as it
  // is on the disk at this moment: OpenSSL reads it when it is needed.
  void add_directory(std::string_view directory) {
    add("directory ");
    add(directory);
    std::vector<fs::path> entries;
    std::error_code failed;
    for (fs::directory_iterator each{directory, failed}, end; !failed && each != end;
         each.increment(failed))
      if (is_found_by_lookup(*each)) entries.push_back(each->path());
    std::sort(entries.begin(), entries.end());
    for (auto const& entry : entries) {
      add(entry.filename().string());
      std::ifstream file{entry, std::ios::binary};
      add(std::string{std::istreambuf_iterator<char>{file}, {}});
    }
  }
  // As they are on the disk at this moment.
  void add_system(std::string_view directories) {
    detail::store_ptr const store{X509_STORE_new()};
    detail::require_memory(store != nullptr);
    X509_STORE_set_default_paths(store.get());
    certificates_ptr const certificates{X509_STORE_get1_all_certs(store.get())};
    detail::require_memory(certificates != nullptr);
    for (int i = 0; i < sk_X509_num(certificates.get()); ++i)
      add(sk_X509_value(certificates.get(), i));
    for_each_directory(directories, [this](std::string_view each) { add_directory(each); });
  }
  // Before it is trusted.
  void tell() {
    record_.set(digest_);
    detail::name_sessions(handle_, SSL_CTX_get_verify_mode(handle_));
  }

private:
  SSL_CTX* handle_;
  detail::trust_record& record_;
  detail::sha256_digest digest_;
};

int value_of(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

std::string digest_of_hex(std::string_view text, std::size_t position) {
  bool const is_hex = text.size() == 64 && std::all_of(text.begin(), text.end(),
                                                       [](char c) { return value_of(c) != -1; });
  if (!is_hex) {
    refuse(errc::bad_option, "pinned public key " + std::to_string(position) +
                                 " is no SHA-256 digest of 64 hexadecimal digits");
  }
  std::string digest;
  for (std::size_t i = 0; i != text.size(); i += 2)
    digest += static_cast<char>(value_of(text[i]) * 16 + value_of(text[i + 1]));
  return digest;
}

// What is trusted has been added. OpenSSL can't take it out again if there is no memory for the
// names, so it stays. They only help clients to choose, and a session may be sending them.
void trust_more(SSL_CTX* handle) {
  auto& state = detail::state_of(handle);
  bool const asks = state.is_server && (SSL_CTX_get_verify_mode(handle) & SSL_VERIFY_PEER) != 0;
  if (!asks) return;
  std::scoped_lock const lock(state.policy.first_use);
  if (state.policy.is_in_use) return;
  SSL_CTX_set_client_CA_list(handle, names_of_authorities(handle).release());
}

void trust_text(SSL_CTX* handle, std::string_view pem, std::string const& origin) {
  auto const certificates =
      detail::parse_certificates(pem, origin, detail::other_blocks::refuse, errc::bad_trust);
  added_trust added(handle);
  for (auto const& each : certificates)
    added.add(each.get());
  added.tell();
  for (auto const& each : certificates) {
    detail::require_memory(X509_STORE_add_cert(SSL_CTX_get_cert_store(handle), each.get()) == 1);
  }
  trust_more(handle);
}

}  // namespace

void context::trust_system() {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "trust_system()");
  auto const file =
      from_environment(X509_get_default_cert_file_env(), X509_get_default_cert_file());
  auto const directories =
      from_environment(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
  if (!default_file_has_certificate() && !any_has_lookup_entry(directories)) {
    refuse(errc::bad_trust,
           "this system has no default authorities: there is no certificate in "
           "the file '" +
               file + "' and no entry in the directory '" + directories +
               "'; install the package ca-certificates, set SSL_CERT_FILE or "
               "SSL_CERT_DIR, or call trust_file()");
  }
  added_trust added(handle_.get());
  added.add_system(directories);
  added.tell();
  detail::require_memory(SSL_CTX_set_default_verify_paths(handle_.get()) == 1);
  trust_more(handle_.get());
}

void context::trust_file(fs::path const& file) {
  detail::error_queue_scope const scope;
  auto const origin = detail::file_origin("trust", file);
  trust_text(handle_.get(), detail::read_file(file, origin).text(), origin);
}

void context::trust_directory(fs::path const& directory) {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "trust_directory()");
  auto const name = "the trust directory '" + directory.string() + "'";
  std::error_code error;
  // Lookups happen later, when the program may have changed its working directory.
  auto const absolute = fs::absolute(directory, error);
  bool const has_entry = !error && has_lookup_entry(absolute, error);
  if (error) {
    refuse(errc::file_error, "cannot read " + name + ": " + error.message());
  }
  if (!has_entry) {
    refuse(errc::bad_trust, name + " has no entry with the hash of a certificate's subject for " +
                                "its name; run 'openssl rehash " + directory.string() + "'");
  }
  if (absolute.string().find(':') != std::string::npos) {
    refuse(errc::bad_trust, name + " has a ':' in its path, where OpenSSL would split it");
  }
  added_trust added(handle_.get());
  added.add_directory(absolute.string());
  added.tell();
  detail::require_memory(SSL_CTX_load_verify_dir(handle_.get(), absolute.string().c_str()) == 1);
  trust_more(handle_.get());
}

void context::trust(std::string_view pem) {
  detail::error_queue_scope const scope;
  trust_text(handle_.get(), pem, detail::memory_origin("trust text"));
}

void context::set_rules_version(std::string named) {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "set_rules_version()");
  auto& kept = detail::state_of(handle_.get()).policy.rules_version;
  kept.swap(named);
  try {
    detail::name_sessions(handle_.get(), SSL_CTX_get_verify_mode(handle_.get()));
  } catch (...) {
    kept.swap(named);
    throw;
  }
}

void context::pin_public_keys(std::string const* first, std::size_t count) {
  detail::error_queue_scope const scope;
  if (is_server()) refuse(errc::wrong_role, "pin_public_keys() is for clients");
  detail::require_unused(handle_.get(), "pin_public_keys()");
  if (count == 0) refuse(errc::bad_option, "the list of pinned public keys is empty");
  std::string pins;
  for (std::size_t i = 0; i != count; ++i)
    pins += digest_of_hex(first[i], i + 1);
  detail::state_of(handle_.get()).policy.pins = std::move(pins);
}

void context::require_client_certificate() {
  verify_clients("require_client_certificate()", SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

void context::request_client_certificate() {
  verify_clients("request_client_certificate()", SSL_VERIFY_PEER);
}

void context::verify_clients(char const* setter, int mode) {
  detail::error_queue_scope const scope;
  if (!is_server()) {
    refuse(errc::wrong_role, std::string{setter} + " is for servers");
  }
  detail::require_unused(handle_.get(), setter);
  if (!detail::has_trust(handle_.get())) {
    refuse(errc::empty_trust_store,
           std::string{setter} + " has nothing to verify clients with yet");
  }
  auto names = names_of_authorities(handle_.get());
  detail::name_sessions(handle_.get(), mode);
  // Nothing from here on can fail.
  SSL_CTX_set_verify(handle_.get(), mode, nullptr);
  SSL_CTX_set_client_CA_list(handle_.get(), names.release());
}

void context::insecure_skip_verification() {
  detail::error_queue_scope const scope;
  if (is_server()) {
    refuse(errc::wrong_role,
           "insecure_skip_verification() is for clients; a server verifies only after "
           "require_client_certificate() or request_client_certificate()");
  }
  detail::require_unused(handle_.get(), "insecure_skip_verification()");
  SSL_CTX_set_verify(handle_.get(), SSL_VERIFY_NONE, nullptr);
  detail::state_of(handle_.get()).policy.verification_skipped = true;
}

namespace detail {

void name_sessions(SSL_CTX* handle, int verify_mode) {
  auto& state = state_of(handle);
  std::scoped_lock const lock(state.policy.first_use);
  if (state.policy.is_in_use) return;
  sha256_digest id = state.policy.trust.digest();
  require_memory(add_to_digest(id, "sessions of mode " + std::to_string(verify_mode)) &&
                 add_to_digest(id, state.policy.rules_version) &&
                 SSL_CTX_set_session_id_context(handle, id.data(), id.size()) == 1);
  state.session_id_context = id;
}

}  // namespace detail
}  // namespace tls_async
