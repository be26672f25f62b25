// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "stack.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tls_async::bench {

std::vector<stack> const& stacks() {
  static std::vector<stack> const all = [] {
    std::vector<stack> list = {
        asio_ssl_stack(),
        tls_async_stack(),
        tls_async_beast_stack(),
#ifdef TLS_ASYNC_BENCH_HAS_NEWER
        asio_ssl_newer_stack(),
#endif
#ifdef TLS_ASYNC_BENCH_HAS_TUNED
        asio_ssl_newer_tuned_stack(),
#endif
        openssl_stack(),
        openssl_alone_stack(),
        tcp_stack(),
    };
    for (stack& s : list) {
      if (s.name != "asio_ssl" && s.name != "tls_async") continue;
      s.sweep_send = s.send;
      s.sweep_receive = s.receive;
    }
    for (stack& s : stacks_of_sweep())
      list.push_back(std::move(s));
    return list;
  }();
  return all;
}

std::vector<unavailable_stack> const& unavailable_stacks() {
  static std::vector<unavailable_stack> const all = {
#ifndef TLS_ASYNC_BENCH_HAS_NEWER
      {"asio_ssl_newer", TLS_ASYNC_BENCH_WHY_NO_NEWER, TLS_ASYNC_BENCH_ASKED_FOR_NEWER},
#endif
#ifndef TLS_ASYNC_BENCH_HAS_TUNED
      {"asio_ssl_newer_tuned", TLS_ASYNC_BENCH_WHY_NO_TUNED, TLS_ASYNC_BENCH_ASKED_FOR_NEWER},
#endif
  };
  return all;
}

std::string newer_asio_version() { return TLS_ASYNC_BENCH_NEWER_VERSION; }

stack const& stack_named(std::string const& name) {
  auto const found = std::find_if(stacks().begin(), stacks().end(),
                                  [&](stack const& s) { return s.name == name; });
  if (found == stacks().end()) throw std::runtime_error("no stack '" + name + "'");
  return *found;
}

load_table load_of(std::string const& peer) {
  return peer == "tcp" ? tcp_load() : tls_async_load();
}

}  // namespace tls_async::bench
