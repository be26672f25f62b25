# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import contextlib

from ours import SIZES, VERSIONS
from peers.peer import Peer, first_line
from processes import running

class Botan(Peer):
    """botan tls_server, which sends back lines, and botan tls_client."""
    name = "botan"
    programs = ("botan",)
    has_tls_1_3 = True

    def describe(self):
        return "Botan " + first_line("botan", "--version")

    def prepare(self):
        self.has_tls_1_3 = not first_line("botan", "--version").startswith("2.")

    def why_not(self, role, version, key, size, end):
        if version == "1.3" and not self.has_tls_1_3:
            return "Botan 2 has no TLS 1.3"
        if end == "half-close":
            return {"server": "tls_server closes when it receives close_notify",
                    "client": "tls_client closes both directions at the end of its input"}[role]
        return ""

    def more_cells(self):
        for version in VERSIONS:
            if version == "1.2" or self.has_tls_1_3:
                yield "server", version, "ecdsa", SIZES[1], "late-half-close", self.talk("server")

    def policy(self, version):
        """A file that allows this version alone."""
        allowed = "".join(f"allow_tls{each.replace('.', '')} = {str(each == version).lower()}\n" for each in VERSIONS)
        return "--policy=" + self.ours.write(f"botan.{version}", allowed.encode())

    def server(self, version, key):
        return running("botan", "tls_server", self.ours.path(f"{key}.pem"), self.ours.path(f"{key}.key"), "--port=0",
                       self.policy(version))

    @contextlib.contextmanager
    def client(self, version, port):
        # else it keeps what it has to print
        with running("stdbuf", "-o0", "botan", "tls_client", "localhost", f"--port={port}", "--skip-system-cert-store",
                     "--trusted-cas=" + self.ours.path("ca.pem"), self.policy(version)) as client:
            if self.has_tls_1_3:
                client.before = rb"(.+\n)+?Handshake complete\n"
            else:
                client.before = rb"Handshake complete, .*\n(Session ID .*\n)?Session ticket .*\n"
            client.after = b"EOF on stdin\n"
            yield client
