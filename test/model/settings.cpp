// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "settings.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>

#include "support/openssl_version.hpp"

namespace tls_async::test::model {
namespace {

namespace ssl = boost::asio::ssl;

row const& row_of(std::string const& name) {
  for (row const& one : all_rows()) {
    if (one.name == name) return one;
  }
  throw std::runtime_error{"settings: there is no row " + name};
}

value const& chosen_of(script const& of, row const& from) {
  auto const set = of.settings.find(from.name);
  if (set == of.settings.end()) return from.values.front();
  for (value const& one : from.values) {
    if (one.name == set->second) return one;
  }
  throw std::runtime_error{std::string("settings: ") + from.name + " can't be " + set->second};
}

// Parsed once: to read PEM was half of the time of a script.
struct parsed {
  STACK_OF(X509) * chain = sk_X509_new_null();  // behind the certificate itself
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;

  explicit parsed(std::string const& certificates, std::string const& private_key = {}) {
    BIO* const pem = BIO_new_mem_buf(certificates.data(), static_cast<int>(certificates.size()));
    certificate = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr);
    while (X509* const next = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr))
      sk_X509_push(chain, next);
    ERR_clear_error();
    BIO_free(pem);
    if (private_key.empty()) return;
    BIO* const of_key = BIO_new_mem_buf(private_key.data(), static_cast<int>(private_key.size()));
    key = PEM_read_bio_PrivateKey(of_key, nullptr, nullptr, nullptr);
    BIO_free(of_key);
  }
};

// Kept for ever: identities are few.
parsed const& parsed_once(std::string const& certificates, std::string const& private_key = {}) {
  static auto& all = *new std::map<std::string, parsed>;
  return all.try_emplace(certificates + private_key, certificates, private_key).first->second;
}

void must(bool ok) {
  if (!ok) throw std::runtime_error("settings: OpenSSL takes no certificate");
}

void use(SSL_CTX* context, identity const& own) {
  auto const& of = parsed_once(own.certificate_chain, own.private_key);
  must(SSL_CTX_use_cert_and_key(context, of.certificate, of.key, of.chain, 1) == 1);
}

void trust(SSL_CTX* context, std::string const& authority) {
  must(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), parsed_once(authority).certificate) ==
       1);
}

identity const& server_of(script const& of) {
  std::string const kind = chosen(of, "certificate").name;
  return make_identity(kind == "rsa"            ? identity_kind::server_rsa
                       : kind == "intermediate" ? identity_kind::server_intermediate
                       : kind == "expired"      ? identity_kind::expired
                       : kind == "wrong_host"   ? identity_kind::wrong_host
                       : kind == "self_signed"  ? identity_kind::self_signed
                                                : identity_kind::server);
}

struct client_certificate {
  bool is_asked, is_required, is_there;
};
client_certificate client_of(script const& of) {
  std::string const how = chosen(of, "client_certificate").name;
  return {how != "none", how == "required" || how == "missing",
          how == "asked" || how == "required"};
}

constexpr unsigned char sid_context[] = {'m', 'o', 'd', 'e', 'l'};

// A server or a client that has no name to verify.
void be_plain(SSL_CTX* context, script const& of, bool is_a_client) {
  auto const wanted = client_of(of);
  if (is_a_client && wanted.is_there) use(context, client_identity());
  if (is_a_client) return;
  use(context, server_of(of));
  if (!wanted.is_asked) return;
  trust(context, client_identity().authority);
  SSL_CTX_set_verify(context,
                     SSL_VERIFY_PEER | (wanted.is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     SSL_CTX_get_verify_callback(context));
}

}  // namespace

value const& chosen(script const& of, std::string const& row_name) {
  return chosen_of(of, row_of(row_name));
}

bool is_chosen(script const& of, std::string const& row_name, std::string const& value_name) {
  return chosen(of, row_name).name == value_name;
}

bool renegotiates(script const& of) {
  return !is_tls1_3(of) && std::any_of(of.events.begin(), of.events.end(), [](event const& e) {
    return e.what == act::peer_renegotiates;
  });
}

bool is_record_level(script const& of) {
  // That peer has said its hello before it could be given a session.
  bool const peer_resumes = !is_client(of) && is_chosen(of, "resumes", "yes");
  return is_chosen(of, "suite", "aes128") && !peer_resumes && !renegotiates(of);
}

bool shares_key(script const& of) { return !is_chosen(of, "shared_key", "none"); }

identity const* own_identity(script const& of) {
  if (!is_client(of)) return &server_of(of);
  return client_of(of).is_there ? &client_identity() : nullptr;
}

std::string host_of(script const& of) {
  if (!is_client(of) || is_chosen(of, "trust", "nobody")) return {};
  return is_chosen(of, "trust", "other_host") ? "other.example" : "localhost";
}

bool negotiates_by_member(script const& of) {
  // The blocking form has no host.
  bool const blocks = std::any_of(of.events.begin(), of.events.end(), [](event const& e) {
    return e.what == act::handshake && e.told == way::blocking;
  });
  return blocks || !is_chosen(of, "negotiates", "tls_handshake") ||
         (is_client(of) && host_of(of).empty());
}

