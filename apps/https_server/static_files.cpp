// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that touches the files that are served.
#include "static_files.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/pchars.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace https_server {
namespace {

namespace fs = std::filesystem;

bool is_safe(std::string_view segment) {
  if (segment == "." || segment == "..") return false;
  return std::none_of(segment.begin(), segment.end(), [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '/' || c == '\\';
  });
}

bool is_below(fs::path const& path, fs::path const& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

http::status status_of(std::error_code error) {
  if (error == std::errc::permission_denied) return http::status::forbidden;
  if (error == std::errc::too_many_files_open ||
      error == std::errc::too_many_files_open_in_system || error == std::errc::not_enough_memory)
    return http::status::service_unavailable;
  return http::status::not_found;
}

}  // namespace

std::optional<target_path> parse_target(std::string_view target) {
  // A proxy's form, "https://host/path": whom it names is not ours to judge, the path is.
  if (auto const scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos) {
    auto const path = target.find_first_of("/?", scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  target = target.substr(0, target.find('?'));
  if (!target.starts_with('/')) return std::nullopt;

  target_path path;
  path.ends_with_slash = target.ends_with('/');
  while (!target.empty()) {
    target.remove_prefix(1);  // the slash
    auto const escaped = target.substr(0, target.find('/'));
    target.remove_prefix(escaped.size());
    if (escaped.empty()) continue;  // "//" is "/" to every file system
    auto const valid = boost::urls::make_pct_string_view({escaped.data(), escaped.size()});
    if (!valid) return std::nullopt;
    auto segment = valid->decode();
    if (!is_safe(segment)) return std::nullopt;
    path.segments.push_back(std::move(segment));
  }
  return path;
}

std::string directory_location(target_path const& path) {
  std::string location = "/";
  for (auto const& segment : path.segments)
    location += boost::urls::encode(segment, boost::urls::pchars) + '/';
  return location;
}

open_file open_file::at(fs::path const& path) {
  open_file file;
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file.descriptor_ < 0) return file;
  struct stat status {};
  if (::fstat(file.descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    file = open_file{};
    errno = EINVAL;
    return file;
  }
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  file.modified_ = status.st_mtim.tv_sec;
  char tag[80];
  auto const length = std::snprintf(tag, sizeof tag, "\"%llx-%llx-%llx.%lx\"",
                                    static_cast<unsigned long long>(status.st_ino),
                                    static_cast<unsigned long long>(status.st_size),
                                    static_cast<unsigned long long>(status.st_mtim.tv_sec),
                                    static_cast<unsigned long>(status.st_mtim.tv_nsec));
  file.tag_.assign(tag, static_cast<std::size_t>(length));
  return file;
}

open_file::open_file(open_file&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      modified_(other.modified_),
      tag_(std::move(other.tag_)) {}

open_file& open_file::operator=(open_file&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(modified_, other.modified_);
  std::swap(tag_, other.tag_);
  return *this;
}

open_file::~open_file() {
  if (is_open()) ::close(descriptor_);
}

static_files::static_files(fs::path const& root) {
  std::error_code error;
  root_ = fs::canonical(root, error);
  if (!error && !fs::is_directory(root_, error))
    error = make_error_code(std::errc::not_a_directory);
  if (!error && ::access(root_.c_str(), R_OK | X_OK) != 0)
    error.assign(errno, std::generic_category());
  if (error)
    throw std::runtime_error("cannot serve \"" + root.string() + "\": " + error.message() +
                             "; give --root a directory that this user can read");
}

found_file static_files::find(std::string_view target) const {
  found_file found;
  auto const path = parse_target(target);
  if (!path) {
    found.status = http::status::bad_request;
    return found;
  }
  auto wanted = root_;
  for (auto const& segment : path->segments)
    wanted /= segment;
  if (path->ends_with_slash) wanted /= "index.html";

  // The links are resolved first and the result is judged and opened, so a link cannot lead out.
  // (Whoever may rename files below the root during a request is trusted with what it holds.)
  std::error_code error;
  auto const real = fs::canonical(wanted, error);
  auto const type = error ? fs::file_type::none : fs::status(real, error).type();
  if (error) {
    found.status = status_of(error);
  } else if (!is_below(real, root_)) {
    found.status = http::status::not_found;
  } else if (type == fs::file_type::directory && !path->ends_with_slash) {
    found.status = http::status::moved_permanently;
    found.location = directory_location(*path);
  } else if (type != fs::file_type::regular) {
    found.status = http::status::forbidden;
  } else if (found.file = open_file::at(real); found.file.is_open()) {
    found.status = http::status::ok;
    found.name = wanted.filename().string();
  } else {
    found.status = status_of({errno, std::generic_category()});
  }
  return found;
}

}  // namespace https_server
