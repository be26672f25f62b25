// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Who is told of what happens to the sessions of a context, and the sums of that.
#include "state.hpp"

#include <memory>
#include <utility>

namespace tls_async {

void context::on_event(event_handler handler) {
  detail::require_unused(handle_.get(), "on_event()");
  auto& told = detail::state_of(handle_.get()).policy.on_event;
  told = handler ? std::make_shared<event_handler const>(std::move(handler)) : nullptr;
}

counters context::counters() const {
  auto const& policy = detail::state_of(handle_.get()).policy;
  tls_async::counters now;
  policy.counters.read(now);
  now.stats = policy.ended.get();
  return now;
}

}  // namespace tls_async
