// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The stream: a TLS session over a next layer, with the whole surface of boost::asio::ssl::stream.
// The verbs that are new stand beside it: handshake.hpp, write.hpp, sendfile.hpp, read.hpp,
// wait.hpp, key_update.hpp and shutdown.hpp.
//
// Longer than other files, since that surface is one class: half of it is what Doxygen shows.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/context.hpp>
#include <tls_async/core/failure.hpp>
#include <tls_async/io/async_stream.hpp>
#include <tls_async/io/detail/access.hpp>
#include <tls_async/io/detail/blocking.hpp>
#include <tls_async/io/detail/initiate.hpp>
#include <tls_async/io/detail/lowest_layer.hpp>
#include <tls_async/io/detail/next_layer.hpp>
#include <tls_async/io/detail/stream_state.hpp>
#include <tls_async/io/detail/teardown.hpp>
#include <tls_async/options.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/asio/ssl/verify_context.hpp>
#include <boost/asio/ssl/verify_mode.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace tls_async {

/// A TLS stream over `NextLayer`, a stream (`tcp::socket`, `beast::tcp_stream`, another `stream`)
/// or a reference to one. A drop-in for `boost::asio::ssl::stream<NextLayer>`: models
/// AsyncReadStream, AsyncWriteStream, SyncReadStream and SyncWriteStream.
///
/// Concurrency. Distinct objects: safe. One object: all calls from one implicit or explicit strand;
/// only the start of an asynchronous operation, and what returns a copy (`stats()`, `error_info()`
/// and their like), is safe from any thread. Any number of writes, one read, and one handshake or
/// shutdown may be in progress at once; writes leave in the order in which they were started, and
/// none is interleaved with another. A read that waits blocks no write.
///
/// Completion. A handler runs on its associated executor, never from within the function that
/// started it. A write completes when the next layer has accepted its last byte.
///
/// Cancellation, by cancellation slot, with `operation_aborted`; the stream stays usable. A read
/// has then consumed nothing. A write that was still queued is undone whole; one under way stops
/// after the record that is sealed, and reports the bytes that have been or will be delivered.
/// `terminal` and `partial` act alike; `total` acts only on what has had no effect yet.
/// `lowest_layer().cancel()` ends every verb that waits with `operation_aborted`, and the next verb
/// goes on where it stopped.
///
/// End. A read ends with `boost::asio::error::eof` only after the peer's close_notify, and with
/// `boost::asio::ssl::error::stream_truncated` if the transport ended without one.
///
/// Errors of the session (SSL category) and of the next layer are final: later verbs report them
/// again. `error_info()` tells the story. The stream may be moved at any time, also while verbs are
/// in progress; its destructor ends them with `operation_aborted`.
///
/// `Clock` is for tests: a clock with the duration and epoch type of std::chrono::steady_clock.
template <class NextLayer, class Clock = std::chrono::steady_clock>
class stream : public boost::asio::ssl::stream_base {
  using state_type = detail::stream_state<detail::checked_layer<NextLayer>, Clock>;

public:
  /// The next layer, without the reference.
  using next_layer_type = std::remove_reference_t<detail::checked_layer<NextLayer>>;
  /// The innermost next layer: a socket.
  using lowest_layer_type = typename detail::lowest_layer<next_layer_type>::type;
  /// The next layer's.
  using executor_type = typename next_layer_type::executor_type;
  /// OpenSSL's session.
  using native_handle_type = SSL*;
  /// This stream over its next layer with another executor, for `asio::deferred_t::as_default_on_t`
  /// and the like. `boost::asio::ssl::stream` has none.
  template <class Executor>
  struct rebind_executor {
  private:
    using layer = typename next_layer_type::template rebind_executor<Executor>::other;

  public:
    /// That stream.
    using other = stream<std::conditional_t<std::is_reference_v<NextLayer>, layer&, layer>, Clock>;
  };

  /// A session of `context`, which may be destroyed before the stream is.
  /// Throws std::bad_alloc, bad_option, and what the next layer's constructor throws.
  template <class Arg>
  stream(Arg&& next_layer, tls_async::context& context, stream_options const& options = {})
      : state_(std::make_shared<state_type>(std::forward<Arg>(next_layer), context.native_handle(),
                                            options)) {}

  /// A session of Asio's context, which is used as its owner set it, except that renegotiation is
  /// refused, and a client that verifies resumes no session whose peer was not verified for it.
  template <class Arg>
  stream(Arg&& next_layer, boost::asio::ssl::context& context, stream_options const& options = {})
      : state_(std::make_shared<state_type>(std::forward<Arg>(next_layer), context.native_handle(),
                                            options)) {}

  /// Takes over an OpenSSL session that has no BIO yet.
  template <class Arg>
  stream(Arg&& next_layer, native_handle_type session, stream_options const& options = {})
      : state_(std::make_shared<state_type>(std::forward<Arg>(next_layer), session, options)) {}

