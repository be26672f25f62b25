// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Random changes of a small tree of folders, links and files: whenever a path that is watched leads
// to something else than at the last time that was told, it is told.
#include "watched_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <vector>

namespace tls_async::test {
namespace {

class random_tree {
public:
  explicit random_tree(unsigned seed) : random_(seed) { fs::create_directories(top_); }

  // One change, which may come to nothing.
  void change() {
    std::error_code ignored;
    auto const here = any_path();
    switch (below(6)) {
      case 0:
        write_file(here, std::to_string(++written_));
        break;
      case 1:
        fs::create_directory(here, ignored);
        break;
      case 2:
        fs::rename(here, any_path(), ignored);
        break;
      case 3:
        fs::remove_all(here, ignored);
        break;
      case 4:
        fs::create_symlink(any_target(), here, ignored);
        break;
      default:
        fs::create_symlink(any_target(), folder_ / "fresh", ignored);
        fs::rename(folder_ / "fresh", here, ignored);
    }
  }

  // Up to three names deep.
  fs::path any_path() {
    auto path = top_ / any_name();
    for (auto more = below(3); more != 0; --more)
      path /= any_name();
    return path;
  }

private:
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  std::string any_name() { return std::string(1, static_cast<char>('a' + below(3))); }
  fs::path any_target() {
    static std::array const before{"", "..", "../..", "../a", ".", "b/.."};
    if (below(4) == 0) return any_path();
    return fs::path(before.at(below(before.size()))) / any_name();
  }

  std::mt19937 random_;
  watched_folder folder_;
  fs::path top_ = folder_ / "1/2/3/4";  // links lead two folders up, and must not lead out of ours
  std::size_t written_ = 0;
};

// What a program would read there, of a folder its names.
std::string seen_at(fs::path const& path) {
  std::error_code ec;
  auto const kind = fs::status(path, ec).type();
  if (kind == fs::file_type::regular) return "file " + content_of(path);
  if (kind != fs::file_type::directory) return "nothing";
  std::string all = "folder";
  std::vector<std::string> names;
  for (auto const& each : fs::directory_iterator(path, ec))
    names.push_back(each.path().filename());
  std::sort(names.begin(), names.end());
  for (auto const& each : names) {
    auto const below = path / each;
    all += ' ' + each;
    if (fs::is_regular_file(below, ec)) all += '=' + content_of(below);
  }
  return all;
}

BOOST_AUTO_TEST_SUITE(watch_model)

BOOST_AUTO_TEST_CASE(tells_of_all_that_a_program_could_see) {
  std::size_t told = 0;
  std::size_t quiet = 0;
  for (unsigned seed = 0; seed != 60; ++seed) {
    random_tree tree(seed);
    fs::path const path = tree.any_path();
    eager_watcher watch({path});
    auto known = seen_at(path);
    for (int step = 0; step != 300; ++step) {
      tree.change();
      auto const now = seen_at(path);
      if (watch.has_told()) {
        ++told;
        known = now;
      } else {
        ++quiet;
        BOOST_TEST_REQUIRE(now == known, "seed " << seed << ", step " << step);
      }
    }
  }
  BOOST_TEST(told > 1'000U);
  BOOST_TEST(quiet > 1'000U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
