#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# core_knows_no_io.sh COMPILER LIBTLS_ASYNC: fails if a file of core can reach Asio, Beast, io or gates, or one of gates
# Asio, Beast or io; if core names sockets, threads, mutexes or clocks, or gates sockets, threads or mutexes; or if
# SSL_get_error is read in more than one place. Sessions of several threads meet in their context's memory account
# alone, so that has a mutex.
set -euo pipefail
compiler=$1
cd "$2"
status=0
fault() {
  echo "$*"
  status=1
}

mapfile -t files < <(find include/tls_async/core src/core -name '*.[hc]pp' | sort)
((${#files[@]} > 1)) || fault "no core in $PWD"

mapfile -t gates < <(find include/tls_async/gates src/gates -name '*.[hc]pp' | sort)
((${#gates[@]} > 1)) || fault "no gates in $PWD"

# reaches ROOMS FILE...
reaches() {
  local rooms=$1 file reached found
  shift
  for file; do
    reached=$("$compiler" -std=c++20 -I include -x c++ -M "$file" | tr ' ' '\n')
    if found=$(grep -E "/(boost/(asio|beast)|tls_async/($rooms))[/.]" <<<"$reached"); then
      fault "$file reaches ${found//$'\n'/, }"
    fi
  done
}
reaches 'io|beast|gates' "${files[@]}"
reaches 'io|beast' "${gates[@]}"

system='(sys|netinet|arpa|net)/[a-z_]+\.h|(netdb|poll|pthread|time|threads)\.h'
standard='thread|stop_token|(shared_)?mutex|condition_variable|semaphore|latch|barrier|future'
clocks='chrono|ctime'
if grep -nE "#include *<($system|$standard|$clocks)>" "${files[@]}" "${gates[@]}" |
  grep -vE '/core/memory_account\.hpp:[0-9]+:#include <mutex>$|/gates/[a-z_]+\.[ch]pp:[0-9]+:#include <chrono>$'; then
  fault "the lines above name what core or gates must not know"
fi

readers=$(grep -rhoE "\bSSL_get_error\([a-z]" include src/core src/gates | wc -l)
((readers == 1)) || fault "SSL_get_error is called in $readers places, not in one"
exit "$status"
