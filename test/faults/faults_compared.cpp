// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Runs all cases of the fault suite on Asio's stream and on ours, and prints
// docs/faults-compared.md.
//
//   faults_compared                the page
//   faults_compared --check PAGE   is PAGE what a run gives? 77: it is of other versions, not
//   compared
//
// Ours breaking a rule is a failure in any case.
#include <boost/version.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <openssl/crypto.h>

#include <tls_async_test/report.hpp>

#include "compared.hpp"

namespace {

using namespace tls_async::test;

constexpr char head[] = R"(# Faults compared

What `boost::asio::ssl::stream` and `tls_async::stream` do when something goes wrong: the same sessions with each, in
which a peer, or the next layer, does one thing that it should not, or a verb is cancelled. This page is made by a run:

```sh
./dev faults     # runs all cases on both streams, and writes this page; one minute
```

The cases are those of [the fault suite](guide/test-your-stream.md), which runs on any stream of this kind. Each stream
is used through the members that both have (`async_handshake`, `async_read_some`, `async_write_some`,
`async_shutdown`), one verb at a time, with the same `boost::asio::ssl::context`, whose peer has to show a certificate
and, as a server, be the host. It negotiates, writes and reads to the end, and shuts down; a verb that was cancelled is
used again, and after a failure all are tried once more.
)";

constexpr char tail[] = R"(
## What this does not say

- *session* is a failure behind the handshake, in whichever verb it shows: our stream reads several records at once,
  so what is behind the first one may show in the next write.
- Most of the rules that are broken here are broken when a stream is used on after a failure or a cancellation. Asio
  does not promise otherwise: after a cancellation of type `terminal` "the only safe operations on the I/O object are
  closure or destruction", and what a verb gives after an error is nowhere said. A program that looks at the first error
  and closes meets none of them.
- A next layer that reports success and zero bytes breaks Asio's requirements for it. Asio's stream reads again, and
  takes what was to be written for written; ours takes either for the end, which costs a session that could have gone
  on.
- Our limits for KeyUpdates, tickets and renegotiations end sessions that Asio's stream goes on with: 1 000 of them
  without plaintext between them are no attack in themselves. The limits are options of the stream.
- What is behind the peer's close_notify is to be ignored (RFC 8446 section 6.1). Where it has come together with that,
  Asio's stream reports `stream_truncated`: safe, but a whole session looks like a cut one.
- Blocking members, several verbs at once, deadlines and threads are not in these cases.
)";

