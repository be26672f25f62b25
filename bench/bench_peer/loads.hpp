// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the client in front of a server does, as often as the server lets it. Each load says
// "ready" when it has warmed up, waits for a line, and then says what it has done, as JSON, so
// that the caller can measure the server in between.
#pragma once

#include <chrono>
#include <string>

namespace tls_async::bench {

/// A load runs on so many threads, each with one connection at a time, for so long. In 0 seconds
/// each thread does its work once.
struct amount {
  unsigned short port = 0;
  unsigned connections = 1;
  std::chrono::seconds time{0};
};

enum class closer { client, server };

/// New connections: a handshake, one request for a file, and the end.
void short_connections(amount const& of, std::string const& file, bool resume, closer who);

/// Connections that wait after one request for a file, until standard input ends. One of them
/// comes before "ready": what is there once is not counted.
void idle_connections(amount const& of, std::string const& file);

/// One request for a file after the other.
void kept_connections(amount const& of, std::string const& file);

/// To a backend that is a sink, or an echo, in pieces of a MiB.
void upload(amount const& of);
void both_ways(amount const& of);

}  // namespace tls_async::bench
