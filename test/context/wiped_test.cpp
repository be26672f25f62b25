// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// That no private key and no key of a ticket is left in memory that this program gives back by
// operator delete: each block is looked at then.
#include <tls_async/context.hpp>
#include <tls_async/sessions/ticket_keys.hpp>
#include <tls_async_test/certificates.hpp>
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/evp.h>

#include <malloc.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace tls_async::test {
namespace {

/// Counts the blocks that have one of the patterns, from now on until it ends.
class watch {
public:
  explicit watch(std::initializer_list<std::string_view> patterns) {
    count_ = 0;
    end_ = patterns_;
    for (auto const pattern : patterns) {
      std::memcpy(*end_, pattern.data(), length);
      ++end_;
    }
    watches_ = true;
  }
  ~watch() { watches_ = false; }
  watch(watch const&) = delete;
  watch& operator=(watch const&) = delete;

  [[nodiscard]] int seen() const { return count_; }

  static void look_at(void* block) noexcept {
    if (!watches_ || block == nullptr) return;
    auto const size = malloc_usable_size(block);
    for (auto* pattern = patterns_; pattern != end_; ++pattern) {
      if (memmem(block, size, *pattern, length) != nullptr) ++count_;
    }
  }

private:
  static constexpr std::size_t length = 16;
  static inline char patterns_[4][length] = {};
  static inline char (*end_)[length] = patterns_;
  static inline std::atomic<bool> watches_ = false;
  static inline std::atomic<int> count_ = 0;
};

}  // namespace
}  // namespace tls_async::test

void* operator new(std::size_t size) {
  // Zero: what the test itself has freed must not count.
  if (void* const block = std::calloc(1, size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  tls_async::test::watch::look_at(block);
  std::free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept { operator delete(block); }

namespace tls_async::test {
namespace {

struct files_of_keys {
  temporary_directory files;

  std::filesystem::path secret(std::string const& name, std::string const& content) {
    auto file = files.file(name, content);
    ::chmod(file.c_str(), 0600);
    return file;
  }
};

BOOST_FIXTURE_TEST_SUITE(wiped, files_of_keys)

BOOST_AUTO_TEST_CASE(watch_sees_what_is_not_wiped) {
  watch const on({"SECRETSECRETSECR"});
  { std::string const secret = std::string("SECRETSECRETSECRET") + std::string(40, 'x'); }
  BOOST_TEST(on.seen() > 0);
}

BOOST_AUTO_TEST_CASE(private_keys_of_files_leave_nothing_behind) {
  auto const& ec = make_identity(identity_kind::server);
  auto const marked = ec.private_key + std::string(200'000, '\n');
  auto const file = secret("long.pem", marked);
  auto const both = secret("both.pem", ec.certificate_chain + marked);
  context server(context::role::server);
  watch const on({std::string_view(ec.private_key).substr(ec.private_key.find('\n') + 1, 16)});
  server.use_private_key_file(file);
  server.use_certificate_chain_file(both);
  BOOST_TEST(on.seen() == 0);
}

BOOST_AUTO_TEST_CASE(keys_of_tickets_leave_nothing_behind) {
  std::string key = "name0123456789ab";
  while (key.size() < 80)
    key += "SECRET";
  key.resize(80);
  std::vector const one{secret("key", key)};
  std::string lines;
  for (char const name : {'a', 'b', 'c'}) {
    key[0] = name;
    std::string text(200, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                    reinterpret_cast<unsigned char const*>(key.data()), 80);
    lines += text.c_str() + std::string("\n");
  }
  std::vector const three{secret("lines", lines)};
  std::vector const wrong{secret("broken", lines + "SECRETSECRETSECRETSECRET")};
  // In the middle of both keys of what is read, and in base64 in each place where three bytes can
  // begin.
  watch const on({"SECRETSECRETSECR", "U0VDUkVUU0VDUkVU", "NFQ1JFVFNFQ1JFVF", "TRUNSRVRTRUNSRVR"});
  auto keys = ticket_keys::from_files(ticket_key_format::nginx, one);
  keys->read_again();
  keys = ticket_keys::from_files(ticket_key_format::haproxy, three);
  keys.reset();
  BOOST_CHECK_THROW(ticket_keys::from_files(ticket_key_format::nginx, three),
                    boost::system::system_error);
  BOOST_CHECK_THROW(ticket_keys::from_files(ticket_key_format::haproxy, wrong),
                    boost::system::system_error);
  BOOST_TEST(on.seen() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
