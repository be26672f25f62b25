#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# debian13.sh FOLDER [COMMAND...]: runs ./dev COMMAND (test, unless given) on Debian 13, in a clean clone of what is
# committed. FOLDER is the root of that system, made here if it is empty or missing; it needs about 5 GB and stays,
# with its compiler cache. As root, who alone may change the root of a process.
set -euo pipefail
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
((EUID == 0)) || fail "run this as root"
[[ ${1:-} ]] || fail "which folder is to have Debian 13?"
root=$(realpath -m -- "$1")
shift
(($#)) || set -- test
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ $root/ != "$PWD"/* ]] || fail "$root is in the source tree"

release=$(. "$root/etc/os-release" 2>/dev/null && echo "${VERSION_CODENAME:-}") || true
if [[ -z $release ]]; then
  [[ -z $(ls -A "$root" 2>/dev/null) ]] || fail "$root has something in it that is no Debian"
  mmdebstrap --quiet --variant=apt --include=ca-certificates trixie "$root"
elif [[ $release != trixie ]]; then
  fail "$root is $release"
fi

clone=/root/tls_async
rm -rf "${root:?}$clone"
git clone --quiet --no-hardlinks . "$root$clone"
[[ ! -e /etc/resolv.conf ]] || cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"

# What is mounted for it goes with its mount namespace, and what it leaves running with its process namespace.
exec unshare --mount --pid --fork --kill-child bash -euc '
  root=$1 clone=$2
  shift 2
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd $clone && exec ./dev \"\$@\"" dev "$@"
' in_chroot "$root" "$clone" "$@" </dev/null
