// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "contexts.hpp"

#include <map>
#include <tuple>
#include <utility>

#include <openssl/err.h>

namespace tls_async::test {
namespace {

identity_kind kind_of_server(shown as) {
  switch (as) {
    case shown::known:
      return identity_kind::server;
    case shown::of_another:
      return identity_kind::wrong_host;
    case shown::untrusted:
      break;
  }
  return identity_kind::untrusted;
}

void use(context& made, identity const& own) {
  made.use_certificate_chain(own.certificate_chain);
  made.use_private_key(own.private_key);
}

void on_info(SSL const*, int, int) {
  if (callbacks_leave_errors) leave_error();
}

template <class Made, class Key, class Make>
Made& once(std::map<Key, Made>& all, Key const& key, Make make) {
  auto found = all.find(key);
  if (found == all.end()) found = all.emplace(key, make()).first;
  return found->second;
}

}  // namespace

SSL_CTX* our_client(shown as) {
  static std::map<shown, context> all;
  return once(all, as,
              [as] {
                context made(context::role::client);
                SSL_CTX_set_info_callback(made.native_handle(), &on_info);
                made.trust(server_identity().authority);
                if (as == shown::known) use(made, client_identity());
                if (as == shown::untrusted) use(made, make_identity(identity_kind::untrusted));
                return made;
              })
      .native_handle();
}

SSL_CTX* our_server(shown as, asked of_clients) {
  static std::map<std::pair<shown, asked>, context> all;
  return once(all, std::pair(as, of_clients),
              [=] {
                context made(context::role::server);
                SSL_CTX_set_info_callback(made.native_handle(), &on_info);
                use(made, make_identity(kind_of_server(as)));
                if (of_clients != asked::nobody) made.trust(client_identity().authority);
                if (of_clients == asked::required) made.require_client_certificate();
                if (of_clients == asked::optional) made.request_client_certificate();
                return made;
              })
      .native_handle();
}

SSL_CTX* bare_peer(role side, int version, shown as) {
  static std::map<std::tuple<role, int, shown>, context_ptr> all;
  return once(all, std::tuple(side, version, as),
              [=] {
                tls_settings settings;
                settings.version = version;
                settings.cipher = version == TLS1_3_VERSION ? "TLS_AES_128_GCM_SHA256"
                                                            : "ECDHE-ECDSA-AES128-GCM-SHA256";
                settings.certificate = kind_of_server(as);
                auto made = make_context(side, settings);
                if (side == role::client && as != shown::of_another) {
                  SSL_CTX* const ours = our_client(as);
                  SSL_CTX_use_certificate(made.get(), SSL_CTX_get0_certificate(ours));
                  SSL_CTX_use_PrivateKey(made.get(), SSL_CTX_get0_privatekey(ours));
                }
                SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);
                return made;
              })
      .get();
}

void leave_error() { ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR); }

bool is_acceptable_server(shown as) { return as == shown::known; }

bool is_acceptable_client(shown as, asked of_clients) {
  if (of_clients == asked::nobody || as == shown::known) return true;
  return of_clients == asked::optional && as == shown::of_another;
}

}  // namespace tls_async::test
