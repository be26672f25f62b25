// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An end with its stream, by the stream's type: the only place where verbs are called.
#pragma once

#include "end.hpp"

#include <tls_async/io/hooks.hpp>
#include <tls_async/tls_async.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <climits>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tls_async::threads {

/// Stands somewhere else whenever it is asked, by a thread that takes a mutex of the program's.
class moving_buffer {
public:
  static constexpr unsigned never = UINT_MAX;

  moving_buffer(std::string_view bytes, std::recursive_mutex& program, unsigned throws_at = never)
      : bytes_(
            std::make_shared<std::unique_ptr<std::string>>(std::make_unique<std::string>(bytes))),
        program_(&program),
        calls_left_(throws_at) {}
  asio::const_buffer operator()() {
    std::lock_guard const alone(*program_);
    if (calls_left_-- == 0) throw std::runtime_error("a callable throws");
    *bytes_ = std::make_unique<std::string>(**bytes_);
    return asio::buffer(**bytes_);
  }

private:
  std::shared_ptr<std::unique_ptr<std::string>> bytes_;
  std::recursive_mutex* program_;
  unsigned calls_left_;
};

template <class Layer>
class end_of final : public end {
  using socket_type = std::remove_reference_t<Layer>;
  using stream_type = stream<Layer>;

public:
  end_of(surroundings in, socket_type socket, context& made_for, stream_options const& options)
      : end(std::move(in)) {
    if constexpr (std::is_reference_v<Layer>) {
      socket_.emplace(std::move(socket));
      tls_ = std::make_unique<stream_type>(*socket_, made_for, options);
    } else {
      tls_ = std::make_unique<stream_type>(std::move(socket), made_for, options);
    }
  }

private:
  std::shared_ptr<end_of> self() {
    return std::static_pointer_cast<end_of>(this->shared_from_this());
  }
  bool has_stream() const override { return tls_ != nullptr; }

  void launch(verb_ptr const& one) override {
    if (one->has_slot) count("slots");
    if (one->binds) {
      launch_with(*one, bound_handler(one));
    } else {
      launch_with(*one, plain_handler(one));
    }
  }
  [[nodiscard]] hooks hooks_of() {
    hooks given;
    if (!plan().has_hooks) return given;
    count("hooks");
    auto const ask = [](auto const&, hook_answer answer) {
      asio::post(asio::system_executor(), [answer = std::move(answer)]() mutable { answer({}); });
    };
    if (!is_client()) given.client_hello = ask;
    given.certificate = ask;
    given.peer = ask;
    return given;
  }
  template <class Handler>
  void launch_with(verb& one, Handler handler) {
    auto& s = *tls_;
    auto const asking = one.what == verb_kind::handshake ? hooks_of() : hooks();
    switch (one.what) {
      case verb_kind::handshake:
        return is_client() ? tls_handshake(s, as_client{"localhost", 0, asking}, limit_of(one),
                                           std::move(handler))
                           : tls_handshake(s, as_server{asking}, limit_of(one), std::move(handler));
      case verb_kind::read:
        if (one.as_some) {
          count("async forms");
          return s.async_read_some(asio::buffer(one.room), std::move(handler));
        }
        return tls_read_some(s, asio::buffer(one.room), limit_of(one), std::move(handler));
      case verb_kind::write:
        return launch_write(one, std::move(handler));
      case verb_kind::key_update:
        return tls_key_update(s, one.asks_peer ? new_keys::both : new_keys::ours,
                              std::move(handler));
      case verb_kind::close_write:
        return tls_close_write(s, std::move(handler));
      case verb_kind::shutdown:
        return tls_shutdown(s, limit_of(one), std::move(handler));
    }
  }
  template <class Handler>
  void launch_write(verb& one, Handler handler) {
    auto& s = *tls_;
    std::string_view const bytes = one.message;
    auto const with = [&](auto&& plaintext) {
      using given = decltype(plaintext);
      if (one.limit)
        return tls_write(s, std::forward<given>(plaintext), *one.limit, std::move(handler));
      tls_write(s, std::forward<given>(plaintext), std::move(handler));
    };
    switch (one.given_as) {
      case form::buffer:
        one.held = bytes;
        return with(asio::buffer(std::as_const(one.held)));
      case form::buffers: {
        one.held = bytes;
        asio::const_buffer const all = asio::buffer(std::as_const(one.held));
        return with(std::array<asio::const_buffer, 3>{
            asio::buffer(all, all.size() / 3), {}, all + all.size() / 3});
      }
      case form::string:
        return with(std::string(bytes));
      case form::vector:
        return with(std::vector<char>(bytes.begin(), bytes.end()));
      case form::shared:
        return with(std::make_shared<std::string const>(bytes));
      case form::relocatable:
        return with(moving_buffer(bytes, program()));
      case form::throwing:
        return with(moving_buffer(bytes, program(), one.throws_at));
      case form::file:
        if (one.limit)
          return tls_sendfile(s, one.file, 0, bytes.size(), *one.limit, std::move(handler));
        return tls_sendfile(s, one.file, 0, bytes.size(), std::move(handler));
      case form::some:
      case form::try_write:
      case form::detached:
        count("async forms");
        one.held = bytes;
        one.limit.reset();
        return s.async_write_some(asio::buffer(std::as_const(one.held)), std::move(handler));
    }
  }
  static time_limit limit_of(verb const& one) {
    return one.limit ? *one.limit : time_limit::none();
  }

