# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""The port for operators (--admin) of https_server and tls_proxy: what it tells, and that nobody can hold it up."""

import contextlib
import os
import re
import socket
import time
import unittest

import programs
from programs import CERTIFICATE, KEY, HttpsServer, Program, Server, exchange, read_to_end

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MOST_CONNECTIONS = 16


class Admin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        cls.root.mkdir()
        (cls.root / "file").write_bytes(b"content")
        (cls.root / "large").write_bytes(b"x" * 64_000_000)

    def serve(self, *arguments):
        server = HttpsServer(self.root, "--admin", "0", *arguments)
        self.addCleanup(server.__exit__)
        return server

    def connect(self, server):
        line = server.out.wait_for("metrics: ")
        self.assertRegex(line, r"^metrics: http://127\.0\.0\.1:\d+/metrics$")
        connection = socket.create_connection(("127.0.0.1", int(re.search(r":(\d+)/", line)[1])), programs.PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def ask(self, server, target, request=GET):
        """The status, the header and the body."""
        with self.connect(server) as connection:  # closed at once, since there may be few
            header, _, body = exchange(connection, request % target).partition(b"\r\n\r\n")
        return int(header.split()[1]), header.decode(), body.decode()

    def values(self, server):
        """The metrics by their names with labels."""
        status, header, body = self.ask(server, b"/metrics")
        self.assertEqual(status, 200)
        self.assertIn("Content-Type: text/plain; version=0.0.4", header)
        values, typed = {}, set()
        for line in body.splitlines():
            if line.startswith("# TYPE "):
                typed.add(line.split()[2])
            elif not line.startswith("# HELP "):
                self.assertRegex(line, r'^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="\d+")?\})? -?\d+$')
                name, _, value = line.rpartition(" ")
                self.assertIn(name.partition("{")[0], typed)
                self.assertNotIn(name, values)
                values[name] = int(value)
        return values

    def wait_until(self, server, true):
        give_up = time.monotonic() + programs.PATIENCE
        while not true(values := self.values(server)):
            self.assertLess(time.monotonic(), give_up, values)
        return values

    def test_metrics_tell_what_was_done(self):
        server = self.serve()
        first = self.values(server)
        self.assertEqual(first["tls_async_connections"], 0)
        self.assertAlmostEqual(first[f'tls_async_certificate_expiry_timestamp_seconds{{file="{CERTIFICATE}"}}'],
                               time.time() + 86400 * 400, delta=86400 * 400)
        server.curl("/file")
        server.curl("/none")
        server.curl("/%ff%22%0a{x=%22y%22}")
        with server.connect() as stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            stranger.recv(100)
        with server.connect_tls() as open_one:
            exchange_one = b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n"
            open_one.sendall(exchange_one)
            while not open_one.recv(65536).endswith(b"content"):
                pass
            values = self.wait_until(server, lambda now: now["tls_async_connections"] == 1
                                     and now['tls_async_responses_total{class="2xx"}'] == 2
                                     and now["tls_async_connections_accepted_total"] == 5)
        self.assertEqual(values['tls_async_handshakes_total{result="done"}'], 4)
        self.assertEqual(values['tls_async_handshakes_total{result="failed"}'], 1)
        self.assertEqual(values['tls_async_responses_total{class="4xx"}'], 2)
        self.assertEqual(values["tls_async_connections_refused_total"], 0)
        self.assertGreater(values["tls_async_sent_bytes_total"], values["tls_async_sent_plaintext_bytes_total"])
        self.assertGreater(values["tls_async_received_plaintext_bytes_total"], 100)
        alerts = {name for name in values if name.startswith("tls_async_alerts_total{")}
        self.assertEqual(set(values) - alerts, set(first))  # nothing that a client sent is a name or a label

    def test_metrics_are_ascii_whatever_a_certificate_is_called(self):
        certificate, key = programs.make_certificate("odd", names=["DNS:localhost"])
        odd = certificate.rename(programs.WORK / os.fsdecode(b"odd \xff\n.pem"))
        server = self.serve("--cert", odd, "--key", key)
        self.assertTrue(any(name.endswith(r'odd \\xFF\\x0A.pem"}') for name in self.values(server)))

    def test_tls_proxy_has_them_too(self):
        with HttpsServer(self.root) as backend, Server(
                "tls_proxy", "--mode", "client", "--connect", f"localhost:{backend.port}", "--cacert", programs.AUTHORITY,
                "--admin", "0") as proxy:
            with proxy.connect() as plain:
                self.assertTrue(exchange(plain, GET % b"/file").endswith(b"content"))
            values = self.wait_until(proxy, lambda now: now["tls_async_connections"] == 0
                                     and now["tls_async_received_plaintext_bytes_total"] > 0)
            self.assertEqual(values['tls_async_handshakes_total{result="done"}'], 1)

    def test_it_is_live_and_ready_until_it_stops(self):
        server = self.serve("--stop-seconds", "3600")
        self.assertEqual(self.ask(server, b"/live")[0], 200)
        self.assertEqual(self.ask(server, b"/ready?x=y")[0], 200)
        with server.connect_tls() as stuck:
            stuck.sendall(GET % b"/large")
            stuck.recv(1)
            server.signal()
            give_up = time.monotonic() + programs.PATIENCE
            while self.ask(server, b"/ready")[0] != 503:
                self.assertLess(time.monotonic(), give_up)
            self.assertEqual(self.ask(server, b"/live")[0], 200)
            server.signal()
            self.assertEqual(server.wait(), 0)

    def test_it_answers_nothing_else(self):
        server = self.serve()
        self.assertEqual(self.ask(server, b"/")[0], 404)
        self.assertEqual(self.ask(server, b"/file")[0], 404)
        self.assertEqual(self.ask(server, b"/metrics/")[0], 404)
        self.assertEqual(self.ask(server, b"/metrics", GET.replace(b"GET", b"POST"))[0], 405)
        status, header, body = self.ask(server, b"/metrics", GET.replace(b"GET", b"HEAD"))
        self.assertEqual((status, body), (200, ""))
        self.assertRegex(header, r"Content-Length: \d{3}")

    def test_no_bytes_of_anybody_end_it(self):
        server = self.serve()
        for sent in (b"\x16\x03\x01\x02\x00" + os.urandom(600), b"\0" * 5000, b"GET /metrics HTTP/9.9\r\n\r\n",
                     b"GET\r\n\r\n", b"\r\n" * 3000, b"GET /live HTTP/1.1\r\nX: " + b"x" * 10_000_000,
                     b"GET /live HTTP/1.1\r\n" + b"X: x\r\n" * 1_000_000,
                     b"POST /live HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b""):
            with self.subTest(sent[:40]):
                connection = self.connect(server)
                try:
                    connection.sendall(sent)
                    connection.shutdown(socket.SHUT_WR)
                    answer = read_to_end(connection)
                except OSError:
                    answer = b""  # it was cut off
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer)
            self.assertEqual(self.ask(server, b"/live")[0], 200)

    # Parts that end in the first letter of a name: Beast takes all before it, and measures what is left.
    def test_a_request_without_end_has_its_limit_however_it_is_cut(self):
        server = self.serve()
        connection = self.connect(server)
        connection.sendall(b"GET /live HTTP/1.1\r\na")
        connection.settimeout(0.01)
        give_up = time.monotonic() + programs.PATIENCE
        answer = b""
        while not answer:
            self.assertLess(time.monotonic(), give_up)
            with contextlib.suppress(OSError):
                connection.sendall(b":\r\na" * 100)
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(100)
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)

    def test_silent_connections_are_ended_and_hold_up_nobody(self):
        server = self.serve()
        silent = [self.connect(server) for _ in range(2 * MOST_CONNECTIONS)]
        self.assertEqual(server.curl("/file"), b"content")
        self.assertEqual(self.ask(server, b"/live")[0], 200)  # the oldest of them makes room
        for one in silent:  # those beyond the limit have ended, the others do after 5 seconds
            try:
                self.assertEqual(read_to_end(one), b"")
            except ConnectionResetError:
                pass
        self.assertEqual(self.ask(server, b"/live")[0], 200)

    def test_a_port_in_use_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            for program in (("https_server",), ("tls_proxy", "--connect", "localhost:1", "--cert", CERTIFICATE, "--key", KEY)):
                with Program(*program, "--listen", "0", "--admin", other.getsockname()[1]) as server:
                    self.assertEqual(server.wait(), 2)
                    self.assertIn("--admin", server.err.all()[0])


if __name__ == "__main__":
    unittest.main()
