// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session of bare OpenSSL's: each verb is its function, called again until it is done or has to
// wait.
#pragma once

#include "subject.hpp"

namespace tls_async::test::model {

class bare_session {
public:
  /// Takes the BIO.
  bare_session(stage const& on, BIO* transport);

  struct progress {
    verb_ptr which;
    std::size_t done = 0;
  };
  /// would_block: to be called again.
  error_code advance(progress& of);
  [[nodiscard]] SSL* ssl() { return ssl_.get(); }
  void destroy() { ssl_.reset(); }

private:
  int call(progress const& of, std::size_t& n);
  error_code failure(int result);

  session_ptr ssl_;
  bool updates_ = false;
  bool has_shut_down_ = false;
};

}  // namespace tls_async::test::model
