# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import platform
import ssl
import sys

from peers.peer import HERE, Program


class Python(Program):
    """The module ssl: echo_ssl.py."""
    name = "python"
    command = (sys.executable, "-B", f"{HERE}/echo_ssl.py")

    def describe(self):
        return f"Python {platform.python_version()} ({' '.join(ssl.OPENSSL_VERSION.split()[:2])})"
