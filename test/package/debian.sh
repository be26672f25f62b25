#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# debian.sh PROJECT FOLDER COMPILER: builds the Debian packages, looks at what is in them, and builds a program
# with what they unpack to.
set -euo pipefail
project=$1 folder=$2 compiler=$3
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
rm -rf "$folder"
cmake --preset package -S "$project" -B "$folder/build" -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
cmake --build "$folder/build" --target packaged
cpack --config "$folder/build/CPackConfig.cmake" -B "$folder"
# What is installed without the package leaves /etc alone.
DESTDIR=$folder/all cmake --install "$folder/build" >/dev/null
[[ ! -e $folder/all/etc ]] || fail "cmake --install writes to /etc"

version=$(awk '/define TLS_ASYNC_VERSION_/ { printf "%s%s", dot, $3; dot = "." }' \
  "$project/libtls_async/include/tls_async/version.hpp")
machine=$(dpkg --print-architecture)
abi=$version  # before 1.0: docs/abi.md
runtime=$folder/libtls-async${abi}_${version}_$machine.deb
development=$folder/libtls-async-dev_${version}_$machine.deb
tools=$folder/tls-async-tools_${version}_$machine.deb

# says FILE FIELD TEXT...: the package's FIELD has each TEXT.
says() {
  local file=$1 field=$2 value text
  value=$(dpkg-deb --field "$file" "$field")
  shift 2
  for text; do [[ $value == *"$text"* ]] || fail "$file: $field is '$value', without '$text'"; done
}
says "$runtime" Depends libssl libstdc++6 libc6
says "$development" Depends "libtls-async$abi (= $version)" "libssl-dev (>= 3.0)" libboost
says "$tools" Depends "libtls-async$abi (= $version)" libssl libspdlog libboost-program-options
[[ $(dpkg-deb --field "$runtime" Depends) != *boost* ]] || fail "the shared library depends on Boost"

# holds FILE PATTERN...: each file in the package matches a PATTERN (below /usr), and each PATTERN a file.
holds() {
  local file=$1 pattern rest
  shift
  rest=$(dpkg-deb --contents "$file" | grep -v '^d' | awk '{ print $6 }')
  for pattern; do
    [[ $pattern == /* ]] || pattern=/usr/$pattern
    grep -qE "^\.$pattern\$" <<<"$rest" || fail "$file: nothing is called $pattern"
    rest=$(grep -vE "^\.$pattern\$" <<<"$rest" || true)
  done
  [[ -z $rest ]] || fail "$file has more than it should: $rest"
}
libdir=lib/$(dpkg-architecture --query DEB_HOST_MULTIARCH)
holds "$runtime" "$libdir/libtls_async\.so\.$version" "share/doc/libtls-async$abi/copyright"
holds "$development" "$libdir/libtls_async\.so" "$libdir/pkgconfig/tls_async\.pc" \
  "$libdir/cmake/tls_async/tls_async-[a-z-]+\.cmake" 'include/tls_async/[a-z_/]+\.[hi]pp' \
  "$libdir/libtls_async_test\.a" 'include/tls_async_test/[a-z_]+\.hpp' \
  'share/doc/libtls-async-dev/copyright'
holds "$tools" 'bin/(https_server|https_get|tls_proxy)' 'share/man/man1/[a-z_]+\.1\.gz' \
  'share/bash-completion/completions/[a-z_]+' 'share/zsh/vendor-completions/_[a-z_]+' \
  'share/fish/vendor_completions.d/[a-z_]+\.fish' 'lib/systemd/system/https_server\.service' \
  '/etc/default/https_server' 'share/doc/tls-async-tools/(copyright|changelog\.gz|(guide/)?[a-z_]+\.md)'
readelf --dynamic "$folder/build/libtls_async/libtls_async.so" | grep "SONAME.*\[libtls_async.so.$abi\]" >/dev/null ||
  fail "the shared library is not called libtls_async.so.$abi"

for package in "$runtime" "$development" "$tools"; do dpkg-deb --extract "$package" "$folder/root"; done
cmake -G Ninja -S "$project/test/package/find_package" -B "$folder/consumer" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$folder/root/usr" >/dev/null
cmake --build "$folder/consumer"
[[ $("$folder/consumer/consumer") == "tls_async $version" ]] || fail "the program is of another version"
ldd "$folder/consumer/consumer" | grep "$folder/root/usr/$libdir/libtls_async.so.$abi" >/dev/null ||
  fail "the program does not use the library of the package"
bash "${BASH_SOURCE[0]%/*}/tools.sh" "$tools" "$folder/root" "$folder/root/usr/$libdir"
