// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The judge of bytes.
#include "transcript.hpp"

#include "support/model.hpp"

#include <algorithm>

namespace tls_async::threads {

transcript::transcript(std::uint64_t number, std::vector<writer_plan> const& writers) {
  std::uint64_t id = number << 24;
  for (writer_plan const& writer : writers) {
    auto& made = writers_.emplace_back();
    for (message_plan const& planned : writer.messages) {
      bool const may_end_early = planned.given_as == form::throwing ||
                                 planned.given_as == form::some || planned.limit ||
                                 planned.is_cancelled;
      made.push_back({.bytes = test::message(++id, planned.size), .may_end_early = may_end_early});
    }
  }
}

// Depth first: where two writers could explain a byte, both are tried. Messages of a few bytes are
// the only ones that can be confused, so it stays short; the bound only turns a fault of this
// search into a complaint.
struct transcript::search {
  transcript const& in;
  bool whole;
  std::vector<std::size_t> next;
  std::size_t deepest = 0;
  std::size_t steps = 0;

  bool from(std::size_t at) {
    deepest = std::max(deepest, at);
    if (++steps > 1'000'000) return false;
    std::string_view const rest = std::string_view(in.arrived_).substr(at);
    if (rest.empty() && !whole) return true;
    bool any = false;
    for (std::size_t w = 0; w != next.size(); ++w) {
      std::size_t const before = next[w];
      auto const& mine = in.writers_[w];
      while (next[w] != mine.size() && length(mine[next[w]]) == 0)
        ++next[w];
      if (next[w] != mine.size()) {
        any = true;
        if (fits(mine[next[w]], rest)) {
          std::size_t const n = length(mine[next[w]]);
          if (n > rest.size()) return true;  // cut, which `fits` allows only if that is in order
          ++next[w];
          if (from(at + n)) return true;
        } else if (entry const& one = mine[next[w]]; one.is_open && one.may_end_early) {
          ++next[w];
          if (behind_a_part_of(one, at)) return true;
        }
      }
      next[w] = before;
    }
    return rest.empty() && !any;
  }

  // It has ended with some of its bytes, and its handler was destroyed on its way.
  bool behind_a_part_of(entry const& one, std::size_t at) {
    std::string_view const rest = std::string_view(in.arrived_).substr(at);
    auto const part = std::mismatch(rest.begin(), rest.end(), one.bytes.begin(), one.bytes.end());
    for (auto n = static_cast<std::size_t>(part.first - rest.begin());; --n) {
      if (from(at + n)) return true;
      if (n == 0) return false;
    }
  }

  static std::size_t length(entry const& one) {
    return one.is_open ? one.bytes.size() : one.reported;
  }
  bool fits(entry const& one, std::string_view rest) const {
    std::size_t const n = std::min(length(one), rest.size());
    if (n < length(one) && whole) return false;
    return one.bytes.substr(0, n) == rest.substr(0, n);
  }
};

std::string transcript::difference(bool whole) const {
  std::size_t reported = 0;
  for (auto const& writer : writers_) {
    for (entry const& one : writer) {
      if (one.reported > one.bytes.size()) return "more was reported than was written";
      if (one.is_open && whole) return "a write has not ended";
      reported += one.reported;
    }
  }
  search looking{*this, whole, std::vector<std::size_t>(writers_.size()), 0, 0};
  if (looking.from(0)) return {};
  std::string told = std::to_string(arrived_.size()) + " bytes arrived, " +
                     std::to_string(reported) + " were reported; what follows byte " +
                     std::to_string(looking.deepest) + " is of no write in order";
  for (std::size_t w = 0; w != writers_.size(); ++w) {
    told += "\n  writer " + std::to_string(w) + ":";
    for (entry const& one : writers_[w]) {
      told += " " + std::to_string(one.reported) + "/" + std::to_string(one.bytes.size());
      if (one.is_open) told += "?";
    }
  }
  return told;
}

}  // namespace tls_async::threads
