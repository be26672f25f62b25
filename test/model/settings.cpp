// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "settings.hpp"

#include <boost/asio/buffer.hpp>

#include <stdexcept>

#include "support/certificates.hpp"

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

void use(SSL_CTX* context, identity const& own) {
  // Asio's context takes PEM, and gives the session back what it was.
  SSL_CTX_up_ref(context);
  ssl::context borrowed(context);
  borrowed.use_certificate_chain(boost::asio::buffer(own.certificate_chain));
  borrowed.use_private_key(boost::asio::buffer(own.private_key), ssl::context::pem);
}

void trust(SSL_CTX* context, std::string const& authority) {
  SSL_CTX_up_ref(context);
  ssl::context borrowed(context);
  borrowed.add_certificate_authority(boost::asio::buffer(authority));
}

}  // namespace

value const& chosen(script const& of, std::string const& row_name) {
  return chosen_of(of, row_of(row_name));
}

bool is_chosen(script const& of, std::string const& row_name, std::string const& value_name) {
  return chosen(of, row_name).name == value_name;
}

bool is_record_level(script const& of) { return is_chosen(of, "suite", "aes128"); }

std::string host_of(script const& of) {
  if (!is_client(of) || is_chosen(of, "trust", "nobody")) return {};
  return is_chosen(of, "trust", "other_host") ? "other.example" : "localhost";
}

ends::ends(script const& of) : script_(of) {
  bool const client = is_client(of);
  if (is_chosen(of, "context", "ours")) {
    ours_.emplace(client ? context::role::client : context::role::server);
    auto const& authority =
        make_identity(is_chosen(of, "trust", "unknown") ? identity_kind::untrusted
                                                        : identity_kind::server)
            .authority;
    if (client && host_of(of).empty()) ours_->insecure_skip_verification();
    if (client) ours_->trust(authority);
    if (!client) {
      ours_->use_certificate_chain(server_identity().certificate_chain);
      ours_->use_private_key(server_identity().private_key);
    }
    SSL_CTX_up_ref(ours_->native_handle());
    of_asio_.emplace(ours_->native_handle());
  } else {
    of_asio_.emplace(client ? ssl::context::tls_client : ssl::context::tls_server);
    if (client) {
      trust(subject(), make_identity(is_chosen(of, "trust", "unknown") ? identity_kind::untrusted
                                                                       : identity_kind::server)
                           .authority);
    } else {
      use(subject(), server_identity());
    }
  }
  peer_.reset(SSL_CTX_new(client ? TLS_server_method() : TLS_client_method()));
  if (!peer_) throw std::bad_alloc();
  if (client) use(peer_.get(), server_identity());
  SSL_CTX_set_mode(peer_.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  for (SSL_CTX* const context : {subject(), peer_.get()}) {
    // A stream of ours refuses it by itself.
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    for (row const& one : all_rows()) {
      if (one.on == (context == peer_.get() ? whose::subject : whose::peer)) continue;
      if (auto const apply = chosen_of(of, one).to_context) apply(context);
    }
  }
}

void ends::prepare_subject(SSL* session, bool by_openssl) const {
  std::string const host = host_of(script_);
  if (by_openssl && !host.empty()) {
    SSL_set1_host(session, host.c_str());
    SSL_set_tlsext_host_name(session, host.c_str());
    SSL_set_verify(session, SSL_VERIFY_PEER, nullptr);
  }
  for (row const& one : all_rows()) {
    auto const apply = one.on == whose::peer ? nullptr : chosen_of(script_, one).to_session;
    if (apply != nullptr) apply(session);
  }
}

stream_options ends::options() const {
  stream_options made;
  for (row const& one : all_rows()) {
    if (auto const apply = chosen_of(script_, one).to_options) apply(made);
  }
  return made;
}

}  // namespace tls_async::test::model
