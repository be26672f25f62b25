# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import os

from ours import CUT
from peers.peer import Peer, first_line
from processes import Failed, running


class Curl(Peer):
    """What curl puts comes back as the response."""
    name = "curl"
    programs = ("curl",)
    no_server = "curl is a client"
    ends = {"client": ("close", "half-close", "abrupt")}

    def describe(self):
        return " ".join(first_line("curl", "--version").split()[:2])

    def why_not(self, role, version, key, size, end):
        return "curl sends no close_notify before it has the response" if end == "half-close" else ""

    def talk(self, role):
        return self.put

    def put(self, version, key, size, end):
        result = self.ours.path(f"curl.{version}.{key}.{size}.{end}")
        with self.ours.server(version, key, "--http") as ours:
            port = self.ours.port_of(ours)
            source = "-" if end == "abrupt" else self.ours.path(f"{size}")
            with running("curl", "--silent", "--show-error", "--ipv4", "--http1.1", "--cacert", self.ours.path("ca.pem"),
                         "--tlsv" + version, "--tls-max", version, "--header", "Expect:", "--upload-file", source,
                         "--output", result, f"https://localhost:{port}/echo") as curl:
                if end == "abrupt":
                    curl.feed(self.ours.content(size))
                    ours.await_line(b"session ")
                    curl.kill()
                elif curl.wait() != 0:
                    raise Failed(curl.text())
            self.ours.require_end(ours, version, *(CUT if end == "abrupt" else ("ended end of stream",)))
            if end != "abrupt":
                with open(result, "rb") as file:
                    if file.read() != self.ours.content(size):
                        raise Failed("the response differs from what was sent")
                os.remove(result)
