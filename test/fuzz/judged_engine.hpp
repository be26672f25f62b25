// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An engine whose every answer is judged, and its ring with it. Its plaintext is numbered, and all
// that was sealed and opened is kept. Keeps to what engine.hpp asks of its caller: a verb that may
// not be called now is left out.
#pragma once

#include <tls_async/core/engine.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <openssl/types.h>

#include "record_follower.hpp"

namespace tls_async::test {

class judged_engine {
public:
  /// `numbered_from`: where the numbers of its plaintext begin.
  judged_engine(SSL_CTX* context, stream_options const& options, std::size_t numbered_from);

  /// Another library leaves an error in OpenSSL's queue before each call.
  void meet_errors(bool on) noexcept { meets_errors_ = on; }

  [[nodiscard]] tls_async::engine& engine() noexcept { return engine_; }
  [[nodiscard]] SSL* ssl() noexcept { return engine_.native_handle(); }

  /// What a handshake or shutdown or key update that had to wait needs first.
  enum class unfinished { nothing, key_update, close_notify };

  // The verbs. Each returns what the engine needs, and nothing where it was left out.
  want handshake();
  want seal(std::size_t size);
  want open(std::size_t size);
  want key_update(bool ask);
  want close_notify();
  void rest(bool buffers);
  /// All that has begun and waits: the handshake, the record, a KeyUpdate, a close_notify.
  want go_on();
  /// Until there is no more to open. What ended that.
  want open_all();

  enum class way { commit, begin_fill, take };
  /// At most so many bytes on their way out.
  std::string flush(std::size_t most);
  /// How many of them it has taken in.
  std::size_t fill(std::string_view ciphertext, way how);

  [[nodiscard]] bool has_failed() const noexcept { return static_cast<bool>(engine_.failure()); }
  [[nodiscard]] bool failed_with(errc code) const { return engine_.failure().own == code; }
  /// Plaintext that was taken.
  [[nodiscard]] std::string const& sealed() const noexcept { return sealed_; }
  [[nodiscard]] std::string const& opened() const noexcept { return opened_; }
  /// The end of the session was opened.
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

private:
  tls_async::engine& prepared();
  step judge(step given, bool may_close = false);
  void judge_ring();

  tls_async::engine engine_;
  record_follower follower_;
  std::size_t numbered_from_;
  std::string sealed_, opened_;
  tls_async::failure failure_;
  unfinished unfinished_ = unfinished::nothing;
  bool asks_ = false;
  bool closed_ = false;
  bool meets_errors_ = false;
};

}  // namespace tls_async::test
