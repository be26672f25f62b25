#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# Builds the targets as OSS-Fuzz does: CC, CXX, CFLAGS, CXXFLAGS and LIB_FUZZING_ENGINE say how; the targets and their
# seeds go to OUT, what is in between to WORK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${CXX:?}" "${CXXFLAGS:?}" "${LIB_FUZZING_ENGINE:?}" "${OUT:?}" "${WORK:?}"

cmake -S . -B "$WORK" -G Ninja -DCMAKE_BUILD_TYPE=None -DTLS_ASYNC_BUILD_FUZZERS=ON -DTLS_ASYNC_BUILD_TESTS=OFF \
  -DTLS_ASYNC_BUILD_APPS=OFF -DTLS_ASYNC_BUILD_BENCH=OFF
cmake --build "$WORK" --target fuzzers
"$WORK/test/fuzz/fuzz_seeds" "$WORK/seeds"
for source in test/fuzz/*_fuzzer.cpp; do
  name=$(basename "$source" .cpp)
  cp "$WORK/test/fuzz/$name" "$OUT/"
  (cd "$WORK/seeds/${name}_seed_corpus" && cmake -E tar cf "$OUT/${name}_seed_corpus.zip" --format=zip .)
done
