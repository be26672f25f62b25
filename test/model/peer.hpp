// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The subject's peer: honest but for the deeds that the script tells it. Where the suite allows it,
// it is played record by record; else it is a session of OpenSSL's. Keeps account of what it has
// said, which is all that the subject may believe, and of what it has heard.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <tls_async_test/hostile_peer.hpp>
#include "settings.hpp"
#include "wire.hpp"

namespace tls_async::test::model {

class peer : public far_side {
public:
  [[nodiscard]] virtual SSL* ssl() = 0;
  /// As soon as its handshake is done.
  virtual void say(std::string_view plaintext) = 0;
  virtual void close() = 0;
  /// Only what can be played record by record does it: at once, or when it next has a record that
  /// can be changed so. `on_deed` is told then.
  virtual void perform(deed const& what) = 0;
  std::function<void(deed const&)> on_deed;
  /// Asks for new keys of both sides, if that is told.
  virtual void update_keys(bool both) = 0;
  /// Only what is not played record by record does it.
  virtual void renegotiate() = 0;

  /// All plaintext that it has sent, in order.
  [[nodiscard]] virtual std::string const& said() = 0;
  /// It has sent close_notify behind that.
  [[nodiscard]] virtual bool has_closed() = 0;
  [[nodiscard]] virtual std::string const& heard() = 0;
  /// It has got something that it can't open: only a subject that was lied to sends that.
  [[nodiscard]] virtual bool is_puzzled() = 0;
};

std::unique_ptr<peer> make_peer(script const& of, ends& with);

}  // namespace tls_async::test::model
