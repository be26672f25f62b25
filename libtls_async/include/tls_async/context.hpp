// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Owns an SSL_CTX that is secure from its construction: who we are, whom we trust, what we speak.
// Every setting acts or throws. Does no network I/O and includes nothing of Asio.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/event.hpp>
#include <tls_async/error.hpp>
#include <tls_async/mode.hpp>
#include <tls_async/sessions/session_store.hpp>
#include <tls_async/sessions/ticket_keys.hpp>
#include <tls_async/stats.hpp>

#include <openssl/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tls_async {

class identities;

/// What the sessions of one role share: identity, trust and protocol settings.
///
/// A new context speaks TLS 1.2 up to the newest version OpenSSL has, in TLS 1.2 only with
/// ephemeral elliptic-curve key exchange and an AEAD cipher, at security level 2, without
/// renegotiation and without compression. Keys are exchanged in OpenSSL's default groups but those
/// of finite fields (ffdhe2048 and larger), whose cost a client could choose for a server
/// (CVE-2002-20001); `set_groups()` can name them. A server resumes sessions for a day, by tickets
/// whose keys change twice a day, and keeps at most 1 024 for clients that speak TLS 1.2 and take
/// no tickets. A client keeps sessions to resume where its handshakes know the port:
/// as_client{host, port}. A session is resumed only under the rules by which its peer was verified.
/// A client verifies its peer. A system-wide OpenSSL
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
/// each other. `trust`, `trust_file`, a server's later `set_alpn` and `use_identities` may run
/// while sessions are made and in their handshakes on any threads: each handshake sees what was set
/// before or after. Those of the context's own identity must not; all others belong before the
/// first session, and throw `bad_option` behind it. Sessions of one context may be made and used on
/// any number of threads.
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
  /// When a server sends tickets, in TLS 1.3.
  enum class ticket_moment {
    after_handshake,  ///< At once, in a send of their own.
    /// With the first write, in its send: none to one who leaves before. A client without
    /// tcp::no_delay may hold its request back for 40 ms: nothing acknowledges its handshake.
    with_first_write
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
  // are, unless it is added by `add_identity`. Once `use_identities` has succeeded, the other
  // functions throw `bad_option`: their pair would not be used.

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

  /// Gives a server an identity for each of many names, in the place of the context's own pair,
  /// which is not needed then: see `identities`. What is in use is replaced as a whole, by exactly
  /// these, and at any time: a handshake whose last ClientHello has come before goes on with what
  /// it had. `all` may be changed afterwards, and is then given to the context once more. A session
  /// whose identity is not among them any more is not resumed.
  ///
  /// OpenSSL has one place each for a ClientHello callback and for a servername callback, and does
  /// not tell what is in it. A server's context has ours from its construction on, so this replaces
  /// none of the program's; one that the program has set is in the place of ours. Where it is that
  /// of SSL_CTX_set_client_hello_cb(3), identities are not used. Where it is that of
  /// SSL_CTX_set_tlsext_servername_callback(3), they are, and it may choose others, but a client
  /// that is refused gets another alert, for want of a certificate.
  ///
  /// Throws `wrong_role` on a client's context, `bad_option` if there are none, `bad_certificate`
  /// or `bad_private_key` if one is too weak for security level 2 or of a type that TLS does not
  /// have. Then what was in use stays.
  /// Source: SSL_CTX_set_client_hello_cb(3), SSL_use_cert_and_key(3), RFC 6066 section 3,
  /// RFC 8446 section 4.6.1.
  void use_identities(identities const& all);

  // ---- Trust: what a peer's certificate is verified with. Each call adds to what is trusted. If
  // it throws std::bad_alloc, some of that may be trusted already.

  /// Trusts what OpenSSL trusts by default on this system: the file and the directory that
  /// `openssl version -d` tells, or those that SSL_CERT_FILE and SSL_CERT_DIR name.
  ///
  /// Directories are read as by `trust_directory()`, the file at once.
  ///
  /// Throws `bad_trust` when neither the file gives a certificate nor a directory has an entry.
  /// Source: SSL_CTX_set_default_verify_paths(3).
  void trust_system();

  /// Trusts every certificate of a PEM file, an intermediate or a peer's own certificate included.
  ///
  /// Throws `file_error` if the file cannot be read, `bad_trust` as `trust()` does.
  void trust_file(std::filesystem::path const& file);

  /// Trusts the certificates of a directory prepared with `openssl rehash`. They are read during
  /// handshakes, when one is needed, from the absolute path the directory has now, and then stay
  /// trusted for the life of the context: to take one away, make a new context. Sessions are
  /// resumed only where the directory had the same content when the context was told of it.
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

  /// Has a client accept only servers of whose certificates, the trusted authority's included, one
  /// has one of these public keys: SHA-256 of its SubjectPublicKeyInfo each, as 64 hexadecimal
  /// digits. What `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum`
  /// prints. This comes on top of all that is verified, no verify callback can overrule it, and it
  /// replaces the pins of before. Pin a second key that is not in use yet: without one, the loss of
  /// the first locks clients out (RFC 7469 section 2.5). `insecure_skip_verification()` turns this
  /// off too.
  ///
  /// Throws `wrong_role` on a server's context, `bad_option` if there is none or one is no such
  /// digest.
  /// Source: RFC 7469 section 2.6, X509_STORE_CTX_get0_chain(3).
  void pin_public_keys(std::vector<std::string> const& digests) {
    pin_public_keys(digests.data(), digests.size());
  }

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

  // ---- Sessions that clients resume.

  /// Makes `store` the one where clients find sessions to resume, and keep those that they get, in
  /// place of the one that the context has had from its construction. Several contexts may share
  /// one: a session is resumed only under the rules by which its peer was verified. Null: none is
  /// resumed.
  ///
  /// Only handshakes that know the port of their peer use it: as_client{host, port}. A program that
  /// sets a callback of its own for new sessions on `native_handle()` gets them instead
  /// (SSL_CTX_sess_set_new_cb(3)); then nothing is resumed from here. Nor is it where the program
  /// has set a session itself (SSL_set_session(3)) or chooses its certificates by
  /// SSL_CTX_set_client_cert_cb(3), or has a verify callback while there is no rules_version. The
  /// protocols that SSL_set_alpn_protos(3) offers for one session can't be seen, and count as those
  /// of set_alpn(): they are negotiated anew whenever a session is resumed (RFC 7301 section 3.1).
  /// Certificates chosen by SSL_CTX_set_cert_cb(3), and rules of
  /// SSL_CTX_set_cert_verify_callback(3), can't be seen either: set null with those.
  ///
  /// Throws `wrong_role` on a server's context.
  void use_session_store(std::shared_ptr<session_store> store);

  /// The store in use; null if there is none, as on a server's context. Thread-safe beside
  /// handshakes.
  [[nodiscard]] std::shared_ptr<session_store> sessions() const noexcept;

  // ---- Sessions that a server resumes. One is resumed only where the rules by which its client
  // was verified are those of now: what is trusted, who is asked for a certificate, and the version
  // of the program's own rules. All else is a full handshake, which the client is not told of as an
  // error: a session that is too old, or under a key that is not known. It is also resumed only for
  // the name that it was made for (SNI): the name is a part of its session id context, in the place
  // of one that the program has set by SSL_CTX_set_session_id_context(3). A program that has set a
  // callback of its own for the ClientHello (SSL_CTX_set_client_hello_cb(3)) does that itself
  // (SSL_set_session_id_context(3)), above all if it asks more of the clients of some names.
  //
  // All of these throw `wrong_role` on a client's context.

  /// Encrypts tickets with `keys` from here on, and accepts only theirs; a new context has random
  /// ones of its own. Give the keys to the next context too when a program makes a new one for a
  /// new certificate, and to all that serve the same name.
  ///
  /// May be called at any time, also while handshakes run on other threads.
  /// Throws `bad_option` if `keys` is null, and if the program has set keys of its own by
  /// SSL_CTX_set_tlsext_ticket_keys(3). Until then such keys are used; afterwards they are not. A
  /// callback for keys that the program has set itself, which can't be seen, stays in use.
  /// Source: SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
  void use_ticket_keys(std::shared_ptr<ticket_keys> keys);

  /// Sets how long a session may be resumed, from its first full handshake on; 24 hours in a new
  /// context. A new ticket in the place of an old one does not make it longer. Counts for sessions
  /// of before, too.
  ///
  /// Throws `bad_option` for less than one second or more than 7 days.
  /// Source: RFC 8446 section 4.6.1, SSL_SESSION_set_timeout(3).
  void set_session_lifetime(std::chrono::seconds total);

  /// Sets how many tickets a client of TLS 1.3 gets after a full handshake: 2 in a new context, at
  /// most 16. After one that was resumed it gets one. 0: none are made or accepted, in TLS 1.2 too.
  ///
  /// `moment` says when they are sent. TLS 1.2 has its ticket in the handshake anyway.
  ///
  /// Throws `bad_option` for more.
  /// Source: SSL_CTX_set_num_tickets(3), SSL_new_session_ticket(3), SSL_OP_NO_TICKET in
  /// SSL_CTX_set_options(3).
  void set_tickets(unsigned number, ticket_moment moment = ticket_moment::after_handshake);

  /// Sets how many sessions are kept for clients of TLS 1.2 that take no tickets, 1 024 in a new
  /// context; 0: none. They take 4 MiB at most, whatever the number. The one that was unused for
  /// the longest time goes first; one enters when its handshake is done,
  /// and leaves when a connection that has it ends without close_notify or with a fatal alert.
  ///
  /// May be called at any time, also while handshakes run on other threads.
  void set_session_cache(std::size_t sessions);

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

  // ---- What happens.

  /// Has `handler` told of the end of each handshake and of each session that is made from this
  /// context from here on; an empty one tells nobody. See `session_event`.
  ///
  /// It is called once for each end, and one after the other for one stream, from wherever that end
  /// is met: by a thread that runs the stream's executor, in a blocking call, and in the destructor
  /// of the stream; so for several streams by several threads at once. No lock is held: it may call
  /// into the stream, start verbs, and destroy it. What takes long there holds up that thread, and
  /// with it the strand that the stream runs on, if there is one; without a strand other threads
  /// may call the stream's handlers meanwhile. What it throws is dropped, and counted; without
  /// memory an event is lost, and counted. With an SNI callback that exchanges the SSL_CTX, the
  /// context counts that the stream was made from. Handshakes are timed only where there is a
  /// handler. What it captures has to outlive all streams, those in coroutines too, which an
  /// io_context destroys in its own destructor: declare it before the io_context.
  ///
  /// Before the first session; throws std::bad_alloc.
  void on_event(event_handler handler);

  /// What the sessions of this context have done so far, for metrics: handshakes and their
  /// failures, alerts, ends. Safe from any thread, also while sessions run. Each number is exact,
  /// but another session may have gone on between two of them.
  [[nodiscard]] tls_async::counters counters() const;

  /// Appends the secrets of all sessions that are negotiated from here on to a file, in the format
  /// that Wireshark reads: whoever reads it can read and change their traffic. For debugging; off
  /// unless called. A program that wants to do as others do, calls it with what the environment
  /// variable SSLKEYLOGFILE names.
  ///
  /// A file that is not there is made for its owner alone (mode 600). Each line is one append, so
  /// threads and processes may share it. What can't be written later is dropped. Replaces a
  /// callback that was set by SSL_CTX_set_keylog_callback(3).
  /// Before the first session, else `bad_option`.
  /// Throws `file_error`, and what to do, if the file can't be opened, is a symbolic link or has a
  /// second name (a hard link), is no regular file, belongs to another user, or may be read or
  /// written by others; std::bad_alloc.
  /// Source: SSL_CTX_set_keylog_callback(3), RFC 9850.
  void log_keys(std::filesystem::path const& file);

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
  void pin_public_keys(std::string const* first, std::size_t count);
  void verify_clients(char const* setter, int mode);
  void require_server(char const* setter) const;

  struct handle_free {
    void operator()(SSL_CTX* handle) const noexcept;
  };
  std::unique_ptr<SSL_CTX, handle_free> handle_;
};

}  // namespace tls_async
