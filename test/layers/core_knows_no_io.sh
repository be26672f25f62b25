#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# core_knows_no_io.sh COMPILER LIBTLS_ASYNC: fails if a file of core, gates or context can reach Asio or Beast; if core
# or gates name sockets, threads or mutexes, or core clocks; or if SSL_get_error is read in more than one place. Sessions
# of several threads meet in the policy of their context and its memory account alone, and where they leave a job of
# OpenSSL's to its own thread, so these have a mutex. Events
# have durations, of which core asks no clock; gates/news.cpp asks for the processor time of a handshake. How old a
# session is that may be resumed is a value, which its keeper tells.
# What our own files include of each other is for rooms.py.
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

mapfile -t context < <(find include/tls_async/context.hpp src/context src/pem -name '*.[hc]pp' | sort)
((${#context[@]} > 1)) || fault "no context in $PWD"

for file in "${files[@]}" "${gates[@]}" "${context[@]}"; do
  reached=$("$compiler" -std=c++20 -I include -x c++ -M "$file" | tr ' ' '\n')
  if found=$(grep -E "/boost/(asio|beast)[/.]" <<<"$reached"); then
    fault "$file reaches ${found//$'\n'/, }"
  fi
done

system='(sys|netinet|arpa|net)/[a-z_]+\.h|(netdb|poll|pthread|time|threads)\.h'
standard='thread|stop_token|(shared_)?mutex|condition_variable|semaphore|latch|barrier|future'
clocks='chrono|ctime'
if grep -nE "#include *<($system|$standard|$clocks)>" "${files[@]}" "${gates[@]}" |
  grep -vE '/core/(policy|memory_account|thread_jobs)\.hpp:[0-9]+:#include <mutex>$|/gates/[a-z_]+\.[ch]pp:[0-9]+:#include <chrono>$' |
  grep -vE '/core/(event|context_counters|session_keeper|identity_info)\.hpp:[0-9]+:#include <chrono>$|/gates/news\.cpp:[0-9]+:#include <ctime>$'; then
  fault "the lines above name what core or gates must not know"
fi

readers=$(grep -rhoE "\bSSL_get_error\([a-z]" include src/core src/gates | wc -l)
((readers == 1)) || fault "SSL_get_error is called in $readers places, not in one"
exit "$status"
