// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a listener accepts and runs. Lives on the executor of its socket, a strand if several
// threads serve: to be called and destroyed there only.
#pragma once

#include <tls_async/stats.hpp>

#include <exception>
#include <functional>

namespace serving {

class connection {
public:
  // What the connection failed for, if it did, and what it has done.
  using end_handler = std::function<void(std::exception_ptr const&, tls_async::stats const&)>;

  virtual ~connection() = default;

  // From any executor, once: serves until the connection ends, and then tells so, on its own
  // executor. It lives until then by what it has under way.
  virtual void start(end_handler ended) = 0;
  // Asks it to end by itself, soon.
  virtual void finish() = 0;
  // Ends it now.
  virtual void abort() = 0;
  // The same: it holds up others (admission.hpp).
  virtual void make_room() { abort(); }

  virtual tls_async::stats stats() const noexcept = 0;
};

}  // namespace serving
