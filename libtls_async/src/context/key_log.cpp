// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The file, and OpenSSL's callback (SSL_CTX_set_keylog_callback(3)).
#include "key_log.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "state.hpp"

namespace tls_async {
namespace detail {
namespace {

// Of an open file, since what a path names may change between two looks. Empty if it is this user's
// own, and nobody else's to read or to write.
std::string fault_of(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return std::generic_category().message(errno);
  if (!S_ISREG(status.st_mode)) return "it is not a regular file; give another name";
  auto const user = ::geteuid();
  if (status.st_uid != user)
    return "it belongs to user " + std::to_string(status.st_uid) + ", not to user " +
           std::to_string(user) +
           " who runs this; remove it, or give a name in a directory of your own";
  if (status.st_nlink != 1)
    return "it has another name too, which somebody else may have made; remove it, or give "
           "another one";
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return "others may read it or write to it; remove it, or chmod it to 600";
  return {};
}

int open_log(std::filesystem::path const& file) noexcept {
  return ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
                0600);
}

// OpenSSL asks the context that the session has then, which an SNI callback may have changed.
void log_line(SSL const* session, char const* line) noexcept {
  auto const& log = state_of(SSL_get_SSL_CTX(session)).keys;
  if (log != nullptr) log->write(line);
}

}  // namespace

key_log::key_log(std::filesystem::path const& file) : descriptor_(open_log(file)) {
  std::string const fault = descriptor_ >= 0 ? fault_of(descriptor_)
                            : errno == ELOOP
                                ? "it is a symbolic link, which somebody else may have made; give "
                                  "the file itself"
                                : std::generic_category().message(errno);
  if (fault.empty()) return;
  if (descriptor_ >= 0) ::close(descriptor_);
  refuse(errc::file_error, "cannot write the key log '" + file.string() + "': " + fault);
}

key_log::~key_log() { ::close(descriptor_); }

// In one call, since several threads and processes append. The engine reads errno after OpenSSL has
// called this.
void key_log::write(std::string_view line) noexcept {
  int const kept = errno;
  std::array<char, 1> end{'\n'};
  std::array<::iovec, 3> parts{{{end.data(), is_torn_.exchange(false) ? 1U : 0U},
                                {const_cast<char*>(line.data()), line.size()},
                                {end.data(), 1}}};
  auto const wanted = static_cast<::ssize_t>(parts[0].iov_len + line.size() + 1);
  auto const written = ::writev(descriptor_, parts.data(), parts.size());
  if (written > 0 && written != wanted) is_torn_ = true;
  errno = kept;
}

}  // namespace detail

void context::log_keys(std::filesystem::path const& file) {
  detail::error_queue_scope const scope;
  detail::require_unused(handle_.get(), "log_keys()");
  detail::state_of(handle_.get()).keys = std::make_unique<detail::key_log>(file);
  SSL_CTX_set_keylog_callback(handle_.get(), &detail::log_line);
}

}  // namespace tls_async
