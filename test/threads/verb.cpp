// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How a verb ends.
#include "verb.hpp"

#include "end.hpp"

#include <unistd.h>

#include <array>

namespace tls_async::threads {

std::atomic<long> live_handlers = 0;
std::atomic<long> live_bytes = 0;
thread_local end const* inside_call_of = nullptr;

char const* name_of(verb_kind what) {
  static constexpr std::array names{"handshake",  "read",        "write",
                                    "key update", "close write", "shutdown"};
  return names[static_cast<std::size_t>(what)];
}

verb::~verb() {
  if (file != -1) ::close(file);
}

plain_handler::~plain_handler() {
  --live_handlers;
  if (of_) of_->of->handler_was_destroyed(*of_);
}

void verb::complete(error_code ec, std::size_t n) {
  std::string const who = of->name() + " " + name_of(what);
  if (runs++ != 0) return complain(who + ": its handler ran twice");
  if (inside_call_of == of.get()) complain(who + ": its handler ran inside of a call");
  if (!where->is_here()) complain(who + ": its handler ran elsewhere");
  if (where->is_strand) {
    if (where->is_taken.exchange(true)) complain(who + ": its handler ran beside another");
    ++where->handlers;
  }
  of->ended(*this, ec, n);
  if (then) std::exchange(then, nullptr)(*this, ec, n);
  if (where->is_strand) where->is_taken = false;
}

}  // namespace tls_async::threads
