// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a program says of itself. One value, from which come --help, the manual page and the
// completions of shells, so that no option is listed twice.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace serving {

struct manual {
  struct entry {
    std::string name;
    std::string text;
  };

  std::string program;
  std::string summary;      // the page's NAME: "serve files over HTTPS"
  std::string arguments;    // what stands behind the program's name
  std::string description;  // lines of a screen, empty ones between paragraphs
  boost::program_options::options_description options;
  std::map<std::string, std::string> details;  // of an option, what only the page says
  std::vector<entry> signals;
  std::vector<entry> exit_statuses;
  std::vector<entry> files = {};  // where the package that installs the program has what it needs
  std::vector<entry> examples;    // a command and what it does
  std::vector<entry> see_also;    // a page and its section
};

// What is said of the servers' signals and exit statuses.
std::vector<manual::entry> server_signals();
std::vector<manual::entry> server_exit_statuses();

std::string help(manual const& of);
// The page, in the macros of man(7). Its date is today's, or that of SOURCE_DATE_EPOCH, which
// builds set that are to be reproducible.
std::string manual_page(manual const& of);
std::string bash_completion(manual const& of);
std::string zsh_completion(manual const& of);
std::string fish_completion(manual const& of);

// Adds -h, --help, -V, --version and --generate.
void add_manual_options(boost::program_options::options_description& options);
// What these ask a program to say, if one of them is there.
std::optional<std::string> information(boost::program_options::variables_map const& values,
                                       manual const& of);

// A value that is one of a few words, written "text|json": the value's name in --help.
boost::program_options::typed_value<std::string>* one_of(char const* words);
// Throws usage_error if an option has another word than its own.
void check_words(boost::program_options::variables_map const& values,
                 boost::program_options::options_description const& known);

// What the page and the completions need of an option.
struct option_entry {
  std::string short_name;  // "-h", or empty
  std::string long_name;   // "--help"
  std::string value;       // "FILE"; empty if it takes none
  std::string standard;    // the default, or empty
  std::vector<std::string> words;
  bool repeats = false;
  std::string text;
};
std::vector<option_entry> entries(boost::program_options::options_description const& options);

}  // namespace serving
