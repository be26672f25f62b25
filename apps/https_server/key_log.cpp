// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The file, and OpenSSL's callback (SSL_CTX_set_keylog_callback(3)).
#include "key_log.hpp"

#include "serving/own_file.hpp"

#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace https_server {

key_log::key_log(std::filesystem::path const& file)
    : descriptor_(::open(file.c_str(),
                         O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
                         0600)) {
  auto const refuse = [&](std::string const& why) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw std::runtime_error("cannot write the key log \"" + file.string() + "\": " + why);
  };
  if (descriptor_ < 0 && errno == ELOOP)
    refuse(
        "it is a symbolic link, which somebody else may have made; give --key-log the file "
        "itself");
  if (descriptor_ < 0)
    refuse(std::generic_category().message(errno) +
           "; give --key-log a file that this user can write");
  auto const fault = serving::fault_of_own_file(descriptor_, serving::readers::owner);
  if (!fault.empty()) refuse(fault);
}

key_log::~key_log() { ::close(descriptor_); }

void key_log::attach(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_keylog_callback(context, &write);
}

// In one call, since several threads append. A full disk must not end a connection.
void key_log::write(SSL const* session, char const* line) noexcept {
  auto const* const self = static_cast<key_log*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
  char text[] = "\n";
  ::iovec const parts[]{{const_cast<char*>(line), std::strlen(line)}, {text, 1}};
  [[maybe_unused]] auto const written = ::writev(self->descriptor_, parts, 2);
}

}  // namespace https_server
