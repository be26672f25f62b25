// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine: one TLS session without I/O. Plaintext and ciphertext go in and out, and every call
// answers with what it needs next. The only code that calls SSL_* for a session, and the only
// reader of SSL_get_error. Does no I/O, and knows no sockets, clocks, threads or Asio: how
// ciphertext gets from OpenSSL and to it is its path (core/path.hpp).
//
//     plaintext --seal--> record --> path: ring().readable() --> (flush, by the caller)
//     plaintext <--open-- record <-- path: ring().writable() <-- (fill, by the caller)
//
// Whatever a call answers, it may have left ciphertext in the ring: flush before waiting for input.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/failure.hpp>
#include <tls_async/core/path.hpp>
#include <tls_async/core/pending_record.hpp>
#include <tls_async/core/phase.hpp>
#include <tls_async/core/question.hpp>
#include <tls_async/core/session_info.hpp>
#include <tls_async/core/session_keeper.hpp>
#include <tls_async/core/step.hpp>
#include <tls_async/options.hpp>
#include <tls_async/stats.hpp>

#include <openssl/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct ssl_session_st;  // SSL_SESSION, which <openssl/types.h> does not declare
struct stack_st_X509;   // STACK_OF(X509)

namespace tls_async {

namespace detail {
class context_counters;
class thread_jobs;
struct remote_signature;
}  // namespace detail

/// One TLS session without I/O: what `stream` is made of. Programs that use a stream need it only
/// to know of; one that moves its bytes in another way can use it alone. Not thread-safe.
class engine {
public:
  /// Asked for every certificate of the peer's chain, after OpenSSL's own verdict
  /// (SSL_set_verify(3)).
  using verify_callback = std::function<bool(bool preverified, X509_STORE_CTX*)>;

  /// A session of `context`, which it keeps alive. Throws std::bad_alloc, and bad_option if
  /// `ring_records` of `options` is none that it can have.
  engine(SSL_CTX* context, stream_options const& options);
  /// Takes over `session`, which has no BIO yet.
  engine(SSL* session, stream_options const& options);
  ~engine();
  engine(engine const&) = delete;
  engine& operator=(engine const&) = delete;

  /// Has `context` tell engines of the sessions that their clients get, for those to whom
  /// `stream_options::sessions` or the context gives a keeper (SSL_CTX_sess_set_new_cb(3)). False
  /// if it has a callback of its own, which stays. Not while sessions of it are in their handshake,
  /// unless it is so already.
  [[nodiscard]] static bool watch_sessions(SSL_CTX* context) noexcept;

  // Before the handshake.

  /// Server (SSL_set_accept_state(3)). wrong_role if its handshake has begun as a client's.
  error_code be_server() noexcept;
  /// Client of a host that is not named (SSL_set_connect_state(3)): where one of our contexts is to
  /// verify it, only a callback that `checks_host` lets its handshake succeed.
  void be_client() noexcept;
  /// Client that verifies the peer, and that its certificate is for `host`: a DNS name, which is
  /// also sent as SNI, or an IP address literal, which is not (RFC 6066 section 3). The names in
  /// the certificate's subject don't count, and a wildcard stands for a whole label (RFC 9525). It
  /// adds to what is set on the session: a callback, a mode, a depth, hosts and their flags.
  ///
  /// no_host_name: `host` is empty. bad_host_name: it is neither; `error_info` says what to pass.
  /// The engine is then as before. Once the handshake has begun nothing can be added: not_verified,
  /// unless it began with this host, or is done and has verified the peer for it. wrong_role: it
  /// began as a server's. Throws std::bad_alloc.
  ///
  /// `port`: of the host. With one, sessions are resumed that context::sessions() has for both, and
  /// kept there; 0: only those of `stream_options::sessions`.
  [[nodiscard]] error_code be_client_of(std::string_view host, std::uint16_t port = 0);
  /// Another session with the same SSL, if SSL_clear(3) was called since its handshake began: what
  /// was left of the one before is gone, and its failure forgotten. True if so. A client's
  /// SSL_SESSION goes too, as OpenSSL would resume it whatever the rules are now.
  bool begin_anew_if_cleared() noexcept;
  /// It would begin anew now.
  [[nodiscard]] bool is_cleared() const noexcept;
  /// SSL_VERIFY_NONE and so on, of SSL_set_verify(3).
  void set_verify_mode(int mode) noexcept;
  /// SSL_set_verify_depth(3).
  void set_verify_depth(int depth) noexcept;
  /// `callback` has the last word on each certificate, but for one set by SSL_set_verify(3) later
  /// than it, and is trust enough for one of our contexts that trusts nobody. It replaces those of
  /// before. What it throws refuses it. `checks_host`: it knows whom we want.
  void verify_with(verify_callback callback, bool checks_host);
  /// What SSL_CTX_set_client_hello_cb(3) of one of our contexts is to do.
  enum class hello { goes_on, waits, is_refused };
  /// Asks the program about the ClientHello of a session, if it wants that. When it goes on `use`
  /// is what puts certificates into the session, if the program has chosen some.
  [[nodiscard]] static hello ask_about_hello(SSL* ssl, int& alert,
                                             std::function<bool(SSL*)> const*& use) noexcept;
  /// Whether a ticket that is made now is only to be the end of a session of TLS 1.3 that the
  /// program has refused: OpenSSL sends an alert of our choice in no other place.
  [[nodiscard]] static bool is_refusing(SSL const* ssl) noexcept;
  /// Does with the session what an answer of the program says. False, and the handshake is refused,
  /// if that is not accepted.
  [[nodiscard]] static bool use_chosen(SSL* ssl, std::function<bool(SSL*)> const& use) noexcept;
  /// Asks the program whose handshake is under way on this thread for a signature, and waits for it
  /// as a job of OpenSSL's does (ASYNC_pause_job(3)). How many bytes it is; 0 if there is none.
  [[nodiscard]] static std::size_t sign(detail::remote_signature const& asked,
                                        std::span<std::byte> to) noexcept;
  /// Whether a callback of the program's has a say about the peer's certificate: one of
  /// `verify_with`, of the context or of the session (SSL_set_verify(3)). `ssl` may be without
  /// engine.
  [[nodiscard]] static bool asks_program(SSL const* ssl) noexcept;

