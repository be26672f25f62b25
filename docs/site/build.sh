#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# build.sh OUTPUT: makes the site, as static HTML, in the folder OUTPUT. A warning of Doxygen is an error.
set -euo pipefail
SITE_OUTPUT=$(realpath -m -- "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
SITE_VERSION=$(awk '/define TLS_ASYNC_VERSION_/ { printf "%s%s", dot, $3; dot = "." }' \
  libtls_async/include/tls_async/version.hpp)
export SITE_OUTPUT SITE_VERSION
rm -rf "$SITE_OUTPUT"
mkdir -p "$SITE_OUTPUT"
{
  cat docs/site/Doxyfile
  # Later versions know dark colours too, which style.css does not.
  if doxygen -g - | grep -q '^HTML_COLORSTYLE '; then echo 'HTML_COLORSTYLE = LIGHT'; fi
} | doxygen -
