// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Times as HTTP writes them (RFC 9110, section 5.6.7).
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace https_server {

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::time_t time);

// The time it is. Made once a second in each thread; valid until that thread asks again.
std::string const& http_date_now();

// Reads this form and the two obsolete ones; nothing if the text is none of them.
std::optional<std::time_t> parse_http_date(std::string_view text);

}  // namespace https_server
