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
# Ours in place of its own; what else a layout has differs by version.
layout=$(mktemp)
trap 'rm -f "$layout"' EXIT
doxygen -l "$layout"
sed -i -e '/<navindex>/,/<\/navindex>/{' -e '/<\/navindex>/r docs/site/navigation.xml' -e d -e '}' "$layout"

{
  cat docs/site/Doxyfile
  echo "LAYOUT_FILE = $layout"
  known=$(doxygen -g -)
  # Later versions know dark colours too, which style.css does not.
  if grep -q '^HTML_COLORSTYLE ' <<<"$known"; then echo 'HTML_COLORSTYLE = LIGHT'; fi
  # And they take a README for the words of its folder instead of a page.
  if grep -q '^IMPLICIT_DIR_DOCS ' <<<"$known"; then echo 'IMPLICIT_DIR_DOCS = NO'; fi
  # And each page would load a script of somebody else's, for diagrams that we don't have.
  if grep -q '^MERMAID_RENDER_MODE ' <<<"$known"; then echo 'MERMAID_RENDER_MODE = CLI'; fi
} | doxygen -
