#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# run_check.sh SERVER: serves real files with the https_server SERVER on a free port, downloads them
# with curl in four ways and compares. Ends with "check: ok", or with "check: FAILED: why" and a
# status that is not 0. Leaves nothing behind.
set -euo pipefail
# Bounded as a whole: a timeout around the server alone would not pass on how it ends (coreutils 9.7).
[[ ${RUN_CHECK_BOUNDED:-} ]] || RUN_CHECK_BOUNDED=yes exec timeout --foreground --kill-after=10 600 bash "$0" "$@"
server=$(realpath -- "$1")
work=$(mktemp -d)
root=$work/root
log=$work/server.log
pid=

doing="preparing"
step() {
  doing=$1
  printf '==> %s\n' "$doing"
}

finish() {
  local status=$?
  trap '' INT TERM
  if [[ $pid ]]; then
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
  fi
  if ((status != 0)) && [[ -s $log ]]; then tail -n 20 "$log"; fi
  rm -rf "$work"
  if ((status != 0)); then
    printf 'check: FAILED: %s\n' "$doing"
  else
    echo "check: ok"
  fi
}
trap finish EXIT
trap 'doing=interrupted; exit 130' INT TERM

# fetch ARGS: curl without the user's own settings, and never for longer than two minutes.
fetch() {
  curl -q -4 -sS --no-progress-meter --fail --noproxy '*' --max-time 120 --cacert "$authority" "$@"
}

# fetch_all DIR ARGS: each file of the root into DIR, by one call of curl.
fetch_all() {
  local dir=$work/$1 file args=()
  shift
  mkdir "$dir"
  for file in "${files[@]}"; do args+=(-o "$dir/$file" "$url/$file"); done
  fetch --fail-early "$@" "${args[@]}"
}

same() { (cd "$work/$1" && sha256sum --check --strict --quiet "$work/sums"); }

step "collecting real files"
mkdir "$root"
(tar -cf - -C / usr/lib 2>/dev/null || true) | head -c 115000000 >"$root/large.tar"
size=$(stat -c %s "$root/large.tar")
((size >= 100000000)) || { doing="/usr/lib has no 100 MB to serve"; exit 1; }
for length in 0 1 16384 16385 1048576; do
  tail -c "$length" "$root/large.tar" >"$root/last_$length.bin"
done
cp LICENSE apps/https_server/page.html "$root"
mapfile -t files < <(ls "$root")
(cd "$root" && sha256sum "${files[@]}") >"$work/sums"

step "starting the server"
XDG_CACHE_HOME=$work/cache "$server" --listen 127.0.0.1:0 --root "$root" >"$log" 2>&1 </dev/null &
pid=$!
for ((tries = 0; tries < 200; ++tries)); do
  if grep -q '^try: ' "$log" || ! kill -0 "$pid" 2>/dev/null; then break; fi
  sleep 0.05
done
url=$(sed -n 's/^listening on //p' "$log")
authority=$(sed -n 's/^certificate authority: //p' "$log")
[[ $url && -s $authority ]]
echo "$url"

step "downloading one by one"
mkdir "$work/single"
for file in "${files[@]}"; do fetch -o "$work/single/$file" "$url/$file"; done
same single

step "downloading over one connection"
connections=$(fetch_all reused -w '%{num_connects}\n' | awk '{ n += $1 } END { print n }')
same reused
((connections == 1)) || { doing="one connection was asked for, $connections were made"; exit 1; }

step "downloading in ranges"
mkdir "$work/ranges"
cp "$work"/single/* "$work/ranges"
rm "$work/ranges/large.tar"
half=$((size / 2)) suffix=1000003
for range in "0-$((half - 1))" "$half-$((size - suffix - 1))" "-$suffix"; do
  status=$(fetch -r "$range" -o "$work/part" -w '%{http_code}' "$url/large.tar")
  ((status == 206)) || { doing="range $range gave status $status, not 206"; exit 1; }
  cat "$work/part" >>"$work/ranges/large.tar"
done
same ranges

step "downloading in parallel"
fetch_all parallel --parallel --parallel-immediate --parallel-max 4
same parallel

step "measuring"
fetch -o /dev/null -w '%{size_download} %{time_total}\n' "$url/large.tar" |
  awk '{ printf "%.1f MB in %.2f s: %.0f MB/s over one connection\n", $1 / 1e6, $2, $1 / 1e6 / $2 }'

step "stopping the server"
kill "$pid"
wait "$pid"
pid=
