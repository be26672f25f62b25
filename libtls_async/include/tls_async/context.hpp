// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Owns an SSL_CTX that is secure from its construction: who we are, whom we trust, what we speak.
// Every setting acts or throws. Does no network I/O and includes nothing of Asio.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/error.hpp>
#include <tls_async/mode.hpp>
#include <tls_async/stats.hpp>

#include <openssl/types.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tls_async {

/// What the sessions of one role share: identity, trust and protocol settings.
///
/// A new context speaks TLS 1.2 up to the newest version OpenSSL has, in TLS 1.2 only with
/// ephemeral elliptic-curve key exchange and an AEAD cipher, at security level 2, without
/// renegotiation and without compression. Keys are exchanged in OpenSSL's default groups but those
/// of finite fields (ffdhe2048 and larger), whose cost a client could choose for a server
/// (CVE-2002-20001); `groups()` can name them. Sessions are resumed by tickets only; nothing is
/// kept for peers, so one that speaks TLS 1.2 and takes no tickets never resumes
/// (SSL_CTX_set_session_cache_mode(3)). A client verifies its peer. A system-wide OpenSSL
/// configuration can make this stricter, not weaker. All suites are strong, so a server follows the
/// client's order, which knows whether its machine has AES instructions. What weakens a context has
/// `insecure` in its name; whatever else is wanted can be set through `native_handle()`, at the
/// caller's own risk.
///
/// Order of calls: any, but `require_client_certificate()` and `request_client_certificate()` come
/// after what they verify with. Settings reach the sessions that are made afterwards.
///
/// Errors: every function but the queries throws boost::system::system_error with a code of `errc`
/// and a text that names the file, the certificate or the word that was refused and says what to
/// do. A function that threw has changed nothing. Running out of memory is std::bad_alloc. The
/// thread's OpenSSL error queue is empty when a function returns or throws.
///
/// Concurrency: distinct contexts: safe. One context: its setters must not run at the same time as
/// each other. `trust`, `trust_file`, and a server's later `set_alpn` may run while sessions are
/// made and in their handshakes on any threads: each handshake sees what was set before or after.
/// The setters of identity must not; all others belong before the first session, and throw
/// `bad_option` behind it. Sessions of one context may be made and used on any number of threads.
///
/// Lifetime: a session keeps the SSL_CTX, so streams may outlive their context. Nothing passed to a
/// function has to outlive the call. A context that was moved from may only be destroyed or
/// assigned to.
class context {
public:
  /// Who we are in a connection.
  enum class role {
    client,  ///< The one that connects, and verifies its peer.
    server   ///< The one that is connected to, and has a certificate.
  };
  /// Of the TLS protocol.
  enum class version {
    tls1_2,  ///< RFC 5246
    tls1_3   ///< RFC 8446
  };

  /// Makes a context for one role in connections.
  /// Source: SSL_CTX_new(3), SSL_CTX_set_options(3), SSL_CTX_set_security_level(3).
  explicit context(role as);

  /// What was moved from may only be destroyed or assigned to.
  context(context&&) noexcept;
  /// Streams of the context that was here before keep its SSL_CTX.
  context& operator=(context&&) noexcept;
  ~context();

  /// It was made for servers.
  [[nodiscard]] bool is_server() const noexcept;

  /// The SSL_CTX, owned by this context; null after a move.
  [[nodiscard]] SSL_CTX* native_handle() noexcept { return handle_.get(); }

  // ---- Identity: the certificate chain and the private key that belongs to it.
  //
  // Either may come first; the pair takes effect when both are there and belong together. Until
  // then, and when one of them throws, the pair set before stays in use. A new chain for the key in
  // use takes effect at once. A new pair replaces all that are in use, of whatever type their keys
  // are, unless it is added by `add_identity`.

  /// Reads our certificate chain from a PEM file: our own certificate first, then each
  /// intermediate; other blocks in the file, such as the key, are skipped. Exactly these
  /// certificates are sent: none is added from the trust store.
  ///
  /// Throws `file_error` if the file cannot be read, `bad_certificate` if it has no certificate, a
  /// damaged one, or one that is too weak for security level 2, `key_mismatch` if a private key is
  /// waiting and belongs to another certificate.
  /// Source: SSL_CTX_use_cert_and_key(3), RFC 8446 section 4.4.2.
  void use_certificate_chain_file(std::filesystem::path const& file);

