// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "carrier.hpp"

#include <string>
#include <string_view>

#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test::model {
namespace {

constexpr std::size_t ample = std::size_t{1} << 20;

SSL_CTX* server_context() {
  static context_ptr const made = make_context(role::server);
  return made.get();
}

class carrier final : public far_side {
public:
  explicit carrier(far_side& inside)
      : inside_(inside), session_(server_context(), role::server, {ample, ample}) {}

  void receive(std::string_view ciphertext) override {
    session_.give(ciphertext);
    if (SSL_is_init_finished(session_.ssl()) == 0) session_.handshake();
    std::string opened;
    while (SSL_is_init_finished(session_.ssl()) != 0 && session_.read(opened)) {
    }
    if (!opened.empty()) inside_.receive(opened);
  }
  std::string send() override {
    if (SSL_is_init_finished(session_.ssl()) != 0) unsent_ += inside_.send();
    while (!unsent_.empty()) {
      auto const written = session_.write(unsent_);
      if (!written) break;
      unsent_.erase(0, written.bytes);
    }
    return session_.take();
  }

private:
  far_side& inside_;
  raw_session session_;
  std::string unsent_;
};

}  // namespace

std::unique_ptr<far_side> make_carrier(far_side& inside) {
  return std::make_unique<carrier>(inside);
}

boost::asio::ssl::context& carrier_context() {
  static boost::asio::ssl::context made = [] {
    auto client = make_context(role::client);
    return boost::asio::ssl::context(client.release());
  }();
  return made;
}

}  // namespace tls_async::test::model
