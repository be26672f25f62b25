# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Attackers who are slow, silent or many."""
import contextlib
import select
import socket
import ssl
import time

from attack import EACH, Connection, Outcome, on, until_ended
from frames import (CONTINUATION, DATA, END_HEADERS, GET, HEADERS, POST, PREFACE, SETTINGS, field, frame, get, setting)
from programs import PATIENCE
from tls_context import client_context

LEFT_AFTER = (3, 12)  # seconds, where nothing ends it; in a full run longer than PROGRESS
PROGRESS = 10  # seconds without it, after which a program ends a connection
HANDSHAKE = ("--handshake-seconds", 1)
STREAM_HANDSHAKE = "`stream_options::handshake_deadline` (10 s)"
CARRIED = "none: each byte is progress, and carried"
NONE = "none: it is the tutorial's"


def client_hello():
    to_send = ssl.MemoryBIO()
    session = client_context().wrap_bio(ssl.MemoryBIO(), to_send, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return to_send.read()


def slowly(unit, alpn=None, first=b"", patience=PATIENCE, tls=True, pace=EACH):
    """Connections that send `first`, and then `unit(i)` every now and then, until they are ended; those whom nothing
    ends, with a patience of None, leave."""
    def run(scene):
        count = scene.size(20, 200)
        outcome = Outcome(count)
        connections = []
        for _ in range(count):
            connection = Connection(scene.connect_tls(alpn) if tls else scene.connect(), bool(alpn))
            connection.send(first)
            connection.turn = 0
            connections.append(connection)

        def each(connection):
            connection.send(unit(connection.turn))
            connection.turn += 1

        until_ended(outcome, connections, patience or scene.size(*LEFT_AFTER), each, pace)
        return outcome
    return run


def letter(text):
    return lambda i: text[i:i + 1]


NAME = "ClientHello, byte by byte"
HELLO = client_hello()
for program in ("https_server", "tls_proxy"):
    on(program, NAME, slowly(letter(HELLO), tls=False), "`--handshake-seconds` (10)", "closed", HANDSHAKE)
for program in ("http2_server", "echo_server"):
    on(program, NAME, slowly(letter(HELLO), tls=False), STREAM_HANDSHAKE, "closed")

NAME = "request line, byte by byte"
LINE = b"GET /" + b"a" * 10_000
HEADER_TIME = "`--header-seconds` (10)"
on("https_server", NAME, slowly(letter(LINE)), HEADER_TIME, "cut off", ("--header-seconds", 1))
on("tls_proxy", NAME, slowly(letter(LINE), patience=None), CARRIED, "left", ("--idle-seconds", PROGRESS))
on("echo_server", NAME, slowly(letter(LINE), patience=None), NONE, "left")
NAME = "preface of HTTP/2, byte by byte"
for program, limit, option in (("https_server", "`--idle-seconds` (30)", ("--idle-seconds", 1)),
                               ("http2_server", "`--idle-seconds` (60)", ("--idle-seconds", 1))):
    on(program, NAME, slowly(letter(PREFACE[:-1]), ["h2"]), limit, "GOAWAY NO_ERROR", option)

NAME = "header, byte by byte"
on("https_server", NAME, slowly(letter(b"a: b\r\n" * 1000), first=b"GET /file HTTP/1.1\r\nHost: localhost\r\n"),
   HEADER_TIME, "cut off", ("--header-seconds", 1))
NAME = "CONTINUATION, one now and then"
BEGUN = PREFACE + frame(SETTINGS) + frame(HEADERS, GET, 1)
FEW = [frame(CONTINUATION, field(b"x", b"y"), 1)] * 3  # many are a flood
for program, limit, option in (("https_server", HEADER_TIME, ("--header-seconds", 1)),
                               ("http2_server", "`--idle-seconds` (60)", ("--idle-seconds", 1))):
    on(program, NAME, slowly(lambda i: b"".join(FEW[i:i + 1]), ["h2"], BEGUN, pace=0.3), limit, "cut off", option)

NAME = "body, byte by byte"
on("https_server", NAME, slowly(letter(b"x" * 1000), first=b"POST /file HTTP/1.1\r\nHost: localhost\r\n"
                                b"Content-Length: 1000000\r\n\r\n"), HEADER_TIME, "405, close_notify",
   ("--header-seconds", 1))
UPLOAD = PREFACE + frame(SETTINGS) + get(b"/file", 1, method=POST, flags=END_HEADERS)
for program, limit, patience, ends, option in (
        ("https_server", "`--header-seconds` (10) for the stream, then `--idle-seconds` (30)", PATIENCE,
         "GOAWAY NO_ERROR", ("--header-seconds", 1, "--idle-seconds", 1)),
        ("http2_server", "none: each byte is progress, and echoed", None, "left",
         ("--idle-seconds", PROGRESS))):
    on(program, NAME + ", over HTTP/2", slowly(lambda i: frame(DATA, b"x", 1), ["h2"], UPLOAD, patience), limit, ends,
       option)


def slow_socket(scene):
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    slow.settimeout(PATIENCE)
    slow.connect(("127.0.0.1", scene.server.port))
    return scene.context.wrap_socket(slow, server_hostname="localhost")


def reads_nothing(request, repeat=False):
    """Connections that never read, until the program has closed all of them. Then what is there is read."""
    def run(scene):
        outcome = Outcome(scene.size(10, 200))
        connections = [Connection(slow_socket(scene)) for _ in range(outcome.sent)]
        by = time.monotonic() + PATIENCE
        for connection in connections:
            connection.send(request)
        while scene.process.descriptors() > scene.idle_descriptors + 3 and time.monotonic() < by:  # an honest one's
            for connection in connections if repeat else ():
                while connection.send(request):
                    pass
            select.select([], [], [], EACH)
        until_ended(outcome, connections, PATIENCE)
        return outcome
    return run


def reads_little(scene):
    """1 KiB of a download, twenty times a second."""
    count = scene.size(10, 200)
    outcome = Outcome(count)
    connections = [slow_socket(scene) for _ in range(count)]
    for connection in connections:
        connection.sendall(GET_LARGE)
    by = time.monotonic() + scene.size(*LEFT_AFTER)
    while time.monotonic() < by:
        for connection in connections:
            assert connection.recv(1024), "it was ended"
        select.select([], [], [], 0.05)
    for connection in connections:
        outcome.took("left")
        connection.close()
    return outcome


def closed_windows(scene):
    count = scene.size(10, 200)
    connections = []
    for _ in range(count):
        connection = Connection(scene.connect_tls(["h2"]), True)
        connection.send(PREFACE + frame(SETTINGS, setting(4, 0)))
        connection.send(b"".join(get(b"/large", stream) for stream in range(1, 201, 2)))
        connections.append(connection)
    outcome = Outcome(100 * count, "requests")
    until_ended(outcome, connections, PATIENCE)
    return outcome


GET_LARGE = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
NAME = "reads nothing"
on("https_server", NAME, reads_nothing(GET_LARGE), "`--stall-seconds` (30)", "200, cut off", ("--stall-seconds", 1))
on("tls_proxy", NAME, reads_nothing(b"x" * 16384, True), "`--idle-seconds` (300)", "cut off", ("--idle-seconds", 1))
on("echo_server", NAME, reads_nothing(b"x" * 16384, True), "`stream_options::write_stall_deadline` (30 s)", "cut off",
   full_only=True)
on("https_server", NAME + ": no window of HTTP/2", closed_windows, "`--stall-seconds` (30)", "cut off",
   ("--stall-seconds", 1))
on("http2_server", NAME + ": no window of HTTP/2", closed_windows, "`--idle-seconds` (60)", "cut off",
   ("--idle-seconds", 1))
on("https_server", "reads 20 KiB/s", reads_little, "none: who reads is served", "left", ("--stall-seconds", PROGRESS))


def connects_and_leaves(scene):
    outcome = Outcome(scene.size(300, 10_000))
    for _ in range(outcome.sent):
        scene.connect().close()
        outcome.took("left")
    return outcome


def stays(count):
    """Connections that say nothing, all at once."""
    def run(scene):
        outcome = Outcome(scene.size(*count))
        connections = []
        for _ in range(outcome.sent):
            silent = socket.socket()
            silent.setblocking(False)
            silent.bind(("127.0.0.2", 0))  # an honest client is somewhere else
            silent.connect_ex(("127.0.0.1", scene.server.port))
            connections.append(Silent(silent))
        until_ended(outcome, connections, 2 * PATIENCE)
        return outcome
    return run


class Silent(Connection):
    def look(self):
        """Before it is connected, it is told that it isn't."""
        try:
            self.socket.getpeername()
        except OSError:
            return None if not self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) else self.leave()
        return super().look()


