// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// OpenSSL's callbacks for resumption at a server. None lets an exception through or leaves an error
// in the queue; where memory runs out, a session is not resumed.
//
// What a session was verified by stands in the application data of its ticket, which is encrypted
// and authenticated with it: the digest of the rules, the time of the first full handshake, and the
// session id context, in whose place the ticket may have that of nginx. It is copied into each
// ticket that takes the place of that one, by nginx as well.
#include "tickets.hpp"

#include <tls_async/core/engine.hpp>
#include <tls_async/core/policy.hpp>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../core/error_queue.hpp"
#include "../core/openssl_ptr.hpp"
#include "../core/verification_digest.hpp"
#include "ticket_ring.hpp"

namespace tls_async::detail {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using saved_ptr = openssl_ptr<SSL_SESSION, SSL_SESSION_free>;

// Negative if OpenSSL has no memory for it.
int resumption_index() noexcept {
  static int const index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

resumption* resumption_of(SSL_CTX const* handle) noexcept {
  int const index = resumption_index();
  return index < 0 ? nullptr : static_cast<resumption*>(SSL_CTX_get_ex_data(handle, index));
}

// ---- The application data of a session.

constexpr std::array<unsigned char, 4> mark{'t', 'a', 's', 2};

// SSL_CTX_set_session_id_context(3).
struct id_context {
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> bytes{};
  unsigned length = 0;
};

id_context context_of(SSL_SESSION const* session) noexcept {
  id_context found;
  auto const* const from = SSL_SESSION_get0_id_context(session, &found.length);
  std::copy_n(from, found.length, found.bytes.begin());
  return found;
}

struct origin {
  sys_seconds first;            // when its first full handshake was done
  sha256_digest verified_by{};  // all zero: by no rules that hold anywhere
  id_context context;           // of the session that it was done for
};
constexpr std::size_t shortest = mark.size() + 8 + sizeof(sha256_digest);
constexpr std::size_t longest = shortest + SSL_MAX_SID_CTX_LENGTH;

bool set_origin(SSL_SESSION* session, origin const& from) noexcept {
  std::array<unsigned char, longest> bytes;
  auto* to = std::copy(mark.begin(), mark.end(), bytes.begin());
  auto const first = static_cast<std::uint64_t>(from.first.time_since_epoch().count());
  for (int shift = 56; shift >= 0; shift -= 8)
    *to++ = static_cast<unsigned char>(first >> shift & 0xff);
  to = std::copy(from.verified_by.begin(), from.verified_by.end(), to);
  std::copy_n(from.context.bytes.begin(), from.context.length, to);
  return SSL_SESSION_set1_ticket_appdata(session, bytes.data(), shortest + from.context.length) ==
         1;
}

// It may have nginx's.
bool put_back_context(SSL_SESSION* session, origin const& from) noexcept {
  auto const& own = from.context;
  return SSL_SESSION_set1_id_context(session, own.bytes.data(), own.length) == 1;
}

// Nothing if the session is none of this library's.
std::optional<origin> origin_of(SSL_SESSION* session) noexcept {
  void* data = nullptr;
  std::size_t length = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &length) != 1 || length < shortest ||
      length > longest || std::memcmp(data, mark.data(), mark.size()) != 0) {
    return {};
  }
  auto const* from = static_cast<unsigned char const*>(data) + mark.size();
  std::uint64_t first = 0;
  for (int i = 0; i != 8; ++i)
    first = first << 8 | *from++;
  origin found{sys_seconds(seconds(static_cast<seconds::rep>(first))), {}, {}};
  std::copy_n(from, found.verified_by.size(), found.verified_by.begin());
  found.context.length = static_cast<unsigned>(length - shortest);
  std::copy_n(from + found.verified_by.size(), found.context.length, found.context.bytes.begin());
  return found;
}

// Of this library, with a mark that is not known here.
bool is_of_another_version(SSL_SESSION* session) noexcept {
  void* data = nullptr;
  std::size_t length = 0;
  constexpr std::size_t without_version = mark.size() - 1;
  return SSL_SESSION_get0_ticket_appdata(session, &data, &length) == 1 &&
         length >= without_version && std::memcmp(data, mark.data(), without_version) == 0;
}

