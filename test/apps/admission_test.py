# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""How many handshakes and connections the servers admit, which are first, and what becomes of the others."""

import concurrent.futures
import contextlib
import functools
import select
import socket
import ssl
import time
import unittest

import programs
from programs import AUTHORITY, CERTIFICATE, KEY, PATIENCE, HttpsServer, Server, exchange, read_to_end
from tls_context import client_context

GET = b"GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ONE_PLACE = ("--admin", "0", "--max-handshakes", "1")
NO_HURRY = ("--handshake-seconds", 20 * PATIENCE)  # nobody is ended for being slow
HURRY = ("--handshake-seconds", 5)  # who holds others up is ended after a second


class Handshake:
    """One that waits behind its ClientHello until the test goes on with it."""

    def __init__(self, server, context, source="127.0.0.1", session=None, change=bytes):
        self.socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE, (source, 0))
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost", session=session)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.socket.sendall(change(self.outgoing.read()))

    def run(self, call):
        """Until the call is done, with what it needs to send and to receive."""
        while True:
            try:
                done = call()
            except ssl.SSLWantReadError:
                self.flush()
                received = self.socket.recv(65536)
                self.incoming.write(received) if received else self.incoming.write_eof()
            else:
                self.flush()
                return done

    def flush(self):
        if sent := self.outgoing.read():
            self.socket.sendall(sent)

    def finish(self):
        """Returns what it negotiated; then the session is over."""
        self.run(self.tls.do_handshake)
        with self.socket:
            self.run(functools.partial(self.tls.write, GET))
            with contextlib.suppress(ssl.SSLZeroReturnError):
                while self.run(functools.partial(self.tls.read, 65536)):
                    pass
        return self.tls


def ticket_at(hello):
    """Where the identity in pre_shared_key begins (RFC 8446 section 4.2.11), behind the header of one record."""
    at = 5 + 4 + 2 + 32
    for length_bytes in (1, 2, 1):  # session id, suites, compression
        at += length_bytes + int.from_bytes(hello[at : at + length_bytes], "big")
    at += 2
    while hello[at : at + 2] != b"\0\x29":
        at += 4 + int.from_bytes(hello[at + 2 : at + 4], "big")
    return at + 4 + 2 + 2


def forged(hello):
    at = ticket_at(hello) + 50  # behind the key's name and the IV
    return hello[:at] + bytes([hello[at] ^ 1]) + hello[at + 1 :]


