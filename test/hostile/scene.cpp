// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "scene.hpp"

#include <boost/asio/ssl/context.hpp>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <map>

namespace tls_async::test {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::array trust_names{"host",
                                 "host on Asio's context",
                                 "SSL_set1_host",
                                 "a callback",
                                 "nobody asked",
                                 "a client certificate",
                                 "a client certificate on Asio's context",
                                 "a client certificate, if any"};
constexpr std::array way_names{
    "tls_handshake", "async_handshake", "buffered async_handshake",    "handshake",
    "tls_read_some", "tls_write",       "tls_read_some and tls_write", "read_some",
    "write_some"};
constexpr std::array who_names{"the one that is wanted", "another or nobody", "untrusted"};

template <class Enum>
char const* name_in(auto const& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

void use(ssl::context& made, identity const& own) {
  made.use_certificate_chain(boost::asio::buffer(own.certificate_chain));
  made.use_private_key(boost::asio::buffer(own.private_key), ssl::context::pem);
}

context make_server(trust trusts) {
  context made(context::role::server);
  made.use_certificate_chain(server_identity().certificate_chain);
  made.use_private_key(server_identity().private_key);
  if (trusts != trust::nobody_asked) made.trust(client_identity().authority);
  if (trusts == trust::required) made.require_client_certificate();
  if (trusts == trust::optional) made.request_client_certificate();
  return made;
}

ssl::context make_asio_context(trust trusts) {
  ssl::context made(trusts == trust::asio_required ? ssl::context::tls_server
                                                   : ssl::context::tls_client);
  if (trusts == trust::asio_required) {
    use(made, server_identity());
    made.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  }
  if (trusts == trust::callback) made.set_verify_mode(ssl::verify_peer);
  if (trusts == trust::asio_host || trusts == trust::asio_required) {
    made.add_certificate_authority(boost::asio::buffer(server_identity().authority));
  }
  return made;
}

}  // namespace

std::string describe(scene const& which) {
  return std::string(which.side == role::client ? "client" : "server") + " of TLS 1." +
         (which.version == TLS1_3_VERSION ? "3" : "2") + ", trusts " +
         name_in(trust_names, which.trusts) + ", by " + name_in(way_names, which.negotiates) +
         ", the peer is " + name_in(who_names, which.peer) +
         (which.speed == pace::all_at_once ? ", all at once" : "");
}

std::vector<scene> all_scenes() {
  std::vector<scene> made;
  auto const add = [&made](role side, trust trusts, std::vector<way> const& ways) {
    for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      for (way const one : ways)
        made.push_back({side, version, trusts, one});
    }
  };
  std::vector<way> const named{way::tls_handshake};
  std::vector<way> const unnamed{
      way::async_handshake, way::buffered_handshake, way::handshake, way::tls_read,
      way::tls_write,       way::tls_read_and_write, way::read,      way::write};
  for (trust const one : {trust::host, trust::asio_host})
    add(role::client, one, named);
  for (trust const one : {trust::openssl_host, trust::callback, trust::nobody_asked})
    add(role::client, one, unnamed);
  for (trust const one :
       {trust::nobody_asked, trust::required, trust::asio_required, trust::optional}) {
    add(role::server, one, named);
    add(role::server, one, unnamed);
  }
  return made;
}

bool is_acceptable(scene const& which) {
  if (which.peer == who::known || which.trusts == trust::nobody_asked) return true;
  return which.trusts == trust::optional && which.peer == who::of_another;
}

SSL_CTX* peer_context(scene const& which) {
  role const side = which.side == role::client ? role::server : role::client;
  return peer_context(side, which.version, which.peer);
}

stream_context context_of(scene const& which) {
  bool const is_client = which.side == role::client;
  if (is_client && (which.trusts == trust::host || which.trusts == trust::openssl_host)) {
    return {&trusting_client(), nullptr};
  }
  if (!is_client && which.trusts != trust::asio_required) {
    static std::map<trust, context> servers;
    auto found = servers.find(which.trusts);
    if (found == servers.end()) {
      found = servers.emplace(which.trusts, make_server(which.trusts)).first;
    }
    return {&found->second, nullptr};
  }
  static std::map<trust, ssl::context> of_asio;
  auto found = of_asio.find(which.trusts);
  if (found == of_asio.end()) {
    found = of_asio.emplace(which.trusts, make_asio_context(which.trusts)).first;
  }
  return {nullptr, &found->second};
}

X509* wanted_certificate(role of_peer) {
  auto const read = [](identity const& of) {
    std::string const& pem = of.certificate_chain;
    bio_ptr const text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return std::unique_ptr<X509, decltype(&X509_free)>(
        PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr), &X509_free);
  };
  static auto const server = read(server_identity());
  static auto const client = read(client_identity());
  return of_peer == role::server ? server.get() : client.get();
}

}  // namespace tls_async::test
