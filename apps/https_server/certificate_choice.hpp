// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which certificate a client gets: one that is made out to the name it asks for (SNI), else the
// first.
#pragma once

#include "options.hpp"

#include "serving/certificates.hpp"
#include "serving/private_key.hpp"

#include <tls_async/context.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace https_server {

class certificate_choice {
public:
  // Reads all files; throws std::exception with what is wrong with which of them.
  certificate_choice(std::span<identity const> files, serving::key_password const& password);
  certificate_choice(certificate_choice const&) = delete;
  certificate_choice& operator=(certificate_choice const&) = delete;

  // Brings the first pair into use there, without reading it again: it may have come from a pipe.
  void give_first_to(tls_async::context& context);
  // Of all pairs.
  std::vector<serving::certificate_end> ends();
  // Lets this decide for every session that is made from `context`, which it has to outlive.
  void decide_for(tls_async::context& context);

private:
  enum class match { exact, wildcard };

  static int on_server_name(SSL* session, int* alert, void* self) noexcept;
  // Whether the session has got the certificates that match in this way.
  bool use(SSL* session, std::string_view name, match wanted);

  // One context each, for what it checks when it reads a pair. A pair for each type of key may be
  // made out to the same name.
  std::vector<tls_async::context> identities_;
  std::vector<identity> files_;  // which they were read from
};

}  // namespace https_server
