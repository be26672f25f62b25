// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream of ours, by all of its verbs. `Layer` makes its next layer, and moves what that does not
// move by itself.
#pragma once

#include <tls_async/io/hooks.hpp>
#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "launch.hpp"
#include "plaintext.hpp"
#include "support/engine_of.hpp"
#include "support/keyless.hpp"
#include "support/on_descriptor.hpp"

namespace tls_async::test::model {

template <class Layer>
class ours_subject final : public subject {
  using stream_type = stream<typename Layer::type, virtual_clock>;

public:
  explicit ours_subject(stage const& on)
      : on_(on),
        layer_(on),
        launch_(on.io, on.told),
        stream_(std::make_shared<std::optional<stream_type>>()) {
    auto next_layer = layer_.take();
    auto const options = on.with.options();
    if (auto* const ours = on.with.ours()) {
      stream_->emplace(std::move(next_layer), *ours, options);
    } else {
      stream_->emplace(std::move(next_layer), on.with.of_asio(), options);
    }
    if (options.ktls != ktls::off) stay_on_descriptor(engine_of(it()));
    by_member_ = negotiates_by_member(on.of);
    on.with.prepare_subject(it().native_handle(), by_member_);
    set_verify_callback(chosen(on.of, "stream_callback").name);
    if (is_chosen(on.of, "negotiates", "first_verb")) it().set_role(side());
  }

  [[nodiscard]] bool takes_all() const override { return true; }
  [[nodiscard]] bool has(event const& what) const override { return what.is_verb(); }
  void start(verb_ptr const& which) override {
    ++started_;
    has_begun_ = has_begun_ || which->asked.what != act::handshake;
    if (which->asked.told == way::blocking) return block(which);
    switch (which->asked.what) {
      case act::handshake:
        return start_handshake(which);
      case act::read:
        return start_read(which);
      case act::write:
        return start_write(which);
      case act::key_update: {
        auto const whose = which->asked.buffers == form::both ? new_keys::both : new_keys::ours;
        return launch(which, [whose, limit = limit_of(*which)](auto& s, auto token) {
          return limit ? tls_key_update(s, whose, *limit, std::move(token))
                       : tls_key_update(s, whose, std::move(token));
        });
      }
      case act::close_write:
        return launch(which, [limit = limit_of(*which)](auto& s, auto token) {
          return limit ? tls_close_write(s, *limit, std::move(token))
                       : tls_close_write(s, std::move(token));
        });
      default:
        if (which->asked.buffers == form::member) {
          return launch(which,
                        [](auto& s, auto token) { return s.async_shutdown(std::move(token)); });
        }
        return launch(which, [limit = limit_of(*which)](auto& s, auto token) {
          return limit ? tls_shutdown(s, *limit, std::move(token))
                       : tls_shutdown(s, std::move(token));
        });
    }
  }

  bool step() override {
    bool const moved = layer_.move();
    return launch_.tell_futures() || moved;
  }
  [[nodiscard]] SSL* ssl() override { return *stream_ ? it().native_handle() : nullptr; }
  void cancel_layer() override {
    if (*stream_) layer_.cancel(it());
  }
  // To another place, and back.
  void move() override {
    if (!*stream_) return;
    auto elsewhere = std::make_unique<stream_type>(std::move(it()));
    stream_->emplace(std::move(*elsewhere));
  }
  void destroy() override { stream_->reset(); }
  [[nodiscard]] std::string story() override {
    return *stream_ ? it().error_info().text() : std::string();
  }

private:
  stream_type& it() { return **stream_; }
  [[nodiscard]] typename stream_type::handshake_type side() const {
    return is_client(on_.of) ? stream_type::client : stream_type::server;
  }
  void set_verify_callback(std::string_view how) {
    if (how == "none") return;
    it().set_verify_callback([how](bool preverified, boost::asio::ssl::verify_context&) {
      if (how == "throws") throw std::runtime_error("a verify callback");
      return how == "passes" && preverified;
    });
  }
  static std::optional<time_limit> limit_of(verb const& which) {
    if (which.asked.within == no_limit) return {};
    if (which.asked.within == no_limit - 1) return time_limit(std::chrono::hours::max());
    return time_limit(std::chrono::milliseconds(which.asked.within));
  }

