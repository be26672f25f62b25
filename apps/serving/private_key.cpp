// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The password is in a file, since all users of a machine see the words of a command line.
#include "private_key.hpp"

#include <openssl/crypto.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace serving {

key_password::key_password(std::optional<std::filesystem::path> const& file) {
  if (!file) return;
  // Unbuffered, and with room for all that a password may have: no other copy is made.
  std::ifstream stream;
  stream.rdbuf()->pubsetbuf(nullptr, 0);
  stream.open(*file);
  text_.reserve(1024);
  for (char c = 0; text_.size() < 1024 && stream.get(c) && c != '\n';)
    text_ += c;
  if (text_.ends_with('\r')) text_.pop_back();
  if (text_.empty())
    throw std::runtime_error("the first line of the password file '" + file->string() +
                             (stream.is_open() ? "' is empty" : "' cannot be read") +
                             "; give --key-password-file a file that has the password there");
}

key_password::~key_password() { OPENSSL_cleanse(text_.data(), text_.size()); }

namespace {

template <class Use>
void with(key_password const& password, Use const& use) {
  try {
    use(password.text());
  } catch (std::exception const& error) {
    std::string const why = error.what();
    if (!password.text().empty() || why.find("pass its password") == std::string::npos) throw;
    throw std::runtime_error(why + "; give --key-password-file a file with it in its first line");
  }
}

}  // namespace

void add_identity(tls_async::identities& to, std::filesystem::path const& certificate,
                  std::filesystem::path const& key, key_password const& password) {
  with(password, [&](std::string const& text) { to.add_files(certificate, key, text); });
}

void add_identities(tls_async::identities& to, std::filesystem::path const& folder,
                    key_password const& password) {
  with(password, [&](std::string const& text) { to.add_directory(folder, text); });
}

void use_private_key(tls_async::context& context, std::filesystem::path const& key,
                     key_password const& password) {
  with(password, [&](std::string const& text) { context.use_private_key_file(key, text); });
}

}  // namespace serving
