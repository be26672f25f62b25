#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# one_place_for_contexts.sh: tests take their TLS contexts from support/tls_context.py, which makes every Python tell a
# connection that was cut from one that ended.
cd "$(dirname "$0")/.." || exit 2
if grep -rnE 'SSLContext\(|create_default_context|_create_unverified' --include='*.py' . | grep -v '^./support/tls_context.py:'; then
  echo "use client_context or server_context of support/tls_context.py" >&2
  exit 1
fi
