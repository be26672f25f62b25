// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The TLS side of the command line: who we are, by which names, and who may come.
#pragma once

#include "certificate_choice.hpp"
#include "key_log.hpp"
#include "options.hpp"

#include <tls_async/context.hpp>

#include <optional>
#include <span>
#include <vector>

namespace https_server {

class server_context {
public:
  // `identities` are those of the command line, or one of our own making. Throws std::exception
  // with what is wrong with which file.
  server_context(options const& chosen, std::span<identity const> identities);

  std::vector<serving::certificate_end> certificate_ends() { return choice_.ends(); }
  // For sessions, which this has to outlive.
  tls_async::context& context() noexcept { return context_; }

private:
  certificate_choice choice_;
  std::optional<key_log> key_log_;
  tls_async::context context_{tls_async::context::role::server};
};

}  // namespace https_server
