// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Names are escaped twice: as a part of a URL, and as text.
#include "directory_page.hpp"

#include "own_page.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

namespace https_server {

std::string directory_page(std::string_view path, std::span<std::string const> names) {
  auto const title = escaped_for_html(path);
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">"
      "<style>body{font-family:sans-serif}li{overflow-wrap:anywhere}</style><title>" +
      title + "</title></head>\n<body><h1>" + title + "</h1>\n<ul>\n";
  if (path != "/") page += "<li><a href=\"../\">../</a></li>\n";
  for (auto const& name : names)
    page += "<li><a href=\"./" + boost::urls::encode(name, boost::urls::unreserved_chars + '/') +
            "\">" + escaped_for_html(name) + "</a></li>\n";
  return page + "</ul></body></html>\n";
}

}  // namespace https_server
