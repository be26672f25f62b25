// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The key log: whose file it has to be, and that every line is whole, whoever else writes.
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "event_log.hpp"

namespace tls_async::test {
namespace {

namespace fs = std::filesystem;

// Gone with the test.
struct directory {
  directory() {
    std::string name = (fs::temp_directory_path() / "key_log_XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~directory() { fs::remove_all(path); }

  fs::path path;
};

std::vector<std::string> lines_of(fs::path const& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

// The format of RFC 9850, of which Wireshark reads these labels.
bool is_whole(std::string const& line) {
  static std::regex const format(
      "(CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96})|"
      "((CLIENT|SERVER)_(HANDSHAKE_TRAFFIC_SECRET|TRAFFIC_SECRET_0) [0-9a-f]{64} "
      "([0-9a-f]{64}|[0-9a-f]{96}))|"
      "(EXPORTER_SECRET [0-9a-f]{64} ([0-9a-f]{64}|[0-9a-f]{96}))");
  return std::regex_match(line, format);
}

void negotiate(context& client, context& server) {
  memory_session s({}, client, server);
  s.handshake();
}

// Without Boost.Test, whose messages are not for several threads.
void negotiate_quietly(context& of_client, context& of_server) {
  raw_session client(of_client.native_handle(), role::client);
  raw_session server(of_server.native_handle(), role::server);
  for (bool is_done = false; !is_done;) {
    bool const client_is_done(client.handshake());
    move_ciphertext(client, server);
    is_done = bool(server.handshake()) && client_is_done;
    move_ciphertext(server, client);
  }
}

void check_refused(fs::path const& file, char const* words) {
  context client = client_context();
  BOOST_CHECK_EXCEPTION(client.log_keys(file), boost::system::system_error, [&](auto const& why) {
    std::string const what = why.what();
    BOOST_TEST_MESSAGE(what);
    return why.code() == errc::file_error && what.find(words) != std::string::npos &&
           what.find("'" + file.string() + "'") != std::string::npos;
  });
  BOOST_TEST(SSL_CTX_get_keylog_callback(client.native_handle()) == nullptr);
}

BOOST_AUTO_TEST_SUITE(key_log)

BOOST_AUTO_TEST_CASE(nothing_is_logged_unless_asked_for) {
  context client = client_context();
  BOOST_TEST(SSL_CTX_get_keylog_callback(client.native_handle()) == nullptr);
}

BOOST_AUTO_TEST_CASE(both_sides_write_the_same_secrets_to_files_of_their_own) {
  directory const dir;
  for (auto const version : {context::version::tls1_2, context::version::tls1_3}) {
    context client = client_context();
    context server = server_context();
    client.set_versions(version, version);
    client.log_keys(dir.path / "client");
    server.log_keys(dir.path / "server");
    negotiate(client, server);
  }
  auto const of_client = lines_of(dir.path / "client");
  auto const of_server = lines_of(dir.path / "server");
  BOOST_TEST(of_client.size() == 6U);  // TLS 1.2 has one
  BOOST_TEST((std::set(of_client.begin(), of_client.end()) ==
              std::set(of_server.begin(), of_server.end())));
  for (auto const& line : of_client)
    BOOST_TEST(is_whole(line), line);
  struct stat status {};
  BOOST_REQUIRE(::stat((dir.path / "client").c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 07777U) == 0600U);
}

BOOST_AUTO_TEST_CASE(file_is_appended_to_and_may_be_exchanged) {
  directory const dir;
  context server = server_context();
  for (char const* name : {"first", "first", "second"}) {
    context client = client_context();
    client.log_keys(dir.path / "another");
    client.log_keys(dir.path / name);
    negotiate(client, server);
  }
  BOOST_TEST(lines_of(dir.path / "first").size() == 10U);
  BOOST_TEST(lines_of(dir.path / "second").size() == 5U);
}

BOOST_AUTO_TEST_CASE(stream_writes_when_its_context_is_gone) {
  directory const dir;
  auto client = std::make_unique<context>(client_context());
  client->log_keys(dir.path / "keys");
  memory_session s({}, *client);
  client.reset();
  s.handshake();
  BOOST_TEST(lines_of(dir.path / "keys").size() == 5U);
}

BOOST_AUTO_TEST_CASE(file_of_somebody_else_is_refused) {
  directory const dir;
  std::ofstream(dir.path / "readable").put('\n');
  fs::permissions(dir.path / "readable", fs::perms(0644));
  std::ofstream(dir.path / "target").put('\n');
  fs::permissions(dir.path / "target", fs::perms(0600));
  fs::create_symlink("target", dir.path / "link");
  std::ofstream(dir.path / "one name").put('\n');
  fs::permissions(dir.path / "one name", fs::perms(0600));
  fs::create_hard_link(dir.path / "one name", dir.path / "two names");
  check_refused(dir.path / "two names", "it has another name too");
  check_refused(dir.path / "readable", "chmod it to 600");
  check_refused(dir.path / "link", "symbolic link");
  check_refused(dir.path / "none" / "keys", "No such file");
  check_refused(dir.path, "directory");
  check_refused("/dev/null", "not a regular file");
  if (::geteuid() == 0) {  // nobody else can give a file away
    std::ofstream(dir.path / "foreign").put('\n');
    fs::permissions(dir.path / "foreign", fs::perms(0600));
    BOOST_REQUIRE(::chown((dir.path / "foreign").c_str(), 65'534, 65'534) == 0);
    check_refused(dir.path / "foreign", "belongs to user 65534");
  }
}

BOOST_AUTO_TEST_CASE(refusal_changes_nothing) {
  directory const dir;
  context client = client_context();
  context server = server_context();
  client.log_keys(dir.path / "keys");
  BOOST_CHECK_THROW(client.log_keys("/dev/null"), boost::system::system_error);
  negotiate(client, server);
  BOOST_TEST(lines_of(dir.path / "keys").size() == 5U);
}

// It would be exchanged while a session writes to it.
BOOST_AUTO_TEST_CASE(file_is_fixed_from_the_first_session_on) {
  directory const dir;
  context client = client_context();
  context server = server_context();
  client.log_keys(dir.path / "keys");
  negotiate(client, server);
  BOOST_CHECK_EXCEPTION(client.log_keys(dir.path / "late"), boost::system::system_error,
                        [](auto const& why) { return why.code() == errc::bad_option; });
  BOOST_TEST(!fs::exists(dir.path / "late"));
  negotiate(client, server);
  BOOST_TEST(lines_of(dir.path / "keys").size() == 10U);
}

BOOST_AUTO_TEST_CASE(lines_of_several_threads_and_contexts_are_whole) {
  directory const dir;
  auto const file = dir.path / "keys";
  constexpr int rounds = 20;
  auto const work = [&file] {
    context client = client_context();
    context server = server_context();
    client.log_keys(file);
    server.log_keys(file);
    for (int i = 0; i < rounds; ++i)
      negotiate_quietly(client, server);
  };
  std::thread other(work);
  work();
  other.join();
  std::map<std::string, int> seen;
  for (auto const& line : lines_of(file)) {
    BOOST_TEST(is_whole(line), line);
    ++seen[line];
  }
  BOOST_TEST(seen.size() == 2U * rounds * 5);
  for (auto const& [line, times] : seen)
    BOOST_TEST(times == 2, line);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
