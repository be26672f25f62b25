// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "script.hpp"

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <boost/lexical_cast/try_lexical_convert.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tls_async::test::model {
namespace {

constexpr std::array<char const*, acts> act_names{
    "handshake",         "read",      "write",        "key_update",   "close_write",
    "shutdown",          "peer_says", "peer_closes",  "peer_renews",  "peer_does",
    "peer_renegotiates", "net_holds", "net_delivers", "net_releases", "net_room",
    "net_moves",         "net_ends",  "net_breaks",   "cancel",       "cancel_other",
    "cancel_layer",      "clock",     "budget",       "move",         "destroy",
    "destroy_loop",      "throws",    "run",          "settle"};
constexpr std::array<char const*, forms> form_names{
    "plain", "sequence", "owned",  "shared", "moving", "throwing", "some",    "attempt",
    "file",  "composed", "member", "both",   "in",     "out",      "partial", "total"};
constexpr std::array<char const*, ways> way_names{"callback", "strand", "coroutine", "future",
                                                  "blocking"};

template <class Names>
std::size_t place_of(Names const& names, std::string const& word) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), word) - names.begin());
}

std::vector<std::string> split(std::string_view text, char const* at) {
  std::vector<std::string> parts;
  boost::split(parts, text, boost::is_any_of(at), boost::token_compress_on);
  return parts;
}

[[noreturn]] void refuse(std::string const& word, std::string const& line) {
  throw std::runtime_error{"script: '" + word + "' in '" + line + "'"};
}

std::uint64_t number(std::string const& word, std::string const& line) {
  std::uint64_t n = 0;
  if (word == "max") return no_limit - 1;
  if (!boost::conversion::try_lexical_convert(word, n)) refuse(word, line);
  return n;
}

event parse_event(std::vector<std::string> const& words, std::string const& line) {
  event made;
  std::size_t const what = place_of(act_names, words.front());
  if (what == acts) refuse(words.front(), line);
  made.what = static_cast<act>(what);
  for (std::size_t i = 1; i != words.size(); ++i) {
    auto const& word = words[i];
    if (auto const f = place_of(form_names, word); f != forms) {
      made.buffers = static_cast<form>(f);
    } else if (auto const w = place_of(way_names, word); w != ways) {
      made.told = static_cast<way>(w);
    } else if (word == "inside") {
      made.inside = true;
    } else if (word == "within" && i + 1 != words.size()) {
      made.within = number(words[++i], line);
    } else {
      made.n = number(word, line);
    }
  }
  return made;
}

}  // namespace

std::string name_of(act what) { return act_names.at(static_cast<std::size_t>(what)); }
std::string name_of(form which) { return form_names.at(static_cast<std::size_t>(which)); }
std::string name_of(way which) { return way_names.at(static_cast<std::size_t>(which)); }

std::string text_of(event const& one) {
  std::string text = name_of(one.what);
  if (one.n != 0) text += ' ' + std::to_string(one.n);
  if (one.buffers != form::plain) text += ' ' + name_of(one.buffers);
  if (one.told != way::callback) text += ' ' + name_of(one.told);
  if (one.within != no_limit)
    text += " within " + (one.within == no_limit - 1 ? "max" : std::to_string(one.within));
  if (one.inside) text += " inside";
  return text;
}

std::string text_of(script const& whole, std::string_view between) {
  std::string text;
  for (auto const& [name, value] : whole.settings)
    text.append("set ").append(name).append(" ").append(value).append(between);
  for (event const& one : whole.events)
    text.append(text_of(one)).append(between);
  return text;
}

bool is_disturbed(script const& which) {
  auto const any = [&which](auto is) {
    return std::any_of(which.events.begin(), which.events.end(), is);
  };
  // Where the peer is hostile, it matters what a verb in a handler comes before, and how far a
  // handshake is when the network stops.
  bool const is_out_of_order =
      any([](event const& e) {
        return e.inside || e.what == act::net_holds || e.what == act::net_delivers;
      }) &&
      any([](event const& e) { return e.what == act::peer_does; });
  // OpenSSL by itself fails (SSL_R_BAD_LENGTH) if it has to answer while a record is blocked.
  bool const has_no_room =
      any([](event const& e) { return e.what == act::net_room; }) && any([](event const& e) {
        return e.what == act::peer_renews || e.what == act::peer_does ||
               e.what == act::peer_renegotiates;
      });
  // Behind its close_notify a session of OpenSSL's answers no request for another handshake.
  bool const leaves_unanswered =
      any([](event const& e) { return e.what == act::peer_renegotiates; }) &&
      any([](event const& e) { return e.what == act::close_write || e.what == act::shutdown; });
  return is_out_of_order || has_no_room || leaves_unanswered || any([](event const& e) {
           return e.what == act::cancel || e.what == act::cancel_other ||
                  e.what == act::cancel_layer || e.what == act::clock || e.what == act::destroy ||
                  e.what == act::destroy_loop || e.what == act::net_ends ||
                  e.what == act::net_breaks || (e.is_verb() && e.within != no_limit);
         });
}

script parse(std::string_view text) {
  script made;
  for (auto& line : split(text, "\n;")) {
    line.erase(std::min(line.find('#'), line.size()));
    boost::trim(line);
    if (line.empty()) continue;
    auto const words = split(line, " \t\r");
    if (words.front() != "set") {
      made.events.push_back(parse_event(words, line));
    } else if (words.size() == 3) {
      made.settings[words[1]] = words[2];
    } else {
      refuse("set", line);
    }
  }
  return made;
}

}  // namespace tls_async::test::model
