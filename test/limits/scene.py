# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""A program that is attacked, and what its honest client does."""
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import threading

import programs
from frames import Frames, get
from programs import AUTHORITY, CERTIFICATE, KEY, PATIENCE, HttpsServer, Server
from row import Process
from tls_context import client_context


class Echo:
    """A backend without TLS: what it is sent it sends back, and reads no more before that was taken."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, "127.0.0.1", 0), self.loop).result(PATIENCE)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError):
            while part := await reader.read(65536):
                writer.write(part)
                await writer.drain()
        writer.close()

    async def stop(self):
        self.server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def close(self):
        asyncio.run_coroutine_threadsafe(self.stop(), self.loop).result(PATIENCE)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Scene:
    """One program, for one attack. `size(quick, full)` chooses how large that is."""

    def __init__(self, target, attack, given):
        self.target, self.given = target, given
        self.backend_has_told = 0
        self.ends = contextlib.ExitStack()
        try:
            self.server = self.start(target, attack.options, attack.peer,
                                     {"descriptors": attack.descriptors} if attack.descriptors else {})
            self.process = Process(self.server.process)
            self.context = client_context(AUTHORITY)
        except BaseException:
            self.ends.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends.close()

    def size(self, quick, full):
        return quick if self.given.quick else full

    def start(self, target, arguments, peer, options):
        pair = ("--cert", CERTIFICATE, "--key", KEY)
        if target == "https_server":
            return self.ends.enter_context(HttpsServer(self.given.root, *arguments, **options))
        if target == "tls_proxy":
            backend = self.ends.enter_context(contextlib.closing(Echo()))
            return self.ends.enter_context(
                Server("tls_proxy", "--connect", f"127.0.0.1:{backend.port}", *pair, *arguments, **options))
        if target == "tls_proxy --mode client":
            self.backend = self.ends.enter_context(Server(self.given.peer, *peer))
            arguments = ("--connect", f"127.0.0.1:{self.backend.port}", *arguments)
            return self.ends.enter_context(Server(
                "tls_proxy", "--mode", "client", "--insecure", "--server-name", "localhost", *arguments, **options))
        return self.ends.enter_context(Server(target, *pair, *arguments, **options))

    # The honest client

    def ask(self):
        if self.target == "https_server":
            with self.connect_tls() as connection:
                connection.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = programs.read_to_end(connection)
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\ncontent"), answer
        elif self.target == "http2_server":
            with Frames(self) as client:
                client.send(get(b"/file", 1))
                assert client.body(1) == b"You asked for /file\n"
        else:
            with self.connect() if "client" in self.target else self.connect_tls() as connection:
                text = b"honest " + os.urandom(20).hex().encode()
                connection.sendall(text)
                answer = b""
                while len(answer) < len(text):
                    part = connection.recv(100)
                    assert part, "it was cut off"
                    answer += part
                assert answer == text

    # What attacks have

    def connect(self):
        return self.server.connect()

    def connect_tls(self, alpn=None, context=None):
        if alpn:
            context = client_context(AUTHORITY)
            context.set_alpn_protocols(alpn)
        connection = self.server.connect()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return (context or self.context).wrap_socket(connection, server_hostname="localhost")
        except BaseException:
            connection.close()
            raise

    def peer(self, *arguments):
        """limits_peer as a client."""
        done = subprocess.run([self.given.peer, "--connect", str(self.server.port), *map(str, arguments)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=PATIENCE)
        return json.loads(done.stdout)

    def text(self, name, content):
        path = programs.WORK / f"{self.target}_{name}".replace(" ", "_")
        path.write_bytes(content)
        return path
