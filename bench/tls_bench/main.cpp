// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The benchmark: every scenario on every stack that can do it, in interleaved rounds.
#include "report.hpp"
#include "sample.hpp"

#include <boost/json.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

namespace options = boost::program_options;
using namespace tls_async::bench;

bool wanted(std::vector<std::string> const& names, std::string const& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

// Says which of `names` are not in `known`.
bool all_known(char const* kind, std::vector<std::string> const& names,
               std::vector<std::string> const& known) {
  bool all = true;
  for (auto const& name : names) {
    if (wanted(known, name) && !known.empty()) continue;
    std::cerr << "tls_bench: no " << kind << " '" << name << "': see --list\n";
    all = false;
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names, stacks;
  std::string json_file;
  unsigned rounds = 0;
  options::options_description described("usage: tls_bench [options]");
  described.add_options()("help", "this text")("list", "list scenarios and stacks")(
      "scenario", options::value(&names), "run only this one; may be repeated")(
      "stack", options::value(&stacks), "run only this one and asio_ssl; may be repeated")(
      "rounds", options::value(&rounds)->default_value(15), "rounds of each scenario")(
      "quick", "3 rounds, a quarter of the work")(
      "smoke", "1 round of the smallest size: checks the work")("json", options::value(&json_file),
                                                                "write all rounds to this file");
  try {
    options::variables_map given;
    options::store(options::parse_command_line(argc, argv, described), given);
    options::notify(given);
    if (given.count("help") != 0) {
      std::cout << described << "exit status: 0 done, 1 wrong usage, 2 a run failed\n";
      return 0;
    }
    std::vector<std::string> known_scenarios, known_stacks;
    for (scenario const& s : scenarios()) {
      known_scenarios.push_back(s.name);
      for (run const& r : s.runs) {
        if (!wanted(known_stacks, r.stack) || known_stacks.empty()) known_stacks.push_back(r.stack);
      }
    }
    if (given.count("list") != 0) {
      for (scenario const& s : scenarios())
        std::cout << s.name << ": " << s.what << '\n';
      std::cout << "stacks:";
      for (auto const& stack : known_stacks)
        std::cout << ' ' << stack;
      std::cout << '\n';
      return 0;
    }
    bool ok = all_known("scenario", names, known_scenarios);
    ok = all_known("stack", stacks, known_stacks) && ok;
    bool const smoke = given.count("smoke") != 0, quick = given.count("quick") != 0;
    if (smoke) rounds = 1;
    if (quick) rounds = std::min(rounds, 3U);

    std::cout << boost::json::serialize(environment()) << '\n';
    std::vector<result> results;
    for (scenario const& s : scenarios()) {
      if (!wanted(names, s.name)) continue;
      result r{&s, std::vector<std::vector<sample>>(s.runs.size())};
      size sizes = smoke ? s.smoke : s.full;
      if (quick && !smoke) sizes.messages /= 4;
      for (unsigned round = 0; round < rounds; ++round) {
        std::fprintf(stderr, "\r%s: round %u of %u   ", s.name.c_str(), round + 1, rounds);
        for (std::size_t i = 0; i < s.runs.size(); ++i) {
          if (i != 0 && !wanted(stacks, s.runs[i].stack)) continue;
          r.samples[i].push_back(s.runs[i].once(sizes));
        }
      }
      std::fprintf(stderr, "\r%40s\r", "");
      print_table({r});
      results.push_back(std::move(r));
      if (!json_file.empty()) write_json(results, json_file);
    }
    std::cout << "tls_bench: " << (ok ? "ok" : "some names were not known") << '\n';
    return ok ? 0 : 1;
  } catch (options::error const& e) {
    std::cerr << "tls_bench: " << e.what() << "; see --help\n";
    return 1;
  } catch (std::exception const& e) {
    std::cerr << "\ntls_bench: a run failed: " << e.what() << '\n';
    return 2;
  }
}
