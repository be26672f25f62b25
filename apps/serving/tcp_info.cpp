// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tcpi_bytes_acked, since Linux 4.1 (RFC 4898, tcpEStatsAppHCThruOctetsAcked), SIOCOUTQ (tcp(7)),
// and SIOCOUTQNSD, since Linux 3.5.
#include "tcp_info.hpp"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace serving {
namespace {

constexpr unsigned tcp_close = 7;  // TCP_CLOSE of <netinet/tcp.h>

std::uint64_t count_of(int descriptor, unsigned long what) noexcept {
  int count = 0;
  return ::ioctl(descriptor, what, &count) == 0 ? static_cast<std::uint64_t>(count) : 0;
}

::tcp_info info_of(int descriptor) noexcept {
  ::tcp_info info{};
  ::socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return info;
}

}  // namespace

std::uint64_t acknowledged_bytes(int descriptor) noexcept {
  return info_of(descriptor).tcpi_bytes_acked;
}

std::uint64_t unacknowledged_bytes(int descriptor) noexcept {
  return count_of(descriptor, SIOCOUTQ);
}

std::uint64_t unsent_bytes(int descriptor) noexcept { return count_of(descriptor, SIOCOUTQNSD); }

bool is_over(int descriptor) noexcept { return info_of(descriptor).tcpi_state == tcp_close; }

}  // namespace serving
