// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "heap.hpp"

#include <openssl/crypto.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "trap.hpp"

extern "C" {
// The program is linked with --wrap for these two.
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void __real_free(void* block);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size);
void __wrap_free(void* block);
}

namespace tls_async::test::torture {
namespace {

struct entry {
  void* block;
  std::size_t size;
  char const* file;  // of OpenSSL; null for ours
  int line;
};

// A hash table without a heap of its own: linear probing, and no tombstones.
constexpr std::size_t places = std::size_t{1} << 16;
constinit std::array<entry, places> table{};
constinit bool is_looking = false;

std::size_t home(void const* block) noexcept {
  auto const bits = reinterpret_cast<std::uintptr_t>(block) >> 4;
  return static_cast<std::size_t>(bits * 0x9e3779b97f4a7c15U >> 48) % places;
}

void remember(void* block, std::size_t size, char const* file, int line) noexcept {
  if (!is_looking || block == nullptr) return;
  std::size_t i = home(block);
  while (table[i].block != nullptr)
    i = (i + 1) % places;
  table[i] = {block, size, file, line};
}

void forget(void* block) noexcept {
  if (!is_looking || block == nullptr) return;
  std::size_t i = home(block);
  while (table[i].block != block) {
    if (table[i].block == nullptr) return;
    i = (i + 1) % places;
  }
  // What stands behind it moves up, unless that would be before its home.
  for (std::size_t j = i;;) {
    table[i].block = nullptr;
    do {
      j = (j + 1) % places;
      if (table[j].block == nullptr) return;
    } while ((j - home(table[j].block)) % places < (j - i) % places);
    table[i] = std::exchange(table[j], {});
    i = j;
  }
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (trap::springs(kind::our_memory, "operator new")) return nullptr;
  if (size == 0) size = 1;
  void* const block =
      alignment == 0
          ? std::malloc(size)
          : __real_aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  remember(block, size, nullptr, 0);
  return block;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment = 0) {
  if (void* const block = allocate(size, alignment)) return block;
  throw std::bad_alloc();
}

void release(void* block) noexcept {
  forget(block);
  __real_free(block);
}

void* malloc_for_openssl(std::size_t size, char const* file, int line) {
  if (size == 0 || trap::springs(kind::openssl_memory, file, line)) return nullptr;
  void* const block = std::malloc(size);
  remember(block, size, file != nullptr ? file : "OpenSSL", line);
  return block;
}
void free_for_openssl(void* block, char const*, int) { release(block); }
void* realloc_for_openssl(void* block, std::size_t size, char const* file, int line) {
  if (block == nullptr) return malloc_for_openssl(size, file, line);
  if (size == 0) return release(block), nullptr;
  if (trap::springs(kind::openssl_memory, file, line)) return nullptr;
  forget(block);
  void* const moved = std::realloc(block, size);
  remember(moved, size, file != nullptr ? file : "OpenSSL", line);
  return moved;
}

// OpenSSL takes them only before its first allocation.
bool const openssl_has_them =
    CRYPTO_set_mem_functions(&malloc_for_openssl, &realloc_for_openssl, &free_for_openssl) == 1;

}  // namespace

void heap::look() noexcept {
  table = {};
  is_looking = true;
}

std::vector<live_block> heap::live() {
  is_looking = false;
  std::vector<live_block> found;
  for (auto const& each : table) {
    if (each.block == nullptr) continue;
    found.push_back(
        {each.file != nullptr, each.size,
         each.file != nullptr ? std::string(each.file) + ":" + std::to_string(each.line) : ""});
  }
  is_looking = true;
  return found;
}

bool heap::is_in_use() noexcept { return openssl_has_them; }

}  // namespace tls_async::test::torture

using tls_async::test::torture::allocate;
using tls_async::test::torture::allocate_or_throw;
using tls_async::test::torture::release;

extern "C" {
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return allocate(size, alignment);
}
void __wrap_free(void* block) { release(block); }
}

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept { return allocate(size, 0); }
void* operator new[](std::size_t size, std::nothrow_t const&) noexcept { return allocate(size, 0); }
void operator delete(void* block) noexcept { release(block); }
void operator delete[](void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }
void operator delete[](void* block, std::size_t) noexcept { release(block); }
void operator delete(void* block, std::align_val_t) noexcept { release(block); }
void operator delete[](void* block, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { release(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, std::nothrow_t const&) noexcept { release(block); }
void operator delete[](void* block, std::nothrow_t const&) noexcept { release(block); }
