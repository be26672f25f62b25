// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/report.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <ostream>
#include <tuple>
#include <utility>

#include "session.hpp"

namespace tls_async::test {

std::string_view describe(rule which) {
  constexpr std::array<std::string_view, 15> words{"never completes",
                                                   "completes twice, or inside the call",
                                                   "succeeds without any bytes",
                                                   "succeeds without a finished handshake",
                                                   "succeeds with a peer that is not to be trusted",
                                                   "gives what was not said",
                                                   "misses bytes that had come",
                                                   "reports an end that the peer has not declared",
                                                   "fails and has taken something",
                                                   "reports bytes that have not left",
                                                   "has sent other bytes than it was given",
                                                   "has sent more than it reports",
                                                   "succeeds after the session has failed",
                                                   "succeeds without close_notify",
                                                   "throws"};
  return words.at(static_cast<std::size_t>(which));
}

std::string describe(case_result const& shown) {
  if (!shown.broken) return shown.did;
  return shown.did + (shown.did.empty() ? "" : "; then ") + std::string(name_of(shown.broken->by)) +
         " " + std::string(describe(shown.broken->which));
}

std::size_t report::broken() const {
  return static_cast<std::size_t>(std::count_if(
      entries.begin(), entries.end(), [](entry const& one) { return one.result.broken; }));
}

std::ostream& operator<<(std::ostream& out, report const& shown) {
  auto const reached = std::count_if(shown.entries.begin(), shown.entries.end(),
                                     [](auto const& one) { return one.result.reached; });
  out << shown.stream << ": " << shown.entries.size() << " cases, " << reached
      << " came to their point, " << shown.broken() << " broke a rule\n";
  using key = std::tuple<std::string, std::string, std::string>;
  std::map<key, std::pair<std::size_t, report::entry const*>> seen;
  for (auto const& one : shown.entries) {
    if (!one.result.broken) continue;
    auto& [count, first] = seen[{one.of->kind, one.of->what, describe(one.result)}];
    if (count++ == 0) first = &one;
  }
  for (auto const& [of, found] : seen) {
    auto const& [kind, what, did] = of;
    auto const& [count, first] = found;
    out << "  " << kind << ": " << what << ": " << did << ", " << count
        << " times; first: " << first->of->where;
    if (!first->result.error.empty()) out << " (" << first->result.error << ")";
    out << '\n';
  }
  return out;
}

case_result run_case(fault_case const& which, subject_factory const& make) {
  return session(which, make).run();
}

report run_cases(std::vector<fault_case> const& cases, std::string stream,
                 subject_factory const& make) {
  report made{std::move(stream), {}};
  for (fault_case const& one : cases)
    made.entries.push_back({&one, run_case(one, make)});
  return made;
}

}  // namespace tls_async::test
