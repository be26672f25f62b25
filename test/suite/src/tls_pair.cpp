// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Drives plain OpenSSL sessions and carries ciphertext between them.
#include <tls_async_test/tls_pair.hpp>

#include <algorithm>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace tls_async::test {
namespace {

struct key_free {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct certificate_free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, key_free>;
using certificate_ptr = std::unique_ptr<X509, certificate_free>;

void require(bool ok, char const* what) {
  if (!ok) {
    char text[256] = "no OpenSSL error";
    if (auto const code = ERR_peek_error(); code != 0) {
      ERR_error_string_n(code, text, sizeof text);
    }
    ERR_clear_error();
    throw std::runtime_error{std::string{what} + ": " + text};
  }
}

bio_ptr open_pem(std::string const& pem) {
  return bio_ptr{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

void trust(SSL_CTX* context, identity const& peer) {
  certificate_ptr const authority{
      PEM_read_bio_X509(open_pem(peer.authority).get(), nullptr, nullptr, nullptr)};
  require(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) == 1,
          "X509_STORE_add_cert");
}

// SSL_get_error looks at the thread's error queue too, so nothing may come between the two.
template <class Call>
answer ask(SSL* ssl, Call call) {
  answer given;
  ERR_clear_error();
  given.returned = call(given.bytes);
  given.error = SSL_get_error(ssl, given.returned);
  given.reason = ERR_GET_REASON(ERR_peek_error());
  ERR_clear_error();
  return given;
}

bool progresses(answer const& given) {
  return given || given.error == SSL_ERROR_WANT_READ || given.error == SSL_ERROR_WANT_WRITE;
}

void step_handshake(raw_session& session) {
  if (SSL_is_init_finished(session.ssl()) == 0) {
    auto const given = session.handshake();
    if (!progresses(given)) {
      throw std::runtime_error{std::string{"handshake: "} +
                               ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, given.reason))};
    }
  } else {
    // Takes in session tickets, which come after the client's handshake is done.
    session.read_all();
  }
}

void lengthen_tickets(SSL_CTX* context) {
  SSL_CTX_set_session_ticket_cb(
      context,
      [](SSL* ssl, void*) {
        std::string const carried(700, 't');
        return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), carried.data(),
                                               carried.size());
      },
      [](SSL*, SSL_SESSION*, unsigned char const*, std::size_t, SSL_TICKET_STATUS status, void*) {
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_IGNORE;
      },
      nullptr);
}

}  // namespace

void use_identity(SSL_CTX* context, identity const& own) {
  auto const chain = open_pem(own.certificate_chain);
  certificate_ptr const leaf{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)};
  certificate_ptr const intermediate{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)};
  // The end of the chain leaves "no start line" behind.
  ERR_clear_error();
  key_ptr const key{
      PEM_read_bio_PrivateKey(open_pem(own.private_key).get(), nullptr, nullptr, nullptr)};
  require(SSL_CTX_use_certificate(context, leaf.get()) == 1, "SSL_CTX_use_certificate");
  require(SSL_CTX_use_PrivateKey(context, key.get()) == 1, "SSL_CTX_use_PrivateKey");
  if (intermediate != nullptr) {
    require(SSL_CTX_add1_chain_cert(context, intermediate.get()) == 1, "SSL_CTX_add1_chain_cert");
  }
}

context_ptr make_context(role side, tls_settings const& settings) {
  bool const is_server = side == role::server;
  context_ptr context{SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method())};
  require(context != nullptr, "SSL_CTX_new");
  SSL_CTX* const raw = context.get();
  require(SSL_CTX_set_min_proto_version(raw, settings.version) == 1 &&
              SSL_CTX_set_max_proto_version(raw, settings.version) == 1,
          "protocol version");
  if (settings.cipher != nullptr) {
    require(
        (settings.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(raw, settings.cipher)
                                            : SSL_CTX_set_cipher_list(raw, settings.cipher)) == 1,
        settings.cipher);
  }
  SSL_CTX_set_mode(raw, settings.mode);
  SSL_CTX_set_options(raw, settings.options);
  if (is_server) {
    use_identity(raw, make_identity(settings.certificate));
    if (settings.long_tickets) lengthen_tickets(raw);
    if (settings.client_certificate) {
      trust(raw, client_identity());
      SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
  } else {
    trust(raw, server_identity());
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (settings.client_certificate) {
      use_identity(raw, client_identity());
    }
  }
  return context;
}

std::ostream& operator<<(std::ostream& out, answer const& given) {
  out << "returned " << given.returned << ", " << given.bytes << " bytes, SSL_get_error "
      << given.error;
  if (given.reason != 0) {
    out << ", reason " << given.reason;
    if (auto const* const words = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, given.reason))) {
      out << " (" << words << ")";
    }
  }
  return out;
}

bio_pair make_bio_pair(ring_sizes rings) {
  BIO* inner = nullptr;
  BIO* outer = nullptr;
  require(BIO_new_bio_pair(&inner, rings.output, &outer, rings.input) == 1, "BIO_new_bio_pair");
  return {bio_ptr{inner}, bio_ptr{outer}};
}

