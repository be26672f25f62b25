# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server and clients that break HTTP/2: RFC 9113's MUSTs for a server, and floods."""

import contextlib
import unittest

import programs
from frame_cases import ALLOWED, CONNECTION, CONNECTION_ERRORS, FILE, FLOODS, SMALL, STREAM_ERRORS, block
from frames import (ACK, DATA, ENHANCE_YOUR_CALM, Frames, GET, GOAWAY, HEADERS, HTTPS, LOCALHOST, PING, PREFACE,
                    PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS, STATUS_200, STREAM_CLOSED, field, frame, get,
                    number, path)
from programs import HttpsServer


class FramesOfClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        cls.root.mkdir()
        (cls.root / "small.txt").write_bytes(b"0123456789")
        with (cls.root / "large").open("wb") as file:
            file.truncate(64 << 20)

    def setUp(self):
        self.server = HttpsServer(self.root)
        self.addCleanup(self.server.__exit__)

    def assert_answers(self, client, stream):
        client.send(get(FILE, stream))
        while True:
            of, _, header = client.next(HEADERS)
            if of == stream:
                break
        self.assertEqual(header[:1], STATUS_200)

    def test_errors_of_the_connection(self):
        for name, section, error, sent in CONNECTION_ERRORS:
            with self.subTest(name, section=section), Frames(self.server) as client:
                client.send(sent)
                got = client.ending()
                self.assertEqual(got[1], error, got)
                if error != STREAM_CLOSED:  # which may be the stream's own too
                    self.assertEqual(got[0], CONNECTION)
                    while client.any():
                        pass  # and that was the end

    def test_errors_of_a_stream(self):
        for name, section, error, sent in STREAM_ERRORS:
            with self.subTest(name, section=section), Frames(self.server) as client:
                client.send(sent)
                stream, got = client.ending()
                self.assertEqual(got, error)
                if stream != CONNECTION:
                    self.assertEqual(stream, 1)
                    self.assert_answers(client, 3)

    def test_what_is_allowed_is_answered(self):
        for name, sent in ALLOWED:
            with self.subTest(name), Frames(self.server) as client:
                client.send(sent)
                self.assert_answers(client, 199)

    def test_a_bad_preface_ends_the_connection(self):
        for preface in (b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n", PREFACE[:-1] + b"x",
                        PREFACE + frame(PING, bytes(8)), PREFACE + SMALL, PREFACE + frame(SETTINGS, b"", 0, ACK)):
            with self.subTest(preface), Frames(self.server, preface=preface) as client:
                self.assertEqual(client.ending(), (0, PROTOCOL_ERROR))

    def test_a_stream_is_not_opened_again(self):
        with Frames(self.server) as client:
            self.assert_answers(client, 5)
            # Section 5.1.1 makes an error of both; nghttp2 passes them over, since they could be late.
            client.send(get(FILE, 3), get(FILE, 5), get(FILE, 7))
            self.assertEqual(client.next(HEADERS)[0], 7)

    def test_streams_beyond_the_hundredth_are_refused(self):
        with Frames(self.server, window=0) as client:
            client.send(*(get(FILE, stream) for stream in range(1, 203, 2)))
            self.assertEqual(client.ending(), (201, REFUSED_STREAM))
            client.send(frame(RST_STREAM, number(8), 1))
            self.assert_answers(client, 203)

    # Floods. Each thing that is sent has to end in ENHANCE_YOUR_CALM, while others are served.

    def flood(self, once, window, first):
        """Sends `once(i)` for ever. Returns how much it was when the server had enough."""
        sent, number_sent, said, ended, errors = 0, 0, b"", False, []
        with Frames(self.server, window=window) as client, Frames(self.server) as honest:
            before = self.server.cpu_seconds()
            client.send(first)
            # Read and written by one thread: Python's TLS breaks where two use a connection at once.
            while not errors and not ended:
                part = b"".join(once(number_sent + i) for i in range(200))
                number_sent += 200
                sent += len(part)
                self.assertLess(sent, 64 << 20)
                with contextlib.suppress(OSError):  # what it has said is still to be read
                    client.send(part)
                while got := client.what_is_there():
                    said += got
                ended = got is None
                while len(said) >= 9 and len(said) >= (size := 9 + int.from_bytes(said[:3], "big")):
                    if said[3] == GOAWAY:
                        errors.append(int.from_bytes(said[13:17], "big"))
                    said = said[size:]
                self.assert_answers(honest, 1 + number_sent // 100)
            self.assertLess(self.server.cpu_seconds() - before, 10 if programs.SANITIZER else 2)
        self.assertEqual(errors, [ENHANCE_YOUR_CALM])

    def test_floods(self):
        for name, flood in FLOODS.items():
            with self.subTest(name):
                self.flood(*flood)

    def test_flood_behind_headers_that_unfold(self):
        # A request that is answered gives back what it cost, not what a few bytes of HPACK stand for.
        unfolds = b"\x40\x01x" + b"\x7f\x8d\x0e" + b"v" * 1932
        useless = frame(PING, bytes(8), 0, ACK) * 700
        with Frames(self.server) as client:
            client.send(block(GET, HTTPS, LOCALHOST, path(FILE), unfolds))
            self.assertEqual(client.body(1), b"0123456789")
            for stream in range(3, 203, 2):
                client.send(block(GET, HTTPS, LOCALHOST, path(FILE), b"\xbe" * 7, stream=stream), useless)
                while (got := client.any())[:2] != (DATA, stream):
                    if got[0] == GOAWAY:
                        self.assertEqual(got[3][4:8], number(ENHANCE_YOUR_CALM))
                        return
        self.fail("it is not sent away")

    def test_requests_with_large_headers_are_no_flood(self):
        with Frames(self.server, window=0) as client:
            more = b"".join(field(b"cookie", bytes([97 + i % 26]) * 120) for i in range(45))
            client.send(b"".join(get(b"/large", stream, more) for stream in range(1, 81, 2)), get(b"/none", 81))
            while (got := client.any())[:2] != (HEADERS, 81):
                self.assertNotEqual(got[0], GOAWAY)
            client.send(*(frame(RST_STREAM, number(8), stream) for stream in range(1, 81, 2)))
            self.assertEqual(client.ending(), (0, ENHANCE_YOUR_CALM))  # which came to nothing

    def test_honest_use_is_no_flood(self):
        with Frames(self.server) as client:  # opens its windows at each frame, and cancels now and then
            for stream in range(1, 4001, 2):
                client.send(get(FILE, stream), frame(PING, bytes(8)))
                self.assertEqual(client.body(stream), b"0123456789")
            client.send(get(b"/large", 4001))
            self.assertEqual(len(client.body(4001)), 64 << 20)
            for stream in range(4003, 4403, 2):
                client.send(get(b"/large", stream), frame(RST_STREAM, number(8), stream))
            self.assert_answers(client, 4403)


if __name__ == "__main__":
    unittest.main()
