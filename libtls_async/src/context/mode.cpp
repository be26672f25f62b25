// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Modes, and what a context's streams have done and hold.
#include "state.hpp"

#include <mutex>

namespace tls_async {

unsigned long context::set_mode(unsigned long bits) {
  if ((bits & ~known_modes) != 0) {
    detail::refuse(errc::bad_option,
                   "set_mode: these bits are not modes of a stream: pass those of tls_async::mode");
  }
  if (has(bits, mode::release_buffers_on_idle))
    detail::state_of(handle_.get()).release_on_idle = true;
  unsigned long const of_openssl =
      bits & ~static_cast<unsigned long>(mode::release_buffers_on_idle);
  SSL_CTX_set_mode(handle_.get(), static_cast<long>(of_openssl));
  return modes();
}

unsigned long context::clear_mode(mode m) {
  if (m == mode::release_buffers_on_idle) {
    detail::state_of(handle_.get()).release_on_idle = false;
  } else {
    SSL_CTX_clear_mode(handle_.get(), static_cast<long>(m));
  }
  return modes();
}

unsigned long context::modes() const noexcept { return detail::inherited_modes(handle_.get()); }

stats context::stats() const {
  auto const& state = detail::state_of(handle_.get());
  std::scoped_lock const lock(state.stats_mutex);
  return state.sum;
}

std::size_t context::memory_usage() const noexcept {
  return detail::state_of(handle_.get()).account.usage();
}

void context::memory_budget(std::size_t bytes) noexcept {
  detail::state_of(handle_.get()).account.budget(bytes);
}

namespace detail {

memory_account* account_of(SSL_CTX* handle) noexcept {
  return is_ours(handle) ? &state_of(handle).account : nullptr;
}

unsigned long inherited_modes(SSL_CTX* handle) noexcept {
  auto const of_openssl = static_cast<unsigned long>(SSL_CTX_get_mode(handle)) & known_modes;
  if (auto const* policy = policy_of(handle); policy != nullptr) {
    return of_openssl |
           (policy->release_on_idle ? static_cast<unsigned long>(mode::release_buffers_on_idle)
                                    : 0);
  }
  return of_openssl | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
         SSL_MODE_RELEASE_BUFFERS;
}

void add_stats(SSL_CTX const* handle, stats const& of_stream) noexcept {
  if (!is_ours(handle)) return;
  auto& state = state_of(const_cast<SSL_CTX*>(handle));
  std::scoped_lock const lock(state.stats_mutex);
  state.sum += of_stream;
}

}  // namespace detail
}  // namespace tls_async
