// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// All verbs of a session. Private to the library.
#pragma once

#include <tls_async/gates/session.hpp>

namespace tls_async::detail {

/// `visit(verb&)`, which may take it out.
template <class Visit>
void session::each_verb(Visit visit) {
  if (handshake_ != nullptr) visit(*handshake_);
  input_.each_verb(visit);
  output_.each_verb(visit);
}

/// Where there is no memory for words, there are none.
template <class Words>
void session::tell(Words words) noexcept {
  try {
    words();
  } catch (...) {
  }
}

}  // namespace tls_async::detail