bool verifies(SSL const* ssl) noexcept { return (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0; }

// A callback of the program has no say, or its rules have a name (context::set_rules_version).
bool is_named(SSL const* ssl) noexcept {
  if (!engine::asks_program(ssl)) return true;
  auto const* const policy = policy_of(SSL_get_SSL_CTX(ssl));
  return policy != nullptr && !policy->rules_version.empty();
}

// Where a callback without a name has its say, or has let in a certificate that is not valid,
// nobody can say by which rules the peer was verified; nor where there is no memory.
sha256_digest rules_that_held(SSL const* ssl) noexcept {
  if (verifies(ssl) && (!is_named(ssl) || SSL_get_verify_result(ssl) != X509_V_OK)) return {};
  return verification_digest(ssl).value_or(sha256_digest{});
}

// ---- Which session may be resumed.

// When OpenSSL says it was made.
sys_seconds time_of(SSL_SESSION const* session) noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
  return sys_seconds(seconds(SSL_SESSION_get_time_ex(session)));  // the other one ends in 2038
#else
  return sys_seconds(seconds(SSL_SESSION_get_time(session)));
#endif
}

bool is_young(sys_seconds first, resumption const& how, ticket_keys const& keys) {
  // Clocks of two machines differ by a little.
  constexpr seconds ahead{300};
  auto const age = ticket_access::now(keys) - first;
  return age >= -ahead && age <= how.lifetime.load();
}

// Nobody asks a program's own callback when a session is resumed, so its rules need a name here
// too.
bool holds_here(origin const& from, SSL const* ssl, resumption const& how,
                ticket_keys const& keys) {
  if (!is_young(from.first, how, keys)) return false;
  if (from.verified_by == sha256_digest{} || (verifies(ssl) && !is_named(ssl))) return false;
  return verification_digest(ssl) == from.verified_by;
}

// The session of another program with the same keys, nginx or HAProxy. By which rules it has
// verified its client is not known, so it counts only where no client is verified and none was. It
// becomes one of ours, with its age.
bool adopt(SSL_SESSION* session, SSL* ssl, resumption const& how, ticket_keys const& keys) {
  if (is_of_another_version(session)) return false;
  if (verifies(ssl) || SSL_SESSION_get0_peer(session) != nullptr) return false;
  if (!is_young(time_of(session), how, keys) || !how.name_session(session)) return false;
  return set_origin(session, {time_of(session), rules_that_held(ssl), context_of(session)});
}

// OpenSSL compares the session id context behind this.
bool may_resume(SSL_SESSION* session, SSL* ssl, resumption const& how) {
  auto const keys = how.keys();
  auto const from = origin_of(session);
  if (!from) return adopt(session, ssl, how, *keys);
  return holds_here(*from, ssl, how, *keys) && put_back_context(session, *from);
}

// ---- What OpenSSL calls. Each is given what surrounds it: `error_mark`, and no exception.

template <class Work, class Result>
Result guarded(Result otherwise, Work work) noexcept {
  error_mark const leaves_no_error;
  try {
    return work();
  } catch (...) {  // a clock of the program's may throw anything
    return otherwise;
  }
}

// Where a server name has led to a context that is not ours (SSL_set_SSL_CTX(3)), OpenSSL asks the
// one that the session began with for a ticket, and tells only this one which that is.
struct begun_ticket {
  SSL const* ssl = nullptr;
  resumption* how = nullptr;
};
thread_local constinit begun_ticket begun;

// Those of the context that a ClientHello callback has chosen, if it is ours, and else of the one
// that the session began with.
resumption* rules_of(SSL const* ssl, void* of_begin) noexcept {
  auto* const chosen = resumption_of(SSL_get_SSL_CTX(ssl));
  return chosen != nullptr ? chosen : static_cast<resumption*>(of_begin);
}

// nginx resumes only what has its own session id context, which says nothing of how a client was
// verified here. HAProxy's stands for its configuration, which nobody else knows.
bool name_for_nginx(SSL* ssl, SSL_SESSION* session, resumption const& how,
                    ticket_keys const& keys) {
  bool const is_shared = ticket_access::format(keys) == ticket_key_format::nginx;
  if (!is_shared || verifies(ssl) || SSL_SESSION_get0_peer(session) != nullptr) return true;
  return how.name_for_nginx(session);
}

