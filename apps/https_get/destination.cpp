// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "destination.hpp"

#include "failure.hpp"

#include <fstream>
#include <system_error>

#include <unistd.h>

namespace https_get {
namespace {

namespace fs = std::filesystem;
namespace beast = boost::beast;

template <class Error>
void require(Error const& error, char const* what, fs::path const& file) {
  if (error)
    throw failure(exit_status::local_file,
                  std::string("cannot ") + what + ' ' + file.string() + ": " + error.message());
}

fs::path with_suffix(fs::path file, char const* suffix) { return file += suffix; }

void give_name(fs::path const& from, fs::path const& to) {
  std::error_code error;
  fs::rename(from, to, error);
  require(error, "make", to);
}

}  // namespace

destination::destination(fs::path const& file, bool resume) : file_(file) {
  std::error_code error;
  auto const status = fs::status(file_, error);
  if (fs::is_directory(status))
    throw failure(exit_status::local_file, file_.string() + " is a directory; give a file");
  // A link stays a link: it is what it points to that is replaced.
  if (fs::is_regular_file(status)) file_ = fs::canonical(file_);
  is_direct_ = file_ == "-" || (fs::exists(status) && !fs::is_regular_file(status));
  if (is_direct_) return;

  part_ = with_suffix(file_, ".part");
  version_file_ = with_suffix(part_, ".etag");
  if (!resume) return;
  bool const has_part = fs::exists(part_, error);
  auto const size = fs::file_size(has_part ? part_ : file_, error);
  if (error) return;  // there is nothing yet
  present_ = size;
  if (has_part) {
    std::ifstream stored{version_file_};
    std::getline(stored, version_);
  }
}

void destination::start(std::string const& version) {
  if (is_direct_) return open();
  // FILE itself turned out not to be whole.
  if (std::error_code error; present_ > 0 && !fs::exists(part_, error)) give_name(file_, part_);
  open();
  std::error_code ignored;
  fs::remove(version_file_, ignored);
  if (!version.empty()) std::ofstream{version_file_} << version << '\n';
}

void destination::open() {
  beast::error_code error;
  if (file_ == "-") {
    output_.native_handle(::dup(STDOUT_FILENO));
    if (!output_.is_open()) throw failure(exit_status::local_file, "standard output is not open");
    return;
  }
  auto const& path = is_direct_ ? file_ : part_;
  auto const mode = present_ > 0 ? beast::file_mode::append_existing : beast::file_mode::write;
  output_.open(path.c_str(), mode, error);
  require(error, "write", path);
}

void destination::append(char const* bytes, std::size_t count) {
  beast::error_code error;
  output_.write(bytes, count, error);
  require(error, "write", where());
}

void destination::finish() {
  beast::error_code error;
  output_.close(error);
  require(error, "write", where());
  if (is_direct_) return;
  std::error_code ignored;
  if (fs::exists(part_, ignored)) give_name(part_, file_);
  fs::remove(version_file_, ignored);
}

}  // namespace https_get
