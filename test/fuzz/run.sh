#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# run.sh BUILD TARGET [SECONDS] [ARGS]: runs one target; ARGS go to libFuzzer, and a file among them is replayed.
# run.sh BUILD --check: each target for a few seconds, from its seeds alone.
set -euo pipefail
build=$1
name=$2
shift 2

# A target that has found something leaves it here.
crashes=$build/crashes
# Scripts may grow soon: most events need others before them.
options=(-timeout=20 -rss_limit_mb=2048 -len_control=10)

target() { echo "$build/test/fuzz/$1"; }

make_seeds() {
  rm -rf "$build/seeds"
  mkdir -p "$build/seeds" "$crashes"
  "$build/test/fuzz/fuzz_seeds" "$build/seeds"
}

# check TARGET: says in one line how far it came. From one random seed, so that what it finds it finds again.
check() {
  local corpus log
  corpus=$(mktemp -d)
  log=$corpus.log
  local status=0
  "$(target "$1")" "${options[@]}" -seed=1 -max_total_time=5 -print_final_stats=1 "-artifact_prefix=$crashes/$1-" \
    "$corpus" "$build/seeds/$1_seed_corpus" >"$log" 2>&1 || status=$?
  awk -v name="$1" -v failed="$status" '
    $2 == "DONE" { for (i = 3; i < NF; ++i) { if ($i == "cov:") edges = $(i + 1); if ($i == "corp:") corpus = $(i + 1) } }
    /^stat::number_of_executed_units/ { runs = $2 }
    END { sub("/.*", "", corpus)
          printf "%-22s %8d runs, %5d edges, %4d in the corpus%s\n", name, runs, edges, corpus, failed ? ": FAILED" : "" }' \
    "$log"
  if ((status)); then
    tail -n 60 "$log"
    say_how_to_replay "$1"
  fi
  rm -rf "$corpus" "$log"
  return "$status"
}

say_how_to_replay() {
  local input
  input=$(find "$crashes" -name "$1-*" -printf '%T@ %p\n' | sort -n | tail -n 1)
  [[ -z $input ]] || echo "it can be replayed by: ./dev fuzz ${1%_fuzzer} ${input#* }"
}

make_seeds
if [[ $name == --check ]]; then
  failed=0 running=0 most=$(nproc)
  for source in test/fuzz/*_fuzzer.cpp; do
    if ((running == most)); then wait -n || failed=1; else running=$((running + 1)); fi
    check "$(basename "$source" .cpp)" &
  done
  for (( ; running > 0; --running)); do wait -n || failed=1; done
  exit "$failed"
fi

name=${name%_fuzzer}_fuzzer
[[ -x $(target "$name") ]] || {
  echo "run.sh: no such target: $name" >&2
  exit 1
}
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
for argument; do
  # An input, to be replayed or minimised.
  [[ ! -f $argument ]] || exec "$(target "$name")" "${options[@]}" "-artifact_prefix=$crashes/$name-" "$@"
done
mkdir -p "$build/corpus/$name"
"$(target "$name")" "${options[@]}" "-max_total_time=$seconds" "-artifact_prefix=$crashes/$name-" -print_final_stats=1 \
  "$@" "$build/corpus/$name" "$build/seeds/${name}_seed_corpus" || {
  status=$?
  say_how_to_replay "$name"
  exit "$status"
}
