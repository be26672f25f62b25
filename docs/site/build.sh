#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# build.sh OUTPUT: makes the site, as static HTML, in the folder OUTPUT. A warning of Doxygen is an error.
set -euo pipefail
site=$(realpath -m -- "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
SITE_WORK=$(mktemp -d)
export SITE_WORK
trap 'rm -rf "$SITE_WORK"' EXIT
python3 -B docs/site/pages.py "$SITE_WORK/pages"
{
  cat docs/site/Doxyfile
  # Later versions load a script of somebody else's on each page, for diagrams that we don't have.
  if doxygen -g - | grep -q '^MERMAID_RENDER_MODE '; then echo 'MERMAID_RENDER_MODE = CLI'; fi
} | doxygen -
rm -rf "$site"
python3 -B docs/site/frame.py "$SITE_WORK/html" "$site"
