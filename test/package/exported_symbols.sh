#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# exported_symbols.sh LIBRARY INCLUDE_DIR: fails if the shared LIBRARY exports something that is not of
# namespace tls_async, or that no public header declares.
set -euo pipefail
mapfile -t symbols < <(nm --dynamic --defined-only --demangle --format=posix "$1" |
  sed -E 's/ [A-Za-z] [0-9a-f]+ [0-9a-f]*$//')
if ((${#symbols[@]} < 50)); then
  echo "$1 exports ${#symbols[@]} symbols: is it the library?"
  exit 1
fi
headers=$(find "$2" -name '*.[hi]pp' -exec cat {} +)
status=0
for symbol in "${symbols[@]}"; do
  name=${symbol#typeinfo name for }
  name=${name#typeinfo for }
  name=${name#vtable for }
  name=${name%%(*}
  name=${name%%\[*}
  if [[ $name != tls_async::* ]]; then
    echo "not ours: $symbol"
    status=1
    continue
  fi
  for word in ${name//::/ }; do
    grep -qwF -- "${word#\~}" <<<"$headers" && continue
    echo "in no public header: $symbol"
    status=1
    break
  done
done
exit "$status"
