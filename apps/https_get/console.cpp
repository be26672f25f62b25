// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "console.hpp"

#include "destination.hpp"
#include "interruption.hpp"
#include "printable.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace https_get {
namespace {

constexpr std::size_t longest_line = 1000;
constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
constexpr double speed_seconds = 3;  // what is longer ago counts for less than 1/e

template <class... Values>
std::string formatted(char const* format, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// In the unit that suits `scale`, but without its name.
std::string in_unit_of(double scale, double bytes, char const** name = nullptr) {
  static constexpr char const* names[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  for (; scale >= 1024 && unit + 1 < std::size(names); ++unit, scale /= 1024)
    bytes /= 1024;
  if (name) *name = names[unit];
  return formatted(unit == 0 ? "%.0f" : "%.1f", bytes);
}

std::string in_units(double bytes) {
  char const* name = nullptr;
  auto const number = in_unit_of(bytes, bytes, &name);
  return number + name;
}

std::string in_time(double seconds) {
  auto const whole = static_cast<unsigned long>(std::ceil(seconds));
  if (whole < 3600) return formatted("%lu:%02lu", whole / 60, whole % 60);
  return formatted("%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
}

// One less than there are: the cursor stays on the line.
std::size_t columns_of_terminal() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
}

// Standard error. A terminal that has room for a part of a line would block, so it is opened again,
// where that is possible.
int errors() {
  static int const opened =
      ::isatty(STDERR_FILENO) == 0
          ? -1
          : ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  return opened == -1 ? STDERR_FILENO : opened;
}

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void console::say(std::vector<std::string> const& lines) {
  clear();
  std::string text;
  for (auto const& each : lines)
    text += printable(each, longest_line) + '\n';
  write(text);
}

void console::complain(std::string const& what, std::vector<std::string> const& advice) {
  if (silent_) return;
  say({"https_get: " + what});
  for (auto const& each : advice)
    write("  " + printable(each, no_limit) + '\n');
}

void console::end(destination const& file) {
  std::erase(running_, &file);
  ended_ += file.size();
  ended_received_ += file.received();
  if (!file.is_whole()) return;
  ++files_whole_;
  name_ = file.name();
}

void console::draw() {
  if (running_.empty()) return;
  auto const text = line(columns_of_terminal());
  write("\r" + text + "\x1b[K");
  is_drawn_ = true;
}

std::string console::line(std::size_t columns) {
  auto there = ended_;
  auto received = ended_received_;
  auto expected = ended_;
  bool is_known = running_.size() + files_ended_ == files_;  // how much there is in all
  for (auto const* each : running_) {
    there += each->size();
    received += each->received();
    expected += each->total().value_or(0);
    is_known = is_known && each->total();
  }
  auto const now = clock::now();
  auto const time = std::max(seconds(now - measured_), 1e-3);
  auto const speed = static_cast<double>(received - measured_bytes_) / time;
  speed_ += (speed - speed_) * (speed_ > 0 ? 1 - std::exp(-time / speed_seconds) : 1);
  measured_ = now;
  measured_bytes_ = received;

  // As wide as they may become, so that nothing moves.
  auto const padded = [](std::string text, std::size_t width) {
    return "  " + std::string(width - std::min(width, text.size()), ' ') + std::move(text);
  };
  auto const bytes = static_cast<double>(there);
  auto const all = static_cast<double>(expected);
  double part = 0;
  std::string numbers = "  " + in_units(bytes);
  if (is_known && expected > 0) {
    part = std::min(1.0, bytes / all);
    numbers = formatted("  %3.0f%%", std::floor(part * 100)) +
              padded(in_unit_of(all, bytes), in_unit_of(all, all).size()) + " of " + in_units(all);
  }
  numbers += padded(in_units(speed_) + "/s", 11);
  constexpr double too_long = 360'000;  // 100 hours: it stands still
  auto const left = std::max(0.0, all - bytes);
  if (part > 0 && left < speed_ * too_long) numbers += padded(in_time(left / speed_), 5) + " left";
  if (numbers.size() > columns) return numbers.substr(2, columns);

  std::string name = running_.front()->name();
  if (files_ > 1)
    name = std::to_string(files_ended_) + '/' + std::to_string(files_) + ' ' + std::move(name);
  // The bar has what the name leaves, but at least a third.
  constexpr std::size_t narrowest = 8, widest = 30;
  auto room = columns - numbers.size();
  auto const left_by_name = room - std::min(room, name.size() + 4);
  auto const bar = std::min(widest, std::max(room / 3, left_by_name));
  std::string drawn;
  if (part > 0 && bar >= narrowest) {
    auto const full = static_cast<std::size_t>(part * static_cast<double>(bar));
    drawn = "  [" + std::string(full, '#') + std::string(bar - full, '.') + ']';
    room -= drawn.size();
  }
  return printable(name, room) + drawn + numbers;
}

void console::finish() {
  clear();
  if (!has_bar_ || files_whole_ == 0) return;
  auto const time = seconds(clock::now() - started_);
  auto const received = static_cast<double>(ended_received_);
  say({(files_ == 1 ? name_
                    : std::to_string(files_whole_) + " of " + std::to_string(files_) + " files") +
       "  " + in_units(received) + " in " + formatted("%.1f s", time) + ", " +
       in_units(received / std::max(time, 1e-3)) + "/s"});
}

// Nobody may be reading it: only if it has no room can a signal come between.
void console::write(std::string_view text) {
  while (!text.empty()) {
    auto const part = text.substr(0, PIPE_BUF);  // as much as a writable pipe has room for
    pollfd room{errors(), POLLOUT, 0};
    ::ssize_t count = 0;
    if (::poll(&room, 1, 0) > 0) count = ::write(room.fd, part.data(), part.size());
    if (count == 0 || (count < 0 && errno == EAGAIN)) {
      freed_interruptions const free;
      count = ::write(STDERR_FILENO, part.data(), part.size());
    }
    if (count < 0 && errno != EINTR) return;
    text.remove_prefix(static_cast<std::size_t>(std::max<::ssize_t>(count, 0)));
  }
}

void console::clear() {
  if (is_drawn_) write("\r\x1b[K");
  is_drawn_ = false;
}

}  // namespace https_get
