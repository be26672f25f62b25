// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions that are saved and loaded: what comes back, and what is refused.
#include <boost/system/system_error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>

#include "resuming.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

session_key numbered(unsigned char n) {
  session_key key{};
  key[31] = n;
  return key;
}

struct file_fixture : still_clock {
  file_fixture() {
    auto name = (fs::temp_directory_path() / "tls_async-sessions-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder = name;
    file = folder / "sessions";
  }
  ~file_fixture() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  file_fixture(file_fixture const&) = delete;
  file_fixture& operator=(file_fixture const&) = delete;

  // Times in a file are whole seconds.
  kept_session session(std::string bytes) const { return {std::move(bytes), moment, moment + 1h}; }
  void check_refused(errc code, std::string const& words, std::function<void()> const& load) {
    try {
      load();
      BOOST_ERROR("not refused: " << words);
    } catch (boost::system::system_error const& error) {
      BOOST_TEST((error.code() == code), error.what());
      BOOST_TEST(std::string(error.what()).find(words) != std::string::npos, error.what());
    }
    BOOST_TEST(ERR_peek_error() == 0U);
  }
  std::string content() const {
    std::ifstream from(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(from), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  fs::path folder;
  fs::path file;
};

BOOST_FIXTURE_TEST_SUITE(session_file, file_fixture)

BOOST_DATA_TEST_CASE(session_that_was_saved_is_resumed_by_another_context, data::make(versions),
                     version) {
  auto server = serving(version);
  {
    auto before = trusting();
    BOOST_TEST(once(before, server) == visit::full);
    before.sessions()->save_file(file);
  }
  auto other_rules = trusting();
  other_rules.trust(make_identity(identity_kind::untrusted).authority);
  other_rules.sessions()->load_file(file);
  BOOST_TEST(other_rules.sessions()->size() > 0U);
  BOOST_TEST(once(other_rules, server) == visit::full);

  auto after = trusting();
  after.sessions()->load_file(file);
  BOOST_TEST(once(after, server) == visit::resumed);
}

BOOST_AUTO_TEST_CASE(saved_sessions_come_back_in_their_order) {
  session_store store({}, clock());
  for (unsigned char key = 1; key != 4; ++key)
    for (char const* const each : {"old ", "new "})
      store.keep(numbered(key), session(each + std::to_string(key)));
  session_store other({}, clock());
  other.load(store.save());
  BOOST_TEST(other.size() == 6U);
  BOOST_TEST(other.save() == store.save());
  BOOST_TEST(other.take(numbered(2))->bytes == "new 2");
  BOOST_TEST(other.take(numbered(2))->bytes == "old 2");
  session_store small({.most_sessions = 2}, clock());
  small.load(store.save());
  BOOST_TEST(small.size() == 2U);
  BOOST_TEST(small.take(numbered(3))->bytes == "new 3");
  session_store narrow({.most_per_key = 1}, clock());
  narrow.load(store.save());
  BOOST_TEST(narrow.size() == 3U);
  BOOST_TEST(narrow.take(numbered(1))->bytes == "new 1");
}

BOOST_AUTO_TEST_CASE(store_without_sessions_is_saved_too) {
  session_store store({}, clock());
  store.keep(numbered(1), session("there"));
  store.load(session_store({}, clock()).save());
  BOOST_TEST(store.size() == 1U);
}

BOOST_AUTO_TEST_CASE(session_is_not_there_twice_when_it_is_loaded_twice) {
  session_store store({}, clock());
  store.keep(numbered(1), session("one"));
  auto const saved = store.save();
  store.load(saved);
  store.load(saved);
  BOOST_TEST(store.size() == 1U);
}

BOOST_AUTO_TEST_CASE(session_goes_on_ageing_while_it_is_saved) {
  session_store store({}, clock());
  store.keep(numbered(1), session("for an hour"));
  auto const saved = store.save();
  moment += 50min;
  session_store strict({.lifetime = 40min}, clock());
  strict.load(saved);
  BOOST_TEST(strict.size() == 0U);
  session_store other({}, clock());
  other.load(saved);
  BOOST_TEST(other.size() == 1U);
  moment += 10min;
  BOOST_TEST(!other.take(numbered(1)));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_damaged_anywhere_are_refused_whole) {
  session_store store({}, clock());
  store.keep(numbered(1), session("one"));
  store.keep(numbered(2), session("two"));
  auto const saved = store.save();
  session_store other({}, clock());
  auto const refuses = [&](std::string const& bytes) {
    try {
      other.load(bytes);
      return false;
    } catch (boost::system::system_error const& error) {
      return error.code() == errc::bad_sessions;
    }
  };
  for (std::size_t at = 0; at != saved.size(); ++at) {
    for (int const change : {0x01, 0x80, 0xff}) {
      auto damaged = saved;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      BOOST_REQUIRE_MESSAGE(refuses(damaged), "byte " << at);
    }
    BOOST_REQUIRE_MESSAGE(refuses(saved.substr(0, at)), "cut at " << at);
  }
  BOOST_TEST(refuses(saved + '\0'));
  BOOST_TEST(refuses(saved + saved));
  BOOST_TEST(other.size() == 0U);
  BOOST_TEST(!refuses(saved));
}

// Made with the right digest, by somebody who knows the format.
BOOST_AUTO_TEST_CASE(bytes_that_no_store_has_written_are_refused) {
  auto const with_digest = [](std::string text) {
    unsigned char digest[32];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha256(), nullptr);
    return text.append(digest, digest + sizeof digest);
  };
  std::string const head = "tls_async sessions 1\n";
  session_store store({}, clock());
  auto const key = std::string(32, 'k');
  auto const day = std::string("\0\0\0\0\1\0\0\0", 8);
  for (std::string const& body :
       {key.substr(1), key + day.substr(1), key + day + day + std::string("\xff\xff\xff\xff", 4),
        key + day + day + std::string("\2\0\0\0", 4) + "x",
        key + std::string(8, '\xff') + day + std::string(4, '\0')}) {
    check_refused(errc::bad_sessions, "", [&] { store.load(with_digest(head + body)); });
  }
  BOOST_TEST(store.size() == 0U);
  check_refused(errc::bad_sessions, "another version",
                [&] { store.load(with_digest("tls_async sessions 2\n")); });
  check_refused(errc::bad_sessions, "no sessions", [&] { store.load("-----BEGIN"); });
  check_refused(errc::bad_sessions, "no sessions", [&] { store.load(""); });
  store.load(with_digest(head));
}

BOOST_AUTO_TEST_CASE(file_is_for_its_owner_and_takes_the_place_of_an_older_one) {
  session_store store({}, clock());
  std::ofstream(file) << "an older one";
  fs::permissions(file, fs::perms::all);
  store.keep(numbered(1), session("one"));
  store.save_file(file);
  BOOST_TEST(content() == store.save());
  BOOST_TEST((fs::status(file).permissions() == (fs::perms::owner_read | fs::perms::owner_write)));
  BOOST_TEST(files() == 1U);
}

BOOST_AUTO_TEST_CASE(file_that_can_not_be_written_leaves_the_older_one) {
  session_store store({}, clock());
  check_refused(errc::file_error, "cannot write sessions beside",
                [&] { store.save_file(folder / "nowhere" / "sessions"); });
  // A folder stands in its place.
  fs::create_directories(file / "inside");
  check_refused(errc::file_error, "cannot write sessions to", [&] { store.save_file(file); });
  BOOST_TEST(fs::exists(file / "inside"));
  BOOST_TEST(files() == 1U);
}

BOOST_AUTO_TEST_CASE(file_that_others_can_read_or_write_is_refused) {
  session_store store({}, clock());
  store.keep(numbered(1), session("one"));
  store.save_file(file);
  session_store other({}, clock());
  for (auto const open : {fs::perms::group_read, fs::perms::group_write, fs::perms::others_read,
                          fs::perms::others_write}) {
    fs::permissions(file, fs::perms::owner_read | open);
    check_refused(errc::bad_sessions, "open to other users", [&] { other.load_file(file); });
  }
  fs::permissions(file, fs::perms::owner_read);
  if (::geteuid() == 0) {
    BOOST_REQUIRE(::chown(file.c_str(), 12'345, 12'345) == 0);
    check_refused(errc::bad_sessions, "another user", [&] { other.load_file(file); });
    BOOST_REQUIRE(::chown(file.c_str(), 0, 0) == 0);
  }
  BOOST_TEST(other.size() == 0U);
  other.load_file(file);
  BOOST_TEST(other.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_no_file_of_sessions_is_refused) {
  session_store store({.most_bytes = 1'000}, clock());
  check_refused(errc::file_error, "cannot read sessions", [&] { store.load_file(file); });
  check_refused(errc::bad_sessions, "no regular file", [&] { store.load_file(folder); });
  auto const pipe = folder / "pipe";
  BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  check_refused(errc::bad_sessions, "no regular file", [&] { store.load_file(pipe); });
  std::ofstream(file) << std::string(2'000, 'x');
  fs::permissions(file, fs::perms::owner_read);
  check_refused(errc::bad_sessions, "most_bytes", [&] { store.load_file(file); });
}

// Under the name by which OpenSSL finds it (openssl-rehash(1)).
void add_authority(fs::path const& folder, std::string const& pem) {
  bio_ptr const from(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::unique_ptr<X509, decltype(&X509_free)> const read(
      PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr), &X509_free);
  std::ostringstream name;
  name << std::hex << std::setw(8) << std::setfill('0') << X509_subject_name_hash(read.get());
  std::ofstream(folder / (name.str() + ".0")) << pem;
}

BOOST_AUTO_TEST_CASE(session_of_a_trust_folder_is_for_what_was_in_it) {
  auto server = serving();
  auto const store = std::make_shared<session_store>();
  auto const comes = [&] {
    context client(context::role::client);
    client.trust_directory(folder);
    client.use_session_store(store);
    return once(client, server);
  };
  add_authority(folder, server_identity().authority);
  BOOST_TEST(comes() == visit::full);
  BOOST_TEST(comes() == visit::resumed);
  for (auto const& each : fs::directory_iterator(folder))
    fs::remove(each);
  add_authority(folder, make_identity(identity_kind::untrusted).authority);
  BOOST_TEST(comes() == visit::failed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
