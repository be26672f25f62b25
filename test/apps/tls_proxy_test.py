# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""tls_proxy from outside: alone, and two of them in a row with TLS in between."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import termios
import threading
import time
import unittest
import urllib.request

import programs
from programs import AUTHORITY, BIN, CERTIFICATE, KEY, PATIENCE, HttpsServer, Program, Server, make_certificate, read_to_end
from tls_context import client_context, server_context

STOPPED, USAGE, NOT_STARTED = range(3)
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
MEBIBYTE = 1 << 20


def proxy_header(source, destination, more=b""):
    """A PROXY header, version 2, for IPv4 addresses."""
    addresses = b"".join(socket.inet_aton(host) for host, _ in (source, destination))
    rest = addresses + struct.pack(">HH", source[1], destination[1]) + more
    return SIGNATURE + b"\x21\x11" + struct.pack(">H", len(rest)) + rest


def receive_exactly(connection, count):
    received = bytearray()
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise AssertionError(f"ended after {len(received)} of {count} bytes")
        received += part
    return bytes(received)


def wait_for_end(connection):
    """Until the other side is gone, be it with bytes left that it did not read."""
    try:
        read_to_end(connection)
    except ConnectionResetError:
        pass


def wait_until_refused(server):
    """Until it does not listen any more."""
    while True:
        try:
            server.connect().close()
        except ConnectionResetError:
            pass  # it has just been accepted, or never will be
        except ConnectionRefusedError:
            return


def memory(program, what):
    """VmRSS or VmHWM of a program, in bytes."""
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"{what}:\s+(\d+) kB", status.read())[1]) * 1024


class TlsProxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with HttpsServer(None):
            pass  # it makes the certificate

    def setUp(self):
        self.backend = socket.create_server(("127.0.0.1", 0))
        self.backend.settimeout(PATIENCE)
        self.addCleanup(self.backend.close)

    def start(self, *arguments, **options):
        server = Server("tls_proxy", *arguments, **options)
        self.addCleanup(server.__exit__)
        return server

    def terminating(self, *arguments, port=None, **options):
        """A proxy with TLS on the side of its clients."""
        port = port or self.backend.getsockname()[1]
        certificate = ("--cert", CERTIFICATE, "--key", KEY)
        return self.start("--connect", f"127.0.0.1:{port}", *certificate, *arguments, **options)

    def wrapping(self, port, *arguments):
        """A proxy with TLS on the side of its backend."""
        return self.start("--mode", "client", "--connect", f"localhost:{port}", "--cacert", AUTHORITY, *arguments)

    def accept(self):
        """The proxy's connection to the backend."""
        connection, _ = self.backend.accept()
        connection.settimeout(PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def connect(self, proxy):
        connection = proxy.connect()
        self.addCleanup(connection.close)
        return connection

    def connect_tls(self, proxy, **options):
        connection = proxy.connect_tls(**options)
        self.addCleanup(connection.close)
        return connection

    def chain(self):
        """Both proxies, and the plain ends of one connection through them."""
        inner = self.terminating()
        outer = self.wrapping(inner.port)
        return inner, outer, self.connect(outer), self.accept()

    # What is carried

    def test_large_amounts_pass_both_ways_at_once(self):
        inner, outer, client, service = self.chain()
        sent, received = {}, {}

        def send(name, connection):
            data = os.urandom(10 * MEBIBYTE)
            sent[name] = hashlib.sha256(data).digest()
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        def receive(name, connection):
            received[name] = hashlib.sha256(read_to_end(connection)).digest()

        threads = [threading.Thread(target=run, args=arguments) for run, arguments in (
            (send, ("up", client)), (send, ("down", service)),
            (receive, ("up", service)), (receive, ("down", client)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(received, sent)
        for proxy in (inner, outer):
            line = proxy.err.wait_for(f" {10 * MEBIBYTE} {10 * MEBIBYTE} ")
            self.assertRegex(line, r"Z 127\.0\.0\.1:\d+ \S+:\d+ TLSv1\.3 \d+ \d+ \d+\.\d{6}s$")

    def test_kernel_tls_changes_nothing_and_the_log_says_who_sealed(self):
        """Where there is none, as on most hosts. What it does where there is: test/ktls."""
        proxy = self.terminating("--ktls")
        client = self.connect_tls(proxy)
        backend = self.accept()
        client.sendall(b"question")
        self.assertEqual(receive_exactly(backend, 8), b"question")
        sender = threading.Thread(target=backend.sendall, args=(bytes(MEBIBYTE),))
        sender.start()
        self.assertEqual(receive_exactly(client, MEBIBYTE), bytes(MEBIBYTE))
        sender.join()
        backend.close()
        self.assertEqual(read_to_end(client), b"")
        client.unwrap().close()
        self.assertRegex(proxy.err.wait_for(f" 8 {MEBIBYTE} "), r"s (kernel|process)$")

    def test_an_end_of_the_client_leaves_the_other_direction_open(self):
        *_, client, service = self.chain()
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_to_end(service), b"question")
        service.sendall(b"answer")
        self.assertEqual(receive_exactly(client, 6), b"answer")
        service.close()
        self.assertEqual(read_to_end(client), b"")

    def test_an_end_of_the_backend_leaves_the_other_direction_open(self):
        *_, client, service = self.chain()
        service.sendall(b"all I have")
        service.shutdown(socket.SHUT_WR)
        self.assertEqual(read_to_end(client), b"all I have")
        client.sendall(b"more")
        self.assertEqual(receive_exactly(service, 4), b"more")
        client.close()
        self.assertEqual(read_to_end(service), b"")

    def test_a_slow_reader_holds_its_writer_back(self):
        for direction in ("up", "down"):
            with self.subTest(direction):
                inner, outer, *ends = self.chain()
                writer, reader = ends if direction == "up" else reversed(ends)
                before = {proxy: memory(proxy, "VmRSS") for proxy in (inner, outer)}
                part = os.urandom(MEBIBYTE)
                written = 0
                writer.setblocking(False)
                # Until nothing moves; what has been taken then is in the buffers of the system.
                while written < 512 * MEBIBYTE and select.select([], [writer], [], 1)[1]:
                    written += writer.send(part[written % MEBIBYTE:])
                self.assertLess(written, 512 * MEBIBYTE)
                for proxy in () if programs.SANITIZER else (inner, outer):  # which keeps what is freed
                    self.assertLess(memory(proxy, "VmHWM") - before[proxy], 4 * MEBIBYTE)
                expected = hashlib.sha256(part * (written // MEBIBYTE) + part[:written % MEBIBYTE])
                writer.shutdown(socket.SHUT_WR)
                self.assertEqual(hashlib.sha256(read_to_end(reader)).digest(), expected.digest())

    @unittest.skipIf(programs.SANITIZER, "a sanitizer keeps what is freed")
    def test_a_connection_that_waits_holds_no_buffer(self):
        proxy = self.terminating()

        def carry():
            client, service = self.connect_tls(proxy), self.accept()
            for sender, receiver in ((client, service), (service, client)):
                sender.sendall(b"x" * 1024)
                receive_exactly(receiver, 1024)

        carry()
        before = memory(proxy, "VmRSS")
        for _ in range(100):
            carry()
        self.assertLess(memory(proxy, "VmRSS") - before, 100 * 32 * 1024)

    def test_a_client_that_is_cut_off_cuts_off_the_backend(self):
        proxy = self.terminating()
        client = self.connect_tls(proxy)
        client.sendall(b"half")
        service = self.accept()
        self.assertEqual(receive_exactly(service, 4), b"half")
        client.close()  # without close_notify
        with self.assertRaises(ConnectionResetError):
            read_to_end(service)
        proxy.err.wait_for("cut short: the client: ")

    def test_what_came_before_a_client_was_cut_off_reaches_the_backend(self):
        self.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        proxy = self.terminating()
        client = self.connect_tls(proxy)
        service = self.accept()
        client.sendall(b"x" * 2 * MEBIBYTE)
        client.shutdown(socket.SHUT_WR)  # without close_notify
        receive_exactly(service, 2 * MEBIBYTE)
        with self.assertRaises(ConnectionResetError):
            read_to_end(service)
        proxy.err.wait_for("cut short: the client: ")

    def test_what_comes_for_a_backend_that_has_ended_reaches_it(self):
        self.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        proxy = self.terminating()
        client = self.connect_tls(proxy)
        service = self.accept()
        service.shutdown(socket.SHUT_WR)
        self.assertEqual(read_to_end(client), b"")
        client.sendall(b"x" * 2 * MEBIBYTE)
        client.shutdown(socket.SHUT_WR)  # without close_notify
        receive_exactly(service, 2 * MEBIBYTE)
        with self.assertRaises(ConnectionResetError):
            read_to_end(service)

    def test_a_backend_that_is_cut_off_cuts_off_the_client(self):
        proxy = self.terminating()
        client = self.connect_tls(proxy)
        service = self.accept()
        client.sendall(b"x")
        self.assertEqual(receive_exactly(service, 1), b"x")
        service.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        service.close()
        with self.assertRaises(ssl.SSLEOFError):
            client.recv(1)
        proxy.err.wait_for("cut short: the backend: Connection reset by peer")

    def cut_where_the_end_could_seem_clean(self, proxy, sender, receiver):
        """The kernel tells a reset once: to the proxy's write if bytes came just before, and then its read ends."""
        sender.sendall(b"x")
        self.assertEqual(receive_exactly(receiver, 1), b"x")
        programs.stop_for_a_while(proxy)
        sender.sendall(b"x")
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        receiver.close()
        proxy.signal(signal.SIGCONT)

    def test_a_client_that_still_sends_loses_nothing_of_a_backend_that_has_ended(self):
        """What it sends is refused there, while the end of the backend's bytes is with the kernel of the proxy."""
        proxy = self.terminating()
        client = self.connect_tls_slowly(proxy)
        backend = self.accept()
        left, address = self.close_behind_more_than_the_kernel_takes(backend)
        self.send_what_is_refused(client, address)
        while left > 0:
            client.sendall(b"x")
            left -= len(client.recv(16384))
        self.assertEqual(left, 0)
        self.assertEqual(read_to_end(client), b"")  # with close_notify
        client.close()
        proxy.err.wait_for("cut short: the backend: Broken pipe")

    def test_a_reset_that_a_write_was_told_of_is_no_clean_end_of_the_backend(self):
        proxy = self.terminating()
        for _ in range(8):  # which of the two is told is up to the kernel
            client = self.connect_tls(proxy)
            self.cut_where_the_end_could_seem_clean(proxy, client, self.accept())
            self.assert_cut_off(client)

    def test_a_reset_that_a_write_was_told_of_is_no_clean_end_of_the_client(self):
        outer = self.wrapping(self.terminating().port)
        for _ in range(8):
            client = self.connect(outer)
            service = self.accept()
            self.cut_where_the_end_could_seem_clean(outer, service, client)
            with self.assertRaises(ConnectionResetError):
                read_to_end(service)

    def test_a_client_may_leave_without_a_word_once_the_backend_has_ended(self):
        proxy = self.terminating()
        client = self.connect_tls(proxy)
        service = self.accept()
        client.sendall(b"question")
        self.assertEqual(receive_exactly(service, 8), b"question")
        service.close()
        self.assertEqual(read_to_end(client), b"")
        client.close()  # without close_notify
        self.assertRegex(proxy.err.wait_for(" TLSv1.3 8 0 "), r"\d{6}s$")

    # Who may come, and to whom

    def test_the_backend_is_verified(self):
        inner = self.terminating()
        stranger, _ = make_certificate("stranger")
        for arguments in (("--cacert", AUTHORITY, "--server-name", "other.example"), ("--cacert", stranger)):
            with self.subTest(arguments):
                outer = self.start("--mode", "client", "--connect", f"localhost:{inner.port}", *arguments)
                with self.assertRaises(ConnectionResetError):  # no end, which would be an empty answer
                    read_to_end(self.connect(outer))
                outer.err.wait_for("handshake with the backend failed: ")

    def test_an_unverified_backend_is_only_for_those_who_say_so(self):
        inner = self.terminating()
        outer = self.start("--mode", "client", "--connect", f"127.0.0.1:{inner.port}", "--insecure",
                           "--server-name", "other.example")
        outer.err.wait_for("NOT verified (--insecure)")
        client = self.connect(outer)
        client.sendall(b"x")
        self.assertEqual(receive_exactly(self.accept(), 1), b"x")

    def test_clients_have_to_show_a_certificate_where_one_is_required(self):
        authority = make_certificate("authority")
        certificate, key = make_certificate("alice", signer=authority)
        inner = self.terminating("--client-ca", authority[0])
        wait_for_end(self.connect(self.wrapping(inner.port)))
        inner.err.wait_for("handshake with the client failed: ")
        client = self.connect(self.wrapping(inner.port, "--cert", certificate, "--key", key))
        client.sendall(b"x")
        self.assertEqual(receive_exactly(self.accept(), 1), b"x")

    def test_a_client_that_ends_inside_the_handshake_gets_no_backend(self):
        authority = make_certificate("authority")
        proxy = self.terminating("--client-ca", authority[0])
        client = self.connect(proxy)
        outgoing = ssl.MemoryBIO()
        hello = client_context(AUTHORITY).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            hello.do_handshake()
        close_notify = b"\x15\x03\x03\0\x02\x01\0"
        client.sendall(outgoing.read() + close_notify)
        wait_for_end(client)
        proxy.err.wait_for("handshake with the client failed: ")
        self.assertEqual(select.select([self.backend], [], [], 0)[0], [])

    def test_protocols_are_negotiated_and_told_to_the_backend(self):
        proxy = self.terminating("--alpn", "h2,http/1.1", "--send-proxy")
        context = client_context(AUTHORITY)
        context.set_alpn_protocols(["http/1.1"])
        client = self.connect_tls(proxy, context=context)
        self.assertEqual(client.selected_alpn_protocol(), "http/1.1")
        expected = proxy_header(client.getsockname(), ("127.0.0.1", proxy.port), b"\x01\0\x08http/1.1")
        self.assertEqual(receive_exactly(self.accept(), len(expected)), expected)

    # PROXY headers

    def test_the_address_of_a_client_passes_through_both(self):
        inner = self.terminating("--accept-proxy", "--send-proxy")
        outer = self.wrapping(inner.port, "--send-proxy")
        client = self.connect(outer)
        client.sendall(b"x")
        expected = proxy_header(client.getsockname(), ("127.0.0.1", outer.port)) + b"x"
        self.assertEqual(receive_exactly(self.accept(), len(expected)), expected)

    def test_the_log_has_the_address_that_the_header_tells(self):
        inner = self.terminating()
        outer = self.wrapping(inner.port, "--accept-proxy")
        client = self.connect(outer)
        client.sendall(proxy_header(("203.0.113.7", 4711), ("203.0.113.8", 443)) + b"x")
        service = self.accept()
        self.assertEqual(receive_exactly(service, 1), b"x")
        service.close()
        client.close()
        outer.err.wait_for(" 203.0.113.7:4711 localhost:")

    def test_a_wrong_header_ends_the_connection(self):
        proxy = self.terminating("--accept-proxy", "--handshake-seconds", 1)
        for header, says in ((b"GET / HTTP/1.1\r\n\r\n", "not a PROXY header"),
                             (SIGNATURE + b"\x21\x11\0\x0b", "without room for its addresses"),
                             (SIGNATURE + b"\x21\x11\xff\xff", "more than 4096 bytes"),
                             (SIGNATURE[:5], "no PROXY header in 1 s")):
            with self.subTest(says):
                client = self.connect(proxy)
                client.sendall(header)
                wait_for_end(client)
                proxy.err.wait_for(says)

    def test_a_header_in_time_leaves_time_for_what_follows(self):
        """Also if the proxy finds both at once, that it has come and that its time is over."""
        limits = ("--accept-proxy", "--handshake-seconds", 2)
        proxy, clock = self.terminating(*limits), self.terminating(*limits)
        client = self.connect(proxy)
        header = proxy_header(("203.0.113.7", 4711), ("203.0.113.8", 443))
        client.sendall(header[:16])
        while (unread := self.unread_bytes(proxy.port, client.getsockname()[1])) != 0:
            if unread is None:
                self.skipTest("this machine is too busy to send a header in time")
        programs.stop_for_a_while(proxy)
        if self.unread_bytes(proxy.port, client.getsockname()[1]) is None:
            self.skipTest("this machine was too busy to stop the proxy in time")
        client.sendall(header[16:])
        wait_for_end(self.connect(clock))
        proxy.signal(signal.SIGCONT)
        proxy.err.wait_for("handshake with the client failed: the handshake did not finish within 2 s")

    # Several backends

    def several(self, *arguments):
        """A proxy of two backends, and where these listen."""
        listeners = [self.backend, self.listen(0)]
        for listener in listeners:
            listener.setblocking(False)
        port = listeners[1].getsockname()[1]
        return self.terminating("--connect", f"127.0.0.1:{port}", "--retry-seconds", 1, *arguments), listeners

    def listen(self, port):
        listener = socket.create_server(("127.0.0.1", port))
        self.addCleanup(listener.close)
        return listener

    def ask(self, proxy, listeners):
        """A client of the proxy, its connection to a backend, and which one that is."""
        client = self.connect_tls(proxy)
        asked = select.select(listeners, [], [], PATIENCE)[0][0]
        service, _ = asked.accept()
        service.settimeout(PATIENCE)
        self.addCleanup(service.close)
        client.sendall(b"x")
        self.assertEqual(receive_exactly(service, 1), b"x")
        return client, service, asked

    def test_the_backend_with_the_fewest_connections_is_next(self):
        proxy, listeners = self.several("--admin", "0")
        asked = [self.ask(proxy, listeners) for _ in range(4)]
        self.assertEqual([listener for *_, listener in asked], 2 * listeners)
        for client, service, _ in asked[::2]:
            service.close()
            self.assertEqual(read_to_end(client), b"")
            client.unwrap().close()
        proxy.err.wait_for(" TLSv1.3 1 0 ", 2)
        for _ in range(2):
            self.ask(proxy, listeners[:1])
        url = proxy.out.wait_for("metrics: ").partition(" ")[2]
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            metrics = answer.read().decode()
        for listener, count in zip(listeners, (4, 2)):
            label = f'{{backend="127.0.0.1:{listener.getsockname()[1]}"}}'
            self.assertIn(f"tls_async_backend_connects_total{label} {count}\n", metrics)

    def test_a_backend_that_is_down_is_passed_over_until_it_answers_again(self):
        proxy, (first, second) = self.several("--connections-per-address", 500)
        port = first.getsockname()[1]
        first.close()
        for _ in range(4):
            self.ask(proxy, [second])
        proxy.err.wait_for(f"127.0.0.1:{port} is passed over: cannot connect: Connection refused")
        again = self.listen(port)
        again.setblocking(False)
        give_up = time.monotonic() + PATIENCE
        while self.ask(proxy, [again, second])[2] is not again:
            self.assertLess(time.monotonic(), give_up)
        proxy.err.wait_for(f"127.0.0.1:{port} answers again")
        self.assertIsNone(proxy.err.find("cut short"))

    def test_a_backend_whose_handshake_fails_does_not_draw_all_clients(self):
        down = self.backend.getsockname()[1]
        with HttpsServer(None) as up:
            proxy = self.start("--mode", "client", "--connect", f"127.0.0.1:{down}", "--connect", f"127.0.0.1:{up.port}",
                               "--cacert", AUTHORITY, "--server-name", "localhost", "--retry-seconds", 3600)
            client = self.connect(proxy)
            self.accept().close()
            self.assert_cut_off(client)
            proxy.err.wait_for(f"127.0.0.1:{down} is passed over: handshake failed: ")
            for _ in range(3):  # and each stays
                client = self.connect(proxy)
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(receive_exactly(client, 12), b"HTTP/1.1 200")

    def listen_without_answering(self, port):
        full = socket.socket()
        self.addCleanup(full.close)
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind(("127.0.0.1", port))
        full.listen(0)
        for _ in range(8):  # more than it has room for; further ones are not answered
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        return full.getsockname()[1]

    def test_a_backend_that_does_not_answer_holds_up_one_client(self):
        proxy, (first, second) = self.several("--connect-seconds", 1)
        port = first.getsockname()[1]
        first.close()
        self.listen_without_answering(port)
        for _ in range(2):
            self.ask(proxy, [second])
        proxy.err.wait_for(f"127.0.0.1:{port} is passed over: cannot connect in 1 s")

    def test_a_backend_is_not_passed_over_since_the_proxy_has_no_local_port_left(self):
        programs.with_a_network_of_its_own(self, self.lack_local_ports)

    def lack_local_ports(self, limit_ports):
        lacking, other = (self.listen(0) for _ in range(2))
        other.settimeout(PATIENCE)
        proxy = self.terminating("--connect", f"127.0.0.1:{other.getsockname()[1]}", port=lacking.getsockname()[1])
        limit_ports(40000, 40001)
        for _ in range(2):
            self.addCleanup(socket.create_connection(lacking.getsockname(), PATIENCE).close)
        client = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE, ("127.0.0.2", 0))
        with client_context(AUTHORITY).wrap_socket(client, server_hostname="localhost"), other.accept()[0]:
            self.assertIsNone(proxy.err.find("is passed over"))

    def test_a_client_is_cut_off_if_all_backends_are_down(self):
        proxy, listeners = self.several()
        ports = [listener.getsockname()[1] for listener in listeners]
        for listener in listeners:
            listener.close()
        self.assert_cut_off(self.connect_tls(proxy))
        refused = "127.0.0.1:{}: Connection refused"
        proxy.err.wait_for(f"cut short: cannot connect to {refused.format(ports[0])}, to {refused.format(ports[1])}")

    # Before the client has shaken hands

    def test_the_backend_is_asked_during_the_handshake_if_told_so(self):
        proxy = self.terminating("--early-connect", "--send-proxy", "--alpn", "http/1.1")
        client = self.connect(proxy)
        service = self.accept()  # the client has said nothing yet
        context = client_context(AUTHORITY)
        context.set_alpn_protocols(["http/1.1"])
        client = context.wrap_socket(client, server_hostname="localhost")
        self.addCleanup(client.close)
        client.sendall(b"x")
        expected = proxy_header(client.getsockname(), ("127.0.0.1", proxy.port), b"\x01\0\x08http/1.1") + b"x"
        self.assertEqual(receive_exactly(service, len(expected)), expected)

    def test_an_early_connection_ends_with_a_handshake_that_fails(self):
        proxy = self.terminating("--early-connect")
        client = self.connect(proxy)
        service = self.accept()
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(read_to_end(service), b"")
        wait_for_end(client)
        proxy.err.wait_for("the client does not speak TLS")

    def test_an_early_connection_that_is_refused_cuts_the_client(self):
        proxy = self.terminating("--early-connect")
        self.backend.close()
        self.assert_cut_off(self.connect_tls(proxy))
        proxy.err.wait_for(": Connection refused")

    # What goes wrong

    def assert_cut_off(self, client):
        """Without close_notify: a client can't take it for an empty answer."""
        with self.assertRaises((ssl.SSLEOFError, ConnectionResetError)):
            client.recv(1)

    def test_a_backend_that_is_down_cuts_new_connections_only(self):
        proxy = self.terminating()
        first = self.connect_tls(proxy)
        service = self.accept()
        self.backend.close()
        for request in (b"", b"GET / HTTP/1.0\r\n\r\n"):
            client = self.connect_tls(proxy)
            with contextlib.suppress(OSError):  # it may be cut already
                client.sendall(request)
            self.assert_cut_off(client)
        outer = self.wrapping(service.getsockname()[1])
        with self.assertRaises(ConnectionResetError):
            read_to_end(self.connect(outer))
        proxy.err.wait_for(f"cannot connect to 127.0.0.1:{service.getsockname()[1]}: Connection refused")
        first.sendall(b"x")
        self.assertEqual(receive_exactly(service, 1), b"x")

    def test_a_client_that_has_left_already_is_not_passed_on(self):
        proxy = self.wrapping(self.backend.getsockname()[1], "--send-proxy")
        programs.stop_for_a_while(proxy)
        client = self.connect(proxy)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        address = f" 127.0.0.1:{client.getsockname()[1]} "
        client.close()
        proxy.signal(signal.SIGCONT)
        self.assertIn(address, proxy.err.wait_for("the client had left before it was served"))
        self.backend.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.backend.accept()

    @unittest.skipIf(programs.SANITIZER == "address", "UBSan itself needs a descriptor now and then")
    def test_a_lack_of_descriptors_is_named(self):
        descriptors = 40
        proxy = self.terminating(descriptors=descriptors)
        clients = [self.connect(proxy) for _ in range(descriptors)]
        proxy.err.wait_for("cannot accept: Too many open files")
        # Some have a backend by the descriptors that are in reserve.
        context = client_context(AUTHORITY)
        clients = [context.wrap_socket(client, server_hostname="localhost") for client in clients[: descriptors // 4]]
        proxy.err.wait_for(f"cannot connect to 127.0.0.1:{self.backend.getsockname()[1]}: Too many open files")
        for client in clients:
            self.addCleanup(client.close)
            client.setblocking(False)

        def is_cut_off(client):
            try:
                return client.recv(1) is None
            except ssl.SSLWantReadError:
                return False
            except (ssl.SSLEOFError, ConnectionResetError):
                return True

        while not any(map(is_cut_off, clients)):
            self.assertTrue(select.select(clients, [], [], PATIENCE)[0])

    def test_a_backend_that_does_not_answer_is_given_up(self):
        port = self.listen_without_answering(0)
        proxy = self.terminating("--connect-seconds", 1, port=port)
        self.assert_cut_off(self.connect_tls(proxy))
        proxy.err.wait_for(f"cannot connect to 127.0.0.1:{port} in 1 s")

    def test_a_backend_that_resets_at_once_cuts_the_client(self):
        proxy = self.terminating()
        client = self.connect_tls(proxy)
        service = self.accept()
        service.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        service.close()
        self.assert_cut_off(client)

    def test_a_reader_that_is_slow_but_steady_is_not_cut(self):
        limit = 4
        self.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        proxy = self.terminating("--idle-seconds", limit)
        client = self.connect_tls(proxy)
        reader = self.accept()

        def write():
            with contextlib.suppress(OSError):  # cut in the end
                client.sendall(b"x" * 32 * MEBIBYTE)

        # More than the buffers on the way take, so that the proxy waits with a piece in its hand.
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        programs.read_slowly(reader, limit)
        self.assertIsNone(proxy.err.find("nothing was carried"))
        proxy.err.wait_for(f"nothing was carried for {limit} s")  # now it has stopped
        writer.join(PATIENCE)

    def test_plain_text_in_the_place_of_tls_is_named(self):
        proxy = self.terminating()
        for text in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00" * 64):
            client = self.connect(proxy)
            client.sendall(text)
            wait_for_end(client)
        proxy.err.wait_for("the client does not speak TLS, perhaps plain HTTP: ")

        outer = self.wrapping(self.backend.getsockname()[1])
        self.connect(outer)
        self.accept().sendall(b"220 ready\r\n" * 10)
        outer.err.wait_for("the backend does not speak TLS, perhaps plain HTTP: ")

    def test_a_client_without_a_handshake_ends_at_the_deadline(self):
        proxy = self.terminating("--handshake-seconds", 1)
        self.assertEqual(read_to_end(self.connect(proxy)), b"")
        proxy.err.wait_for("handshake with the client failed: ")

    def test_a_connection_that_carries_nothing_is_cut(self):
        proxy = self.terminating("--idle-seconds", 1)
        client = self.connect_tls(proxy)
        service = self.accept()
        with self.assertRaises(ssl.SSLEOFError):
            client.recv(1)
        with self.assertRaises(ConnectionResetError):
            service.recv(1)
        proxy.err.wait_for("cut short: nothing was carried for 1 s")

    def test_further_connections_wait_for_their_turn(self):
        proxy = self.terminating("--max-connections", 1)
        first = self.connect_tls(proxy)
        service = self.accept()
        second = self.connect(proxy)
        proxy.err.wait_for("all 1 connections are in use")
        service.close()
        self.assertEqual(read_to_end(first), b"")
        first.close()
        context = client_context(AUTHORITY)
        with context.wrap_socket(second, server_hostname="localhost") as connection:
            connection.sendall(b"x")
            self.assertEqual(receive_exactly(self.accept(), 1), b"x")

    # The end

    def test_a_stop_lets_connections_end(self):
        proxy = self.terminating("--stop-seconds", PATIENCE)
        client = self.connect_tls(proxy)
        service = self.accept()
        waiting = self.connect(proxy)  # in its handshake
        client.sendall(b"x")
        self.assertEqual(receive_exactly(service, 1), b"x")
        proxy.signal()
        wait_for_end(waiting)
        wait_until_refused(proxy)
        client.sendall(b"y")
        self.assertEqual(receive_exactly(service, 1), b"y")
        service.close()
        self.assertEqual(read_to_end(client), b"")
        client.unwrap().close()
        self.assertEqual(proxy.wait(), STOPPED)
        self.assertIsNone(proxy.err.find("stop-seconds"))

    def test_a_stop_cuts_what_does_not_end_in_time(self):
        for seconds, signals in ((1, 1), (PATIENCE, 2)):
            with self.subTest(seconds):
                proxy = self.terminating("--stop-seconds", seconds, "--threads", 2)
                client = self.connect_tls(proxy)
                service = self.accept()
                proxy.signal(signal.SIGINT)
                if signals == 2:
                    wait_until_refused(proxy)  # the first one has been seen then
                    proxy.signal(signal.SIGINT)
                with self.assertRaises(ConnectionResetError):
                    service.recv(1)
                with self.assertRaises(ssl.SSLEOFError):
                    client.recv(1)
                self.assertEqual(proxy.wait(), STOPPED)
                proxy.err.wait_for("cut short: the proxy was stopped")

    # Wrong usage

    def test_it_says_why_it_does_not_start(self):
        missing = programs.WORK / "missing.pem"
        port = self.backend.getsockname()[1]
        server = ("--connect", "localhost:1", "--cert", CERTIFICATE, "--key", KEY)
        for arguments, status, says in (
            ((), USAGE, "--connect"),
            (("--unknown", *server), USAGE, "unknown"),
            (("--connect", "localhost:1"), USAGE, "--cert"),
            (("--insecure", *server), USAGE, "--mode server"),
            (("--mode", "client", "--connect", "localhost:1", "--key-password-file", KEY), USAGE, "needs --key"),
            (("--mode", "client", "--connect", "localhost:1", "--early-connect"), USAGE, "--mode client"),
            ((*server[:-1], programs.encrypt(KEY, "secret")[0]), NOT_STARTED, "--key-password-file"),
            (("--connect", "localhost:1", "--cert", missing, "--key", KEY), NOT_STARTED, "missing.pem"),
            (("--connect", "localhost:1", "--cert", KEY, "--key", KEY), NOT_STARTED, KEY.name),
            (("--mode", "client", "--connect", "localhost:1", "--cacert", missing), NOT_STARTED, "missing.pem"),
            (("--mode", "client", "--connect", "localhost:1", "--cacert", AUTHORITY, "--server-name", "https://x"),
             NOT_STARTED, "URL"),
            (("--client-ca", missing, *server), NOT_STARTED, "--client-ca"),
            (("--listen", f"127.0.0.1:{port}", *server), NOT_STARTED, "--listen"),
            (("--connect", "nowhere.invalid:1", *server[2:]), NOT_STARTED, "cannot resolve nowhere.invalid:1: "),
        ):
            with self.subTest(arguments):
                done = subprocess.run([BIN / "tls_proxy", *map(str, arguments)], stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=PATIENCE, check=False)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_an_encrypted_key_opens_with_its_password(self):
        encrypted, password = programs.encrypt(KEY, "se cret")
        backend = ("--connect", f"127.0.0.1:{self.backend.getsockname()[1]}")
        proxy = self.start(*backend, "--cert", CERTIFICATE, "--key", encrypted, "--key-password-file", password)
        client = self.connect_tls(proxy)
        client.sendall(b"x")
        self.assertEqual(receive_exactly(self.accept(), 1), b"x")

    def test_a_hangup_brings_a_new_certificate_to_new_connections(self):
        authority = make_certificate("renewing authority")
        pairs = [make_certificate(name, names=["DNS:localhost"], signer=authority) for name in ("one", "two")]
        files = [programs.WORK / "proxy.pem", programs.WORK / "proxy.key"]

        def install(pair):
            for file, place in zip(pair, files):
                shutil.copy(file, place)

        def shown(proxy):
            with proxy.connect_tls(client_context(authority[0])) as connection:
                return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]

        install(pairs[0])
        proxy = self.start("--connect", f"127.0.0.1:{self.backend.getsockname()[1]}", "--cert", files[0], "--key", files[1])
        self.assertEqual(shown(proxy), "one")
        shutil.copy(pairs[1][0], files[0])  # without its key
        proxy.signal(signal.SIGHUP)
        proxy.err.wait_for("; those of before stay in use")
        self.assertEqual(shown(proxy), "one")
        install(pairs[1])
        proxy.signal(signal.SIGHUP)
        proxy.err.wait_for("certificates: read again")
        self.assertEqual(shown(proxy), "two")

    def test_quiet_has_lines_for_what_went_wrong_but_not_with_strangers(self):
        proxy = self.terminating("--quiet")
        client = self.connect_tls(proxy)
        self.accept().close()
        self.assertEqual(read_to_end(client), b"")
        client.unwrap().close()
        self.connect(proxy).close()  # a stranger
        client = self.connect_tls(proxy)
        client.sendall(b"x")
        backend = self.accept()
        self.assertEqual(backend.recv(1), b"x")  # or the proxy may meet the reset while it connects
        programs.reset(backend)
        proxy.err.wait_for(": the backend: Connection reset by peer")
        client.close()
        self.assertEqual(proxy.stop(), STOPPED)
        self.assertEqual(len(proxy.err.all()), 1, proxy.err.all())

    def test_lines_about_clients_hide_no_warning_for_the_operator(self):
        key = programs.WORK / "readable.key"
        shutil.copy(KEY, key)
        key.chmod(0o644)
        port = self.backend.getsockname()[1]
        self.backend.close()
        proxy = self.start("--connect", f"127.0.0.1:{port}", "--cert", CERTIFICATE, "--key", key, "--quiet")
        warning = "can read the private key"
        proxy.err.wait_for(warning)
        for _ in range(150):
            client = self.connect_tls(proxy)
            with self.assertRaises(OSError):
                read_to_end(client)
        proxy.signal(signal.SIGHUP)
        proxy.err.wait_for("certificates: read again")
        self.assertEqual(proxy.stop(), STOPPED)
        lines = proxy.err.all()
        self.assertEqual(len([line for line in lines if warning in line]), 2, lines)
        self.assertIn("were left out", lines[-1])

    def test_help_fits_a_screen(self):
        with Program("tls_proxy", "--help") as done:
            self.assertEqual(done.wait(), STOPPED)
            self.assertTrue(24 <= len(done.out.all()) <= 50)

    # What is on its way when a side ends

    def connect_tls_slowly(self, proxy):
        connection = proxy.connect_tls_slowly()
        self.addCleanup(connection.close)
        return connection

    def connect_slowly(self, proxy):
        connection = proxy.connect_slowly()
        self.addCleanup(connection.close)
        return connection

    def unread_bytes(self, port, peer):
        """Of a socket of 127.0.0.1:port that is connected to this peer. None once it was reset."""
        for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if fields[1:3] == [f"0100007F:{port:04X}", f"0100007F:{peer:04X}"]:
                return int(fields[4].partition(":")[2], 16)
        return None

    def close_behind_more_than_the_kernel_takes(self, backend):
        """Until the proxy can't write all that has come. How much that is, and which socket of the proxy has it."""
        address = backend.getpeername()[1], backend.getsockname()[1]
        sent = 0
        since = time.monotonic()
        while time.monotonic() < since + 1:  # until nothing moves
            if self.unread_bytes(*address) == 0:
                backend.sendall(bytes(65536))
                sent += 65536
                since = time.monotonic()
        backend.shutdown(socket.SHUT_WR)
        self.wait_until_acknowledged(backend)
        backend.close()
        return sent, address

    def send_what_is_refused(self, client, address):
        """The next bytes meet an error."""
        client.sendall(b"x")
        give_up = time.monotonic() + PATIENCE
        while self.unread_bytes(*address) is not None:
            self.assertLess(time.monotonic(), give_up)

    def wait_until_acknowledged(self, connection):
        give_up = time.monotonic() + PATIENCE
        while any(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))):
            self.assertLess(time.monotonic(), give_up)

    def send_until_nothing_moves(self, connection):
        connection.setblocking(False)
        while select.select([], [connection], [], 1)[1]:
            with contextlib.suppress(ssl.SSLWantWriteError, BlockingIOError):
                connection.send(bytes(65536))
        connection.settimeout(PATIENCE)

    def test_an_answer_arrives_although_the_backend_has_not_read_the_upload(self):
        """Its kernel sends a reset in place of FIN."""
        proxy = self.terminating()
        client = self.connect_tls(proxy)
        backend = self.accept()
        self.send_until_nothing_moves(client)
        programs.stop_for_a_while(proxy)  # which finds answer and reset at once
        backend.sendall(bytes(100_000))
        backend.close()
        proxy.signal(signal.SIGCONT)
        self.assertEqual(receive_exactly(client, 100_000), bytes(100_000))
        self.assert_cut_off(client)
        self.assertIn(" 100000 ", proxy.err.wait_for("cut short: the backend: "))

    def test_an_answer_arrives_although_a_backend_with_tls_has_not_read_the_upload(self):
        """The proxy may be told of the reset as it writes, and finds the answer behind that."""
        server = server_context(CERTIFICATE, KEY)
        proxy = self.wrapping(self.backend.getsockname()[1])
        for ends in (True, False):
            with self.subTest(ends):
                client = self.connect(proxy)
                backend = server.wrap_socket(self.accept(), server_side=True)
                self.addCleanup(backend.close)
                self.send_until_nothing_moves(client)
                programs.stop_for_a_while(proxy)
                backend.sendall(bytes(50_000))
                with contextlib.suppress(ssl.SSLError):  # the upload is no answer to its close_notify
                    if ends:
                        backend.unwrap()
                self.wait_until_acknowledged(backend)
                backend.close()
                proxy.signal(signal.SIGCONT)
                self.assertEqual(receive_exactly(client, 50_000), bytes(50_000))
                if ends:
                    self.assertEqual(read_to_end(client), b"")
                else:
                    with self.assertRaises(ConnectionResetError):
                        read_to_end(client)
                line = proxy.err.wait_for("cut short: the backend: ", 1 if ends else 2)
                self.assertIn(" 50000 ", line)
                # Whoever comes first is told of the reset, and the other one of an end.
                self.assertRegex(line, "sending failed: |without close_notify")

    def test_an_upload_arrives_although_the_client_has_not_read_the_download(self):
        self.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        proxy = self.terminating()
        client = self.connect_tls_slowly(proxy)
        backend = self.accept()
        self.send_until_nothing_moves(backend)
        programs.stop_for_a_while(proxy)
        client.sendall(bytes(100_000))
        self.wait_until_acknowledged(client)
        programs.reset(client)
        proxy.signal(signal.SIGCONT)
        self.assertEqual(receive_exactly(backend, 100_000), bytes(100_000))
        with self.assertRaises(ConnectionResetError):
            read_to_end(backend)
        self.assertIn(" 100000 ", proxy.err.wait_for("cut short: the client: "))

    def test_a_slow_client_gets_all_that_came_before_a_reset_of_the_backend(self):
        for sends in (True, False):
            with self.subTest(sends):
                proxy = self.terminating()
                client = self.connect_tls_slowly(proxy)
                backend = self.accept()
                backend.sendall(bytes(2 * MEBIBYTE))
                self.wait_until_acknowledged(backend)
                programs.reset(backend)
                received = 0
                while received < 2 * MEBIBYTE:
                    if sends:
                        client.sendall(b"x")
                    received += len(client.recv(16384))
                self.assert_cut_off(client)
                self.assertIn(f" {2 * MEBIBYTE} ", proxy.err.wait_for("cut short: the backend: "))

    def test_a_client_that_ends_what_is_refused_gets_all_of_a_backend_that_has_ended(self):
        inner = self.terminating()
        outer = self.wrapping(inner.port)
        slow = self.connect_slowly(outer)
        backend = self.accept()
        left, address = self.close_behind_more_than_the_kernel_takes(backend)
        self.send_what_is_refused(slow, address)
        slow.sendall(b"x")
        slow.shutdown(socket.SHUT_WR)
        self.assertEqual(len(read_to_end(slow)), left)
        inner.err.wait_for("cut short: the backend: Broken pipe")

    def test_a_client_that_never_reads_what_a_backend_has_left_is_cut(self):
        proxy = self.terminating("--idle-seconds", 1, "--max-connections", 1)
        for ends in (socket.socket.close, programs.reset):
            with self.subTest(ends):
                client = self.connect_tls_slowly(proxy)
                backend = self.accept()
                address = backend.getpeername()[1], backend.getsockname()[1]
                backend.sendall(bytes(2 * MEBIBYTE))
                self.wait_until_acknowledged(backend)
                ends(backend)
                with contextlib.suppress(OSError):  # it may be cut already
                    self.send_what_is_refused(client, address)
                    client.sendall(b"x")
        self.connect_tls(proxy)
        self.accept()  # there is room for one more

    def test_a_download_that_a_client_has_broken_off_is_no_clean_end(self):
        """Although the proxy has said its last to the kernel."""
        proxy = self.terminating()
        client = self.connect_tls_slowly(proxy)
        backend = self.accept()
        address = backend.getpeername()[1], backend.getsockname()[1]
        backend.sendall(bytes(2 * MEBIBYTE))
        backend.shutdown(socket.SHUT_WR)
        self.wait_until_acknowledged(backend)
        give_up = time.monotonic() + PATIENCE
        while self.unread_bytes(*address) != 0:
            self.assertLess(time.monotonic(), give_up)
        self.assertEqual(receive_exactly(client, 1024), bytes(1024))
        programs.reset(client)
        self.assertIn(f" {2 * MEBIBYTE} ", proxy.err.wait_for("cut short: the client: "))

    def leave_behind_an_upload(self, proxy, ends):
        """The proxy has it, for a backend that has not read it, when the client has gone by a reset."""
        client = self.connect_tls(proxy)
        backend = self.accept()
        address = proxy.port, client.getsockname()[1]
        client.sendall(b"x" * 2 * MEBIBYTE)
        if ends:
            client.setblocking(False)
            with self.assertRaises(ssl.SSLWantReadError):
                client.unwrap()  # its half
        self.wait_until_acknowledged(client)
        give_up = time.monotonic() + PATIENCE
        while self.unread_bytes(*address) != 0:
            self.assertLess(time.monotonic(), give_up)
        programs.stop_for_a_while(proxy)  # so that its write is the first to be told
        programs.reset(client)
        return backend

    def test_an_upload_arrives_although_its_client_takes_no_answer(self):
        self.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        for ends in (True, False):
            with self.subTest(ends):
                proxy = self.terminating()
                backend = self.leave_behind_an_upload(proxy, ends)
                backend.sendall(b"x")
                proxy.signal(signal.SIGCONT)
                backend.sendall(bytes(16 * MEBIBYTE))  # more than the kernel takes, before it reads
                receive_exactly(backend, 2 * MEBIBYTE)
                if ends:
                    self.assertEqual(read_to_end(backend), b"")
                    backend.close()
                else:
                    with self.assertRaises(ConnectionResetError):
                        read_to_end(backend)
                proxy.err.wait_for(f" {2 * MEBIBYTE} 0 ")
                proxy.err.wait_for("cut short: the client: ")

    def test_an_answer_arrives_although_its_backend_takes_no_upload(self):
        proxy = self.wrapping(self.backend.getsockname()[1])
        client = self.connect_slowly(proxy)
        context = server_context(CERTIFICATE, KEY)
        backend = context.wrap_socket(self.accept(), server_side=True)
        self.addCleanup(backend.close)
        backend.sendall(bytes(2 * MEBIBYTE))
        self.wait_until_acknowledged(backend)
        programs.reset(backend)
        client.sendall(b"x")
        give_up = time.monotonic() + PATIENCE
        while self.unread_bytes(proxy.port, client.getsockname()[1]):
            self.assertLess(time.monotonic(), give_up)
        self.assertEqual(receive_exactly(client, 2 * MEBIBYTE), bytes(2 * MEBIBYTE))
        with self.assertRaises(ConnectionResetError):
            read_to_end(client)
        proxy.err.wait_for("cut short: the backend: ")

    def test_a_handshake_that_a_stop_ends_has_not_failed(self):
        proxy = self.terminating("--admin", "0", "--stop-seconds", PATIENCE)
        self.connect_tls(proxy)
        self.accept()
        self.connect(proxy)  # in its handshake
        self.wait_for_metric(proxy, "tls_async_connections", 2)
        proxy.signal()
        self.wait_for_metric(proxy, "tls_async_connections", 1)
        self.assertEqual(proxy.metric('tls_async_handshakes_total{result="failed"}'), 0)

    def wait_for_metric(self, proxy, name, value):
        give_up = time.monotonic() + PATIENCE
        while proxy.metric(name) != value:
            self.assertLess(time.monotonic(), give_up)

    def test_a_handshake_that_fails_behind_an_early_connection_that_was_refused_has_failed(self):
        proxy = self.terminating("--early-connect", "--admin", "0")
        port = self.backend.getsockname()[1]
        self.backend.close()
        client = self.connect(proxy)
        failures = f'tls_async_backend_failures_total{{backend="127.0.0.1:{port}"}}'
        self.wait_for_metric(proxy, failures, 1)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        wait_for_end(client)
        self.wait_for_metric(proxy, 'tls_async_handshakes_total{result="failed"}', 1)


if __name__ == "__main__":
    unittest.main()
