#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# pkg_config.sh COMPILER SOURCE [FLAG...]: builds SOURCE with what pkg-config says of tls_async, and
# FLAGs, and runs it.
set -euo pipefail
read -ra flags <<<"$(pkg-config --cflags --libs tls_async)"
program=$(mktemp)
trap 'rm -f "$program"' EXIT
"$1" -std=c++20 "${@:3}" "$2" "${flags[@]}" -o "$program"
"$program"