  // `start` is called with the stream when the verb begins.
  template <class Start>
  void launch(verb_ptr const& which, Start start) {
    launch_(
        which, stream_, [at = stream_] { return at->has_value(); },
        [at = stream_, start = std::move(start)](auto token) mutable {
          return start(**at, std::move(token));
        });
  }

  void start_handshake(verb_ptr const& which) {
    bool const is_first = !std::exchange(has_begun_, true);
    if (by_member_ && is_first && which->asked.buffers == form::sequence)
      return start_buffered_handshake(which);
    if (by_member_) {
      return launch(which, [as = side()](auto& s, auto token) {
        return s.async_handshake(as, std::move(token));
      });
    }
    auto const limit = limit_of(*which);
    auto const asks = hooks_of();
    if (!is_client(on_.of)) {
      return launch(which, [limit, asks](auto& s, auto token) {
        return limit ? tls_handshake(s, as_server{asks}, *limit, std::move(token))
                     : tls_handshake(s, as_server{asks}, std::move(token));
      });
    }
    launch(which, [limit, asks, host = host_of(on_.of)](auto& s, auto token) {
      return limit ? tls_handshake(s, as_client{host, 0, asks}, *limit, std::move(token))
                   : tls_handshake(s, as_client{host, 0, asks}, std::move(token));
    });
  }
  [[nodiscard]] hooks hooks_of() const {
    hooks given;
    if (is_chosen(on_.of, "hooks", "none") || is_chosen(on_.of, "renegotiation", "allowed"))
      return given;
    auto const ask = [waits = !is_chosen(on_.of, "hooks", "agree")](
                         auto const& question) -> boost::asio::awaitable<tls_async::verdict> {
      auto const here = co_await boost::asio::this_coro::executor;
      for (int turn = 0; waits && turn != 3; ++turn)
        co_await boost::asio::post(here, boost::asio::use_awaitable);
      using question_type = std::remove_cvref_t<decltype(question)>;
      if constexpr (std::is_same_v<question_type, signature_request>) {
        co_return signed_by_its_key(question);
      } else {
        co_return tls_async::verdict();
      }
    };
    // Where the script has no callback of its own in the place of that of the hook.
    bool const sees_hello = !is_client(on_.of) && is_chosen(on_.of, "context", "ours") &&
                            is_chosen(on_.of, "client_hello", "none");
    if (sees_hello) given.client_hello = ask;
    if (is_chosen(on_.of, "certificate_callback", "none")) given.certificate = ask;
    auto const* const own = own_identity(on_.of);
    if (given.certificate && is_chosen(on_.of, "hooks", "sign") && own != nullptr) {
      identities without_key;
      without_key.add_chain(own->certificate_chain);
      given.certificate = [chosen = without_key.chosen()](auto const&) { return chosen; };
      given.signature = ask;
    }
    given.peer = ask;
    return given;
  }

  // With what has come before it begins, as that of a client whose protocol was to be found out. A
  // coroutine begins later than what was started behind it, and that has begun to receive then: who
  // took bytes from under it would break the stream.
  void start_buffered_handshake(verb_ptr const& which) {
    if constexpr (Layer::is_network) {
      launch(which, [this, as = side(), which, nth = started_](auto& s, auto token) {
        error_code ignored;
        which->place.resize(started_ == nth ? 300 : 0);
        which->place.resize(on_.over->give(boost::asio::buffer(which->place), ignored).value_or(0));
        return s.async_handshake(
            as, boost::asio::const_buffer(which->place.data(), which->place.size()),
            std::move(token));
      });
    } else {
      which->asked.buffers = form::plain;
      start_handshake(which);
    }
  }

