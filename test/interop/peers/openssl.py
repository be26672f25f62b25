# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import contextlib
import os

from ours import SIZES
from peers.peer import AGAIN, Peer, first_line
from processes import running


class OpenSSL(Peer):
    """s_server and s_client."""
    name = "openssl"
    programs = ("openssl",)

    def describe(self):
        return " ".join(first_line("openssl", "version").split()[:2])

    @contextlib.contextmanager
    def server(self, version, key):
        # What it receives goes to its standard output and from there to its standard input, so back to us.
        out_of, into = os.pipe()
        try:
            with running("openssl", "s_server", "-quiet", "-accept", "127.0.0.1:0", "-tls" + version.replace(".", "_"),
                         "-cert", self.ours.path(f"{key}.pem"), "-key", self.ours.path(f"{key}.key"),
                         stdin=out_of, output=into) as server:
                yield server
        finally:
            os.close(out_of)
            os.close(into)

    def _command(self, version, port, *options):
        return ("openssl", "s_client", *options, "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                "-verify_hostname", "localhost", "-verify_return_error", "-CAfile", self.ours.path("ca.pem"),
                "-tls" + version.replace(".", "_"))

    def _client(self, version, port, *options):
        return running(*self._command(version, port, *options))

    def client(self, version, port):
        return self._client(version, port, "-quiet", "-no_ign_eof")

    def resuming_client(self, version, port):
        saved = self.ours.path(f"session.{port}")
        return running(*AGAIN, "--says=Reused, ", "--later=-sess_in", f"--later={saved}",
                       *self._command(version, port, "-sess_out", saved))

    def why_not(self, role, version, key, size, end):
        if end == "half-close":
            return {"server": "s_server closes when it receives close_notify",
                    "client": "s_client closes both directions at the end of its input"}[role]
        return ""

    def more_cells(self):
        yield from self.resumptions("server", "client")
        for version in ("1.2", "1.3"):
            for end in ("late-half-close", "cut"):
                yield "server", version, "ecdsa", SIZES[1], end, self.talk("server")
        yield "server", "1.3", "ecdsa", SIZES[1], "keys", self.talk("server")
        yield "client", "1.3", "ecdsa", "lines", "keys", self.client_updates_keys

    # KeyUpdates that the peer asks for: by the commands K (and our keys, please) and k.
    def client_updates_keys(self, version, key, *_):
        with self.ours.server(version, key) as ours, self._client(version, self.ours.port_of(ours)) as client:
            for number, command in enumerate((b"K", b"k", b"K", b"k")):
                client.feed(b"%s\n" % command)
                client.await_output(lambda seen, most=number: seen.count(b"KEYUPDATE") > most, "KEYUPDATE", 2)
                line = b"line %d behind it\n" % number
                client.feed(line)
                client.await_output(lambda seen, line=line: line in seen, repr(line))
            client.feed(b"Q\n")
            self.ours.require_end(ours, version, "ended End of file")
