#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# links_and_names.sh PROJECT: fails if a document links to nothing, or sets in `backticks` a path that is
# not in the tree, or a name (anything with an underscore or a call's parentheses) that no source has,
# and if a merge has left its conflict markers, or a contract twice in the table of docs/architecture.md.
set -euo pipefail
cd "$1"
status=0
fault() {
  echo "$*"
  status=1
}

sources=(CMakeLists.txt CMakePresets.json dev apps bench cmake deploy libtls_async test)
mapfile -t documents < <(find README.md libtls_async/README.md docs -name '*.md' | sort)
mapfile -t files < <(find "${sources[@]}" docs ./*.md -type f | sed 's|^\./||')
all_files=$(printf '%s\n' "${files[@]}")
declare -A words
while read -r word; do words[$word]=1; done < <(
  grep -rhoE --include='*.[chi]pp' --include='*.sh' --include='*.py' --include='*.cmake' --include='*.in' \
    --include='CMake*' --include=dev '[A-Za-z_][A-Za-z0-9_]*' "${sources[@]}" | sort -u)

while read -r conflict; do
  fault "$conflict: a merge was left unfinished here"
done < <(grep -HnoE '^(<{7}|>{7}) ' "${documents[@]}" ./*.md)
while read -r twice; do
  fault "docs/architecture.md: two rows of the contracts are about '$twice'"
done < <(sed '1,/^## Where each contract lives/d' docs/architecture.md | cut -s -d'|' -f2 | sort | uniq -d)

for document in "${documents[@]}"; do
  folder=$(dirname "$document")
  # Without the code blocks: those are compiled, or are pictures.
  text=$(awk '/^```/ { skip = !skip; next } !skip && !/^    /' "$document")

  while read -r target; do
    [[ -z $target || -e $folder/${target%%#*} ]] || fault "$document: nothing is at the link $target"
  done < <(grep -oP '\]\(\K(?!https?:)[^)#][^)]*(?=\))' <<<"$text")

  while read -r quoted; do
    if [[ $quoted == /* ]]; then
      : # of a system, not of the tree
    elif [[ $quoted =~ ^[A-Za-z0-9_.-]*[./][A-Za-z0-9_./-]*$ && $quoted =~ (/|\.([chi]pp|md|sh|map|json)$) ]]; then
      path=${quoted#./}
      [[ -e $path || -e $folder/$path || -e libtls_async/include/tls_async/$path ]] ||
        grep -qE "(^|/)${path//./\\.}\$" <<<"$all_files" ||
        fault "$document: there is no file $quoted"
    elif [[ $quoted =~ ^[A-Za-z_][A-Za-z0-9_:]*(\(\))?$ && $quoted =~ _|\(\) ]]; then
      quoted=${quoted%()}
      for name in ${quoted//::/ }; do
        [[ -n ${words[$name]:-} ]] || fault "$document: no source has the name $name"
      done
    fi
  done < <(grep -oP '`\K[^`]+(?=`)' <<<"$text" | sort -u)
done
exit "$status"
