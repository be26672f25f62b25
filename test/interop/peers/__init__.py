# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""The peers, in the order of the table."""
from peers.botan import Botan
from peers.chromium import Chromium
from peers.curl import Curl
from peers.gnutls import GnuTLS
from peers.go import Go
from peers.haproxy import HAProxy
from peers.java import Java
from peers.nginx import Nginx
from peers.node import Node
from peers.nss import NSS
from peers.openssl import OpenSSL
from peers.python import Python
from peers.rustls import Rustls

ALL = (OpenSSL, GnuTLS, NSS, Go, Java, Node, Python, Rustls, Botan, Curl, Chromium, Nginx, HAProxy)
