// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <string_view>

namespace tls_async::detail {

/// Asking for it is the only way to know. A socket that has it and no keys goes on as before.
inline bool kernel_has_tls(int socket) {
  std::array<char, 16> name{};
  auto size = static_cast<socklen_t>(name.size() - 1);
  if (getsockopt(socket, IPPROTO_TCP, TCP_ULP, name.data(), &size) == 0 &&
      std::string_view(name.data()) == "tls") {
    return true;
  }
  return setsockopt(socket, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0;
}

}  // namespace tls_async::detail
