// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Asio's stream, by those verbs that it has.
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <optional>
#include <utility>

#include "launch.hpp"

namespace tls_async::test::model {
namespace {

namespace asio = boost::asio;

class asio_subject final : public subject {
  using stream_type = asio::ssl::stream<wire_stream>;

public:
  explicit asio_subject(stage const& on)
      : on_(on), launch_(on.io, on.told), stream_(std::make_shared<std::optional<stream_type>>()) {
    stream_->emplace(wire_stream(on.io.get_executor(), on.over), on.with.of_asio());
    on.with.prepare_subject(it().native_handle(), true);
  }

  [[nodiscard]] bool takes_all() const override { return false; }
  [[nodiscard]] bool has(event const& what) const override {
    return what.what == act::handshake || what.what == act::read || what.what == act::write ||
           what.what == act::shutdown;
  }
  void start(verb_ptr const& which) override {
    if (which->asked.told == way::blocking) return block(which);
    switch (which->asked.what) {
      case act::handshake:
        return launch(which, [as = side()](auto& s, auto token) {
          return s.async_handshake(as, std::move(token));
        });
      case act::read:
        if (which->asked.buffers == form::composed) {
          return launch(which, [whole = asio::buffer(which->place)](auto& s, auto token) {
            return asio::async_read(s, whole, std::move(token));
          });
        }
        return launch(which, [whole = asio::buffer(which->place)](auto& s, auto token) {
          return s.async_read_some(whole, std::move(token));
        });
      case act::write: {
        auto const whole = asio::buffer(which->bytes.data(), which->bytes.size());
        if (which->asked.buffers == form::some) {
          return launch(which, [whole](auto& s, auto token) {
            return s.async_write_some(whole, std::move(token));
          });
        }
        return launch(which, [whole](auto& s, auto token) {
          return asio::async_write(s, whole, std::move(token));
        });
      }
      default:
        return launch(which,
                      [](auto& s, auto token) { return s.async_shutdown(std::move(token)); });
    }
  }

  bool step() override { return launch_.tell_futures(); }
  [[nodiscard]] SSL* ssl() override { return *stream_ ? it().native_handle() : nullptr; }
  void destroy() override { stream_->reset(); }

private:
  stream_type& it() { return **stream_; }
  [[nodiscard]] stream_type::handshake_type side() const {
    return is_client(on_.of) ? stream_type::client : stream_type::server;
  }

  template <class Start>
  void launch(verb_ptr const& which, Start start) {
    launch_(
        which, stream_, [at = stream_] { return at->has_value(); },
        [at = stream_, start = std::move(start)](auto token) mutable {
          return start(**at, std::move(token));
        });
  }

  void block(verb_ptr const& which) {
    error_code ec;
    std::size_t n = 0;
    on_.told.begun(*which);
    switch (which->asked.what) {
      case act::handshake:
        it().handshake(side(), ec);
        break;
      case act::read:
        n = it().read_some(asio::buffer(which->place), ec);
        break;
      case act::write:
        n = it().write_some(asio::buffer(which->bytes.data(), which->bytes.size()), ec);
        break;
      default:
        it().shutdown(ec);
    }
    on_.told.ended(which, ec, n, false);
  }

  stage on_;
  launcher launch_;
  std::shared_ptr<std::optional<stream_type>> stream_;
};

}  // namespace

std::unique_ptr<subject> make_asio(stage const& on) { return std::make_unique<asio_subject>(on); }

}  // namespace tls_async::test::model
