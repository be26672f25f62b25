// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the target of a request to an open file below one root directory, or the reason why not.
// Knows no connection and sends nothing. Whatever a client writes, nothing outside the root is
// opened: neither by "..", nor by an escaped slash, nor through a symbolic link.
#pragma once

#include <boost/beast/http/status.hpp>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace https_server {

namespace http = boost::beast::http;

// The path of a request, decoded: "/a%20b/c/?q" is {"a b", "c"} and ends with a slash.
struct target_path {
  std::vector<std::string> segments;
  bool ends_with_slash = false;

  bool operator==(target_path const&) const = default;
};

// Nothing for a target that is malformed or tries to leave the root: dot segments, escaped slashes
// and backslashes, control characters, bad escapes.
std::optional<target_path> parse_target(std::string_view target);

// "/a%20b/c/": the path as a target for a Location header. Always begins with exactly one slash,
// so that it cannot name another host.
std::string directory_location(target_path const&);

// A regular file that is open for reading.
class open_file {
public:
  // Opens without waiting (a pipe would) and accepts only regular files. On failure not is_open(),
  // and errno says why; it is EINVAL for a file that is not regular.
  static open_file at(std::filesystem::path const&);

  open_file() = default;
  open_file(open_file&&) noexcept;
  open_file& operator=(open_file&&) noexcept;
  ~open_file();

  bool is_open() const noexcept { return descriptor_ >= 0; }
  std::uint64_t size() const noexcept { return size_; }
  std::time_t modified() const noexcept { return modified_; }
  // Changes when the content does, as far as the file system tells: a strong entity tag, quoted.
  std::string const& tag() const noexcept { return tag_; }

  // Open for as long as this is.
  int descriptor() const noexcept { return descriptor_; }

private:
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::time_t modified_ = 0;
  std::string tag_;
};

struct found_file {
  http::status status = http::status::not_found;
  open_file file;        // if ok
  std::string name;      // if ok: for the media type
  std::string location;  // if moved_permanently
};

class static_files {
public:
  // Throws std::runtime_error, saying what to do, unless `root` is a directory that can be read.
  explicit static_files(std::filesystem::path const& root);

  // ok, moved_permanently (a directory without its slash), bad_request, forbidden, not_found, or
  // service_unavailable (out of descriptors).
  found_file find(std::string_view target) const;

  std::filesystem::path const& root() const noexcept { return root_; }

private:
  std::filesystem::path root_;  // without symbolic links
};

}  // namespace https_server