// What the next ticket of `ssl` says of its session, and how long it lives.
bool mark_session(SSL* ssl, SSL_SESSION* session, resumption const& how) {
  auto const keys = how.keys();
  auto const now = ticket_access::now(*keys);
  auto from = origin_of(session);
  if (!from) {
    from = origin{now, rules_that_held(ssl), context_of(session)};
    if (!set_origin(session, *from)) return false;
  } else if (verifies(ssl) ? rules_that_held(ssl) != from->verified_by
                           : SSL_SESSION_get0_peer(session) != nullptr) {
    from->verified_by = {};  // it was asked for a certificate since (RFC 8446 section 4.6.2)
    if (!set_origin(session, *from)) return false;
  }
  if (!put_back_context(session, *from) || !name_for_nginx(ssl, session, how, *keys)) return false;
  if (SSL_version(ssl) != TLS1_3_VERSION) return true;  // its time is that of its first handshake
  auto const left = std::clamp<seconds>(from->first + how.lifetime.load() - now, seconds(1),
                                        most_session_lifetime);
  return SSL_SESSION_set_timeout(session, static_cast<long>(left.count())) == 1;
}

// A ticket is about to be made, after a handshake that is done.
int on_new_ticket(SSL* ssl, void* how) noexcept {
  auto* const ours = rules_of(ssl, how);
  begun = {ssl, ours};
  SSL_SESSION* const session = SSL_get_session(ssl);
  bool const marked = guarded(false, [&] { return mark_session(ssl, session, *ours); });
  if (marked) return 1;
  // It might look like another program's, or have the mark of before a certificate came: so it is
  // nobody's, and over at once.
  (void)set_origin(session, {});
  SSL_SESSION_set_timeout(session, 0);
  return 1;
}

SSL_TICKET_RETURN on_ticket(SSL* ssl, SSL_SESSION* session, unsigned char const* /*name*/,
                            std::size_t /*length*/, SSL_TICKET_STATUS status, void* how) noexcept {
  // In each case but the last two: a full handshake, and a new ticket.
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  bool const may = guarded(false, [&] { return may_resume(session, ssl, *rules_of(ssl, how)); });
  if (!may) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

openssl_ticket_keys keys_in(SSL_CTX* handle) noexcept {
  openssl_ticket_keys keys{};
  SSL_CTX_get_tlsext_ticket_keys(handle, keys.data(), keys.size());
  return keys;
}

std::shared_ptr<ticket_ring const> ring_of_program(SSL_CTX* handle) {
  auto keys = keys_in(handle);
  auto made = std::make_shared<ticket_ring>(std::size_t{1});
  auto& key = made->add();
  auto const* const name = keys.data();
  std::copy_n(name, 16, key.name.begin());
  std::copy_n(name + 16, 32, key.hmac.begin());
  std::copy_n(name + 48, 32, key.aes.begin());
  OPENSSL_cleanse(keys.data(), keys.size());
  return made;
}

// Null if there is no memory.
std::shared_ptr<ticket_ring const> ring_of(SSL_CTX* handle, resumption const& how) noexcept {
  if (!has_keys_of_program(handle, how)) return ticket_access::ring(*how.keys());
  try {
    return ring_of_program(handle);
  } catch (std::bad_alloc const&) {
    return nullptr;
  }
}

bool start_mac(EVP_MAC_CTX* mac, ticket_key const& key) noexcept {
  char digest[] = "SHA256";
  OSSL_PARAM const parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_init(mac, key.hmac.data(), key.length, parameters) == 1;
}

EVP_CIPHER const* cipher_of(ticket_key const& key, resumption const& how) noexcept {
  return key.length == 16 ? how.aes_128.get() : how.aes_256.get();
}

bool start_encrypting(ticket_key const& key, resumption const& how, unsigned char* name,
                      unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) noexcept {
  constexpr int iv_bytes = 16;
  std::copy(key.name.begin(), key.name.end(), name);
  return RAND_bytes(iv, iv_bytes) == 1 &&
         EVP_EncryptInit_ex(cipher, cipher_of(key, how), nullptr, key.aes.data(), iv) == 1 &&
         start_mac(mac, key);
}

// 1: go on; 2: go on, and send a new ticket; 0: without a ticket; -1: no handshake.
// Source: SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
int on_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac, int encrypts) noexcept {
  bool const is_tls13 = SSL_version(ssl) == TLS1_3_VERSION;
  error_mark const leaves_no_error;
  SSL_CTX* const handle = SSL_get_SSL_CTX(ssl);
  auto const* how = resumption_of(handle);
  auto const last = std::exchange(begun, {});
  // Of a context that is not ours the keys are never used: it may ask more of its clients.
  bool const is_begun = how == nullptr && encrypts != 0 && last.ssl == ssl;
  if (is_begun) how = last.how;
  if (how == nullptr) return 0;
  auto const ring = is_begun ? ticket_access::ring(*how->keys()) : ring_of(handle, *how);
  if (encrypts != 0) {
    if (ring != nullptr && start_encrypting(ring->current(), *how, name, iv, cipher, mac)) return 1;
    return is_tls13 ? -1 : 0;  // in TLS 1.3 there is no ticket without content
  }
  auto const* const key = ring != nullptr ? ring->find(name) : nullptr;
  if (key == nullptr || !start_mac(mac, *key) ||
      EVP_DecryptInit_ex(cipher, cipher_of(*key, *how), nullptr, key->aes.data(), iv) != 1) {
    return 0;
  }
  // RFC 8446 appendix C.4: a ticket is for one connection, so the client needs another.
  return is_tls13 || key != &ring->current() ? 2 : 1;
}

