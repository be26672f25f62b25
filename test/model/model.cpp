// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The differential model: random scripts on our stream, on Asio's and on bare OpenSSL, until one
// finds something or there have been enough. See README.md.
#include <boost/program_options.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#endif

#include <tls_async_test/certificates.hpp>
#include "fuzz/repeatable_random.hpp"
#include "maker.hpp"
#include "trial.hpp"

namespace {

namespace po = boost::program_options;
using namespace tls_async::test;
using namespace tls_async::test::model;

std::string script_from(std::string const& file_or_text) {
  std::ifstream file(file_or_text);
  if (!file) return file_or_text;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t current_seed = 0;

// A crash has to tell its seed, too. A sanitizer ends the process in another way.
void tell_seed() {
  std::array<char, 64> text{};
  int const n =
      std::snprintf(text.data(), text.size(), "model: seed %ju\n", std::uintmax_t{current_seed});
  if (::write(STDERR_FILENO, text.data(), static_cast<std::size_t>(n)) != n) return;
}
[[maybe_unused]] void end_by_signal(int number) {
  tell_seed();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

// Only the same kind of complaint counts: another one is another fault.
std::string kind_of(std::string const& complaint) {
  std::string kind;
  for (char const c : complaint.substr(0, complaint.find('['))) {
    if (c < '0' || c > '9') kind += c;
  }
  return kind;
}

void report(script found, finding const& first, bool shorten) {
  if (shorten) {
    std::string const kind = kind_of(first.what);
    found = minimise(std::move(found), [&kind](script const& shorter) {
      auto const again = try_script(shorter, nullptr);
      return again && kind_of(again.what) == kind;
    });
  }
  auto const last = try_script(found, nullptr);
  std::cout << "found by seed " << found.seed << ": " << (last ? last : first).what << "\n\n"
            << (last ? last : first).trace << '\n'
            << "# seed " << found.seed << ": " << first.what << '\n'
            << text_of(found) << "\nmodel --script '" << text_of(found, "; ") << "'\n";
}

// Before all scripts, so that none has to make one first, and none depends on which came before it.
void make_identities() {
  restart_random();
  for (auto kind = identity_kind::server; kind <= identity_kind::untrusted;
       kind = static_cast<identity_kind>(static_cast<int>(kind) + 1))
    (void)make_identity(kind);
}

int run(po::variables_map const& options) {
  bool const shorten = options["minimise"].as<bool>();
  coverage counts;
  if (options.count("script") != 0) {
    bool has_found = false;
    for (auto const& one : options["script"].as<std::vector<std::string>>()) {
      auto const parsed = parse(script_from(one));
      auto const found = try_script(parsed, &counts);
      if (!found) {
        std::cout << "nothing found: " << text_of(parsed, "; ") << '\n';
        continue;
      }
      has_found = true;
      report(parsed, found, shorten);
    }
    return has_found ? 1 : 0;
  }
  auto const seed = options["seed"].as<std::uint64_t>();
  auto const fixed = parse(options["fix"].as<std::string>());
  auto const seconds = options["seconds"].as<unsigned>();
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::uint64_t const most = options.count("scripts") != 0
                                 ? options["scripts"].as<std::uint64_t>()
                                 : std::numeric_limits<std::uint64_t>::max();
  auto const findings = options["findings"].as<unsigned>();
  unsigned found = 0;
  std::uint64_t done = 0;
  for (; done != most && found != findings; ++done) {
    if (seconds != 0 && std::chrono::steady_clock::now() >= end) break;
    current_seed = seed + done;
    auto const made = make_script(seed + done, options["known"].as<bool>(), fixed);
    if (auto const wrong = try_script(made, &counts)) {
      report(made, wrong, shorten);
      ++found;
    }
  }
  std::cout << counts.never() << "model: seeds " << seed << " to " << seed + done - 1 << ", "
            << counts.summary() << '\n';
  return found == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char* argv[]) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  __sanitizer_set_death_callback(&tell_seed);
#else
  std::signal(SIGSEGV, &end_by_signal);
  std::signal(SIGABRT, &end_by_signal);
#endif
  po::options_description options("model [OPTIONS]");
  options.add_options()                                                                  //
      ("help", "print this")                                                             //
      ("seed", po::value<std::uint64_t>()->default_value(1), "of the first script")      //
      ("scripts", po::value<std::uint64_t>(), "how many; without it as --seconds says")  //
      ("seconds", po::value<unsigned>()->default_value(0), "how long; 0 is no limit")    //
      ("script", po::value<std::vector<std::string>>()->multitoken(),
       "run these, in files or as text, and no other")  //
      ("fix", po::value<std::string>()->default_value(""),
       "settings of each script, as 'set next_layer tcp; set side server'")       //
      ("findings", po::value<unsigned>()->default_value(1), "end after so many")  //
      ("known", po::bool_switch(), "meet the known triggers too")                 //
      ("minimise", po::value<bool>()->default_value(true), "what finds something");
  try {
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, options), given);
    po::notify(given);
    if (given.count("help") != 0) {
      std::cout << options << "\nLeft alone without --known:\n";
      for (known_trigger const& one : known_triggers())
        std::cout << "  " << one.what << '\n';
      return 0;
    }
    if (given.count("scripts") == 0 && given.count("script") == 0 &&
        given["seconds"].as<unsigned>() == 0) {
      throw po::error("one of --scripts, --seconds and --script is needed");
    }
    player::judges_known = given["known"].as<bool>();
    use_repeatable_random();
    make_identities();
    return run(given);
  } catch (std::exception const& error) {
    std::cerr << "model: " << error.what() << '\n';
    return 2;
  }
}
