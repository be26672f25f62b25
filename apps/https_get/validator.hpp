// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What tells that two responses have bytes of the same version of a file (RFC 9110, section 8.8.1).
#pragma once

#include <boost/beast/http/fields.hpp>

#include <string>
#include <string_view>

namespace https_get {

// The strong entity tag of a response; where there is none at all, the time of the last change, if
// that is strong (section 8.8.2.2). Empty if a part of this version could not be told from one of
// another. Goes into If-Range as it is.
std::string strong_validator(boost::beast::http::fields const& header);

// Whether it can be one: what stands in a file may be anything.
bool is_validator(std::string_view text);

// Whether a response that has a part of a file, or none (416), says that it is of this version. A
// server that knows no If-Range sends its part of whatever it has now.
bool is_version(boost::beast::http::fields const& header, std::string_view validator);

}  // namespace https_get
