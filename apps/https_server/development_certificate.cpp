// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Makes the certificates with OpenSSL and keeps them in files; the only part that knows either.
#include "development_certificate.hpp"

#include "serving/own_file.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace https_server {
namespace {

namespace fs = std::filesystem;

constexpr long hour = 3600;
constexpr long day = 24 * hour;
constexpr long lifetime = 365 * day;
constexpr long renewed_before_end = 30 * day;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using bignum_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using name_ptr = std::unique_ptr<X509_NAME, freed_by<X509_NAME_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;

struct certified_key {
  key_ptr key;
  certificate_ptr certificate;
};

void require(bool done, char const* what) {
  if (done) return;
  char reason[256];
  ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
  ERR_clear_error();
  throw std::runtime_error(std::string("OpenSSL could not ") + what + ": " + reason);
}

[[noreturn]] void refuse(std::string const& doing, fs::path const& path, std::string const& why) {
  throw std::runtime_error("cannot " + doing + " \"" + path.string() + "\": " + why +
                           "; set XDG_CACHE_HOME to a directory of your own, or give --cert and "
                           "--key");
}

[[noreturn]] void throw_file_error(std::string const& doing, fs::path const& path) {
  refuse(doing, path, std::generic_category().message(errno));
}

void add_extension(X509* certificate, X509* issuer, int nid, char const* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  extension_ptr const extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value)};
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1,
          "add a certificate extension");
}

// Everything of a certificate but its extensions and signature. `issuer` is null for an authority.
certified_key begin_identity(char const* common_name, X509* issuer) {
  certified_key made;
  made.key.reset(EVP_EC_gen("P-256"));
  require(made.key != nullptr, "make a key");
  made.certificate.reset(X509_new());
  auto* const certificate = made.certificate.get();
  bignum_ptr const serial{BN_new()};
  name_ptr const name{X509_NAME_new()};
  require(
      certificate && serial && name &&
          BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
          BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) &&
          X509_set_version(certificate, X509_VERSION_3) &&
          // An hour of tolerance for clients whose clocks are behind.
          X509_gmtime_adj(X509_getm_notBefore(certificate), -hour) &&
          X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime) &&
          X509_set_pubkey(certificate, made.key.get()) &&
          X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_ASC,
                                     reinterpret_cast<unsigned char const*>(common_name), -1, -1,
                                     0) &&
          X509_set_subject_name(certificate, name.get()) &&
          X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate)),
      "make a certificate");
  return made;
}

certified_key make_authority() {
  auto made = begin_identity("tls_async development authority", nullptr);
  auto* const certificate = made.certificate.get();
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
  require(X509_sign(certificate, made.key.get(), EVP_sha256()) > 0, "sign the authority");
  return made;
}

certified_key make_localhost(certified_key const& authority) {
  auto* const issuer = authority.certificate.get();
  auto made = begin_identity("localhost", issuer);
  auto* const certificate = made.certificate.get();
  add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth");
  add_extension(certificate, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  require(X509_sign(certificate, authority.key.get(), EVP_sha256()) > 0, "sign the certificate");
  return made;
}

std::string contents(BIO* memory) {
  char* data = nullptr;
  auto const length = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(length)};
}

std::string pem(X509* certificate) {
  bio_ptr const memory{BIO_new(BIO_s_mem())};
  require(memory && PEM_write_bio_X509(memory.get(), certificate), "write a certificate");
  return contents(memory.get());
}

std::string pem(EVP_PKEY* key) {
  bio_ptr const memory{BIO_new(BIO_s_mem())};
  require(memory && PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr,
                                                  nullptr),
          "write a key");
  return contents(memory.get());
}

// A reader sees the old file or the new one, never a part of either.
void write_atomically(fs::path const& path, std::string const& text, mode_t mode) {
  auto draft = path.string() + ".XXXXXX";
  int const descriptor = ::mkstemp(draft.data());  // mode 0600 from the start
  if (descriptor < 0) throw_file_error("create a file beside", path);
  auto const written = ::write(descriptor, text.data(), text.size());
  bool const whole = written >= 0 && static_cast<std::size_t>(written) == text.size() &&
                     ::fchmod(descriptor, mode) == 0 && ::fsync(descriptor) == 0;
  auto const error = errno;
  ::close(descriptor);
  if (whole && ::rename(draft.c_str(), path.c_str()) == 0) return;
  if (!whole) errno = error;
  ::unlink(draft.c_str());
  throw_file_error("write", path);
}