  /// Reads the chain from memory, as `use_certificate_chain_file` does from a file.
  void use_certificate_chain(std::string_view pem);

  /// Reads our private key from a PEM file: PKCS #8 or the older forms, encrypted or not; other
  /// blocks in the file, such as certificates, are skipped. Never asks a terminal for a password.
  ///
  /// `password` is used if the key is encrypted, and is not kept. At most 1 023 bytes.
  /// Throws `file_error` if the file cannot be read, `bad_private_key` if it has no key, several, a
  /// damaged one, or if the password is missing or wrong, `key_mismatch` if a chain is waiting and
  /// the key does not belong to its first certificate.
  /// Source: PEM_read_bio_PrivateKey(3), SSL_CTX_use_cert_and_key(3).
  void use_private_key_file(std::filesystem::path const& file, std::string_view password = {});

  /// Reads the key from memory, as `use_private_key_file` does from a file.
  void use_private_key(std::string_view pem, std::string_view password = {});

  /// Adds a chain and its key, from files, to the pairs in use, for peers that can't verify those:
  /// one for each type of key, RSA and EC, say, and the handshake picks the one that suits the
  /// peer. Replaces only the pair whose key is of the same type.
  ///
  /// Throws what the setters above throw.
  void add_identity_files(std::filesystem::path const& chain_file,
                          std::filesystem::path const& key_file, std::string_view password = {});

  /// The same from memory.
  void add_identity(std::string_view chain_pem, std::string_view key_pem,
                    std::string_view password = {});

  // ---- Trust: what a peer's certificate is verified with. Each call adds to what is trusted. If
  // it throws std::bad_alloc, some of that may be trusted already.

  /// Trusts what OpenSSL trusts by default on this system: the file and the directory that
  /// `openssl version -d` tells, or those that SSL_CERT_FILE and SSL_CERT_DIR name.
  ///
  /// Throws `bad_trust` when neither the file gives a certificate nor a directory has an entry.
  /// Source: SSL_CTX_set_default_verify_paths(3).
  void trust_system();

  /// Trusts every certificate of a PEM file, an intermediate or a peer's own certificate included.
  ///
  /// Throws `file_error` if the file cannot be read, `bad_trust` as `trust()` does.
  void trust_file(std::filesystem::path const& file);

  /// Trusts the certificates of a directory prepared with `openssl rehash`. They are read during
  /// handshakes, when one is needed, from the absolute path the directory has now.
  ///
  /// Throws `file_error` if the directory cannot be read, `bad_trust` if it has no entry with a
  /// name such as 5ed36f99.0.
  /// Source: SSL_CTX_load_verify_dir(3), openssl-rehash(1).
  void trust_directory(std::filesystem::path const& directory);

  /// Trusts every certificate of a PEM text.
  ///
  /// Throws `bad_trust` if there is none, or if a block is damaged or is no certificate, and says
  /// which block by its position. Then none of them is trusted.
  /// Source: X509_STORE_add_cert(3), X509_V_FLAG_PARTIAL_CHAIN in X509_VERIFY_PARAM_set_flags(3).
  void trust(std::string_view pem);

  // ---- Protocol.

  /// Sets the oldest and the newest version to speak.
  ///
  /// Throws `bad_option` if `oldest` is newer than `newest`, or OpenSSL was built without them.
  /// Source: SSL_CTX_set_min_proto_version(3).
  void set_versions(version oldest, version newest);

  /// Sets the suites of TLS 1.2, in OpenSSL's cipher list format, most wanted first.
  ///
  /// Throws `bad_option`, unlike OpenSSL, for each word that matches no suite, also behind `!` or
  /// `-`; for a list in which a suite without ephemeral key exchange or AEAD is left; and for
  /// `@SECLEVEL` and `SUITEB`, which would change more than the suites.
  /// Source: openssl-ciphers(1), RFC 9325 section 4.2.
  void set_ciphers_tls12(std::string const& list);

  /// Sets the suites of TLS 1.3, their names joined by ':', most wanted first.
  ///
  /// Throws `bad_option` for an empty list and, unlike OpenSSL, for each name that OpenSSL does not
  /// know or that security level 2 forbids.
  /// Source: SSL_CTX_set_ciphersuites(3).
  void set_ciphersuites_tls13(std::string const& list);

