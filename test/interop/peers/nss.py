# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import os

from ours import CUT, SIZES
from peers.peer import Peer, first_line
from processes import Failed, listening_port, output_of, reserved_port, running

RESPONSE = (b"HTTP/1.0 200 OK\r\nServer: Generic Web Server\r\nDate: Tue, 26 Aug 1997 22:10:05 GMT\r\n"
            b"Content-type: text/plain\r\n\r\n")


class NSS(Peer):
    """selfserv, which sends files, and tstclnt."""
    name = "nss"
    programs = ("selfserv", "tstclnt", "certutil", "pk12util")

    def describe(self):
        version = first_line("dpkg-query", "-Wf", "${Version}", "libnss3-tools")  # no tool of it says
        return "NSS " + version.rpartition(":")[2].partition("-")[0]

    def prepare(self):
        self.database = "sql:" + self.ours.path("nss")
        os.mkdir(self.ours.path("nss"))
        output_of("certutil", "-N", "-d", self.database, "--empty-password")
        output_of("certutil", "-A", "-d", self.database, "-n", "ca", "-t", "C,,", "-i", self.ours.path("ca.pem"))
        for key in ("rsa", "ecdsa"):
            store = self.ours.path(f"{key}.p12")
            output_of("openssl", "pkcs12", "-export", "-in", self.ours.path(f"{key}.pem"), "-inkey",
                      self.ours.path(f"{key}.key"), "-name", key, "-passout", "pass:", "-out", store)
            output_of("pk12util", "-i", store, "-d", self.database, "-W", "")
        for size in SIZES:
            self.ours.write(f"{size}.request", f"GET {self.ours.path(size)} HTTP/1.0\r\n\r\n".encode())
            self.ours.write(f"{size}.response", RESPONSE + self.ours.content(size))

    def why_not(self, role, version, key, size, end):
        if role == "server" and end == "abrupt":
            return "selfserv closes each connection after its response, so there is none to cut"
        if role == "client" and end == "half-close":
            return "tstclnt never closes first"
        return ""

    def talk(self, role):
        return self.get if role == "server" else self.put

    # selfserv ends first, so that we only wait for it, or have ended our direction before.
    def get(self, version, key, size, end):
        with reserved_port() as reserved:
            port = str(reserved.getsockname()[1])
            option = {"rsa": "-n", "ecdsa": "-e"}[key]
            with running("selfserv", "-d", self.database, "-p", port, option, key,
                         "-V", f"tls{version}:tls{version}") as server:
                listening_port(server)
                with self.ours.client(port, version, "--send", self.ours.path(f"{size}.request"),
                                      "--expect", self.ours.path(f"{size}.response"),
                                      "--end", "await" if end == "close" else end) as ours:
                    self.ours.require_end(ours, version, "ended End of file")

    # Nor does tstclnt end first: we do, behind our response. It reads a file, since at the end of a pipe it spins.
    def put(self, version, key, size, end):
        content = self.ours.content(size)
        request = b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % size
        request += b"\r\n" if end == "abrupt" else b"Connection: close\r\n\r\n"
        source = self.ours.write(f"put.{version}.{key}.{size}.{end}", request + content)
        with self.ours.server(version, key, "--http") as ours, \
                running("tstclnt", "-4", "-h", "localhost", "-p", str(self.ours.port_of(ours)), "-d", self.database,
                        "-V", f"tls{version}:tls{version}", "-A", source) as client:
            client.before = b"\r\n\r\n"
            client.await_output(lambda seen: client.plaintext_size() >= size, f"{size} bytes")
            if end == "abrupt":
                client.kill()
            self.ours.require_end(ours, version, *(CUT if end == "abrupt" else ("ended well",)))
            client.wait()
            os.remove(source)
            if client.plaintext() != content:
                raise Failed("the response differs from what was sent")
