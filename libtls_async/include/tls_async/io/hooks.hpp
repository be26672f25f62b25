// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Hooks: what a handshake waits for the program to decide, without holding its thread.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/question.hpp>
#include <tls_async/error.hpp>
#include <tls_async/io/detail/hook_call.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace tls_async {

/// The handler by which an asynchronous operation of a hook answers. Movable only. One that is
/// destroyed without having been called refuses the handshake.
///
/// It may be called on any thread, and after the stream is gone, but has to be gone itself when the
/// stream's io_context is destroyed, as all that has work on that. Its executor is a strand on the
/// stream's, and its cancellation slot tells that nobody waits for the answer any more: the
/// handshake was cancelled, has timed out or lost its stream.
class hook_answer {
public:
  /// See get_executor.
  using executor_type = detail::hook_call::executor_type;
  /// See get_cancellation_slot.
  using cancellation_slot_type = boost::asio::cancellation_slot;

  /// Made by a stream.
  explicit hook_answer(std::shared_ptr<detail::hook_call> call) noexcept : call_(std::move(call)) {}
  /// The other one is left without anybody to answer to.
  hook_answer(hook_answer&&) noexcept = default;
  /// Not assignable.
  hook_answer& operator=(hook_answer&&) = delete;
  /// Refuses the handshake if nothing was answered.
  ~hook_answer() {
    if (call_) call_->drop();
  }

  /// What was decided.
  void operator()(verdict decided) { give(std::move(decided)); }
  /// The same, but for an exception, whose words refuse the handshake.
  void operator()(std::exception_ptr thrown, verdict decided) {
    if (!thrown) return give(std::move(decided));
    try {
      std::rethrow_exception(thrown);
    } catch (std::exception const& why) {
      give(verdict::refuse(why.what()));
    } catch (...) {
      give(verdict::refuse("it threw what is no std::exception"));
    }
  }
  /// The same, but for an error, whose words refuse the handshake.
  void operator()(error_code ec, verdict decided) {
    give(ec ? verdict::refuse(ec.message()) : std::move(decided));
  }

  /// A strand on the stream's executor.
  [[nodiscard]] executor_type get_executor() const noexcept { return call_->executor(); }
  /// Emitted on that executor, with cancellation_type::terminal.
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
    return call_->slot();
  }

private:
  void give(verdict decided) {
    if (auto const call = std::exchange(call_, nullptr)) call->answer(std::move(decided));
  }

  std::shared_ptr<detail::hook_call> call_;
};

namespace detail {

template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class Executor>
inline constexpr bool is_awaitable<boost::asio::awaitable<T, Executor>> =
    std::convertible_to<T, verdict>;

/// Called with a question and what answers it.
template <class F, class Question>
concept initiates_answer = std::invocable<F const&, Question const&, hook_answer>;
/// Returns the answer, an awaitable of it, or an operation that takes its handler.
template <class F, class Question>
concept returns_answer = std::invocable<F const&, Question const&> &&
    (std::convertible_to<std::invoke_result_t<F const&, Question const&>, verdict> ||
     is_awaitable<std::remove_cvref_t<std::invoke_result_t<F const&, Question const&>>> ||
     std::invocable<std::invoke_result_t<F const&, Question const&>, hook_answer>);

template <class F, class Question>
void start_hook(F const& function, Question const& asked, hook_answer answer) {
  if constexpr (initiates_answer<F, Question>) {
    function(asked, std::move(answer));
  } else {
    using result = std::invoke_result_t<F const&, Question const&>;
    if constexpr (std::convertible_to<result, verdict>) {
      answer(verdict(function(asked)));
    } else if constexpr (is_awaitable<std::remove_cvref_t<result>>) {
      auto const executor = answer.get_executor();
      boost::asio::co_spawn(executor, function(asked), std::move(answer));
    } else {
      function(asked)(std::move(answer));
    }
  }
}

}  // namespace detail

/// A function of the program that decides a question. Empty: it is not asked.
///
/// It is called with the question, on a strand on the stream's executor and without any lock, and
/// - returns the `verdict`, or
/// - returns a `boost::asio::awaitable<verdict>`, which runs there, or
/// - returns an operation that is started by a call with its handler, as `asio::deferred` makes it,
///   or
/// - takes a `hook_answer` as second argument, and moves it to whatever is to answer.
///
/// The question lives until it is answered, so a coroutine may take it by reference. What it throws
/// refuses the handshake, with the exception's words in `error_info()`. It has to be copyable, and
/// callable for several handshakes at once.
template <class Question>
class hook {
public:
  /// Not asked.
  hook() = default;
  /// Asks `function`.
  template <class F>
  requires(!std::same_as<F, hook> && (detail::initiates_answer<F, Question> ||
                                      detail::returns_answer<F, Question>)) hook(F function)
      : start_([held = std::move(function)](Question const& asked, hook_answer answer) {
          detail::start_hook(held, asked, std::move(answer));
        }) {}