  /// Has the handshake stop where the program wants to decide: with want::decision. What goes with
  /// a handshake stays with its session, so when that has begun another choice is bad_option. So is
  /// a client's wish to see a ClientHello, or a server's whose SSL_CTX is not ours, or any beside
  /// `allow_renegotiation`, whose handshakes nobody would be asked about. Replaces a callback of
  /// SSL_set_cert_cb(3) if it concerns certificates. Throws std::bad_alloc.
  error_code ask(questions const& wanted);
  /// The program is asked by the handshake.
  [[nodiscard]] questions asks() const noexcept;
  /// What it has to decide now; null if nothing. Owned together with others: it may outlive this.
  [[nodiscard]] std::shared_ptr<tls_async::question const> question() const noexcept;
  /// Answers `question()`. The next call of `handshake` goes on; where it was asked for a
  /// signature, that has to be on the thread that has asked (ASYNC_start_job(3)), else the session
  /// fails with bad_option.
  void decide(verdict decided);
  /// Nobody will go on with the handshake. If it waits for a signature, the session fails with
  /// that.
  void give_up_signature() noexcept {
    if (has_job()) end_signature();
  }

  // Each answers want::flush or want::fill until it is done; call it again after that flush or
  // fill.

  /// Negotiates, as SSL_do_handshake(3) does; want::nothing: it is done. `seal` and `open` begin
  /// with it, so that no plaintext passes before the peer was verified as asked for.
  step handshake();
  /// Seals at most one record, and takes `bytes` of `plaintext` for good, which may be less than it
  /// was given: no record is longer than 16 384 bytes, and a peer (RFC 6066 section 4) or the
  /// session's owner (SSL_CTX_set_max_send_fragment(3)) may want shorter ones. With want::flush
  /// OpenSSL has begun a record that it can't finish yet: the engine keeps what it took, and
  /// `finish_record` goes on, before which nothing else may be sealed. With want::fill nothing was
  /// begun and nothing taken: a message of a handshake has to come to its end first.
  /// Precondition: `plaintext` is not empty and no record is pending.
  step seal(std::span<std::byte const> plaintext);
  /// Goes on with what `seal` took and could not finish; want::nothing: all of it is sealed.
  step finish_record();
  /// Opens at most one record. want::nothing comes with at least one byte, any other answer with
  /// none. want::flush may mean that an answer to the peer waits for what `finish_record` or
  /// `close_notify` has to do first, so call those too.
  /// Precondition: `plaintext` is not empty.
  step open(std::span<std::byte> plaintext);
  /// The same without taking anything: want::nothing if `open` has something to give.
  step peek();
  /// New keys for what we send; with `ask`, the peer is asked for new ones too (SSL_key_update(3)).
  /// TLS 1.3 only; no record may be pending, and close_notify may not have been sent.
  step key_update(bool ask);
  /// Sends close_notify; sealing is over then, opening is not (RFC 8446 section 6.1).
  step close_notify();
  /// Sends a part of a file without its bytes coming here; `bytes` may be less. With want::nothing
  /// and 0 it can't be done so, or there is nothing left: reading the file tells.
  /// Preconditions: `path().kernel_seals()`, and no record is pending.
  step sendfile(int file, std::uint64_t offset, std::size_t length);