  /// Verbs in progress go on. What was moved from may only be destroyed or assigned to.
  stream(stream&&) noexcept = default;
  /// The verbs of the stream that was here before end as if it were destroyed.
  stream& operator=(stream&& other) noexcept {
    if (this == &other) return *this;
    destroy();
    state_ = std::move(other.state_);
    return *this;
  }
  ~stream() { destroy(); }

  /// The next layer's.
  [[nodiscard]] executor_type get_executor() noexcept { return state_->executor(); }
  /// To connect, to close, to set options. What is read from it or written to it is not TLS.
  [[nodiscard]] next_layer_type& next_layer() noexcept { return state_->next_layer(); }
  /// The next layer of a const stream.
  [[nodiscard]] next_layer_type const& next_layer() const noexcept { return state_->next_layer(); }
  /// The innermost next layer: a socket.
  [[nodiscard]] lowest_layer_type& lowest_layer() noexcept {
    return detail::lowest_layer<next_layer_type>::of(next_layer());
  }
  /// The innermost next layer of a const stream.
  [[nodiscard]] lowest_layer_type const& lowest_layer() const noexcept {
    return detail::lowest_layer<next_layer_type>::of(next_layer());
  }
  /// OpenSSL's session, for settings that have no member here. The stream stays its owner.
  [[nodiscard]] native_handle_type native_handle() noexcept {
    auto const inside = state_->lock();
    (void)state_->engine().ring().attach();  // some functions of OpenSSL crash without a BIO
    return state_->engine().native_handle();
  }

  /// Why the last error happened, for people: a failure, or a deadline that expired. A copy; ask
  /// before the next verb.
  [[nodiscard]] tls_async::error_info error_info() const {
    auto const inside = state_->lock();
    return state_->engine().error_info();
  }
  /// Why a verb of this stream has ended with `ec`, for people: the story of `error_info()`, or,
  /// where there is none of this verb, `ec.message()`. Call it before the next verb.
  [[nodiscard]] std::string explain(error_code ec) const { return error_info().explain(ec); }
  /// What the handshake has agreed on, as values that may outlive the stream.
  [[nodiscard]] tls_async::session_info session_info() const {
    auto const inside = state_->lock();
    return state_->engine().session_info();
  }
  /// The protocol that ALPN agreed on (RFC 7301); empty if none.
  [[nodiscard]] std::string alpn() const {
    auto const inside = state_->lock();
    return state_->engine().alpn();
  }

  /// What this stream has done so far: a copy.
  [[nodiscard]] tls_async::stats stats() const noexcept {
    auto const inside = state_->lock();
    return state_->engine().stats();
  }

  /// Memory this stream holds now, in bytes: its state, the ring while there is ciphertext, and
  /// bytes kept by `tls_try_write`. OpenSSL's session comes on top, and what handlers hold.
  [[nodiscard]] std::size_t memory_usage() const noexcept {
    auto const inside = state_->lock();
    auto const held = state_->session().memory_usage();
    return held.own + held.ring;
  }

  /// What the kernel does of this session, or why it does nothing (`stream_options::ktls`).
  [[nodiscard]] tls_async::ktls_status ktls_status() const noexcept {
    auto const inside = state_->lock();
    return state_->engine().path().ktls_status();
  }

  /// Makes it client or server without a handshake: the first read or write then negotiates by
  /// itself, and one handshake serves both (SSL_set_connect_state(3); SSL_write(3), NOTES).
  void set_role(handshake_type type) { be(type); }

  // Modes (SSL_CTX_set_mode(3)), inherited from the context when the stream is made. They are
  // policies of this stream; those of its OpenSSL session are fixed.

  /// Adds a mode and keeps the others. Returns all modes that are set then.
  unsigned long set_mode(mode m) { return set_mode(static_cast<unsigned long>(m)); }
  /// Adds modes given as bits, OpenSSL's or ours. Throws bad_option for a bit that is none of them.
  unsigned long set_mode(unsigned long bits) {
    throw_if((bits & ~known_modes) != 0 ? error_code(errc::bad_option) : error_code(), "set_mode");
    state_->session().set_modes(state_->session().modes() | bits);
    return modes();
  }
  /// Removes a mode. Returns all modes that are set then.
  unsigned long clear_mode(mode m) {
    state_->session().set_modes(state_->session().modes() & ~static_cast<unsigned long>(m));
    return modes();
  }
  /// All modes that are set.
  [[nodiscard]] unsigned long modes() const noexcept { return state_->session().modes(); }

  // Verification (SSL_set_verify(3)). Before the handshake.

