// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What one side of a life is to say, what it has heard, and what became of each of its verbs.
#pragma once

#include <tls_async/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <iostream>
#include <string>
#include <utility>

#include <tls_async_test/tls_pair.hpp>
#include "script.hpp"

namespace tls_async::test::torture {

struct party_plan {
  bool is_client;
  bool is_tortured;
  bool updates_keys = false;
  bool is_short = false;       ///< A few bytes only.
  bool has_deadlines = false;  ///< Each verb has its own.
  bool breaks_off = false;     ///< The stream is destroyed in the middle of its writes.
  bool leaves_bytes = true;    ///< By tls_try_write, which a budget may refuse.
};

class party_record {
public:
  explicit party_record(party_plan const& plan) : plan_(plan) {}

  /// What it sends in all, with the other party's help or without.
  [[nodiscard]] std::string plaintext() const {
    std::string all;
    for (auto const& each : first_)
      all += each;
    return all + second_;
  }
  void expect(party_record const& other) { expected_ = other.plaintext(); }

  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] bool has_error() const { return has_error_; }

  [[nodiscard]] bool has_thrown() const {
    return std::ranges::any_of(verbs_, [](verb const& v) { return v.threw; });
  }

  /// A verb that has neither ended nor thrown; null if there is none.
  [[nodiscard]] char const* waits_for() const {
    for (auto const& v : verbs_)
      if (!v.threw && v.runs == 0) return v.name;
    return nullptr;
  }

  void tell() const {
    for (auto const& v : verbs_) {
      std::cout << (plan_.is_client ? "client: " : "server: ") << v.name
                << (v.threw ? ", threw" : "") << ", ran " << v.runs << " times, " << v.bytes
                << " bytes, " << v.ec.message() << '\n';
    }
  }

  void judge(outcome& found) const {
    std::string const who = std::string(plan_.is_tortured ? "" : "the other pair's ") +
                            (plan_.is_client ? "client" : "server");
    for (auto const& v : verbs_) {
      if (v.runs > 1) found.complain(who + "'s handler of " + v.name + " ran twice");
      if (v.runs != 0 && v.threw)
        found.complain(who + "'s " + v.name + " threw, and its handler ran too");
      if (v.is_write && !v.ec && !v.threw && v.runs == 1 && v.bytes != v.size)
        found.complain(who + "'s " + v.name + " succeeded without all of its bytes");
    }
    if (expected_.compare(0, received_.size(), received_) != 0)
      found.complain(who + " received what was not sent");
    if (is_done_ && received_ != expected_)
      found.complain(who + " came to its end without all bytes");
    if (!complaint_.empty()) found.complain(who + ": " + complaint_);
  }

protected:
  struct verb {
    char const* name;
    bool is_write = false;
    std::size_t size = 0;
    int runs = 0;
    bool threw = false;
    error_code ec{};
    std::size_t bytes = 0;
  };

  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }

  party_plan const plan_;
  std::size_t const from_ = plan_.is_client ? 0 : 77;  // the two say different things
  std::array<std::string, 6> const first_{numbered_plaintext(1, from_),
                                          numbered_plaintext(100, from_),
                                          numbered_plaintext(plan_.is_short ? 30 : 20'000, from_),
                                          numbered_plaintext(plan_.is_short ? 10 : 16'384, from_),
                                          numbered_plaintext(plan_.is_short ? 20 : 1'000, from_),
                                          numbered_plaintext(plan_.leaves_bytes ? 10 : 0, from_)};
  std::string const second_ = numbered_plaintext(300, from_ + 9);
  std::string expected_, received_;
  std::deque<verb> verbs_;
  bool has_error_ = false, is_done_ = false;
  std::string complaint_;
};

}  // namespace tls_async::test::torture