  // State.

  /// So many KeyUpdates of the peer may come from here on; one more ends the session. The engine
  /// knows no time: its caller limits how many there are in a second.
  void allow_key_updates(std::uint32_t n) noexcept { peer_.key_updates_allowed = n; }
  /// It is client or server.
  [[nodiscard]] bool has_role() const noexcept { return has_role_; }
  /// It is a server, if it has a role.
  [[nodiscard]] bool is_server() const noexcept;
  /// The handshake has resumed a session of before (SSL_session_reused(3)).
  [[nodiscard]] bool is_resumed() const noexcept;
  /// Where the session stands. Between SSL_clear(3) and begin_anew_if_cleared() it means nothing.
  [[nodiscard]] tls_async::phase phase() const noexcept;
  /// The first handshake is done, whatever has become of the session since.
  [[nodiscard]] bool handshake_done() const noexcept { return phase_ == tls_async::phase::open; }
  /// A message of a handshake has begun and is not complete: a renegotiation, or a ticket in parts.
  [[nodiscard]] bool in_handshake() const noexcept;
  /// That message is a ticket of ours, for which the peer has nothing to send.
  [[nodiscard]] bool sends_tickets() const noexcept {
    return tickets_ == tickets::begun && in_handshake();
  }
  /// The session is one of TLS 1.3.
  [[nodiscard]] bool supports_key_update() const noexcept;
  /// The keys for sending have served long enough (RFC 8446 section 5.5).
  [[nodiscard]] bool wants_new_keys() const noexcept;
  /// Plaintext was taken that is not sealed yet.
  [[nodiscard]] bool record_pending() const noexcept { return !pending_.empty(); }
  /// Sealing is over.
  [[nodiscard]] bool close_notify_sent() const noexcept;
  /// The peer will send nothing more.
  [[nodiscard]] bool close_notify_received() const noexcept;
  /// The protocol that ALPN agreed on; empty if none.
  [[nodiscard]] std::string alpn() const;
  /// What the handshake has agreed on. Throws std::bad_alloc.
  [[nodiscard]] tls_async::session_info session_info() const;

  /// There is room for a whole record, so `seal` will not leave one pending.
  [[nodiscard]] bool can_seal() const noexcept { return path_.has_room(); }
  /// Those it was made with.
  [[nodiscard]] stream_options const& options() const noexcept { return *options_; }
  /// What it counts; streams add what they see.
  [[nodiscard]] tls_async::stats& stats() noexcept { return stats_; }
  /// Those of the context it was made from, which count its alerts; null if that is not ours.
  [[nodiscard]] detail::context_counters* counters() const noexcept;
  /// Gives back what a session that waits can do without: the ring if it is empty, and with
  /// `buffers` OpenSSL's record buffers where it holds nothing in them (SSL_free_buffers(3)).
  void go_idle(bool buffers) noexcept;
  /// Whether OpenSSL frees its record buffers whenever they are empty (mode::release_buffers).
  void release_buffers_always(bool on) noexcept;

  /// How ciphertext gets from OpenSSL and to it.
  [[nodiscard]] tls_async::path& path() noexcept { return path_; }
  /// Of a const session.
  [[nodiscard]] tls_async::path const& path() const noexcept { return path_; }
  /// Of the path: ciphertext on its way out and in.
  [[nodiscard]] tls_async::ring& ring() noexcept { return path_.ring(); }
  /// Ciphertext of a const session.
  [[nodiscard]] tls_async::ring const& ring() const noexcept { return path_.ring(); }
  /// OpenSSL's session, of which the engine stays the owner.
  [[nodiscard]] SSL* native_handle() const noexcept { return ssl_.get(); }
  /// Heap memory of ours beside the ring, in bytes; what OpenSSL allocates for the session comes on
  /// top.
  [[nodiscard]] std::size_t memory_usage() const noexcept {
    return pending_.capacity() +
           (verification_ ? sizeof(verification) + verification_->host.capacity() : 0) +
           (hooks_ ? sizeof(hooks) : 0) + (resumption_ ? sizeof(resumption) : 0);
  }

  // Why it failed.

