// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The log of a server, by spdlog: one line for each thing that was served and one for each event,
// as text or JSON, whole lines only, from any thread. What a peer sent is escaped, so that none can
// write lines of its own.
#pragma once

#include "rate_limit.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace serving {

enum class log_format { text, json };

enum class log_level {
  error,
  warning,  // somebody should know
  info,     // what was served
  debug     // what strangers do: handshakes that fail, health checks
};
// Of debug, and of the warnings about peers, there are at most 100 lines at once and one a second
// in the long run: peers bring them about, and could fill the log. The next line says how many were
// left out. Nothing else is limited, so that no peer can hide what the operator should know.

struct log_options {
  std::optional<std::filesystem::path> file;  // none: standard error
  log_format format = log_format::text;
  log_level level = log_level::debug;
  bool quiet = false;  // nothing of what was served, or of strangers
};

// Appends `value`, which anybody may have chosen, as ASCII: what is no printable character of it is
// \xNN, and with `escaping` backslashes are too. For JSON it is in quotation marks, which are
// escaped in it, as labels of Prometheus are.
void append_value(std::string& line, std::string_view value, log_format format, bool escaping);

// A line that is being made of values with names. As text it has the values only.
class log_line {
public:
  // Appends to `line`, whose memory is used again for the next.
  log_line(log_format format, std::string& line) : line_(line), format_(format) {}

  // A value that is one word already.
  void word(std::string_view name, std::string_view value);
  // What a peer sent, its first 1 024 bytes: backslashes and all but printable ASCII become \xNN.
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  void seconds(std::string_view name, std::chrono::microseconds value);
  // Behind `before`, where the line is text.
  void sentence(std::string_view name, std::string_view before, std::string_view value);

private:
  void begin(std::string_view name);

  std::string& line_;
  log_format format_;
};

class server_log {
public:
  // From here on SIGPIPE does nothing: standard error may be a pipe that nobody reads any more.
  // Throws std::runtime_error, saying what to do, if the file can't be written.
  explicit server_log(log_options const& chosen);
  // Says what was left out last.
  ~server_log();

  // `describe(line, record)`, found beside the record's type, says what happened.
  template <class Record>
  void access(Record const& record, log_level level = log_level::info) {
    if (options_.quiet || !admits(level)) return;
    auto& line = empty_line();
    log_line parts{options_.format, line};
    describe(parts, record);
    write(level, line);
  }
  void event(log_level level, std::string_view who, std::string_view what);

  // Unless `complaint` is empty.
  void warn(std::string_view complaint) {
    if (!complaint.empty()) event(log_level::warning, "warning", complaint);
  }

  // About a peer, so these are limited.
  void warn_about_peer(std::string_view peer, std::string_view what);

  // Opens the file again by its name, since the one that is open may have been renamed. No line is
  // lost. If that fails, the one that is open stays in use, and is told.
  void reopen();

private:
  class sink;

  static std::string& empty_line();
  bool admits(log_level level);
  // Whether one more line may be written; if so, first tells what was left out.
  bool passes(rate_limit& limit, log_level level);
  void tell_left_out(log_level level, std::uint64_t lines);
  void write(log_level level, std::string_view line);

  log_options const options_;
  std::shared_ptr<sink> sink_;
  std::unique_ptr<spdlog::logger> logger_;
  std::mutex mutex_;
  rate_limit peer_warnings_{100, std::chrono::seconds(1)};
  rate_limit strangers_{100, std::chrono::seconds(1)};
};

}  // namespace serving
