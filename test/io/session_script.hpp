// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One end of a whole session, written as a script that can be disturbed at every step: it shakes
// hands, writes its messages, reads to the end and shuts down, and takes up again whatever was
// cancelled. Driven by handlers, so that each is seen to run once and never inside a call. Judges,
// but asserts nothing.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "script_verbs.hpp"
#include "support/model.hpp"

namespace tls_async::test {

/// What of a party can be outstanding, and cancelled.
enum class lane_name { control, read, write, second_write };
inline constexpr std::array all_lanes{lane_name::control, lane_name::read, lane_name::write,
                                      lane_name::second_write};

struct party_plan {
  bool is_client = false;
  std::vector<std::size_t> messages;  ///< Their sizes.
  std::size_t expected = 0;           ///< Bytes the other side will send.
  std::size_t inbox = 65'536;         ///< Bytes one read may take.
};

template <class Stream, class Verbs>
class party {
public:
  using hook = std::function<void(std::size_t completions)>;

  party(std::unique_ptr<Stream> stream, party_plan plan, byte_queue& sent, byte_queue& received)
      : plan_(std::move(plan)),
        sent_(sent),
        received_(received),
        inbox_(plan_.inbox),
        stream_(std::move(stream)) {}
  party(party const&) = delete;
  party& operator=(party const&) = delete;

  void start() { go_on(); }

  [[nodiscard]] Stream& stream() { return *stream_; }
  [[nodiscard]] bool is_outstanding(lane_name name) const { return at(name).outstanding; }
  [[nodiscard]] std::size_t outstanding() const {
    std::size_t n = 0;
    for (auto const& l : lanes_)
      n += l.outstanding ? 1 : 0;
    return n;
  }
  [[nodiscard]] char const* verb_of(lane_name name) const {
    if (name == lane_name::read) return "read";
    if (name != lane_name::control) return "write";
    return stage_ == stage::handshake     ? "handshake"
           : stage_ == stage::close_write ? "close_write"
                                          : "shutdown";
  }
  [[nodiscard]] bool is_done() const {
    return stage_ == stage::done && outstanding() == 0 && reads_done();
  }
  /// How often a handler ran, and with operation_aborted.
  [[nodiscard]] std::size_t completions() const { return completions_; }
  [[nodiscard]] std::size_t aborted() const { return aborted_; }
  /// The first error that nobody asked for; the script stops there.
  [[nodiscard]] error_code failure() const { return failure_; }
  /// The first breach of a contract.
  [[nodiscard]] std::string const& complaint() const { return complaint_; }
  /// Called in every handler, before it starts anything.
  hook on_completion;

  void cancel(lane_name name, boost::asio::cancellation_type type) {
    lane& l = at(name);
    if (!l.outstanding) return;
    l.cancelled_with = type;
    call([&] { l.signal.emit(type); });
  }
  void cancel_lowest_layer() {
    lowest_cancelled_ = true;
    call([&] { stream_->lowest_layer().cancel(); });
  }
  void destroy() {
    stopped_ = true;
    call([&] { stream_.reset(); });
  }
  void move() {
    call([&] { stream_ = std::make_unique<Stream>(std::move(*stream_)); });
  }
  void move_by_assignment(Stream&& idle) {
    call([&] {
      idle = std::move(*stream_);
      *stream_ = std::move(idle);
    });
  }
  /// Puts another stream over the one that is there; the script is at its end.
  void replace(Stream&& other) {
    stopped_ = true;
    call([&] { *stream_ = std::move(other); });
  }

private:
  enum class stage { handshake, close_write, shutdown, done };

  struct lane {
    boost::asio::cancellation_signal signal;
    bool outstanding = false;
    boost::asio::cancellation_type cancelled_with = boost::asio::cancellation_type::none;
    std::string_view rest;   // of the message that is being written
    std::size_t number = 0;  // of the write
  };

  [[nodiscard]] lane& at(lane_name name) { return lanes_.at(static_cast<std::size_t>(name)); }
  [[nodiscard]] lane const& at(lane_name name) const {
    return lanes_.at(static_cast<std::size_t>(name));
  }

  [[nodiscard]] bool reads_done() const {
    return Verbs::half_close ? saw_end_ : received_.arrived() >= plan_.expected;
  }
  [[nodiscard]] bool writes_done() const {
    return next_message_ == plan_.messages.size() && at(lane_name::write).rest.empty() &&
           at(lane_name::second_write).rest.empty();
  }

  // Starts all that can be started and is not.
  void go_on() {
    if (stopped_) return;
    if (!at(lane_name::control).outstanding) go_on_with_control();
    bool const eager = Verbs::eager_client && plan_.is_client;
    if (stage_ == stage::handshake && !eager) return;
    for (std::size_t i = 0; i != Verbs::writers; ++i) {
      lane& l = at(i == 0 ? lane_name::write : lane_name::second_write);
      if (!l.outstanding) go_on_writing(l);
    }
    if (!at(lane_name::read).outstanding && !reads_done()) go_on_reading();
  }

