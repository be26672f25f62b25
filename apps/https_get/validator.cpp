// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "validator.hpp"

#include <boost/beast/http/field.hpp>

#include <algorithm>
#include <ctime>
#include <optional>

#include <time.h>

namespace https_get {
namespace {

namespace http = boost::beast::http;

std::string value(http::fields const& header, http::field name) {
  auto const text = header[name];
  return {text.data(), text.size()};
}

// RFC 9110, section 8.8.3; not one that begins with W/.
bool is_strong_tag(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
         std::all_of(text.begin() + 1, text.end() - 1, [](char c) {
           return static_cast<unsigned char>(c) > 0x20 && c != '"' && c != 0x7f;
         });
}

// The form that RFC 9110, section 5.6.7 wants to be sent.
std::optional<std::time_t> time(std::string const& text) {
  std::tm parts{};
  auto const* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != 0) return std::nullopt;
  return ::timegm(&parts);
}

}  // namespace

std::string strong_validator(http::fields const& header) {
  if (header.count(http::field::etag) != 0) {
    auto tag = value(header, http::field::etag);
    return is_strong_tag(tag) ? tag : std::string();
  }
  // Two changes within a second, or a minute of clocks that differ, have the same time.
  auto changed = value(header, http::field::last_modified);
  auto const then = time(changed);
  auto const now = time(value(header, http::field::date));
  return then && now && *now - *then >= 60 ? changed : std::string();
}

bool is_validator(std::string_view text) {
  return is_strong_tag(text) || time(std::string(text)).has_value();
}

bool is_version(http::fields const& header, std::string_view validator) {
  if (is_strong_tag(validator)) return value(header, http::field::etag) == validator;
  return header.count(http::field::etag) == 0 &&
         value(header, http::field::last_modified) == validator;
}

}  // namespace https_get