  bool try_write(std::string_view message) override {
    std::lock_guard const alone(program());
    error_code const ec = tls_try_write(*tls_, asio::buffer(message));
    if (ec == errc::queue_full) count("queue full");
    bool const is_in_order = !ec || ec == errc::queue_full || mine().is_broken ||
                             peer().is_broken || peer().is_gone ||
                             (ec == errc::closed_for_writing && mine().closes);
    if (!is_in_order) complain(name() + " try_write: " + ec.message());
    return !ec;
  }

  void write_detached(std::string_view message) override {
    tls_write(*tls_, std::string(message), asio::detached);
  }

  void do_act(act what) override {
    auto& s = *tls_;
    error_code ignored;
    if (what == act::close) {
      s.lowest_layer().close(ignored);
    } else if (what == act::cancel_below) {
      s.lowest_layer().cancel(ignored);
    } else if (what == act::look) {
      bool const is_sane = s.stats().records_sealed < (1U << 30) && s.alpn().empty() &&
                           s.error_info().text().size() < 100'000 && s.memory_usage() != 0 &&
                           s.ktls_status().sending != ktls_state::on;
      if (!is_sane) complain(name() + ": what it says of itself is strange");
    } else if (what == act::move) {
      if (moves_++ % 2 == 0) {
        tls_ = std::make_unique<stream_type>(std::move(s));
      } else {
        stream_type other(std::move(s));
        s = std::move(other);
      }
    }
  }
  void set_expiry([[maybe_unused]] std::chrono::milliseconds after) override {
    if constexpr (requires { tls_->next_layer().expires_after(after); })
      tls_->next_layer().expires_after(after);
  }
  void destroy_stream() override {
    tls_.reset();
    socket_.reset();  // at once, where the stream only refers to it
  }

  void read_in_coroutine(bool with_operators) override {
    asio::co_spawn(home().executor, read_all(self(), with_operators), asio::detached);
  }
  void write_in_coroutine(std::size_t writer) override {
    asio::co_spawn(home().executor, write_all(self(), writer), asio::detached);
  }
  static constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

