// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "counted_heap.hpp"

#include <cerrno>

#include <openssl/crypto.h>

// glibc's own allocator, under the names it keeps when a program replaces malloc.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
}

namespace tls_async::test {
namespace {

heap_calls calls;

void* malloc_for_openssl(std::size_t size, char const*, int) {
  ++calls.of_openssl;
  return __libc_malloc(size);
}
void* realloc_for_openssl(void* block, std::size_t size, char const*, int) {
  ++calls.of_openssl;
  return __libc_realloc(block, size);
}
void free_for_openssl(void* block, char const*, int) { __libc_free(block); }

// OpenSSL takes them only before its first allocation.
bool const is_counting =
    CRYPTO_set_mem_functions(&malloc_for_openssl, &realloc_for_openssl, &free_for_openssl) == 1;

}  // namespace

heap_calls heap_calls::so_far() {
  if (!is_counting) throw "OpenSSL has allocated before its functions were set";
  return calls;
}

}  // namespace tls_async::test

using tls_async::test::calls;

extern "C" {

void* malloc(std::size_t size) {
  ++calls.ours;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++calls.ours;
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  ++calls.ours;
  return __libc_realloc(block, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  ++calls.ours;
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++calls.ours;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  ++calls.ours;
  *block = __libc_memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"
