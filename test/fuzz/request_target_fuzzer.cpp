// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The target of a request to https_server, and where a redirect leads https_get. Judged: no path
// leaves the root, nothing outside it is ever opened, a Location is on the same server; a redirect
// leads to https only, and its request line is one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include "failure.hpp"
#include "script.hpp"
#include "static_files.hpp"
#include "target.hpp"
#include "temporary_directory.hpp"

namespace {

using namespace https_server;
using tls_async::test::must;
namespace fs = std::filesystem;

bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

struct site {
  site() {
    directory.write("secret", "secret");
    directory.write("root/index.html", "index");
    directory.write("root/a b", "0123456789");
    directory.write("root/dir/index.html", "inner index");
    fs::create_symlink("../secret", root() / "link");
    fs::create_directory_symlink("..", root() / "up");
  }
  [[nodiscard]] fs::path root() const { return directory.path() / "root"; }

  temporary_directory directory;
};

struct served : site {
  static_files files{root()};
};

void judge_path(target_path const& path) {
  must(!path.name.starts_with('/') && !path.name.ends_with('/'), "a slash too many");
  must(std::none_of(
           path.name.begin(), path.name.end(),
           [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; }),
       "a character that no path may have");
  std::string_view rest = path.name;
  while (!rest.empty()) {
    auto const segment = rest.substr(0, rest.find('/'));
    must(!segment.empty() && segment != "." && segment != "..", "a segment that leads elsewhere");
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
  }
  auto const location = directory_location(path);
  must(location.starts_with('/') && !location.starts_with("//") && location.ends_with('/'),
       "a Location on another server");
  must(is_plain(location), "a Location of two lines");
  must(parse_target(location) == target_path{path.name, true}, "a Location of something else");
}

void judge_target(std::string_view target) {
  static served const here;
  auto const path = parse_target(target);
  if (path) judge_path(*path);
  auto const found = here.files.find(target);
  must(path.has_value() == (found.status != http::status::bad_request), "refused, or not");
  must((found.status == http::status::ok) == static_cast<bool>(found.file), "found, or not");
  if (!found.file) return;
  must(found.file->size() == 5 || found.file->size() == 10 || found.file->size() == 11,
       "a file that is none of ours");
  must(found.name == "index.html" || found.name == "a b", "a name that is none of ours");
}

void judge_redirect(std::string_view location) {
  static auto const base = https_get::parse_url("https://example.test/dir/file?query");
  try {
    auto const url = https_get::redirected(base, location);
    must(url.scheme_id() == boost::urls::scheme::https && !url.has_userinfo(),
         "it leads to no https");
    auto const host = https_get::host(url);
    must(!host.empty() && is_plain(host), "it leads to no host");
    auto const port = https_get::port(url);
    must(!port.empty() && port.find_first_not_of("0123456789") == port.npos, "its port is none");
    auto const target = https_get::request_target(url);
    must(target.starts_with('/') && is_plain(target), "a request line of two lines");
    auto const name = https_get::file_name(url);
    must(!name.empty() && name != "." && name != ".." && name.find('/') == name.npos,
         "a file somewhere else");
  } catch (https_get::failure const&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string const text(reinterpret_cast<char const*>(data), size);
  judge_target(text);
  judge_redirect(text);
  return 0;
}
