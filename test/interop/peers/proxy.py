# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Proxies: as a server, one ends TLS in front of a plain echo; as a client, it begins TLS behind a plain client."""
import contextlib
import sys

from peers.peer import HERE, Peer
from processes import listening_port, reserved_port, running

PLAIN = (sys.executable, "-B", f"{HERE}/plain.py")


class Proxy(Peer):
    """Derived classes make the configuration."""

    def settings(self, role, version, key, port, to):
        """The text of the configuration: to listen on one port of 127.0.0.1 and connect to another."""
        raise NotImplementedError

    def start(self, configuration):
        raise NotImplementedError

    @contextlib.contextmanager
    def proxy(self, role, version, key, to):
        with reserved_port() as reserved:
            port = reserved.getsockname()[1]
            path = self.ours.write(f"{self.name}.{port}.conf", self.settings(role, version, key, port, to).encode())
            with self.start(path) as proxy:
                listening_port(proxy)
                proxy.port = port
                yield proxy

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
