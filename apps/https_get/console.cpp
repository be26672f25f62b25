// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "console.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace https_get {
namespace {

constexpr std::size_t bar_width = 24;
constexpr auto redraw = std::chrono::milliseconds(100);
constexpr char clear_line[] = "\r\x1b[K";

std::string in_units(double bytes) {
  static constexpr char const* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(units); ++unit)
    bytes /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

// Control characters but the newline: C0, DEL, and C1, which is a byte of its own to some terminals
// and C2 80 to C2 9F to those that read UTF-8. Other characters of UTF-8 are left alone.
void replace_commands(std::string& text) {
  unsigned before = 0;
  int following = 0;  // bytes that the character still has
  for (char& c : text) {
    auto const byte = static_cast<unsigned char>(c);
    bool is_command = false;
    if (following > 0 && byte >= 0x80 && byte < 0xc0) {
      --following;
      is_command = before == 0xc2 && byte < 0xa0;
    } else {
      following = byte < 0xc2 || byte > 0xf4 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      is_command = (byte < 0x20 && c != '\n') || (byte >= 0x7f && byte < 0xc0);
    }
    if (is_command) c = '?';
    before = byte;
  }
}

}  // namespace

void console::say(std::string text) {
  replace_commands(text);
  std::cerr << (has_bar_ ? clear_line : "") << text << '\n' << std::flush;
  if (has_bar_) draw();
}

void console::expect(std::optional<std::uint64_t> bytes) {
  expected_ += bytes.value_or(0);
  all_lengths_known_ = all_lengths_known_ && bytes;
}

void console::receive(std::uint64_t bytes) {
  received_ += bytes;
  if (has_bar_ && clock::now() - drawn_ >= redraw) draw();
}

void console::end_file() {
  ++files_ended_;
  if (has_bar_) draw();
}

void console::finish() {
  if (!has_bar_) return;
  draw();
  std::cerr << '\n' << std::flush;
}

void console::draw() {
  drawn_ = clock::now();
  auto const seconds = std::max(std::chrono::duration<double>(drawn_ - started_).count(), 1e-3);
  auto const received = static_cast<double>(received_);
  std::string line;
  if (all_lengths_known_ && expected_ > 0) {
    auto const part = std::min(1.0, received / static_cast<double>(expected_));
    auto const full = static_cast<std::size_t>(part * bar_width);
    line = '[' + std::string(full, '#') + std::string(bar_width - full, '.') + "] " +
           std::to_string(static_cast<int>(part * 100)) + "%  ";
  }
  line += in_units(received) + "  " + in_units(received / seconds) + "/s";
  if (files_ > 1)
    line += "  " + std::to_string(files_ended_) + " of " + std::to_string(files_) + " files";
  std::cerr << clear_line << line << std::flush;
}

}  // namespace https_get
