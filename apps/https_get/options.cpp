// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that knows Boost.Program_options.
#include "options.hpp"

#include "failure.hpp"

#include <boost/program_options.hpp>

#include <cstdint>
#include <set>
#include <sstream>

namespace https_get {
namespace {

namespace po = boost::program_options;

auto number(std::int64_t standard) {
  return po::value<std::int64_t>()->value_name("N")->default_value(standard);
}

auto file() { return po::value<std::string>()->value_name("FILE"); }

po::options_description description() {
  options const standard;
  po::options_description all{"Options"};
  auto add = all.add_options();
  add("output,o", file(), "where to, for one URL; - is standard output");
  add("directory", po::value<std::string>()->value_name("DIR")->default_value("."),
      "where to, named as in the URL");
  add("resume", "go on with FILE.part, or with FILE");
  add("location", "follow up to 5 redirects, within https");
  add("parallel", number(static_cast<std::int64_t>(standard.parallel)), "downloads at once");
  add("cacert", file(), "authorities to trust instead of the system's");
  add("cert", file(), "our certificate chain, PEM");
  add("key", file(), "its private key, PEM");
  add("insecure", "do NOT verify who answers");
  add("connect-seconds", number(standard.connect.count()), "for TCP, and again for TLS");
  add("stall-seconds", number(standard.stall.count()), "without a byte from the server");
  add("verbose,v", "protocol, certificates, times");
  add("quiet", "no progress bar");
  add("help", "this text");
  return all;
}

po::variables_map read(int argc, char const* const* argv) {
  po::options_description all = description();
  all.add_options()("url", po::value<std::vector<std::string>>());
  po::variables_map values;
  po::store(
      po::command_line_parser(argc, argv)
          .options(all)
          .positional(po::positional_options_description().add("url", -1))
          .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
          .run(),
      values);
  po::notify(values);
  return values;
}

std::int64_t number_between(std::int64_t least, std::int64_t most, po::variables_map const& values,
                            std::string const& name) {
  auto const value = values[name].as<std::int64_t>();
  if (value < least || value > most)
    throw failure(
        exit_status::wrong_usage,
        "--" + name + " must be between " + std::to_string(least) + " and " + std::to_string(most));
  return value;
}

std::vector<target> targets(po::variables_map const& values) {
  auto const wrong = [](char const* text) { return failure(exit_status::wrong_usage, text); };
  if (values.count("url") == 0) throw wrong("no URL is given");
  auto const& urls = values["url"].as<std::vector<std::string>>();
  bool const named = values.count("output") != 0;
  if (named && urls.size() > 1) throw wrong("--output is for one URL; use --directory for several");
  std::vector<target> all;
  std::set<std::filesystem::path> files;
  for (auto const& text : urls) {
    target next;
    next.url = parse_url(text);
    next.file =
        named ? std::filesystem::path(values["output"].as<std::string>())
              : std::filesystem::path(values["directory"].as<std::string>()) / file_name(next.url);
    for (char const* suffix : {"", ".part", ".part.etag"})
      if (auto file = next.file; !files.insert(file += suffix).second)
        throw failure(exit_status::wrong_usage, "two URLs would both be saved as " + file.string());
    all.push_back(std::move(next));
  }
  if (all.front().is_standard_output() && values.count("resume") != 0)
    throw wrong("--resume needs a file, not standard output");
  return all;
}

}  // namespace

std::optional<options> parse_options(int argc, char const* const* argv) {
  try {
    auto const values = read(argc, argv);
    if (values.count("help") != 0) return std::nullopt;
    if (values.count("cert") != values.count("key"))
      throw failure(exit_status::wrong_usage,
                    "--cert and --key belong together; give both or neither");
    if (values.count("insecure") != 0 && values.count("cacert") != 0)
      throw failure(exit_status::wrong_usage,
                    "--cacert says whom to trust, --insecure trusts everyone; give one of them");
    auto const path = [&](char const* name) {
      return values.count(name) == 0
                 ? std::nullopt
                 : std::optional<std::filesystem::path>(values[name].as<std::string>());
    };
    options chosen;
    chosen.targets = targets(values);
    chosen.authority = path("cacert");
    chosen.certificate = path("cert");
    chosen.key = path("key");
    chosen.parallel = static_cast<std::size_t>(number_between(1, 256, values, "parallel"));
    chosen.connect = std::chrono::seconds(number_between(1, 86'400, values, "connect-seconds"));
    chosen.stall = std::chrono::seconds(number_between(1, 86'400, values, "stall-seconds"));
    chosen.follow = values.count("location") != 0;
    chosen.resume = values.count("resume") != 0;
    chosen.insecure = values.count("insecure") != 0;
    chosen.quiet = values.count("quiet") != 0;
    chosen.verbose = values.count("verbose") != 0;
    return chosen;
  } catch (po::error const& error) {
    throw failure(exit_status::wrong_usage, error.what());
  }
}

std::string help() {
  std::ostringstream text;
  text << "usage: https_get [OPTIONS] URL...\n"
          "Fetches files over HTTPS. A file is FILE.part until all of it is there.\n\n"
       << description()
       << "\nExit status, that of the first URL that failed:\n"
          "  0 all files are whole             6 the certificate was refused\n"
          "  1 wrong usage                     7 another failure of TLS\n"
          "  2 a local file                    8 the server's answer was no file\n"
          "  3 the name does not resolve       9 the file was cut short\n"
          "  4 no connection                  10 a deadline has passed\n"
          "  5 the server does not speak TLS  11 the server's answer is not HTTP\n";
  return text.str();
}

}  // namespace https_get
