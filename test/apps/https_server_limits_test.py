# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server and clients that take more than their share: of time, of connections, of patience."""

import contextlib
import os
import resource
import signal
import socket
import time
import unittest

import programs
from programs import HttpsServer, exchange, read_to_end
from tls_context import client_context

GET = b"GET /file HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
CLOSE = b"Connection: close\r\n"


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        cls.root.mkdir()
        (cls.root / "file").write_bytes(b"content")
        (cls.root / "large").write_bytes(b"x" * 64_000_000)

    def test_a_handshake_that_never_comes_is_ended(self):
        with HttpsServer(self.root, "--handshake-seconds", "1") as server:
            with server.connect() as connection:
                self.assertEqual(read_to_end(connection), b"")
            server.err.wait_for("handshake failed: ")

    def test_a_handshake_that_stops_half_way_is_ended(self):
        with HttpsServer(self.root, "--handshake-seconds", "1") as server:
            with server.connect() as connection:
                connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
                self.assertEqual(read_to_end(connection), b"")
            server.err.wait_for("handshake failed: ")

    def test_a_request_that_never_ends_is_ended(self):
        with HttpsServer(self.root, "--header-seconds", "1") as server:
            with server.connect_tls() as connection:
                connection.sendall(GET[:-1] % b"X: x\r\n")
                with self.assertRaises(OSError):  # nothing polite: the end without close_notify
                    read_to_end(connection)
            server.err.wait_for("no whole request: Connection timed out")

    # Records that end in the first letter of a name: Beast takes all before it, and measures what is left.
    def test_a_header_without_end_has_its_limit_however_it_is_cut(self):
        with HttpsServer(self.root, "--header-bytes", "16384") as server, server.connect_tls() as connection:
            header = b"GET /file?x HTTP/1.1\r\nHost: localhost\r\n" + b"a:\r\n" * 20_000
            with contextlib.suppress(OSError):
                connection.sendall(header[:512])  # as the server reads
                for at in range(512, 512 + 10 * 4096, 4096):
                    connection.sendall(header[at:at + 4096])
            self.assertIn(b" 431 ", read_to_end(connection))

    def test_a_request_that_trickles_in_is_ended(self):
        with HttpsServer(self.root, "--header-seconds", "1") as server:
            with server.connect_tls() as connection:
                connection.sendall(b"GET /file HTTP/1.1\r\nX: ")
                with self.assertRaises(OSError):
                    connection.settimeout(0.01)
                    give_up = time.monotonic() + programs.PATIENCE
                    while time.monotonic() < give_up:
                        connection.sendall(b"x")
                        with contextlib.suppress(TimeoutError):
                            self.assertNotEqual(connection.recv(1), b"")
            server.err.wait_for("no whole request: Connection timed out")

    def test_an_idle_connection_is_ended_with_close_notify(self):
        with HttpsServer(self.root, "--idle-seconds", "1") as server:
            with server.connect_tls() as connection:
                self.assertTrue(exchange(connection, GET % b"").endswith(b"content"))
            self.assertEqual(server.stop(), 0)

    def test_a_connection_is_not_idle_while_its_client_reads_a_response(self):
        (self.root / "fits").write_bytes(b"x" * 2_500_000)  # into what the kernel takes at once
        # Its seconds begin once it has read all, and who is silent then is no stalled reader.
        limits = ("--idle-seconds", "6", "--handshake-seconds", "3", "--stall-seconds", "2")
        with HttpsServer(self.root, *limits) as server:
            with server.connect_tls_slowly() as connection:
                connection.sendall(GET.replace(b"file", b"fits") % b"")
                server.err.wait_for("GET /fits 200 2500000 ")
                with server.connect_tls() as idle:
                    self.assertEqual(read_to_end(idle), b"")  # its 6 seconds ended later
                received = b""
                while len(received.partition(b"\r\n\r\n")[2]) < 2_500_000:
                    received += connection.recv(1 << 20)
                with server.connect() as silent:
                    programs.read_to_tcp_end(silent)  # after 3 seconds
                self.assertTrue(exchange(connection, GET % CLOSE).endswith(b"content"))
            self.assertEqual(server.stop(), 0)

    def test_connections_beyond_the_limit_wait_for_their_turn(self):
        with HttpsServer(self.root, "--max-connections", "2") as server, contextlib.ExitStack() as stack:
            first, second = (stack.enter_context(server.connect_tls()) for _ in range(2))
            waiting = stack.enter_context(server.connect())
            server.err.wait_for("all 2 connections are in use")
            self.assertTrue(exchange(first, GET % CLOSE).endswith(b"content"))
            first.close()
            context = client_context(programs.AUTHORITY)
            third = stack.enter_context(context.wrap_socket(waiting, server_hostname="localhost"))
            self.assertTrue(exchange(third, GET % CLOSE).endswith(b"content"))
            self.assertTrue(exchange(second, GET % CLOSE).endswith(b"content"))

    @unittest.skipIf(programs.SANITIZER == "address", "UBSan itself needs a descriptor now and then")
    def test_running_out_of_descriptors_neither_spins_nor_ends_the_server(self):
        options = ("--handshake-seconds", "2", "--admin", "0")
        with HttpsServer(self.root, *options, descriptors=64) as server, contextlib.ExitStack() as stack:
            began = time.monotonic()
            connections = [stack.enter_context(server.connect()) for _ in range(100)]
            server.err.wait_for("cannot accept: Too many open files")
            self.assertGreater(server.metric("tls_async_connections"), 40)  # by a descriptor that is in reserve
            self.assertEqual(read_to_end(connections[0]), b"")  # until its handshake is given up
            for connection in connections:
                connection.close()
            self.assertEqual(server.curl("/file"), b"content")
            # It tries again when a connection has ended, and after a second.
            tried = server.metric("tls_async_connections_refused_total")
            ended = server.metric("tls_async_connections_accepted_total")
            self.assertLessEqual(tried, ended + time.monotonic() - began + 1)

    def test_thousands_of_idle_connections_are_served_and_end_politely(self):
        # As many as were once tried by hand: IDLE_CONNECTIONS=5000 ./dev test dev -R https_server_limits
        count = int(os.environ.get("IDLE_CONNECTIONS", 200 if programs.SANITIZER else 1000))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < count + 100:
            self.skipTest(f"{count} connections need more than {hard} descriptors; raise the hard limit (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 100), hard))  # the server's too
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        options = ("--max-connections", count + 1, "--connections-per-address", count + 1, "--idle-seconds", "3600", "--stop-seconds", "3600", "--admin", "0")
        with HttpsServer(self.root, *options) as server, contextlib.ExitStack() as stack:
            context = client_context(programs.AUTHORITY)
            def ask(connection):
                connection.sendall(GET % b"")
                received = b""
                while not received.endswith(b"content"):
                    part = connection.recv(65536)
                    self.assertTrue(part)
                    received += part

            idle = [stack.enter_context(server.connect_tls(context)) for _ in range(count)]
            for connection in idle:
                ask(connection)
            self.assertEqual(server.metric("tls_async_connections"), count)
            self.assertEqual(server.curl("/file"), b"content")
            for connection in idle[::50]:
                ask(connection)
            server.signal()
            for connection in idle:
                self.assertEqual(read_to_end(connection), b"")
                connection.close()
            self.assertEqual(server.wait(), 0)

    def test_strangers_have_a_limited_number_of_lines_and_none_in_a_quiet_log(self):
        for quiet in ((), ("--quiet",)):
            with HttpsServer(self.root, *quiet, "--admin", "0") as server:
                for _ in range(300):  # health checks that only connect, and scans
                    server.connect().close()
                    with server.connect() as connection:
                        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                give_up = time.monotonic() + programs.PATIENCE
                while server.metric('tls_async_handshakes_total{result="failed"}') < 600:
                    self.assertLess(time.monotonic(), give_up)
                self.assertEqual(server.curl("/file"), b"content")
                self.assertEqual(server.stop(), 0)
                log = server.err.all()
            told = sum("handshake failed: " in line or "plain HTTP" in line for line in log)
            left_out = sum(int(line.split()[2]) for line in log if line.endswith(" lines of level debug were left out"))
            self.assertEqual(told + left_out, 0 if quiet else 600, log)
            self.assertEqual(left_out > 0, not quiet)

    def test_a_client_that_has_reset_its_connection_is_named(self):
        with HttpsServer(self.root) as server:
            programs.stop_for_a_while(server)
            client = server.connect()
            port = client.getsockname()[1]
            programs.reset(client)
            server.signal(signal.SIGCONT)
            self.assertIn(f" 127.0.0.1:{port}: ", server.err.wait_for("handshake failed: "))

    def test_a_client_that_never_reads_holds_up_nobody(self):
        with HttpsServer(self.root, "--stop-seconds", "0") as server:
            with server.connect_tls() as connection:
                connection.sendall(GET.replace(b"file", b"large") % b"")
                self.assertEqual(server.curl("/file"), b"content")
                self.assertEqual(server.stop(), 0)
            self.assertTrue(any("/large 200 " in line and "cut short" in line for line in server.err.all()))

    def test_a_client_that_reads_slowly_but_steadily_is_not_cut(self):
        limit = 4
        with HttpsServer(self.root, "--stall-seconds", limit) as server:
            with server.connect_tls_slowly() as connection:
                connection.sendall(GET.replace(b"file", b"large") % b"")
                with socket.socket(fileno=os.dup(connection.fileno())) as ciphertext:
                    ciphertext.settimeout(programs.PATIENCE)
                    programs.read_slowly(ciphertext, limit)
                    self.assertIsNone(server.err.find("cut short"))
                    # Now it has stopped.
                    self.assertIn(" GET /large 200 ", server.err.wait_for(f"took nothing for {limit} s"))

    def test_a_client_that_never_reads_its_last_response_is_ended(self):
        (self.root / "fits").write_bytes(b"x" * 2_500_000)  # into what the kernel takes at once
        with HttpsServer(self.root, "--stall-seconds", "1", "--max-connections", "1") as server:
            with server.connect_tls_slowly() as stuck:
                stuck.sendall(GET.replace(b"file", b"fits") % CLOSE)
                server.err.wait_for("GET /fits 200 2500000 ")
                self.assertEqual(server.curl("/file"), b"content")
                server.err.wait_for("took nothing for 1 s")

    def test_half_a_next_request_loses_nothing_of_the_last_response(self):
        (self.root / "fits").write_bytes(b"x" * 2_500_000)  # into what the kernel takes at once
        with HttpsServer(self.root, "--header-seconds", "1") as server, server.connect_tls_slowly() as slow:
            slow.sendall(GET.replace(b"file", b"fits") % b"" + GET[:-1] % b"")
            server.err.wait_for("no whole request: Connection timed out")
            slow.sendall(b"X: x\r\n\r\n")  # too late
            self.assertEqual(read_to_end(slow).partition(b"\r\n\r\n")[2], b"x" * 2_500_000)


if __name__ == "__main__":
    unittest.main()
