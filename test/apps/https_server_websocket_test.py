# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""The WebSockets of https_server: messages of all kinds, limits, and every way to end."""

import os
import unittest

import programs
import websocket_client as ws
from programs import HttpsServer, exchange, read_to_end
from websocket_client import BINARY, PING, PONG, TEXT, WebSocket

BASE = 224 << 10
CLOSE_FIELD = ("Connection", "close")


class Echo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "websocket"
        cls.root.mkdir()
        (cls.root / "file").write_bytes(b"content")

    def serve(self, *arguments):
        server = HttpsServer(self.root, *arguments)
        self.addCleanup(server.__exit__)
        return server

    def open(self, server, **options):
        socket = WebSocket(server.connect_tls(), **options)
        self.addCleanup(socket.connection.close)
        return socket

    def log(self, server):
        self.assertEqual(server.stop(), 0)
        return server.err.all()

    def assert_ended(self, socket):
        """With close_notify, upon which the client ends its side."""
        self.assertEqual(socket.received + read_to_end(socket.connection), b"")
        socket.connection.close()

    # Messages

    def test_messages_of_all_lengths_come_back(self):
        server = self.serve()
        for compress in (False, True):
            socket = self.open(server, compress=compress)
            for length in (0, 1, 125, 126, 16384, 16385, 65535, 65536, 1 << 20):
                for content in (os.urandom(length), b"a" * length):
                    socket.send(content)
                    self.assertEqual(socket.receive(), (BINARY, content), (length, compress))
            socket.send("größer".encode(), TEXT)
            self.assertEqual(socket.receive(), (TEXT, "größer".encode()))

    def test_compression_is_used_for_clients_that_want_it(self):
        server = self.serve()
        self.assertNotIn("Extensions", self.open(server).header)
        socket = self.open(server, compress=True)
        socket.send(b"a" * 100000)
        flags, _, content = socket.receive_frame()
        self.assertTrue(flags & ws.COMPRESSED)
        self.assertLess(len(content), 1000)

    def test_a_message_may_come_in_fragments_with_a_ping_between(self):
        socket = self.open(self.serve())
        socket.send_frame(TEXT, b"one ", flags=0)
        socket.send_frame(PING, b"ping")
        socket.send_frame(ws.CONTINUATION, b"two")
        self.assertEqual(socket.receive(), (PONG, b"ping"))
        self.assertEqual(socket.receive(), (TEXT, b"one two"))

    def test_messages_sent_at_once_come_back_in_order(self):
        socket = self.open(self.serve())
        for number in range(1000):
            socket.send(str(number).encode())
        self.assertEqual([int(socket.receive()[1]) for _ in range(1000)], list(range(1000)))

    def test_many_are_served_by_several_threads(self):
        server = self.serve("--threads", "3")
        sockets = [self.open(server, compress=number % 2 == 1) for number in range(20)]
        for number, socket in enumerate(sockets):
            socket.send(bytes([number]) * 50000)
        for number, socket in enumerate(sockets):
            self.assertEqual(socket.receive(), (BINARY, bytes([number]) * 50000))

    # Ends

    def test_a_close_is_answered_and_the_connection_ends(self):
        server = self.serve()
        for code in (ws.NORMAL, ws.GOING_AWAY, 3000, None):
            socket = self.open(server)
            socket.send(b"hello")
            socket.receive()
            socket.send_close(code)
            self.assertEqual(socket.receive_close(), code or ws.NORMAL)
            self.assert_ended(socket)
        for line in self.log(server):
            self.assertRegex(line, r" GET /ws 101 5 \d+\.\d+s$")

    def test_a_message_beyond_the_limit_ends_it(self):
        server = self.serve("--message-bytes", "1000")
        for compress in (False, True):
            socket = self.open(server, compress=compress)
            socket.send(b"x" * 1000)
            self.assertEqual(socket.receive(), (BINARY, b"x" * 1000))
            socket.send(b"x" * 1001)
            self.assertEqual(socket.receive_close(), ws.TOO_BIG)
            socket.connection.close()
        server.err.wait_for("cut short", count=2)
        self.assertTrue(all("/ws 101 1000 " in line for line in self.log(server)))

    def test_a_broken_frame_ends_it(self):
        server = self.serve()
        for frame, code in (
            (dict(opcode=BINARY, payload=b"x", mask=False), ws.PROTOCOL_ERROR),
            (dict(opcode=3), ws.PROTOCOL_ERROR),
            (dict(opcode=ws.CONTINUATION), ws.PROTOCOL_ERROR),
            (dict(opcode=PING, payload=b"x" * 126), ws.PROTOCOL_ERROR),
            (dict(opcode=BINARY, payload=b"x", flags=ws.FIN | ws.COMPRESSED), ws.PROTOCOL_ERROR),
            (dict(opcode=TEXT, payload=b"\xff"), ws.BAD_PAYLOAD),
        ):
            socket = self.open(server)
            socket.send_frame(**frame)
            self.assertEqual(socket.receive_close(), code, frame)
            socket.connection.close()

    def test_a_silent_client_is_pinged_and_then_ended(self):
        server = self.serve("--idle-seconds", "1")
        socket = self.open(server)
        for _ in range(3):  # as long as it answers, it stays
            opcode, content = socket.receive()
            self.assertEqual(opcode, PING)
            socket.send_frame(PONG, content)
        socket.send(b"still here")
        while (got := socket.receive())[0] == PING:
            socket.send_frame(PONG, got[1])
        self.assertEqual(got, (BINARY, b"still here"))
        with self.assertRaises(OSError):  # it answers no more
            read_to_end(socket.connection)
        server.err.wait_for("cut short")

    def test_a_client_that_is_gone_is_named_in_the_log(self):
        server = self.serve()
        self.open(server).connection.close()
        server.err.wait_for(" GET /ws 101 0 ")
        self.assertTrue(any("cut short: " in line for line in self.log(server)))

    def test_a_client_that_never_reads_holds_up_nobody(self):
        server = self.serve("--stop-seconds", "0", "--idle-seconds", "2")
        stuck = self.open(server)
        stuck.connection.settimeout(0.5)
        with self.assertRaises(OSError):  # until every buffer on the way is full
            for _ in range(1000):
                stuck.send(b"x" * (1 << 20))
        other = self.open(server)
        other.send(b"hello")
        self.assertEqual(other.receive(), (BINARY, b"hello"))
        server.err.wait_for("cut short: ")

    # The memory of all together: each takes 224 KiB, and what its message needs

    def test_no_more_are_opened_than_there_is_memory_for(self):
        server = self.serve("--websocket-bytes", 2 * BASE)
        first, second = self.open(server), self.open(server, path="/live")
        for path in ("/ws", "/live"):
            self.assertTrue(self.exchange(server, ws.request(path)).startswith(b"HTTP/1.1 503 "))
            self.assertIn("one more WebSocket (see --websocket-bytes)", server.err.wait_for(f" GET {path} 503 "))
        second.connection.close()
        server.err.wait_for(" GET /live 101 ")
        self.open(server)
        first.send(b"short")  # has room in any case
        self.assertEqual(first.receive(), (BINARY, b"short"))
        first.send(b"x" * 5000)
        self.assertEqual(first.receive_close(), ws.TRY_AGAIN_LATER)

    def test_messages_that_never_end_hold_no_more_than_is_allowed_together(self):
        server = self.serve("--websocket-bytes", 3 * BASE + (1 << 19) + 50_000)
        first, second, third = (self.open(server) for _ in range(3))
        first.send_frame(BINARY, b"x" * 500_000, flags=0)
        first.send_frame(PING, b"")
        self.assertEqual(first.receive(), (PONG, b""))  # it has come, and 512 KiB are held for it
        second.send_frame(BINARY, b"x" * 100_000, flags=0)
        self.assertEqual(second.receive_close(), ws.TRY_AGAIN_LATER)
        second.connection.close()
        self.assertIn("--websocket-bytes", server.err.wait_for(" GET /ws 101 0 "))
        third.send(b"hello")  # there is still room for little
        self.assertEqual(third.receive(), (BINARY, b"hello"))
        first.send_frame(ws.CONTINUATION, b"")
        self.assertEqual(first.receive(), (BINARY, b"x" * 500_000))
        third.send(b"x" * 400_000)  # the memory is there again
        self.assertEqual(third.receive(), (BINARY, b"x" * 400_000))

    def test_an_answer_that_is_not_read_holds_no_more_either(self):
        size = 15_000_000  # more than the buffers on the way
        server = self.serve("--websocket-bytes", 2 * BASE + (1 << 24) + 50_000, "--message-bytes", size)
        stuck, other = self.open(server), self.open(server)
        stuck.send(b"x" * size)
        stuck.receive_frame()
        other.send_frame(BINARY, b"x" * 100_000, flags=0)
        self.assertEqual(other.receive_close(), ws.TRY_AGAIN_LATER)

    def test_what_live_is_sent_holds_no_memory(self):
        server = self.serve("--websocket-bytes", BASE)
        socket = self.open(server, path="/live")
        socket.send_frame(BINARY, b"x" * 1_000_000, flags=0)
        socket.send_frame(PING, b"")
        while socket.receive() != (PONG, b""):
            pass
        socket.send_close()

    # The stop of the server

    def test_a_stop_closes_it_as_going_away(self):
        server = self.serve("--stop-seconds", "3600")
        idle, busy = self.open(server), self.open(server, compress=True)
        busy.send(b"hello")
        self.assertEqual(busy.receive(), (BINARY, b"hello"))
        server.signal()
        for socket in (idle, busy):
            self.assertEqual(socket.receive_close(), ws.GOING_AWAY)
            socket.send(b"crossed our close on its way")
            socket.send_close(ws.GOING_AWAY)
            self.assert_ended(socket)
        self.assertEqual(server.wait(), 0)
        self.assertFalse(any("cut short" in line for line in server.err.all()))

    def test_a_stop_waits_no_longer_than_its_deadline(self):
        server = self.serve("--stop-seconds", "1")
        socket = self.open(server)
        server.signal()
        self.assertEqual(socket.receive_close(), ws.GOING_AWAY)  # which is never answered
        self.assertEqual(server.wait(), 0)

    # Requests

    def refusal(self, server, *fields, more=b""):
        return self.exchange(server, ws.request("/ws", *fields) + more)

    def exchange(self, server, request):
        with server.connect_tls() as connection:
            return exchange(connection, request)

    def test_requests_that_are_no_good_are_refused(self):
        server = self.serve()
        for field, status in (
            (("Sec-WebSocket-Version", "12"), 426), (("Sec-WebSocket-Key", None), 400),
            (("Sec-WebSocket-Key", "x" * 100), 400), (("Sec-WebSocket-Version", None), 400),
            (("Host", "<x>"), 400),
        ):
            answer = self.refusal(server, field)
            self.assertEqual(int(answer.split()[1]), status, field)
        self.assertEqual([line.split()[4] for line in self.log(server)], ["426", "400", "400", "400", "400"])

    def test_a_page_of_another_site_is_refused(self):
        server = self.serve()
        for origin in ("https://elsewhere.example", "https://localhost:1", "http://localhost", "null"):
            for path in ("/ws", "/live"):
                answer = self.exchange(server, ws.request(path, ("Origin", origin)))
                self.assertEqual(int(answer.split()[1]), 403, (path, origin))
        # Its own page comes as far as any other client.
        answer = self.refusal(server, ("Origin", "https://localhost"), ("Sec-WebSocket-Version", "12"))
        self.assertEqual(int(answer.split()[1]), 426)

    def test_frames_before_the_answer_are_refused(self):
        self.assertTrue(self.refusal(self.serve(), more=b"\x81\x80\0\0\0\0").startswith(b"HTTP/1.1 400 "))

    def test_other_paths_and_other_requests_are_answered_as_always(self):
        server = self.serve()
        self.assertTrue(self.refusal(server, ("Upgrade", None), CLOSE_FIELD).startswith(b"HTTP/1.1 404 "))
        upgrade = ws.request("/file") + ws.request("/file", CLOSE_FIELD)
        answer = self.exchange(server, upgrade)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 2)


if __name__ == "__main__":
    unittest.main()
