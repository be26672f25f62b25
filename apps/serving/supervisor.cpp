// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "supervisor.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstddef>
#include <cstdlib>

namespace serving {

// Not by Asio, which throws where descriptors are scarce: a server that stops then has to go on.
void tell_supervisor(std::string_view state) {
  auto const* const asked = std::getenv("NOTIFY_SOCKET");
  std::string_view const name = asked != nullptr ? asked : "";
  ::sockaddr_un address{};
  if (name.empty() || name.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';  // unix(7), abstract
  auto const length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + name.size());
  int const socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket == -1) return;
  ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<::sockaddr const*>(&address), length);
  ::close(socket);
}

}  // namespace serving
