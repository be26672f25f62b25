// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "campaign.hpp"

#include <openssl/crypto.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "heap.hpp"
#include "known.hpp"
#include "support/openssl_version.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace tls_async::test::torture {
namespace {

// So many points have one child, and so many seconds each of them, which is for a hang only.
constexpr std::uint64_t batch = 64;
constexpr unsigned most_seconds = 60;

// In a thread of its own: what the library and OpenSSL keep for a thread is empty at its beginning,
// and freed at its end.
outcome run_alone(script const& given, failure_plan const& plan) {
  outcome found;
  trap::set(plan);
  std::thread([&] {
    heap::look();
    found = given.run();
  }).join();
  std::set<std::string> leaks;
  for (auto const& each : heap::live())
    leaks.insert(each.is_openssls ? "a leak of OpenSSL's: " + each.where : "a leak of ours");
  for (auto const& each : leaks)
    found.complain(each);
  return found;
}

// std::terminate says why.
void note_and_abort() {
  auto& what = trap::last().what;
  std::snprintf(what.data(), what.size(), "terminate%s", trap::doing);
  if (auto const thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (std::exception const& e) {
      std::snprintf(what.data(), what.size(), "terminate%s: %s", trap::doing, e.what());
    } catch (...) {
    }
  }
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

// The child's part: a line for each point that begins, one for each complaint, one at its end.
void run_batch(int out, script const& given, failure_plan plan, std::uint64_t from,
               std::uint64_t end, std::uint64_t every) {
  std::set_terminate(&note_and_abort);
  auto const tell = [out](std::string const& line) {
    if (write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(2);
  };
  bool has_leak = false;
  for (plan.at = from; plan.at < end; plan.at += every) {
    alarm(most_seconds);
    tell("begin " + std::to_string(plan.at) + "\n");
    auto const found = run_alone(given, plan);
    tell("where " + std::string(trap::last().where.data()) + "\n");
    std::istringstream lines{std::string(found.text())};
    for (std::string line; std::getline(lines, line);) {
      has_leak = has_leak || line.starts_with("a leak");
      tell("complaint " + line + "\n");
    }
    tell(std::string("end ") +
         (!trap::has_sprung() ? "untouched"
          : found.is_complete ? "tolerated"
                              : "failed") +
         "\n");
  }
#ifdef __SANITIZE_ADDRESS__
  // It would find those again that are told already.
  if (!has_leak && __lsan_do_recoverable_leak_check() != 0)
    tell("complaint LeakSanitizer has found a leak in this batch\n");
#endif
}

}  // namespace

sums& sums::operator+=(sums const& other) {
  points += other.points;
  failed += other.failed;
  tolerated += other.tolerated;
  untouched += other.untouched;
  left_out += other.left_out;
  known += other.known;
  complaints += other.complaints;
  return *this;
}

bool campaign::run(script const& given, kind what) {
  given.prepare();
  // What OpenSSL and others keep for ever, they make now.
  for (int i = 0; i != 2; ++i)
    (void)run_alone(given, {});
  auto const clean = run_alone(given, {});
  if (clean.length != 0 || !clean.is_complete) {
    std::cout << given.name << " does not come to its end where nothing fails\n"
              << clean.text() << std::flush;
    return false;
  }
  auto const points = trap::calls(what);
  std::vector<manner> manners{manner::plain};
  if (what == kind::openssl_call) manners.push_back(manner::silent);
  if (what == kind::next_layer) manners = {manner::reset, manner::end, manner::zero, manner::brief};
  for (auto const how : manners) {
    run_all(given, {what, how, 0, false}, points);
    run_all(given, {what, how, 0, true}, points);
  }
  return true;
}

void campaign::run_all(script const& given, failure_plan plan, std::uint64_t points) {
  sums sum;
  findings found;
  for (std::uint64_t from = 0; from < points;)
    from = run_some(given, plan, from, points, sum, found);
  if (!given.is_control) sums_[static_cast<std::size_t>(plan.what)] += sum;
  std::cout << given.name << ' ' << kind_names[static_cast<std::size_t>(plan.what)] << ' '
            << manner_names[static_cast<std::size_t>(plan.how)]
            << (plan.all_later ? " and all later" : "") << ": " << sum.points << " points, "
            << sum.failed << " failed as told, " << sum.tolerated << " tolerated, " << sum.untouched
            << " untouched, " << sum.left_out << " left out, " << sum.known << " known, "
            << sum.complaints << " complaints\n";
  for (auto const& [text, each] : found) {
    std::cout << "    " << each.times << " times, first at point " << each.first_point << " ("
              << each.where << "): " << text << '\n';
  }
  std::cout << std::flush;
}

// One child. Returns the point that is next.
std::uint64_t campaign::run_some(script const& given, failure_plan plan, std::uint64_t from,
                                 std::uint64_t points, sums& sum, findings& found) {
  // The control is cheap, and says what is left out.
  auto const every = given.is_control ? (options_.every + 2) / 3 : options_.every;
  auto const end = std::min(points, from + batch * every);
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  auto const child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    close(ends[0]);
    run_batch(ends[1], given, plan, from, end, every);
    _exit(0);
  }
  close(ends[1]);
  std::string all;
  for (char piece[4'096];;) {
    auto const n = read(ends[0], piece, sizeof piece);
    if (n <= 0) break;
    all.append(piece, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);

  std::uint64_t point = from;
  verdict worst = verdict::left_out;
  bool has_complaint = false;
  std::string where;
  auto const note = [&](std::string const& text) {
    has_complaint = true;
    auto const judged = given.is_control ? verdict::left_out : judge(given, plan, text, where);
    worst = std::min(worst, judged);
    if (given.is_control && text.starts_with("a leak of OpenSSL's")) openssl_leaks_.insert(text);
    if (given.is_control && text.starts_with("a crash")) openssl_crashes_.insert(where);
    std::string const shown = judged == verdict::complaint ? text
                              : judged == verdict::known   ? "known: " + text
                                                           : "OpenSSL's own: " + text;
    auto& each = found[shown];
    if (each.times++ == 0) {
      each.first_point = point;
      each.where = where;
    }
  };
  auto const close_point = [&] {
    if (has_complaint) {
      auto& count = worst == verdict::complaint ? sum.complaints
                    : worst == verdict::known   ? sum.known
                                                : sum.left_out;
      ++count;
    }
    has_complaint = false;
    worst = verdict::left_out;
  };
  std::istringstream lines{all};
  for (std::string word; lines >> word;) {
    std::string rest;
    std::getline(lines, rest);
    if (!rest.empty()) rest.erase(0, 1);
    if (word == "begin") {
      point = std::stoull(rest);
      where.clear();
      ++sum.points;
    } else if (word == "where") {
      where = rest;
    } else if (word == "complaint") {
      note(rest);
    } else {
      auto& count = rest == "failed"      ? sum.failed
                    : rest == "tolerated" ? sum.tolerated
                                          : sum.untouched;
      if (!has_complaint) ++count;
      close_point();
    }
  }
  if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0) {
    auto const& last = trap::last();
    std::string text = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "a hang" : "a crash";
    if (last.what[0] != '\0') text += std::string(", ") + last.what.data();
    where = last.where.data();
    note(text);
    close_point();
    return point + every;
  }
  if (has_complaint) close_point();
  return from + batch * every;
}

campaign::verdict campaign::judge(script const& given, failure_plan const& plan,
                                  std::string const& complaint, std::string const& where) const {
  if (plan.what == kind::openssl_memory) {
    if (openssl_leaks_.contains(complaint)) return verdict::left_out;
    // Where no memory is to be had any more. From 3.2 on SSL_set_connect_state leaves a session
    // without a record layer then, and SSL_set0_rbio, which the control calls before, crashes.
    bool const crashes_by_itself =
        openssl_crashes_.contains(where) || (plan.all_later && since_openssl_32());
    if (complaint.starts_with("a crash") && crashes_by_itself) return verdict::left_out;
  }
  bool const is_known = std::ranges::any_of(known_faults, [&](known_fault const& each) {
    return each.what == plan.what && (!each.needs_openssl_32 || since_openssl_32()) &&
           (!each.needs_all_later || plan.all_later) &&
           (each.script.empty() || each.script == given.name) &&
           complaint.find(each.complaint) != std::string::npos;
  });
  return is_known && !options_.judges_known ? verdict::known : verdict::complaint;
}

void campaign::tell_sums() const {
  for (std::size_t i = 0; i != kinds; ++i) {
    auto const& sum = sums_[i];
    if (sum.points == 0) continue;
    std::cout << "all of " << kind_names[i] << ": " << sum.points << " points, " << sum.failed
              << " failed as told, " << sum.tolerated << " tolerated, " << sum.untouched
              << " untouched, " << sum.left_out << " left out since OpenSSL alone does the same, "
              << sum.known << " of known faults, " << sum.complaints << " complaints\n";
  }
}

bool campaign::has_complaints() const {
  return std::ranges::any_of(sums_, [](sums const& each) { return each.complaints != 0; });
}

bool campaign::replay(script const& given, failure_plan const& plan) {
  given.prepare();
  for (int i = 0; i != 3; ++i)
    (void)run_alone(given, {});
  trap::tells = true;
  auto const found = run_alone(given, plan);
  std::cout << (trap::has_sprung() ? "failed: " : "nothing failed: ") << trap::last().where.data()
            << (found.is_complete ? "\nall was done\n" : "\n") << found.text();
  return found.length == 0;
}

}  // namespace tls_async::test::torture
