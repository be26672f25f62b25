// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// bench_peer: both neighbours of a server that is measured from outside, the client in front of it
// and, where it is a proxy, a backend behind it that is no HTTP. For bench/peer.py.
#include "backend.hpp"
#include "loads.hpp"

#include "serving/number.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace tls_async::bench;

constexpr char const* usage =
    "usage: bench_peer short PORT CONNECTIONS SECONDS FILE full|resumed server|client\n"
    "       bench_peer kept PORT CONNECTIONS SECONDS FILE\n"
    "       bench_peer idle PORT CONNECTIONS FILE\n"
    "       bench_peer upload|both_ways PORT CONNECTIONS SECONDS\n"
    "       bench_peer sink|echo\n";

bool is_one_of(std::string const& word, char const* first, char const* second) {
  return word == first || word == second;
}

// PORT CONNECTIONS [SECONDS] from `words[1]` on.
amount amount_of(std::vector<std::string> const& words, bool with_time) {
  using serving::parse_number;
  return {
      static_cast<unsigned short>(parse_number(words[1], 1, 65'535, "PORT")),
      static_cast<unsigned>(parse_number(words[2], 1, with_time ? 1'000 : 100'000, "CONNECTIONS")),
      std::chrono::seconds(with_time ? parse_number(words[3], 0, 100'000, "SECONDS") : 0),
  };
}

// False if it is none of the usage.
bool run(std::vector<std::string> const& words) {
  std::string const what = words.empty() ? "" : words[0];
  if (what == "short" && words.size() == 7 && is_one_of(words[5], "full", "resumed") &&
      is_one_of(words[6], "server", "client"))
    short_connections(amount_of(words, true), words[4], words[5] == "resumed",
                      words[6] == "server" ? closer::server : closer::client);
  else if (what == "kept" && words.size() == 5)
    kept_connections(amount_of(words, true), words[4]);
  else if (what == "idle" && words.size() == 4)
    idle_connections(amount_of(words, false), words[3]);
  else if (is_one_of(what, "upload", "both_ways") && words.size() == 4)
    (what == "upload" ? upload : both_ways)(amount_of(words, true));
  else if (is_one_of(what, "sink", "echo") && words.size() == 1)
    serve(what == "sink" ? backend::sink : backend::echo);
  else
    return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (run({argv + 1, argv + argc})) return 0;
    std::cerr << usage;
    return 1;
  } catch (serving::usage_error const& error) {
    std::cerr << "bench_peer: " << error.what() << '\n' << usage;
    return 1;
  } catch (std::exception const& error) {
    std::cerr << "bench_peer: " << error.what() << '\n';
    return 2;
  }
}
