// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "given_back.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

#include <malloc.h>
#include <string_view>

namespace {

std::array<char, 64> wanted;
std::size_t length = 0;  // 0: nothing is looked for
int blocks = 0;

void look_into(void* memory) noexcept {
  if (memory == nullptr || length == 0) return;
  std::string_view const all(static_cast<char*>(memory), malloc_usable_size(memory));
  if (all.find(std::string_view(wanted.data(), length)) != all.npos) ++blocks;
}

}  // namespace

void* operator new(std::size_t size) {
  // Cleared, so that nothing is found that was there before.
  if (void* const memory = std::calloc(1, size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  look_into(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  look_into(memory);
  std::free(memory);
}

namespace tls_async::test::given_back {

void watch(std::string bytes) {
  std::memcpy(wanted.data(), bytes.data(), bytes.size());
  std::memset(bytes.data(), 0, bytes.size());
  blocks = 0;
  length = bytes.size();
}

int seen() {
  length = 0;
  return blocks;
}

}  // namespace tls_async::test::given_back
