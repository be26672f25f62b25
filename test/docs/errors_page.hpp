// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What docs/errors.md says that each side is told, and the same as a program is told it.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tls_async::test {

/// One line of a block of the page, and what error_info() adds to it.
inline std::string told(std::string const& who, boost::system::error_code const& ec,
                        std::string const& text = {}) {
  std::string const what =
      ec ? std::string(ec.category().name()) + ": " + ec.message() : "no error";
  return who + " -> " + what + '\n' + (text.empty() ? "" : "  " + text + '\n');
}

/// The same of a setter: what it threw, without what Boost adds of the code.
template <class Call>
std::string told_by(std::string const& who, Call call) {
  try {
    call();
  } catch (boost::system::system_error const& thrown) {
    std::string const words = thrown.what();
    auto const end = words.find(": " + thrown.code().message());
    return told(who, thrown.code(), end == std::string::npos ? "" : words.substr(0, end));
  }
  return told(who, {});
}

inline std::string with_single_spaces(std::string const& text) {
  std::istringstream words(text);
  std::string joined;
  for (std::string word; words >> word;)
    joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

/// Whether `text` is `pattern`, in which "..." stands for anything.
inline bool matches(std::string_view pattern, std::string_view text) {
  auto const gap = pattern.find("...");
  if (gap == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, gap))) return false;
  pattern.remove_prefix(gap + 3);
  for (text.remove_prefix(gap);; text.remove_prefix(1)) {
    if (matches(pattern, text)) return true;
    if (text.empty()) return false;
  }
}

/// The block fenced as `failure` of each heading of the page.
inline std::map<std::string, std::string> blocks_of(std::string const& path) {
  std::ifstream page(path);
  if (!page) throw std::runtime_error("cannot read " + path);
  std::map<std::string, std::string> blocks;
  std::string heading;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("### ")) heading = line.substr(4);
    if (line == "```failure" && !blocks.emplace(heading, "").second)
      throw std::runtime_error("two blocks under " + heading);
    if (line.starts_with("```")) {
      inside = line == "```failure";
    } else if (inside) {
      blocks[heading] += line + '\n';
    }
  }
  return blocks;
}

}  // namespace tls_async::test
