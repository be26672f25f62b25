# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import os

from ours import SIZES
from peers.peer import AGAIN, Peer, first_line
from processes import Failed, running


class GnuTLS(Peer):
    """gnutls-serv, which sends back lines, and gnutls-cli."""
    name = "gnutls"
    programs = ("gnutls-serv", "gnutls-cli")
    saves = 2

    def describe(self):
        return "GnuTLS " + first_line("gnutls-cli", "--version").split()[-1]

    def server(self, version, key):
        return running("gnutls-serv", "--echo", "--quiet", "--port", "0", "--disable-client-cert",
                       "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}",
                       "--x509certfile", self.ours.path(f"{key}.pem"), "--x509keyfile", self.ours.path(f"{key}.key"))

    def command(self, version, port, *options):
        return ("gnutls-cli", *options, "--port", str(port),
                "--x509cafile", self.ours.path("ca.pem"), "--verify-hostname", "localhost",
                "--sni-hostname", "localhost", "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "127.0.0.1")

    def client(self, version, port, *options):
        return running(*self.command(version, port, "--logfile", os.devnull, *options))

    def resuming_client(self, version, port):
        return running(*AGAIN, "--each=2", "--says=This is a resumed session",
                       *self.command(version, port, "--resume", "--waitresumption"))

    # Without KeyUpdates: GnuTLS takes 8 a second at most, and ends the session at the next.
    def more_cells(self):
        yield from self.resumptions("server", "client")
        for version in ("1.2", "1.3"):
            for end in ("late-half-close", "cut"):
                yield "server", version, "ecdsa", SIZES[1], end, self.talk("server")
        for end in ("granted", "refused"):
            yield "client", "1.2", "ecdsa", SIZES[1], f"renegotiation {end}", self.client_renegotiates

    # GnuTLS asks for a renegotiation, which is granted, or refused; then it asks once more and is cut off.
    def client_renegotiates(self, version, key, size, end):
        granted = end.endswith("granted")
        with self.ours.server(version, key, *(["--renegotiation"] if granted else [])) as ours, \
                self.client(version, self.ours.port_of(ours), "--rehandshake") as client:
            if granted:
                writer = client.feed(self.ours.content(size))
                client.await_output(lambda seen: len(seen) >= size, f"{size} bytes")
                writer.join()
            client.child.stdin.close()
            client.wait()
            ours.wait()
            told = ours.await_line(b"renegotiations ")
            if told != ("renegotiations 1 refused 0" if granted else "renegotiations 2 refused 2"):
                raise Failed(ours.text() + client.text())
