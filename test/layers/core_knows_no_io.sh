#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# core_knows_no_io.sh COMPILER LIBTLS_ASYNC: fails if a file of core can reach Asio, Beast or the io
# layer, if it names sockets, threads, mutexes or clocks, or if core and io together read
# SSL_get_error in more than one place.
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

for file in "${files[@]}"; do
  reached=$("$compiler" -std=c++20 -I include -x c++ -M "$file" | tr ' ' '\n')
  if found=$(grep -E '/(boost/(asio|beast)|tls_async/(io|beast))[/.]' <<<"$reached"); then
    fault "$file reaches ${found//$'\n'/, }"
  fi
done

system='(sys|netinet|arpa|net)/[a-z_]+\.h|(netdb|poll|pthread|time|threads)\.h'
standard='thread|stop_token|(shared_)?mutex|condition_variable|semaphore|latch|barrier|future'
clocks='chrono|ctime'
if grep -nE "#include *<($system|$standard|$clocks)>" "${files[@]}"; then
  fault "the lines above name what core must not know"
fi

readers=$(grep -rhoE "\bSSL_get_error\([a-z]" include src/core | wc -l)
((readers == 1)) || fault "SSL_get_error is called in $readers places, not in one"
exit "$status"
