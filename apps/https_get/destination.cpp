// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "destination.hpp"

#include "failure.hpp"
#include "printable.hpp"
#include "validator.hpp"

#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

namespace https_get {
namespace {

namespace fs = std::filesystem;
namespace beast = boost::beast;

template <class Error>
void require(Error const& error, char const* what, fs::path const& file) {
  if (error)
    throw failure(exit_status::local_file, std::string("cannot ") + what + ' ' +
                                               printable(file.string()) + ": " + error.message());
}

fs::path with_suffix(fs::path file, char const* suffix) { return file += suffix; }

// Beside FILE. Where others may write, too, it could be a link to anything, or a pipe.
beast::file open_ours(fs::path const& file) {
  int const opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                            S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH);
  std::error_code const error{opened == -1 ? errno : 0, std::generic_category()};
  if (error == std::errc::too_many_symbolic_link_levels)
    throw failure(exit_status::local_file, printable(file.string()) + " is a link; remove it");
  require(error, "write", file);
  beast::file ours;
  ours.native_handle(opened);
  struct stat status {};
  if (::fstat(opened, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1 ||
      status.st_uid != ::geteuid())
    throw failure(
        exit_status::local_file,
        printable(file.string()) + " is a link, another user's, or no ordinary file; remove it");
  return ours;
}

void go_to(beast::file& file, std::uint64_t size, fs::path const& name) {
  beast::error_code error;
  if (file.size(error) < size)
    throw failure(exit_status::local_file, printable(name.string()) + " was changed meanwhile");
  if (!error && ::ftruncate(file.native_handle(), static_cast<::off_t>(size)) != 0)
    error.assign(errno, boost::system::generic_category());
  if (!error) file.seek(size, error);
  require(error, "write", name);
}

}  // namespace

destination::destination(fs::path const& file, std::string url, bool resume)
    : file_(file), url_(std::move(url)) {
  std::error_code error;
  auto const status = fs::status(file_, error);
  if (fs::is_directory(status))
    throw failure(exit_status::local_file,
                  printable(file_.string()) + " is a directory; give a file");
  // A link stays a link: it is what it points to that is replaced.
  if (fs::is_regular_file(status)) file_ = fs::canonical(file_);
  is_direct_ = file_ == "-" || (fs::exists(status) && !fs::is_regular_file(status));
  if (is_direct_) return;

  part_ = with_suffix(file_, ".part");
  validator_file_ = with_suffix(part_, ".validator");
  if (!resume) return;
  read_validator();
  if (validator_.empty()) return;
  auto const size = fs::file_size(part_, error);
  if (!error) present_ = size;
}

void destination::read_validator() {
  std::ifstream stored{validator_file_};
  std::string validator, url;
  std::getline(stored, validator);
  std::getline(stored, url);
  if (url == url_ && is_validator(validator)) validator_ = validator;
}

void destination::write_validator() {
  beast::error_code error;
  auto file = open_ours(validator_file_);
  auto const text = validator_ + '\n' + url_ + '\n';
  file.write(text.data(), text.size(), error);
  require(error, "write", validator_file_);
}

// No moment between has a part with the validator of another one.
void destination::start(std::string const& validator, std::optional<std::uint64_t> total) {
  total_ = total;
  if (is_direct_ || present_ > 0) return open();
  std::error_code error;
  fs::remove(validator_file_, error);
  require(error, "remove", validator_file_);
  validator_ = validator;
  open();
  if (!validator_.empty()) write_validator();
}

void destination::open() {
  if (file_ == "-") {
    output_.native_handle(::dup(STDOUT_FILENO));
    if (!output_.is_open()) throw failure(exit_status::local_file, "standard output is not open");
  } else if (is_direct_) {
    freed_interruptions const free;  // a pipe waits for its reader
    // Not by Beast's open(): its posix_fadvise(2) refuses a pipe.
    output_.native_handle(::open(file_.c_str(), O_WRONLY | O_CLOEXEC));
    if (!output_.is_open())
      require(std::error_code(errno, std::generic_category()), "write", file_);
  } else {
    output_ = open_ours(part_);
    held_.emplace();
    go_to(output_, present_, part_);
    // What nobody else may read stays so.
    std::error_code none;
    auto const status = fs::status(file_, none);
    if (fs::exists(status) &&
        ::fchmod(output_.native_handle(), static_cast<::mode_t>(status.permissions()) & 0777U) != 0)
      require(std::error_code(errno, std::generic_category()), "set the mode of", part_);
  }
}

void destination::append(char const* bytes, std::size_t count) {
  beast::error_code error;
  std::optional<freed_interruptions> free;
  if (is_direct_) free.emplace();
  output_.write(bytes, count, error);
  require(error, "write", where());
  received_ += count;
}

void destination::finish() {
  beast::error_code error;
  output_.close(error);
  require(error, "write", where());
  if (!is_direct_) {
    std::error_code error_of_name;
    fs::rename(part_, file_, error_of_name);
    require(error_of_name, "make", file_);
    fs::remove(validator_file_, error_of_name);
  }
  is_whole_ = true;
  held_.reset();
}

std::string destination::what_is_there() const {
  return std::to_string(size()) + (total_ ? " of " + std::to_string(*total_) : std::string()) +
         " bytes are in " + where();
}

}  // namespace https_get
