// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the two gates of a session have in common.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/engine.hpp>
#include <tls_async/gates/deadlines.hpp>
#include <tls_async/gates/verb.hpp>
#include <tls_async/options.hpp>

#include <cstddef>

namespace tls_async::detail {

/// What is the same for all streams of one type. The codes are Asio's, whose categories may be
/// other objects in a shared library than in a program.
struct environment {
  error_code eof;
  error_code truncated;
  boost::system::error_category const* openssl;
  clock_function now;
  std::size_t stream_bytes;  ///< Of the whole state of a stream.
};

struct session_parts {
  template <class Source>
  session_parts(Source* source, stream_options const& of_stream, environment const& of_type)
      : world(of_type), engine(source, of_stream), options(engine.options()) {}

  [[nodiscard]] time_point now() const { return world.now(); }

  environment const& world;
  completions done;
  detail::deadlines deadlines;
  tls_async::engine engine;
  stream_options const& options;  // the engine's
};

}  // namespace tls_async::detail
