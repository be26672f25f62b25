// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How identities come from files and folders, what can be told of them, and what is said of files
// that are odd or wrong.
#include <tls_async/identities.hpp>
#include "named.hpp"
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace tls_async::test {
namespace {

namespace folders = std::filesystem;

named const& one() {
  static auto const made = make_named("EC", "DNS:one.test", "one");
  return made;
}
named const& two() {
  static auto const made = make_named("EC", "DNS:two.test,DNS:*.two.test", "two");
  return made;
}

std::string with_crlf(std::string const& text) {
  std::string out;
  for (char const c : text)
    out += c == '\n' ? std::string{"\r\n"} : std::string{c};
  return out;
}

std::string as_utf16(std::string const& text) {
  std::string out = "\xff\xfe";
  for (char const c : text)
    (out += c) += '\0';
  return out;
}

struct identity_files_fixture {
  folders::path file(std::string const& name, std::string const& content) const {
    return files.file(name, content);
  }
  // As certbot has it, with links into a folder beside.
  void link_in(std::string const& name, named const& what) const {
    auto const archive = files.path() / ".archive" / name;
    auto const live = files.path() / name;
    folders::create_directories(archive);
    folders::create_directories(live);
    files.file(".archive/" + name + "/fullchain1.pem", what.chain);
    files.file(".archive/" + name + "/privkey1.pem", what.key);
    folders::create_symlink(archive / "fullchain1.pem", live / "fullchain.pem");
    folders::create_symlink(archive / "privkey1.pem", live / "privkey.pem");
  }
  std::string subjects() const {
    std::string text;
    for (auto const& each : all.info())
      text += each.subject + ' ';
    return text;
  }
  void check_bad(errc code, std::string const& text) {
    check_refused(code, text, [this] { all.add_directory(files.path()); });
    BOOST_TEST(subjects() == "");
  }

  temporary_directory files;
  identities all;
};

BOOST_FIXTURE_TEST_SUITE(identity_files, identity_files_fixture)

BOOST_AUTO_TEST_CASE(what_there_is_to_know_of_one_can_be_read) {
  auto const chain = file("chain.pem", two().chain);
  all.add_files(chain, file("key.pem", encrypted_key(two().key, "secret")), "secret");
  auto const rsa =
      make_named("RSA", "IP:192.0.2.1,DNS:RSA.test,DNS:rsa.test.,IP:2001:db8::1", "rsa");
  all.add(rsa.chain, rsa.key);
  BOOST_TEST_REQUIRE(all.size() == 2U);
  auto const& info = all[0];
  BOOST_TEST(info.names == "two.test *.two.test");
  BOOST_TEST(info.subject == "CN=two");
  BOOST_TEST(info.key_type == "EC");
  BOOST_TEST(info.serial == "1A2B");
  BOOST_TEST(info.origin == "the certificate chain file '" + chain.string() + "'");
  auto const now = std::chrono::system_clock::now();
  BOOST_TEST((info.not_before < now && info.not_after > now));
  BOOST_TEST((info.not_after - info.not_before == std::chrono::seconds{3'600 + 86'400}));
  BOOST_TEST(all[1].names == "rsa.test 192.0.2.1 2001:db8:0:0:0:0:0:1");
  BOOST_TEST(all[1].key_type == "RSA");
  BOOST_TEST(all[1].origin == "the certificate chain given in memory");
  BOOST_TEST((all.info()[1] == all[1]));
}

BOOST_AUTO_TEST_CASE(dates_beyond_the_clock_are_its_ends) {
  auto const endless = make_named("EC", "DNS:endless.test", "endless", "99991231235959Z");
  all.add(endless.chain, endless.key);
  BOOST_TEST((all[0].not_after == std::chrono::system_clock::time_point::max()));
}

BOOST_AUTO_TEST_CASE(folder_is_read_as_certbot_has_it_and_as_single_files) {
  link_in("b", one());
  file("a.pem", two().key + two().chain);
  // What is left out.
  file("README", "not a certificate");
  file(".hidden.pem", "not a certificate");
  file("old.pem.bak", "not a certificate");
  folders::create_directories(files.path() / "empty");
  file("empty/cert.pem", "not a certificate");
  all.add_directory(files.path());
  BOOST_TEST(subjects() == "CN=two CN=one ");
  BOOST_TEST(all[1].origin ==
             "the certificate chain file '" + (files.path() / "b/fullchain.pem").string() + "'");
}

BOOST_AUTO_TEST_CASE(folder_without_any_is_refused) {
  auto const origin = "the identities folder '" + files.path().string() + "'";
  check_bad(errc::file_error, origin + " has neither NAME/fullchain.pem with NAME/privkey.pem nor");
  check_refused(errc::file_error, "cannot read the identities folder '/nonexistent': No such file",
                [this] { all.add_directory("/nonexistent"); });
  auto const no_folder = file("a.txt", "text");
  check_refused(errc::file_error,
                "cannot read the identities folder '" + no_folder.string() + "': Not a directory",
                [&] { all.add_directory(no_folder); });
}

BOOST_AUTO_TEST_CASE(one_bad_entry_of_a_folder_leaves_all_as_it_was) {
  file("a.pem", one().key + one().chain);
  auto const bad = file("b.pem", two().chain);
  check_bad(errc::bad_private_key, "the private key file '" + bad.string() +
                                       "' has no private key; it contains only: CERTIFICATE: ");
  folders::remove(bad);
  link_in("c", two());
  folders::remove(files.path() / ".archive/c/privkey1.pem");
  check_bad(errc::file_error, "cannot read the private key file '" +
                                  (files.path() / "c/privkey.pem").string() + "': No such file");
  folders::remove(files.path() / "c/privkey.pem");
  check_bad(errc::file_error, "cannot read the private key file '" +
                                  (files.path() / "c/privkey.pem").string() + "': No such file");
}

BOOST_AUTO_TEST_CASE(pipe_in_a_folder_is_refused_and_not_waited_for) {
  file("a.pem", one().key + one().chain);
  auto const pipe_file = files.path() / "b.pem";
  BOOST_TEST_REQUIRE(mkfifo(pipe_file.c_str(), 0600) == 0);
  check_bad(errc::file_error, "'" + pipe_file.string() + "' is neither a file nor a link to one: ");
  folders::remove(pipe_file);
  folders::create_directories(files.path() / "c");
  auto const inner = files.path() / "c/fullchain.pem";
  BOOST_TEST_REQUIRE(mkfifo(inner.c_str(), 0600) == 0);
  check_bad(errc::file_error, "'" + inner.string() + "' is neither a file nor a link to one: ");
}

BOOST_AUTO_TEST_CASE(pipe_with_chain_and_key_is_read_once) {
  int ends[2];
  BOOST_TEST_REQUIRE(pipe(ends) == 0);
  auto const content = one().chain + one().key;
  BOOST_TEST_REQUIRE(write(ends[1], content.data(), content.size()) ==
                     static_cast<ssize_t>(content.size()));
  close(ends[1]);
  auto const name = "/dev/fd/" + std::to_string(ends[0]);
  all.add_files(name, name);
  close(ends[0]);
  BOOST_TEST(subjects() == "CN=one ");
}

BOOST_AUTO_TEST_CASE(one_name_has_one_identity_of_a_key_type) {
  auto const first = file("first.pem", one().chain + one().key);
  auto const other = make_named("EC", "DNS:other.test,DNS:ONE.test", "other");
  auto const second = file("second.pem", other.chain + other.key);
  all.add_files(first, first);
  auto const text = "the certificate chain file '" + second.string() +
                    "' and the certificate chain file '" + first.string() +
                    "' are both for one.test with a key of type EC; keep the one to use: ";
  check_refused(errc::bad_option, text, [&] { all.add_files(second, second); });
  check_refused(errc::bad_option, "the certificate chain file '" + first.string() + "' and the",
                [&] { all.add_directory(files.path()); });
  BOOST_TEST(subjects() == "CN=one ");
  // None of its names is there then.
  check_refused(errc::bad_option, "set_default(): there is no identity for 'other.test'",
                [&] { all.set_default("other.test"); });
  auto const rsa = make_named("RSA", "DNS:other.test,DNS:one.test", "rsa");
  all.add(rsa.chain, rsa.key);
  BOOST_TEST(subjects() == "CN=one CN=rsa ");
}

BOOST_AUTO_TEST_CASE(first_certificate_without_a_name_is_the_default) {
  identities none;
  auto const nameless = make_named("EC", "", "nameless");
  none.add(nameless.chain, nameless.key);
  auto const named = make_named("EC", "DNS:one.test", "one");
  none.add(named.chain, named.key);
  BOOST_TEST(none[0].names == "");
  BOOST_TEST(none[1].names == "one.test");
  context server(context::role::server);
  server.use_identities(none);
}

BOOST_AUTO_TEST_CASE(certificate_without_a_usable_name_is_refused_unless_it_is_the_first) {
  auto const first = make_named("EC", "DNS:first.test", "first");
  all.add(first.chain, first.key);
  for (auto const* const names_of_it :
       {"", "email:a@one.test", "DNS:w*.one.test", "DNS:*", "DNS:127.0.0.1", "DNS:a b.test"}) {
    auto const made = make_named("EC", names_of_it, "one.test");
    check_refused(errc::bad_certificate,
                  "the certificate chain given in memory (subject CN=one.test) has no name by "
                  "which clients could ask for it: its subjectAltName needs a DNS name or an IP "
                  "address, and the common name does not count; only the first of all can do "
                  "without: ",
                  [&] { all.add(made.chain, made.key); });
  }
}

BOOST_AUTO_TEST_CASE(odd_texts_are_accepted) {
  auto const bags = "Bag Attributes\n    friendlyName: one\nsubject=CN = one\n";
  std::string const mark = "\xef\xbb\xbf";
  auto const parameters = pem_block("EC PARAMETERS", "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
  auto const root = two().chain;
  struct {
    char const* what;
    std::string chain;
    std::string key;
  } const cases[] = {
      {"CRLF", with_crlf(one().chain), with_crlf(one().key)},
      {"byte order mark", mark + one().chain, mark + one().key},
      {"the same and CRLF", mark + with_crlf(one().chain), mark + with_crlf(one().key)},
      {"bag attributes", bags + one().chain, bags + one().key},
      {"EC PARAMETERS in front", parameters + one().chain, parameters + one().key},
      {"a root twice", one().chain + root + root, one().key},
      {"key and chain in one", one().key + one().chain, one().chain + one().key},
      {"no newline at the end", one().chain.substr(0, one().chain.size() - 1), one().key},
  };
  for (auto const& each : cases) {
    identities some;
    BOOST_TEST_CONTEXT(each.what) {
      BOOST_CHECK_NO_THROW(some.add(each.chain, each.key));
      context server{context::role::server};
      BOOST_CHECK_NO_THROW(server.use_identities(some));
      BOOST_TEST(visit_server(server, {.name = "one.test"}).subject == "one");
    }
  }
}

BOOST_AUTO_TEST_CASE(wrong_files_are_refused_with_file_block_and_cure) {
  auto truncated = one().chain;
  truncated.resize(truncated.size() / 2);
  auto const encrypted = encrypted_key(one().key, "secret");
  struct {
    errc code;
    std::string chain;
    std::string key;
    std::string text;  // CHAIN and KEY are the origins.
  } const cases[] = {
      {errc::bad_certificate, "", one().key, "CHAIN is empty: "},
      {errc::bad_private_key, one().chain, "", "KEY is empty: "},
      {errc::bad_certificate, truncated, one().key, "PEM block 1 of CHAIN is damaged ("},
      {errc::bad_certificate, two().chain + truncated, one().key,
       "PEM block 2 of CHAIN is damaged ("},
      {errc::bad_certificate, to_der(one().chain), one().key,
       "CHAIN is not PEM but seems to be DER or PKCS #12; convert it with 'openssl x509'"},
      {errc::bad_certificate, as_utf16(one().chain), one().key,
       "CHAIN is UTF-16 text, as Windows tools write it; convert it with 'iconv -f UTF-16 -t "
       "ASCII': "},
      {errc::bad_private_key, one().chain, as_utf16(one().key), "KEY is UTF-16 text"},
      {errc::bad_certificate, as_utf16(one().chain).substr(2), one().key, "CHAIN is UTF-16 text"},
      {errc::bad_certificate, pem_block("PKCS7", "x"), one().key,
       "CHAIN has no certificate; it contains only: PKCS7; convert it with 'openssl pkcs7 "
       "-print_certs': "},
      {errc::bad_certificate, pem_block("CERTIFICATE REQUEST", "x"), one().key,
       "CHAIN has no certificate; it contains only: CERTIFICATE REQUEST; that is a request: pass "
       "the certificate that was issued for it: "},
      {errc::bad_private_key, one().chain, encrypted, "KEY is encrypted; pass its password: "},
      {errc::key_mismatch, two().chain + one().chain, one().key,
       "KEY does not belong to the certificate in CHAIN (subject CN=two); it belongs to "
       "certificate 2 there, which must be first: "},
      {errc::key_mismatch, one().chain, two().key,
       "KEY does not belong to the certificate in CHAIN (subject CN=one): "},
      {errc::bad_private_key, one().chain, one().key + two().key,
       "KEY has 2 private keys; keep the one to use: "},
  };
  for (auto const& each : cases) {
    auto const chain = file("chain.pem", each.chain);
    auto const key = file("key.pem", each.key);
    auto text = each.text;
    auto const put = [&](std::string const& word, std::string const& in_its_place) {
      if (auto const at = text.find(word); at != std::string::npos)
        text.replace(at, word.size(), in_its_place);
    };
    put("CHAIN", "the certificate chain file '" + chain.string() + "'");
    put("KEY", "the private key file '" + key.string() + "'");
    check_refused(each.code, text, [&] { all.add_files(chain, key); });
  }
  check_refused(
      errc::file_error,
      "cannot read the certificate chain file '" + files.path().string() + "': it is a directory: ",
      [this] { all.add_files(files.path(), files.path()); });
  BOOST_TEST(all.empty());
}

BOOST_AUTO_TEST_CASE(file_that_may_not_be_read_says_so) {
  auto const both = file("both.pem", one().key + one().chain);
  folders::permissions(both, folders::perms::none);
  folders::permissions(files.path(), folders::perms::all);
  bool const is_root = geteuid() == 0;
  if (is_root) BOOST_TEST_REQUIRE(seteuid(65534) == 0);
  check_bad(errc::file_error,
            "cannot read the certificate chain file '" + both.string() + "': Permission denied: ");
  if (is_root) BOOST_TEST_REQUIRE(seteuid(0) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