  void start_read(verb_ptr const& which) {
    boost::asio::mutable_buffer const whole = boost::asio::buffer(which->place);
    auto const limit = limit_of(*which);
    switch (which->asked.buffers) {
      case form::sequence: {
        auto const cut = whole.size() / 3;
        std::array<boost::asio::mutable_buffer, 3> const parts{
            boost::asio::mutable_buffer(), boost::asio::buffer(whole, cut), whole + cut};
        return launch(which, [parts, limit](auto& s, auto token) {
          return limit ? tls_read_some(s, parts, *limit, std::move(token))
                       : tls_read_some(s, parts, std::move(token));
        });
      }
      case form::some:
        return launch(which, [whole](auto& s, auto token) {
          return s.async_read_some(whole, std::move(token));
        });
      case form::composed:
        return launch(which, [whole](auto& s, auto token) {
          return boost::asio::async_read(s, whole, std::move(token));
        });
      default:
        return launch(which, [whole, limit](auto& s, auto token) {
          return limit ? tls_read_some(s, whole, *limit, std::move(token))
                       : tls_read_some(s, whole, std::move(token));
        });
    }
  }

  // Made anew each time that it is started.
  template <class Make>
  void write_what(verb_ptr const& which, Make make) {
    launch(which, [make = std::move(make), limit = limit_of(*which)](auto& s, auto token) {
      return limit ? tls_write(s, make(), *limit, std::move(token))
                   : tls_write(s, make(), std::move(token));
    });
  }
  void start_write(verb_ptr const& which) {
    auto const bytes = which->bytes;
    auto const whole = boost::asio::buffer(bytes.data(), bytes.size());
    switch (which->asked.buffers) {
      case form::sequence:
        return write_what(which, [bytes] { return pieces_of(bytes); });
      case form::owned:
        return write_what(which, [bytes] { return std::string(bytes); });
      case form::shared:
        return write_what(which, [bytes] { return std::make_shared<std::string const>(bytes); });
      case form::moving:
        return write_what(which, [bytes] { return moving_buffer(bytes); });
      case form::throwing:
        return write_what(which, [bytes] { return throwing_buffer(bytes); });
      case form::some:
        return launch(which, [whole](auto& s, auto token) {
          return s.async_write_some(whole, std::move(token));
        });
      case form::composed:
        return launch(which, [whole](auto& s, auto token) {
          return boost::asio::async_write(s, whole, std::move(token));
        });
      case form::file: {
        std::size_t const offset = which->number % 3 * 1'000;
        auto const file = file_of(bytes, offset);
        which->keep = file;
        return launch(which, [file, offset, size = bytes.size(), limit = limit_of(*which)](
                                 auto& s, auto token) {
          return limit ? tls_sendfile(s, *file, offset, size, *limit, std::move(token))
                       : tls_sendfile(s, *file, offset, size, std::move(token));
        });
      }
      case form::attempt: {
        if (!*stream_) return;
        on_.told.begun(*which);
        auto const ec = tls_try_write(it(), whole);
        return on_.told.ended(which, ec, ec ? 0 : bytes.size(), false);
      }
      default:
        return write_what(which, [whole] { return whole; });
    }
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
        n = it().read_some(boost::asio::buffer(which->place), ec);
        break;
      case act::write:
        n = it().write_some(boost::asio::buffer(which->bytes.data(), which->bytes.size()), ec);
        break;
      default:
        it().shutdown(ec);
    }
    on_.told.ended(which, ec, n, false);
  }

  stage on_;
  Layer layer_;
  launcher launch_;
  std::shared_ptr<std::optional<stream_type>> stream_;
  bool by_member_ = false;
  bool has_begun_ = false;
  std::size_t started_ = 0;
};

}  // namespace tls_async::test::model
