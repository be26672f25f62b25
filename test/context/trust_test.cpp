// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a client verifies its server with: files, directories, memory, the system's authorities.
#include <tls_async/core/policy.hpp>
#include <tls_async_test/certificates.hpp>
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <optional>

namespace tls_async::test {
namespace {

namespace fs = std::filesystem;

// Sets a variable for the length of a test.
class environment {
public:
  environment(char const* name, std::string const& value) : name_{name} {
    if (char const* const old = std::getenv(name)) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~environment() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }
  environment(environment const&) = delete;
  environment& operator=(environment const&) = delete;

private:
  char const* name_;
  std::optional<std::string> old_;
};

struct trust_fixture {
  temporary_directory files;
  context server = ready_server();
  context client{context::role::client};
  std::string const& authority = server_identity().authority;
  std::string const& other_authority = make_identity(identity_kind::untrusted).authority;

  std::string verdict() { return try_handshake(client, server).client_reason; }
  // Accepts the server's chain now and did not at first.
  void check_accepts(std::function<void()> const& trust) {
    BOOST_TEST(verdict() == "certificate verify failed");
    trust();
    BOOST_TEST(verdict() == "");
    BOOST_TEST(detail::policy_of(client.native_handle())->trust.has_any());
  }
  void check_still_trusts_nothing() {
    BOOST_TEST(!detail::policy_of(client.native_handle())->trust.has_any());
    BOOST_TEST(!detail::has_trust(client.native_handle()));
  }
};

BOOST_FIXTURE_TEST_SUITE(trust, trust_fixture)

BOOST_AUTO_TEST_CASE(authority_of_a_file_is_trusted) {
  auto const file = files.file("ca.pem", other_authority + "some comment\n" + authority);
  check_accepts([&] { client.trust_file(file); });
}

BOOST_AUTO_TEST_CASE(authority_in_memory_is_trusted) {
  check_accepts([&] { client.trust(authority); });
}

BOOST_AUTO_TEST_CASE(every_call_adds) {
  client.trust(other_authority);
  check_accepts([&] { client.trust(authority); });
  client.trust(authority);
  BOOST_TEST(verdict() == "");
}

BOOST_AUTO_TEST_CASE(certificate_that_is_no_root_is_trusted_as_well) {
  // The server's own certificate, without its authority.
  check_accepts([&] { client.trust(server_identity().certificate_chain); });
}

BOOST_AUTO_TEST_CASE(another_authority_is_not_enough) {
  client.trust(other_authority);
  BOOST_TEST(verdict() == "certificate verify failed");
}

BOOST_AUTO_TEST_CASE(expired_and_early_certificates_are_refused) {
  client.trust(authority);
  for (auto const kind : {identity_kind::expired, identity_kind::not_yet_valid}) {
    context wrong{context::role::server};
    wrong.use_certificate_chain(make_identity(kind).certificate_chain);
    wrong.use_private_key(make_identity(kind).private_key);
    BOOST_TEST(try_handshake(client, wrong).client_reason == "certificate verify failed");
  }
}

BOOST_AUTO_TEST_CASE(client_certificate_does_not_make_a_server) {
  client.trust(authority);
  context wrong{context::role::server};
  wrong.use_certificate_chain(client_identity().certificate_chain);
  wrong.use_private_key(client_identity().private_key);
  BOOST_TEST(try_handshake(client, wrong).client_reason == "certificate verify failed");
}

BOOST_AUTO_TEST_CASE(directory_is_trusted_even_when_the_working_directory_changes) {
  files.file(lookup_name(authority), authority);
  auto const before = fs::current_path();
  fs::current_path(files.path());
  client.trust_directory(".");
  fs::current_path(before);
  BOOST_TEST(verdict() == "");
}

BOOST_AUTO_TEST_CASE(directory_that_cannot_work_is_refused) {
  auto const missing = files.path() / "missing";
  auto const file = files.file("ca.pem", authority);
  auto const name = [](fs::path const& path) {
    return "the trust directory '" + path.string() + "'";
  };
  check_refused(errc::file_error,
                "cannot read " + name(missing) + ": No such file or directory: The file cannot",
                [&] { client.trust_directory(missing); });
  check_refused(errc::file_error, "cannot read " + name(file) + ": Not a directory: ", [&] {
    client.trust_directory(file);
  });
  // ca.pem is there, but OpenSSL would never look at it; nor at these.
  files.file("5ed36f99.r0", "a list of revoked certificates");
  files.file("5ED36F99.0", authority);
  files.file("5ed36f97.1", authority);
  fs::create_symlink(missing, files.path() / "5ed36f98.0");
  check_refused(errc::bad_trust,
                name(files.path()) +
                    " has no entry with the hash of a certificate's subject for "
                    "its name; run 'openssl rehash " +
                    files.path().string() + "': ",
                [&] { client.trust_directory(files.path()); });
  auto const with_colon = files.path() / "a:b";
  fs::create_directory(with_colon);
  files.file("a:b/" + lookup_name(authority), authority);
  check_refused(errc::bad_trust,
                name(with_colon) + " has a ':' in its path, where OpenSSL would split it: ", [&] {
                  client.trust_directory(with_colon);
                });
  check_still_trusts_nothing();
}

BOOST_AUTO_TEST_CASE(text_that_cannot_be_trusted_says_which_block) {
  constexpr auto text = "the trust text given in memory";
  auto damaged = authority;
  damaged.replace(damaged.find('\n') + 40, 1, "*");
  struct {
    std::string content;
    std::string text;
  } const cases[] = {
      {"", std::string{text} + " is empty: This cannot be trusted: pass the PEM certificates"},
      {"hello", std::string{text} + " is not PEM: it has no line that starts with -----BEGIN: "},
      {authority + other_authority + damaged,
       std::string{"PEM block 3 of "} + text + " is damaged (bad base64 decode): "},
      {authority + server_identity().private_key,
       std::string{"PEM block 2 of "} + text + " is 'PRIVATE KEY', not a certificate: "},
  };
  for (auto const& each : cases) {
    check_refused(errc::bad_trust, each.text, [&] { client.trust(each.content); });
    check_still_trusts_nothing();
  }
}

BOOST_AUTO_TEST_CASE(trust_file_that_cannot_be_read_or_trusted_is_named) {
  auto const missing = files.path() / "missing.pem";
  check_refused(errc::file_error,
                "cannot read the trust file '" + missing.string() + "': No such file or directory",
                [&] { client.trust_file(missing); });
  auto const key = files.file("key.pem", server_identity().private_key);
  check_refused(
      errc::bad_trust,
      "PEM block 1 of the trust file '" + key.string() + "' is 'PRIVATE KEY', not a certificate: ",
      [&] { client.trust_file(key); });
  check_still_trusts_nothing();
}

BOOST_AUTO_TEST_CASE(system_file_is_trusted) {
  environment const file{"SSL_CERT_FILE", files.file("ca.pem", authority).string()};
  environment const directory{"SSL_CERT_DIR", (files.path() / "missing").string()};
  check_accepts([&] { client.trust_system(); });
}

BOOST_AUTO_TEST_CASE(system_directory_is_trusted) {
  files.file(lookup_name(authority), authority);
  environment const file{"SSL_CERT_FILE", (files.path() / "missing").string()};
  environment const directory{"SSL_CERT_DIR", "/nonexistent:" + files.path().string()};
  check_accepts([&] { client.trust_system(); });
}

BOOST_AUTO_TEST_CASE(system_without_authorities_is_refused) {
  auto const missing = (files.path() / "missing").string();
  auto const garbage = files.file("garbage.pem", "garbage").string();
  for (auto const& named : {missing, garbage}) {
    environment const file{"SSL_CERT_FILE", named};
    environment const directory{"SSL_CERT_DIR", files.path().string()};
    check_refused(errc::bad_trust,
                  "this system has no default authorities: there is no certificate in the file '" +
                      named + "' and no entry in the directory '" + files.path().string() +
                      "'; install the package ca-certificates, set SSL_CERT_FILE or SSL_CERT_DIR, "
                      "or call trust_file(): ",
                  [&] { client.trust_system(); });
    check_still_trusts_nothing();
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
