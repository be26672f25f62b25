// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// When SIGINT and SIGTERM wait for the loop, which then says what can be gone on with. Otherwise
// they end the program at once, as they do by default: whatever it is blocked in.
#pragma once

#include <signal.h>

namespace https_get {

// Those two, without one that who started us wants ignored.
sigset_t const& interruptions();

// While there is one of these, there is something to say: they are pending until they are read.
class held_interruptions {
public:
  held_interruptions();
  ~held_interruptions();
  held_interruptions(held_interruptions const&) = delete;
  held_interruptions& operator=(held_interruptions const&) = delete;
};

// Around what may block for ever: they end the program after all, a pending one at once.
class freed_interruptions {
public:
  freed_interruptions();
  ~freed_interruptions();
  freed_interruptions(freed_interruptions const&) = delete;
  freed_interruptions& operator=(freed_interruptions const&) = delete;

private:
  sigset_t before_;
};

}  // namespace https_get
