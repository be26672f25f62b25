# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import platform
import ssl
import sys

from ours import ROUNDS, VERSIONS
from peers.peer import HERE, Program
from processes import listening_port


class Python(Program):
    """The module ssl: echo_ssl.py."""
    name = "python"
    command = (sys.executable, "-B", f"{HERE}/echo_ssl.py")

    def describe(self):
        return f"Python {platform.python_version()} ({' '.join(ssl.OPENSSL_VERSION.split()[:2])})"

    def more_cells(self):
        yield from self.resumptions("server", "client")
        if self.ours.https_server:
            for version in VERSIONS:
                yield "client", version, "ecdsa", f"{ROUNDS} times", "resume at two", self.alternates

    # Between two processes of https_server with the same keys of tickets.
    def alternates(self, version, key, *_):
        tickets = "nginx:" + self.ours.path("tickets")
        with self.ours.web_server(key, tickets) as one, self.ours.web_server(key, tickets) as other, \
                self.resuming_client(version, f"{listening_port(one)},{listening_port(other)}") as client:
            self.ours.require_resumed(client)
