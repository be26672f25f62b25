// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Two plain OpenSSL sessions over a loopback connection: a server that may hand its records to the
// kernel, and a client in user space that tells what came out of it.
// Must not use tls_async code: it is what tls_async is compared with, and its peer in tests.
#pragma once

#include <csignal>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include <sys/types.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <tls_async_test/tls_pair.hpp>

#include "support/openssl_version.hpp"

namespace tls_async::test {

/// Whether this kernel has TLS. A case that needs it says "skipped" where it has not, and fails
/// there when the environment has KTLS_REQUIRED, as the guest has.
bool kernel_tls();

/// From Linux 6.14 on the kernel takes new keys, which OpenSSL (3.6 was seen) gives it.
bool kernel_takes_new_keys();

struct kernel_suite {
  char const* name;
  int version;
  char const* cipher;
};
inline std::ostream& operator<<(std::ostream& out, kernel_suite const& shown) {
  return out << shown.name;
}
inline constexpr kernel_suite tls13_aes128{"tls13_aes128", TLS1_3_VERSION,
                                           "TLS_AES_128_GCM_SHA256"};
inline constexpr kernel_suite tls13_aes256{"tls13_aes256", TLS1_3_VERSION,
                                           "TLS_AES_256_GCM_SHA384"};
inline constexpr kernel_suite tls13_chacha{"tls13_chacha", TLS1_3_VERSION,
                                           "TLS_CHACHA20_POLY1305_SHA256"};
inline constexpr kernel_suite tls12_aes128{"tls12_aes128", TLS1_2_VERSION,
                                           "ECDHE-ECDSA-AES128-GCM-SHA256"};
inline constexpr kernel_suite tls12_aes256{"tls12_aes256", TLS1_2_VERSION,
                                           "ECDHE-ECDSA-AES256-GCM-SHA384"};
inline constexpr kernel_suite tls12_chacha{"tls12_chacha", TLS1_2_VERSION,
                                           "ECDHE-ECDSA-CHACHA20-POLY1305"};
/// No kernel has it, in any version.
inline constexpr kernel_suite tls12_cbc{"tls12_cbc", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"};

/// Which of the server's BIOs is the socket.
enum class through_kernel {
  tx,     ///< The write BIO; it reads from a BIO pair, which the test fills from the socket.
  tx_rx,  ///< Both.
};

/// What SSL_sendfile answered.
struct file_answer {
  ossl_ssize_t sent = 0;
  int error = SSL_ERROR_NONE;  ///< Of SSL_get_error.
  int reason = 0;              ///< As ERR_GET_REASON gives it, or 0 when the queue was empty.
  int os_error = 0;            ///< errno, where nothing was sent.
};
std::ostream& operator<<(std::ostream& out, file_answer const& given);

/// Checks that nothing was sent and returns the errno that says why. OpenSSL itself says less: 3.0
/// has one reason for everything, later ones queue a system error.
int refusal(file_answer const& given);

/// A file without a name; the bytes are numbered_plaintext.
class unnamed_file {
public:
  explicit unnamed_file(std::size_t length);
  unnamed_file(unnamed_file const&) = delete;
  unnamed_file& operator=(unnamed_file const&) = delete;
  ~unnamed_file();

  int descriptor() const noexcept { return descriptor_; }
  std::string const& content() const noexcept { return content_; }
  void shrink_to(std::size_t length);

private:
  std::string content_;
  int descriptor_;
};

class kernel_session_pair {
public:
  /// Connected, and the handshake is done.
  explicit kernel_session_pair(kernel_suite const& chosen = tls13_aes128,
                               through_kernel way = through_kernel::tx, bool asked_for = true);

  SSL* server() noexcept { return server_.get(); }
  SSL* client() noexcept { return client_.get(); }
  bool kernel_sends() { return BIO_get_ktls_send(SSL_get_wbio(server_.get())) != 0; }
  bool kernel_receives() { return BIO_get_ktls_recv(SSL_get_rbio(server_.get())) != 0; }

  answer server_writes(std::string_view plaintext);
  /// One SSL_read_ex, once all that the socket has is in the pair.
  answer server_reads(std::string& plaintext);
  file_answer server_sends(int file, off_t offset, std::size_t length);
  answer client_writes(std::string_view plaintext);
  answer server_key_update(int kind);
  answer client_key_update(int kind);
  answer server_shutdown();

  /// Reads until there are `length` bytes in all, and waits for them.
  void client_reads_up_to(std::size_t length, std::string& plaintext);
  /// Reads what has arrived.
  void client_reads(std::string& plaintext);
  /// The first answer without plaintext, and waits for that.
  answer client_reads_to_end(std::string& plaintext);

  /// Until the server's socket is no longer full.
  void wait_writable();
  /// Until the client's bytes have arrived at the server's socket.
  void wait_for_input();
  /// The server's writes go into the pair from now on, as its reads come from there.
  void write_into_pair();
  /// Sends what is in the pair.
  void empty_pair();
  /// The client goes away without a close_notify; both return when the server's socket knows.
  void reset_client();
  void close_client();
  /// Closes its socket.
  void close_server();

private:
  void wait_for_hang_up();
  void fill_pair();

  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket server_socket_{io_};
  boost::asio::ip::tcp::socket client_socket_{io_};
  session_ptr server_;
  session_ptr client_;
  bio_ptr outer_;
};

/// Blocks SIGPIPE in this thread for as long as it lives.
class blocked_sigpipe {
public:
  blocked_sigpipe();
  blocked_sigpipe(blocked_sigpipe const&) = delete;
  blocked_sigpipe& operator=(blocked_sigpipe const&) = delete;
  ~blocked_sigpipe();
  /// Whether one was raised since it was asked last.
  bool raised();

private:
  sigset_t before_{};
};

}  // namespace tls_async::test
