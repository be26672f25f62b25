// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A server in a process of its own, so that its memory is its own: this program again, with
// --serve. It ends when it is told to, and when the process that started it is gone.
#pragma once

#include "sample.hpp"
#include "system_calls.hpp"

#include <sys/types.h>

#include <string>

namespace tls_async::bench {

class server_process {
public:
  explicit server_process(std::string const& stack);
  ~server_process();
  server_process(server_process const&) = delete;
  server_process& operator=(server_process const&) = delete;

  [[nodiscard]] unsigned short port() const { return port_; }
  /// Of the thread that serves, so far, in seconds.
  double cpu() { return ask("cpu"); }
  /// Of the thread that serves, so far.
  system_calls calls();
  /// Bytes of the whole process that are in memory now.
  double resident() { return ask("resident"); }

private:
  double ask(std::string const& what);
  void end() noexcept;

  pid_t process_ = -1;
  int to_ = -1, from_ = -1;
  unsigned short port_ = 0;
};

/// CPU time and system calls of the server from its making on, each for one of `messages`.
class server_meter {
public:
  explicit server_meter(server_process& server) : server_(server) {}
  void stop(sample& result, std::uint64_t messages) const;

private:
  server_process& server_;
  system_calls calls_ = server_.calls();
  double cpu_ = server_.cpu();
};

/// What the process does: serves with the stack, and answers on standard output. Never returns.
[[noreturn]] void serve_until_told(std::string const& stack);

/// As many descriptors as the system lets us have. Returns how many.
std::size_t raise_descriptor_limit();

}  // namespace tls_async::bench
