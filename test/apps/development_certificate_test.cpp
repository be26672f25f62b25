// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The self-made certificate: what it is good for, when it is kept and when it is made anew.
#include "development_certificate.hpp"

#include "temporary_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace https_server {
namespace {

namespace fs = std::filesystem;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;

std::string text_of(fs::path const& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>(in), {}};
}

certificate_ptr certificate_of(fs::path const& file) {
  bio_ptr const bio{BIO_new_file(file.c_str(), "r")};
  return certificate_ptr{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
}

key_ptr key_of(fs::path const& file) {
  bio_ptr const bio{BIO_new_file(file.c_str(), "r")};
  return key_ptr{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)};
}

// As a client does it: does this chain of two verify for servers today, or at another time?
bool verifies(development_certificate const& files, std::time_t at = std::time(nullptr)) {
  auto const authority = certificate_of(files.authority);
  auto const certificate = certificate_of(files.certificate);
  std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>> const store{X509_STORE_new()};
  std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>> const check{X509_STORE_CTX_new()};
  X509_STORE_add_cert(store.get(), authority.get());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_X509_STRICT);
  X509_STORE_CTX_init(check.get(), store.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(check.get(), X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(check.get()), at);
  return X509_verify_cert(check.get()) == 1;
}

// Rewrites a certificate so that it ends in `seconds` from now, signed by `signer`.
void set_end(fs::path const& file, EVP_PKEY* signer, long seconds) {
  auto const certificate = certificate_of(file);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), seconds);
  X509_sign(certificate.get(), signer, EVP_sha256());
  bio_ptr const bio{BIO_new_file(file.c_str(), "w")};
  PEM_write_bio_X509(bio.get(), certificate.get());
}

mode_t mode_of(fs::path const& file) {
  struct stat status {};
  ::stat(file.c_str(), &status);
  return status.st_mode & 07777;
}

struct cache {
  development_certificate ensure() const { return ensure_development_certificate(path()); }
  fs::path path() const { return directory.path() / "new" / "tls_async"; }

  temporary_directory directory;
};

BOOST_FIXTURE_TEST_SUITE(self_made_certificate, cache)

BOOST_AUTO_TEST_CASE(verifies_for_the_names_of_this_machine_only) {
  auto const files = ensure();
  BOOST_TEST(verifies(files));
  auto const certificate = certificate_of(files.certificate);
  BOOST_TEST(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr) == 1);
  BOOST_TEST(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0) == 1);
  BOOST_TEST(X509_check_ip_asc(certificate.get(), "::1", 0) == 1);
  BOOST_TEST(X509_check_host(certificate.get(), "example.org", 0, 0, nullptr) == 0);
  BOOST_TEST(X509_check_ip_asc(certificate.get(), "127.0.0.2", 0) == 0);
}

BOOST_AUTO_TEST_CASE(is_no_authority_itself) {
  auto const files = ensure();
  BOOST_TEST(X509_check_ca(certificate_of(files.certificate).get()) == 0);
  BOOST_TEST(X509_check_ca(certificate_of(files.authority).get()) == 1);
}

BOOST_AUTO_TEST_CASE(has_a_key_for_its_owner_only) {
  auto const files = ensure();
  BOOST_TEST(mode_of(files.key) == 0600u);
  BOOST_TEST(X509_check_private_key(certificate_of(files.certificate).get(),
                                    key_of(files.key).get()) == 1);
}

