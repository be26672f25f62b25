// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The escaping, and a sink that writes each line by one call. spdlog's own file sinks keep lines in
// a buffer, which a full disk leaves half written, and don't open their file again.
#include "server_log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace serving {
namespace {

// Not blocking: a pipe that nobody reads must not hold up the server.
constexpr int appending = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

spdlog::level::level_enum level_of(log_level level) {
  switch (level) {
    case log_level::error:
      return spdlog::level::err;
    case log_level::warning:
      return spdlog::level::warn;
    case log_level::info:
      return spdlog::level::info;
    case log_level::debug:
      break;
  }
  return spdlog::level::debug;
}

char const* name_of(log_level level) { return level == log_level::debug ? "debug" : "warning"; }

char const* pattern_of(log_format format) {
  return format == log_format::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                    : "%Y-%m-%dT%H:%M:%S.%eZ %v";
}

void put_event(log_line& line, std::string_view who, std::string_view what) {
  line.word("from", who);
  line.sentence("message", ": ", what);
}

}  // namespace

void append_value(std::string& line, std::string_view value, log_format format, bool escaping) {
  bool const is_json = format == log_format::json;
  if (is_json) line += '"';
  for (char const c : value) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || (escaping && c == '\\')) {
      constexpr char digits[] = "0123456789ABCDEF";
      line += is_json ? "\\\\x" : "\\x";
      line += digits[byte / 16];
      line += digits[byte % 16];
    } else {
      if (is_json && (c == '"' || c == '\\')) line += '\\';
      line += c;
    }
  }
  if (is_json) line += '"';
}

void log_line::begin(std::string_view name) {
  if (!line_.empty()) line_ += format_ == log_format::json ? ',' : ' ';
  if (format_ == log_format::json) ((line_ += '"') += name) += "\":";
}

void log_line::word(std::string_view name, std::string_view value) {
  begin(name);
  append_value(line_, value, format_, false);
}

void log_line::text(std::string_view name, std::string_view value) {
  begin(name);
  constexpr std::size_t most = 1024;
  if (value.size() > most)
    return append_value(line_, std::string(value.substr(0, most)) + "...", format_, true);
  append_value(line_, value.empty() ? "-" : value, format_, true);
}

void log_line::number(std::string_view name, std::uint64_t value) {
  begin(name);
  char digits[24];
  line_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void log_line::seconds(std::string_view name, std::chrono::microseconds value) {
  begin(name);
  char digits[32];
  std::snprintf(digits, sizeof digits, "%lld.%06lld",
                static_cast<long long>(value.count() / 1'000'000),
                static_cast<long long>(value.count() % 1'000'000));
  line_ += digits;
  if (format_ == log_format::text) line_ += 's';
}

void log_line::sentence(std::string_view name, std::string_view before, std::string_view value) {
  if (format_ == log_format::json)
    begin(name);
  else
    line_ += before;
  append_value(line_, value, format_, true);
}

class server_log::sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit sink(std::optional<std::filesystem::path> const& file) : file_(file) {
    if (file_) descriptor_ = ::open(file_->c_str(), appending, 0640);
    if (descriptor_ < 0)
      throw std::runtime_error("cannot write the log \"" + file_->string() +
                               "\": " + std::generic_category().message(errno) +
                               "; give --log-file a file that this user can write");
  }
  ~sink() override {
    if (file_) ::close(descriptor_);
  }

  // 0, or why it failed (errno).
  int reopen() {
    if (!file_) return 0;
    int opened = ::open(file_->c_str(), appending, 0640);
    if (opened < 0) return errno;
    std::lock_guard const lock{mutex_};
    std::swap(opened, descriptor_);
    ::close(opened);
    return 0;
  }

  void tell_losses_as(log_format format) { format_ = format; }

private:
  void sink_it_(spdlog::details::log_msg const& message) override {
    if (lost_ != 0 && !put(losses())) {
      ++lost_;
      return;
    }
    lost_ = 0;
    if (!put(message)) lost_ = 1;
  }

  spdlog::details::log_msg losses() {
    losses_.clear();
    log_line line{format_, losses_};
    put_event(line, "log",
              std::to_string(lost_) + " lines were lost: " + std::generic_category().message(why_));
    return {"", spdlog::level::err, losses_};
  }

  // False if the whole line could not be written. The rest of a part is never written, so that a
  // line begins where it should.
  bool put(spdlog::details::log_msg const& message) {
    spdlog::memory_buf_t line;
    if (is_torn_) line.push_back('\n');
    formatter_->format(message, line);
    for (std::size_t done = 0; done < line.size();) {
      auto const count = ::write(descriptor_, line.data() + done, line.size() - done);
      if (count >= 0) {
        done += static_cast<std::size_t>(count);
      } else if (errno != EINTR) {
        why_ = errno;
        is_torn_ = is_torn_ || done > 0;
        return false;
      }
    }
    is_torn_ = false;
    return true;
  }

  void flush_() override {}

  std::optional<std::filesystem::path> const file_;
  int descriptor_ = STDERR_FILENO;
  log_format format_ = log_format::text;
  std::uint64_t lost_ = 0;  // lines, since the last that was written
  int why_ = 0;
  bool is_torn_ = false;  // a part of a line is in the file
  std::string losses_;
};

server_log::server_log(log_options const& chosen)
    : options_(chosen),
      sink_(std::make_shared<sink>(chosen.file)),
      logger_(std::make_unique<spdlog::logger>("", sink_)) {
  std::signal(SIGPIPE, SIG_IGN);
  sink_->tell_losses_as(chosen.format);
  logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      pattern_of(chosen.format), spdlog::pattern_time_type::utc));
  logger_->set_level(level_of(chosen.level));
}

server_log::~server_log() {
  tell_left_out(log_level::warning, peer_warnings_.take_refused());
  tell_left_out(log_level::debug, strangers_.take_refused());
}

// Each thread has one, for the lines it makes one after the other.
std::string& server_log::empty_line() {
  thread_local std::string line;
  line.clear();
  return line;
}

bool server_log::admits(log_level level) {
  if (!logger_->should_log(level_of(level))) return false;
  if (level != log_level::debug) return true;
  return !options_.quiet && passes(strangers_, level);
}

bool server_log::passes(rate_limit& limit, log_level level) {
  std::uint64_t left_out = 0;
  {
    std::lock_guard const lock{mutex_};
    if (!limit.admits(rate_limit::clock::now())) return false;
    left_out = limit.take_refused();
  }
  tell_left_out(level, left_out);
  return true;
}

void server_log::tell_left_out(log_level level, std::uint64_t lines) {
  if (lines == 0) return;
  auto& line = empty_line();
  log_line parts{options_.format, line};
  put_event(parts, "log",
            std::to_string(lines) + " lines of level " + name_of(level) + " were left out");
  write(level, line);
}

void server_log::event(log_level level, std::string_view who, std::string_view what) {
  if (!admits(level)) return;
  auto& line = empty_line();
  log_line parts{options_.format, line};
  put_event(parts, who, what);
  write(level, line);
}

void server_log::warn_about_peer(std::string_view peer, std::string_view what) {
  constexpr auto level = log_level::warning;
  if (logger_->should_log(level_of(level)) && passes(peer_warnings_, level))
    event(level, peer, what);
}

void server_log::write(log_level level, std::string_view line) {
  logger_->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
}

void server_log::reopen() {
  if (int const error = sink_->reopen(); error != 0)
    event(log_level::error, "log",
          "cannot open \"" + options_.file->string() + "\" again: " +
              std::generic_category().message(error) + "; the file that is open stays in use");
}

}  // namespace serving
