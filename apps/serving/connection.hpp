// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a listener accepts and runs. Lives on the executor of its socket, a strand if several
// threads serve: to be called and destroyed there only.
#pragma once

#include <tls_async/stats.hpp>

#include <boost/asio/awaitable.hpp>

namespace serving {

class connection {
public:
  virtual ~connection() = default;

  // Serves until the connection ends.
  virtual boost::asio::awaitable<void> run() = 0;
  // Asks it to end by itself, soon.
  virtual void finish() = 0;
  // Ends it now.
  virtual void abort() = 0;

  virtual tls_async::stats stats() const noexcept = 0;
};

}  // namespace serving