BOOST_AUTO_TEST_CASE(leaves_no_key_of_the_authority_and_no_drafts) {
  ensure();
  std::set<std::string> names;
  for (auto const& entry : fs::directory_iterator(path()))
    names.insert(entry.path().filename());
  BOOST_TEST(
      (names == std::set<std::string>{"authority.pem", "localhost.pem", "localhost.key.pem"}));
  BOOST_TEST(text_of(path() / "authority.pem").find("PRIVATE KEY") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(is_kept_while_it_is_good) {
  auto const before = text_of(ensure().certificate);
  BOOST_TEST(text_of(ensure().certificate) == before);
}

BOOST_AUTO_TEST_CASE(is_made_anew_when_a_file_is_missing_or_broken) {
  auto const files = ensure();
  for (auto const& file : {files.authority, files.certificate, files.key}) {
    auto const before = text_of(files.certificate);
    fs::remove(file);
    BOOST_TEST(verifies(ensure()));
    BOOST_TEST(text_of(files.certificate) != before);
    std::ofstream{file} << "-----BEGIN CERTIFICATE-----\nbroken\n";
    BOOST_TEST(verifies(ensure()));
    BOOST_TEST(mode_of(files.key) == 0600u);
  }
}

BOOST_AUTO_TEST_CASE(is_made_anew_when_its_parts_do_not_belong_together) {
  auto const files = ensure();
  auto const other = ensure_development_certificate(directory.path() / "other");
  for (auto const part : {&development_certificate::authority,
                          &development_certificate::certificate, &development_certificate::key}) {
    fs::copy_file(other.*part, files.*part, fs::copy_options::overwrite_existing);
    ensure();
    BOOST_TEST(text_of(files.*part) != text_of(other.*part));
    BOOST_TEST(verifies(files));
  }
}

BOOST_AUTO_TEST_CASE(is_made_anew_when_others_may_have_read_its_key) {
  auto const files = ensure();
  auto const before = text_of(files.key);
  fs::permissions(files.key, fs::perms::group_read, fs::perm_options::add);
  ensure();
  BOOST_TEST(text_of(files.key) != before);
  BOOST_TEST(mode_of(files.key) == 0600u);
}

BOOST_AUTO_TEST_CASE(is_made_anew_when_others_may_have_written_it) {
  auto const files = ensure();
  for (auto const& file : {files.authority, files.certificate, files.key}) {
    auto const before = text_of(file);
    fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
    ensure();
    BOOST_TEST(text_of(file) != before);
    BOOST_TEST((mode_of(file) & 0022u) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(is_never_read_through_a_link) {
  auto const files = ensure();
  auto const other = ensure_development_certificate(directory.path() / "other");
  for (auto const part : {&development_certificate::authority,
                          &development_certificate::certificate, &development_certificate::key}) {
    fs::rename(files.*part, directory.path() / "moved");
    fs::create_symlink(directory.path() / "moved", files.*part);
    ensure();
    BOOST_TEST(!fs::is_symlink(files.*part));
    BOOST_TEST(text_of(files.*part) != text_of(directory.path() / "moved"));
  }
  fs::create_directory_symlink(directory.path() / "other", directory.path() / "link");
  BOOST_CHECK_EXCEPTION(ensure_development_certificate(directory.path() / "link"),
                        std::runtime_error, [](auto const& error) {
                          return std::string(error.what()).find("XDG_CACHE_HOME") !=
                                 std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(is_in_a_directory_that_nobody_else_writes_to) {
  fs::create_directories(path());
  fs::permissions(path(), fs::perms::all);
  ensure();
  BOOST_TEST((mode_of(path()) & 0022u) == 0u);
}

BOOST_AUTO_TEST_CASE(is_not_taken_from_another_user) {
  if (::geteuid() != 0) return;  // nobody else can give a file away
  auto const files = ensure();
  constexpr uid_t stranger = 65'534;
  for (auto const& file : {files.authority, files.certificate, files.key}) {
    auto const before = text_of(file);
    BOOST_TEST_REQUIRE(::chown(file.c_str(), stranger, stranger) == 0);
    ensure();
    BOOST_TEST(text_of(file) != before);
  }
  BOOST_TEST_REQUIRE(::chown(path().c_str(), stranger, stranger) == 0);
  BOOST_CHECK_EXCEPTION(ensure(), std::runtime_error, [](auto const& error) {
    std::string const text = error.what();
    return text.find("another user") != text.npos && text.find("XDG_CACHE_HOME") != text.npos;
  });
}

BOOST_AUTO_TEST_CASE(is_made_anew_when_its_authority_is_near_its_end) {
  constexpr long day = 86'400;
  auto const files = ensure();
  key_ptr const any_key{EVP_EC_gen("P-256")};  // who signed the authority is not looked at
  set_end(files.authority, any_key.get(), 29 * day);
  auto const near_end = text_of(files.authority);
  ensure();
  BOOST_TEST(text_of(files.authority) != near_end);
  BOOST_TEST(verifies(files, std::time(nullptr) + 300 * day));
}

BOOST_AUTO_TEST_CASE(is_refused_with_words_when_it_cannot_be_kept) {
  directory.write("file", "");
  BOOST_CHECK_EXCEPTION(ensure_development_certificate(directory.path() / "file" / "tls_async"),
                        std::runtime_error, [](auto const& error) {
                          std::string const text = error.what();
                          return text.find("Not a directory") != text.npos &&
                                 text.find("XDG_CACHE_HOME") != text.npos;
                        });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