  /// Sets the groups for key exchange, their names joined by ':', most wanted first, for example
  /// "X25519:P-256".
  ///
  /// Throws `bad_option` if the list is empty, or names a group that OpenSSL does not know or that
  /// security level 2 forbids; before OpenSSL 3.5 also if it names one twice.
  /// Source: SSL_CTX_set1_groups_list(3).
  void set_groups(std::string const& list);

  /// Sets the application protocols, most wanted first, for example {"h2", "http/1.1"}.
  ///
  /// A client offers them. A server picks the first of its own that the client offers; without one
  /// in common the handshake fails with the alert no_application_protocol; a client that offers
  /// none is accepted, and the session then has no protocol.
  /// Throws `bad_option` if there are none, one is empty or longer than 255 bytes, or all together,
  /// one byte more for each, exceed 61 440 bytes.
  /// Source: RFC 7301, SSL_CTX_set_alpn_select_cb(3).
  void set_alpn(std::vector<std::string> const& protocols) {
    set_alpn(protocols.data(), protocols.size());
  }

  /// Names the version of what the program itself does to verify peers, such as a verify callback:
  /// "pins of 2026-11". A session is resumed only under the version under which its peer was
  /// verified, for nobody is verified when it is resumed; and a stream with a callback of its own
  /// resumes only where there is a version. Empty, the default, is none.
  void set_rules_version(std::string named);

  /// Makes a server refuse clients that have no certificate it can verify with what is trusted now
  /// or will be. The names of the trusted authorities are sent to clients where they are known and
  /// take at most 16 KiB: those from files and memory, not those from directories.
  ///
  /// Throws `wrong_role` on a client's context, `empty_trust_store` if nothing is trusted yet.
  /// Source: SSL_CTX_set_verify(3), SSL_CTX_set0_CA_list(3).
  void require_client_certificate();

  /// As `require_client_certificate()`, but clients without any certificate are accepted. One whose
  /// certificate cannot be verified is still refused.
  void request_client_certificate();

  /// Lets a client connect to anyone: neither the server's certificate nor its host name is
  /// verified, whatever is trusted. An attacker between the two can read and change everything.
  ///
  /// Throws `wrong_role` on a server's context.
  void insecure_skip_verification();

  // ---- Modes (SSL_CTX_set_mode(3)), which streams made later inherit. A new context has
  // enable_partial_write, accept_moving_write_buffer, auto_retry and release_buffers.

  /// Adds a mode and keeps the others. Returns all modes that are set then.
  unsigned long set_mode(mode m) { return set_mode(static_cast<unsigned long>(m)); }
  /// Adds modes given as bits, OpenSSL's or ours. Throws `bad_option` for a bit that means nothing
  /// to a stream.
  unsigned long set_mode(unsigned long bits);
  /// Removes a mode. Returns all modes that are set then.
  unsigned long clear_mode(mode m);
  /// All modes that are set.
  [[nodiscard]] unsigned long modes() const noexcept;

  /// What all streams of this context have done so far, those that are gone included. Streams add
  /// to it when they are destroyed.
  [[nodiscard]] tls_async::stats stats() const;

  // ---- Memory.

  /// Memory that the streams of this context hold now, in bytes: the sum of their memory_usage().
  /// Each stream reports when it comes to rest, so a stream that is busy on another thread may be
  /// counted as it was before.
  [[nodiscard]] std::size_t memory_usage() const noexcept;

  /// Sets how much the streams of this context are to hold together, in bytes; 0, the default, is
  /// no limit. Takes effect at once.
  ///
  /// If one more ring would exceed the budget, a stream that has none does not begin to seal: its
  /// writes wait, in the order of the streams, until others have flushed theirs, and their
  /// deadlines run. A read then takes one record at a time and holds no ring in between, and
  /// tls_try_write refuses with queue_full. Handshakes, alerts, close_notify and blocking calls do
  /// not wait. If no stream with a verb in progress holds a ring, one may always take one, so a
  /// budget that is too small makes streams take turns.
  /// Leave room for what streams can't do without, about 1.5 KiB each, and for some rings (204 KiB
  /// with the default of four records). Not exact: each thread can exceed it by a ring.
  void set_memory_budget(std::size_t bytes) noexcept;

private:
  // Without a vector, which is another one where a program is built with _GLIBCXX_DEBUG.
  void set_alpn(std::string const* first, std::size_t count);
  void verify_clients(char const* setter, int mode);

  struct handle_free {
    void operator()(SSL_CTX* handle) const noexcept;
  };
  std::unique_ptr<SSL_CTX, handle_free> handle_;
};

}  // namespace tls_async
