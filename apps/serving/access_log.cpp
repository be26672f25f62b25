// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The lines of the log: the time, the escaping, the lock.
#include "access_log.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace serving {
namespace {

// "2030-01-31T12:00:00.123Z"
std::string timestamp(std::chrono::system_clock::time_point now) {
  auto const seconds = std::chrono::system_clock::to_time_t(now);
  auto const since_epoch =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char date[32];
  auto const length = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(since_epoch.count() % 1000));
  return std::string(date, length) + fraction;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      result += c;
    } else {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02X", static_cast<unsigned>(byte));
      result += code;
    }
  }
  return result;
}

void access_log::incident(std::string_view who, std::string_view what) {
  write(std::string(who) + ": " + escaped(what));
}

void access_log::write(std::string_view text) {
  auto const now = timestamp(std::chrono::system_clock::now());
  std::lock_guard const lock{mutex_};
  out_ << now << ' ' << text << '\n';
  out_.flush();
}

}  // namespace serving