  /// False while it has not failed.
  [[nodiscard]] tls_async::failure const& failure() const noexcept { return failure_; }
  /// Why, for people, with what came before it.
  [[nodiscard]] tls_async::error_info const& error_info() const noexcept;
  /// Adds a reason that the engine can't know: what happened to the transport.
  void explain(std::string summary);
  /// Adds that a deadline has expired, unless a failure was told before: until forget_deadline().
  void explain_deadline(std::string summary);
  /// The next verb begins.
  void forget_deadline() noexcept;
  /// The message that the handshake needs next; null while no handshake has begun.
  [[nodiscard]] char const* handshake_step() const noexcept { return story_.handshake_step; }
  /// Ends the session for a reason of the caller's.
  void abort(error_code why, std::string summary);
  /// The same where there is no memory for words.
  void abort(error_code why) noexcept {
    if (!failure_) failure_ = tls_async::failure(why);
  }

private:
  struct ssl_free {
    void operator()(SSL* ssl) const noexcept;
  };

  /// False, and the session has failed, if there is no memory.
  [[nodiscard]] bool attach_ring();
  enum class opening { no, yes };
  step answer(int result, opening is_open = opening::no);
  step open(std::span<std::byte> plaintext, int (*by)(SSL*, void*, std::size_t, std::size_t*));
  [[nodiscard]] bool copy_pending(std::span<std::byte const> record);
  step finish_message();
  step finish_messages();
  void leave_tickets_for_later() noexcept;
  step fail(tls_async::failure why);
  step fail(error_code why, std::string summary);
  void enter(tls_async::phase next) noexcept;
  void count_sealed(std::size_t plaintext) noexcept;
  enum class peer_limit : std::uint8_t {
    none,
    key_updates_in_a_row,
    key_updates_a_second,
    renegotiations,
    handshake_messages
  };
  enum class blocked : std::uint8_t { nothing, key_update, close_notify };
  // Those that wait for the first record.
  enum class tickets : std::uint8_t { none, due, begun };

  // What there is to tell if it fails.
  struct story_so_far {
    std::unique_ptr<tls_async::error_info> told;  // null as long as there is nothing to tell
    char const* handshake_step = nullptr;
    std::uint16_t alert = 0;  // the last one, as SSL_CTX_set_info_callback(3) gives it; 0 is none
    bool alert_was_sent = false;
    bool is_of_deadline = false;
  };
  // Whom the peer has to be. A server seldom asks.
  struct verification {
    verify_callback callback;
    std::string host;  // whom a client wants, without a dot at its end; empty for any
    bool callback_checks_host = false;
    std::uint16_t port = 0;  // of the host, or 0
  };
  // Where the sessions of a client come from and go to. Few have it.
  struct resumption {
    std::shared_ptr<session_keeper> keeper;
    session_key key;
    std::chrono::system_clock::time_point began;  // the first full handshake
    std::chrono::system_clock::time_point ends;   // of the ticket that was offered
  };
  // What one key has sealed.
  struct key_use {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };
  // Messages behind the handshake, which OpenSSL does not limit.
  struct peer_behaviour {
    std::uint32_t key_updates_in_a_row = 0;
    std::uint32_t key_updates_allowed = UINT32_MAX;
    std::uint32_t handshake_messages_in_a_row = 0;
    peer_limit exceeded = peer_limit::none;  // the first that it went beyond
  };

  // What the program decides. A handshake seldom asks.
  struct hooks {
    questions wanted;
    std::shared_ptr<tls_async::question const> open;  // null while nothing is asked
    std::shared_ptr<client_hello const> hello;        // the one that was decided upon
    std::optional<verdict> of_hello, of_certificate, of_peer, of_signature;
    std::shared_ptr<detail::thread_jobs> signer;  // on whose thread a job waits; null if none does
    std::string certificate_host;                 // that of_certificate is for
    bool asks_for_certificate = false;            // a callback of OpenSSL's is set
    bool is_flight_cut = false;  // what is in the ring is not the last flight, and all of it
    error_code failed_for;       // in a callback of OpenSSL's, which cannot tell it
    bool is_refusing = false;    // the peer, by an alert
    bool may_wait = false;       // the call under way is a job of its own
  };

  struct options_free {
    void operator()(stream_options const* given) const noexcept;
  };

