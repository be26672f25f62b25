// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "server_process.hpp"

#include "stack.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <fstream>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

namespace tls_async::bench {
namespace {

void must_succeed(int error, char const* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

double resident_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word) {
    if (word != "Rss:") continue;
    double kilobytes = 0;
    file >> kilobytes;
    return kilobytes * 1024;
  }
  throw std::runtime_error("no Rss in /proc/self/smaps_rollup");
}

}  // namespace

server_process::server_process(std::string const& stack) {
  int in[2], out[2];
  must_succeed(pipe2(in, O_CLOEXEC) != 0 ? errno : 0, "pipe");
  must_succeed(pipe2(out, O_CLOEXEC) != 0 ? errno : 0, "pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::string program = "/proc/self/exe", option = "--serve", name = stack;
  char* arguments[] = {program.data(), option.data(), name.data(), nullptr};
  int const error = posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  must_succeed(error, "posix_spawn");
  try {
    port_ = static_cast<unsigned short>(ask("port"));
  } catch (...) {
    end();
    throw;
  }
}

server_process::~server_process() { end(); }

void server_process::end() noexcept {
  close(to_);
  close(from_);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

double server_process::ask(std::string const& what) {
  std::string const line = what + '\n';
  std::string answer;
  bool ok = write(to_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  for (char c = 0; ok && c != '\n';) {
    ok = read(from_, &c, 1) == 1;
    answer += c;
  }
  if (!ok) throw std::runtime_error("the server process has ended");
  return std::stod(answer);
}

system_calls server_process::calls() {
  return {static_cast<std::uint64_t>(ask("sends")), static_cast<std::uint64_t>(ask("receives")),
          static_cast<std::uint64_t>(ask("waits"))};
}

void server_meter::stop(sample& result, std::uint64_t messages) const {
  double const cpu = server_.cpu() - cpu_, n = static_cast<double>(messages);
  system_calls const now = server_.calls();
  result["server_cpu"] = cpu / n;
  result["server_sends"] = static_cast<double>(now.sends - calls_.sends) / n;
  result["server_receives"] = static_cast<double>(now.receives - calls_.receives) / n;
  result["server_waits"] = static_cast<double>(now.waits - calls_.waits) / n;
}

void serve_until_told(std::string const& stack) {
  std::promise<unsigned short> port;
  auto listening = port.get_future();
  std::promise<system_call_counts const*> counts;
  std::thread server([&] {
    counts.set_value(&system_calls_of_this_thread());
    try {
      stack_named(stack).serve(port);
    } catch (std::exception const& e) {
      std::cerr << "tls_bench: serving with " << stack << " failed: " << e.what() << '\n';
      _exit(2);
    }
  });
  clockid_t clock = 0;
  must_succeed(pthread_getcpuclockid(server.native_handle(), &clock), "pthread_getcpuclockid");
  system_call_counts const& calls = *counts.get_future().get();
  std::cout.precision(17);
  for (std::string what; std::getline(std::cin, what);) {
    timespec cpu{};
    clock_gettime(clock, &cpu);
    if (what == "port") std::cout << listening.get();
    if (what == "cpu")
      std::cout << static_cast<double>(cpu.tv_sec) + 1e-9 * static_cast<double>(cpu.tv_nsec);
    if (what == "sends") std::cout << calls.now().sends;
    if (what == "receives") std::cout << calls.now().receives;
    if (what == "waits") std::cout << calls.now().waits;
    if (what == "resident") std::cout << resident_bytes();
    std::cout << std::endl;
  }
  _exit(0);  // Taking thousands of connections apart measures nothing.
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace tls_async::bench
