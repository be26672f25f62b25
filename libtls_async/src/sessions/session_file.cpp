// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions in a file that nobody else can read, and that nobody else has written.
#include "session_list.hpp"

#include <tls_async/error.hpp>

#include <openssl/crypto.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "../pem/refusal.hpp"

namespace tls_async {
namespace {

using detail::refuse;

// A descriptor, which is closed at the end.
class open_file {
public:
  explicit open_file(int descriptor) noexcept : descriptor_(descriptor) {}
  ~open_file() {
    if (descriptor_ != -1) ::close(descriptor_);
  }
  open_file(open_file const&) = delete;
  open_file& operator=(open_file const&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// What was written may fail here at last.
  [[nodiscard]] bool close() noexcept { return ::close(std::exchange(descriptor_, -1)) == 0; }

private:
  int descriptor_;
};

// Takes its content out of memory at the end.
struct secret_content {
  ~secret_content() { OPENSSL_cleanse(text.data(), text.size()); }
  std::string text;
};

[[noreturn]] void refuse_file(char const* what, std::filesystem::path const& file, int error) {
  refuse(errc::file_error,
         what + (" '" + file.string()) + "': " + std::generic_category().message(error));
}

bool write_all(int to, std::string_view text) noexcept {
  while (!text.empty()) {
    auto const written = ::write(to, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Who may have written it, and who may have read it.
void require_private(int descriptor, std::filesystem::path const& file) {
  struct stat found {};
  if (::fstat(descriptor, &found) != 0) refuse_file("cannot read sessions from", file, errno);
  auto const complaint = [&](std::string const& what) {
    refuse(errc::bad_sessions, "the file of sessions '" + file.string() + "' " + what);
  };
  if (!S_ISREG(found.st_mode)) complaint("is no regular file; name the one that was saved");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    complaint(
        "belongs to another user, who may have written anything there; remove it, and save "
        "one as the user of this process");
  }
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    complaint(
        "is open to other users, who may have read its secrets; remove it, and keep the next "
        "one as it is saved, with mode 600");
  }
}

// One byte more than `most` if there is more.
std::string content_of(int descriptor, std::filesystem::path const& file, std::size_t most) {
  secret_content read;
  struct stat found {};
  auto const size = ::fstat(descriptor, &found) == 0 ? static_cast<std::size_t>(found.st_size) : 0;
  if (size > most) {
    refuse(errc::bad_sessions, "the file of sessions '" + file.string() + "' has " +
                                   std::to_string(size) +
                                   " bytes, which is more than most_bytes of this store allows; "
                                   "raise it, or remove the file");
  }
  read.text.resize(size);
  std::size_t filled = 0;
  while (filled != size) {
    auto const got = ::read(descriptor, read.text.data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse_file("cannot read sessions from", file, errno);
    if (got == 0) break;  // it was cut meanwhile, which its digest tells
    filled += static_cast<std::size_t>(got);
  }
  read.text.resize(filled);
  return std::move(read.text);
}

}  // namespace

void session_store::save_file(std::filesystem::path const& file) const {
  secret_content const saved{save()};
  auto beside = file.string() + ".XXXXXX";
  // For its owner alone (mkstemp(3)).
  open_file made(::mkostemp(beside.data(), O_CLOEXEC));
  if (made.descriptor() == -1) refuse_file("cannot write sessions beside", file, errno);
  bool const is_written = write_all(made.descriptor(), saved.text) &&
                          ::fsync(made.descriptor()) == 0 && made.close() &&
                          std::rename(beside.c_str(), file.c_str()) == 0;
  if (is_written) return;
  int const error = errno;
  ::unlink(beside.c_str());
  refuse_file("cannot write sessions to", file, error);
}

void session_store::load_file(std::filesystem::path const& file) {
  // Not waiting for somebody to write to a pipe.
  open_file const from(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (from.descriptor() == -1) refuse_file("cannot read sessions from", file, errno);
  require_private(from.descriptor(), file);
  // In memory each takes more than in the file, whose beginning and end are short.
  secret_content const read{content_of(from.descriptor(), file, parts_->options.most_bytes + 256)};
  load(read.text);
}

}  // namespace tls_async