  /// Whether the peer is verified, in place of what the context says. A callback that was set
  /// stays.
  void set_verify_mode(boost::asio::ssl::verify_mode mode) {
    state_->engine().set_verify_mode(mode);
  }
  /// Sets it and clears `ec`: it never fails.
  error_code set_verify_mode(boost::asio::ssl::verify_mode mode, error_code& ec) {
    set_verify_mode(mode);
    return ec = {};
  }
  /// How long a chain may be (SSL_set_verify_depth(3)).
  void set_verify_depth(int depth) { state_->engine().set_verify_depth(depth); }
  /// Sets it and clears `ec`: it never fails.
  error_code set_verify_depth(int depth, error_code& ec) {
    set_verify_depth(depth);
    return ec = {};
  }
  /// `callback(bool preverified, boost::asio::ssl::verify_context&)` returns whether the
  /// certificate is accepted. What it throws refuses the certificate.
  ///
  /// It has the last word: `preverified` is OpenSSL's verdict on this certificate of the chain,
  /// also on the host name, if a client has one. With a context of ours it has to: by
  /// `tls_handshake`, by SSL_set1_host(3), or in a boost::asio::ssl::host_name_verification as the
  /// callback, which still counts a certificate's common name. It replaces a
  /// callback of the context, or of before; one that is set later by SSL_set_verify(3) is asked
  /// after it. A resumed session asks nobody but a host_name_verification.
  template <class Callback>
  void set_verify_callback(Callback callback) {
    constexpr bool checks_host = std::is_same_v<Callback, boost::asio::ssl::host_name_verification>;
    state_->engine().verify_with(
        [callback = std::move(callback)](bool preverified, X509_STORE_CTX* chain) mutable {
          boost::asio::ssl::verify_context verify(chain);
          return callback(preverified, verify);
        },
        checks_host);
  }
  /// Sets it and clears `ec`: it never fails.
  template <class Callback>
  error_code set_verify_callback(Callback callback, error_code& ec) {
    set_verify_callback(std::move(callback));
    return ec = {};
  }

  // The blocking forms. Where an operation is outstanding they return errc::operation_in_progress.
  // No deadline: they take as long as the next layer does.

  /// Negotiates. Throws boost::system::system_error. A client's context of ours needs a host name:
  /// SSL_set1_host(native_handle(), name), SSL_set_tlsext_host_name(3) for SNI, or a callback that
  /// verifies it; else errc::no_host_name.
  void handshake(handshake_type type) {
    error_code ec;
    handshake(type, ec);
    throw_if(ec, "handshake");
  }
  /// Negotiates. Returns and sets the error instead of throwing it.
  error_code handshake(handshake_type type, error_code& ec) {
    return handshake(type, boost::asio::const_buffer(), ec);
  }
  /// With ciphertext that was already received, for instance to find out whether the peer speaks
  /// TLS. no_buffer_space if they are more than the ring holds (139 264 by default).
  template <class ConstBufferSequence>
  requires boost::asio::is_const_buffer_sequence<ConstBufferSequence>::value void handshake(
      handshake_type type, ConstBufferSequence const& received) {
    error_code ec;
    handshake(type, received, ec);
    throw_if(ec, "handshake");
  }
  /// Negotiates with received ciphertext. Returns and sets the error instead of throwing it.
  template <class ConstBufferSequence>
  requires boost::asio::is_const_buffer_sequence<ConstBufferSequence>::value error_code
  handshake(handshake_type type, ConstBufferSequence const& received, error_code& ec) {
    if (!is_idle()) return ec = errc::operation_in_progress;
    be(type);
    if (detail::take_received(state_->engine().ring(), received) !=
        boost::asio::buffer_size(received)) {
      return ec = boost::asio::error::no_buffer_space;
    }
    return ec = detail::blocking_control(*state_, detail::verb_kind::handshake);
  }

  /// Reads at least one byte. Throws boost::system::system_error, at the end too.
  template <class MutableBufferSequence>
  std::size_t read_some(MutableBufferSequence const& buffers) {
    error_code ec;
    std::size_t const n = read_some(buffers, ec);
    throw_if(ec, "read_some");
    return n;
  }
  /// Reads at least one byte. Sets `ec` instead of throwing.
  template <class MutableBufferSequence>
  std::size_t read_some(MutableBufferSequence const& buffers, error_code& ec) {
    ec = is_idle() ? error_code() : errc::operation_in_progress;
    return ec ? 0 : detail::blocking_read(*state_, buffers, ec);
  }

  /// Writes at least one byte, unless `buffers` are empty. Throws boost::system::system_error.
  template <class ConstBufferSequence>
  std::size_t write_some(ConstBufferSequence const& buffers) {
    error_code ec;
    std::size_t const n = write_some(buffers, ec);
    throw_if(ec, "write_some");
    return n;
  }
  /// Writes at least one byte, unless `buffers` are empty. Sets `ec` instead of throwing.
  template <class ConstBufferSequence>
  std::size_t write_some(ConstBufferSequence const& buffers, error_code& ec) {
    ec = is_idle() ? error_code() : errc::operation_in_progress;
    return ec ? 0 : detail::blocking_write(*state_, buffers, ec);
  }

