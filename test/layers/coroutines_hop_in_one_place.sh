#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# coroutines_hop_in_one_place.sh: fails if a coroutine of ours waits for one that runs on another executor other than by
# apps/serving/run_on.hpp, which keeps cancellation on the side of the caller. A co_spawn that is waited for has a
# token that makes it an awaitable; all others are detached or call back.
cd "$(dirname "$0")/../.." || exit 2
found=$(grep -rPzlo --include='*.[chi]pp' --include='*.md' \
  '(?s)\bco_spawn\([^;]{0,400}?\b(use_awaitable|deferred|as_values|as_tuple|redirect_error)\b' \
  apps bench docs libtls_async README.md | grep -v '^apps/serving/run_on.hpp$')
if [[ $found ]]; then
  echo "$found"
  echo "wait for a coroutine of another executor with serving::run_on" >&2
  exit 1
fi