MOST = "`--max-connections` (500), `--handshake-seconds` (10)"
for program in ("https_server", "http2_server", "tls_proxy", "echo_server"):
    on(program, "connects and leaves", connects_and_leaves, "none: its place is free at once", "left")
NAME = "connects and says nothing"
for program in ("https_server", "tls_proxy"):
    on(program, NAME, stays((600, 10_000)), MOST, "closed", HANDSHAKE)
on("http2_server", NAME, stays((100, 2_000)), f"`--max-connections` (500), {STREAM_HANDSHAKE}", "closed")
on("echo_server", NAME, stays((100, 10_000)), f"{STREAM_HANDSHAKE}; their number: {NONE}", "closed")

NAME = "more connections than descriptors (EMFILE)"
AGAIN = "tries again when one has ended"
on("https_server", NAME, stays((100, 1_000)), AGAIN, "closed", HANDSHAKE, descriptors=64)
on("tls_proxy", NAME, stays((100, 1_000)), f"{AGAIN}; a client is cut off if none is left for the backend", "closed",
   HANDSHAKE, descriptors=64, serves_all=False)
on("http2_server", NAME, stays((100, 200)), AGAIN, "closed", descriptors=64)
on("echo_server", NAME, stays((100, 200)), "tries again every 0.1 s", "closed", descriptors=64)
