// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a session has agreed on, and a header of HTTP, in lines for people.
#pragma once

#include <boost/beast/http/fields.hpp>

#include <openssl/types.h>

#include <string>
#include <vector>

namespace https_get {

// Protocol, cipher suite, group and ALPN, then the first certificates the peer has sent.
std::vector<std::string> describe_session(SSL* session, std::string const& alpn);

// Each line begins with `mark`.
std::vector<std::string> describe_header(std::string const& mark, std::string const& start_line,
                                         boost::beast::http::fields const& header);

}  // namespace https_get
