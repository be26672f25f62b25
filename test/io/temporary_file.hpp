// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A file to be sent.
#pragma once

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>

namespace tls_async::test {

// Without a name, gone with the test.
class temporary_file {
public:
  explicit temporary_file(std::string const& content) : file_(std::tmpfile()) {
    BOOST_REQUIRE(file_ != nullptr);
    BOOST_REQUIRE_EQUAL(std::fwrite(content.data(), 1, content.size(), file_), content.size());
    BOOST_REQUIRE_EQUAL(std::fflush(file_), 0);
  }
  temporary_file(temporary_file const&) = delete;
  temporary_file& operator=(temporary_file const&) = delete;
  ~temporary_file() { (void)std::fclose(file_); }

  [[nodiscard]] int descriptor() const { return fileno(file_); }
  void shrink_to(std::size_t size) const {
    BOOST_REQUIRE_EQUAL(::ftruncate(descriptor(), static_cast<::off_t>(size)), 0);
  }

  void overwrite(std::string const& content, std::size_t offset) const {
    BOOST_REQUIRE_EQUAL(
        ::pwrite(descriptor(), content.data(), content.size(), static_cast<::off_t>(offset)),
        static_cast<::ssize_t>(content.size()));
  }

private:
  std::FILE* file_;
};

}  // namespace tls_async::test
