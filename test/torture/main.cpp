// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Torture: everything that can fail fails in turn. See README.md.
#include <boost/program_options.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "campaign.hpp"
#include "heap.hpp"
#include "openssl_functions.hpp"

namespace tls_async::test::torture {
namespace {

namespace po = boost::program_options;

std::vector<script> all_scripts() {
  std::vector<script> all = control_scripts();  // first, since it says what is not ours
  for (auto const& part :
       {context_scripts(), memory_scripts(), socket_scripts(), blocking_scripts()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

template <class Names>
std::size_t index_in(Names const& names, std::string const& name) {
  auto const found = std::ranges::find(names, name);
  if (found == names.end()) throw po::error("there is no '" + name + "'");
  return static_cast<std::size_t>(found - names.begin());
}

bool names(std::vector<std::string> const& wanted, std::string_view name) {
  return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
}

int run(int argc, char** argv) {
  campaign_options options;
  failure_plan plan;
  std::vector<std::string> scripts, of_kinds;
  std::string how = "plain";
  po::options_description known("torture: everything that can fail fails in turn");
  known.add_options()("help", "this text")                                                //
      ("list", "list the scripts and what fails in each")                                 //
      ("functions", "list the functions of OpenSSL, with the value that means failure")   //
      ("script", po::value(&scripts)->multitoken(), "only these scripts")                 //
      ("kind", po::value(&of_kinds)->multitoken(), "only these kinds of failure")         //
      ("every", po::value(&options.every), "each so-manieth point only")                  //
      ("known", po::bool_switch(&options.judges_known), "complain of known faults, too")  //
      ("point", po::value(&plan.at), "only this point, in this process; with one script and kind")(
          "manner", po::value(&how), "of the failure at --point")  //
      ("all-later", po::bool_switch(&plan.all_later), "and all behind --point");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  po::notify(given);
  if (given.count("help") != 0) return std::cout << known, 0;
  if (given.count("functions") != 0) return list_openssl_functions(std::cout), 0;
  if (options.every == 0) throw po::error("--every 0");
  for (auto const& name : of_kinds)
    plan.what = static_cast<kind>(index_in(kind_names, name));
  plan.how = static_cast<manner>(index_in(manner_names, how));
  auto all = all_scripts();
  for (auto const& name : scripts) {
    if (std::ranges::none_of(all, [&](script const& each) { return each.name == name; }))
      throw po::error("there is no script '" + name + "'");
  }
  if (given.count("list") != 0) {
    for (auto const& each : all) {
      std::cout << each.name << ':';
      for (auto const what : each.fails)
        std::cout << ' ' << kind_names[static_cast<std::size_t>(what)];
      std::cout << '\n';
    }
    return 0;
  }
  if (!heap::is_in_use()) throw std::runtime_error("OpenSSL has allocated before the test began");
  if (given.count("point") != 0) {
    auto const one =
        std::ranges::find_if(all, [&](auto& each) { return names(scripts, each.name); });
    return campaign::replay(*one, plan) ? 0 : 1;
  }
  campaign whole(options);
  bool is_sound = true;
  for (auto const& each : all) {
    for (auto const what : each.fails) {
      if (!names(of_kinds, kind_names[static_cast<std::size_t>(what)])) continue;
      if (each.is_control || names(scripts, each.name)) is_sound &= whole.run(each, what);
    }
  }
  whole.tell_sums();
  return is_sound && !whole.has_complaints() ? 0 : 1;
}

}  // namespace
}  // namespace tls_async::test::torture

int main(int argc, char** argv) {
  try {
    return tls_async::test::torture::run(argc, argv);
  } catch (std::exception const& e) {
    std::cerr << "torture: " << e.what() << '\n';
    return 2;
  }
}
