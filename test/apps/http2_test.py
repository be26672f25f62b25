# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""http2_server and http2_get, together, with curl and h2load, and with frames made by hand."""

import contextlib
import os
import pathlib
import re
import select
import socket
import ssl
import subprocess
import threading
import unittest

import programs
from frames import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR,
                    Frames, GOAWAY, HEADERS, NO_ERROR, PING, RST_STREAM, SETTINGS, STATUS_200, frame, number)
from programs import AUTHORITY, CERTIFICATE, KEY, PATIENCE, HttpsServer, Program, Server, read_to_end
from tls_context import client_context, server_context

LARGE = bytes(ord("a") + i % 23 for i in range(16384)) * 64
# By their places in HPACK's table: :method POST or GET, :scheme https, :authority x, :path / or /large.
POST_TO_ROOT = b"\x83\x87\x01\x01x\x84"
GET_LARGE = b"\x82\x87\x01\x01x\x04\x06/large"
# Puts a field of 4 000 bytes into HPACK's dynamic table, where one byte names it from then on.
REMEMBER, REMEMBERED = b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4000, b"\xbe"


class Answers:
    """A server for one client: takes its request, then does what `script(send)` does, and cuts the connection."""

    def __init__(self, script):
        self.script = script
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(PATIENCE)

    def serve(self):
        context = server_context(CERTIFICATE, KEY)
        context.set_alpn_protocols(["h2"])
        plain, _ = self.listener.accept()
        with plain, contextlib.suppress(OSError):
            connection = context.wrap_socket(plain, server_side=True)
            file = connection.makefile("rb")
            file.read(24)
            while (header := file.read(9))[3:4] != bytes([HEADERS]):
                file.read(int.from_bytes(header[:3], "big"))
            file.read(int.from_bytes(header[:3], "big"))
            connection.sendall(frame(SETTINGS))
            self.script(connection.sendall)
            plain = socket.socket(fileno=connection.detach())  # without close_notify, and not before it was read
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass
            plain.close()


def leave(listener):
    """Agrees on h2, and ends the session in all form."""
    context = server_context(CERTIFICATE, KEY)
    context.set_alpn_protocols(["h2"])
    with listener.accept()[0] as connection, contextlib.suppress(ssl.SSLError):  # unwrap() may meet what has come
        context.wrap_socket(connection, server_side=True).unwrap().close()


