// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// That no key of a ticket is left in memory that was freed: each block is looked at as it is freed.
#include "resumption.hpp"

#include <boost/test/unit_test.hpp>

#include <malloc.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>

namespace tls_async::test {
namespace {

// In the middle of both keys of what is read; in base64, in each place where three bytes can begin.
constexpr std::array patterns{"SECRETSECRETSECR", "U0VDUkVUU0VDUkVU", "NFQ1JFVFNFQ1JFVF",
                              "TRUNSRVRTRUNSRVR"};
std::atomic<bool> watches = false;
std::atomic<int> left = 0;

void look_at(void const* block) noexcept {
  if (!watches || block == nullptr) return;
  auto const size = malloc_usable_size(const_cast<void*>(block));
  for (char const* const pattern : patterns) {
    if (memmem(block, size, pattern, 16) != nullptr) ++left;
  }
}

}  // namespace
}  // namespace tls_async::test

void* operator new(std::size_t size) {
  // Zero: what the test itself has freed must not count.
  if (void* const block = std::calloc(1, size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  tls_async::test::look_at(block);
  std::free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept { operator delete(block); }

namespace tls_async::test {
namespace {

std::filesystem::path secret_file(std::string const& name, std::string const& content) {
  auto const file = std::filesystem::temp_directory_path() /
                    (name + std::to_string(reinterpret_cast<std::uintptr_t>(&name)));
  std::ofstream(file, std::ios::binary) << content;
  ::chmod(file.c_str(), 0600);
  return file;
}

struct watch {
  watch() {
    left = 0;
    watches = true;
  }
  ~watch() { watches = false; }
  watch(watch const&) = delete;
  watch& operator=(watch const&) = delete;
};

BOOST_AUTO_TEST_SUITE(wiped)

BOOST_AUTO_TEST_CASE(watch_sees_what_is_not_wiped) {
  watch const on;
  { std::string const secret = std::string("SECRETSECRETSECRET") + std::string(40, 'x'); }
  BOOST_TEST(left > 0);
}

BOOST_AUTO_TEST_CASE(keys_of_files_leave_nothing_behind) {
  std::string key = "name0123456789ab";
  while (key.size() < 80)
    key += "SECRET";
  key.resize(80);
  auto const file = secret_file("tls_async-wiped-", key);
  std::string lines;
  for (char const name : {'a', 'b', 'c'}) {
    key[0] = name;
    std::string text(200, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                    reinterpret_cast<unsigned char const*>(key.data()), 80);
    lines += text.c_str() + std::string("\n");
  }
  auto const file_of_lines = secret_file("tls_async-wiped-lines-", lines);
  auto const broken = secret_file("tls_async-wiped-broken-", lines + "SECRETSECRETSECRETSECRET");
  {
    std::vector const one{file};
    std::vector const three{file_of_lines};
    std::vector const wrong{broken};
    watch const on;
    auto keys = ticket_keys::from_files(ticket_key_format::nginx, one);
    keys->read_again();
    keys = ticket_keys::from_files(ticket_key_format::haproxy, three);
    keys.reset();
    BOOST_CHECK_THROW(ticket_keys::from_files(ticket_key_format::nginx, three),
                      boost::system::system_error);
    BOOST_CHECK_THROW(ticket_keys::from_files(ticket_key_format::haproxy, wrong),
                      boost::system::system_error);
    BOOST_TEST(left == 0);
  }
  for (auto const& each : {file, file_of_lines, broken})
    std::filesystem::remove(each);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
