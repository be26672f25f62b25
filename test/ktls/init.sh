#!/bin/busybox sh
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The first process of the guest: runs each line of /cases and ends the guest. The console says how
# the guest fares; what the cases say goes to the second serial line.
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
exec >/dev/console 2>&1

uname -sr
for module in /modules/*; do
  insmod "$module"
done
ip link set lo up

# Here kernel TLS must be on: a case that does not find it fails.
export KTLS_REQUIRED=1 TLS_PROXY=/bin/tls_proxy
while read -r case; do
  echo "begin $case"
  timeout 60 /program --run_test="$case" --log_level=message --color_output=no </dev/null 2>&1
  echo "end $case $?"
done </cases >/dev/ttyS1
echo "ran all cases in $(cut -d ' ' -f 1 /proc/uptime) s"
poweroff -f
