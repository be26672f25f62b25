// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// PEM texts for a context: chains, keys, passwords, trust. Judged: what is refused is refused with
// one of the documented codes and a message that may be shown, and changes nothing; what is taken
// is in use, or waits for its other half.
#include <tls_async/context.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <tls_async_test/certificates.hpp>
#include "events.hpp"
#include "repeatable_random.hpp"
#include "script.hpp"

namespace tls_async::test {
namespace {

// Its key is derived as slowly as the text asks for.
bool is_slow(std::string const& pem) {
  return pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != std::string::npos;
}

void judge_refusal(boost::system::system_error const& error, std::initializer_list<errc> allowed) {
  must(std::any_of(allowed.begin(), allowed.end(), [&](errc one) { return error.code() == one; }),
       "another code than those that are documented");
  std::string_view const words = error.what();
  must(!words.empty() && words.size() < 4'096, "a message without words, or without a bound");
  must(std::all_of(words.begin(), words.end(),
                   [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }),
       "a message that may not be shown");
}

class trial {
public:
  void run(script& with) {
    for (std::size_t i = 0; i != 8 && !with.ended(); ++i) {
      std::size_t const event = with.below(pem_events);
      auto const pem = text(with);
      auto const password = with.bytes(with.below(8));
      perform(event, pem, is_slow(pem) ? std::string() : password);
      must(ERR_peek_error() == 0, "an error was left in the queue");
      must(!has_identity() || SSL_CTX_check_private_key(handle()) == 1,
           "a certificate is in use with the key of another");
      ERR_clear_error();
    }
  }

private:
  SSL_CTX* handle() { return server_.native_handle(); }
  bool has_identity() { return SSL_CTX_get0_certificate(handle()) != nullptr; }
  int trusted() {
    auto* const certificates = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(handle()));
    int const count = sk_X509_num(certificates);
    sk_X509_pop_free(certificates, X509_free);
    return count;
  }

  // What the input has, before or behind what the tests have, or in the middle of it.
  static std::string text(script& with) {
    std::size_t const first = with.byte();
    auto const own = with.text();
    auto const& known = first % 2 == 0 ? server_identity() : client_identity();
    std::string const ready = (first >> 1 & 1) != 0 ? known.certificate_chain : std::string();
    std::string const key = (first >> 2 & 1) != 0 ? known.private_key : std::string();
    std::string const authority = (first >> 3 & 1) != 0 ? known.authority : std::string();
    auto made = ready + key + authority;
    if ((first >> 4 & 1) != 0 && !made.empty()) return made.insert(with.size() % made.size(), own);
    return (first >> 5 & 1) != 0 ? own + made : made + own;
  }

  void perform(std::size_t event, std::string const& pem, std::string const& password) {
    switch (event) {
      case pem_chain:
        return change([&] { server_.use_certificate_chain(pem); },
                      {errc::bad_certificate, errc::key_mismatch});
      case pem_key:
        return change([&] { server_.use_private_key(pem, password); },
                      {errc::bad_private_key, errc::key_mismatch});
      case pem_identity:
        return change([&] { server_.add_identity(pem, pem, password); },
                      {errc::bad_certificate, errc::bad_private_key, errc::key_mismatch});
      case pem_trust:
        return change([&] { server_.trust(pem); }, {errc::bad_trust});
      case pem_require:
        return change([&] { server_.require_client_certificate(); }, {errc::empty_trust_store});
      default:
        server_ = context(context::role::server);
    }
  }

  // Either it takes effect, or nothing has changed.
  void change(std::function<void()> const& setter, std::initializer_list<errc> allowed) {
    auto const* const certificate = SSL_CTX_get0_certificate(handle());
    auto const* const key = SSL_CTX_get0_privatekey(handle());
    int const trusted_before = trusted();
    try {
      setter();
      return;
    } catch (boost::system::system_error const& error) {
      judge_refusal(error, allowed);
    }
    must(SSL_CTX_get0_certificate(handle()) == certificate &&
             SSL_CTX_get0_privatekey(handle()) == key && trusted() == trusted_before,
         "what was refused has changed something");
  }

  context server_{context::role::server};
};

}  // namespace
}  // namespace tls_async::test

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tls_async::test::use_repeatable_random();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  tls_async::test::script input(data, size);
  tls_async::test::trial().run(input);
  return 0;
}
