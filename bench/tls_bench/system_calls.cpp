// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "system_calls.hpp"

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tls_async::bench {

system_call_counts& system_calls_of_this_thread() noexcept {
  static thread_local constinit system_call_counts counts;
  return counts;
}

namespace {

// The function that ours stands before.
template <class Function>
Function* next(char const* name) noexcept {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace tls_async::bench

using tls_async::bench::next;
using tls_async::bench::system_calls_of_this_thread;

extern "C" {

ssize_t send(int fd, void const* data, size_t n, int flags) {
  static auto* const real = next<decltype(send)>("send");
  system_calls_of_this_thread().add_send();
  return real(fd, data, n, flags);
}
ssize_t sendmsg(int fd, msghdr const* message, int flags) {
  static auto* const real = next<decltype(sendmsg)>("sendmsg");
  system_calls_of_this_thread().add_send();
  return real(fd, message, flags);
}
ssize_t write(int fd, void const* data, size_t n) {
  static auto* const real = next<decltype(write)>("write");
  system_calls_of_this_thread().add_send();
  return real(fd, data, n);
}
ssize_t recv(int fd, void* data, size_t n, int flags) {
  static auto* const real = next<decltype(recv)>("recv");
  system_calls_of_this_thread().add_receive();
  return real(fd, data, n, flags);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static auto* const real = next<decltype(recvmsg)>("recvmsg");
  system_calls_of_this_thread().add_receive();
  return real(fd, message, flags);
}
ssize_t read(int fd, void* data, size_t n) {
  static auto* const real = next<decltype(read)>("read");
  system_calls_of_this_thread().add_receive();
  return real(fd, data, n);
}
int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
  static auto* const real = next<decltype(epoll_wait)>("epoll_wait");
  system_calls_of_this_thread().add_wait();
  return real(fd, events, most, timeout);
}

}  // extern "C"
