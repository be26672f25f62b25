// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The conditions that a request for a file may carry (RFC 9110, section 13): is it sent, is the
// client's copy still good, or was it asked for another version of the file? Pure.
#pragma once

#include <boost/beast/http/message.hpp>

#include <ctime>
#include <string_view>

namespace https_server {

namespace http = boost::beast::http;

// What tells one version of a file from another.
struct validators {
  std::string_view tag;  // a strong entity tag, with its quotes
  std::time_t modified = 0;
};

enum class precondition {
  met,           // answer as if there were no condition
  not_modified,  // answer 304
  failed         // answer 412
};

// Judges If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of section
// 13.2.2, for GET and HEAD of a file that there is.
precondition judge(http::request_header<> const& request, validators const& current);

// May a part of the current version be sent? True without an If-Range.
//
// Only a strong validator makes parts of two answers fit together, and a time is one only for a
// server that knows that the file did not change twice within that second. We do not.
bool allows_range(http::request_header<> const& request, validators const& current);

}  // namespace https_server
