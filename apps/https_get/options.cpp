// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that knows Boost.Program_options.
#include "options.hpp"

#include "failure.hpp"
#include "serving/command_line.hpp"
#include "serving/manual.hpp"

#include <boost/program_options.hpp>

#include <cstdint>
#include <ostream>
#include <set>
#include <utility>

namespace https_get {
namespace {

namespace po = boost::program_options;
using serving::file;
using serving::number;

// As those of curl, which may be given again.
auto flag() { return po::value<std::vector<std::string>>()->zero_tokens(); }

// What has a name or a letter of curl's means the same there.
po::options_description description() {
  options const standard;
  po::options_description all{"Options"};
  auto add = all.add_options();
  add("output,o", file(), "file for one URL; - is standard output");
  add("remote-name,O", flag(), "name files as in the URL, as without -o");
  add("output-dir", po::value<std::string>()->value_name("DIR")->default_value("."),
      "where files are put");
  add("continue-at,C", po::value<std::string>()->value_name("-"), "continue FILE.part");
  add("resume", flag(), "the same");
  add("location,L", flag(), "follow up to 5 redirects, within https");
  add("parallel-max", number(static_cast<std::int64_t>(standard.parallel)), "downloads at once");
  add("cacert", file(), "authorities to trust instead of the system's");
  add("cert", file(), "our certificate chain, PEM");
  add("key", file(), "its private key, PEM");
  add("key-password-file", file(), "password of the key, in the first line");
  add("ssl-sessions", file(), "resume the sessions of earlier runs");
  add("insecure,k", flag(), "do NOT verify the server");
  add("connect-seconds", number(standard.connect.count()), "limit for TCP, and again for TLS");
  add("stall-seconds", number(standard.stall.count()), "limit without a byte from the server");
  add("verbose,v", flag(), "protocol, certificates, headers, times");
  add("silent,s", flag(), "no progress bar and no errors, but the exit status");
  add("show-error,S", flag(), "errors in spite of --silent");
  serving::add_manual_options(all);
  return all;
}

struct command_line {
  po::variables_map values;
  std::vector<std::string> words;  // but the URLs
};

command_line read(int argc, char const* const* argv) {
  po::options_description all = description();
  all.add_options()("url", po::value<std::vector<std::string>>());
  auto const parsed =
      po::command_line_parser(argc, argv)
          .options(all)
          .positional(po::positional_options_description().add("url", -1))
          .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
          .run();
  command_line result;
  if (argc > 0) result.words.emplace_back(argv[0]);
  for (auto const& each : parsed.options) {
    if (each.position_key >= 0) continue;
    if (each.string_key == "url") throw po::unknown_option("--url");  // only a word is one
    auto const& words = each.original_tokens;
    result.words.insert(result.words.end(), words.begin(), words.end());
  }
  po::store(parsed, result.values);
  po::notify(result.values);
  serving::check_words(result.values, all);
  return result;
}

std::vector<target> targets(po::variables_map const& values) {
  auto const wrong = [](char const* text) { return failure(exit_status::wrong_usage, text); };
  if (values.count("url") == 0) throw wrong("no URL is given");
  auto const& urls = values["url"].as<std::vector<std::string>>();
  bool const named = values.count("output") != 0;
  if (named && urls.size() > 1)
    throw wrong("-o is for one URL; --output-dir says where several are put");
  if (named && values.count("remote-name") != 0)
    throw wrong("-o names the file, -O takes its name from the URL; give only one of them");
  std::vector<target> all;
  std::set<std::filesystem::path> files;
  for (auto const& text : urls) {
    target next;
    next.url = parse_url(text);
    next.file = named ? values["output"].as<std::string>() : file_name(next.url);
    if (!named || !next.is_standard_output())
      next.file = values["output-dir"].as<std::string>() / next.file;
    for (char const* suffix : {"", ".part", ".part.validator"})
      if (auto file = next.file; !files.insert(file += suffix).second)
        throw failure(exit_status::wrong_usage, "two URLs would both be saved as " + file.string());
    all.push_back(std::move(next));
  }
  return all;
}

serving::manual about() {
  return {
      .program = "https_get",
      .summary = "fetch files over HTTPS",
      .arguments = "[OPTIONS] URL...",
      .description =
          "Fetches files over HTTPS. A file is called FILE.part until it is complete.\n"
          "The exit status is that of the first URL that failed.",
      .options = description(),
      .details =
          {{"ssl-sessions",
            "Whoever can read it can read what they carry, so it is for its owner alone. It is\n"
            "replaced by the sessions of this run. A line tells if it can't be used."}},
      .signals = {},
      .exit_statuses = {{"0", "all files are complete"},
                        {"1", "wrong usage"},
                        {"2", "a local file failed"},
                        {"3", "the name does not resolve"},
                        {"4", "no connection"},
                        {"5", "the server does not speak TLS"},
                        {"6", "the certificate was refused"},
                        {"7", "another failure of TLS"},
                        {"8", "the server did not send the file"},
                        {"9", "the file was cut short"},
                        {"10", "a deadline expired"},
                        {"11", "the server's answer is not HTTP"}},
      .examples = {{"https_get https://example.org/a.iso https://example.org/b.iso",
                    "two files, both at once, into this directory"},
                   {"https_get --resume https://example.org/a.iso",
                    "what is left of a file that was interrupted"},
                   {"https_get --output - https://example.org/", "a page on the screen"}},
      .see_also = {{"curl", "1"}, {"https_server", "1"}}};
}

}  // namespace

std::optional<options> parse_options(int argc, char const* const* argv, std::ostream& out) {
  try {
    auto [values, words] = read(argc, argv);
    if (auto const asked = serving::information(values, about())) {
      out << *asked;
      return std::nullopt;
    }
    if (values.count("cert") != values.count("key"))
      throw failure(exit_status::wrong_usage,
                    "--cert and --key belong together; give both or neither");
    if (values.count("key-password-file") != 0 && values.count("key") == 0)
      throw failure(exit_status::wrong_usage,
                    "--key-password-file has the password of a key; give --cert and --key, too");
    if (values.count("insecure") != 0 && values.count("cacert") != 0)
      throw failure(exit_status::wrong_usage,
                    "--cacert names whom to trust, -k trusts everyone; give only one of them");
    bool const continues = values.count("continue-at") != 0;
    if (continues && values["continue-at"].as<std::string>() != "-")
      throw failure(exit_status::wrong_usage, "only -C - is known, which continues FILE.part");
    options chosen;
    chosen.targets = targets(values);
    chosen.authority = serving::path(values, "cacert");
    chosen.certificate = serving::path(values, "cert");
    chosen.key = serving::path(values, "key");
    chosen.key_password = serving::path(values, "key-password-file");
    chosen.sessions = serving::path(values, "ssl-sessions");
    if (chosen.sessions && chosen.sessions->empty())
      throw serving::usage_error("--ssl-sessions is empty; name a file");
    chosen.parallel =
        static_cast<std::size_t>(serving::number_between(1, 256, values, "parallel-max"));
    chosen.connect = serving::seconds_from(1, values, "connect-seconds");
    chosen.stall = serving::seconds_from(1, values, "stall-seconds");
    chosen.follow = values.count("location") != 0;
    chosen.resume = continues || values.count("resume") != 0;
    if (chosen.resume && chosen.targets.front().is_standard_output())
      throw failure(exit_status::wrong_usage, "--resume needs a file, not standard output");
    chosen.insecure = values.count("insecure") != 0;
    chosen.silent = values.count("silent") != 0;
    chosen.show_error = values.count("show-error") != 0;
    chosen.verbose = values.count("verbose") != 0;
    chosen.words = std::move(words);
    return chosen;
  } catch (po::error const& error) {
    throw failure(exit_status::wrong_usage, error.what());
  } catch (serving::usage_error const& error) {
    throw failure(exit_status::wrong_usage, error.what());
  }
}

std::string help() { return serving::help(about()); }

}  // namespace https_get
