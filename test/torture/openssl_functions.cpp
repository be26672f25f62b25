// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "openssl_functions.hpp"

#include <openssl/asn1.h>
#include <openssl/async.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>

#include "script.hpp"
#include "trap.hpp"

namespace tls_async::test::torture {
namespace {

template <class Function>
struct parts;
template <class Result, class... Arguments>
struct parts<Result(Arguments...)> {
  using result = Result;
  template <std::size_t I>
  using at = std::tuple_element_t<I, std::tuple<Arguments...>>;
};

// Whether the last call of a session has failed in the wrapper, of which the session knows nothing.
constinit bool session_call_failed = false;

bool fails(char const* name) {
  bool const springs = trap::springs(kind::openssl_call, name);
  if (springs && trap::how() == manner::plain) {
    disarmed const scope;
    ERR_raise_data(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE, "%s", name);
  }
  return springs;
}

bool session_fails(char const* name) { return session_call_failed = fails(name); }

bool can_fail_on_context(int command) {
  return command == SSL_CTRL_SET_GROUPS_LIST || command == SSL_CTRL_CHAIN_CERT ||
         command == SSL_CTRL_SET_MIN_PROTO_VERSION || command == SSL_CTRL_SET_MAX_PROTO_VERSION;
}
bool can_fail_on_session(int command) {
  return command == SSL_CTRL_SET_TLSEXT_HOSTNAME || command == SSL_CTRL_SET_MIN_PROTO_VERSION ||
         command == SSL_CTRL_SET_MAX_PROTO_VERSION;
}

}  // namespace

#define OF(name, i) parts<decltype(::name)>::at<i> const
#define PARAMETERS_0(name)
#define PARAMETERS_1(name) OF(name, 0) a
#define PARAMETERS_2(name) PARAMETERS_1(name), OF(name, 1) b
#define PARAMETERS_3(name) PARAMETERS_2(name), OF(name, 2) c
#define PARAMETERS_4(name) PARAMETERS_3(name), OF(name, 3) d
#define PARAMETERS_5(name) PARAMETERS_4(name), OF(name, 4) e
#define PARAMETERS_6(name) PARAMETERS_5(name), OF(name, 5) f
#define PARAMETERS_7(name) PARAMETERS_6(name), OF(name, 6) g
#define ARGUMENTS_0
#define ARGUMENTS_1 a
#define ARGUMENTS_2 a, b
#define ARGUMENTS_3 a, b, c
#define ARGUMENTS_4 a, b, c, d
#define ARGUMENTS_5 a, b, c, d, e
#define ARGUMENTS_6 a, b, c, d, e, f
#define ARGUMENTS_7 a, b, c, d, e, f, g
#define WRAPPED(name, count, value, condition)                                         \
  extern "C" decltype(::name) __real_##name;                                           \
  extern "C" parts<decltype(::name)>::result __wrap_##name(PARAMETERS_##count(name)) { \
    if (condition) return value;                                                       \
    return __real_##name(ARGUMENTS_##count);                                           \
  }
#define FAILS(name, count, value) WRAPPED(name, count, value, fails(#name))
#define FAILS_WHEN(name, count, value, when) WRAPPED(name, count, value, (when) && fails(#name))
#define SESSION_FAILS(name, count, value) WRAPPED(name, count, value, session_fails(#name))
#define CANNOT(name, reason)
#include "openssl_functions.inc"
#undef FAILS
#undef FAILS_WHEN
#undef SESSION_FAILS
#undef CANNOT

// What the session says of the call that the wrapper has let fail.
WRAPPED(SSL_get_error, 2, ERR_peek_error() != 0 ? SSL_ERROR_SSL : SSL_ERROR_SYSCALL,
        session_call_failed)
WRAPPED(SSL_want, 1, SSL_NOTHING, session_call_failed)

std::string left_errors() {
  std::string found;
  char const* file = nullptr;
  char const* of = nullptr;
  char const* data = nullptr;
  int line = 0;
  int flags = 0;
  while (auto const code = ERR_get_error_all(&file, &line, &of, &data, &flags)) {
    char const* const reason = ERR_reason_error_string(code);
    found += (found.empty() ? "" : ", ") + std::string(of) + ": " +
             (reason != nullptr ? reason : "?") + " " + ((flags & ERR_TXT_STRING) != 0 ? data : "");
  }
  return found;
}

void list_openssl_functions(std::ostream& out) {
#define FAILS(name, count, value) out << #name " fails with " #value "\n";
#define FAILS_WHEN(name, count, value, when) FAILS(name, count, value)
#define SESSION_FAILS(name, count, value) FAILS(name, count, value)
#define CANNOT(name, reason) out << #name " cannot: " reason "\n";
#include "openssl_functions.inc"
}

}  // namespace tls_async::test::torture
