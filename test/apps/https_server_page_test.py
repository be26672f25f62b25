# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""What https_server shows of itself when it has no directory: its page, and live counters."""

import concurrent.futures
import json
import re
import ssl
import unittest

import programs
import websocket_client as ws
from programs import AUTHORITY, HttpsServer, exchange, read_to_end
from tls_context import client_context
from websocket_client import TEXT, WebSocket


class Page(unittest.TestCase):
    def serve(self, *arguments, root=None):
        server = HttpsServer(root, *arguments)
        self.addCleanup(server.__exit__)
        return server

    def open_live(self, server, **options):
        live = WebSocket(server.connect_tls(**options), path="/live")
        self.addCleanup(live.connection.close)
        return live

    def next(self, live):
        opcode, content = live.receive()
        self.assertEqual(opcode, TEXT)
        return json.loads(content)

    def wait_until(self, live, true):
        """The first counters for which this is true."""
        for _ in range(2 * programs.PATIENCE):  # they come twice a second
            counters = self.next(live)
            if true(counters):
                return counters
        raise AssertionError(counters)

    def test_the_page_has_what_was_negotiated(self):
        server = self.serve()
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            context = client_context(AUTHORITY)
            context.maximum_version = version
            context.set_alpn_protocols(["http/1.1"])
            with server.connect_tls(context=context) as connection:
                suite = connection.cipher()[0]
                page = exchange(connection, b"GET / HTTP/1.0\r\n\r\n").decode()
            facts = re.findall("<tr><th>[^<]*</th><td>([^<]*)</td>", page)
            self.assertEqual(facts[:2] + facts[3:], [name, suite, "http/1.1", "no", "localhost", "none"])
            self.assertRegex(facts[2], "25519|256|MLKEM")

    def test_the_page_of_a_resumed_session_says_so(self):
        server = self.serve()
        context = client_context(AUTHORITY)
        with server.connect_tls(context=context) as connection:
            self.assertIn(b"<th>resumed</th><td>no</td>", exchange(connection, b"GET / HTTP/1.0\r\n\r\n"))
            session = connection.session
        with context.wrap_socket(server.connect(), server_hostname="localhost", session=session) as connection:
            self.assertIn(b"<th>resumed</th><td>yes</td>", exchange(connection, b"GET / HTTP/1.0\r\n\r\n"))

    def test_there_are_no_files(self):
        server = self.serve()
        for target in ("/README.md", "/etc/passwd", "/index.html"):
            self.assertEqual(server.curl(target, "-o", "/dev/null", "-w", "%{http_code}"), b"404")

    def test_a_burst_arrives_whole(self):
        server = self.serve()
        for messages, size in ((1, 1), (1000, 100), (160, 65536), (3, 16385)):
            body = server.curl(f"/burst?messages={messages}&bytes={size}")
            self.assertEqual(body, b"x" * (messages * size))

    def test_a_burst_to_a_client_that_leaves_disturbs_nobody(self):
        server = self.serve()
        for _ in range(3):
            with server.connect_tls() as connection:
                connection.sendall(b"GET /burst?messages=1000&bytes=65536 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                connection.recv(1)
        server.err.wait_for("cut short: ")
        self.assertEqual(server.curl("/burst?messages=2&bytes=2"), b"xxxx")

    def test_the_counters_count_the_whole_server(self):
        for threads in (1, 3):
            server = self.serve("--threads", threads)
            live = self.open_live(server)
            self.assertEqual(self.next(live)["name"], "localhost")
            before = self.next(live)
            with server.connect_tls() as other:
                other.sendall(b"GET /burst?messages=1000&bytes=100 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                received = b""
                while not received.endswith(b"x" * 100) or len(received) < 100000:
                    received += other.recv(65536)
                now = self.wait_until(live, lambda now: now["messages"] > before["messages"] + 1000)
                self.assertEqual(now["connections"], 2)
            self.assertGreater(now["merged"] - before["merged"], 900)
            self.assertLess(now["records"] - before["records"], 100)
            self.assertLess(now["sends"] - before["sends"], 100)
            self.assertGreater(now["bytes"] - before["bytes"], 100000)
            now = self.wait_until(live, lambda now: now["connections"] == 1)
            self.assertGreater(now["merged"] - before["merged"], 900)  # what has ended stays counted

    def test_the_counters_are_there_beside_files_too(self):
        (programs.WORK / "page").mkdir()
        live = self.open_live(self.serve(root=programs.WORK / "page"))
        self.assertEqual(set(self.next(live)), {"version", "suite", "group", "alpn", "name", "subject", "resumed"})
        self.assertEqual(set(self.next(live)), {"connections", "records", "sends", "messages", "merged", "bytes"})

    def test_the_counters_end_when_either_side_wants_it(self):
        server = self.serve("--stop-seconds", "3600")
        live, other = self.open_live(server), self.open_live(server)
        live.send_close()
        while (got := live.receive())[0] == TEXT:
            pass
        self.assertEqual(got, (ws.CLOSE, b"\x03\xe8"))
        self.assertEqual(read_to_end(live.connection), b"")
        live.connection.close()
        server.signal()
        while (got := other.receive())[0] == TEXT:
            pass
        self.assertEqual(got, (ws.CLOSE, b"\x03\xe9"))
        other.send_close(ws.GOING_AWAY)
        other.connection.close()
        self.assertEqual(server.wait(), 0)
        log = server.err.all()
        self.assertEqual(len(log), 2, log)
        for line in log:
            self.assertRegex(line, r" GET /live 101 \d+ \d+\.\d+s$")

    def test_many_may_watch(self):
        server = self.serve("--threads", "3")
        watchers = [self.open_live(server) for _ in range(20)]
        for live in watchers:
            self.next(live)
        self.wait_until(watchers[0], lambda now: now["connections"] == 20)
        for live in watchers:
            self.assertIn("records", self.next(live))

    def test_those_who_come_and_go_harm_nobody(self):
        server = self.serve("--threads", "4")

        def come_and_go():
            for _ in range(40):
                live = WebSocket(server.connect_tls(), path="/live")
                live.receive()  # from here on the server asks all connections for their counters
                live.connection.close()

        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            for client in [clients.submit(come_and_go) for _ in range(8)]:
                client.result()
        live = self.open_live(server)
        self.next(live)
        self.wait_until(live, lambda now: now["connections"] == 1)
        live.connection.close()
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
