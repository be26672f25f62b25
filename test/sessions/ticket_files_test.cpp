// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Keys of tickets in files, as nginx and HAProxy have them: what they mean, and which are refused.
#include <tls_async/identities.hpp>
#include "resumption.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace tls_async::test {
namespace {

namespace fs = std::filesystem;

class key_folder {
public:
  key_folder() {
    auto name = (fs::temp_directory_path() / "tls_async-keys-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~key_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  key_folder(key_folder const&) = delete;
  key_folder& operator=(key_folder const&) = delete;

  fs::path file(std::string const& name, std::string const& content, mode_t mode = 0600) const {
    auto const path = path_ / name;
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << content;
    BOOST_REQUIRE_EQUAL(::chmod(path.c_str(), mode), 0);
    return path;
  }
  fs::path const& path() const noexcept { return path_; }

private:
  fs::path path_;
};

// `size` bytes, the first 16 of which no other key has.
std::string key(char name, std::size_t size) {
  std::string made;
  for (std::size_t i = 0; i != size; ++i)
    made += static_cast<char>(i * 7 + static_cast<unsigned char>(name));
  made[0] = name;
  return made;
}

std::string base64(std::string const& bytes) {
  std::string text(bytes.size() * 2, '\0');
  auto const length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                      reinterpret_cast<unsigned char const*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// What a program does that has such a key, written once more.
struct other_program {
  std::string name, aes, hmac;

  static int on_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, int encrypts) {
    auto& self = *static_cast<other_program*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (encrypts != 0) {
      std::memcpy(name, self.name.data(), 16);
      RAND_bytes(iv, 16);
    } else if (std::memcmp(name, self.name.data(), 16) != 0) {
      return 0;
    }
    char digest[] = "SHA256";
    OSSL_PARAM const parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, self.hmac.data(), self.hmac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC_CTX_set_params(mac, parameters);
    auto const* const kind = self.aes.size() == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
    EVP_CipherInit_ex(cipher, kind, nullptr,
                      reinterpret_cast<unsigned char const*>(self.aes.data()), iv, encrypts);
    return 1;
  }

  template <class Digest, class Of>
  static std::string sha1(Digest digest, Of* of) {
    std::string made(20, '\0');
    digest(of, EVP_sha1(), reinterpret_cast<unsigned char*>(made.data()), nullptr);
    return made;
  }

  // With the session id context that nginx gives it.
  context_ptr server(int version, bool asks_clients = false) {
    auto made =
        make_context(role::server, {.version = version, .client_certificate = asks_clients});
    SSL_CTX_set_app_data(made.get(), this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(made.get(), on_key);
    std::string text = "HTTP" + sha1(X509_digest, SSL_CTX_get0_certificate(made.get()));
    auto const* const authorities = SSL_CTX_get_client_CA_list(made.get());
    for (int i = 0; i < sk_X509_NAME_num(authorities); ++i)
      text += sha1(X509_NAME_digest, sk_X509_NAME_value(authorities, i));
    std::array<unsigned char, 20> id{};
    EVP_Digest(text.data(), text.size(), id.data(), nullptr, EVP_sha1(), nullptr);
    SSL_CTX_set_session_id_context(made.get(), id.data(), id.size());
    return made;
  }
};

// nginx: 48 is name, AES, HMAC; 80 is name, HMAC, AES.
other_program nginx(std::string const& file) {
  if (file.size() == 48) return {file.substr(0, 16), file.substr(16, 16), file.substr(32)};
  return {file.substr(0, 16), file.substr(48), file.substr(16, 32)};
}

// HAProxy: always name, AES, HMAC.
other_program haproxy(std::string const& file) {
  auto const length = (file.size() - 16) / 2;
  return {file.substr(0, 16), file.substr(16, length), file.substr(16 + length)};
}

// The first is the default.
identities two_names(key_folder const& folder) {
  identities all;
  for (auto const kind : {identity_kind::server, identity_kind::wrong_host}) {
    auto const& one = make_identity(kind);
    all.add_files(folder.file("chain.pem", one.certificate_chain),
                  folder.file("key.pem", one.private_key));
  }
  return all;
}

// An nginx and a server of ours with two names, that have the same keys.
struct names_at_both {
  explicit names_at_both(int version) : their_server(theirs.server(version)) {
    // Or OpenSSL does not keep the name in the session.
    SSL_CTX_set_tlsext_servername_callback(
        their_server.get(), +[](SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; });
    server.use_identities(two_names(folder));
    server.use_ticket_keys(
        ticket_keys::from_files(ticket_key_format::nginx, {folder.file("key", content)}));
  }

  key_folder const folder;
  std::string const content = key('a', 48);
  other_program theirs = nginx(content);
  context_ptr const their_server;
  context server{context::role::server};
};

BOOST_AUTO_TEST_SUITE(ticket_files)

constexpr std::array sizes{std::size_t{48}, std::size_t{80}};

BOOST_DATA_TEST_CASE(tickets_of_nginx_are_resumed_and_ours_by_nginx, versions* sizes, version,
                     size) {
  key_folder const folder;
  auto const content = key('a', size);
  auto server = server_of_tests();
  server.use_ticket_keys(ticket_keys::from_files(
      ticket_key_format::nginx, {folder.file("1", content), folder.file("2", key('b', 80))}));
  auto theirs = nginx(content);
  auto const their_server = theirs.server(version);
  client peer(version);
  peer.meet(their_server.get());
  auto const session = peer.last();
  BOOST_TEST_REQUIRE(peer.meet(their_server.get(), session.get()).resumed);
  BOOST_TEST(peer.meet(server, session.get()).resumed);

  // Ours, from one to the other and back.
  BOOST_TEST(!peer.meet(server).resumed);
  for (int i = 0; i != 2; ++i) {
    for (auto* const each : {their_server.get(), server.native_handle()}) {
      auto const ours = peer.last();
      BOOST_TEST(ticket_of(ours.get()).substr(0, 16) == theirs.name);
      BOOST_TEST(peer.meet(each, ours.get()).resumed);
      if (peer.last() == nullptr) peer.meet(server);  // theirs sends no new one in TLS 1.2
    }
  }
}

// nginx would take its client for one that it has verified itself.
BOOST_DATA_TEST_CASE(session_of_a_client_that_was_verified_is_not_for_nginx, versions, version) {
  key_folder const folder;
  auto const content = key('a', 80);
  auto theirs = nginx(content);
  client peer(version, true);
  for (bool const asks_clients : {false, true}) {
    auto const their_server = theirs.server(version, asks_clients);
    auto asking = server_of_tests();
    asking.trust(client_identity().authority);
    asking.require_client_certificate();
    asking.use_ticket_keys(
        ticket_keys::from_files(ticket_key_format::nginx, {folder.file("key", content)}));
    BOOST_TEST_REQUIRE(peer.meet(asking).completed);
    auto const session = peer.last();
    auto const was = peer.meet(their_server.get(), session.get());
    BOOST_TEST(was.completed);
    BOOST_TEST(!was.resumed);
    BOOST_TEST(peer.meet(asking, session.get()).resumed);
  }
}

// Nor after it was verified behind the handshake, whose first tickets were for nginx.
BOOST_AUTO_TEST_CASE(session_of_a_client_that_is_verified_later_is_not_for_nginx) {
  key_folder const folder;
  auto const content = key('a', 80);
  auto theirs = nginx(content);
  auto const their_server = theirs.server(TLS1_3_VERSION);
  auto server = server_of_tests();
  server.trust(client_identity().authority);
  server.use_ticket_keys(
      ticket_keys::from_files(ticket_key_format::nginx, {folder.file("key", content)}));
  auto const ticket = ticket_after_authentication(server, client_identity());
  client peer(TLS1_3_VERSION);
  auto const was = peer.meet(their_server.get(), ticket.get());
  BOOST_TEST(was.completed);
  BOOST_TEST(!was.resumed);
  BOOST_TEST(was.client_subject.empty());
}

// Another certificate is another server, for nginx and for us.
BOOST_DATA_TEST_CASE(session_of_a_name_is_for_the_nginx_with_its_certificate, versions, version) {
  names_at_both both(version);
  client peer(version);
  for (std::string const name : {"localhost", "other.test", ""}) {
    peer.ask_for(name);
    peer.meet(both.server);
    auto const session = peer.last();
    BOOST_TEST(peer.meet(both.their_server.get(), session.get()).resumed == (name != "other.test"),
               name);
    BOOST_TEST(peer.meet(both.server, session.get()).resumed, name);
  }
}

BOOST_DATA_TEST_CASE(second_file_of_nginx_is_accepted_and_replaced, versions, version) {
  key_folder const folder;
  auto const first = key('a', 80);
  auto const second = key('b', 48);
  auto theirs = nginx(second);
  auto const their_server = theirs.server(version);
  auto server = server_of_tests();
  server.use_ticket_keys(ticket_keys::from_files(
      ticket_key_format::nginx, {folder.file("1", first), folder.file("2", second)}));
  client peer(version);
  peer.meet(their_server.get());
  auto const session = peer.last();
  auto const was = peer.meet(server, session.get());
  BOOST_TEST(was.resumed);
  BOOST_TEST(was.new_tickets == 1U);
  BOOST_TEST(ticket_of(peer.last().get()).substr(0, 16) == first.substr(0, 16));
}

BOOST_DATA_TEST_CASE(penultimate_line_of_haproxy_encrypts_and_all_three_are_accepted,
                     versions* sizes, version, size) {
  key_folder const folder;
  std::string text;
  for (char const name : {'o', 'a', 'b', 'c'})
    text += base64(key(name, size)) + (name == 'a' ? "\r\n" : "\n");
  auto const keys =
      ticket_keys::from_files(ticket_key_format::haproxy, {folder.file("keys", text + "\n\r\n")});
  BOOST_TEST(keys->size() == 3U);
  auto server = server_of_tests();
  server.use_ticket_keys(keys);
  client peer(version);
  for (char const name : {'o', 'a', 'b', 'c'}) {
    auto theirs = haproxy(key(name, size));
    auto const their_server = theirs.server(version);
    peer.meet(their_server.get());
    auto const session = peer.last();
    BOOST_TEST(peer.meet(server, session.get()).resumed == (name != 'o'));
  }
  peer.meet(server);
  BOOST_TEST(ticket_of(peer.last().get()).substr(0, 16) == key('b', size).substr(0, 16));
}

BOOST_DATA_TEST_CASE(processes_that_read_the_same_file_resume_each_others_sessions, versions,
                     version) {
  key_folder const folder;
  auto const file = folder.file("key", key('a', 80));
  auto const new_process = [&] {
    auto made = server_of_tests();
    made.trust(client_identity().authority);
    made.require_client_certificate();
    made.use_ticket_keys(ticket_keys::from_files(ticket_key_format::nginx, {file}));
    return made;
  };
  auto one = new_process();
  auto two = new_process();
  client peer(version, true);
  auto const first = peer.meet(one);
  BOOST_TEST_REQUIRE(first.completed);
  BOOST_TEST(!first.client_subject.empty());
  auto const session = peer.last();
  auto const second = peer.meet(two, session.get());
  BOOST_TEST(second.resumed);
  BOOST_TEST(second.client_subject == first.client_subject);
}

BOOST_DATA_TEST_CASE(ticket_of_another_program_is_nothing_where_clients_are_verified, versions,
                     version) {
  key_folder const folder;
  auto const content = key('a', 80);
  auto theirs = nginx(content);
  auto const their_server = theirs.server(version);
  auto const their_asking_server = theirs.server(version, true);
  auto const keys =
      ticket_keys::from_files(ticket_key_format::nginx, {folder.file("key", content)});
  auto asking = server_of_tests();
  asking.trust(client_identity().authority);
  asking.request_client_certificate();
  asking.use_ticket_keys(keys);
  auto server = server_of_tests();
  server.use_ticket_keys(keys);
  client peer(version, true);
  peer.meet(their_server.get());
  auto const session = peer.last();
  auto const asked = peer.meet(asking, session.get());
  BOOST_TEST(asked.completed);
  BOOST_TEST(!asked.resumed);
  BOOST_TEST(!asked.client_subject.empty());
  // And nobody is taken for whom another program has verified.
  BOOST_TEST_REQUIRE(peer.meet(their_asking_server.get()).completed);
  auto const with_certificate = peer.last();
  auto const was = peer.meet(server, with_certificate.get());
  BOOST_TEST(was.completed);
  BOOST_TEST(!was.resumed);
  BOOST_TEST(was.client_subject.empty());
}

BOOST_DATA_TEST_CASE(ticket_of_nginx_is_resumed_for_the_name_that_it_was_made_for, versions,
                     version) {
  names_at_both both(version);
  client peer(version);
  for (std::string const made_for : {"example.test", "other.test", ""}) {
    peer.ask_for(made_for);
    peer.meet(both.their_server.get());
    auto const session = peer.last();
    for (std::string const asked :
         {"example.test", "EXAMPLE.test", "other.test", "localhost", ""}) {
      peer.ask_for(asked);
      auto const was = peer.meet(both.server, session.get());
      bool const is_same =
          asked == made_for || (asked == "EXAMPLE.test" && made_for == "example.test");
      BOOST_TEST(was.completed);
      BOOST_TEST(was.resumed == is_same, "made for " << made_for << ", asked for " << asked);
    }
  }
}

// As a server does that reads its files again.
BOOST_DATA_TEST_CASE(contexts_of_the_same_identities_and_keys_resume_each_others_sessions, versions,
                     version) {
  key_folder const folder;
  auto const keys = ticket_keys::random();
  auto const load = [&](bool asks_clients) {
    context made(context::role::server);
    made.use_identities(two_names(folder));
    made.use_ticket_keys(keys);
    if (asks_clients) {
      made.trust(client_identity().authority);
      made.require_client_certificate();
    }
    return made;
  };
  for (bool const asks_clients : {false, true}) {
    auto before = load(asks_clients);
    auto after = load(asks_clients);
    auto otherwise = load(!asks_clients);
    client peer(version, true);
    for (auto* const first : {&before, &after}) {
      peer.ask_for("other.test");
      BOOST_TEST_REQUIRE(peer.meet(*first).completed);
      auto const session = peer.last();
      auto& second = first == &before ? after : before;
      auto const was = peer.meet(second, session.get());
      BOOST_TEST(was.resumed);
      BOOST_TEST(was.client_subject.empty() == !asks_clients);
      auto const by_other_rules = peer.meet(otherwise, session.get());
      BOOST_TEST(by_other_rules.completed);
      BOOST_TEST(!by_other_rules.resumed);
      peer.ask_for("example.test");
      auto const by_another_name = peer.meet(second, session.get());
      BOOST_TEST(by_another_name.completed);
      BOOST_TEST(!by_another_name.resumed);
    }
  }
}

BOOST_AUTO_TEST_CASE(file_is_read_again_whole_or_not_at_all) {
  key_folder const folder;
  auto const first = folder.file("1", key('a', 80));
  auto const second = folder.file("2", key('b', 80));
  auto const keys = ticket_keys::from_files(ticket_key_format::nginx, {first, second});
  auto server = server_of_tests();
  server.use_ticket_keys(keys);
  client peer(TLS1_2_VERSION);
  peer.meet(server);
  auto const session = peer.last();
  folder.file("1", key('c', 80));
  folder.file("2", "too short");
  BOOST_CHECK_THROW(keys->read_again(), boost::system::system_error);
  BOOST_TEST(peer.meet(server, session.get()).resumed);
  folder.file("2", key('a', 80));
  keys->read_again();
  auto const renewed = peer.meet(server, session.get());
  BOOST_TEST(renewed.resumed);
  BOOST_TEST(renewed.new_tickets == 1U);
  folder.file("2", key('d', 80));
  keys->read_again();
  BOOST_TEST(!peer.meet(server, session.get()).resumed);
  BOOST_CHECK_THROW(keys->rotate(), boost::system::system_error);
}

std::string refusal(ticket_key_format format, std::vector<fs::path> const& files, errc code) {
  try {
    ticket_keys::from_files(format, files);
  } catch (boost::system::system_error const& error) {
    BOOST_TEST(error.code() == make_error_code(code), error.what());
    return error.what();
  }
  return "accepted";
}

void check_says(std::string const& text, std::string const& part) {
  BOOST_TEST(text.find(part) != std::string::npos, text << " lacks " << part);
}

BOOST_AUTO_TEST_CASE(file_that_is_not_what_it_should_be_is_refused) {
  key_folder const folder;
  constexpr auto of_nginx = ticket_key_format::nginx;
  auto const file_refusal = [&](fs::path const& file) {
    return refusal(of_nginx, {file}, errc::file_error);
  };
  check_says(file_refusal(folder.path() / "missing"), "missing': No such file");
  check_says(file_refusal(folder.path()), "it is a directory");
  auto const fifo = folder.path() / "fifo";
  BOOST_REQUIRE_EQUAL(::mkfifo(fifo.c_str(), 0600), 0);
  check_says(file_refusal(fifo), "it is no regular file");
  for (mode_t const mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U})
    check_says(file_refusal(folder.file("open", key('a', 80), mode)), "others than its owner");
  check_says(file_refusal(folder.file("long", std::string(131'073, 'x'))), "longer than 128 KiB");
  for (std::size_t const size : {0U, 1U, 47U, 49U, 79U, 81U, 131'072U}) {
    check_says(refusal(of_nginx, {folder.file("size", std::string(size, 'x'))}, errc::bad_option),
               "has " + std::to_string(size) + " bytes; nginx's have 48 or 80");
  }
  check_says(refusal(of_nginx, {folder.file("1", key('a', 80)), folder.file("2", key('a', 48))},
                     errc::bad_option),
             "2' has a key with the name of another one");
  check_says(refusal(of_nginx, {}, errc::bad_option), "no file with ticket keys");
  // A link is what it leads to, as where secrets are mounted.
  fs::create_symlink(folder.file("target", key('a', 80)), folder.path() / "link");
  BOOST_TEST(refusal(of_nginx, {folder.path() / "link"}, errc::bad_option) == "accepted");
}

BOOST_AUTO_TEST_CASE(lines_of_haproxy_that_are_no_keys_are_refused) {
  key_folder const folder;
  auto const a = base64(key('a', 80)), b = base64(key('b', 80)), c = base64(key('c', 80));
  auto const says = [&](std::string const& content) {
    return refusal(ticket_key_format::haproxy, {folder.file("keys", content)}, errc::bad_option);
  };
  BOOST_TEST(says(a + '\n' + b + '\n' + c) == "accepted");
  check_says(says(""), "has 0 keys");
  check_says(says(a + '\n' + b + '\n'), "has 2 keys; HAProxy's have three or more");
  check_says(says(a + "\n\n" + b + '\n' + c), "in line 2 is not the base64");
  check_says(says(a + '\n' + b + '\n' + base64(key('c', 48))), "in line 3 has a key of another");
  check_says(says(a + '\n' + b + '\n' + a), "with the name of another one");
  check_says(
      refusal(ticket_key_format::haproxy,
              {folder.file("1", a + '\n' + b + '\n' + c), folder.file("2", a)}, errc::bad_option),
      "in one file");
  for (auto const& wrong :
       {a.substr(1), a + "AAAA", a + '=', ' ' + a, a + ' ', base64(key('a', 47)),
        base64(key('a', 79)), base64(key('a', 81)), std::string("===="), std::string("\r"),
        std::string("A*") + a.substr(2), std::string(1, '\0') + a.substr(1),
        a.substr(0, 50) + '=' + a.substr(51), std::string(4'096, 'A')}) {
    check_says(says(b + '\n' + wrong + '\n' + c), "in line 2 is not the base64");
  }
  // The two bits that a byte does not fill are zero (RFC 4648 section 3.5).
  auto loose = a;
  loose[loose.find('=') - 1] = '/';
  check_says(says(b + '\n' + loose + '\n' + c), "in line 2 is not the base64");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
