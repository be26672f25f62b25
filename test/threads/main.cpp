// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// threads_model: rounds of random use on real sockets and several threads. README.md says what it
// may do, what it judges, and how to run a seed again.
#include "details.hpp"
#include "round.hpp"

#include <boost/program_options.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>

namespace {

namespace po = boost::program_options;
using namespace tls_async::threads;

struct choices {
  std::uint64_t seed = 1, first_round = 0, rounds = 20, seconds = 0, repeat = 1, patience = 300;
  bool is_loud = false;
};

void run(choices const& chosen) {
  watchdog dog{std::chrono::seconds(chosen.patience)};
  auto const start = std::chrono::steady_clock::now();
  auto const has_time = [&] {
    return chosen.seconds == 0 ||
           std::chrono::steady_clock::now() - start < std::chrono::seconds(chosen.seconds);
  };
  std::size_t open_before = 0;
  for (std::uint64_t i = 0; (chosen.seconds != 0 || i != chosen.rounds) && has_time(); ++i) {
    auto const plan = make_plan(chosen.seed, chosen.first_round + i);
    set_scene(describe(plan));
    if (chosen.is_loud) std::cout << describe(plan) << '\n' << details(plan) << std::flush;
    for (std::uint64_t time = 0; time != chosen.repeat; ++time) {
      tls_async::threads::round(plan, dog).run();
      // What is opened once and kept is open after the first round.
      std::size_t const open = descriptors();
      if (open_before != 0 && open > open_before)
        complain(std::to_string(open - open_before) + " descriptors are left");
      open_before = open;
    }
  }
}

}  // namespace

int main(int argc, char* argv[]) try {
  choices chosen;
  po::options_description options("threads_model [OPTIONS]");
  auto const number = [](std::uint64_t& to) {
    return po::value(&to)->value_name("N")->default_value(to);
  };
  options.add_options()                                                             //
      ("help", "this text")                                                         //
      ("seed", number(chosen.seed), "what the rounds are made of")                  //
      ("round", number(chosen.first_round), "number of the first")                  //
      ("rounds", number(chosen.rounds), "how many")                                 //
      ("seconds", number(chosen.seconds), "as many as begin in so long, instead")   //
      ("repeat", number(chosen.repeat), "each so often: the interleaving differs")  //
      ("patience", number(chosen.patience), "seconds after which a round hangs")    //
      ("loud", po::bool_switch(&chosen.is_loud), "say what each round does");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, options), given);
  if (given.count("help") != 0) {
    std::cout << options;
    return 0;
  }
  po::notify(given);
  std::signal(SIGPIPE, SIG_DFL);
  run(chosen);
  std::cout << "threads_model: " << complaints() << " complaints; " << summary() << std::endl;
  return complaints() == 0 ? 0 : 1;
} catch (std::exception const& thrown) {
  std::cerr << "threads_model: " << thrown.what() << '\n';
  return 2;
}
