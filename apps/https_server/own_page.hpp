// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The page of a server that has no directory: what was negotiated, and live counters.
#pragma once

#include <tls_async/core/session_info.hpp>

#include <string>
#include <string_view>

namespace https_server {

// page.html as it stands in the source.
extern std::string_view const page_source;

std::string escaped_for_html(std::string_view text);

// A page for one connection: each {{word}} in `source` is replaced by the fact of that name, or by
// nothing. Whatever a client sent is escaped.
std::string own_page(std::string_view source, tls_async::session_info const& session);

}  // namespace https_server
