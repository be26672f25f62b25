// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One direction of a connection: what its writers were told of their writes, and what arrived. Each
// writer's messages leave in its order; in which order those of several writers leave is the
// machine's, so the judge looks for one that explains what arrived.
#pragma once

#include "settings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tls_async::threads {

class transcript {
public:
  /// `number` is that of the direction: no other has the same plaintext.
  transcript(std::uint64_t number, std::vector<writer_plan> const& writers);

  /// One message of a writer. Touched by the thread that starts it, and then by its handler.
  struct entry {
    std::string_view bytes;
    std::size_t reported = 0;
    bool is_open = false;        ///< Was started, and nobody was told how far it came.
    bool may_end_early = false;  ///< With a part of its bytes, whoever was told.
  };

  [[nodiscard]] entry& at(std::size_t writer, std::size_t index) { return writers_[writer][index]; }
  [[nodiscard]] std::size_t messages_of(std::size_t writer) const {
    return writers_[writer].size();
  }
  /// By the one reader.
  void arrive(std::string_view bytes) { arrived_ += bytes; }
  [[nodiscard]] std::size_t arrived() const { return arrived_.size(); }

  /// What is wrong, empty if nothing: with `whole`, all that was reported must be there, otherwise
  /// its end may be missing.
  [[nodiscard]] std::string difference(bool whole) const;

private:
  struct search;

  std::vector<std::vector<entry>> writers_;
  std::string arrived_;
};

}  // namespace tls_async::threads
