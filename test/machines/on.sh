#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# on.sh SUITE [COMMAND...]: runs COMMAND (./dev test, unless given) on a bare Debian, in a clone of what is committed,
# and returns its status. SUITE is bookworm, trixie, forky, or experimental: forky with experimental's OpenSSL.
# As root, who alone may change the root of a process.
#
# The system is made once, in the folder that `machines` names, and never written to: each run gets a copy that ends
# with it. What runs have in common is what they download and what they compile: apt's archives and ccache's.
set -euo pipefail
fail() {
  printf 'on: %s\n' "$*" >&2
  exit 1
}
say() { printf '==> %s\n' "$*" >&2; }

((EUID == 0)) || fail "run this as root"
name=${1:-}
case $name in
  bookworm | trixie | forky) suite=$name ;;
  experimental) suite=forky ;;
  *) fail "which Debian: bookworm, trixie, forky or experimental?" ;;
esac
shift
(($#)) || set -- ./dev test
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

machines=${TLS_ASYNC_MACHINES:-${XDG_CACHE_HOME:-$HOME/.cache}/tls_async/machines}
machine=$(realpath -m -- "$machines")/$name
[[ $machine/ != "$PWD"/* ]] || fail "$machine is in the source tree: set TLS_ASYNC_MACHINES to another folder"
mkdir -p "$machine"/{archives/partial,ccache}

# Our own mirror and proxy, if this is a Debian that has them.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null |
  head -n 1) || true
mirror=${mirror:-http://deb.debian.org/debian}

make_base() {
  local base=$machine/base.part script=/usr/share/debootstrap/scripts/$suite
  [[ -e $script ]] || script=${script%/*}/sid # a suite that is newer than this debootstrap
  say "making a bare Debian $name from $mirror, in $machine"
  rm -rf "$base"
  debootstrap --variant=minbase --include=ca-certificates,git "$suite" "$base" "$mirror" "$script" \
    >"$machine/debootstrap.log" 2>&1 || fail "debootstrap failed: see $machine/debootstrap.log"
  echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/unsafe-io" # it does not live long enough to lose anything
  # A mirror may be a copy of some day, and the suites in it past theirs.
  echo 'Acquire::Check-Valid-Until "false";' >"$base/etc/apt/apt.conf.d/any-day"
  apt-config dump | grep -i '^Acquire::https\?::Proxy ' >"$base/etc/apt/apt.conf.d/proxy" || true
  if [[ $name == experimental ]]; then
    printf 'deb %s experimental main\n' "$mirror" >"$base/etc/apt/sources.list.d/experimental.list"
    printf 'Package: src:openssl\nPin: release a=experimental\nPin-Priority: 900\n' \
      >"$base/etc/apt/preferences.d/openssl"
    chroot "$base" sh -ec 'apt-get update; apt-get --yes --only-upgrade install openssl' \
      >>"$machine/debootstrap.log" 2>&1 ||
      fail "experimental's OpenSSL can't be had: see $machine/debootstrap.log"
  fi
  mv "$base" "$machine/base"
}
exec 9>"$machine/lock"
flock 9
[[ -e $machine/base ]] || make_base
exec 9>&-

[[ -z $(git status --porcelain) ]] || say "what is not committed stays behind"
copy=$(mktemp -d "$machine/run.XXXXXX")
trap 'rm -rf --one-file-system "$copy"' EXIT

# Its mounts go with their namespace, and what it leaves running with the process namespace.
environment=(HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "TERM=${TERM:-dumb}")
for variable in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY; do
  [[ -z ${!variable:-} ]] || environment+=("$variable=${!variable}")
done
unshare --mount --pid --fork --kill-child bash -euc '
  machine=$1 copy=$2
  shift 2
  mkdir "$copy"/{changes,work,root}
  root=$copy/root
  mount -t overlay overlay -o "lowerdir=$machine/base,upperdir=$copy/changes,workdir=$copy/work" "$root" 2>/dev/null ||
    cp -a "$machine/base/." "$root"
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  mkdir -p "$root"/root/.cache/ccache
  mount --bind "$machine/ccache" "$root/root/.cache/ccache"
  mount --bind "$machine/archives" "$root/var/cache/apt/archives"
  for file in /etc/resolv.conf /etc/hosts; do
    [[ ! -e $file ]] || cp --dereference --remove-destination "$file" "$root$file"
  done
  git clone --quiet --no-hardlinks . "$root/root/tls_async"
  exec chroot "$root" /usr/bin/env -i "$@"
' on "$machine" "$copy" "${environment[@]}" sh -c 'cd /root/tls_async && exec "$@"' sh "$@"