  static char const* words_of(peer_limit exceeded) noexcept;
  void exceed(peer_limit limit) noexcept;
  step begin();
  void forget_story() noexcept;
  step check_policy();
  step check_host();
  void adopt_verify_callback() noexcept;
  verification& asked_for();
  [[nodiscard]] bool has_callback() const noexcept {
    return verification_ && verification_->callback;
  }
  [[nodiscard]] bool callback_checks_host() const noexcept {
    return verification_ && verification_->callback_checks_host;
  }
  // Null if a client wants any.
  [[nodiscard]] std::string const* wanted_host() const noexcept {
    return verification_ && !verification_->host.empty() ? &verification_->host : nullptr;
  }
  void drop_unverified_session();
  void pose(tls_async::question asked);
  void pose_peer(stack_st_X509 const* chain);
  step check_peer();
  // OpenSSL waits for a signature, in the middle of a call.
  [[nodiscard]] bool has_job() const noexcept { return hooks_ && hooks_->signer != nullptr; }
  [[nodiscard]] bool drop_lost_job() noexcept;
  [[nodiscard]] int do_handshake() noexcept;
  [[nodiscard]] bool pose_signature(detail::remote_signature const& asked) noexcept;
  [[nodiscard]] std::size_t take_signature(detail::remote_signature const& asked,
                                           std::span<std::byte> to) noexcept;
  void end_signature() noexcept;
  void leave_signature() noexcept;
  void forget_answers() noexcept;
  step refuse_peer(std::string const& why);
  [[nodiscard]] bool may_send_plain_alert() const noexcept;
  void count_alert_sent(int alert) noexcept;
  void offer_session() noexcept;
  [[nodiscard]] bool offer(kept_session const& kept);
  [[nodiscard]] std::shared_ptr<session_keeper> keeper() const noexcept;
  [[nodiscard]] bool may_resume() const noexcept;
  [[nodiscard]] std::optional<session_key> key_of_sessions() const;
  void begin_to_keep() noexcept;
  void keep_session(ssl_session_st* session) noexcept;
  [[nodiscard]] bool is_accepted_by_callback(X509* peer) const;
  [[nodiscard]] error_code why_not_client_of(std::string_view host) const;
  [[nodiscard]] bool is_verified_for(std::string const& host) const noexcept;
  [[nodiscard]] bool skips_verification() const noexcept;
  [[nodiscard]] unsigned host_flags() const noexcept;
  step fail_transport(int error);
  step fail_for_fixed_keys(char const* summary);
  [[nodiscard]] bool has_to_fail_for_fixed_keys() const noexcept;
  void explain_failure(std::string openssl);
  void tell_alert();
  tls_async::error_info& story();

  static engine* of(SSL const* ssl) noexcept;
  static int on_new_session(SSL* ssl, ssl_session_st* session) noexcept;
  static int on_certificate(SSL* ssl, void* argument) noexcept;
  static int on_verify(int preverified, X509_STORE_CTX* chain) noexcept;
  static void on_info(SSL const* ssl, int where, int value) noexcept;
  static void on_message(int sent, int version, int type, void const* message, std::size_t length,
                         SSL* ssl, void* engine) noexcept;
  int verify(int preverified, X509_STORE_CTX* chain);
  bool is_pinned(X509_STORE_CTX* chain) noexcept;
  [[nodiscard]] std::string const* pins() const noexcept;

  std::unique_ptr<SSL, ssl_free> ssl_;
  std::unique_ptr<stream_options const, options_free> const options_;  // shared if the defaults
  tls_async::path path_;
  SSL_CTX* const
      first_context_;  // of SSL_new(3): it lives as long as the session, and has its cache
  tls_async::stats stats_;
  pending_record pending_;
  tls_async::failure failure_;
  story_so_far story_;
  std::unique_ptr<verification> verification_;               // null while nothing is asked for
  std::unique_ptr<resumption> resumption_;                   // null where no session is kept
  std::unique_ptr<hooks> hooks_;                             // null where the program is not asked
  int (*context_callback_)(int, X509_STORE_CTX*) = nullptr;  // not ours, asked after it
  key_use under_key_;
  peer_behaviour peer_;
  bool has_role_ = false;
  std::uint8_t later_tickets_ = 0;  // how many wait for the first record: SSL_get_num_tickets(3)
  tickets tickets_ = tickets::none;
  // `fresh`, `negotiating`, or `open`: what comes after it OpenSSL knows, and `failure_`.
  tls_async::phase phase_ = tls_async::phase::fresh;
  blocked blocked_ = blocked::nothing;  // OpenSSL has begun it, and finds no room
  bool callback_ran_ = false;           // one of the application's may have, in the call under way
  bool has_pinned_key_ = false;         // the chain that was verified in this handshake
  bool is_overruled_ = false;           // a callback has accepted what OpenSSL refuses
};

}  // namespace tls_async
