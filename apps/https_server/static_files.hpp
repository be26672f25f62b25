// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the target of a request to a file below one root directory, or the reason why not. Knows no
// connection and sends nothing. Whatever a client writes, nothing outside the root is opened:
// neither by "..", nor by an escaped slash, nor through a symbolic link.
#pragma once

#include <boost/beast/http/status.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace https_server {

namespace http = boost::beast::http;

// The path of a request, decoded: "/a%20b//c/?q" is "a b/c" and ends with a slash.
struct target_path {
  std::string name;
  bool ends_with_slash = false;

  bool operator==(target_path const&) const = default;
};

// Nothing for a target that is malformed or tries to leave the root: dot segments, escaped slashes
// and backslashes, control characters, bad escapes.
std::optional<target_path> parse_target(std::string_view target);

// "/a%20b/c/": the path as a target for a Location header. Always begins with exactly one slash,
// so that it cannot name another host.
std::string directory_location(target_path const&);

// A file descriptor that is closed at the end.
class file_descriptor {
public:
  explicit file_descriptor(int number = -1) noexcept : number_(number) {}
  file_descriptor(file_descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~file_descriptor();

  int number() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }

private:
  int number_;
};

// One version of a regular file: open for reading or, if it is small, in memory.
class served_file {
public:
  served_file(file_descriptor opened, struct stat const& status);

  std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(status_.st_size); }
  std::time_t modified() const noexcept { return status_.st_mtim.tv_sec; }
  // Changes when the content does, as far as the file system tells: a strong entity tag, quoted.
  std::string const& tag() const noexcept { return tag_; }
  // modified() as HTTP writes it.
  std::string const& last_modified() const noexcept { return last_modified_; }
  // Whether `status` is of this very version.
  bool is_of(struct stat const& status) const noexcept;

  // One of the two: the content, or a descriptor that is open for as long as this is.
  std::optional<std::string> const& content() const noexcept { return content_; }
  int descriptor() const noexcept { return descriptor_.number(); }

  // From now on in memory, if all of it can be read.
  void load();

private:
  file_descriptor descriptor_;
  struct stat status_;
  std::string tag_;
  std::string last_modified_;
  std::optional<std::string> content_;
};

// What the command line allows.
struct file_rules {
  bool browse = false;    // list directories that have no index.html
  bool dotfiles = false;  // serve what begins with a dot; ".well-known" is always served (RFC 8615)
};

struct found_file {
  http::status status = http::status::not_found;
  std::shared_ptr<served_file const> file;  // if ok
  std::string name;                         // if ok: for the media type, or of the directory
  std::string location;                     // if moved_permanently
  // If ok and there is no file: the names in a directory, sorted, those of directories with a
  // slash.
  std::vector<std::string> listing;
};

// From any thread.
class static_files {
public:
  // Small files stay in memory, once they haven't changed for `settled`: the times of a file
  // advance in steps, so one that changed just now may do so again without another time. Throws
  // std::runtime_error, saying what to do, unless `root` is a directory that can be read.
  explicit static_files(std::filesystem::path const& root, file_rules const& rules = {},
                        std::chrono::seconds settled = std::chrono::seconds(2));

  // ok, moved_permanently (a directory without its slash), bad_request, forbidden, not_found, or
  // service_unavailable (out of descriptors).
  found_file find(std::string_view target) const;
  // Whether find() would list a directory.
  bool is_listing(std::string_view target) const;

private:
  file_descriptor open(std::string const& name) const;
  bool leads_out(target_path const& path, std::string const& name) const;
  void list(target_path const& path, found_file& found) const;
  std::shared_ptr<served_file const> kept(std::string const& name, struct stat const& status) const;
  bool is_worth_keeping(struct stat const& status) const;
  void keep(std::string const& name, std::shared_ptr<served_file const> const& file) const;

  std::filesystem::path root_;  // without symbolic links
  file_rules rules_;
  std::chrono::seconds settled_;
  file_descriptor root_descriptor_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<served_file const>> small_;  // by name
};

}  // namespace https_server
