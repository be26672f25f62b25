// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a page and the completions make of texts that mean something to roff or to a shell.
// manual_test.py reads them with the tools that they are for.
#include "serving/manual.hpp"
#include "serving/command_line.hpp"

#include <boost/program_options.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace serving {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

manual sample() {
  boost::program_options::options_description options{"Options"};
  auto add = options.add_options();
  add("output,o", file(), "where [it] goes: the client's \\ or --mode");
  add("mode", one_of("a|b")->default_value("a"), ".of work");
  add("name", boost::program_options::value<std::vector<std::string>>()->value_name("[ADDR:]PORT"),
      "x");
  add("root", file()->default_value("."), "what");
  return {.program = "sample",
          .summary = "try",
          .arguments = "FILE",
          .description = "First.\n.second\n\nThird.",
          .options = options,
          .details = {{"mode", "More."}},
          .signals = {},
          .exit_statuses = {{"0", "well"}},
          .examples = {{"sample '~' ^", "do"}},
          .see_also = {{"a", "1"}, {"b", "2"}}};
}

BOOST_AUTO_TEST_SUITE(manuals)

BOOST_AUTO_TEST_CASE(have_an_entry_of_each_option) {
  auto const all = entries(sample().options);
  BOOST_TEST_REQUIRE(all.size() == 4u);
  BOOST_TEST(all[0].short_name == "-o");
  BOOST_TEST(all[0].long_name == "--output");
  BOOST_TEST(all[0].value == "FILE");
  BOOST_TEST(all[0].standard.empty());
  BOOST_TEST(!all[0].repeats);
  BOOST_TEST(all[1].short_name.empty());
  BOOST_TEST(all[1].standard == "a");
  BOOST_TEST(all[1].words == (std::vector<std::string>{"a", "b"}),
             boost::test_tools::per_element());
  BOOST_TEST(all[2].repeats);
}

BOOST_AUTO_TEST_CASE(escape_what_roff_would_take_for_itself) {
  auto const page = manual_page(sample());
  BOOST_TEST(contains(page, "\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIFILE\\fR\n"));
  BOOST_TEST(contains(page, "client's \\e or \\fB\\-\\-mode\\fR.\n"));
  BOOST_TEST(contains(page,
                      "\\fB\\-\\-mode\\fR \\fBa\\fR|\\fBb\\fR\n\\&.of work.\nMore.\n"
                      "(default: \\fBa\\fR)\n"));
  BOOST_TEST(contains(page, "(default: \\fB\\&.\\fR)\n"));
  BOOST_TEST(contains(page, "First. \\&.second\n.PP\nThird.\n"));
  BOOST_TEST(contains(page, "sample \\(aq\\(ti\\(aq \\(ha"));
  BOOST_TEST(!contains(page, "SIGNALS"));
  BOOST_TEST(contains(page, ".BR a (1),\n.BR b (2)\n"));
}

BOOST_AUTO_TEST_CASE(escape_what_a_shell_would_take_for_itself) {
  auto const zsh = zsh_completion(sample());
  BOOST_TEST(contains(zsh,
                      "'(-o --output)-o+[where \\[it\\] goes\\: the client'\\''s \\\\ or "
                      "--mode]:FILE:_files'"));
  BOOST_TEST(contains(zsh, "'*--name=[x]:\\[ADDR\\:\\]PORT: '"));
  auto const fish = fish_completion(sample());
  BOOST_TEST(contains(fish,
                      "-s o -l output -r -F -d 'where [it] goes: the client\\'s \\\\ or "
                      "--mode'"));
}

BOOST_AUTO_TEST_CASE(tell_the_words_that_an_option_may_be) {
  auto const given = [](char const* word) {
    char const* const arguments[] = {"sample", "--mode", word};
    return read_options(3, arguments, sample().options, "");
  };
  BOOST_TEST(given("b")["mode"].as<std::string>() == "b");
  BOOST_CHECK_EXCEPTION(given("c"), usage_error, [](usage_error const& error) {
    return error.what() == std::string_view("--mode must be a or b, not \"c\"");
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace serving
