// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The few words of the page that differ from one connection to the next.
#include "own_page.hpp"

namespace https_server {

std::string escaped_for_html(std::string_view text) {
  std::string result;
  for (char const c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

namespace {

std::string fact(tls_async::session_info const& session, std::string_view name) {
  auto const or_none = [](std::string const& text) {
    return text.empty() ? "none" : escaped_for_html(text);
  };
  if (name == "version") return or_none(session.version);
  if (name == "suite") return or_none(session.suite);
  if (name == "group") return or_none(session.group);
  if (name == "alpn") return or_none(session.alpn);
  if (name == "name") return or_none(session.server_name);
  if (name == "subject") return or_none(session.peer_subject);
  if (name == "resumed") return session.is_resumed ? "yes" : "no";
  return {};
}

}  // namespace

std::string own_page(std::string_view source, tls_async::session_info const& session) {
  std::string page;
  for (;;) {
    auto const begin = source.find("{{");
    page += source.substr(0, begin);
    if (begin == std::string_view::npos) return page;
    source.remove_prefix(begin + 2);
    auto const end = source.find("}}");
    if (end == std::string_view::npos) return page;
    page += fact(session, source.substr(0, end));
    source.remove_prefix(end + 2);
  }
}

}  // namespace https_server
