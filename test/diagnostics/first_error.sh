#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# first_error.sh FILE COMPILER FLAG...: compiles FILE, which has a mistake, and wants that the first
# error says what its first line does, and that there are no more than its second line allows:
#
#     // wants: tls_handshake needs to know our side
#     // errors: 1
#
# Lines that begin with `// flags: ` have more flags, relative to the folder of FILE.
set -euo pipefail
file=$1
shift
line() { sed -n "s|^// $1: ||p" "$file"; }
cd "$(dirname "$file")"
read -ra flags <<<"-std=c++20 $(line flags)"
if said=$("$@" "${flags[@]}" -fsyntax-only "$file" 2>&1); then
  echo "it compiles"
  exit 1
fi
errors=$(grep -E '(^|: )(fatal )?error: ' <<<"$said")
count=$(wc -l <<<"$errors")
if ! grep -qF "$(line wants)" <<<"${errors%%$'\n'*}" || ((count > $(line errors))); then
  echo "not '$(line wants)' and at most $(line errors), but $count:"
  head -20 <<<"$errors"
  exit 1
fi
