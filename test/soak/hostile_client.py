# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""What a hostile client has: a server to meet, dice, and little patience. And the list of all kinds of them.

A kind is a function of one client. It connects and does its worst; what the server makes of it (an error, the end, no
answer in time) is the servers' affair and ends the visit. Only honest kinds have a say: what they don't get is wrong.
"""
import pathlib
import socket
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "apps"), str(HERE.parent / "support")]
from tls_context import client_context

HTTPS, TLS_PROXY, TCP_PROXY = "https", "tls_proxy", "tcp_proxy"  # what listens there: TCP_PROXY has no TLS on this side
GONE = (OSError, EOFError, AssertionError)  # how the helpers of the tests tell that a server has had enough

KINDS = {}  # the name of each: the function, where it goes, whether it is honest


def kind(name, *targets, honest=False):
    def keep(function):
        KINDS[name] = (function, targets or (HTTPS, TLS_PROXY, TCP_PROXY), honest)
        return function
    return keep


def make_files(root):
    """What they ask for, beside /data: the names are those of the tests of https_server."""
    for name in ("file", "small.txt"):
        (root / name).write_bytes(b"content")
    with (root / "large").open("wb") as file:
        file.truncate(64 << 20)


class Target:
    """A server, and the contexts for its clients, which are made once."""

    def __init__(self, name, port, authority):
        self.name, self.port, self.authority = name, port, authority
        self.contexts = {}

    def context(self, alpn=None, version=None):
        key = (tuple(alpn or ()), version)
        if key not in self.contexts:
            made = client_context(self.authority)
            if alpn:
                made.set_alpn_protocols(alpn)
            if version:
                made.maximum_version = version
            self.contexts[key] = made
        return self.contexts[key]


class Client:
    """One visit. Its connections end with it."""

    def __init__(self, target, content, random, patience):
        self.target, self.content, self.random, self.patience = target, content, random, patience
        self.connections = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.close()

    def connect(self):
        """A TCP connection. Whoever listens has to take it."""
        try:
            connection = socket.create_connection(("127.0.0.1", self.target.port), 60)
        except OSError as why:
            raise RuntimeError(f"cannot connect to {self.target.name}: {why}") from why
        connection.settimeout(self.patience)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.append(connection)
        return connection

    def connect_tls(self, alpn=None):
        """As programs.Server has it; plain TCP where the server has no TLS."""
        connection = self.connect()
        if self.target.name == TCP_PROXY:
            return connection
        made = self.target.context(alpn).wrap_socket(connection, server_hostname="localhost")
        self.connections.append(made)
        return made

    def read(self, connection, most=1 << 20):
        """Until so much has come, or nothing more; for as long as it has patience."""
        end = time.monotonic() + self.patience
        while most > 0 and time.monotonic() < end and (part := connection.recv(min(most, 65536))):
            most -= len(part)

    def one_in(self, count):
        return self.random.randrange(count) == 0


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def in_pieces(client, connection, data):
    """Sent with cuts at random places."""
    while data:
        size = client.random.choice((1, 2, 5, 100, 10_000))
        connection.sendall(data[:size])
        data = data[size:]
