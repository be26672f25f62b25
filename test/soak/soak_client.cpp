// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The load of a soak: so many connections at once, each followed by the next one, for some time. A
// line of JSON a second tells what has been done. Ends with 1 if anything was wrong.
#include "visit.hpp"

#include "serving/command_line.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/program_options.hpp>

#include <chrono>
#include <fstream>
#include <iostream>

namespace {

namespace asio = boost::asio;
namespace po = boost::program_options;
using clock = std::chrono::steady_clock;

struct options {
  std::vector<std::string> targets;
  std::string authority, make;
  std::uint64_t seed = 1;
  unsigned seconds = 60, connections = 200;
};

asio::awaitable<void> keep_visiting(soak::world& in, std::uint64_t seed, clock::time_point end) {
  std::mt19937_64 random(seed);
  while (clock::now() < end)
    co_await soak::visit(in, random);
}

void tell(soak::counts const& seen) {
  boost::json::object faults;
  for (std::size_t i = 1; i != soak::fault_count; ++i)
    faults[soak::name_of(static_cast<soak::fault>(i))] = seen.faults.at(i);
  std::cout << boost::json::object{{"visits", seen.visits},     {"resumed", seen.resumed},
                                   {"requests", seen.requests}, {"key updates", seen.key_updates},
                                   {"bytes", seen.bytes},       {"faults", faults},
                                   {"wrong", seen.wrong}}
            << std::endl;
}

asio::awaitable<void> keep_telling(soak::world const& in, clock::time_point end) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (clock::now() < end) {
    timer.expires_after(std::chrono::seconds(1));
    co_await timer.async_wait(asio::use_awaitable);
    tell(in.seen);
  }
}

// The file that the servers have.
void make_file(std::string const& path, std::uint64_t size) {
  std::ofstream file(path, std::ios::binary);
  for (std::uint64_t offset = 0; offset != size; ++offset)
    file.put(static_cast<char>(soak::content(offset)));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int main(int argc, char* argv[]) try {
  options chosen;
  soak::world in;
  po::options_description known{"Options"};
  auto add = known.add_options();
  add("help", "show this help");
  add("target", po::value(&chosen.targets), "HOST:PORT of a server; may be repeated");
  add("cacert", po::value(&chosen.authority), "authorities to trust, PEM");
  add("path", po::value(&in.path), "of the file on the servers, such as /data");
  add("bytes", po::value(&in.file_size)->default_value(1 << 22), "its size");
  add("make", po::value(&chosen.make), "write that file here, and do nothing else");
  add("seconds", po::value(&chosen.seconds)->default_value(60), "how long");
  add("connections", po::value(&chosen.connections)->default_value(200), "at once");
  add("fault-percent", po::value(&in.fault_percent)->default_value(5), "of the visits");
  add("seed", po::value(&chosen.seed)->default_value(1), "of all that is chosen");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  po::notify(given);
  if (given.count("help")) return std::cout << known, 0;
  if (!chosen.make.empty()) return make_file(chosen.make, in.file_size), 0;
  if (chosen.targets.empty() || chosen.authority.empty() || in.path.empty())
    throw std::runtime_error("--target, --cacert and --path are needed; see --help");
  in.context.trust_file(chosen.authority);
  for (auto const& text : chosen.targets) {
    in.targets.push_back(std::make_unique<soak::target>());
    in.targets.back()->endpoint = serving::parse_endpoint(text);
  }

  asio::io_context io{1};
  auto const end = clock::now() + std::chrono::seconds(chosen.seconds);
  for (unsigned i = 0; i != chosen.connections; ++i)
    co_spawn(io, keep_visiting(in, chosen.seed * 1'000'003 + i, end), asio::detached);
  co_spawn(io, keep_telling(in, end), asio::detached);
  io.run();
  tell(in.seen);
  return in.seen.wrong == 0 ? 0 : 1;
} catch (std::exception const& error) {
  std::cerr << "soak_client: " << error.what() << '\n';
  return 2;
}
