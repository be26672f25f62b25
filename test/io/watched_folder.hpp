// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A folder whose files change, and one wait of a file watcher.
#pragma once

#include <tls_async/io/watch_files.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace tls_async::test {

namespace fs = std::filesystem;

// Gone with the test.
class watched_folder {
public:
  watched_folder() {
    auto name = (fs::temp_directory_path() / "tls_async-watch-XXXXXX").native();
    BOOST_REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  watched_folder(watched_folder const&) = delete;
  watched_folder& operator=(watched_folder const&) = delete;
  ~watched_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  [[nodiscard]] fs::path operator/(fs::path const& name) const { return path_ / name; }
  [[nodiscard]] fs::path const& path() const { return path_; }

private:
  fs::path path_;
};

// In place.
inline void write_file(fs::path const& file, std::string const& content) {
  std::ofstream(file) << content;
}
// By a new file that takes its name.
inline void replace_file(fs::path const& file, std::string const& content) {
  auto const fresh = file.native() + ".new";
  write_file(fresh, content);
  fs::rename(fresh, file);
}
// As Kubernetes does it.
inline void replace_link(fs::path const& link, fs::path const& target) {
  auto const fresh = link.native() + ".new";
  fs::create_symlink(target, fresh);
  fs::rename(fresh, link);
}
inline std::string content_of(fs::path const& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A watcher that tells of each change at once.
class eager_watcher {
public:
  explicit eager_watcher(std::vector<fs::path> const& paths)
      : watcher_(io_.get_executor(), paths, std::chrono::seconds(0)) {}

  // Whether something was told since the last question. What has happened is in the kernel's queue,
  // and a wait begins with what is there: nothing has to be waited for.
  bool has_told() {
    bool const result = ask();
    // The end of what was told may have come behind it. But it has an end.
    for (int more = 0; result && ask(); ++more)
      BOOST_TEST_REQUIRE(more < 10);
    return result;
  }

private:
  bool ask() {
    std::optional<error_code> told;
    watcher_.async_wait([&](error_code ec) { told = ec; });
    io_.restart();
    io_.poll();
    if (!told) {
      watcher_.cancel();
      io_.run();
    }
    BOOST_TEST_REQUIRE(told.has_value());
    if (*told == boost::asio::error::operation_aborted) return false;
    BOOST_TEST(!*told, told->message());
    return true;
  }

  boost::asio::io_context io_;
  file_watcher watcher_;
};

}  // namespace tls_async::test
