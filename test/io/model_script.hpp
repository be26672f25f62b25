// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A random script over two streams, made of a seed: verbs on both ends at once, cancelled, timed
// out and moved while their ciphertext is let through in pieces. Each result is judged when it
// comes, and in the end the bytes are compared with the model. The same seed does the same again,
// and `trace()` tells it.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <tls_async_test/virtual_clock.hpp>
#include "model_transport.hpp"
#include "support/model.hpp"

namespace tls_async::test {

/// `Transport` is one of model_transport.hpp.
template <class Transport>
class model_script {
public:
  explicit model_script(std::uint64_t seed);
  model_script(model_script const&) = delete;
  model_script& operator=(model_script const&) = delete;
  ~model_script();

  /// Runs it to its end and says what went wrong first; empty if nothing.
  std::string run();
  [[nodiscard]] std::string const& trace() const { return trace_; }
  [[nodiscard]] std::size_t cancelled() const { return cancelled_; }
  [[nodiscard]] std::size_t timed_out() const { return timed_out_; }
  /// Writes that ended behind some of their records.
  [[nodiscard]] std::size_t cut_short() const { return cut_short_; }

private:
  using stream_type = stream<typename Transport::next_layer_type, virtual_clock>;
  using clock = virtual_clock;
  enum class kind { handshake, read, write, write_some, key_update, close_write, shutdown };
  enum class ending { complete, stream_destroyed, io_context_destroyed };

  /// One verb; its handler keeps it.
  struct verb {
    kind what{};
    std::size_t number = 0;  // counted over the script
    std::size_t size = 0;    // of its buffers
    std::size_t write = 0;   // its number in the byte queue
    std::vector<char> place;
    clock::time_point started;
    clock::duration limit = clock::duration::max();
    bool stalls = false;
    bool is_last = false;
    bool is_parked = false;  // all that could run had run, and nothing has since
    error_code refusal;      // how it has to end
    bool lowest_layer_cancelled = false;
    boost::asio::cancellation_type cancelled = boost::asio::cancellation_type::none;
    boost::asio::cancellation_signal signal;

    [[nodiscard]] bool is_write() const { return what == kind::write || what == kind::write_some; }
  };
  using verb_ptr = std::shared_ptr<verb>;

  /// One end; the handlers of its verbs keep it, as coroutine frames would.
  struct endpoint {
    bool is_client = false;
    byte_queue sent;
    std::vector<verb_ptr> outstanding;
    bool is_closing = false;  // a close_write or a last write was started
    bool reads_on = false;    // until the end
    bool saw_end = false;
    bool negotiated = false;
    bool was_destroyed = false;
    bool lowest_layer_cancelled = false;  // and its verbs may not have heard of it yet
    std::size_t accepted = 0;             // writes that the next layer has accepted
    clock::time_point progress;           // when it accepted the last
    std::unique_ptr<stream_type> stream;
    std::optional<typename Transport::watch> watch;

    [[nodiscard]] verb_ptr find(kind what) const;
  };
  using endpoint_ptr = std::shared_ptr<endpoint>;

  // Phases.
  void configure();
  void negotiate();
  void come_to_an_end();
  void end_without(endpoint& gone);
  void drop_everything();

  // Actions.
  void act();
  void act_on_verbs(endpoint& e);
  void act_on_link(endpoint& e);
  void start_handshake(endpoint& e);
  void start_read(endpoint& e);
  void start_write(endpoint& e);
  void try_write(endpoint& e);
  void start_key_update(endpoint& e);
  void start_end(endpoint& e, kind what);
  void cancel_one(endpoint& e);
  void cancel_lowest_layer(endpoint& e);
  void move(endpoint& e);
  void destroy(endpoint& e);
  void open(endpoint& e);
  void advance_clock();
  void step(std::size_t handlers);
  void settle();

  verb_ptr make(endpoint& e, kind what);
  void limit_some(verb& v);
  template <class Initiate>
  void launch(endpoint& e, verb_ptr const& v, Initiate initiate);
  template <class Token>
  void write_from_anywhere(stream_type& s, std::string_view bytes, verb const& v, Token token);
  void finish(endpoint& e, verb_ptr const& v, error_code ec, std::size_t n);
  [[nodiscard]] std::string judge(endpoint const& e, verb const& v, error_code ec,
                                  std::size_t n) const;
  [[nodiscard]] endpoint& other(endpoint const& e) const { return *ends_.at(e.is_client ? 1 : 0); }
  [[nodiscard]] auto& link(endpoint const& e) { return transport_->link(e.is_client ? 0 : 1); }
  [[nodiscard]] endpoint& either() { return *ends_.at(pick(2)); }

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  bool one_in(std::size_t n) { return pick(n) == 0; }
  std::size_t message_size();
  void call(std::function<void()> const& what);
  void note(endpoint const& e, std::string const& what);
  void complain(std::string const& what);

  std::mt19937_64 random_;
  ending ending_ = ending::complete;
  std::optional<boost::asio::io_context> io_;
  std::optional<Transport> transport_;
  std::array<endpoint_ptr, 2> ends_;
  bool is_tls13_ = true;
  bool cancels_lowest_layer_ = false;
  bool negotiated_ = false;
  bool is_left_alone_ = false;
  bool inside_call_ = false;
  bool inside_handler_ = false;
  std::size_t verbs_ = 0;
  std::size_t cancelled_ = 0;
  std::size_t timed_out_ = 0;
  std::size_t cut_short_ = 0;
  std::string complaint_;
  std::string trace_;
};

}  // namespace tls_async::test