// Null unless it is a file of our own, and no link to another: who else may have written it could
// read every connection, or have clients trust another authority.
bio_ptr open_own(fs::path const& path, serving::readers who) {
  int const descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (descriptor < 0) return nullptr;
  bio_ptr file{BIO_new_fd(descriptor, BIO_CLOSE)};
  if (!file) ::close(descriptor);
  return file && serving::fault_of_own_file(descriptor, who).empty() ? std::move(file) : nullptr;
}

certificate_ptr read_certificate(fs::path const& path) {
  bio_ptr const file = open_own(path, serving::readers::anyone);
  return certificate_ptr{file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr};
}

key_ptr read_key(fs::path const& path) {
  bio_ptr const file = open_own(path, serving::readers::owner);
  char no_password[] = "";  // without one OpenSSL would ask a terminal for it
  return key_ptr{file ? PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, no_password)
                      : nullptr};
}

bool lasts(X509* certificate) {
  auto const now = std::time(nullptr);
  return ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), now) == -1 &&
         ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), now + renewed_before_end) == 1;
}

bool is_usable(development_certificate const& files) {
  auto const authority = read_certificate(files.authority);
  auto const certificate = read_certificate(files.certificate);
  auto const key = read_key(files.key);
  bool const usable = authority && certificate && key && lasts(authority.get()) &&
                      lasts(certificate.get()) &&
                      X509_check_private_key(certificate.get(), key.get()) == 1 &&
                      X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
  ERR_clear_error();
  return usable;
}

// Held while the files are judged and made, so that two servers that start at once agree on them.
class directory_lock {
public:
  explicit directory_lock(fs::path const& directory)
      : descriptor_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) {
    auto const why = descriptor_ < 0 ? std::generic_category().message(errno) : fault();
    if (why.empty()) return;
    if (descriptor_ >= 0) ::close(descriptor_);
    refuse("keep a certificate in", directory, why);
  }
  directory_lock(directory_lock const&) = delete;
  directory_lock& operator=(directory_lock const&) = delete;
  ~directory_lock() { ::close(descriptor_); }

private:
  // Of this user, and from now on for nobody else to write to: what belongs to others in it is
  // never used (open_own).
  std::string fault() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0 && status.st_uid != ::geteuid())
      return "it belongs to another user, who could put another certificate there";
    constexpr mode_t written_by_others = S_IWGRP | S_IWOTH;
    bool const done = ((status.st_mode & written_by_others) == 0 ||
                       ::fchmod(descriptor_, status.st_mode & 0777 & ~written_by_others) == 0) &&
                      ::flock(descriptor_, LOCK_EX) == 0;
    return done ? "" : std::generic_category().message(errno);
  }

  int descriptor_;
};

}  // namespace

fs::path certificate_directory() {
  // The specification of XDG_CACHE_HOME says to ignore a relative path.
  if (char const* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache == '/')
    return fs::path(cache) / "tls_async";
  if (char const* home = std::getenv("HOME"); home && *home == '/')
    return fs::path(home) / ".cache" / "tls_async";
  throw std::runtime_error(
      "there is no directory to keep a certificate in; set HOME or XDG_CACHE_HOME, or give --cert "
      "and --key");
}

development_certificate ensure_development_certificate(fs::path const& directory) {
  development_certificate files{directory / "authority.pem", directory / "localhost.pem",
                                directory / "localhost.key.pem"};
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    errno = error.value();
    throw_file_error("create", directory);
  }
  directory_lock const lock{directory};
  if (is_usable(files)) return files;

  auto const authority = make_authority();
  auto const localhost = make_localhost(authority);
  write_atomically(files.key, pem(localhost.key.get()), 0600);
  write_atomically(files.certificate, pem(localhost.certificate.get()), 0644);
  write_atomically(files.authority, pem(authority.certificate.get()), 0644);
  return files;
}

}  // namespace https_server
