// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the context tests share: a handshake between two contexts, files that go away again, and
// certificates and keys with one thing wrong. Uses no Asio.
#pragma once

#include <tls_async/context.hpp>

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace tls_async::test {

/// How a handshake ended, on both sides, and what it agreed on. Reasons are OpenSSL's words, empty
/// for a side that saw no error.
struct outcome {
  std::string client_reason;
  std::string server_reason;
  std::string version;
  std::string suite;
  std::string alpn;
  std::string server_subject;    ///< As the client saw it.
  std::string client_subject;    ///< As the server saw it.
  std::size_t chain_length = 0;  ///< Certificates the server sent.
  bool completed = false;
};
std::ostream& operator<<(std::ostream& out, outcome const& was);

/// Runs a handshake in memory, the session tickets and a late alert included.
outcome try_handshake(SSL_CTX* client, SSL_CTX* server);
inline outcome try_handshake(context& client, context& server) {
  return try_handshake(client.native_handle(), server.native_handle());
}

/// Ready to talk to each other: a server with the server identity, a client that trusts it.
context ready_server();
context ready_client();

/// Removed with everything in it when the test ends.
class temporary_directory {
public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;

  std::filesystem::path const& path() const noexcept { return path_; }
  /// Writes a file and returns its path.
  std::filesystem::path file(std::string const& name, std::string_view content) const;

private:
  std::filesystem::path path_;
};

/// Checks that `set` throws `code` with a text that begins with `text`, whatever the error queue
/// held before, and that the queue is empty then.
void check_refused(errc code, std::string const& text, std::function<void()> const& set);

/// Leaves an error in the thread's queue, as another library may.
void dirty_error_queue();

/// The key encrypted: as PKCS #8, or in the older form with a Proc-Type header.
std::string encrypted_key(std::string const& pem, std::string const& password);
std::string old_encrypted_key(std::string const& pem, std::string const& password);

/// A certificate for `common_name` and its key, RSA with this many bits, signed with its own key.
struct made {
  std::string certificate;
  std::string key;
};
made make_rsa(int bits, std::string const& common_name);

/// The certificate with another subject. Its signature is wrong then.
std::string renamed(std::string const& certificate, std::string const& common_name);

/// What X509_NAME_hash(3) and a suffix make of the first certificate: the name of a lookup entry.
std::string lookup_name(std::string const& certificate);

/// The certificate as DER.
std::string to_der(std::string const& certificate);
std::string pem_block(char const* label, std::string const& der);

}  // namespace tls_async::test
