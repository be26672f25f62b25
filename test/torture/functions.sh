#!/usr/bin/env bash
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# functions.sh TORTURE LIBRARY: fails if the static library calls a function of OpenSSL that torture has in neither of
# its lists, and tells which are there in vain: another version of OpenSSL may have them for the same macros.
set -euo pipefail
# What the library itself has in it, and what is of the language, is none of OpenSSL's.
called=$(nm --undefined-only --format=posix "$2" | cut -d' ' -f1 |
  grep -E '^(SSL|TLS|BIO|X509|ERR|EVP|PEM|OPENSSL|OpenSSL|CRYPTO|GENERAL_NAMES?|ASN1|BN|OBJ|OSSL|RAND|ASYNC|[adi]2[adi])_' |
  sort -u)
listed=$("$1" --functions | cut -d' ' -f1 | sort -u)
status=0
if missing=$(comm -23 <(echo "$called") <(echo "$listed")) && [[ $missing ]]; then
  echo "not in openssl_functions.inc:" $missing
  status=1
fi
if unused=$(comm -13 <(echo "$called") <(echo "$listed")) && [[ $unused ]]; then
  echo "the library does not call:" $unused
fi
exit "$status"