  /// It is asked.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(start_); }
  /// Asks.
  void operator()(Question const& asked, hook_answer answer) const {
    start_(asked, std::move(answer));
  }

private:
  std::function<void(Question const&, hook_answer)> start_;
};

/// What a handshake asks the program: `hooks asking; asking.peer = ...;`, and then
/// `tls_handshake(s, as_server{asking})`.
///
/// While one is asked, other connections go on, and nothing of what follows leaves or is read. The
/// handshake's deadline and its cancellation end it (`hook_answer`); a later handshake of the same
/// session asks again. A refusal ends the session with errc::refused.
struct hooks {
  /// A server has received a ClientHello, and nothing of it was acted upon
  /// (SSL_CTX_set_client_hello_cb(3)). The answer may name the identities of this session, and a
  /// refusal its alert. Once, and again if a second ClientHello names another host. Needs a
  /// tls_async::context: with another the handshake ends with errc::bad_option.
  hook<tls_async::client_hello> client_hello{};
  /// A certificate of ours is needed (SSL_set_cert_cb(3)): of a server always, but in a session
  /// that is resumed, of a client if the server asks for one. The answer may name the identities.
  /// Replaces a callback of SSL_set_cert_cb. A client that has it resumes no session.
  hook<certificate_request> certificate{};
  /// The peer has shown its certificates, or none, and all else has accepted them; or all else is
  /// ignored, with `context::insecure_skip_verification()`. On a client
  /// before anything more is sent (SSL_set_retry_verify(3)). On a server when the client's part is
  /// there: the handshake is done, plaintext is read, and tickets of TLS 1.3 leave, with the first
  /// write, only after the answer; a refused client gets the alert access_denied, or close_notify
  /// where OpenSSL can't send that (a resumed session of TLS 1.2, a context that is not ours,
  /// kernel TLS). Authentication behind the handshake asks nobody.
  hook<peer_certificates> peer{};
  /// A signature is needed by a private key that is elsewhere (`identities::add_chain`); the answer
  /// is `verdict::sign()`. It is verified before it is used: bad_signature if it is none by the key
  /// of the certificate. The handshake runs as a job of OpenSSL's meanwhile (ASYNC_start_job(3)),
  /// on a stack of 32 KiB, which callbacks of the program have too. All of it has to be on one
  /// thread, so the stream's executor may have no other, nor may another start the handshake: where
  /// the answer finds it elsewhere the handshake ends with bad_option. SSL_clear(3) may not be
  /// called meanwhile. Authentication behind the handshake asks nobody, and fails.
  hook<signature_request> signature{};

  /// What `as_server` and `as_client` take, which have a copy then. Throws std::bad_alloc.
  operator std::shared_ptr<detail::hook_set const>() const&;
  /// Give it a name: GCC 12 destroys the members of a temporary aggregate twice that stands in the
  /// operand of a co_await.
  operator std::shared_ptr<detail::hook_set const>() const&& = delete;
};

namespace detail {

class given_hooks final : public program_hooks {
public:
  explicit given_hooks(hooks const& given) : hooks_(given) {}

  [[nodiscard]] questions asks() const noexcept override {
    return {.client_hello = static_cast<bool>(hooks_.client_hello),
            .certificate = static_cast<bool>(hooks_.certificate),
            .peer = static_cast<bool>(hooks_.peer),
            .signature = static_cast<bool>(hooks_.signature)};
  }
  void ask(std::shared_ptr<hook_call> call) const override {
    auto const& asked = call->question();
    hook_answer answer(std::move(call));
    if (auto const* const hello = std::get_if<client_hello>(&asked)) {
      hooks_.client_hello(*hello, std::move(answer));
    } else if (auto const* const request = std::get_if<certificate_request>(&asked)) {
      hooks_.certificate(*request, std::move(answer));
    } else if (auto const* const wanted = std::get_if<signature_request>(&asked)) {
      hooks_.signature(*wanted, std::move(answer));
    } else {
      hooks_.peer(std::get<peer_certificates>(asked), std::move(answer));
    }
  }

private:
  hooks hooks_;
};

}  // namespace detail

/// What `as_server` and `as_client` take.
inline hooks::operator std::shared_ptr<detail::hook_set const>() const& {
  return std::make_shared<detail::given_hooks const>(*this);
}

}  // namespace tls_async