class Http2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with HttpsServer(programs.WORK):
            pass  # leaves a certificate
        cls.big = programs.WORK / "big"
        cls.big.write_bytes(os.urandom(4 << 20))

    def setUp(self):
        self.server = Server("http2_server", "--cert", CERTIFICATE, "--key", KEY)
        self.addCleanup(self.server.__exit__)
        self.url = f"https://localhost:{self.server.port}"

    def get(self, *arguments, text=b"", port=None):
        command = [programs.BIN / "http2_get", "--connect", f"localhost:{port or self.server.port}"]
        command += ["--cacert", AUTHORITY, *arguments]
        return subprocess.run(command, input=text, capture_output=True, check=False, timeout=PATIENCE)

    def curl(self, target, *arguments):
        command = ["curl", "-q", "-sS", "--noproxy", "*", "--cacert", AUTHORITY, *arguments, self.url + target]
        return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)

    def h2load(self, target, *arguments):
        """The numbers of requests that succeeded and that did not."""
        command = ["h2load", *map(str, arguments), self.url + target]
        done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=PATIENCE)
        found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
        self.assertIsNotNone(found, done.stdout)
        return tuple(map(int, found.groups()))

    def assert_serves(self):
        done = self.get("/still/there")
        self.assertEqual((done.returncode, done.stdout), (0, b"You asked for /still/there\n"))

    def test_requests_are_answered_together_on_one_connection(self):
        paths = [f"/{i}" for i in range(250)]  # more than the server wants at once
        done = self.get("/large", *paths)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = dict(line.split(": ", 1) for line in done.stderr.decode().splitlines())
        self.assertEqual(said.pop("/large"), "status 200, 1048576 bytes")
        self.assertEqual(said, {path: f"status 200, {15 + len(path)} bytes" for path in paths})
        self.assertEqual(len(done.stdout), len(LARGE) + sum(15 + len(path) for path in paths))
        self.assertIn(LARGE, done.stdout)

    def test_what_cannot_be_read_or_written_is_a_failure(self):
        command = [programs.BIN / "http2_get", "--connect", f"localhost:{self.server.port}", "--cacert", AUTHORITY]
        with programs.broken_streams(b"body") as broken:
            for streams, why in broken:
                done = subprocess.run([*command, "--upload", "/"], stderr=subprocess.PIPE, check=False,
                                      timeout=PATIENCE, **streams)
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)

    def test_body_larger_than_the_windows_arrives_as_it_is(self):
        self.assertTrue(self.get("/large").stdout == LARGE)
        done = self.curl("/large", "--http2", "-w", "%{stderr}%{http_version}")
        self.assertTrue(done.stdout == LARGE)
        self.assertEqual(done.stderr, b"2")

    def test_body_of_a_request_comes_back_while_it_is_sent(self):
        for size in (0, 1, 65535, 65536, 4 << 20):
            text = self.big.read_bytes()[:size]
            done = self.get("--upload", "/", text=text)
            self.assertEqual((done.returncode, done.stderr.decode()), (0, f"/: status 200, {size} bytes\n"))
            self.assertTrue(done.stdout == text)
        done = self.curl("/", "--http2", "--data-binary", f"@{self.big}")
        self.assertTrue(done.stdout == self.big.read_bytes(), done.stderr)

    def test_head_has_no_body(self):
        done = self.curl("/large", "--http2", "--head")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout.startswith(b"HTTP/2 200"))

    def test_no_request_of_h2load_fails(self):
        self.assertEqual(self.h2load("/", "-n1000", "-c10", "-m10"), (1000, 0, 0, 0))
        self.assertEqual(self.h2load("/large", "-n50", "-c5", "-m10"), (50, 0, 0, 0))
        body = programs.WORK / "body"
        body.write_bytes(os.urandom(300_000))
        self.assertEqual(self.h2load("/", "-n50", "-c5", "-m10", "-d", body), (50, 0, 0, 0))

    def test_body_beyond_its_window_resets_the_stream(self):
        with Frames(self.server, window=0) as client:  # which takes no echo, so that no window is opened
            client.send(frame(HEADERS, POST_TO_ROOT, 1, END_HEADERS))
            client.send(*(frame(DATA, bytes(16384), 1) for _ in range(4)))
            self.assertEqual(client.ending()[1], FLOW_CONTROL_ERROR)

    def test_who_does_not_name_h2_is_refused(self):
        with Frames(self.server) as other:
            command = ["openssl", "s_client", "-alpn", "http/1.1", "-connect", f"localhost:{self.server.port}"]
            done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=PATIENCE)
            self.assertIn(b"alert no application protocol", done.stderr)
            self.server.err.wait_for("no application protocol")
            done = self.curl("/", "--http1.1", "--no-alpn", "-i")
            self.assertTrue(done.stdout.startswith(b"HTTP/1.1 505 HTTP/2 only\r\n"), done.stdout)
            other.send(frame(PING, b"12345678"))
            self.assertEqual(other.next(PING), (0, ACK, b"12345678"))

    def test_client_refuses_a_server_without_h2(self):
        with Server("echo_server", "--cert", CERTIFICATE, "--key", KEY) as other:
            done = self.get("/", port=other.port)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"does not speak HTTP/2", done.stderr)

    def test_garbage_disturbs_nobody(self):
        with self.server.connect() as plain:
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            self.server.err.wait_for("OpenSSL")
        context = client_context(AUTHORITY)
        context.set_alpn_protocols(["h2"])
        with self.server.connect_tls(context) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.server.err.wait_for("sent away with PROTOCOL_ERROR")
        with Frames(self.server) as wrong:
            wrong.send(frame(DATA, b"for a stream that was never opened", stream=1))
            self.assertEqual(wrong.next(GOAWAY)[2][4:8], number(1))  # PROTOCOL_ERROR
        self.assert_serves()

    def test_client_says_that_the_server_left_before_it_had_answered(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            leaver = threading.Thread(target=leave, args=(listener,))
            leaver.start()
            done = self.get("/", port=listener.getsockname()[1])
            leaver.join(PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertEqual(done.stderr, b"http2_get: the server closed the connection before it had answered\n")

    def test_client_says_that_it_cannot_resolve(self):
        host = "x" * 64  # longer than a label may be, so nobody is asked
        command = [programs.BIN / "http2_get", "--connect", f"{host}:1", "/"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot resolve {host}: ", done.stderr.decode())

    def test_client_says_that_it_cannot_connect(self):
        self.server.stop()
        done = self.get("/")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"cannot connect: Connection refused", done.stderr)

    def test_slow_client_costs_a_batch_and_nobody_waits_for_it(self):
        with Frames(self.server, window=(1 << 31) - 1) as slow:
            before = self.peak_memory()
            slow.send(*(frame(HEADERS, GET_LARGE, stream, END_HEADERS | END_STREAM) for stream in range(1, 129, 2)))
            slow.next(HEADERS)
            self.assertEqual(self.h2load("/", "-n100", "-c10", "-m10"), (100, 0, 0, 0))
            ended = 0
            while ended < 64:  # 64 MiB
                ended += slow.next(DATA)[1] & END_STREAM
            self.assertLess(self.peak_memory() - before, 32 << 20)

    def test_client_that_takes_no_answers_is_not_heard(self):
        with Frames(self.server, window=0) as deaf:
            before = self.peak_memory()
            deaf.connection.settimeout(1)
            first = 1
            try:
                while first < 1 << 22:  # each stream beyond the first 100 is refused, with a frame that says so
                    streams = range(first, first + 2000, 2)
                    deaf.send(*(frame(HEADERS, GET_LARGE, stream, END_HEADERS | END_STREAM) for stream in streams))
                    first = streams.stop
            except OSError:
                pass  # every buffer on the way is full
            else:
                deaf.next(GOAWAY)  # later versions of nghttp2 do so, and pass over what still comes
            self.assertLess(self.peak_memory() - before, 32 << 20)
            self.assert_serves()

    def test_silent_client_is_told_and_let_go(self):
        with Server("http2_server", "--cert", CERTIFICATE, "--key", KEY, "--idle-seconds", "1") as server:
            with Frames(server) as silent, Frames(server) as stalled:
                stalled.send(frame(HEADERS, POST_TO_ROOT, 1, END_HEADERS), frame(DATA, b"begun", 1))
                self.assertEqual(stalled.next(DATA), (1, 0, b"begun"))
                self.assertEqual(silent.next(GOAWAY)[2], bytes(8))
                self.assertEqual(read_to_end(silent.connection), b"")
                silent.connection.close()
                with self.assertRaises(OSError):  # without close_notify: something was left undone
                    stalled.file.read()
                server.err.wait_for("timed out")

    def test_answer_is_whole_by_its_framing_and_by_nothing_else(self):
        ten = STATUS_200 + b"\x0f\x0d\x0210"  # content-length
        answer = frame(HEADERS, STATUS_200, 1, END_HEADERS)
        headers_end = END_HEADERS | END_STREAM
        for name, whole, sent in (
            ("end", True, answer + frame(DATA, b"body", 1, END_STREAM)),
            ("end and RST_STREAM(NO_ERROR)", True,
             answer + frame(DATA, b"body", 1, END_STREAM) + frame(RST_STREAM, number(NO_ERROR), 1)),
            ("trailers", True, answer + frame(DATA, b"body", 1) + frame(HEADERS, b"\x00\x01x\x01y", 1, headers_end)),
            ("RST_STREAM(NO_ERROR)", False, answer + frame(DATA, b"body", 1) + frame(RST_STREAM, number(NO_ERROR), 1)),
            ("RST_STREAM(CANCEL)", False, answer + frame(DATA, b"body", 1) + frame(RST_STREAM, number(CANCEL), 1)),
            ("cut", False, answer + frame(DATA, b"body", 1)),
            ("cut behind the header", False, answer),
            ("cut in a frame", False, answer + frame(DATA, b"body", 1, END_STREAM)[:-1]),
            ("too short", False, frame(HEADERS, ten, 1, END_HEADERS) + frame(DATA, b"body", 1, END_STREAM)),
            ("GOAWAY", False, answer + frame(DATA, b"body", 1) + frame(GOAWAY, number(1) + number(NO_ERROR))),
            ("interim", False, frame(HEADERS, b"\x08\x03103", 1, END_HEADERS) + frame(RST_STREAM, number(NO_ERROR), 1)),
        ):
            with self.subTest(name), Answers(lambda send, sent=sent: send(sent)) as server:
                done = self.get("/", port=server.port)
                self.assertEqual(done.returncode, 0 if whole else 1, done.stderr)
                if whole:
                    self.assertEqual((done.stdout, done.stderr), (b"body", b"/: status 200, 4 bytes\n"))
                elif name.startswith("RST_STREAM"):
                    self.assertIn(f"cut off with {name[11:-1]} after 4 bytes", done.stderr.decode())

    def test_client_leaves_who_sends_anything_but_an_answer(self):
        interim = frame(HEADERS, b"\x08\x03103", 1, END_HEADERS)
        empty = frame(HEADERS, STATUS_200, 1, END_HEADERS) + frame(DATA, b"", 1) * 100
        for name, first, endless in (("PING", b"", frame(PING, b"12345678")), ("interim", b"", interim),
                                     ("empty DATA", empty, frame(DATA, b"", 1))):
            def flood(send, first=first, endless=endless):
                send(first)
                while True:
                    send(endless)

            with self.subTest(name), Answers(flood) as server:
                done = self.get("--idle-seconds", "1", "/", port=server.port)
                self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)

    def test_header_that_is_too_large_is_refused_by_what_it_unfolds_to(self):
        with Frames(self.server) as client:
            client.send(frame(HEADERS, GET_LARGE + REMEMBER, 1, END_HEADERS | END_STREAM))
            client.next(HEADERS)
            client.send(frame(HEADERS, POST_TO_ROOT + REMEMBERED * 6, 3, END_HEADERS), frame(DATA, b"body", 3, END_STREAM))
            while (refusal := client.next(HEADERS))[0] != 3:
                pass
            self.assertIn(b"431", refusal[2])
            client.send(frame(HEADERS, POST_TO_ROOT, 5, END_HEADERS),
                        frame(HEADERS, REMEMBERED * 6, 5, END_HEADERS | END_STREAM))  # a trailer
            while (refusal := client.next(RST_STREAM))[0] != 5:
                pass
            self.assertEqual(refusal[2], number(ENHANCE_YOUR_CALM))
        self.assert_serves()

    def test_header_that_unfolds_without_end_ends_its_connection(self):
        with Frames(self.server) as bomb:
            before, used = self.peak_memory(), self.server.cpu_seconds()
            bomb.send(frame(HEADERS, GET_LARGE + REMEMBER, 1, END_HEADERS | END_STREAM))
            with contextlib.suppress(OSError):
                for stream in range(3, 403, 2):
                    bomb.send(frame(HEADERS, GET_LARGE + REMEMBERED * 15_000, stream, END_HEADERS | END_STREAM))
            self.assertEqual(bomb.next(GOAWAY)[2][4:8], number(ENHANCE_YOUR_CALM))
            self.assert_serves()
            self.assertLess(self.server.cpu_seconds() - used, 1)
            self.assertLess(self.peak_memory() - before, 4 << 20)

    def test_what_requests_hold_is_bounded_for_their_connection(self):
        path = b"\x82\x87\x01\x01x\x04\x7f\xe9\xfa\x03/" + b"p" * 64_999  # 65 000 bytes
        with contextlib.ExitStack() as stack:
            before = self.peak_memory()
            for _ in range(4):
                client = stack.enter_context(Frames(self.server, window=0))
                with contextlib.suppress(OSError):
                    for stream in range(1, 201, 2):
                        first, *rest = (path[at : at + 16384] for at in range(0, len(path), 16384))
                        client.send(frame(HEADERS, first, stream, END_STREAM),
                                    *(frame(CONTINUATION, part, stream) for part in rest[:-1]),
                                    frame(CONTINUATION, rest[-1], stream, END_HEADERS))
                self.assert_serves()
            self.assertLess(self.peak_memory() - before, 8 << 20)

    def test_bodies_that_are_not_read_are_not_made(self):
        with contextlib.ExitStack() as stack:
            before = self.peak_memory()
            for _ in range(10):
                client = stack.enter_context(Frames(self.server, window=1))
                client.send(*(frame(HEADERS, GET_LARGE, stream, END_HEADERS | END_STREAM) for stream in range(1, 201, 2)))
                for _ in range(100):
                    client.next(DATA)
            self.assertLess(self.peak_memory() - before, 8 << 20)

    def test_ping_is_no_progress(self):
        with Server("http2_server", "--cert", CERTIFICATE, "--key", KEY, "--idle-seconds", "1") as server:
            for request in ((), [frame(HEADERS, GET_LARGE, 1, END_HEADERS | END_STREAM)]):
                with Frames(server, window=0) as client:
                    client.send(*request)
                    with self.assertRaises((OSError, AssertionError)):  # the connection ends
                        while True:
                            client.send(frame(PING, b"12345678"))
                            client.next(PING)
                            select.select([client.connection], [], [], 0.02)  # as fast as can be is a flood
            server.err.wait_for("timed out")

    def test_further_connections_wait(self):
        with Server("http2_server", "--cert", CERTIFICATE, "--key", KEY, "--max-connections", "1") as server:
            with Frames(server) as first:
                first.send(frame(PING, b"12345678"))
                first.next(PING)
                second = server.connect()
                server.err.wait_for("connections are in use")
            context = client_context(AUTHORITY)
            context.set_alpn_protocols(["h2"])
            context.wrap_socket(second, server_hostname="localhost").close()

    def test_key_that_is_encrypted_opens_with_its_password(self):
        encrypted, password = programs.WORK / "encrypted.key", programs.WORK / "password"
        subprocess.run(["openssl", "pkey", "-in", KEY, "-out", encrypted, "-aes256", "-passout", "pass:se cret"],
                       check=True, capture_output=True)
        pair = ("--cert", CERTIFICATE, "--key", encrypted)
        for content in (b"se cret", b"se cret\n", b"se cret\r\nmore\n"):
            password.write_bytes(content)
            with Server("http2_server", *pair, "--key-password-file", password) as server:
                self.assertEqual(self.get("/", port=server.port).returncode, 0)
        for arguments, says in (((), "--key-password-file"), (("--key-password-file", "/none"), "'/none' cannot be read"),
                                (("--key-password-file", "/dev/null"), "is empty"),
                                (("--key-password-file", AUTHORITY), "the password is wrong, or the key is damaged")):
            with Program("http2_server", *pair, *arguments) as server:
                self.assertEqual(server.wait(), 1)
                self.assertIn(says, "\n".join(server.err.all()))

    def test_client_gives_up_a_body_that_is_too_large_to_keep(self):
        huge = programs.WORK / "huge"
        with huge.open("wb") as file:
            file.truncate((64 << 20) + 1)
        done = self.get("--upload", "/", text=huge.read_bytes())
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"CANCEL after", done.stderr)

    def peak_memory(self):
        """In bytes. It is not looked at with a sanitizer, which keeps what is freed."""
        if programs.SANITIZER:
            return 0
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10

    def test_signal_ends_it_when_what_was_begun_is_done(self):
        with Frames(self.server) as client, Frames(self.server) as idle:
            idle.send(frame(PING, b"12345678"))
            idle.next(PING)
            client.send(frame(HEADERS, POST_TO_ROOT, 1, END_HEADERS), frame(DATA, b"early ", 1))
            self.assertEqual(client.next(DATA), (1, 0, b"early "))
            self.server.signal()
            self.assertEqual(client.next(GOAWAY)[2], number(1) + bytes(4))  # the last stream, NO_ERROR
            self.assertEqual(idle.next(GOAWAY)[2], bytes(8))
            self.assertEqual(read_to_end(idle.connection), b"")  # with close_notify
            idle.connection.close()
            with self.assertRaises(ConnectionRefusedError):
                self.server.connect()
            client.send(frame(DATA, b"late", 1, END_STREAM))
            self.assertEqual(client.next(DATA)[2], b"late")
            self.assertEqual(read_to_end(client.connection), b"")
            client.connection.unwrap()
            self.assertEqual(self.server.wait(), 0)

    def test_both_say_what_is_wrong_with_their_command_line(self):
        pair = ["--cert", CERTIFICATE, "--key", KEY]
        for arguments in ([], ["--bogus"], ["--cert", "/none", "--key", KEY], [*pair, "--idle-seconds", "0"]):
            with Program("http2_server", *arguments) as server:
                self.assertEqual(server.wait(), 1)
                self.assertTrue(server.err.all()[0].startswith("http2_server: "))
        for arguments in ([], ["--bogus"], ["--upload", "/a", "/b"], ["--cacert", "/none", "/a"]):
            done = self.get(*arguments)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertTrue(done.stderr.startswith(b"http2_get: "))


if __name__ == "__main__":
    unittest.main()
