// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The table of the extensions.
#include "media_type.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>

namespace https_server {
namespace {

struct known_type {
  std::string_view extension;
  std::string_view media_type;
};

constexpr std::array known_types{
    known_type{".html", "text/html; charset=utf-8"},
    known_type{".htm", "text/html; charset=utf-8"},
    known_type{".css", "text/css; charset=utf-8"},
    known_type{".js", "text/javascript; charset=utf-8"},
    known_type{".mjs", "text/javascript; charset=utf-8"},
    known_type{".txt", "text/plain; charset=utf-8"},
    known_type{".md", "text/markdown; charset=utf-8"},
    known_type{".csv", "text/csv; charset=utf-8"},
    known_type{".json", "application/json"},
    known_type{".xml", "application/xml"},
    known_type{".wasm", "application/wasm"},
    known_type{".pdf", "application/pdf"},
    known_type{".zip", "application/zip"},
    known_type{".gz", "application/gzip"},
    known_type{".svg", "image/svg+xml"},
    known_type{".png", "image/png"},
    known_type{".jpg", "image/jpeg"},
    known_type{".jpeg", "image/jpeg"},
    known_type{".gif", "image/gif"},
    known_type{".webp", "image/webp"},
    known_type{".avif", "image/avif"},
    known_type{".ico", "image/vnd.microsoft.icon"},
    known_type{".woff2", "font/woff2"},
    known_type{".woff", "font/woff"},
    known_type{".mp3", "audio/mpeg"},
    known_type{".ogg", "audio/ogg"},
    known_type{".mp4", "video/mp4"},
    known_type{".webm", "video/webm"},
};

}  // namespace

std::string_view media_type(std::string_view file_name) {
  auto const dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return "application/octet-stream";
  auto const extension = file_name.substr(dot);
  auto const known = std::find_if(known_types.begin(), known_types.end(), [&](auto const& type) {
    return boost::beast::iequals({extension.data(), extension.size()},
                                 {type.extension.data(), type.extension.size()});
  });
  return known == known_types.end() ? "application/octet-stream" : known->media_type;
}

}  // namespace https_server
