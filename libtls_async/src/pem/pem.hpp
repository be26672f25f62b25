// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Reads files and PEM text, and says exactly what is wrong with them. Changes no context. Private
// to the library.
#pragma once

#include <tls_async/error.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "../core/openssl_ptr.hpp"
#include "refusal.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// `what` says what the file is for: "private key".
std::string file_origin(char const* what, std::filesystem::path const& file);
std::string memory_origin(char const* what);

/// What may be a private key: its memory is cleared whenever it is given up.
class secret_text {
public:
  secret_text() = default;
  secret_text(secret_text&&) noexcept = default;
  secret_text& operator=(secret_text&&) = delete;
  ~secret_text();

  std::string_view text() const noexcept { return {bytes_.data(), size_}; }
  std::size_t size() const noexcept { return size_; }
  /// Room for `more` bytes behind the text.
  char* room(std::size_t more);
  void grow_by(std::size_t written) noexcept { size_ += written; }

private:
  std::vector<char> bytes_;
  std::size_t size_ = 0;
};

/// The content of a file of at most 16 MiB; a pipe is read to its end. Throws `file_error`.
secret_text read_file(std::filesystem::path const& file, std::string const& origin);

/// Whether blocks that are no certificates are skipped or refused.
enum class other_blocks { skip, refuse };

/// Every certificate, in order, at least one. Throws `code`.
std::vector<certificate_ptr> parse_certificates(std::string_view pem, std::string const& origin,
                                                other_blocks others, errc code);

/// A public key of the type and strength of `like`, and no private key anywhere. Null if there is
/// no memory.
key_ptr nobodys_key(EVP_PKEY* like);

/// The only private key. Throws `bad_private_key`.
key_ptr parse_private_key(std::string_view pem, std::string_view password,
                          std::string const& origin);

/// A word of the caller's, as messages may show it.
std::string shown(std::string_view word);

/// The subject in the form of RFC 2253, for messages.
std::string subject_of(X509* certificate);

}  // namespace tls_async::detail
#pragma GCC visibility pop
