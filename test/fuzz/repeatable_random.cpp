// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A provider with one random generator: provider-rand(7). OpenSSL's own TEST-RAND has to be given
// its bytes before, and ends with them.
#include "repeatable_random.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include <climits>
#include <cstddef>
#include <cstdint>

#include "script.hpp"

namespace tls_async::test {
namespace {

std::uint64_t counter = 0;

unsigned char next_byte() noexcept {  // splitmix64
  std::uint64_t x = ++counter * 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return static_cast<unsigned char>(x >> 56);
}

void* new_generator(void*, void*, OSSL_DISPATCH const*) { return &counter; }
void free_generator(void*) {}
int instantiate(void*, unsigned, int, unsigned char const*, std::size_t, OSSL_PARAM const*) {
  return 1;
}
int uninstantiate(void*) { return 1; }
int generate(void*, unsigned char* out, std::size_t size, unsigned, int, unsigned char const*,
             std::size_t) {
  for (std::size_t i = 0; i != size; ++i)
    out[i] = next_byte();
  return 1;
}
int reseed(void*, int, unsigned char const*, std::size_t, unsigned char const*, std::size_t) {
  return 1;
}
int enable_locking(void*) { return 1; }

int get_parameters(void*, OSSL_PARAM* list) {
  auto* const state = OSSL_PARAM_locate(list, OSSL_RAND_PARAM_STATE);
  auto* const strength = OSSL_PARAM_locate(list, OSSL_RAND_PARAM_STRENGTH);
  auto* const most = OSSL_PARAM_locate(list, OSSL_RAND_PARAM_MAX_REQUEST);
  return (state == nullptr || OSSL_PARAM_set_int(state, EVP_RAND_STATE_READY) == 1) &&
         (strength == nullptr || OSSL_PARAM_set_uint(strength, 256) == 1) &&
         (most == nullptr || OSSL_PARAM_set_size_t(most, INT_MAX) == 1);
}
OSSL_PARAM const* gettable_parameters(void*, void*) {
  static OSSL_PARAM const known[] = {OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, nullptr),
                                     OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, nullptr),
                                     OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, nullptr),
                                     OSSL_PARAM_END};
  return known;
}

using function = void (*)();
template <class Function>
function erased(Function* of) {
  return reinterpret_cast<function>(of);
}

OSSL_ALGORITHM const* query(void*, int operation, int* no_cache) {
  static OSSL_DISPATCH const generator[] = {
      {OSSL_FUNC_RAND_NEWCTX, erased(&new_generator)},
      {OSSL_FUNC_RAND_FREECTX, erased(&free_generator)},
      {OSSL_FUNC_RAND_INSTANTIATE, erased(&instantiate)},
      {OSSL_FUNC_RAND_UNINSTANTIATE, erased(&uninstantiate)},
      {OSSL_FUNC_RAND_GENERATE, erased(&generate)},
      {OSSL_FUNC_RAND_RESEED, erased(&reseed)},
      {OSSL_FUNC_RAND_ENABLE_LOCKING, erased(&enable_locking)},
      {OSSL_FUNC_RAND_GET_CTX_PARAMS, erased(&get_parameters)},
      {OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, erased(&gettable_parameters)},
      {0, nullptr}};
  static OSSL_ALGORITHM const algorithms[] = {
      {"REPEATABLE", "provider=repeatable", generator, "the same numbers again"},
      {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  return operation == OSSL_OP_RAND ? algorithms : nullptr;
}

int start_provider(OSSL_CORE_HANDLE const*, OSSL_DISPATCH const*, OSSL_DISPATCH const** out,
                   void** context) {
  static OSSL_DISPATCH const functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, erased(&query)},
                                            {0, nullptr}};
  *out = functions;
  *context = &counter;
  return 1;
}

}  // namespace

void use_repeatable_random() {
  must(OSSL_PROVIDER_add_builtin(nullptr, "repeatable", &start_provider) == 1,
       "OpenSSL takes no provider of ours");
  // Once a provider is loaded by name, the default one is no longer loaded by itself.
  static auto* const standard = OSSL_PROVIDER_load(nullptr, "default");
  static auto* const ours = OSSL_PROVIDER_load(nullptr, "repeatable");
  must(standard != nullptr && ours != nullptr &&
           RAND_set_DRBG_type(nullptr, "REPEATABLE", nullptr, nullptr, nullptr) == 1,
       "OpenSSL takes no random numbers of ours");
}

void restart_random() noexcept { counter = 0; }

}  // namespace tls_async::test
