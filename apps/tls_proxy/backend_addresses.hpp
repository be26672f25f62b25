// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The addresses of the backend, always at hand: no client and no stop of the proxy waits for a
// resolver, which may take half a minute for one answer.
#pragma once

#include "options.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace tls_proxy {

using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

// At least one. Throws boost::system::system_error.
endpoints resolve(backend_name const& name);

class backend_addresses {
public:
  struct settings {
    std::chrono::nanoseconds pause = std::chrono::seconds(30);  // between two times of resolving
    std::function<endpoints(backend_name const&)> resolve = tls_proxy::resolve;
  };

  // Resolves the name once, and from then on in the background. A name that can't be resolved any
  // more keeps its addresses, and `report` is told, on any thread. Throws std::runtime_error, with
  // what to do, if it has none yet.
  backend_addresses(backend_name const& name, std::function<void(std::string_view)> report,
                    settings const& how);
  backend_addresses(backend_addresses const&) = delete;
  backend_addresses& operator=(backend_addresses const&) = delete;
  // Waits for no resolver. `report` is not called any more.
  ~backend_addresses();

  // From any thread.
  std::shared_ptr<endpoints const> current() const;

private:
  struct state;
  static void keep_fresh(std::shared_ptr<state> const& shared);

  std::shared_ptr<state> state_;
};

}  // namespace tls_proxy
