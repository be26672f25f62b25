// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From Boost's table of options to what bash, zsh and fish complete: options, the words that an
// option may be, and files where it takes one. Each is a file of its shell that needs no other.
#include "manual.hpp"

#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>

#include <sstream>

namespace serving {
namespace {

bool takes_files(option_entry const& option) { return option.value == "FILE"; }
bool takes_directories(option_entry const& option) { return option.value == "DIR"; }

// Within single quotes of zsh and of fish.
std::string quoted(std::string text, char const* quote) {
  boost::replace_all(text, "'", quote);
  return '\'' + text + '\'';
}

std::string names(option_entry const& option, char const* between) {
  return (option.short_name.empty() ? "" : option.short_name + between) + option.long_name;
}

// What stands for one of _arguments' brackets and colons.
std::string in_specification(std::string text) {
  for (char const* special : {"\\", "[", "]", ":"})
    boost::replace_all(text, special, std::string("\\") + special);
  return text;
}

std::string zsh_specification(option_entry const& option) {
  auto const text = '[' + in_specification(option.text) + ']';
  std::string value;
  if (!option.value.empty()) {
    value = ':' + in_specification(option.value) + ':';
    if (takes_files(option)) value += "_files";
    if (takes_directories(option)) value += "_path_files -/";  // _files would fall back to others
    if (!option.words.empty()) value += '(' + boost::join(option.words, " ") + ')';
    if (value.ends_with(':')) value += ' ';
  }
  auto const specification = [&](std::string const& name, char const* joined) {
    auto const as_name = value.empty() ? name : name + joined;
    if (option.repeats) return quoted('*' + as_name + text + value, "'\\''");
    return quoted('(' + names(option, " ") + ')' + as_name + text + value, "'\\''");
  };
  auto line = specification(option.long_name, "=");
  if (!option.short_name.empty()) line = specification(option.short_name, "+") + ' ' + line;
  return line;
}

}  // namespace

// It does without the package bash-completion, which only finds it: readline completes files.
std::string bash_completion(manual const& of) {
  std::vector<std::string> files, directories, others, all;
  std::ostringstream words;
  for (auto const& option : entries(of.options)) {
    all.push_back(names(option, " "));
    if (option.value.empty()) continue;
    auto const patterns = names(option, " | ");
    if (!option.words.empty())
      words << "    " << patterns << ") words='" << boost::join(option.words, " ") << "' ;;\n";
    else
      (takes_files(option)         ? files
       : takes_directories(option) ? directories
                                   : others)
          .push_back(patterns);
  }
  std::ostringstream text;
  text << "# Completion of " << of.program << " for bash, by " << of.program
       << " --generate bash\n\n_" << of.program << "() {\n"
       << R"(  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
  # bash makes three words of --option=value.
  if [[ $current == = ]]; then
    current=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  case $before in
)";
  auto const arm = [&](std::vector<std::string> const& patterns, char const* action) {
    if (!patterns.empty())
      text << "    " << boost::join(patterns, " | ") << ") " << action << " ;;\n";
  };
  arm(files, "compopt -o default; return");
  arm(directories, "compopt -o dirnames; return");
  arm(others, "return");
  text << words.str() << "    *)\n      [[ $current == -* ]] || return\n      words='"
       << boost::join(all, " ") << "'\n      ;;\n  esac\n"
       << R"(  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _)"
       << of.program << ' ' << of.program << '\n';
  return text.str();
}

std::string zsh_completion(manual const& of) {
  std::ostringstream text;
  text << "#compdef " << of.program << "\n# Completion of " << of.program << " for zsh, by "
       << of.program << " --generate zsh\n\n_arguments -s -S";
  for (auto const& option : entries(of.options))
    text << " \\\n  " << zsh_specification(option);
  text << '\n';
  return text.str();
}

std::string fish_completion(manual const& of) {
  std::ostringstream text;
  text << "# Completion of " << of.program << " for fish, by " << of.program
       << " --generate fish\n\ncomplete -c " << of.program << " -f\n";
  for (auto const& option : entries(of.options)) {
    text << "complete -c " << of.program;
    if (!option.short_name.empty()) text << " -s " << option.short_name.substr(1);
    text << " -l " << option.long_name.substr(2);
    if (takes_files(option))
      text << " -r -F";
    else if (takes_directories(option))
      text << " -x -a '(__fish_complete_directories)'";
    else if (!option.words.empty())
      text << " -x -a '" << boost::join(option.words, " ") << '\'';
    else if (!option.value.empty())
      text << " -x";
    auto description = option.text;
    boost::replace_all(description, "\\", "\\\\");
    text << " -d " << quoted(description, "\\'") << '\n';
  }
  return text.str();
}

}  // namespace serving
