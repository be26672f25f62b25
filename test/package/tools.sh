#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# tools.sh PACKAGE ROOT LIBRARIES: looks at the Debian package of the programs, which was unpacked to ROOT beside the
# library in the folder LIBRARIES: the programs run, what they say of themselves is installed, the unit of systemd is
# sound and leaves little to whoever breaks in, and purging leaves nothing but logs and keys.
set -euo pipefail
package=$1 root=$(realpath "$2")
export LD_LIBRARY_PATH=$3
unit=$root/usr/lib/systemd/system/https_server.service
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Nobody but root owns or writes anything.
odd=$(dpkg-deb --contents "$package" | grep -vE '^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root/root ' || true)
[[ -z $odd ]] || fail "owners or modes: $odd"
odd=$(dpkg-deb --contents "$package" | grep '^-..x' | grep -v ' \./usr/bin/' || true)
[[ -z $odd ]] || fail "can be executed: $odd"
[[ $(dpkg-deb --info "$package" conffiles) == /etc/default/https_server ]] || fail "not the conffiles that it should have"

# What the unit and the manual page lead to.
for page in guide/operate.md https_server.md tls_proxy.md https_get.md; do
  [[ -s $root/usr/share/doc/tls-async-tools/$page ]] || fail "$page is missing"
done

for program in https_server https_get tls_proxy; do
  "$root/usr/bin/$program" --version >/dev/null
  page=$root/usr/share/man/man1/$program.1.gz
  text=$(man -l "$page" | col -b)
  declare -A files=(
    [man]="$page"
    [bash]="$root/usr/share/bash-completion/completions/$program"
    [zsh]="$root/usr/share/zsh/vendor-completions/_$program"
    [fish]="$root/usr/share/fish/vendor_completions.d/$program.fish")
  while read -r option; do
    [[ $text == *"--$option"* ]] || fail "$program: --$option is not on the page"
    for shell in bash zsh fish; do
      grep -qE -- "(-l |--)$option\b" "${files[$shell]}" || fail "$program: $shell does not complete --$option"
    done
  done < <("$root/usr/bin/$program" --help | grep -oP '^  (-. \[ )?--\K[a-z-]+')
done

# A server that cannot start is given up some day: its starts, that far apart, are enough within the interval.
setting() { sed -n "s/^$1=//p" "$unit"; }
interval=$(setting StartLimitIntervalSec) burst=$(setting StartLimitBurst) pause=$(setting RestartSec)
((burst > 0 && interval >= 2 * burst * pause)) || fail "the limit of starts is never reached: $burst in $interval s, $pause s apart"

# The programs that a unit starts have to be there, and the shell of the system is not in ROOT.
if command -v systemd-analyze >/dev/null; then
  ran=$(sed "s|/usr/bin/https_server|$root&|; s|/bin/kill|$(command -v kill)|" "$unit")
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  printf '%s\n' "$ran" >"$folder/https_server.service"
  said=$(systemd-analyze verify --man=no "$folder/https_server.service" 2>&1) || true
  [[ -z $said ]] || fail "systemd-analyze verify: $said"
  systemd-analyze security --offline=yes --no-pager --threshold=20 "$folder/https_server.service" >"$folder/exposure" ||
    fail "$(cat "$folder/exposure")"
  tail -n 1 "$folder/exposure"
else
  echo "NOT TESTED: the unit, since systemd-analyze is not installed (package systemd)"
fi

if command -v lintian >/dev/null; then
  # The maintainer is for whoever makes packages to say: CPACK_DEBIAN_PACKAGE_MAINTAINER.
  lintian --fail-on error --suppress-tags bogus-mail-host "$package"
else
  echo "NOT TESTED: lintian is not installed"
fi

# Installed in a root of its own, used, and purged. The scripts know DPKG_ROOT and touch nothing else.
as_root=()
((EUID == 0)) || as_root=(unshare --map-root-user)
installed=$(mktemp -d)
trap 'rm -rf "${folder:-}" "$installed"' EXIT
mkdir -p "$installed"/var/lib/dpkg/{info,updates} "$installed/var/log/https_server"
touch "$installed/var/lib/dpkg/status" "$installed/var/log/https_server/access.log"
dpkg=("${as_root[@]}" dpkg --root="$installed" --force-script-chrootless --force-depends --force-not-root)
said=$("${dpkg[@]}" --install "$package" 2>&1) || fail "$said"
[[ -x $installed/usr/bin/https_server ]] || fail "dpkg has not installed it"
ln -s /etc/letsencrypt/live/example.org/privkey.pem "$installed/etc/https_server/key.pem"
mkdir -p "$installed/etc/systemd/system/multi-user.target.wants"
ln -s /usr/lib/systemd/system/https_server.service "$installed/etc/systemd/system/multi-user.target.wants/"
said=$("${dpkg[@]}" --purge tls-async-tools 2>&1) || fail "$said"
left=$(cd "$installed" && find . -not -type d -not -path './var/lib/dpkg/*' | sort)
[[ $left == ./var/log/https_server/access.log ]] || fail "purging leaves: $left"
[[ ! -e $installed/etc/https_server ]] || fail "purging leaves /etc/https_server"
