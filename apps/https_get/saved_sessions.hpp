// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions from one run to the next, so that a handshake is shorter. Where that can't be, a line
// says why, and there is nothing of them: no download fails for it.
#pragma once

#include "console.hpp"

#include <tls_async/context.hpp>

#include <filesystem>
#include <memory>

namespace https_get {

class saved_sessions {
public:
  // Takes those in `file` out of it, for `context`: each may be used once (RFC 8446, appendix C.4),
  // and another run may begin meanwhile. What can't be read, or could not be replaced, stays.
  saved_sessions(std::filesystem::path file, tls_async::context& context, console& out);

  // Those that there are now.
  void save() const;

private:
  std::filesystem::path file_;
  console& console_;
  std::shared_ptr<tls_async::session_store> store_;  // null: they are not kept
};

}  // namespace https_get
