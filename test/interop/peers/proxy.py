# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Proxies: as a server, one ends TLS in front of a plain echo; as a client, it begins TLS behind a plain client."""
import contextlib
import sys

from ours import VERSIONS
from peers.peer import HERE, Peer
from peers.python import Python
from processes import listening_port, reserved_port, running

PLAIN = (sys.executable, "-B", f"{HERE}/plain.py")


class Proxy(Peer):
    """Derived classes make the configuration."""
    tickets = ""  # for --ticket-keys: the file of ours that the server has too

    def settings(self, role, version, key, port, to):
        """The text of the configuration: to listen on one port of 127.0.0.1 and connect to another."""
        raise NotImplementedError

    def start(self, configuration):
        raise NotImplementedError

    @contextlib.contextmanager
    def configured(self, settings):
        """Runs it with the settings for a port."""
        with reserved_port() as reserved:
            port = reserved.getsockname()[1]
            path = self.ours.write(f"{self.name}.{port}.conf", settings(port).encode())
            with self.start(path) as proxy:
                listening_port(proxy)
                proxy.port = port
                yield proxy

    def proxy(self, role, version, key, to):
        return self.configured(lambda port: self.settings(role, version, key, port, to))

    @contextlib.contextmanager
    def server(self, version, key):
        with running(*PLAIN, "server") as echo, \
                self.proxy("server", version, key, listening_port(echo)) as proxy:
            yield proxy

    @contextlib.contextmanager
    def client(self, version, port):
        with self.proxy("client", version, "", port) as proxy, running(*PLAIN, "client", str(proxy.port)) as plain:
            plain.killed_instead = proxy
            yield plain

    def more_cells(self):
        if self.ours.https_server:
            for version in VERSIONS:
                yield "server", version, "ecdsa", "in turn", "resume at both", self.exchange

    # We resume a session of theirs, for both have the same keys of tickets. HAProxy does not resume ours, whose session
    # ID context is not its own: then there is a full handshake, without an error.
    def exchange(self, version, key, *_):
        with self.ours.web_server(key, self.tickets) as ours, self.server(version, key) as theirs:
            at_ours, at_theirs = listening_port(ours), theirs.port
            for first, second, lasts in ((at_theirs, at_ours, 2), (at_ours, at_theirs, 1)):
                with Python(self.ours).resuming_client(version, f"{first},{second}", 2) as client:
                    self.ours.require_resumed(client, each_full=lasts, rounds=2)
