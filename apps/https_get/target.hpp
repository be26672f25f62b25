// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What to fetch and where to put it. The only part that takes URLs apart.
#pragma once

#include <boost/url/url.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace https_get {

struct target {
  boost::urls::url url;
  std::filesystem::path file;

  bool is_standard_output() const { return file == "-"; }
};

// An absolute https URL with a host. Throws failure with wrong_usage.
boost::urls::url parse_url(std::string_view text);

// Where a redirect from `base` leads. Throws failure with refused unless it is https.
boost::urls::url redirected(boost::urls::url const& base, std::string_view location);

// The last part of the path. Throws failure with wrong_usage if that is no name for a file.
std::string file_name(boost::urls::url const& url);

// As getaddrinfo and certificates have it: IPv6 addresses without brackets.
std::string host(boost::urls::url const& url);
std::string port(boost::urls::url const& url);

// For the request line.
std::string request_target(boost::urls::url const& url);

}  // namespace https_get
