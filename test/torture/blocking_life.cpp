// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The blocking forms, as client, over a next layer that is the peer itself: plain OpenSSL, which
// does its part within each call and can't fail.
#include <tls_async/tls_async.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <tls_async_test/tls_pair.hpp>
#include "contexts.hpp"
#include "script.hpp"
#include "support/openssl_version.hpp"
#include "trap.hpp"

namespace tls_async::test::torture {
namespace {

namespace asio = boost::asio;

/// Answers to what it has received whole, and then closes.
struct answering_peer {
  raw_session tls;
  std::string wanted;
  std::string received;

  void go_on() {
    if (SSL_is_init_finished(tls.ssl()) == 0) tls.handshake();
    if (SSL_is_init_finished(tls.ssl()) == 0 || SSL_get_shutdown(tls.ssl()) != 0) return;
    while (tls.read(received)) {
    }
    if (received.size() < wanted.size()) return;
    for (std::string_view rest = received; !rest.empty();)
      rest.remove_prefix(tls.write(rest).bytes);
    tls.shutdown();
  }
};

class peer_layer {
public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = peer_layer;

  peer_layer(executor_type executor, answering_peer& peer)
      : executor_(std::move(executor)), peer_(&peer) {}

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }

  std::size_t write_some(asio::const_buffer from, error_code& ec) {
    return transfer(
        ec, "a write of the next layer", asio::error::broken_pipe, from.size(),
        [&](std::size_t most) {
          std::size_t const n = peer_->tls.give({static_cast<char const*>(from.data()), most});
          peer_->go_on();
          return n;
        });
  }
  std::size_t read_some(asio::mutable_buffer into, error_code& ec) {
    return transfer(ec, "a read of the next layer", asio::error::eof, into.size(),
                    [&](std::size_t most) {
                      peer_->go_on();
                      if (peer_->tls.produced() == 0) ec = asio::error::eof;
                      return asio::buffer_copy(into, asio::buffer(peer_->tls.take(most)));
                    });
  }

  // Only what blocks is used here.
  template <class Buffers, class Token>
  auto async_read_some(Buffers const&, Token&& token) {
    return refuse(std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const&, Token&& token) {
    return refuse(std::forward<Token>(token));
  }

private:
  template <class Really>
  std::size_t transfer(error_code& ec, char const* what, error_code end, std::size_t size,
                       Really really) {
    bool const fails = trap::springs(kind::next_layer, what);
    manner const how = trap::how();
    disarmed const scope;
    ec = {};
    if (!fails) return really(size);
    if (how == manner::brief) return really(std::min<std::size_t>(size, trap::few_bytes()));
    if (how == manner::reset) ec = asio::error::connection_reset;
    if (how == manner::end) ec = end;
    return 0;
  }
  template <class Token>
  auto refuse(Token&& token) {
    error_code const ec = asio::error::operation_not_supported;
    return asio::post(executor_, asio::append(std::forward<Token>(token), ec, std::size_t{0}));
  }

  executor_type executor_;
  answering_peer* peer_;
};

// All of a client's life; throws at the first error.
void talk(stream<peer_layer>& client, std::string const& message, std::string& received) {
  error_code ec;
  if (client.handshake(client.client, ec)) throw boost::system::system_error(ec);
  for (std::size_t sent = 0; sent != message.size();) {
    std::size_t const n = client.write_some(asio::buffer(message) + sent, ec);
    if (ec) throw boost::system::system_error(ec);
    if (n == 0) throw std::runtime_error("a write succeeded without a byte");
    sent += n;
  }
  for (std::array<char, 5'000> place;;) {
    std::size_t const n = client.read_some(asio::buffer(place), ec);
    {
      disarmed const scope;
      received.append(place.data(), n);
    }
    if (ec == asio::error::eof) break;
    if (ec) throw boost::system::system_error(ec);
  }
  if (client.shutdown(ec)) throw boost::system::system_error(ec);
}

outcome live_blocking() {
  outcome found;
  auto& contexts = contexts_of(context_kind::usual);
  std::string const message = numbered_plaintext(40'000);
  std::string received;
  asio::io_context io(1);
  answering_peer peer{
      {contexts.server.native_handle(), role::server, {1 << 18, 1 << 18}}, message, {}};
  peer_layer layer(io.get_executor(), peer);
  bool has_error = false;
  try {
    armed const scope(true);
    stream<peer_layer> client(std::move(layer), contexts.client);
    {
      disarmed const of_test;
      if (!set_host(client.native_handle(), "localhost")) throw std::bad_alloc();
    }
    talk(client, message, received);
  } catch (std::bad_alloc const&) {
    has_error = true;
  } catch (boost::system::system_error const& told) {
    has_error = told.code().failed();
  } catch (std::exception const& other) {
    found.complain(other.what());
  }
  if (auto const errors = left_errors(); !errors.empty())
    found.complain("left in OpenSSL's queue: " + errors);
  if (message.compare(0, received.size(), received) != 0)
    found.complain("what was received was not sent");
  found.is_complete = !has_error;
  found.has_error = has_error;
  if (found.is_complete && received != message)
    found.complain("no error, and not all was received");
  return found;
}

}  // namespace

std::vector<script> blocking_scripts() {
  return {{"blocking",
           &live_blocking,
           [] { (void)contexts_of(context_kind::usual); },
           {kind::our_memory, kind::openssl_memory, kind::next_layer, kind::openssl_call}}};
}

}  // namespace tls_async::test::torture
