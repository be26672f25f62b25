# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server and the end of a connection: what is sent at once, who is waited for, and that no answer is lost."""

import os
import socket
import struct
import unittest

import programs
from programs import HttpsServer, exchange, read_to_end, read_to_tcp_end

GET = b"GET /none HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
ANSWER = b"404 Not Found\n"
CLOSE = b"Connection: close\r\n"
DATA_SEGMENTS_IN = 152  # tcpi_data_segs_in in struct tcp_info of <linux/tcp.h>


def segments(connection):
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("I", info, DATA_SEGMENTS_IN)[0]


def has_tcp_end(connection):
    """Whether the server has closed the socket, and all before that was read."""
    with socket.socket(fileno=os.dup(connection.fileno())) as ciphertext:
        ciphertext.setblocking(False)
        try:
            return ciphertext.recv(1) == b""
        except BlockingIOError:
            return False


class Ends(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = HttpsServer(None)
        cls.addClassCleanup(cls.server.__exit__)

    def test_last_answer_and_close_notify_are_one_segment(self):
        for request in (GET % CLOSE, b"GET /none HTTP/1.0\r\n\r\n", b"nonsense\r\n\r\n"):
            with self.subTest(request), self.server.connect_tls() as connection:
                connection.sendall(GET % b"")
                answer = b""
                while not answer.endswith(ANSWER):
                    answer += connection.recv(65536)
                before = segments(connection)
                self.assertRegex(exchange(connection, request), b"^HTTP/1")
                self.assertEqual(segments(connection) - before, 1)

    def test_who_asks_for_the_end_is_not_waited_for(self):
        for _ in range(10):
            with self.server.connect_tls() as waited_for, self.server.connect_tls() as asks:
                exchange(waited_for, b"nonsense\r\n\r\n")
                self.assertTrue(exchange(asks, GET % CLOSE).endswith(ANSWER))
                read_to_tcp_end(asks)
                if not has_tcp_end(waited_for):
                    return
        self.fail("it waits as long for its close_notify as for that of a client that has asked for nothing")

    def test_who_sends_more_is_waited_for_so_that_no_answer_is_lost(self):
        with self.server.connect_tls() as connection:
            connection.sendall(GET % CLOSE + GET % b"")
            answer = connection.recv(1)
            connection.sendall(GET % b"")  # a closed socket would answer by a reset
            connection.sendall(GET % b"")
            self.assertTrue((answer + read_to_end(connection)).endswith(ANSWER))
            read_to_tcp_end(connection)


if __name__ == "__main__":
    unittest.main()
