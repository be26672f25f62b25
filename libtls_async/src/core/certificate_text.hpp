// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What others have written, made fit for a message: the names in a certificate, which whoever made
// it could choose, and text of unknown origin. Private to the library.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <string>
#include <string_view>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// `text` with each byte escaped, as "\0A", of a control character, of a character that can't be
/// seen or turns the direction of text, of an apostrophe, and of what is not UTF-8. What would be
/// longer than `most` bytes ends with "...". Source: RFC 4514 section 2.4.
std::string printable(std::string_view text, std::size_t most);

/// `by`, and why, if something is said of that: of a refusal by the program.
std::string refusal_words(char const* by, std::string_view why);

/// A name as in RFC 4514, but in UTF-8, and with what `printable` escapes; at most 256 bytes.
std::string name_text(X509_NAME const* name);

/// The first five alternative names of a certificate, which are what a host is compared with; at
/// most 512 bytes. Empty if it has none, or none that can be read.
std::string alternative_names_text(X509 const* certificate);

}  // namespace tls_async::detail
#pragma GCC visibility pop
