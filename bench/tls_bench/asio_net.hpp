// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the stacks on Asio share. Compiled with Boost.Asio, or with a standalone Asio where
// TLS_ASYNC_BENCH_STANDALONE is defined; the two live in inline namespaces of their own.
#pragma once

#include "contexts.hpp"

#ifdef TLS_ASYNC_BENCH_STANDALONE
#include <asio.hpp>
#include <asio/ssl.hpp>
namespace tls_async::bench::inline on_standalone_asio {
namespace net = ::asio;
#else
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
namespace tls_async::bench::inline on_boost_asio {
namespace net = boost::asio;
#endif

using tcp = net::ip::tcp;
inline constexpr auto use_awaitable = net::use_awaitable;

struct asio_net {
  static constexpr bool concurrent = true;
  template <class T>
  using awaitable = net::awaitable<T>;

  class loop {
  public:
    /// What the coroutine throws comes out of run().
    template <class Body>
    void spawn(Body body) {
      net::co_spawn(context_, std::move(body), [](std::exception_ptr failed) {
        if (failed) std::rethrow_exception(failed);
      });
    }
    void run() { context_.run(); }
    net::io_context& context() { return context_; }

  private:
    net::io_context context_{1};
  };

  class event {
  public:
    explicit event(loop& on) : timer_(on.context(), net::steady_timer::time_point::max()) {}
    awaitable<void> wait() {
      if (!set_) co_await timer_.async_wait(net::as_tuple(use_awaitable));
    }
    void set() {
      set_ = true;
      timer_.cancel();
    }

  private:
    net::steady_timer timer_;
    bool set_ = false;
  };

  class listener {
  public:
    explicit listener(loop& on)
        : acceptor_(on.context(), tcp::endpoint(net::ip::address_v4::loopback(), 0)) {
      acceptor_.listen(4096);
    }
    [[nodiscard]] unsigned short port() const { return acceptor_.local_endpoint().port(); }
    awaitable<tcp::socket> accept() {
      tcp::socket socket = co_await acceptor_.async_accept(use_awaitable);
      socket.set_option(tcp::no_delay(true));
      co_return socket;
    }

  private:
    tcp::acceptor acceptor_;
  };

  static awaitable<tcp::socket> connect(loop& on, unsigned short port) {
    tcp::socket socket(on.context());
    co_await socket.async_connect(tcp::endpoint(net::ip::address_v4::loopback(), port),
                                  use_awaitable);
    socket.set_option(tcp::no_delay(true));
    co_return socket;
  }
};

// Asio's wrapper of a context that stays ours.
inline net::ssl::context shared(SSL_CTX* context) {
  SSL_CTX_up_ref(context);
  return net::ssl::context(context);
}

}  // namespace