  /// Ends the session both ways. Throws boost::system::system_error.
  void shutdown() {
    error_code ec;
    shutdown(ec);
    throw_if(ec, "shutdown");
  }
  /// Ends the session both ways. Returns and sets the error instead of throwing it.
  error_code shutdown(error_code& ec) {
    if (!is_idle()) return ec = errc::operation_in_progress;
    return ec = detail::blocking_control(*state_, detail::verb_kind::shutdown);
  }

  // The asynchronous forms of boost::asio::ssl::stream. No deadline, except that of async_shutdown.

  /// Negotiates. For the host name see the blocking form; `tls_handshake` takes it as an argument.
  ///
  /// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
  /// Header: `<tls_async/stream.hpp>`.
  ///
  /// @snippet verbs.cpp async_handshake
  template <detail::no_buffers Token = detail::default_token<executor_type>>
  auto async_handshake(handshake_type type, Token&& token = Token()) {
    return detail::initiate<Token>(
        *state_, detail::start_handshake{time_limit::none(), role_of(type)}, token);
  }
  /// With ciphertext that was already received. Completes with the number of bytes of `received`
  /// that were taken: all, or as many as the ring holds. operation_in_progress, and none was taken,
  /// beside another handshake, and where the receive of one that was cancelled has not ended.
  ///
  /// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else
  /// `asio::deferred`. Header: `<tls_async/stream.hpp>`.
  ///
  /// @snippet verbs.cpp async_handshake_received
  template <class ConstBufferSequence, class Token = detail::default_token<executor_type>>
  requires boost::asio::is_const_buffer_sequence<ConstBufferSequence>::value auto async_handshake(
      handshake_type type, ConstBufferSequence const& received, Token&& token = Token()) {
    return detail::initiate<Token>(
        *state_, detail::start_buffered_handshake<ConstBufferSequence>{received, role_of(type)},
        token);
  }
  /// Reads as `tls_read_some` does, without a deadline.
  ///
  /// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else
  /// `asio::deferred`. Header: `<tls_async/stream.hpp>`.
  ///
  /// @snippet verbs.cpp async_read_some
  template <class MutableBufferSequence, class Token = detail::default_token<executor_type>>
  auto async_read_some(MutableBufferSequence const& buffers, Token&& token = Token()) {
    return detail::initiate<Token>(
        *state_, detail::start_read<MutableBufferSequence>{buffers, time_limit::none()}, token);
  }
  /// Seals as much as the ring takes at once, and completes when that has left.
  ///
  /// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else
  /// `asio::deferred`. Header: `<tls_async/stream.hpp>`.
  ///
  /// @snippet verbs.cpp async_write_some
  template <class ConstBufferSequence, class Token = detail::default_token<executor_type>>
  auto async_write_some(ConstBufferSequence const& buffers, Token&& token = Token()) {
    return detail::initiate<Token>(
        *state_, detail::start_write<ConstBufferSequence>{true, buffers, time_limit::none()},
        token);
  }
  /// Ends the session as `tls_shutdown` does, with its default deadline.
  ///
  /// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
  /// Header: `<tls_async/stream.hpp>`.
  ///
  /// @snippet verbs.cpp async_shutdown
  template <class Token = detail::default_token<executor_type>>
  auto async_shutdown(Token&& token = Token()) {
    return detail::initiate<Token>(
        *state_,
        detail::start_shutdown{detail::verb_kind::shutdown, state_->options().shutdown_deadline},
        token);
  }

private:
  friend detail::access;

  static detail::be_role role_of(handshake_type type) noexcept {
    return type == client ? &detail::be_any_client : &detail::be_any_server;
  }
  void be(handshake_type type) {
    auto const inside = state_->lock();
    state_->session().begin_anew_if_cleared();
    (void)role_of(type)(state_->engine());
  }
  [[nodiscard]] bool is_idle() const {
    auto const inside = state_->lock();
    return state_->session().is_idle();
  }
  void destroy() noexcept {
    if (state_) state_->destroy_stream();
  }
  static void throw_if(error_code ec, char const* where) {
    if (ec) throw boost::system::system_error(ec, where);
  }

  std::shared_ptr<state_type> state_;

  // Behind all members, or Clang has errors for those after it.
  static_assert(async_stream<NextLayer>,
                "tls_async::stream stands on an async_stream: an AsyncReadStream and "
                "AsyncWriteStream as boost::asio::ip::tcp::socket is, or a reference to one, whose "
                "executor converts to boost::asio::any_io_executor");
};

}  // namespace tls_async