  void go_on_with_control() {
    lane& l = at(lane_name::control);
    // A shutdown discards what nobody reads, so all must have come. The server answers the
    // client's.
    bool const all_came = received_.arrived() >= plan_.expected;
    bool const may_close = writes_done() && (plan_.is_client ? all_came : reads_done());
    switch (stage_) {
      case stage::handshake:
        return launch(
            l, [&](auto token) { Verbs::handshake(*stream_, plan_.is_client, token); },
            [this](error_code ec, std::size_t) {
              // The client ends both ways at once, the server one after the other.
              bool const by_halves = Verbs::half_close && !plan_.is_client;
              if (!ec) stage_ = by_halves ? stage::close_write : stage::shutdown;
            });
      case stage::close_write:
        if (!may_close) return;
        return launch(
            l, [&](auto token) { Verbs::close_write(*stream_, token); },
            [this](error_code ec, std::size_t) {
              if (!ec) stage_ = stage::shutdown;
            });
      case stage::shutdown:
        if (!may_close) return;
        return launch(
            l, [&](auto token) { Verbs::shutdown(*stream_, token); },
            [this](error_code ec, std::size_t) {
              // Asio may end a shutdown that went well with eof.
              if (!ec || ec == boost::asio::error::eof) stage_ = stage::done;
            });
      case stage::done:
        return;
    }
  }

  void go_on_writing(lane& l) {
    if (l.rest.empty()) {
      if (next_message_ == plan_.messages.size()) return;
      std::size_t const id = 2 * next_message_ + (plan_.is_client ? 1 : 0);
      l.rest = message(id, plan_.messages[next_message_++]);
    }
    l.number = sent_.begin_write(l.rest);
    launch(
        l,
        [&](auto token) {
          Verbs::write(*stream_, boost::asio::buffer(l.rest.data(), l.rest.size()), token);
        },
        [this, &l](error_code ec, std::size_t n) {
          sent_.end_write(l.number, n);
          if (n > l.rest.size()) return complain("more was written than was there");
          if (!ec && n != l.rest.size() && Verbs::writes_all) complain("a write ended early");
          l.rest.remove_prefix(n);
        });
  }

  void go_on_reading() {
    launch(
        at(lane_name::read),
        [&](auto token) {
          Verbs::read(*stream_, boost::asio::buffer(inbox_.data(), inbox_.size()), token);
        },
        [this](error_code ec, std::size_t n) {
          if (ec && n != 0) complain("a read that failed has consumed something");
          received_.arrive({inbox_.data(), n});
          saw_end_ = ec == boost::asio::error::eof;
        });
  }

  template <class Initiate, class Then>
  void launch(lane& l, Initiate initiate, Then then) {
    l.outstanding = true;
    l.cancelled_with = boost::asio::cancellation_type::none;
    call([&] {
      initiate(boost::asio::bind_cancellation_slot(
          l.signal.slot(),
          [this, &l, then](error_code ec, std::size_t n = 0) { finish(l, ec, n, then); }));
    });
  }

  template <class Then>
  void finish(lane& l, error_code ec, std::size_t n, Then const& then) {
    if (inside_call_) complain("a handler ran inside a call");
    if (!l.outstanding) complain("a handler ran twice");
    l.outstanding = false;
    ++completions_;
    bool const was_stopped = stopped_;
    then(ec, n);
    if (ec == boost::asio::error::operation_aborted) {
      ++aborted_;
      using boost::asio::cancellation_type;
      if (l.cancelled_with == cancellation_type::total && !lowest_cancelled_ && !was_stopped &&
          n != 0) {
        complain("a total cancellation acted on what was sealed");
      }
      if (l.cancelled_with == cancellation_type::none && !lowest_cancelled_ && !was_stopped) {
        complain("operation_aborted without a cancellation");
      }
    } else if (ec && ec != boost::asio::error::eof && !stopped_) {
      failure_ = ec;
      stopped_ = true;
    }
    if (on_completion) on_completion(completions_);
    go_on();
  }

  void call(auto&& what) {
    bool const outer = std::exchange(inside_call_, true);
    what();
    inside_call_ = outer;
  }
  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }

  party_plan plan_;
  byte_queue& sent_;
  byte_queue& received_;
  std::vector<char> inbox_;
  std::array<lane, all_lanes.size()> lanes_;
  stage stage_ = stage::handshake;
  std::size_t next_message_ = 0;
  bool saw_end_ = false;
  bool stopped_ = false;
  bool inside_call_ = false;
  bool lowest_cancelled_ = false;
  std::size_t completions_ = 0;
  std::size_t aborted_ = 0;
  error_code failure_;
  std::string complaint_;
  std::unique_ptr<Stream> stream_;  // goes before the signals, to which its operations still refer
};

}  // namespace tls_async::test
