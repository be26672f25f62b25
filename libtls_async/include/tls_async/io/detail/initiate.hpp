// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How a verb starts: from a completion token to a verb that the session has taken over.
#pragma once

#include <tls_async/error.hpp>
#include <tls_async/gates/session.hpp>
#include <tls_async/io/detail/buffer_cursor.hpp>
#include <tls_async/io/detail/default_token.hpp>
#include <tls_async/io/detail/handler_operation.hpp>
#include <tls_async/io/detail/plaintext_source.hpp>
#include <tls_async/io/detail/stream_state.hpp>
#include <tls_async/time_limit.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace tls_async::detail {

/// A completion token where a deadline could stand too.
template <class T>
concept token = !std::convertible_to<T, time_limit>;

/// A completion token where a buffer sequence could stand too.
template <class T>
concept no_buffers = !boost::asio::is_const_buffer_sequence<std::remove_cvref_t<T>>::value;

/// How long a verb may take; without a limit, any time in which the next layer accepts something
/// within each `stream_options::write_stall_deadline`.
using verb_limit = std::optional<time_limit>;

inline void limit(verb& v, session const& of, verb_limit const& by) {
  if (!by) {
    v.stalls = true;
  } else if (by->is_limit()) {
    v.expiry = by->after(of.now());
  }
}

template <class Base, class Signature, class State, class Handler, class... Args>
auto& make_verb(State& state, Handler handler, Args&&... args) {
  using node = handler_operation<Base, Signature, Handler, typename State::executor_type>;
  return *node::make(std::move(handler), state.executor(), std::forward<Args>(args)...);
}

inline error_code admit() noexcept { return {}; }

// Each start_... holds the arguments of one verb until it is launched, which for asio::deferred is
// later.

template <class Buffers>
struct start_read {
  using signature = void(error_code, std::size_t);
  Buffers buffers;
  time_limit allowed;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node = make_verb<buffers_read<Buffers>, signature>(state, std::move(handler), buffers);
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

template <class Buffers>
struct start_write {
  using signature = void(error_code, std::size_t);
  bool some;
  Buffers buffers;
  verb_limit allowed;
  bool is_last = false;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node =
        make_verb<buffers_write<Buffers>, signature>(state, std::move(handler), some, buffers);
    node.is_last = is_last;
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

/// What a stream is to become.
using be_role = error_code (*)(engine&);
inline error_code be_nothing(engine& /*session*/) { return {}; }
inline error_code be_any_client(engine& session) { return session.be_client(), error_code(); }
/// boost::asio::ssl::stream's: what is wrong is told by the handshake.
inline error_code be_any_server(engine& session) {
  (void)session.be_server();
  return {};
}

struct start_handshake {
  using signature = void(error_code);
  time_limit allowed;
  be_role be = &be_nothing;
  std::shared_ptr<hook_set const> hooks{};

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node =
        make_verb<control_verb, signature>(state, std::move(handler), verb_kind::handshake);
    node.hooks = hooks;
    limit(node, state.session(), allowed);
    state.start(node, [&] {
      state.session().begin_anew_if_cleared();
      return be(state.engine());
    });
  }
};

/// Puts ciphertext that was received elsewhere into the ring; says how many bytes it took.
/// Precondition: the ring is not being filled.
template <class Buffers>
std::size_t take_received(ring& ring, Buffers const& received) {
  std::size_t total = 0;
  buffer_cursor<boost::asio::const_buffer, Buffers> rest(received);
  while (!rest.piece().empty()) {
    auto const piece = rest.piece().first(std::min(rest.piece().size(), ring.input_room()));
    if (piece.empty() || !ring.take(piece)) break;
    total += piece.size();
    rest.advance(piece.size());
  }
  return total;
}

template <class Buffers>
struct start_buffered_handshake {
  using signature = void(error_code, std::size_t);
  Buffers received;
  be_role be;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node =
        make_verb<control_verb, signature>(state, std::move(handler), verb_kind::handshake);
    state.start(node, [&]() -> error_code {
      state.session().begin_anew_if_cleared();
      (void)be(state.engine());
      // The fill of a handshake that was cancelled may not have ended.
      auto& ring = state.engine().ring();
      bool const has_bytes = boost::asio::buffer_size(received) != 0;
      if (has_bytes && ring.is_filling()) return errc::operation_in_progress;
      if (!has_bytes || state.session().is_in_handshake()) return {};
      node.bytes = take_received(ring, received);
      return node.bytes != 0 ? error_code() : boost::asio::error::no_buffer_space;
    });
  }
};

