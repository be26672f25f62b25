// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Certificate chains and private keys: from files and memory, in either order, and every way in
// which they can be wrong.
#include <tls_async/core/policy.hpp>
#include <tls_async_test/certificates.hpp>
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

#include <unistd.h>

namespace tls_async::test {
namespace {

namespace fs = std::filesystem;

identity const& ec = make_identity(identity_kind::server);
identity const& rsa = make_identity(identity_kind::server_rsa);
identity const& with_intermediate = make_identity(identity_kind::server_intermediate);

std::string quoted(fs::path const& file) { return "'" + file.string() + "'"; }
std::string chain_file(fs::path const& file) {
  return "the certificate chain file " + quoted(file);
}
std::string key_file(fs::path const& file) { return "the private key file " + quoted(file); }

void check_serves(context& server) {
  auto client = ready_client();
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
}

struct identity_fixture {
  temporary_directory files;
  context server{context::role::server};
};

BOOST_FIXTURE_TEST_SUITE(use_identity, identity_fixture)

BOOST_AUTO_TEST_CASE(chain_then_key_from_files) {
  server.use_certificate_chain_file(files.file("chain.pem", ec.certificate_chain));
  server.use_private_key_file(files.file("key.pem", ec.private_key));
  check_serves(server);
}

BOOST_AUTO_TEST_CASE(key_then_chain_from_memory) {
  server.use_private_key(ec.private_key);
  server.use_certificate_chain(ec.certificate_chain);
  check_serves(server);
}

BOOST_AUTO_TEST_CASE(one_file_with_key_and_chain_serves_as_both) {
  auto const file =
      files.file("both.pem", with_intermediate.private_key + with_intermediate.certificate_chain);
  server.use_certificate_chain_file(file);
  server.use_private_key_file(file);
  check_serves(server);
}

BOOST_AUTO_TEST_CASE(exactly_the_given_chain_is_sent) {
  server.use_certificate_chain(with_intermediate.certificate_chain);
  server.use_private_key(with_intermediate.private_key);
  auto client = ready_client();
  BOOST_TEST(try_handshake(client, server).chain_length == 2U);

  // The trust store could complete the chain and must not.
  context alone{context::role::server};
  alone.trust(ec.authority);
  alone.use_certificate_chain(ec.certificate_chain);
  alone.use_private_key(ec.private_key);
  BOOST_TEST(try_handshake(client, alone).chain_length == 1U);
}

BOOST_AUTO_TEST_CASE(encrypted_key_of_either_form_opens_with_its_password) {
  for (auto const& encrypted : {encrypted_key(ec.private_key, "pass phrase"),
                                old_encrypted_key(ec.private_key, "pass phrase")}) {
    context each{context::role::server};
    each.use_certificate_chain(ec.certificate_chain);
    each.use_private_key(encrypted, "pass phrase");
    check_serves(each);
  }
}

// With a client of TLS 1.2 that takes only certificates of one type.
outcome try_with(std::string const& algorithm, context& server) {
  auto client = ready_client();
  client.set_versions(context::version::tls1_2, context::version::tls1_2);
  client.set_ciphers_tls12("ECDHE-" + algorithm + "-AES128-GCM-SHA256");
  return try_handshake(client, server);
}

BOOST_AUTO_TEST_CASE(identity_of_each_key_type_is_used_if_it_is_added) {
  server.add_identity(rsa.certificate_chain, rsa.private_key);
  server.add_identity_files(files.file("chain.pem", ec.certificate_chain),
                            files.file("key.pem", encrypted_key(ec.private_key, "secret")),
                            "secret");
  for (std::string const algorithm : {"ECDSA", "RSA"}) {
    auto const was = try_with(algorithm, server);
    BOOST_TEST(was.completed, algorithm << ": " << was);
  }
  // A new chain for one of the keys leaves the other pair alone.
  server.use_certificate_chain(ec.certificate_chain);
  BOOST_TEST(try_with("RSA", server).completed);
  check_refused(errc::key_mismatch, "the private key given in memory does not belong",
                [&] { server.add_identity(ec.certificate_chain, rsa.private_key); });
  BOOST_TEST(try_with("ECDSA", server).completed);
}

// As when a renewal brings another type of key: the old certificate will have expired some day.
BOOST_AUTO_TEST_CASE(new_pair_replaces_those_of_other_key_types) {
  for (bool const key_first : {false, true}) {
    context renewed{context::role::server};
    for (auto const* const each : {&rsa, &ec, &rsa}) {
      if (key_first) renewed.use_private_key(each->private_key);
      renewed.use_certificate_chain(each->certificate_chain);
      if (!key_first) renewed.use_private_key(each->private_key);
      for (std::string const algorithm : {"ECDSA", "RSA"}) {
        auto const was = try_with(algorithm, renewed);
        BOOST_TEST(was.completed == ((algorithm == "RSA") == (each == &rsa)),
                   algorithm << ": " << was);
      }
      check_serves(renewed);
    }
  }
  // Also where two were in use, and where the new one is refused none has gone.
  server.add_identity(rsa.certificate_chain, rsa.private_key);
  server.add_identity(ec.certificate_chain, ec.private_key);
  server.use_certificate_chain(with_intermediate.certificate_chain);
  BOOST_CHECK_THROW(server.use_private_key(rsa.private_key), boost::system::system_error);
  BOOST_TEST(try_with("RSA", server).completed);
  server.use_private_key(with_intermediate.private_key);
  BOOST_TEST(!try_with("RSA", server).completed);
  BOOST_TEST(try_with("ECDSA", server).chain_length == 2U);
}

BOOST_AUTO_TEST_CASE(pair_in_use_stays_until_a_whole_new_pair_is_there) {
  auto const first = make_rsa(2048, "first");
  auto const second = make_rsa(2048, "second");
  context client{context::role::client};
  client.insecure_skip_verification();
  auto const subject = [&] { return try_handshake(client, server).server_subject; };

  server.use_certificate_chain(first.certificate);
  server.use_private_key(first.key);
  server.use_certificate_chain(second.certificate);
  BOOST_TEST(subject() == "first");
  BOOST_TEST(!detail::policy_of(server.native_handle())->identity_incomplete);
  check_refused(errc::key_mismatch, "the private key given in memory does not belong",
                [&] { server.use_private_key(first.key); });
  BOOST_TEST(subject() == "first");
  server.use_private_key(second.key);
  BOOST_TEST(subject() == "second");

  // The key in use given once more: what waited is given up.
  server.use_private_key(first.key);
  server.use_private_key(second.key);
  server.use_certificate_chain(first.certificate);
  BOOST_TEST(subject() == "second");
  server.use_certificate_chain(second.certificate);

  // The other way round.
  server.use_private_key(first.key);
  BOOST_TEST(subject() == "second");
  server.use_certificate_chain(first.certificate);
  BOOST_TEST(subject() == "first");
}

BOOST_AUTO_TEST_CASE(new_chain_for_the_key_in_use_takes_effect_at_once) {
  server.use_certificate_chain(with_intermediate.certificate_chain);
  server.use_private_key(with_intermediate.private_key);
  auto const leaf_only = with_intermediate.certificate_chain.substr(
      0, with_intermediate.certificate_chain.find("-----BEGIN", 1));
  auto client = ready_client();
  server.use_certificate_chain(leaf_only);
  BOOST_TEST(try_handshake(client, server).chain_length == 1U);
  server.use_certificate_chain(with_intermediate.certificate_chain);
  BOOST_TEST(try_handshake(client, server).chain_length == 2U);
}

BOOST_AUTO_TEST_CASE(failed_load_leaves_the_pair_in_use) {
  server.use_certificate_chain(ec.certificate_chain);
  server.use_private_key(ec.private_key);
  BOOST_CHECK_THROW(server.use_certificate_chain("garbage"), boost::system::system_error);
  BOOST_CHECK_THROW(server.use_private_key("garbage"), boost::system::system_error);
  BOOST_CHECK_THROW(server.use_certificate_chain_file("/nonexistent"), boost::system::system_error);
  check_serves(server);
}

BOOST_AUTO_TEST_CASE(mismatch_names_both_files_and_the_subject) {
  auto const chain = files.file("chain.pem", ec.certificate_chain);
  auto const key = files.file("key.pem", client_identity().private_key);
  auto const text = key_file(key) + " does not belong to the certificate in " + chain_file(chain) +
                    " (subject CN=tls_async test server): The private key and the certificate do "
                    "not belong together: pass the key that the certificate was issued for. "
                    "[tls_async:";
  server.use_certificate_chain_file(chain);
  check_refused(errc::key_mismatch, text, [&] { server.use_private_key_file(key); });
  server.use_private_key(ec.private_key);
  check_serves(server);

  context key_first{context::role::server};
  key_first.use_private_key_file(key);
  check_refused(errc::key_mismatch, text, [&] { key_first.use_certificate_chain_file(chain); });
  key_first.use_certificate_chain(client_identity().certificate_chain);
}

BOOST_AUTO_TEST_CASE(mismatch_of_key_types_is_found_too) {
  server.use_certificate_chain(rsa.certificate_chain);
  check_refused(errc::key_mismatch,
                "the private key given in memory does not belong to the certificate in the "
                "certificate chain given in memory (subject CN=tls_async test server): ",
                [&] { server.use_private_key(ec.private_key); });
}

BOOST_AUTO_TEST_CASE(mismatch_says_so_when_the_chain_is_in_the_wrong_order) {
  server.use_certificate_chain(ec.authority + ec.certificate_chain);
  check_refused(errc::key_mismatch,
                "the private key given in memory does not belong to the certificate in the "
                "certificate chain given in memory (subject CN=tls_async test authority); it "
                "belongs to certificate 2 there, which must be first: ",
                [&] { server.use_private_key(ec.private_key); });
}

BOOST_AUTO_TEST_CASE(certificate_below_the_security_level_is_refused) {
  auto const weak = make_rsa(1024, "weak");
  check_refused(errc::bad_certificate,
                "the certificate chain given in memory (subject CN=weak) is not accepted: ee key "
                "too small: The certificate cannot be used",
                [&] { server.use_certificate_chain(weak.certificate); });
  check_refused(errc::bad_certificate,
                "certificate 2 of the certificate chain given in memory (subject CN=weak) is not "
                "accepted: ca key too small: ",
                [&] { server.use_certificate_chain(ec.certificate_chain + weak.certificate); });
  check_refused(
      errc::bad_certificate,
      "certificate 3 of the certificate chain given in memory (subject CN=weak) is not "
      "accepted: ca key too small: ",
      [&] {
        server.use_certificate_chain(with_intermediate.certificate_chain + weak.certificate);
      });
}

BOOST_AUTO_TEST_CASE(block_that_openssl_would_pass_over_is_refused) {
  auto const& chain = with_intermediate.certificate_chain;
  auto const second = chain.find("-----BEGIN", 1);
  auto const indented = chain.substr(0, second) + "  " + chain.substr(second);
  auto const short_of_a_dash = chain.substr(0, second) + chain.substr(second + 1);
  auto const with_tab = chain.substr(0, second) + '\t' + chain.substr(second);
  for (auto const& each : {indented, short_of_a_dash, with_tab}) {
    check_refused(errc::bad_certificate,
                  "the certificate chain given in memory has 2 PEM blocks, and 1 would be left "
                  "out: each line -----BEGIN has to be at the beginning of its line",
                  [&] { server.use_certificate_chain(each); });
  }
  // In a comment it begins nothing.
  server.use_certificate_chain("what -----BEGIN CERTIFICATE----- is for\n" + chain);
}

BOOST_AUTO_TEST_CASE(key_of_openssh_is_named_as_such) {
  check_refused(
      errc::bad_private_key,
      "the private key given in memory is a key of OpenSSH, in its own format; convert",
      [&] { server.use_private_key(pem_block("OPENSSH PRIVATE KEY", "openssh-key-v1")); });
}

BOOST_AUTO_TEST_CASE(label_of_a_block_is_shown_without_its_control_characters) {
  check_refused(
      errc::bad_certificate,
      "the certificate chain given in memory has no certificate; it contains only: \\1B[2JX: ",
      [&] { server.use_certificate_chain(pem_block("\x1b[2JX", "x")); });
}

BOOST_AUTO_TEST_CASE(pipe_is_read_to_its_end_and_once) {
  auto const through_a_pipe = [](std::string const& content, auto use) {
    int ends[2];
    BOOST_TEST_REQUIRE(pipe(ends) == 0);
    BOOST_TEST_REQUIRE(write(ends[1], content.data(), content.size()) ==
                       static_cast<ssize_t>(content.size()));
    close(ends[1]);
    use("/dev/fd/" + std::to_string(ends[0]));
    close(ends[0]);
  };
  through_a_pipe(ec.certificate_chain,
                 [&](std::string const& file) { server.use_certificate_chain_file(file); });
  through_a_pipe(ec.private_key,
                 [&](std::string const& file) { server.use_private_key_file(file); });
  check_serves(server);
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_read_says_why) {
  auto const missing = files.path() / "missing.pem";
  auto const with_chain = [&](fs::path const& file) {
    return [&server = server, file] { server.use_certificate_chain_file(file); };
  };
  auto const with_key = [&](fs::path const& file) {
    return [&server = server, file] { server.use_private_key_file(file); };
  };
  check_refused(
      errc::file_error,
      "cannot read " + chain_file(missing) +
          ": No such file or directory: The file "
          "cannot be read or written: check its path and that this process may do so. [tls_async:",
      with_chain(missing));
  check_refused(
      errc::file_error,
      "cannot read " + key_file(missing) + ": No such file or directory: ", with_key(missing));
  check_refused(errc::file_error,
                "cannot read the private key file 'no.pem': No such file or directory; the "
                "working directory is " +
                    fs::current_path().string() + ": ",
                with_key("no.pem"));
  check_refused(errc::file_error,
                "cannot read " + chain_file(files.path()) + ": it is a directory: ",
                with_chain(files.path()));
  check_refused(errc::file_error, "cannot read " + key_file(files.path()) + ": it is a directory: ",
                with_key(files.path()));

  auto const closed = files.file("closed.pem", ec.private_key);
  fs::permissions(closed, fs::perms::none);
  fs::permissions(files.path(), fs::perms::all);
  // Root may read everything, so the test does not run as root here.
  bool const is_root = geteuid() == 0;
  if (is_root) BOOST_TEST_REQUIRE(seteuid(65534) == 0);
  check_refused(errc::file_error,
                "cannot read " + key_file(closed) + ": Permission denied: ", with_key(closed));
  if (is_root) BOOST_TEST_REQUIRE(seteuid(0) == 0);
}

BOOST_AUTO_TEST_CASE(chain_file_without_a_usable_certificate_says_what_is_in_it) {
  auto damaged = ec.certificate_chain;
  damaged.replace(damaged.find('\n') + 40, 1, "*");
  auto truncated = ec.certificate_chain;
  truncated.resize(truncated.size() / 2);
  auto const to_garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  struct {
    char const* name;
    std::string content;
    char const* text;  // After the file.
  } const cases[] = {
      {"empty", "", " is empty: The certificate cannot be used: pass a PEM file or text with"},
      {"text", "hello\n", " is not PEM: it has no line that starts with -----BEGIN: "},
      {"der", to_der(ec.certificate_chain), " is not PEM but seems to be DER or PKCS #12; convert"},
      {"key", ec.private_key, " has no certificate; it contains only: PRIVATE KEY: "},
      {"encrypted", encrypted_key(ec.private_key, "x"),
       " has no certificate; it contains only: ENCRYPTED PRIVATE KEY: "},
  };
  for (auto const& each : cases) {
    auto const file = files.file(each.name, each.content);
    check_refused(errc::bad_certificate, chain_file(file) + each.text,
                  [&] { server.use_certificate_chain_file(file); });
  }
  check_refused(errc::bad_certificate,
                "PEM block 1 of the certificate chain given in memory is damaged (bad base64 "
                "decode): ",
                [&] { server.use_certificate_chain(damaged); });
  check_refused(errc::bad_certificate,
                "PEM block 2 of the certificate chain given in memory is damaged (",
                [&] { server.use_certificate_chain(ec.certificate_chain + truncated); });
  check_refused(errc::bad_certificate,
                "PEM block 2 of the certificate chain given in memory is a damaged certificate (",
                [&] { server.use_certificate_chain(ec.certificate_chain + to_garbage); });
  auto const with_rest = pem_block("CERTIFICATE", to_der(ec.certificate_chain) + "rest");
  check_refused(errc::bad_certificate,
                "PEM block 1 of the certificate chain given in memory is a damaged certificate: ",
                [&] { server.use_certificate_chain(with_rest); });
}

BOOST_AUTO_TEST_CASE(key_that_cannot_be_used_says_why) {
  auto const encrypted = encrypted_key(ec.private_key, "right");
  auto const old = old_encrypted_key(ec.private_key, "right");
  auto const garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  std::string const long_password(1024, 'x');
  struct {
    std::string content;
    std::string password;
    char const* text;  // After the origin.
  } const cases[] = {
      {"", "", " is empty: The private key cannot be used: pass a PEM file or text with one"},
      {"hello\n", "", " is not PEM: it has no line that starts with -----BEGIN: "},
      {ec.certificate_chain, "", " has no private key; it contains only: CERTIFICATE: "},
      {ec.private_key + rsa.private_key, "", " has 2 private keys; keep the one to use: "},
      {encrypted, "", " is encrypted; pass its password: "},
      {old, "", " is encrypted; pass its password: "},
      {encrypted, "wrong", " cannot be decrypted: the password is wrong, or the key is damaged ("},
      {old, "wrong", " cannot be decrypted: the password is wrong, or the key is damaged ("},
      {garbage, "", " has a damaged private key ("},
  };
  for (auto const& each : cases) {
    check_refused(errc::bad_private_key, std::string{"the private key given in memory"} + each.text,
                  [&] { server.use_private_key(each.content, each.password); });
  }
  check_refused(errc::bad_private_key,
                "the password for the private key given in memory is longer than 1023 bytes: ",
                [&] { server.use_private_key(encrypted, long_password); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
