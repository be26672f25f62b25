// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Standard error: messages, and below them one progress bar for all downloads if it is a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace https_get {

class console {
public:
  // If it is `silent` it does not complain.
  console(std::size_t files, bool has_bar, bool silent)
      : files_(files), has_bar_(has_bar), silent_(silent) {}

  // One or several lines. What a terminal would take for a command is replaced.
  void say(std::string text);
  // What is wrong.
  void complain(std::string const& what) {
    if (!silent_) say("https_get: " + what);
  }

  // A body begins, of this length if that is known.
  void expect(std::optional<std::uint64_t> bytes);
  void receive(std::uint64_t bytes);
  void end_file();
  // Leaves the last state of the bar on the screen.
  void finish();

private:
  void draw();

  using clock = std::chrono::steady_clock;
  std::size_t files_;
  std::size_t files_ended_ = 0;
  bool has_bar_;
  bool silent_;
  bool all_lengths_known_ = true;
  std::uint64_t expected_ = 0;
  std::uint64_t received_ = 0;
  clock::time_point started_ = clock::now();
  clock::time_point drawn_;
};

}  // namespace https_get
