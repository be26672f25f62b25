// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// All verbs that a world has started, in that order: what they say was sent and received.
#pragma once

#include <boost/asio/error.hpp>

#include <algorithm>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "played_session.hpp"

namespace tls_async::test {

namespace asio = boost::asio;

struct started_verb {
  std::shared_ptr<void> node;
  detail::verb& v;
  outcome const& told;
  bool const& is_abandoned;
  std::string_view text;  ///< Of a write.
  verb_state noted = verb_state::fresh;

  [[nodiscard]] bool is_live() const { return !told.done && !is_abandoned; }
  [[nodiscard]] bool is_last_write() const {
    return v.kind == verb_kind::write && static_cast<detail::write_verb const&>(v).is_last;
  }
  /// It can be cancelled.
  [[nodiscard]] bool is_in_progress() const {
    return is_live() && v.state() != verb_state::letting_go;
  }
};

class started_verbs {
public:
  template <class Verb, class... Args>
  Verb& add(std::string_view text, Args const&... args) {
    auto const node = std::make_shared<Verb>(args...);
    all_.push_back({node, *node, node->told, node->is_abandoned, text});
    return *node;
  }
  /// No two of the same world's have the same bytes at the same place.
  played_write& add_write(std::size_t length, bool moves = false) {
    static std::string const all = numbered_plaintext(1 << 20);
    auto const text = std::string_view(all).substr(next_text_, length);
    next_text_ += length;
    return add<played_write>(text, std::string(text), moves);
  }
  played_read& add_read(std::size_t room) {
    auto& read = add<played_read>({}, room);
    reads_.push_back(&read);
    return read;
  }

  [[nodiscard]] auto begin() const { return all_.begin(); }
  [[nodiscard]] auto end() const { return all_.end(); }
  [[nodiscard]] bool is_any_live() const {
    return std::ranges::any_of(all_, [](auto const& each) { return each.is_live(); });
  }
  [[nodiscard]] std::size_t in_progress(verb_kind kind) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        all_, [=](auto const& each) { return each.is_in_progress() && each.v.kind == kind; }));
  }

  /// Adds where each has gone since the last call.
  void note_steps(std::set<std::pair<verb_state, verb_state>>& steps) {
    for (auto& each : all_) {
      auto const from = std::exchange(each.noted, each.v.state());
      if (from != each.noted) steps.emplace(from, each.noted);
    }
  }

  /// What tells those that are live from others; of those that leave, whether they are done when
  /// so many bytes have been flushed, from the start.
  void describe(std::ostream& out, std::uint64_t flushed) const {
    bool is_any_letting_go = false;
    for (auto const& each : all_) {
      if (!each.is_live()) continue;
      detail::verb const& v = each.v;
      bool const is_leaving = v.state() == verb_state::leaving;
      // They wait for one end of one fill, and nothing else happens to them.
      is_any_letting_go = is_any_letting_go || v.state() == verb_state::letting_go;
      if (v.state() == verb_state::letting_go) continue;
      out << static_cast<int>(v.kind) << each.is_last_write() << static_cast<int>(v.state())
          << v.is_locating << v.result.failed() << v.ended_with.failed()
          << (is_leaving && v.ciphertext_end <= flushed);
      if (v.kind == verb_kind::write) out << each.text.size() - v.bytes;
      out << ' ';
    }
    out << is_any_letting_go;
  }

  /// Nobody has told a reader or a writer what is not so: `opened` is what the peer has, `sent`
  /// what it has sent.
  void check(std::string_view opened, std::string_view sent) const {
    std::string complete, possible;
    for (auto const& each : all_) {
      if (each.v.kind != verb_kind::write) continue;
      bool const is_ended_by_us =
          each.told.ec == asio::error::operation_aborted || each.told.ec == asio::error::timed_out;
      bool const is_exact = each.told.done && (is_ended_by_us || !each.told.ec);
      possible += each.text.substr(0, is_exact ? each.told.bytes : std::string::npos);
      if (each.told.done && !each.told.ec) complete = possible;
    }
    BOOST_TEST((opened == std::string_view(possible).substr(0, opened.size())),
               "the peer has opened what nobody wrote");
    BOOST_TEST(opened.size() >= complete.size(), "a write is complete too early");
    BOOST_TEST((sent.substr(0, received().size()) == received()), "bytes that nobody sent");
    for (auto const& each : all_) {
      BOOST_TEST((each.told.done == (each.v.state() == verb_state::done) || each.is_abandoned),
                 "its completion is lost");
      if (each.v.kind == verb_kind::read && each.told.ec)
        BOOST_TEST(each.told.bytes == 0U, "an error has taken bytes with it");
    }
  }
  /// By the writes, in their order.
  [[nodiscard]] std::string reported() const {
    std::string all;
    for (auto const& each : all_) {
      if (each.v.kind == verb_kind::write) all += each.text.substr(0, each.told.bytes);
    }
    return all;
  }
  [[nodiscard]] std::string received() const {
    std::string all;
    for (auto const* each : reads_)
      all += each->told.done ? each->plaintext() : std::string();
    return all;
  }

private:
  std::vector<started_verb> all_;
  std::vector<played_read const*> reads_;
  std::size_t next_text_ = 0;
};

}  // namespace tls_async::test