struct start_shutdown {
  using signature = void(error_code);
  verb_kind what;  ///< close_write or shutdown
  time_limit allowed;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node = make_verb<control_verb, signature>(state, std::move(handler), what);
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

struct start_key_update {
  using signature = void(error_code);
  bool asks_peer;
  verb_limit allowed;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node =
        make_verb<control_verb, signature>(state, std::move(handler), verb_kind::key_update);
    node.asks_peer = asks_peer;
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

/// A write whose plaintext is not a buffer sequence: `Source` says where it is, see
/// plaintext_source.hpp.
template <class Source>
struct start_source_write {
  using signature = void(error_code, std::size_t);
  Source source;
  verb_limit allowed;
  bool is_last;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const& {
    start_writing(state, std::move(handler), Source(source));
  }
  template <class State, class Handler>
  void operator()(State& state, Handler handler) && {
    start_writing(state, std::move(handler), std::move(source));
  }

private:
  template <class State, class Handler>
  void start_writing(State& state, Handler handler, Source given) const {
    auto& node = make_verb<source_write<Source>, signature>(state, std::move(handler),
                                                            state.session(), std::move(given));
    node.is_last = is_last;
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

/// The start of a tls_write, or with `is_last` of a tls_write_last, by what `buffers` is.
template <class Plaintext>
auto write_of(Plaintext&& buffers, verb_limit const& allowed, bool is_last = false) {
  using given = std::remove_cvref_t<Plaintext>;
  if constexpr (owned_buffer<Plaintext>) {
    return start_source_write<owned_source<given>>{
        owned_source<given>(std::forward<Plaintext>(buffers)), allowed, is_last};
  } else if constexpr (relocatable_buffer<Plaintext>) {
    return start_source_write<relocatable_source<given>>{
        relocatable_source<given>(std::forward<Plaintext>(buffers)), allowed, is_last};
  } else if constexpr (boost::asio::is_const_buffer_sequence<given>::value) {
    return start_write<given>{false, buffers, allowed, is_last};
  } else {
    static_assert(
        std::is_void_v<given>,
        "tls_write takes a buffer sequence such as asio::buffer(text), an rvalue string or "
        "vector of bytes, a shared_ptr to a const one, or a callable that returns a "
        "const_buffer");
    return start_write<boost::asio::const_buffer>{false, {}, allowed};
  }
}

// What async_initiate calls when the verb is launched.
template <class State>
struct launch {
  using executor_type = typename State::executor_type;
  State* state;

  [[nodiscard]] executor_type get_executor() const noexcept { return state->executor(); }

  // What asio::deferred keeps may be launched again, if it is an lvalue: then the start is copied.
  template <class Handler, class Start>
  void operator()(Handler&& handler, Start&& start_verb) const {
    std::forward<Start>(start_verb)(*state, std::decay_t<Handler>(std::forward<Handler>(handler)));
  }
};

/// `Token` as it was given: an lvalue is copied, and stays what it was.
template <class Token, class State, class Start>
auto initiate(State& state, Start start_verb, std::remove_reference_t<Token>& token) {
  using signature = typename Start::signature;
  constexpr bool fits = boost::asio::completion_token_for<Token, signature>;
  static_assert(fits,
                "the last argument of a verb is a completion token for its signature: "
                "void(error_code), or void(error_code, std::size_t) where bytes are counted");
  if constexpr (fits) {
    return boost::asio::async_initiate<Token, signature>(launch<State>{&state}, token,
                                                         std::move(start_verb));
  }
}

}  // namespace tls_async::detail
