// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The benchmark: every scenario on every stack that can do it, in interleaved rounds.
#include "results.hpp"
#include "scenarios.hpp"
#include "server_process.hpp"
#include "serving/number.hpp"
#include "stack.hpp"

#include <unistd.h>
#include <boost/algorithm/string/split.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

namespace options = boost::program_options;
using namespace tls_async::bench;

constexpr char const* exit_statuses =
    "exit status: 0 all done, 1 wrong usage, or something that was asked for is not there (the "
    "rest has run), 2 a run failed (the others have run)\n";

bool contains(std::vector<std::string> const& names, std::string const& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct request {
  std::vector<std::string> scenarios, stacks;
  std::map<std::string, std::vector<std::string>> stacks_of;  // Of scenarios asked with stacks.
  std::string json_file;
  unsigned rounds = 15;
  bool quick = false, smoke = false;

  // A scenario is asked for by name, or as NAME:STACK,STACK.
  void take_stacks_of_scenarios() {
    for (std::string& name : scenarios) {
      std::size_t const colon = name.find(':');
      if (colon == std::string::npos) continue;
      std::string const list = name.substr(colon + 1);
      name.erase(colon);
      boost::split(stacks_of[name], list, [](char c) { return c == ','; });
    }
  }
  [[nodiscard]] bool wants(scenario const& of, stack const& s) const {
    auto const own = stacks_of.find(of.name);
    return own != stacks_of.end() ? contains(own->second, s.name)
                                  : stacks.empty() || contains(stacks, s.name);
  }
};

template <class Named>
std::vector<std::string> names_of(std::vector<Named> const& all) {
  std::vector<std::string> names;
  for (auto const& one : all)
    names.push_back(one.name);
  return names;
}

// Says which names are not known, or not in this build.
bool all_known(char const* kind, std::vector<std::string> const& names,
               std::vector<std::string> const& known) {
  bool all = true;
  for (auto const& name : names) {
    if (contains(known, name)) continue;
    all = false;
    auto const& missing = unavailable_stacks();
    auto const why = std::find_if(missing.begin(), missing.end(),
                                  [&](auto const& stack) { return stack.name == name; });
    if (why != missing.end()) {
      std::cerr << "tls_bench: " << name << " is not in this build: " << why->why << '\n';
      continue;
    }
    std::cerr << "tls_bench: no " << kind << " '" << name << "'; there are:";
    for (auto const& one : known)
      std::cerr << ' ' << one;
    std::cerr << '\n';
  }
  return all;
}

void list() {
  for (auto const& s : scenarios())
    std::cout << s.name << ": " << s.what << (s.quick ? "" : " (not in a quick run)") << '\n';
  std::cout << "stacks:";
  for (auto const& s : stacks())
    std::cout << ' ' << s.name;
  std::cout << '\n';
  for (auto const& s : unavailable_stacks())
    std::cout << "not in this build: " << s.name << ": " << s.why << '\n';
}

// A run of a stack that has not failed yet. What goes wrong is kept in its result.
void run_once(scenario const& of, job work, result::of_stack& stack, bool check) {
  if (!stack.failed.empty()) return;
  work.check = check;
  try {
    sample s = of.run(stack_named(stack.name), work);
    if (check) {
      // Records are those of the whole run; the timed rounds have them for one message.
      for (auto& [metric, value] : s)
        if (metric.ends_with("records") && work.messages != 0)
          value /= static_cast<double>(work.messages);
      stack.checked = std::move(s);
    } else {
      stack.rounds.push_back(std::move(s));
    }
  } catch (std::exception const& e) {
    stack.failed = e.what();
    std::cerr << "\ntls_bench: " << of.name << " on " << stack.name << " failed: " << e.what()
              << '\n';
  }
}

result run(scenario const& of, request const& asked, job const& work) {
  result all{&of, work, {}};
  for (auto const& s : stacks())
    if (of.can(s) && asked.wants(of, s)) all.stacks.push_back({s.name, {}, {}, {}});
  unsigned rounds = asked.smoke ? 0 : asked.quick ? std::min(asked.rounds, 3U) : asked.rounds;
  // The first run warms up, compares every byte and counts records.
  for (unsigned round = 0; round <= rounds; ++round) {
    if (isatty(STDERR_FILENO) != 0)
      std::fprintf(stderr, "\r\033[K%s: round %u of %u", of.name.c_str(), round, rounds);
    // Nobody is always the first.
    for (std::size_t i = 0; i < all.stacks.size(); ++i)
      run_once(of, work, all.stacks[(i + round) % all.stacks.size()], round == 0);
  }
  if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r\033[K");
  return all;
}

int run_all(request const& asked) {
  bool complete = all_known("scenario", asked.scenarios, names_of(scenarios()));
  std::set<std::string> stacks_asked(asked.stacks.begin(), asked.stacks.end());
  for (auto const& [scenario, some] : asked.stacks_of)
    stacks_asked.insert(some.begin(), some.end());
  complete = all_known("stack", {stacks_asked.begin(), stacks_asked.end()}, names_of(stacks())) &&
             complete;
  for (auto const& s : unavailable_stacks()) {
    if (!s.asked_for || !stacks_asked.empty()) continue;
    std::cerr << "tls_bench: without " << s.name << ": " << s.why << '\n';
    complete = false;
  }
  bool failed = false;
  std::vector<result> results;
  auto const keep = [&](bool last) {
    if (!asked.json_file.empty()) write_json(results, last, asked.json_file);
  };
  for (auto const& s : scenarios()) {
    if (!asked.scenarios.empty() && !contains(asked.scenarios, s.name)) continue;
    bool const left_out = asked.quick && !s.quick && asked.scenarios.empty();
    if (left_out) continue;
    result r = run(s, asked,
                   asked.smoke   ? s.smoke
                   : asked.quick ? s.quick.value_or(s.full)
                                 : s.full);
    for (auto const& stack : r.stacks)
      failed = failed || !stack.failed.empty();
    if (asked.smoke) {
      std::printf("%s: %zu stacks did their work\n", s.name.c_str(),
                  static_cast<std::size_t>(
                      std::count_if(r.stacks.begin(), r.stacks.end(),
                                    [](auto const& stack) { return stack.failed.empty(); })));
    } else {
      print(r);
    }
    results.push_back(std::move(r));
    keep(false);
  }
  keep(true);
  std::cout << "tls_bench: "
            << (failed     ? "a run failed, see above"
                : complete ? "ok"
                           : "not all that was asked for is there, see above")
            << '\n';
  return failed ? 2 : complete ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  request asked;
  options::options_description described("usage: tls_bench [options]");
  auto add = described.add_options();
  add("help", "this text");
  add("list", "list scenarios and stacks");
  add("scenario", options::value(&asked.scenarios),
      "run only this one, or NAME:STACK,STACK on these; may be repeated");
  add("stack", options::value(&asked.stacks),
      "run only this one; may be repeated. Ratios are to asio_ssl, so name that too");
  add("rounds",
      options::value<std::string>()->value_name("N")->default_value(std::to_string(asked.rounds)),
      "rounds of each scenario, after one that is not timed");
  add("quick", options::bool_switch(&asked.quick),
      "3 rounds at most, less work, not all scenarios");
  add("smoke", options::bool_switch(&asked.smoke), "the smallest size, not timed: checks the work");
  add("json", options::value(&asked.json_file), "write all rounds to this file");
  options::options_description internal;
  internal.add_options()("serve", options::value<std::string>());  // For server_process.
  internal.add(described);
  try {
    options::variables_map given;
    options::store(options::parse_command_line(argc, argv, internal), given);
    options::notify(given);
    asked.rounds = static_cast<unsigned>(
        serving::parse_number(given["rounds"].as<std::string>(), 1, 100'000, "--rounds"));
    asked.take_stacks_of_scenarios();
    raise_descriptor_limit();
    if (given.count("serve") != 0) serve_until_told(given["serve"].as<std::string>());
    if (given.count("help") != 0) {
      std::cout << described << exit_statuses;
      return 0;
    }
    if (given.count("list") != 0) {
      list();
      return 0;
    }
    return run_all(asked);
  } catch (options::error const& e) {
    std::cerr << "tls_bench: " << e.what() << "; see --help\n";
    return 1;
  } catch (serving::usage_error const& e) {
    std::cerr << "tls_bench: " << e.what() << "; see --help\n";
    return 1;
  } catch (std::exception const& e) {
    std::cerr << "\ntls_bench: " << e.what() << '\n';
    return 2;
  }
}
