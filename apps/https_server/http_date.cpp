// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// By strftime and strptime: the program never leaves the "C" locale, whose names are HTTP's.
#include "http_date.hpp"

namespace https_server {

std::string http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[40];
  auto const length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, length};
}

std::string const& http_date_now() {
  thread_local std::time_t second = -1;
  thread_local std::string text;
  auto const now = std::time(nullptr);
  if (now != second) {
    text = http_date(now);
    second = now;
  }
  return text;
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  std::string const terminated{text};
  for (auto const* form : {
           "%a, %d %b %Y %H:%M:%S GMT",  // the preferred one
           "%A, %d-%b-%y %H:%M:%S GMT",  // RFC 850
           "%a %b %e %H:%M:%S %Y"        // asctime
       }) {
    std::tm parts{};
    auto const* const end = ::strptime(terminated.c_str(), form, &parts);
    if (end == terminated.c_str() + terminated.size()) return ::timegm(&parts);
  }
  return std::nullopt;
}

}  // namespace https_server
