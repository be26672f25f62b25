// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that touches the files that are served.
#include "static_files.hpp"

#include "http_date.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/pchars.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace https_server {
namespace {

namespace fs = std::filesystem;

// What is kept of small files is at most the product of the two.
constexpr std::size_t small_file_bytes = 16384;
constexpr std::size_t most_small_files = 256;

constexpr std::size_t most_listed = 10'000;  // names of a directory

// Opening must not wait, as it would for a pipe.
constexpr int reading = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

bool is_safe(std::string_view segment) {
  if (segment == "." || segment == "..") return false;
  return std::none_of(segment.begin(), segment.end(), [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '/' || c == '\\';
  });
}

// ".well-known" is meant to be found (RFC 8615).
bool has_dotfile(std::string_view name) {
  if (name == ".well-known" || name.starts_with(".well-known/")) name.remove_prefix(11);
  return name.starts_with('.') || name.find("/.") != name.npos;
}

bool is_below(fs::path const& path, fs::path const& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

http::status status_of(int error) {
  switch (error) {
    case EACCES:
    case ENXIO:  // a socket, or a device without its driver
      return http::status::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return http::status::service_unavailable;
    default:
      return http::status::not_found;
  }
}

bool is_same(timespec const& a, timespec const& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// With the time of the last change of its inode, which nobody can set: cp -p, tar and rsync restore
// st_mtim, so two versions of one length may have that in common.
std::string tag_of(struct stat const& status) {
  char tag[120];
  auto const length = std::snprintf(tag, sizeof tag, "\"%llx-%llx-%llx.%lx-%llx.%lx\"",
                                    static_cast<unsigned long long>(status.st_ino),
                                    static_cast<unsigned long long>(status.st_size),
                                    static_cast<unsigned long long>(status.st_mtim.tv_sec),
                                    static_cast<unsigned long>(status.st_mtim.tv_nsec),
                                    static_cast<unsigned long long>(status.st_ctim.tv_sec),
                                    static_cast<unsigned long>(status.st_ctim.tv_nsec));
  return {tag, static_cast<std::size_t>(length)};
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
    auto const segment = valid->decode();
    if (!is_safe(segment)) return std::nullopt;
    if (!path.name.empty()) path.name += '/';
    path.name += segment;
  }
  return path;
}

std::string directory_location(target_path const& path) {
  if (path.name.empty()) return "/";
  return '/' + boost::urls::encode(path.name, boost::urls::pchars + '/') + '/';
}

file_descriptor::~file_descriptor() {
  if (number_ >= 0) ::close(number_);
}

served_file::served_file(file_descriptor opened, struct stat const& status)
    : descriptor_(std::move(opened)),
      status_(status),
      tag_(tag_of(status)),
      last_modified_(http_date(status.st_mtim.tv_sec)) {}

bool served_file::is_of(struct stat const& status) const noexcept {
  return status.st_dev == status_.st_dev && status.st_ino == status_.st_ino &&
         status.st_size == status_.st_size && is_same(status.st_mtim, status_.st_mtim) &&
         is_same(status.st_ctim, status_.st_ctim);
}

void served_file::load() {
  std::string content(size(), '\0');
  auto const count = ::pread(descriptor_.number(), content.data(), content.size(), 0);
  if (count != static_cast<::ssize_t>(content.size())) return;
  content_ = std::move(content);
  descriptor_ = file_descriptor();
}

static_files::static_files(fs::path const& root, file_rules const& rules,
                           std::chrono::seconds settled)
    : rules_(rules), settled_(settled) {
  std::error_code error;
  root_ = fs::canonical(root, error);
  if (!error && !fs::is_directory(root_, error))
    error = make_error_code(std::errc::not_a_directory);
  if (!error && ::access(root_.c_str(), R_OK | X_OK) != 0)
    error.assign(errno, std::generic_category());
  if (error)
    throw std::runtime_error("cannot serve \"" + root.string() + "\": " + error.message() +
                             "; give --root a directory that this user can read");
  root_descriptor_ = file_descriptor(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// Not open if it failed, and errno says why; it is EXDEV where a link leads out of the root.
file_descriptor static_files::open(std::string const& name) const {
  open_how how{};
  how.flags = reading;
  how.resolve = RESOLVE_BENEATH;
  file_descriptor opened(static_cast<int>(
      ::syscall(SYS_openat2, root_descriptor_.number(), name.c_str(), &how, sizeof how)));
  if (opened || (errno != EXDEV && errno != ENOSYS)) return opened;

  // An absolute link, which may well lead to a place below the root, or a kernel before 5.6: the
  // links are resolved first, and the result is judged and opened. (Whoever may rename files below
  // the root during a request is trusted with what it holds.)
  std::error_code error;
  auto const real = fs::canonical(root_ / name, error);
  if (error || !is_below(real, root_)) {
    errno = error ? error.value() : EXDEV;
    return opened;
  }
  return file_descriptor(::open(real.c_str(), reading | O_NOFOLLOW));
}

// The file has been looked at each time, so that a change is seen at once.
std::shared_ptr<served_file const> static_files::kept(std::string const& name,
                                                      struct stat const& status) const {
  std::lock_guard const lock{mutex_};
  auto const found = small_.find(name);
  return found != small_.end() && found->second->is_of(status) ? found->second : nullptr;
}

bool static_files::is_worth_keeping(struct stat const& status) const {
  auto const now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return static_cast<std::size_t>(status.st_size) <= small_file_bytes &&
         now - status.st_ctim.tv_sec > settled_.count();
}

void static_files::keep(std::string const& name,
                        std::shared_ptr<served_file const> const& file) const {
  std::lock_guard const lock{mutex_};
  if (small_.size() >= most_small_files) small_.clear();
  small_.insert_or_assign(name, file);
}

bool static_files::leads_out(target_path const& path, std::string const& name) const {
  return !open(path.name.empty() ? name : path.name + '/' + name) && errno == EXDEV;
}

void static_files::list(target_path const& path, found_file& found) const {
  auto opened = open(path.name.empty() ? "." : path.name);
  struct stat status {};
  if (!opened || ::fstat(opened.number(), &status) != 0 || !S_ISDIR(status.st_mode)) return;
  int const number = ::dup(opened.number());
  std::unique_ptr<DIR, int (*)(DIR*)> const directory{::fdopendir(number), &::closedir};
  if (!directory) {
    ::close(number);
    return;
  }
  while (auto const* const entry = ::readdir(directory.get())) {
    std::string name = entry->d_name;
    if (!is_safe(name) || (!rules_.dotfiles && has_dotfile(name))) continue;
    if (::fstatat(opened.number(), name.c_str(), &status, 0) != 0) continue;
    // To open anything but these may act on it.
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) continue;
    if (entry->d_type != DT_DIR && entry->d_type != DT_REG && leads_out(path, name)) continue;
    if (S_ISDIR(status.st_mode)) name += '/';
    found.listing.push_back(name);
    if (found.listing.size() == most_listed) break;
  }
  std::sort(found.listing.begin(), found.listing.end());
  found.status = http::status::ok;
  found.name = path.name.empty() ? "/" : '/' + path.name + '/';
}

bool static_files::is_listing(std::string_view target) const {
  auto const path = rules_.browse ? parse_target(target) : std::nullopt;
  if (!path || !path->ends_with_slash) return false;
  auto const index = path->name.empty() ? "index.html" : path->name + "/index.html";
  struct stat status;
  bool const is_file = ::fstatat(root_descriptor_.number(), index.c_str(), &status, 0) == 0 &&
                       S_ISREG(status.st_mode);  // what is no file is not even opened
  return !is_file || !open(index);
}

found_file static_files::find(std::string_view target) const {
  found_file found;
  auto const path = parse_target(target);
  if (!path) {
    found.status = http::status::bad_request;
    return found;
  }
  if (!rules_.dotfiles && has_dotfile(path->name)) return found;
  auto name = path->name;
  if (path->ends_with_slash) name += name.empty() ? "index.html" : "/index.html";

  struct stat status {};
  bool const is_there = ::fstatat(root_descriptor_.number(), name.c_str(), &status, 0) == 0;
  if (found.file = is_there ? kept(name, status) : nullptr; found.file) {
    found.status = http::status::ok;
  } else if (is_there && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    // Not even opened: that would let in who waits to write into a pipe, and a device may act on
    // it.
    found.status = http::status::forbidden;
  } else if (auto opened = open(name); !opened || ::fstat(opened.number(), &status) != 0) {
    found.status = status_of(errno);
    if (found.status == http::status::not_found && path->ends_with_slash && rules_.browse)
      list(*path, found);
  } else if (S_ISDIR(status.st_mode) && !path->ends_with_slash) {
    found.status = http::status::moved_permanently;
    found.location = directory_location(*path);
  } else if (!S_ISREG(status.st_mode)) {
    found.status = http::status::forbidden;
  } else {
    found.status = http::status::ok;
    auto const file = std::make_shared<served_file>(std::move(opened), status);
    if (is_worth_keeping(status)) file->load();
    if (file->content()) keep(name, file);
    found.file = file;
  }
  if (found.file) found.name = name.substr(name.rfind('/') + 1);
  return found;
}

}  // namespace https_server
