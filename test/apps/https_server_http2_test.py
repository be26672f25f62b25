# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server over HTTP/2: the answers of HTTP/1.1, many at once, and each at its own pace."""

import contextlib
import os
import pathlib
import re
import resource
import select
import socket
import ssl
import subprocess
import unittest

import programs
from frames import (CANCEL, DATA, END_HEADERS, END_STREAM, Frames, GET, GOAWAY, HEADERS, HTTPS,
                    PING, POST, RST_STREAM, STATUS_200, WHOLE_WINDOW, WINDOW_UPDATE, field, frame, get, number, path)
from programs import AUTHORITY, HttpsServer, PATIENCE, exchange, read_to_end
from tls_context import client_context

LARGE = os.urandom(5_000_000)


class Http2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        (cls.root / "dir").mkdir(parents=True)
        (cls.root / "listed").mkdir()
        (cls.root / "small.txt").write_bytes(b"0123456789")
        (cls.root / "dir" / "index.html").write_bytes(b"<p>index")
        (cls.root / "large").write_bytes(LARGE)
        for i in range(20):
            (cls.root / f"large{i}").write_bytes(bytes([i]) * 200_000)

    def serve(self, *arguments, root=True):
        server = HttpsServer(self.root if root else None, *arguments)
        self.addCleanup(server.__exit__)
        return server

    def client(self, server, **options):
        client = Frames(server, **options)
        self.addCleanup(client.__exit__)
        return client

    def slow_client(self, server):
        """Of which the kernel takes little ahead."""
        small = server.connect_slowly()
        self.addCleanup(small.close)
        server.connect = lambda: small
        return self.client(server, window=WHOLE_WINDOW)

    def memory(self, server):
        """What it holds, in bytes. It is not looked at with a sanitizer, which keeps what is freed."""
        if programs.SANITIZER:
            return 0
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10

    # Answers

    def assert_same(self, server, target, *arguments):
        """As curl has it, but for the date, and for what only HTTP/1.1 says of its connection."""
        answers = []
        for version in ("--http1.1", "--http2"):
            header, _, body = server.curl(target, "-i", version, "-H", "Expect:", *arguments).partition(b"\r\n\r\n")
            first, *lines = header.decode().split("\r\n")
            protocol, status = first.split()[:2]
            fields = sorted(line.partition(":")[0].lower() + ":" + line.partition(":")[2] for line in lines)
            fields = [line for line in fields if not line.startswith(("date:", "connection:"))]
            self.assertEqual(protocol, {"--http1.1": "HTTP/1.1", "--http2": "HTTP/2"}[version])
            self.assertIn("date: ", header.decode().lower())
            answers.append((status, fields, body))
        self.assertEqual(answers[0], answers[1])
        return int(answers[1][0])

    def test_both_versions_answer_alike(self):
        server = self.serve("--hsts", "9", "--browse")
        tag = re.search(rb"ETag: (.*)\r", server.curl("/small.txt", "-I", "--http1.1"))[1].decode()
        for expected, target, *arguments in (
            (200, "/small.txt"), (200, "/large"), (200, "/dir/"), (200, "/listed/"), (200, "/"), (301, "/dir"),
            (404, "/none"), (404, "/small.txt/"), (400, "/../secret"), (400, "/%zz"), (400, "/..%2fsecret"),
            (200, "/small.txt", "-I"), (200, "/large", "-I"), (404, "/none", "-I"), (200, "/listed/", "-I"),
            (206, "/small.txt", "-r", "0-0"), (206, "/large", "-r", "4999990-"), (206, "/large", "-r", "-70000"),
            (206, "/large", "-r", "100-3000000"), (416, "/large", "-r", "5000000-"), (200, "/large", "-r", "0-1,5-6"),
            (304, "/small.txt", "-H", f"If-None-Match: {tag}"), (304, "/large", "-H", "If-None-Match: *"),
            (412, "/small.txt", "-H", 'If-Match: "other"'), (206, "/small.txt", "-r", "1-2", "-H", f"If-Range: {tag}"),
            (304, "/small.txt", "-H", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"),
            (412, "/small.txt", "-H", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT"),
            (405, "/small.txt", "-d", "body"), (405, "/", "-X", "DELETE"), (405, "/none", "-X", "BREW"),
            (405, "/large", "--data-binary", f"@{self.root / 'large'}"), (405, "/", "-X", "PUT", "-d", ""),
        ):
            with self.subTest(target, arguments=arguments):
                self.assertEqual(self.assert_same(server, target, *arguments), expected)

    def test_both_versions_answer_alike_about_the_server_itself(self):
        server = self.serve(root=False)
        for expected, target, *arguments in (
            (200, "/burst?messages=7&bytes=10000"), (200, "/burst?messages=1&bytes=65536"), (400, "/burst"),
            (404, "/none"), (404, "/ws"), (404, "/live"), (405, "/", "-d", "body")):
            with self.subTest(target, arguments=arguments):
                self.assertEqual(self.assert_same(server, target, *arguments), expected)
        self.assertIn(b"<th>ALPN</th><td>h2</td>", server.curl("/", "--http2"))

    def test_the_client_chooses_the_version(self):
        server = self.serve()
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1")):
            context = client_context(AUTHORITY)
            context.set_alpn_protocols(offered)
            with server.connect_tls(context) as connection:
                self.assertEqual(connection.selected_alpn_protocol(), chosen)
        context.set_alpn_protocols(["h3"])
        with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
            server.connect_tls(context)
        request = b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with server.connect_tls() as connection:  # without ALPN
            self.assertTrue(exchange(connection, request).endswith(b"\r\n\r\n0123456789"))

    def test_the_authority_is_the_host(self):
        client = self.client(self.serve())
        without = frame(HEADERS, GET + HTTPS + path(b"/small.txt"), 1, END_HEADERS | END_STREAM)
        host = frame(HEADERS, GET + HTTPS + path(b"/small.txt") + field(b"host", b"localhost"), 3,
                     END_HEADERS | END_STREAM)
        client.send(without)
        self.assertEqual(client.next(RST_STREAM), (1, 0, number(1)))  # PROTOCOL_ERROR
        client.send(host)
        self.assertEqual(client.next(HEADERS)[2][:1], STATUS_200)
        client.send(get(b"/small.txt", 5, field(b"host", b"localhost")))
        self.assertEqual(client.next(HEADERS)[2][:1], STATUS_200)
        client.send(get(b"/small.txt", 7, field(b"host", b"other")))
        self.assertEqual(client.next(HEADERS)[2][:1], b"\x8c")  # 400

    def test_a_header_that_is_too_large_is_answered_with_431(self):
        client = self.client(self.serve("--header-bytes", "1000"))
        client.send(get(b"/small.txt", 1, field(b"x", b"x" * 120) * 8))
        self.assertTrue(client.body(1).startswith(b"431 "))
        client.send(get(b"/small.txt", 3))
        self.assertEqual((client.next(HEADERS)[2][:1], client.body(3)), (STATUS_200, b"0123456789"))

    def test_each_request_is_one_line_of_the_log(self):
        server = self.serve()
        client = self.client(server, window=100_000)
        client.send(get(b"/small.txt", 1), get(b"/large", 3), get(b"/none", 5))
        while client.next(DATA)[0] != 3:
            pass
        client.send(frame(RST_STREAM, number(CANCEL), 3), get(b"/small.txt", 7, field(b"connection", b"close")))
        while client.next(RST_STREAM)[0] != 7:
            pass
        client.connection.close()
        server.err.wait_for("GET /large ")
        self.assertEqual(server.stop(), 0)
        log = server.err.all()
        time = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z 127\.0\.0\.1:\d+:? "
        for words in (r"GET /small.txt 200 10 \d+\.\d{6}s$", r"GET /none 404 14 \d+\.\d{6}s$",
                      r"GET /large 200 \d+ \d+\.\d{6}s cut short: the stream was closed with CANCEL$",
                      r"a request was not answered: the stream was closed with PROTOCOL_ERROR$"):
            self.assertEqual(sum(bool(re.search(time + words, line)) for line in log), 1, (words, log))
        self.assertEqual(len(log), 4, log)

    # Many at once

    def test_many_streams_are_answered_whole(self):
        server = self.serve()
        urls = [f"{server.url}/large{i}" for i in range(20)]
        command = ["nghttp", "--no-verify-peer", "--no-dep", "--multiply=5", *urls]
        done = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
        self.assertEqual(len(done.stdout), 20_000_000)
        self.assertEqual([done.stdout.count(bytes([i])) for i in range(20)], [1_000_000] * 20)
        targets = (server.url + target for target in ("/small.txt", "/large0", "/none"))
        load = ["h2load", "-n500", "-c5", "-m50", *targets]
        done = subprocess.run(load, capture_output=True, check=True, text=True, timeout=PATIENCE)
        self.assertIn("500 done, 335 succeeded, 165 failed, 0 errored, 0 timeout", done.stdout)
        self.assertIn("335 2xx, 0 3xx, 165 4xx, 0 5xx", done.stdout)

    def test_a_stream_that_is_not_read_holds_up_no_other(self):
        client = self.client(self.serve(), window=0)
        client.send(*(get(b"/large%d" % i, 1 + 2 * i) for i in range(6)), get(b"/large", 15), get(b"/small.txt", 17))
        client.send(frame(WINDOW_UPDATE, number(WHOLE_WINDOW - 65535)))
        for stream, content in ((17, b"0123456789"), (15, LARGE)):
            client.send(frame(WINDOW_UPDATE, number(50_000), stream))
            self.assertTrue(client.body(stream) == content)

    def test_responses_take_turns(self):
        client = self.client(self.serve(), window=WHOLE_WINDOW)
        client.send(get(b"/large", 1), get(b"/large", 3), get(b"/small.txt", 5))
        ended = []
        while len(ended) < 3:
            kind, stream, flags, _ = client.any()
            if kind == DATA and flags & END_STREAM:
                ended.append(stream)
        self.assertEqual(ended[0], 5)

    def test_files_beyond_the_eighth_wait_for_their_turn(self):
        server = self.serve()
        client = self.client(server, window=0)
        files = pathlib.Path(f"/proc/{server.process.pid}/fd")
        client.send(get(b"/none", 1))
        client.next(HEADERS)
        before = len(list(files.iterdir()))
        client.send(*(get(b"/large%d" % i, 3 + 2 * i) for i in range(20)), get(b"/none", 99))
        self.assertEqual([client.next(HEADERS)[0] for _ in range(9)], [*range(3, 19, 2), 99])
        self.assertLessEqual(len(list(files.iterdir())), before + 8)
        client.send(frame(RST_STREAM, number(CANCEL), 21))  # which waits
        for done, begins in ((3, 19), (7, 23), (5, 25)):
            client.send(frame(RST_STREAM, number(CANCEL), done))
            self.assertEqual(client.next(HEADERS)[0], begins)
        for i in (8, 10, 11):
            client.send(frame(WINDOW_UPDATE, number(65535), 3 + 2 * i))
            self.assertEqual(client.body(3 + 2 * i), bytes([i]) * 200_000)

    def test_directories_are_listed_one_at_a_time(self):
        full = self.root / "full"
        full.mkdir(exist_ok=True)
        for i in range(2000):
            (full / f"{i:0200}").touch()
        server = self.serve("--browse")
        client = self.client(server, window=0)
        client.send(get(b"/small.txt", 1))
        client.next(HEADERS)
        before = self.memory(server)
        client.send(*(get(b"/full/", stream) for stream in range(3, 199, 2)), get(b"/dir/", 199))
        self.assertEqual([client.next(HEADERS)[0] for _ in range(2)], [3, 199])  # of 3 a page of 900 KB
        client.send(*(frame(RST_STREAM, number(CANCEL), stream) for stream in (5, 3)))
        self.assertEqual(client.next(HEADERS)[0], 7)
        self.assertLess(self.memory(server) - before, 8 << 20)

    def test_pages_take_places(self):
        client = self.client(self.serve(root=False), window=0)
        client.send(*(get(b"/", stream) for stream in range(1, 21, 2)), get(b"/none", 21))
        self.assertEqual([client.next(HEADERS)[0] for _ in range(9)], [*range(1, 17, 2), 21])
        client.send(frame(RST_STREAM, number(CANCEL), 3))
        self.assertEqual(client.next(HEADERS)[0], 17)

    def test_bodies_leave_in_full_records(self):
        server = self.serve("--admin", "0")
        client = self.client(server, window=WHOLE_WINDOW)
        client.send(get(b"/small.txt", 1))
        client.body(1)

        def sent():
            of_which = server.metric("tls_async_sent_plaintext_bytes_total")
            return of_which, server.metric("tls_async_sent_bytes_total") - of_which

        _, before = sent()
        client.send(get(b"/large", 3))
        self.assertEqual(client.body(3), LARGE)
        while (after := sent())[0] < len(LARGE):  # it is counted a few times a second
            pass
        records = (after[1] - before) / 22  # a header of 5, the type of the content, a tag of 16
        self.assertLess(records, len(LARGE) / 16384 + 20)

    def test_bodies_that_are_not_read_take_no_memory(self):
        server = self.serve()
        with contextlib.ExitStack() as stack:
            before = self.memory(server)
            for window in (0, 1, 16384, WHOLE_WINDOW):
                client = stack.enter_context(Frames(server, window=window))
                client.send(*(get(b"/large", stream) for stream in range(1, 201, 2)))
                client.next(HEADERS)
                self.assertEqual(server.curl("/small.txt"), b"0123456789")
            self.assertLess(self.memory(server) - before, 4 << 20)

    def test_a_body_is_passed_over(self):
        server = self.serve()
        client = self.client(server)
        client.send(get(b"/small.txt", 1, method=POST, flags=END_HEADERS))
        self.assertEqual(client.next(DATA)[1:], (END_STREAM, b"405 Method Not Allowed\n"))
        windows = {0: 65535, 1: 65535}
        for _ in range(64):  # 1 MiB, far beyond the windows unless they are opened
            while min(windows.values()) < 16384:
                stream, _, increment = client.next(WINDOW_UPDATE)
                windows[stream] += int.from_bytes(increment, "big")
            windows = {stream: left - 16384 for stream, left in windows.items()}
            client.send(frame(DATA, bytes(16384), 1))
        client.send(frame(DATA, b"", 1, END_STREAM), get(b"/small.txt", 3))
        self.assertEqual(client.body(3), b"0123456789")
        server.err.wait_for("POST /small.txt 405 23 ")

    def test_a_body_is_passed_over_for_a_while(self):
        server = self.serve("--header-seconds", "1", "--stall-seconds", "60", "--idle-seconds", "60", "--header-bytes", "500")
        for name, status in ((b"/small.txt", b"405"), (b"/" + b"x" * 110 , b"431")):
            client = self.client(server)
            more = field(b"x", b"x" * 120) * (4 if status == b"431" else 0)
            client.send(get(name, 1, more, method=POST, flags=END_HEADERS))
            self.assertEqual(client.next(DATA)[1:], (END_STREAM, {b"405": b"405 Method Not Allowed\n", b"431":
                             b"431 Request Header Fields Too Large\n"}[status]))
            stream, reset = 3, None
            while not reset:  # other requests keep the connection
                client.send(frame(DATA, b"x", 1), get(b"/none", stream, method=b"\x02\x04HEAD"))
                while got := client.any():
                    if got[0] == RST_STREAM:
                        reset = got
                    if got[1] == stream and got[2] & END_STREAM:
                        break
                stream += 2
            self.assertEqual(reset[1:], (1, 0, number(0)))  # NO_ERROR
            # What was on its way costs nothing.
            client.send(*(frame(DATA, bytes(16384), 1) for _ in range(3)), get(b"/none", stream))
            self.assertEqual(client.next(HEADERS)[0], stream)

    def test_a_body_that_is_passed_over_is_progress_once_it_is_answered(self):
        server = self.serve("--header-seconds", "3", "--stall-seconds", "1", "--idle-seconds", "60")
        client = self.client(server)
        client.send(get(b"/small.txt", 1, method=POST, flags=END_HEADERS))
        client.next(DATA)
        client.connection.settimeout(0.1)
        reset = b""
        while not reset:
            client.send(frame(DATA, b"x", 1))
            with contextlib.suppress(TimeoutError):
                reset = client.connection.recv(4096)
                self.assertNotEqual(reset, b"")  # the end of the connection
        self.assertTrue(reset.endswith(frame(RST_STREAM, number(0), 1)), reset)

    def test_a_body_that_never_ends_cuts_no_answer_short(self):
        server = self.serve()
        client = self.client(server)
        client.send(get(b"/small.txt", 1, method=POST, flags=END_HEADERS))
        self.assertEqual(client.next(DATA)[1], END_STREAM)
        client.connection.unwrap()
        self.assertNotIn("cut short", server.err.wait_for("POST /small.txt 405 23 "))

    def test_the_limit_of_descriptors_is_raised(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.serve("--max-connections", "10")
        self.assertEqual(resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE), (hard, hard))
        self.assertEqual(server.stop(), 0)
        self.assertIsNone(server.err.find("descriptors"))
        with HttpsServer(self.root, "--max-connections", "100", descriptors=200) as server:
            server.err.wait_for("100 connections may need 932 descriptors, and the system allows 200; lower ")

    # Limits of time

    def test_a_header_that_never_ends_is_ended(self):
        server = self.serve("--header-seconds", "1")
        for trickles in (False, True):
            client = self.client(server)
            client.send(frame(HEADERS, bytes(1000), 1)[:9], GET)
            client.connection.settimeout(0.02)
            with self.assertRaises(OSError):
                while True:
                    if trickles:
                        client.send(HTTPS)
                    with contextlib.suppress(TimeoutError):
                        while client.connection.recv(4096):
                            pass
                        raise ConnectionResetError
        server.err.wait_for("a request was not answered: ", 2)

    def test_a_connection_without_requests_is_ended_politely(self):
        server = self.serve("--idle-seconds", "1")
        for request in ((), [get(b"/small.txt", 1)]):
            client = self.client(server)
            client.send(*request)
            self.assertEqual(client.next(GOAWAY)[2], number(len(request)) + bytes(4))
            self.assertEqual(read_to_end(client.connection), b"")
        self.assertEqual(server.stop(), 0)

    def test_ping_is_no_progress(self):
        server = self.serve("--stall-seconds", "1", "--idle-seconds", "60")
        client = self.client(server, window=1000)
        client.send(get(b"/large", 1))
        with self.assertRaises((OSError, AssertionError)):
            while True:
                client.send(frame(PING, b"12345678"))
                client.next(PING)
                select.select([client.connection], [], [], 0.02)  # as fast as can be is a flood
        self.assertIn("GET /large 200 1000 ", server.err.wait_for("took nothing for 1 s"))

    def test_a_client_that_reads_nothing_is_ended(self):
        server = self.serve("--stall-seconds", "1", "--idle-seconds", "60")
        client = self.client(server, window=WHOLE_WINDOW)
        client.send(*(get(b"/large", stream) for stream in range(1, 11, 2)))
        self.assertIn("GET /large 200 ", server.err.wait_for("took nothing for 1 s"))

    def test_a_client_that_reads_slowly_but_steadily_is_not_cut(self):
        limit = 4
        server = self.serve("--stall-seconds", limit, "--idle-seconds", "1")
        client = self.slow_client(server)
        client.send(*(get(b"/large", stream) for stream in range(1, 31, 2)))
        with socket.socket(fileno=os.dup(client.connection.fileno())) as ciphertext:
            ciphertext.settimeout(programs.PATIENCE)
            programs.read_slowly(ciphertext, limit)
            self.assertIsNone(server.err.find("cut short"))
            self.assertIn(" GET /large 200 ", server.err.wait_for(f"took nothing for {limit} s"))

    def test_the_end_of_a_body_is_not_lost(self):
        """It is in the kernel, so there is no request any more, and the client still takes it."""
        limit = 3
        with (self.root / "fits").open("wb") as file:
            file.truncate(2_500_000)
        for why in ("idle", "stop"):
            with self.subTest(why):
                idle = "1" if why == "idle" else "60"
                server = self.serve("--stall-seconds", limit, "--idle-seconds", idle, "--stop-seconds", "60")
                client = self.slow_client(server)
                client.send(get(b"/fits", 1))
                self.assertNotIn("cut short", server.err.wait_for("GET /fits 200 2500000 "))
                if why == "stop":
                    server.signal()
                with socket.socket(fileno=os.dup(client.connection.fileno())) as ciphertext:
                    ciphertext.settimeout(PATIENCE)

                    class Reader:
                        received = 0

                        def recv(self, size):
                            client.send(frame(WINDOW_UPDATE, number(1)))  # which resets a socket that is closed
                            part = ciphertext.recv(size)
                            self.received += len(part)
                            return part

                    reader = Reader()
                    programs.read_slowly(reader, limit)
                    self.assertGreater(reader.received + len(read_to_end(ciphertext)), 2_500_000)

    # The end

    def test_a_stop_lets_what_was_begun_end(self):
        server = self.serve()
        client, idle = self.client(server), self.client(server)
        idle.send(frame(PING, b"12345678"))
        idle.next(PING)
        client.send(get(b"/large", 1), get(b"/large1", 3))
        client.next(DATA)
        server.signal()
        self.assertEqual(idle.next(GOAWAY)[2], bytes(8))
        self.assertEqual(read_to_end(idle.connection), b"")  # with close_notify
        idle.connection.close()
        self.assertEqual(client.next(GOAWAY)[2], number(3) + bytes(4))
        client.send(get(b"/small.txt", 5))  # too late: it is not answered
        client.send(frame(WINDOW_UPDATE, number(10_000_000)))
        for stream in (1, 3):
            client.send(frame(WINDOW_UPDATE, number(10_000_000), stream))
        ended = set()
        while len(ended) < 2:
            kind, stream, flags, _ = client.any()
            self.assertNotEqual(stream, 5)
            if kind == DATA and flags & END_STREAM:
                ended.add(stream)
        self.assertEqual(read_to_end(client.connection), b"")
        client.connection.close()
        self.assertEqual(server.wait(), 0)
        log = server.err.all()
        self.assertTrue(any("GET /large 200 5000000 " in line for line in log), log)
        self.assertFalse(any("cut short" in line for line in log), log)

    def test_a_stop_cuts_what_does_not_end_in_time(self):
        server = self.serve("--stop-seconds", "0")
        client = self.client(server, window=0)
        client.send(get(b"/large", 1))
        client.next(HEADERS)
        self.assertEqual(server.stop(), 0)
        self.assertTrue(any("GET /large 200 0 " in line and "cut short: " in line for line in server.err.all()))

    def test_a_file_that_becomes_shorter_resets_its_stream_only(self):
        server = self.serve()
        file = self.root / "shrinks"
        file.write_bytes(LARGE)
        client = self.client(server)
        client.send(get(b"/shrinks", 1), get(b"/large", 3))
        client.next(DATA)
        os.truncate(file, 100)
        client.send(frame(WINDOW_UPDATE, number(WHOLE_WINDOW - 65535)), frame(WINDOW_UPDATE, number(1 << 20), 1))
        self.assertEqual(client.next(RST_STREAM), (1, 0, number(2)))  # INTERNAL_ERROR
        server.err.wait_for("GET /shrinks 200 ")
        self.assertIsNotNone(server.err.find("cut short: the file became shorter"))
        client.send(get(b"/small.txt", 5))
        self.assertEqual(client.body(5), b"0123456789")

    def test_a_client_that_reads_nothing_of_what_has_left_is_named(self):
        server = self.serve("--stall-seconds", "1", "--idle-seconds", "60")
        client = self.slow_client(server)
        client.send(get(b"/large", 1, field(b"range", b"bytes=0-2499999")))  # which the kernel takes at once
        server.err.wait_for("GET /large 206 2500000 ")
        server.err.wait_for("took nothing for 1 s")


if __name__ == "__main__":
    unittest.main()
