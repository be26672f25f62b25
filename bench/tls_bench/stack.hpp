// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stack as the scenarios see it: a table of what it can do. Each stack fills its table in a file
// of its own, from the templates in sides.hpp and load.hpp.
#pragma once

#include "sample.hpp"

#include <future>
#include <string>
#include <vector>

namespace tls_async::bench {

class server_process;

/// Listens, tells its port, does its half of the job, and fills in what it measured.
using server_side = void (*)(std::promise<unsigned short>& port, job const&, sample&);
/// The half of the one who connects.
using client_side = void (*)(unsigned short port, job const&, sample&);
/// Many connections to a server in a process of its own, whose CPU time and memory are measured.
using load = void (*)(server_process&, job const&, sample&);

/// A side that is nullptr is one that this stack cannot be.
struct stack {
  std::string name;
  /// Who is at the other end where one side is measured: a faster or slower peer changes what the
  /// kernel does on the measured thread, so it is the same for all that speak TLS.
  std::string peer = "tls_async";

  client_side send = nullptr;      ///< Messages, one after the other.
  client_side send_two = nullptr;  ///< Messages of a header and a body.
  server_side receive = nullptr;   ///< All of it, with 64 KiB of buffer.
  client_side write_at_once = nullptr;
  client_side ask = nullptr;  ///< One message there, the same back.
  server_side answer = nullptr;
  client_side connect = nullptr;  ///< Handshakes.
  server_side accept = nullptr;
  client_side duplex_client = nullptr;  ///< Both ways at once.
  server_side duplex_server = nullptr;

  /// The sending and the receiving of those that take part in the sweep, for most all they can do.
  client_side sweep_send = nullptr;
  server_side sweep_receive = nullptr;

  /// Serves any number of connections until the process ends.
  void (*serve)(std::promise<unsigned short>& port) = nullptr;
  bool serves_many_at_once = false;  ///< Else it only keeps connections that are idle.
};

/// The loads that a peer can make.
struct load_table {
  load idle, grow, churn, noisy_neighbour, handshake_storm;
};

struct unavailable_stack {
  std::string name, why;
  bool asked_for;  ///< The build was told to have it.
};

/// All that this build has.
std::vector<stack> const& stacks();
std::vector<unavailable_stack> const& unavailable_stacks();
/// Its version as a number; empty where there is none.
std::string newer_asio_version();
stack const& stack_named(std::string const& name);
load_table load_of(std::string const& peer);

stack asio_ssl_stack();
stack asio_ssl_newer_stack();
stack asio_ssl_newer_tuned_stack();
stack openssl_stack();
stack openssl_alone_stack();
stack tcp_stack();
stack tls_async_stack();
stack tls_async_beast_stack();
std::vector<stack> stacks_of_sweep();
load_table tcp_load();
load_table tls_async_load();

}  // namespace tls_async::bench