bool requires_certificate(script const& of) { return !is_client(of) && client_of(of).is_required; }

ends::ends(script const& of) : script_(of) {
  bool const client = is_client(of);
  if (is_chosen(of, "context", "ours")) {
    make_ours();
  } else {
    of_asio_.emplace(client ? ssl::context::tls_client : ssl::context::tls_server);
    be_plain(subject(), of, client);
    if (client) trust(subject(), authority());
  }
  peer_.reset(SSL_CTX_new(client ? TLS_server_method() : TLS_client_method()));
  if (!peer_) throw std::bad_alloc();
  be_plain(peer_.get(), of, !client);
  SSL_CTX_set_mode(peer_.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  for (SSL_CTX* const context : {subject(), peer_.get()}) {
    // A stream of ours refuses it by itself.
    if (context == subject()) SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    // Without it a server that asks for certificates fails, if a client offers a session, as one
    // that renegotiates does (SSL_CTX_set_session_id_context(3)). By the setting: what is expected
    // of the settings is asked without the events.
    if (is_chosen(of, "renegotiation", "allowed"))
      SSL_CTX_set_session_id_context(context, sid_context, sizeof sid_context);
    for (row const& one : all_rows()) {
      if (one.on == (context == peer_.get() ? whose::subject : whose::peer)) continue;
      if (auto const apply = chosen_of(of, one).to_context) apply(context);
    }
  }
  // What two have agreed on by a shared key is nothing that a client may resume who verifies.
  if (is_chosen(of, "resumes", "yes") && !shares_key(of)) connect_first();
}

// By OpenSSL alone. Where it comes to nothing, there is nothing to resume.
void ends::connect_first() {
  bool const client = is_client(script_);
  constexpr ring_sizes rings{1 << 17, 1 << 17};
  raw_session ours(subject(), client ? role::client : role::server, rings);
  raw_session peers(peer(), client ? role::server : role::client, rings);
  prepare_subject(ours.ssl(), true);
  std::string unread;
  for (int i = 0; i != 6; ++i) {
    for (auto* const one : {&ours, &peers}) {
      auto& other = one == &ours ? peers : ours;
      if (SSL_is_init_finished(one->ssl()) == 0) one->handshake();
      while (SSL_is_init_finished(one->ssl()) != 0 && one->read(unread)) {
      }
      move_ciphertext(*one, other);
    }
  }
  SSL* const of_client = client ? ours.ssl() : peers.ssl();
  auto* const made = SSL_get0_session(of_client);
  if (SSL_is_init_finished(of_client) != 0 && SSL_SESSION_is_resumable(made) != 0)
    session_.reset(SSL_SESSION_dup(made));
  // Else OpenSSL would forget the session, with its connection.
  ours.shutdown();
  peers.shutdown();
  ERR_clear_error();
}

std::string const& ends::authority() const {
  return make_identity(is_chosen(script_, "trust", "unknown") ? identity_kind::untrusted
                                                              : identity_kind::server)
      .authority;
}

void ends::make_ours() {
  bool const client = is_client(script_);
  auto const wanted = client_of(script_);
  ours_.emplace(client ? context::role::client : context::role::server);
  if (client) {
    ours_->trust(authority());
    if (host_of(script_).empty()) ours_->insecure_skip_verification();
  }
  if (auto const* const own = own_identity(script_)) {
    ours_->use_certificate_chain(own->certificate_chain);
    ours_->use_private_key(own->private_key);
  }
  if (!client && wanted.is_asked) {
    ours_->trust(client_identity().authority);
    if (wanted.is_required) {
      ours_->require_client_certificate();
    } else {
      ours_->request_client_certificate();
    }
  }
  if (!is_chosen(script_, "budget", "none"))
    ours_->set_memory_budget(std::stoull(chosen(script_, "budget").name));
  SSL_CTX_up_ref(ours_->native_handle());
  of_asio_.emplace(ours_->native_handle());
}

void ends::prepare_subject(SSL* session, bool by_openssl) const {
  std::string const host = host_of(script_);
  if (by_openssl && !host.empty()) {
    set_host(session, host.c_str());
    SSL_set_tlsext_host_name(session, host.c_str());
    SSL_set_verify(session, SSL_VERIFY_PEER, SSL_get_verify_callback(session));
  }
  for (row const& one : all_rows()) {
    auto const apply = one.on == whose::peer ? nullptr : chosen_of(script_, one).to_session;
    if (apply != nullptr) apply(session);
  }
  if (is_client(script_) && session_) SSL_set_session(session, session_.get());
}

stream_options ends::options() const {
  stream_options made;
  for (row const& one : all_rows()) {
    if (auto const apply = chosen_of(script_, one).to_options) apply(made);
  }
  // Both together are refused.
  if (!is_chosen(script_, "next_layer", "socket") || made.allow_renegotiation)
    made.ktls = ktls::off;
  return made;
}

}  // namespace tls_async::test::model
