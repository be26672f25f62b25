// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a program can be asked in the middle of a handshake, as values that own what they tell; and
// its answer. Who asks it with Asio: hooks.hpp.
#pragma once

#include <tls_async/requirements.hpp>

#include <openssl/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tls_async {

/// An array that is made once, and shared by its copies. Without a vector, which is another type
/// where a program is built with _GLIBCXX_DEBUG.
template <class T>
class shared_list {
public:
  shared_list() = default;
  /// Takes the elements of `from`. Throws std::bad_alloc.
  template <class Range>
  explicit shared_list(Range from) : size_(std::size(from)) {
    if (size_ == 0) return;
    std::shared_ptr<T[]> made(new T[size_]);
    std::move(std::begin(from), std::end(from), made.get());
    items_ = std::move(made);
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }         ///< Nothing is in it.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }        ///< So many are.
  [[nodiscard]] T const* data() const noexcept { return items_.get(); }    ///< The first.
  [[nodiscard]] T const* begin() const noexcept { return items_.get(); }   ///< The first.
  [[nodiscard]] T const* end() const noexcept { return begin() + size_; }  ///< Behind the last.
  /// That one, from 0 on.
  [[nodiscard]] T const& operator[](std::size_t index) const noexcept {
    return items_.get()[index];
  }

private:
  std::shared_ptr<T const[]> items_;
  std::size_t size_ = 0;
};

/// What a client has asked for, before anything of it was acted upon (RFC 8446 section 4.1.2).
struct client_hello {
  /// One extension, as it came (RFC 8446 section 4.2).
  struct extension {
    std::uint16_t type;            ///< Of the registry of TLS.
    shared_list<std::byte> bytes;  ///< Its content.
  };

  std::string host;               ///< The name it asks for (SNI, RFC 6066); empty if none.
  shared_list<std::string> alpn;  ///< The protocols it offers (RFC 7301), its favourite first.
  shared_list<std::uint16_t> versions;  ///< It offers: 0x0304 is TLS 1.3.
  shared_list<std::uint16_t> groups;    ///< It supports (RFC 8446 section 4.2.7).
  shared_list<std::uint16_t> ciphers;   ///< Its cipher suites.
  /// Those that OpenSSL knows, or was told of (SSL_CTX_add_custom_ext(3)), in their order.
  shared_list<extension> extensions;

  /// The content of one of those; nothing if the client did not send it. Valid as long as this.
  [[nodiscard]] std::optional<std::span<std::byte const>> find(std::uint16_t type) const noexcept {
    for (auto const& each : extensions)
      if (each.type == type) return std::span(each.bytes.data(), each.bytes.size());
    return {};
  }
};

/// The handshake needs a certificate of ours.
struct certificate_request {
  /// What the client asks for, on a server; on a client, whom it wants. May be empty.
  std::string host;
  /// On a client: the authorities that the server accepts, as RFC 4514 has names, escaped as
  /// `error_info` says. Empty if it named none, and on a server.
  shared_list<std::string> authorities;
};

/// What the peer has shown; hooks.hpp says when it is asked about.
class peer_certificates {
public:
  /// Nothing was shown.
  peer_certificates() = default;
  /// Takes references to those of `chain`, the peer's own first.
  explicit peer_certificates(shared_list<std::shared_ptr<X509>> chain) : chain_(std::move(chain)) {}

  /// It has shown no certificate. A server that asks for none has clients without.
  [[nodiscard]] bool empty() const noexcept { return chain_.empty(); }
  /// How many there are: the peer's own, then each one's issuer as far as it was verified. Of a
  /// session that was resumed there may be the peer's own only.
  [[nodiscard]] std::size_t size() const noexcept { return chain_.size(); }
  /// One of them, 0 the peer's own; it is there as long as this.
  [[nodiscard]] X509* operator[](std::size_t index) const noexcept { return chain_[index].get(); }
  /// The bytes of one of them in DER. Throws std::bad_alloc.
  [[nodiscard]] std::string der(std::size_t index) const;
  /// The subject of one of them as RFC 4514 has names, escaped as `error_info` says.
  [[nodiscard]] std::string subject(std::size_t index) const;

private:
  shared_list<std::shared_ptr<X509>> chain_;
};

/// The handshake needs a signature by a private key that is elsewhere (`identities::add_chain`).
struct signature_request {
  /// By which algorithm, as TLS numbers them (RFC 8446 section 4.2.3), also in TLS 1.2: 0x0403 is
  /// ECDSA with SHA-256, 0x0804 RSASSA-PSS with SHA-256 and a salt of 32 bytes, 0x0401 RSA PKCS #1
  /// with SHA-256, 0x0807 Ed25519. For the curves of Brainpool it is that of ECDSA with the same
  /// hash; 0 where TLS has no number, as for RSA in TLS 1.1.
  std::uint16_t scheme = 0;
  /// The hash function of that, as OpenSSL calls it: "SHA256". Empty for Ed25519.
  std::string digest;
  /// What is to be signed, before it is hashed.
  shared_list<std::byte> message;
  /// Whose private key is wanted: the certificate's SubjectPublicKeyInfo in DER (RFC 5280 section
  /// 4.1.2.7).
  shared_list<std::byte> public_key;

  /// The hash of `message`; for Ed25519 the message itself. Throws std::bad_alloc.
  [[nodiscard]] shared_list<std::byte> hashed() const;
};

/// What the engine waits to be told.
using question =
    std::variant<client_hello, certificate_request, peer_certificates, signature_request>;

/// Which questions the program wants to be asked.
struct questions {
  bool client_hello = false;  ///< Of a server.
  bool certificate = false;   ///< On both sides.
  bool peer = false;          ///< On both sides.
  bool signature = false;     ///< On both sides.

  /// One by one.
  bool operator==(questions const&) const = default;
  /// None of them.
  [[nodiscard]] bool empty() const noexcept { return *this == questions(); }
};

/// What the program has decided. As it is made: the handshake goes on.
struct verdict {
  /// Ends the handshake, for that reason, which `error_info()` tells; with that alert, of a
  /// client_hello: access_denied unless it is given (RFC 8446 section 6.2).
  /// Without the words if there is no memory for them.
  [[nodiscard]] static verdict refuse(std::string_view why, int alert = 49) noexcept {
    verdict made;
    made.goes_on = false;
    made.alert = alert;
    try {
      made.why = why;
    } catch (...) {  // refused all the same
    }
    return made;
  }

  /// Answers a signature_request: the bytes as TLS has them. RSA: as many as the modulus has.
  /// ECDSA: in DER (RFC 3279 section 2.2.3). Throws std::bad_alloc.
  [[nodiscard]] static verdict sign(std::span<std::byte const> signature) {
    verdict made;
    made.signature = shared_list<std::byte>(std::vector(signature.begin(), signature.end()));
    return made;
  }

  bool goes_on = true;  ///< Else the handshake is refused.
  int alert = 49;       ///< By which alert: 1 to 255, else it is access_denied.
  std::string why;      ///< It is refused, in words.
  /// Puts certificates into the session; false if they are not accepted, and what it throws refuses
  /// the handshake. It runs under the stream's lock. Empty: the session has what it has.
  /// `identities::chosen()` makes one.
  std::function<bool(SSL*)> use;
  shared_list<std::byte> signature;  ///< Of a signature_request. `sign()` makes one.
};

}  // namespace tls_async
