// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Standard error: messages, and below them one progress bar for all downloads if it is a terminal.
// The only way there for what a peer has sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace https_get {

class destination;

class console {
public:
  // Without `has_bar` nothing is drawn. If it is `silent` it does not complain.
  console(std::size_t files, bool has_bar, bool silent)
      : files_(files), has_bar_(has_bar), silent_(silent) {}

  // Each is one line, whatever is in it, and a long one is cut.
  void say(std::vector<std::string> const& lines);
  // What is wrong, and what to do about it. Advice is never cut, for a command must be whole: what
  // is a peer's in it has a bound already.
  void complain(std::string const& what, std::vector<std::string> const& advice = {});

  bool has_bar() const { return has_bar_; }
  // Is in the bar from `begin` to `end`.
  void begin(destination const& file) { running_.push_back(&file); }
  void end(destination const& file);
  std::vector<destination const*> const& running() const { return running_; }
  // One more of all the files is done, or has failed.
  void end_file() { ++files_ended_; }
  // To be called some times a second.
  void draw();
  // Instead of the bar: what has come.
  void finish();

private:
  using clock = std::chrono::steady_clock;

  void clear();
  void write(std::string_view text);
  std::string line(std::size_t columns);

  std::size_t files_;
  bool has_bar_;
  bool silent_;
  bool is_drawn_ = false;
  std::vector<destination const*> running_;
  std::size_t files_ended_ = 0;
  std::size_t files_whole_ = 0;
  std::string name_;                  // of the last one that was
  std::uint64_t ended_ = 0;           // bytes of the files that have ended
  std::uint64_t ended_received_ = 0;  // without those that were there before
  double speed_ = 0;                  // bytes a second, of the last few seconds
  std::uint64_t measured_bytes_ = 0;
  clock::time_point started_ = clock::now();
  clock::time_point measured_ = started_;
};

}  // namespace https_get