def proxy_header(address):
    """A PROXY header, version 2, from this address of IPv4 or IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    addresses = 2 * socket.inet_pton(family, address) + b"\0\1\0\2"
    return (b"\r\n\r\n\0\r\nQUIT\n\x21" + (b"\x21" if family == socket.AF_INET6 else b"\x11")
            + len(addresses).to_bytes(2, "big") + addresses)


class Admission(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        cls.root.mkdir()
        (cls.root / "file").write_bytes(b"content")
        with HttpsServer(cls.root):
            pass  # leaves a certificate

    def serve(self, *arguments, **options):
        server = HttpsServer(self.root, *arguments, **options)
        self.addCleanup(server.__exit__)
        return server

    def handshake(self, server, *arguments, context=None, **options):
        one = Handshake(server, context or client_context(AUTHORITY), *arguments, **options)
        self.addCleanup(one.socket.close)
        return one

    def begin(self, server, **options):
        """One that has its place."""
        one = self.handshake(server, **options)
        self.wait_for(server, "handshakes_in_progress", 1)
        return one

    def wait(self, server, **options):
        """One that waits for it, behind all others."""
        before = server.metric("tls_async_handshakes_waiting")
        one = self.handshake(server, **options)
        self.wait_for(server, "handshakes_waiting", before + 1)
        return one

    def wait_for(self, server, name, value):
        give_up = time.monotonic() + PATIENCE
        while (now := server.metric(f"tls_async_{name}")) != value:
            self.assertLess(time.monotonic(), give_up, f"{name} is {now}, not {value}")

    def assert_order(self, *handshakes):
        """They are answered one after the other, each when the one before is done."""
        left = list(handshakes)
        while left:
            readable = select.select([one.socket for one in left], [], [], PATIENCE)[0]
            self.assertEqual(readable, [left[0].socket])
            left.pop(0).finish()

    def assert_turned_away(self, connection):
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(read_to_end(connection), b"")

    # The bound

    def test_beyond_the_bound_a_handshake_waits_for_the_end_of_another(self):
        server = self.serve(*ONE_PLACE, *NO_HURRY)
        first = self.begin(server)
        second, third = self.wait(server), self.wait(server)
        first.finish()  # its end, and not that of its connection
        self.assert_order(second, third)
        self.wait_for(server, "handshakes_in_progress", 0)
        self.assertEqual(server.metric("tls_async_handshakes_waited_total"), 2)
        self.handshake(server).finish()
        self.assertEqual(server.metric("tls_async_handshakes_waited_total"), 2)  # nobody was before it

    def test_the_place_of_a_connection_that_stays_is_free(self):
        server = self.serve(*ONE_PLACE, *NO_HURRY)
        with server.connect_tls() as one, server.connect_tls() as other:
            self.assertTrue(exchange(other, GET).endswith(b"content"))
            self.assertTrue(exchange(one, GET).endswith(b"content"))

    def test_the_place_of_whoever_leaves_is_free(self):
        server = self.serve(*ONE_PLACE, *NO_HURRY)
        first, gone, last = self.begin(server), self.wait(server), self.wait(server)
        programs.reset(gone.socket)
        programs.reset(first.socket)
        last.finish()
        self.wait_for(server, "handshakes_in_progress", 0)
        self.assertEqual(server.metric("tls_async_handshakes_waiting"), 0)

    def test_who_waits_for_too_long_is_ended_and_holds_up_nobody(self):
        server = self.serve("--admin", "0", "--handshake-rate", "1", "--handshake-seconds", "2")
        waiting = [self.handshake(server) for _ in range(8)]
        for one in waiting:
            with contextlib.suppress(OSError):
                one.finish()
        self.handshake(server).finish()
        self.assertGreater(server.metric('tls_async_handshakes_failed_total{reason="timed_out"}'), 0)
        self.wait_for(server, "handshakes_waiting", 0)
        self.wait_for(server, "handshakes_in_progress", 0)

    def test_a_stop_refuses_those_that_wait(self):
        server = self.serve(*ONE_PLACE, *NO_HURRY, "--stop-seconds", PATIENCE)
        self.begin(server)
        waiting = self.wait(server)
        self.assertEqual(server.stop(), 0)
        with self.assertRaises(OSError):
            waiting.finish()

    def test_many_at_once_all_get_through(self):
        server = self.serve("--admin", "0", "--max-handshakes", "2", *NO_HURRY, "--threads", "4")
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            for done in [clients.submit(lambda: self.handshake(server).finish()) for _ in range(60)]:
                done.result()
        self.wait_for(server, "handshakes_in_progress", 0)
        self.assertEqual(server.metric("tls_async_handshakes_waiting"), 0)
        self.assertEqual(server.metric('tls_async_handshakes_total{result="done"}'), 60)

    def test_a_rate_is_kept(self):
        server = self.serve("--handshake-rate", "1", *NO_HURRY)
        began = time.monotonic()
        for one in [self.handshake(server) for _ in range(4)]:
            one.finish()
        self.assertGreater(time.monotonic() - began, 2.9)

    # The order

    def test_addresses_take_turns(self):
        server = self.serve(*ONE_PLACE, *NO_HURRY)
        first = self.begin(server)
        many = [self.wait(server) for _ in range(3)]
        others = [self.wait(server, source="127.0.0.2") for _ in range(2)]
        first.finish()
        self.assert_order(others[0], many[0], others[1], many[1], many[2])

    def test_who_resumes_goes_first_and_who_pretends_to_does_not(self):
        server = self.serve(*ONE_PLACE, *NO_HURRY)
        context = client_context(AUTHORITY)
        session = self.handshake(server, context=context).finish().session
        first = self.begin(server)
        full = self.wait(server)
        liar = self.wait(server, context=context, session=session, change=forged)
        resuming = [self.wait(server, context=context, session=session) for _ in range(4)]
        first.finish()
        self.assert_order(*resuming[:3], full, resuming[3])  # the fourth is one that waited for long
        self.assertEqual([one.tls.session_reused for one in (*resuming, full)], [True] * 4 + [False])
        with self.assertRaises(ssl.SSLError):
            liar.finish()  # what it sent is not what it thinks

    def test_a_ticket_of_tls_1_2_counts_too(self):
        server = self.serve(*ONE_PLACE, *NO_HURRY)
        context = client_context(AUTHORITY)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        session = self.handshake(server, context=context).finish().session
        first, full = self.begin(server), self.wait(server)
        resuming = self.wait(server, context=context, session=session)
        first.finish()
        self.assert_order(resuming, full)
        self.assertTrue(resuming.tls.session_reused)

    # Those that hold others up

    def test_who_does_not_go_on_with_its_handshake_gives_its_place_to_others(self):
        server = self.serve(*ONE_PLACE, *HURRY)
        slow = self.begin(server)
        self.handshake(server).finish()
        with contextlib.suppress(ConnectionResetError):
            read_to_end(slow.socket)
        self.assertEqual(server.metric('tls_async_connections_turned_away_total{reason="slow"}'), 1)

    def test_who_says_nothing_is_closed_where_others_wait(self):
        server = self.serve("--admin", "0", "--max-connections", "2", *HURRY)
        with server.connect(), server.connect():
            self.wait_for(server, "connections", 2)
            self.assertEqual(server.curl("/file"), b"content")
            self.assertEqual(server.metric('tls_async_connections_turned_away_total{reason="silent"}'), 1)

    # Beyond all bounds

    def test_more_than_the_queue_takes_wait_in_the_backlog(self):
        server = self.serve(*ONE_PLACE, "--handshake-queue", "1", *NO_HURRY)
        first, second = self.begin(server), self.wait(server)
        third = self.wait(server)  # had been accepted before that
        server.err.wait_for("as many handshakes wait as may")
        last = self.handshake(server)
        self.wait_for(server, "connections_accepted_total", 3)
        first.finish()
        self.assert_order(second, third, last)

    def test_more_than_the_queue_takes_are_closed_if_that_is_chosen(self):
        server = self.serve(*ONE_PLACE, "--handshake-queue", "1", "--when-full", "close", *NO_HURRY)
        first, many = self.begin(server), self.wait(server)
        more = self.handshake(server)
        with self.assertRaisesRegex(ssl.SSLError, "INTERNAL_ERROR"):
            more.finish()
        # One of an address that has none takes the place of one that has many.
        other = self.handshake(server, source="127.0.0.2")
        with self.assertRaisesRegex(ssl.SSLError, "INTERNAL_ERROR"):
            many.finish()
        first.finish()
        other.finish()
        self.assertEqual(server.metric('tls_async_connections_turned_away_total{reason="full"}'), 2)
        server.err.wait_for("too many handshakes wait already")

    def test_connections_beyond_the_limit_are_closed_if_that_is_chosen(self):
        server = self.serve("--admin", "0", "--max-connections", "1", "--when-full", "close", *NO_HURRY)
        with server.connect_tls() as first:
            with server.connect() as second:
                self.assert_turned_away(second)
            server.err.wait_for("all 1 connections are in use; new ones are closed")
            self.assertEqual(server.metric('tls_async_connections_turned_away_total{reason="full"}'), 1)
            self.assertTrue(exchange(first, GET).endswith(b"content"))

    def test_one_address_has_so_many_connections_and_others_have_theirs(self):
        server = self.serve("--admin", "0", "--connections-per-address", "2", *NO_HURRY)
        kept = [self.handshake(server) for _ in range(2)]
        with server.connect() as third:
            self.assert_turned_away(third)
        server.err.wait_for("127.0.0.1 has as many connections as it may (see --connections-per-address)")
        self.handshake(server, source="127.0.0.2").finish()
        kept[0].finish()
        self.wait_for(server, "connections", 1)
        self.handshake(server).finish()
        self.assertEqual(server.metric('tls_async_connections_turned_away_total{reason="address"}'), 1)

    # The other servers

    def test_tls_proxy_has_the_same(self):
        with HttpsServer(self.root) as https, Server(
                "tls_proxy", "--mode", "client", "--connect", f"localhost:{https.port}", "--cacert", AUTHORITY) as plain:
            proxy = Server("tls_proxy", "--connect", f"127.0.0.1:{plain.port}", "--cert", CERTIFICATE, "--key", KEY,
                           *ONE_PLACE, *NO_HURRY)
            self.addCleanup(proxy.__exit__)
            context = client_context(AUTHORITY)
            session = self.handshake(proxy, context=context).finish().session
            first, second = self.begin(proxy), self.wait(proxy)
            resuming = self.wait(proxy, context=context, session=session)
            first.finish()
            self.assert_order(resuming, second)
            self.begin(proxy)
            waiting = self.wait(proxy)
            self.assertEqual(proxy.stop(), 0)
            with self.assertRaises(OSError):
                waiting.finish()

    def test_tls_proxy_counts_for_the_address_in_a_proxy_header(self):
        proxy = Server("tls_proxy", "--connect", f"localhost:{PATIENCE}", "--cert", CERTIFICATE, "--key", KEY,
                       "--accept-proxy", "--connections-per-address", "1", *NO_HURRY)
        self.addCleanup(proxy.__exit__)

        def connect(address):
            connection = proxy.connect()
            self.addCleanup(connection.close)
            connection.sendall(proxy_header(address))
            return connection

        for count, (address, same, other) in enumerate((("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
                                                        ("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1")), 1):
            # Whichever of the two is there first.
            pair = [connect(address), connect(same)]
            ended = select.select(pair, [], [], PATIENCE)[0]
            self.assertEqual(len(ended), 1)
            self.assert_turned_away(ended[0])
            proxy.err.wait_for("its address has as many connections as it may", count)
            connect(other)
        self.assertEqual(proxy.stop(), 0)
        self.assertEqual(sum("its address" in line for line in proxy.err.all()), 2)

    def test_http2_server_has_the_same(self):
        if programs.SANITIZER == "thread":
            self.skipTest("it has one thread, and isn't built")
        server = Server("http2_server", "--cert", CERTIFICATE, "--key", KEY, "--max-handshakes", "1",
                        "--handshake-queue", "1", "--when-full", "close")
        self.addCleanup(server.__exit__)
        context = client_context(AUTHORITY)
        context.set_alpn_protocols(["h2"])
        for _ in range(3):
            self.handshake(server, context=context)
        server.err.wait_for("too many handshakes wait already")

    def test_a_limit_of_nothing_is_refused(self):
        for option in ("--max-handshakes", "--handshake-rate", "--handshake-queue", "--connections-per-address"):
            with programs.Program("https_server", option, "0") as server:
                self.assertEqual(server.wait(), 1)
                self.assertIn(f"{option} must be a number between 1 and", server.err.all()[0])


if __name__ == "__main__":
    unittest.main()
