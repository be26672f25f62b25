#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# pkg_config.sh COMPILER SOURCE: builds SOURCE with what pkg-config says of tls_async, and runs it.
set -euo pipefail
read -ra flags <<<"$(pkg-config --cflags --libs tls_async)"
"$1" -std=c++20 "$2" "${flags[@]}" -o pkg_config_consumer
./pkg_config_consumer
