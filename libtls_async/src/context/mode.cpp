// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Modes, and what a context's streams have done and hold.
#include "state.hpp"

namespace tls_async {

unsigned long context::set_mode(unsigned long bits) {
  if ((bits & ~known_modes) != 0) {
    detail::refuse(errc::bad_option,
                   "set_mode: these bits are not modes of a stream: pass those of tls_async::mode");
  }
  if (has(bits, mode::release_buffers_on_idle))
    detail::state_of(handle_.get()).policy.release_on_idle = true;
  unsigned long const of_openssl =
      bits & ~static_cast<unsigned long>(mode::release_buffers_on_idle);
  SSL_CTX_set_mode(handle_.get(), static_cast<long>(of_openssl));
  return modes();
}

unsigned long context::clear_mode(mode m) {
  if (m == mode::release_buffers_on_idle) {
    detail::state_of(handle_.get()).policy.release_on_idle = false;
  } else {
    SSL_CTX_clear_mode(handle_.get(), static_cast<long>(m));
  }
  return modes();
}

unsigned long context::modes() const noexcept { return detail::inherited_modes(handle_.get()); }

stats context::stats() const { return detail::state_of(handle_.get()).policy.ended.get(); }

std::size_t context::memory_usage() const noexcept {
  return detail::state_of(handle_.get()).policy.account.usage();
}

void context::set_memory_budget(std::size_t bytes) noexcept {
  detail::state_of(handle_.get()).policy.account.set_budget(bytes);
}

}  // namespace tls_async
