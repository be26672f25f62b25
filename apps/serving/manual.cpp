// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From Boost's table of options to --help and the manual page.
#include "manual.hpp"

#include "command_line.hpp"

#include <tls_async/version.hpp>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/any.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <sstream>

namespace serving {

namespace po = boost::program_options;

namespace {

std::vector<std::string> split(std::string const& text, char at) {
  std::vector<std::string> parts;
  boost::algorithm::split(parts, text, [at](char c) { return c == at; });
  return parts;
}

// "a, b or c"
std::string in_words(std::vector<std::string> const& words) {
  auto text = words.front();
  for (std::size_t i = 1; i < words.size(); ++i)
    text += (i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

option_entry entry_of(po::option_description const& option) {
  option_entry made;
  auto const shortest = option.canonical_display_name(po::command_line_style::allow_dash_for_short);
  if (shortest.starts_with('-')) made.short_name = shortest;
  made.long_name = "--" + option.long_name();
  made.text = option.description();
  auto const& semantic = *option.semantic();
  if (semantic.max_tokens() == 0) return made;
  made.value = semantic.name();  // "N (=4)" if there is a default
  if (boost::any standard; semantic.apply_default(standard)) {
    made.standard = boost::any_cast<std::string>(standard);
    made.value.resize(made.value.rfind(" (="));
  }
  if (made.value.find('|') != std::string::npos) made.words = split(made.value, '|');
  made.repeats =
      dynamic_cast<po::typed_value<std::vector<std::string>> const*>(&semantic) != nullptr;
  return made;
}

// Lines of at most 80 characters.
std::string filled(std::vector<std::string> const& words) {
  std::string text;
  std::size_t width = 0;
  for (auto const& word : words) {
    bool const fits = width + 1 + word.size() <= 80;
    if (width != 0) text += fits ? ' ' : '\n';
    width = fits && width != 0 ? width + 1 + word.size() : word.size();
    text += word;
  }
  return text;
}

// A sentence, or two columns where that would be long.
std::string exit_statuses(std::vector<manual::entry> const& rows) {
  std::string text = "Exit status:";
  if (rows.size() <= 6) {
    for (auto const& row : rows)
      text += ' ' + row.name + ' ' + row.text + (&row == &rows.back() ? "." : ",");
    return filled(split(text, ' ')) + '\n';
  }
  auto const height = (rows.size() + 1) / 2;
  auto const cell = [](manual::entry const& row) {
    return std::string(row.name.size() < 2 ? "  " : " ") + row.name + ' ' + row.text;
  };
  for (std::size_t i = 0; i < height; ++i) {
    auto line = ' ' + cell(rows[i]);
    if (auto const right = i + height; right < rows.size()) {
      line.resize(std::max<std::size_t>(line.size() + 1, 36), ' ');
      line += cell(rows[right]);
    }
    text += '\n' + line;
  }
  return text + '\n';
}

// What roff would take for itself: escapes, and requests at the beginning of a line.
std::string plain(std::string text) {
  boost::replace_all(text, "\\", "\\e");
  return (text.starts_with('.') || text.starts_with('\'') ? "\\&" : "") + text;
}

// What people copy: a hyphen is a hyphen there, and a quote no nicer one.
std::string literal(std::string const& text) {
  auto made = plain(text);
  boost::replace_all(made, "-", "\\-");
  boost::replace_all(made, "'", "\\(aq");
  boost::replace_all(made, "^", "\\(ha");
  boost::replace_all(made, "~", "\\(ti");
  return made;
}

std::string bold(std::string const& text) { return "\\fB" + literal(text) + "\\fR"; }
std::string italic(std::string const& text) { return "\\fI" + literal(text) + "\\fR"; }

// An option is bold in a sentence.
std::string in_prose(std::string const& word) {
  auto const begin = word.starts_with('(') ? 1u : 0u;
  auto const end = std::min(word.size(), word.find_first_of(".,;:)", begin));
  if (word[begin] != '-') return plain(word);
  return word.substr(0, begin) + bold(word.substr(begin, end - begin)) + word.substr(end);
}

std::string prose(std::string const& text) {
  std::vector<std::string> paragraphs{""};
  for (auto const& line : split(text, '\n'))
    if (line.empty())
      paragraphs.emplace_back();
    else
      paragraphs.back() += (paragraphs.back().empty() ? "" : " ") + line;
  for (auto& paragraph : paragraphs) {
    auto words = split(paragraph, ' ');
    std::transform(words.begin(), words.end(), words.begin(), in_prose);
    paragraph = filled(words);
  }
  return boost::join(paragraphs, "\n.PP\n");
}

// What is a note on a screen is a sentence on a page.
std::string sentence(std::string text) {
  bool const is_one_word = text.find(' ') == std::string::npos;
  if (!text.empty() && !is_one_word && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return prose(text) + (text.ends_with('.') ? "" : ".");
}

std::string value_on_page(option_entry const& option) {
  if (option.words.empty()) return italic(option.value);
  std::vector<std::string> words;
  for (auto const& word : option.words)
    words.push_back(bold(word));
  return boost::join(words, "|");
}

std::string date() {
  auto now = std::time(nullptr);
  if (auto const* told = std::getenv("SOURCE_DATE_EPOCH")) now = std::atoll(told);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[16];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

void write_options(std::ostream& page, manual const& of) {
  for (auto const& option : entries(of.options)) {
    page << ".TP\n" << (option.short_name.empty() ? "" : bold(option.short_name) + ", ");
    page << bold(option.long_name);
    if (!option.value.empty()) page << ' ' << value_on_page(option);
    page << '\n' << sentence(option.text) << '\n';
    if (auto const more = of.details.find(option.long_name.substr(2)); more != of.details.end())
      page << prose(more->second) << '\n';
    if (!option.standard.empty()) page << "(default: " << bold(option.standard) << ")\n";
  }
}

void write_list(std::ostream& page, char const* title, std::vector<manual::entry> const& list) {
  if (list.empty()) return;
  page << ".SH " << title << '\n';
  for (auto const& one : list)
    page << ".TP\n" << bold(one.name) << '\n' << sentence(one.text) << '\n';
}

}  // namespace

std::vector<manual::entry> server_signals() {
  return {{"SIGHUP", "certificates, keys and authorities are read again, for new connections"}};
}

std::vector<manual::entry> server_exit_statuses() {
  return {{"0", "stopped by SIGINT or SIGTERM (a second one stops at once)"},
          {"1", "wrong usage"},
          {"2", "could not start (a file or the port)"}};
}

std::vector<option_entry> entries(po::options_description const& options) {
  std::vector<option_entry> all;
  for (auto const& option : options.options())
    all.push_back(entry_of(*option));
  return all;
}

std::string help(manual const& of) {
  std::ostringstream text;
  text << "usage: " << of.program << ' ' << of.arguments << '\n'
       << of.description << "\n\n"
       << of.options << '\n';
  for (auto const& signal : of.signals)
    text << signal.name << ": " << signal.text << ".\n";
  text << exit_statuses(of.exit_statuses);
  return text.str();
}

std::string manual_page(manual const& of) {
  std::ostringstream page;
  page << ".TH " << boost::to_upper_copy(of.program) << " 1 " << date() << " \"tls_async "
       << TLS_ASYNC_VERSION_MAJOR << '.' << TLS_ASYNC_VERSION_MINOR << '.'
       << TLS_ASYNC_VERSION_PATCH << "\" \"User Commands\"\n.nh\n"
       << ".SH NAME\n"
       << of.program << " \\- " << of.summary << '\n'
       << ".SH SYNOPSIS\n"
       << bold(of.program) << ' ' << prose(of.arguments) << '\n'
       << ".SH DESCRIPTION\n"
       << prose(of.description) << '\n'
       << ".SH OPTIONS\n";
  write_options(page, of);
  write_list(page, "SIGNALS", of.signals);
  write_list(page, "EXIT STATUS", of.exit_statuses);
  write_list(page, "FILES", of.files);
  page << ".SH EXAMPLES\n";
  for (auto const& example : of.examples)
    page << ".TP\n" << bold(example.name) << '\n' << sentence(example.text) << '\n';
  page << ".SH SEE ALSO\n";
  for (auto const& other : of.see_also)
    page << ".BR " << literal(other.name) << " (" << other.text << ')'
         << (&other == &of.see_also.back() ? "" : ",") << '\n';
  return page.str();
}

void add_manual_options(po::options_description& options) {
  add_information(options);
  options.add_options()("generate", one_of("man|bash|zsh|fish"), "write a page or completions");
}

std::optional<std::string> information(po::variables_map const& values, manual const& of) {
  if (values.count("generate") == 0) return information(values, of.program, help(of));
  auto const& what = values["generate"].as<std::string>();
  return what == "man"    ? manual_page(of)
         : what == "bash" ? bash_completion(of)
         : what == "zsh"  ? zsh_completion(of)
                          : fish_completion(of);
}

po::typed_value<std::string>* one_of(char const* words) {
  return po::value<std::string>()->value_name(words);
}

void check_words(po::variables_map const& values, po::options_description const& known) {
  for (auto const& option : entries(known)) {
    auto const name = option.long_name.substr(2);
    if (option.words.empty() || values.count(name) == 0) continue;
    auto const& given = values[name].as<std::string>();
    if (std::find(option.words.begin(), option.words.end(), given) == option.words.end())
      throw usage_error(option.long_name + " must be " + in_words(option.words) + ", not \"" +
                        given + '"');
  }
}

}  // namespace serving
