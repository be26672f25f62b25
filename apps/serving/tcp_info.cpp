// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tcpi_bytes_acked, since Linux 4.1 (RFC 4898, tcpEStatsAppHCThruOctetsAcked).
#include "tcp_info.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace serving {

std::uint64_t acknowledged_bytes(int descriptor) noexcept {
  ::tcp_info info{};
  ::socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_acked;
}

}  // namespace serving
