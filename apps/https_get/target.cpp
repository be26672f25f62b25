// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "target.hpp"

#include "failure.hpp"
#include "printable.hpp"
#include "serving/number.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <utility>

namespace https_get {
namespace {

namespace urls = boost::urls;

// "https://host:52015x/f" is no URL to one Boost.URL, and has the path "x/f" to another.
bool has_port_that_is_no_number(std::string_view reference) {
  auto const slashes = reference.find_first_of("/?#");
  if (slashes == std::string_view::npos || !reference.substr(slashes).starts_with("//") ||
      (slashes != 0 && reference[slashes - 1] != ':'))
    return false;
  auto authority = reference.substr(slashes + 2);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  authority.remove_prefix(authority.rfind('@') + 1);
  if (authority.starts_with('['))
    authority.remove_prefix(std::min(authority.find(']'), authority.size()));
  auto const colon = authority.find(':');
  return colon != std::string_view::npos &&
         authority.find_first_not_of("0123456789", colon + 1) != std::string_view::npos;
}

// Empty if it can be fetched.
std::string objection(urls::url const& url) {
  if (url.scheme_id() != urls::scheme::https) return "only https:// is fetched";
  auto const name = host(url);
  if (name.empty()) return "it has no host";
  if (name.size() > 253 ||
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }))
    return "its host is no name";
  if (url.has_userinfo()) return "names and passwords in URLs are not supported";
  try {
    if (url.has_port()) serving::parse_number(std::string(url.port()), 1, 65'535, "its port");
  } catch (serving::usage_error const& error) {
    return error.what();
  }
  return {};
}

}  // namespace

urls::url parse_url(std::string_view text) {
  auto const wrong = [&](std::string const& why) {
    return failure(exit_status::wrong_usage, '"' + printable(text) + "\": " + why);
  };
  if (has_port_that_is_no_number(text)) throw wrong("its port is not a number");
  auto const parsed = urls::parse_uri({text.data(), text.size()});
  if (!parsed) throw wrong("not a URL; write for example https://example.org/file");
  urls::url url{*parsed};
  if (auto const why = objection(url); !why.empty()) throw wrong(why);
  return url;
}

urls::url redirected(urls::url const& base, std::string_view location) {
  auto const wrong = [&](std::string const& why) {
    return failure(exit_status::refused, "redirected to \"" + printable(location) + "\": " + why);
  };
  if (has_port_that_is_no_number(location)) throw wrong("its port is not a number");
  auto const reference = urls::parse_uri_reference({location.data(), location.size()});
  urls::url url;
  if (!reference || !urls::resolve(base, *reference, url)) throw wrong("not a URL");
  if (auto const why = objection(url); !why.empty()) throw wrong(why);
  return url;
}

std::string file_name(urls::url const& url) {
  auto const segments = urls::url_view(url).segments();
  std::string const name = segments.empty() ? std::string() : std::string(segments.back());
  unsigned char before = 0;
  bool const unusual = std::any_of(name.begin(), name.end(), [&before](unsigned char c) {
    bool const is_c1 = std::exchange(before, c) == 0xc2 && c >= 0x80 && c < 0xa0;
    return c == '/' || c == 0x7f || c < 0x20 || is_c1;
  });
  if (name.empty() || unusual || name == "." || name == "..")
    throw failure(exit_status::wrong_usage,
                  printable(url.buffer()) + " ends in no name for a file; give -o FILE");
  return name;
}

std::string host(urls::url const& url) { return std::string(url.host_address()); }

std::string port(urls::url const& url) { return url.has_port() ? std::string(url.port()) : "443"; }

std::string request_target(urls::url const& url) {
  std::string const target(url.encoded_target());
  return target.starts_with('/') ? target : '/' + target;
}

}  // namespace https_get
