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
namespace {

// Leaves nothing of the password in memory.
struct password {
  std::string text;
  ~password() { OPENSSL_cleanse(text.data(), text.size()); }
};

void read_first_line(std::filesystem::path const& file, password& into) {
  // Unbuffered, and with room for all that a password may have: no other copy is made.
  std::ifstream stream;
  stream.rdbuf()->pubsetbuf(nullptr, 0);
  stream.open(file);
  into.text.reserve(1024);
  for (char c = 0; into.text.size() < 1024 && stream.get(c) && c != '\n';)
    into.text += c;
  if (into.text.ends_with('\r')) into.text.pop_back();
  if (into.text.empty())
    throw std::runtime_error("the first line of the password file '" + file.string() +
                             (stream.is_open() ? "' is empty" : "' cannot be read") +
                             "; give --key-password-file a file that has the password there");
}

}  // namespace

void use_private_key(tls_async::context& context, std::filesystem::path const& key,
                     std::optional<std::filesystem::path> const& password_file) {
  password with;
  if (password_file) read_first_line(*password_file, with);
  try {
    context.use_private_key_file(key, with.text);
  } catch (std::exception const& error) {
    std::string const why = error.what();
    if (password_file || why.find("pass its password") == std::string::npos) throw;
    throw std::runtime_error(why + "; give --key-password-file a file with it in its first line");
  }
}

}  // namespace serving