raw_session::raw_session(SSL_CTX* context, role side, ring_sizes rings) : ssl_{SSL_new(context)} {
  require(ssl_ != nullptr, "SSL_new");
  exchange_pair(make_bio_pair(rings));
  if (side == role::server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

answer raw_session::handshake() {
  return ask(ssl(), [&](std::size_t&) { return SSL_do_handshake(ssl()); });
}

answer raw_session::write(std::string_view plaintext) {
  return ask(ssl(), [&](std::size_t& sealed) {
    return SSL_write_ex(ssl(), plaintext.data(), plaintext.size(), &sealed);
  });
}

answer raw_session::read(std::string& plaintext, std::size_t most) {
  auto const before = plaintext.size();
  plaintext.resize(before + most);
  auto const given = ask(ssl(), [&](std::size_t& opened) {
    return SSL_read_ex(ssl(), plaintext.data() + before, most, &opened);
  });
  plaintext.resize(before + given.bytes);
  return given;
}

answer raw_session::shutdown() {
  return ask(ssl(), [&](std::size_t&) { return SSL_shutdown(ssl()); });
}

std::string raw_session::read_all() {
  std::string plaintext;
  for (;;) {
    if (auto const given = read(plaintext); !given) {
      if (given.error != SSL_ERROR_WANT_READ) {
        throw std::runtime_error{std::string{"reading everything: SSL_get_error "} +
                                 std::to_string(given.error)};
      }
      return plaintext;
    }
  }
}

std::size_t raw_session::produced() const noexcept { return BIO_ctrl_pending(outer_.get()); }

std::size_t raw_session::unread() const noexcept { return BIO_ctrl_wpending(outer_.get()); }

std::string raw_session::take(std::size_t most) {
  std::string ciphertext(std::min(most, produced()), '\0');
  std::size_t taken = 0;
  if (!ciphertext.empty()) {
    require(BIO_read_ex(outer(), ciphertext.data(), ciphertext.size(), &taken) == 1, "BIO_read_ex");
  }
  ciphertext.resize(taken);
  return ciphertext;
}

std::size_t raw_session::give(std::string_view ciphertext) {
  auto const fits = std::min(ciphertext.size(), BIO_ctrl_get_write_guarantee(outer()));
  std::size_t given = 0;
  if (fits > 0) {
    require(BIO_write_ex(outer(), ciphertext.data(), fits, &given) == 1, "BIO_write_ex");
  }
  return given;
}

void raw_session::give_end() { require(BIO_shutdown_wr(outer()) == 1, "BIO_shutdown_wr"); }

bio_pair raw_session::exchange_pair(bio_pair next) {
  bio_pair previous{bio_ptr{SSL_get_rbio(ssl())}, std::move(outer_)};
  if (previous.inner != nullptr) {
    BIO_up_ref(previous.inner.get());
  }
  outer_ = std::move(next.outer);
  BIO* const inner = next.inner.release();
  SSL_set_bio(ssl(), inner, inner);
  return previous;
}

std::size_t move_ciphertext(raw_session& from, raw_session& to, std::size_t most) {
  auto const room = BIO_ctrl_get_write_guarantee(to.outer());
  return to.give(from.take(std::min(most, room)));
}

tls_pair::tls_pair(tls_settings const& settings, ring_sizes client_rings, ring_sizes server_rings)
    : client{make_context(role::client, settings).get(), role::client, client_rings},
      server{make_context(role::server, settings).get(), role::server, server_rings} {}

void tls_pair::handshake(std::size_t step) {
  for (;;) {
    step_handshake(client);
    auto moved = move_ciphertext(client, server, step);
    step_handshake(server);
    moved += move_ciphertext(server, client, step);
    if (moved == 0) {
      break;
    }
  }
  if (SSL_is_init_finished(client.ssl()) == 0 || SSL_is_init_finished(server.ssl()) == 0) {
    throw std::runtime_error{"handshake: both sides wait"};
  }
}

tls_pair connected_pair(tls_settings const& settings, ring_sizes client_rings,
                        ring_sizes server_rings) {
  tls_pair pair{settings, client_rings, server_rings};
  pair.handshake();
  return pair;
}

std::string numbered_plaintext(std::size_t length, std::size_t from) {
  std::string plaintext(length, '\0');
  for (std::size_t i = 0; i < length; ++i) {
    // Knuth's multiplicative hash: no short period, so a shifted or repeated piece shows.
    plaintext[i] = static_cast<char>((static_cast<std::uint32_t>(from + i) * 2'654'435'761U) >> 24);
  }
  return plaintext;
}

std::vector<std::size_t> record_lengths(std::string_view ciphertext) {
  std::vector<std::size_t> lengths;
  while (!ciphertext.empty()) {
    // Type, version (two bytes), length (two bytes): RFC 8446 section 5.1.
    constexpr std::size_t header = 5;
    auto const byte = [&](std::size_t at) {
      return static_cast<std::size_t>(static_cast<unsigned char>(ciphertext[at]));
    };
    auto const length = ciphertext.size() < header ? everything : header + byte(3) * 256 + byte(4);
    if (length > ciphertext.size()) {
      throw std::runtime_error{"a record is not whole"};
    }
    lengths.push_back(length);
    ciphertext.remove_prefix(length);
  }
  return lengths;
}

}  // namespace tls_async::test
