// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One session of a stream with a hostile peer, and the verdict on it. No outcome is a success
// unless OpenSSL says that the handshake is finished and, of a verifying side, that the peer showed
// a certificate whose chain and host were verified, or the user's own callback has accepted it.
#pragma once

#include <string>
#include <vector>

#include <tls_async_test/hostile_peer.hpp>
#include "scene.hpp"

namespace tls_async::test {

struct outcome {
  std::string complaint;     ///< The first thing that may not be; empty if there is none.
  error_code first_error;    ///< Of the stream's verbs; eof if all went well.
  bool established = false;  ///< The verb that negotiates was a success.
  bool clean = false;        ///< All that both said has come, and the end of both.
  std::size_t points = 0;    ///< How far the peer came.
  std::size_t deeds_done = 0;
};

/// In memory, by all ways.
outcome meet_in_memory(scene const& where, std::vector<placed_deed> const& plan);
/// Over a socket, on whose descriptor OpenSSL sends. Not by the blocking ways.
outcome meet_on_descriptor(scene const& where, std::vector<placed_deed> const& plan);

}  // namespace tls_async::test
