# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""What the tests of https_get share: the program run to its end, and servers that follow a script."""

import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import programs
from programs import AUTHORITY, BIN, CERTIFICATE, KEY, PATIENCE, HttpsServer
from tls_context import server_context

os.environ["LC_ALL"] = "C.UTF-8"  # whose characters https_get shows as they are

SIZES = (0, 1, 16384, 262145, 3000000)
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500
(WHOLE, USAGE, LOCAL_FILE, NOT_RESOLVED, NOT_CONNECTED, NOT_TLS, CERTIFICATE_REFUSED, TLS_FAILED, REFUSED,
 CUT_SHORT, TIMED_OUT, MALFORMED) = range(12)


def get(*arguments, **options):
    """Runs https_get to its end."""
    command = [BIN / "https_get", *map(str, arguments)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
                          check=False, **options)


class ScriptedServer:
    """Answers each connection by a function of (connection, request), in a thread of its own."""

    def __init__(self, answer, tls=True, client_authority=None):
        self.answer = answer
        self.requests = []
        self.context = None
        if tls:
            self.context = server_context(CERTIFICATE, KEY)
            if client_authority:
                self.context.load_verify_locations(client_authority)
                self.context.verify_mode = ssl.CERT_REQUIRED
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(PATIENCE)
        self.socket.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=(connection,)))
            self.threads[-1].start()

    def serve(self, connection):
        connection.settimeout(PATIENCE)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                request = connection.recv(65536)
                self.requests.append(request)
                self.answer(connection, request)
        except OSError:
            pass  # the client has gone, as some tests want it


def sends(response):
    """An answer that ends without close_notify."""
    return lambda connection, request: connection.sendall(response)


def until_gone(connection, response=b""):
    """An answer after which nothing comes until the client goes away."""
    connection.sendall(response)
    while connection.recv(65536):
        pass


class Downloads(unittest.TestCase):
    """Each test has a directory of its own, and the same server of whole files."""

    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        cls.root.mkdir()
        cls.content = {str(size): os.urandom(size) for size in SIZES}
        for name, content in cls.content.items():
            (cls.root / name).write_bytes(content)
        cls.server = HttpsServer(cls.root)
        cls.addClassCleanup(cls.server.__exit__)
        cls.url = cls.server.url

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=programs.WORK))

    def fetch(self, *arguments, status=WHOLE, says=None, authority=AUTHORITY):
        """What it prints on standard output and on standard error."""
        trust = ("--cacert", authority) if authority else ()
        done = get("--output-dir", self.directory, *trust, *arguments)
        errors = done.stderr.decode()
        self.assertEqual(done.returncode, status, errors)
        if says:
            self.assertRegex(errors, says)
        return done.stdout, errors

    def scripted(self, answer, **options):
        server = ScriptedServer(answer, **options)
        self.addCleanup(server.__exit__)
        return server

    def files(self):
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}

    def put(self, name, content):
        (self.directory / name).write_bytes(content)