// ---- The cache, for TLS 1.2 without tickets. A handshake is done when its session comes here.

std::string_view id_of(SSL_SESSION const* session) noexcept {
  unsigned length = 0;
  auto const* const id = SSL_SESSION_get_id(session, &length);
  return {reinterpret_cast<char const*>(id), length};
}

// Has no reference to the session afterwards, as 0 says.
int on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
  auto* const how = resumption_of(SSL_get_SSL_CTX(ssl));
  if (how == nullptr || SSL_version(ssl) == TLS1_3_VERSION) return 0;
  return guarded(0, [&] {
    auto const now = ticket_access::now(*how->keys());
    if (!origin_of(session) &&
        !set_origin(session, {now, rules_that_held(ssl), context_of(session)})) {
      return 0;
    }
    int const length = i2d_SSL_SESSION(session, nullptr);
    if (length <= 0) return 0;
    std::string bytes(static_cast<std::size_t>(length), '\0');
    auto* to = reinterpret_cast<unsigned char*>(bytes.data());
    if (i2d_SSL_SESSION(session, &to) == length) {
      try {
        how->cache.keep(id_of(session), bytes);
      } catch (std::bad_alloc const&) {  // it is not kept
      }
    }
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return 0;
  });
}

// Nobody else has the session that it returns.
SSL_SESSION* on_wanted_session(SSL* ssl, unsigned char const* id, int length, int* copy) noexcept {
  *copy = 0;
  auto* const how = resumption_of(SSL_get_SSL_CTX(ssl));
  if (how == nullptr || length <= 0 || SSL_version(ssl) == TLS1_3_VERSION) return nullptr;
  return guarded(static_cast<SSL_SESSION*>(nullptr), [&]() -> SSL_SESSION* {
    auto const kept =
        how->cache.find({reinterpret_cast<char const*>(id), static_cast<std::size_t>(length)});
    if (kept == nullptr) return nullptr;
    auto const* from = reinterpret_cast<unsigned char const*>(kept->bytes().data());
    saved_ptr session(d2i_SSL_SESSION(nullptr, &from, static_cast<long>(kept->bytes().size())));
    if (session == nullptr || !origin_of(session.get()) || !may_resume(session.get(), ssl, *how))
      return nullptr;
    return session.release();
  });
}

// After a fatal alert: RFC 5246 section 7.2.2.
void on_lost_session(SSL_CTX* handle, SSL_SESSION* session) noexcept {
  if (auto* const how = resumption_of(handle); how != nullptr) how->cache.remove(id_of(session));
}

}  // namespace

bool has_keys_of_program(SSL_CTX* handle, resumption const& how) noexcept {
  if (how.were_given()) return false;
  auto keys = keys_in(handle);
  bool const are_others = keys != how.unused;
  OPENSSL_cleanse(keys.data(), keys.size());
  return are_others;
}

bool install_resumption(SSL_CTX* handle, resumption& how) noexcept {
  if (SSL_CTX_set_ex_data(handle, resumption_index(), &how) != 1) return false;
  how.aes_128.reset(EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr));
  how.aes_256.reset(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
  if (how.aes_128 == nullptr || how.aes_256 == nullptr) return false;
  how.unused = keys_in(handle);
  SSL_CTX_set_session_ticket_cb(handle, on_new_ticket, on_ticket, &how);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(handle, on_key);
  // OpenSSL's own cache keeps what was begun, shares it among threads, and asks nobody.
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(handle, on_new_session);
  SSL_CTX_sess_set_get_cb(handle, on_wanted_session);
  SSL_CTX_sess_set_remove_cb(handle, on_lost_session);
  SSL_CTX_set_timeout(handle, static_cast<long>(how.lifetime.load().count()));
  return true;
}

}  // namespace tls_async::detail
