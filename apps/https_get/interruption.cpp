// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "interruption.hpp"

#include <initializer_list>

namespace https_get {
namespace {

int held = 0;  // on the program's one thread, as the mask is

}  // namespace

sigset_t const& interruptions() {
  static sigset_t const all = [] {
    sigset_t set;
    ::sigemptyset(&set);
    for (int const number : {SIGINT, SIGTERM}) {
      struct sigaction now {};
      ::sigaction(number, nullptr, &now);
      if (now.sa_handler != SIG_IGN) ::sigaddset(&set, number);
    }
    return set;
  }();
  return all;
}

held_interruptions::held_interruptions() {
  if (held++ == 0) ::pthread_sigmask(SIG_BLOCK, &interruptions(), nullptr);
}

held_interruptions::~held_interruptions() {
  if (--held == 0) ::pthread_sigmask(SIG_UNBLOCK, &interruptions(), nullptr);
}

freed_interruptions::freed_interruptions() {
  ::pthread_sigmask(SIG_UNBLOCK, &interruptions(), &before_);
}

freed_interruptions::~freed_interruptions() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace https_get
