// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the suite asks of a stream under test, whatever its type: four verbs, and a next layer that
// obeys. Must not know Asio.
#pragma once

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/types.h>

#include <tls_async_test/far_end.hpp>
#include <tls_async_test/layer_faults.hpp>
#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test {

enum class verb { handshake, read, write, shutdown };
std::string_view name_of(verb which);

/// What a stream has to be made of, as PEM: it has to show its own certificate, to demand one of
/// its peer, and, as a client, to accept no other host.
struct stream_settings {
  role side = role::client;
  std::string authority;  ///< The only one that it trusts.
  std::string certificate_chain, private_key;
  std::string host = "localhost";
};

class subject {
public:
  using error_code = boost::system::error_code;
  using handler = std::function<void(error_code, std::size_t)>;

  virtual ~subject() = default;
  virtual void start_handshake(handler done) = 0;
  virtual void start_read(char* into, std::size_t size, handler done) = 0;
  virtual void start_write(std::string_view from, handler done) = 0;
  virtual void start_shutdown(handler done) = 0;
  /// By its cancellation slot.
  virtual void cancel(verb which) = 0;

  /// Runs all handlers that are ready. False if there is no end of them.
  virtual bool settle() = 0;
  /// Lets all deadlines expire. False if the stream has none that could be moved.
  virtual bool let_time_pass() = 0;
  /// Of a session of OpenSSL's; null if the stream has none.
  virtual SSL* native_handle() = 0;

  // Its next layer: hand_fed_stream.
  virtual bool deliver() = 0;
  virtual bool holds_write() = 0;
  virtual void release_write() = 0;
  virtual void cancel_next_layer() = 0;
  virtual layer_faults& faults() = 0;
  [[nodiscard]] virtual std::size_t reads() = 0;
  [[nodiscard]] virtual std::size_t writes() = 0;
  [[nodiscard]] virtual std::size_t undelivered() = 0;
};

using subject_factory = std::function<std::unique_ptr<subject>(stream_settings const&, far_end&)>;

}  // namespace tls_async::test