  // Starts a verb when it is awaited, as start() does.
  template <class Launch>
  auto awaited(Launch launch) {
    return asio::async_initiate<decltype(as_values), void(error_code, std::size_t)>(
        [this, launch](auto handler) {
          std::shared_lock<std::shared_mutex> keeps_the_stream(calls(), std::defer_lock);
          if (is_shared()) keeps_the_stream.lock();
          if (tls_) return launch(*tls_, std::move(handler));
          asio::post(home().executor, [handler = std::move(handler)]() mutable {
            std::move(handler)(error_code(asio::error::operation_aborted), std::size_t(0));
          });
        },
        as_values);
  }
  // What a read that was cancelled has brought all the same, || would throw away.
  static asio::awaitable<void> read_once(end_of& in, std::vector<char>& room, error_code& ec,
                                         std::size_t& n) {
    std::tie(ec, n) = co_await in.awaited([&room](stream_type& s, auto handler) {
      tls_read_some(s, asio::buffer(room), std::move(handler));
    });
  }
  static asio::awaitable<void> read_all(std::shared_ptr<end_of> in, bool with_operators) {
    using namespace asio::experimental::awaitable_operators;
    std::vector<char> room(in->plan().reader.room);
    asio::steady_timer timer(in->home().executor);
    for (std::size_t i = 0; in->is_shared() || in->has_stream(); ++i) {
      error_code ec;
      std::size_t n = 0;
      bool const may_be_cancelled = with_operators && i < 8;
      if (may_be_cancelled) {
        count("awaitable operators");
        timer.expires_after(std::chrono::microseconds(i * 40));
        co_await (read_once(*in, room, ec, n) || timer.async_wait(as_values));
      } else {
        co_await read_once(*in, room, ec, n);
      }
      in->came(ec, n, may_be_cancelled);
      in->has_come(room.data(), n);
      if (!in->reads_on(ec)) break;
    }
    in->reader_has_ended();
  }
  void came(error_code ec, std::size_t n, bool is_cancelled) {
    if (!home().is_here()) complain(name() + ": a coroutine goes on elsewhere");
    judge(verb_kind::read, ec, n, false, is_cancelled);
  }
  static asio::awaitable<void> write_all(std::shared_ptr<end_of> in, std::size_t writer) {
    for (std::size_t i = 0; i != in->plan().writers[writer].messages.size(); ++i) {
      if (!in->is_shared() && !in->has_stream()) break;
      message_plan const& planned_as = in->planned(writer, i);
      auto& entry = in->start_entry(writer, i);
      auto const limit = planned_as.limit ? *planned_as.limit : time_limit::none();
      auto const [ec, n] = co_await in->awaited([&entry, limit](stream_type& s, auto handler) {
        tls_write(s, std::string(entry.bytes), limit, std::move(handler));
      });
      entry.reported = n;
      entry.is_open = false;
      if (!in->home().is_here()) complain(in->name() + ": a coroutine goes on elsewhere");
      in->judge(verb_kind::write, ec, n, may_expire(planned_as.limit), false);
      if (!in->writes_on(ec)) break;
    }
    in->writer_has_ended();
  }

  // as_tuple and use_future don't go together in Boost 1.81.
  static constexpr auto both = [](error_code ec, std::size_t n) { return std::pair(ec, n); };

  template <class Start>
  bool as_future(Start start, error_code& ec, std::size_t& n) {
    auto future = [&] {
      std::shared_lock const keeps_the_stream(calls());
      return tls_ ? std::optional(start()) : std::nullopt;
    }();
    if (!future) return false;
    std::tie(ec, n) = future->get();
    return true;
  }
  bool read_as_future(std::vector<char>& room, error_code& ec, std::size_t& n) override {
    return as_future(
        [&] { return tls_read_some(*tls_, asio::buffer(room), asio::use_future(both)); }, ec, n);
  }
  bool write_as_future(std::string_view message, maybe_limit limit, error_code& ec,
                       std::size_t& n) override {
    auto const allowed = limit ? *limit : time_limit::none();
    return as_future(
        [&] { return tls_write(*tls_, asio::buffer(message), allowed, asio::use_future(both)); },
        ec, n);
  }

  std::optional<socket_type> socket_;  // where the stream only refers to it; else nothing
  std::unique_ptr<stream_type> tls_;
  unsigned moves_ = 0;
};

}  // namespace tls_async::threads