std::string versions() {
  return "Boost " + std::to_string(BOOST_VERSION / 100'000) + "." +
         std::to_string(BOOST_VERSION / 100 % 1'000) + " and OpenSSL " +
         std::to_string(OPENSSL_version_major()) + "." + std::to_string(OPENSSL_version_minor());
}

struct row {
  std::size_t cases = 0;
  std::map<std::string, std::size_t> whats;
};

struct of_kind {
  std::size_t cases = 0, same = 0, of_asio = 0, of_ours = 0, not_reached = 0;
  std::map<std::pair<std::string, std::string>, row> differences;
};

std::string cell(case_result const& of) {
  if (!of.broken) return of.did;
  return of.did + (of.did.empty() ? "**" : "; then **") + std::string(name_of(of.broken->by)) +
         " " + std::string(describe(of.broken->which)) + "**";
}

// The most frequent ones.
std::string names(std::map<std::string, std::size_t> const& whats) {
  std::vector<std::pair<std::string, std::size_t>> sorted(whats.begin(), whats.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](auto const& a, auto const& b) { return a.second > b.second; });
  constexpr std::size_t most = 6;
  std::string text;
  for (std::size_t i = 0; i != std::min(most, sorted.size()); ++i) {
    text += (i == 0 ? "" : ", ") + sorted[i].first;
    if (sorted.size() > 1) text += " (" + std::to_string(sorted[i].second) + ")";
  }
  if (sorted.size() > most) text += ", and " + std::to_string(sorted.size() - most) + " others";
  return text;
}

std::map<std::string, of_kind> compare(report const& asio, report const& ours) {
  std::map<std::string, of_kind> found;
  for (std::size_t i = 0; i != asio.entries.size(); ++i) {
    auto const& theirs = asio.entries[i].result;
    auto const& its = ours.entries[i].result;
    auto const& of = *asio.entries[i].of;
    auto& kind = found[of.kind];
    if (!theirs.reached || !its.reached) {
      ++kind.not_reached;
      continue;
    }
    ++kind.cases;
    kind.of_asio += theirs.broken ? 1U : 0U;
    kind.of_ours += its.broken ? 1U : 0U;
    std::pair const cells(cell(theirs), cell(its));
    if (cells.first == cells.second && !theirs.broken) {
      ++kind.same;
      continue;
    }
    auto& difference = kind.differences[cells];
    ++difference.cases;
    ++difference.whats[of.what];
  }
  return found;
}

void print_numbers(std::ostream& out, std::map<std::string, of_kind> const& found) {
  out << "\n## In numbers\n\n"
         "A case counts if both streams came to the point at which something goes wrong.\n\n"
         "| | cases | both the same, and right | not the same | `boost::asio::ssl::stream` breaks "
         "a rule | "
         "`tls_async::stream` breaks a rule |\n|---|---|---|---|---|---|\n";
  of_kind all;
  for (auto const& [name, kind] : found) {
    out << "| " << name << " | " << kind.cases << " | " << kind.same << " | "
        << kind.cases - kind.same << " | " << kind.of_asio << " | " << kind.of_ours << " |\n";
    all.cases += kind.cases;
    all.same += kind.same;
    all.of_asio += kind.of_asio;
    all.of_ours += kind.of_ours;
    all.not_reached += kind.not_reached;
  }
  out << "| all | " << all.cases << " | " << all.same << " | " << all.cases - all.same << " | "
      << all.of_asio << " | " << all.of_ours << " |\n\n"
      << all.not_reached
      << " further cases came to their point with one stream only, or with none.\n\n"
      << "A rule is broken where a verb, whatever has happened to its stream,\n\n";
  for (int i = 0; i <= static_cast<int>(rule::throws_nothing); ++i)
    out << "- " << describe(static_cast<rule>(i)) << (i == 14 ? ".\n" : ",\n");
}

void print_differences(std::ostream& out, std::map<std::string, of_kind> const& found) {
  for (auto const& [name, kind] : found) {
    if (kind.differences.empty()) continue;
    out << "\n## " << name << "\n\n"
        << "| `boost::asio::ssl::stream` | `tls_async::stream` | cases | what "
           "|\n|---|---|---|---|\n";
    std::vector<std::pair<std::pair<std::string, std::string>, row>> rows(kind.differences.begin(),
                                                                          kind.differences.end());
    std::stable_sort(rows.begin(), rows.end(),
                     [](auto const& a, auto const& b) { return a.second.cases > b.second.cases; });
    for (auto const& [cells, difference] : rows) {
      out << "| " << cells.first << " | " << cells.second << " | " << difference.cases << " | "
          << names(difference.whats) << " |\n";
    }
  }
}

std::string page(report const& asio, report const& ours) {
  std::ostringstream out;
  out << head << "\n"
      << versions() << "; an in-memory next layer, TLS 1.2 and 1.3, client and server.\n";
  auto const found = compare(asio, ours);
  print_numbers(out, found);
  print_differences(out, found);
  out << tail;
  return out.str();
}

int check(std::string const& now, char const* file) {
  std::ifstream in(file);
  std::string const there((std::istreambuf_iterator<char>(in)), {});
  if (there.find("\n" + versions() + ";") == std::string::npos) {
    std::cout << file << " is not of " << versions() << '\n';
    return 77;
  }
  if (there == now) return 0;
  std::cout << now << "\n" << file << " says otherwise: ./dev faults writes it\n";
  return 1;
}

}  // namespace

int main(int argc, char* argv[]) {
  bool const checks = argc == 3 && std::string(argv[1]) == "--check";
  if (argc != 1 && !checks) return std::cerr << "faults_compared [--check PAGE]\n", 2;
  auto const asio = run_cases(all_cases(), "boost::asio::ssl::stream", asio_streams());
  auto const ours = run_cases(all_cases(), "tls_async::stream", our_streams());
  std::cerr << asio << ours;
  if (ours.broken() != 0) return 1;
  auto const now = page(asio, ours);
  if (checks) return check(now, argv[2]);
  std::cout << now;
  return 0;
}
