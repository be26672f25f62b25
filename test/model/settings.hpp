// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The table of all that a script can set on the contexts and sessions of both ends, and the
// contexts made by it.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async/options.hpp>

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include <tls_async_test/tls_pair.hpp>
#include "script.hpp"

namespace tls_async::test::model {

/// On whose context a row acts. Only the subject's session has settings of its own.
enum class whose { subject, peer, both };
/// Which version a row is for. Elsewhere it is set too, and means nothing there.
enum class fits { any, tls1_2, tls1_3 };

struct value {
  char const* name;
  void (*to_context)(SSL_CTX*) = nullptr;
  void (*to_session)(SSL*) = nullptr;
  /// Only a stream of ours has it.
  void (*to_options)(stream_options&) = nullptr;
};
struct row {
  char const* name;
  whose on;
  fits version;
  std::vector<value> values;  ///< The first is the default.
};

std::vector<row> const& all_rows();
/// What a script has chosen. Throws if there is no such row.
value const& chosen(script const& of, std::string const& row_name);
bool is_chosen(script const& of, std::string const& row_name, std::string const& value_name);

/// Rows that the model itself looks at, beside applying them.
inline bool is_client(script const& of) { return is_chosen(of, "side", "client"); }
inline bool is_tls1_3(script const& of) { return is_chosen(of, "version", "1.3"); }
/// The peer asks for another handshake, and may be granted it.
bool renegotiates(script const& of);
/// The peer can be played record by record.
bool is_record_level(script const& of);
/// The host that the subject asks for, as a client that verifies; empty if it doesn't.
std::string host_of(script const& of);
/// A stream of ours negotiates by Asio's members, which know no host and no deadline.
bool negotiates_by_member(script const& of);
/// A key that both share may stand for a certificate (RFC 8446 section 4.2.11).
bool shares_key(script const& of);
/// Whose certificate the subject has; null for a client that has none.
identity const* own_identity(script const& of);
/// The subject is a server that lets nobody in without a certificate.
bool requires_certificate(script const& of);

/// Both ends' contexts, with all rows applied.
class ends {
public:
  explicit ends(script const& of);
  ends(ends const&) = delete;
  ends& operator=(ends const&) = delete;

  /// The subject's, for each library. `ours` is null where the script has one of Asio's.
  [[nodiscard]] tls_async::context* ours() { return ours_ ? &*ours_ : nullptr; }
  [[nodiscard]] boost::asio::ssl::context& of_asio() { return *of_asio_; }
  [[nodiscard]] SSL_CTX* subject() { return of_asio_->native_handle(); }
  [[nodiscard]] SSL_CTX* peer() { return peer_.get(); }

  /// The settings of a session. Also the host and the verification of a client, with `by_openssl`.
  void prepare_subject(SSL* session, bool by_openssl) const;
  [[nodiscard]] stream_options options() const;
  /// What a client has of a first connection; null if it resumes nothing.
  [[nodiscard]] SSL_SESSION* session() const { return session_.get(); }

private:
  void make_ours();
  void connect_first();
  [[nodiscard]] std::string const& authority() const;

  script const& script_;
  std::optional<tls_async::context> ours_;
  std::optional<boost::asio::ssl::context> of_asio_;
  context_ptr peer_;
  struct free_session {
    void operator()(SSL_SESSION* ended) const noexcept { SSL_SESSION_free(ended); }
  };
  std::unique_ptr<SSL_SESSION, free_session> session_;
};

}  // namespace tls_async::test::model
