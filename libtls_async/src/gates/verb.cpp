// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/gates/verb.hpp>

#include <algorithm>
#include <cassert>

namespace tls_async::detail {

void verb::enter(verb_state next) noexcept {
  assert(std::ranges::any_of(transitions, [&](verb_transition const& each) {
    return each.from == state_ && each.to == next;
  }));
  state_ = next;
}

void completions::finish(verb& v, error_code result) noexcept {
  if (v.is_linked()) v.unlink();
  v.enter(verb_state::done);
  v.result = result;
  done_.push_back(v);
  if (!v.on_io_executor) ++foreign_;
}

verb* completions::take() noexcept {
  if (done_.empty()) return nullptr;
  verb& first = done_.front();
  done_.pop_front();
  if (!first.on_io_executor) --foreign_;
  return &first;
}

verb_list completions::take_foreign() noexcept {
  verb_list foreign;
  for (auto it = done_.begin(); foreign_ != 0;) {
    verb& each = *it++;
    if (each.on_io_executor) continue;
    each.unlink();
    foreign.push_back(each);
    --foreign_;
  }
  return foreign;
}

}  // namespace tls_async::detail
