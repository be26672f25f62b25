# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
from peers.peer import HERE, Program, first_line
from processes import output_of


class Node(Program):
    """The module tls: echo.js."""
    name = "node"
    programs = ("node",)
    lasts = 3  # two tickets, which we use once each
    command = ("node", f"{HERE}/echo.js")

    def describe(self):
        return f"Node {first_line('node', '--version')[1:]} (OpenSSL {output_of('node', '-p', 'process.versions.openssl')})"

    def more_cells(self):
        return self.resumptions("server", "client")
