# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Clients that are hostile in HTTP/2."""
import time

import frame_cases
import framings
from frames import (ALL_OF_IT, DATA, END_HEADERS, Frames, GET, GOAWAY, HEADERS, HTTPS, LOCALHOST, PING, POST,
                    RST_STREAM, SETTINGS, WINDOW_UPDATE, field, frame, get, number, path, setting)
from hostile_client import HTTPS as HTTPS_SERVER, kind

LARGE = b"/large"


def http2(name, **options):
    return kind(name, HTTPS_SERVER, **options)


def flood(client, once, window, first):
    """Until the server has had enough, or for some megabytes; reads what it says, or never."""
    reads = client.one_in(2)
    with Frames(client, window=window) as frames:
        frames.send(first)
        for i in range(0, 40_000, 200):
            frames.send(*(once(i + j) for j in range(200)))
            if reads and frames.what_is_there() is None:
                return


for name, what in frame_cases.FLOODS.items():
    http2(f"flood: {name}")(lambda client, what=what: flood(client, *what))


@http2("broken rule of HTTP/2")
def broken_rule(client):
    *_, sent = client.random.choice(
        frame_cases.CONNECTION_ERRORS + frame_cases.STREAM_ERRORS + frame_cases.ALLOWED)
    with Frames(client) as frames:
        frames.send(get(LARGE, 99) if client.one_in(2) else b"", sent)
        client.read(frames.connection)


@http2("random frames")
def random_frames(client):
    random = client.random
    with Frames(client) as frames:
        for _ in range(random.randrange(1, 200)):
            payload = random.randbytes(random.choice((0, 1, 4, 5, 8, 100, 1000)))
            if random.random() < 0.3:
                frames.send(get(LARGE, random.randrange(1, 50)))
            else:
                frames.send(frame(random.randrange(11), payload, random.choice((0, 0, 1, 2, 3, random.getrandbits(31))),
                                  random.choice((0, 1, 4, 5, 8, 0x20, random.getrandbits(8)))))
            frames.what_is_there()
        if client.one_in(2):
            frames.send(frame(DATA, bytes(100), 1)[:random.randrange(1, 100)])  # and leaves in the middle


@http2("HPACK bomb")
def hpack_bomb(client):
    # Some kilobytes once into the table, and then many times by one byte each (CVE-2016-6581).
    held = b"\x40\x01x" + b"\x7f\x81\x1e" + b"v" * 3968
    with Frames(client, window=0) as frames:
        frames.send(frame(HEADERS, GET + HTTPS + LOCALHOST + path(b"/file") + held, 1, ALL_OF_IT))
        for stream in range(3, 401, 2):
            size = b"\x20\x3f\xe1\x1f" if client.one_in(4) else b""  # an empty table, and a full one again
            names = b"\xbe" * client.random.choice((1, 3, 1000, 16_000))
            frames.send(frame(HEADERS, size + GET + HTTPS + LOCALHOST + path(b"/file") + names, stream, ALL_OF_IT))


@http2("windows that open by a byte")
def byte_by_byte(client):
    with Frames(client, window=client.random.choice((0, 1))) as frames:
        frames.send(*(get(LARGE, stream) for stream in range(1, 21, 2)))
        end = time.monotonic() + client.patience
        while time.monotonic() < end and frames.what_is_there() is not None:
            frames.send(frame(WINDOW_UPDATE, number(1), client.random.randrange(1, 21, 2)))
            time.sleep(client.patience / 50)


@http2("windows never opened")
def never_opened(client):
    with Frames(client, window=0) as frames:
        frames.send(*(get(LARGE, stream) for stream in range(1, client.random.choice((3, 199)), 2)))
        if client.one_in(2):  # which is no progress
            for _ in range(5):
                frames.send(frame(PING, bytes(8)))
                time.sleep(client.patience / 5)
        client.read(frames.connection)


@http2("windows that change")
def windows_that_change(client):
    with Frames(client) as frames:
        frames.send(*(get(LARGE, stream) for stream in range(1, 11, 2)))
        for _ in range(100):
            frames.send(frame(SETTINGS, setting(4, client.random.choice((0, 1, 100, 1 << 20)))),
                        frame(SETTINGS, setting(5, client.random.choice((16384, 16385, (1 << 24) - 1)))),
                        frame(WINDOW_UPDATE, number(client.random.randrange(1, 100_000))))
            if frames.what_is_there() is None:
                return


@http2("streams left open")
def left_open(client):
    with Frames(client) as frames:
        for stream in range(1, client.random.choice((3, 201, 301)), 2):
            frames.send(get(b"/file", stream, method=POST, flags=END_HEADERS))
            if client.one_in(3):
                frames.send(frame(DATA, bytes(client.random.choice((0, 1, 10_000))), stream))
        client.read(frames.connection)


@http2("GOAWAY and on")
def goaway_and_on(client):
    with Frames(client) as frames:
        last, error = client.random.choice((0, 1, 99)), client.random.randrange(14)
        frames.send(get(LARGE, 1), frame(GOAWAY, number(last) + number(error)))
        for stream in range(3, 99, 2):
            frames.send(get(b"/file", stream), frame(RST_STREAM, number(8), 1))
        client.read(frames.connection)


@http2("prefaces")
def prefaces(client):
    preface = client.random.choice((b"", b"PRI", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\x0b", framings.get(),
                                    client.random.randbytes(100)))
    with Frames(client, preface=preface) as frames:
        client.read(frames.connection)


@http2("honest HTTP/2", honest=True)
def honest(client):
    with Frames(client, window=client.random.choice((16384, 65535, 1 << 24))) as frames:
        for stream in range(1, client.random.choice((3, 9)), 2):
            size = client.random.choice((1, 1000, 100_000, 1_000_000))
            begin = client.random.randrange(len(client.content) - size)
            part = b"bytes=%d-%d" % (begin, begin + size - 1)
            frames.send(get(b"/data", stream, field(b"range", part)))
            if frames.body(stream) != client.content[begin:begin + size]:
                raise AssertionError(f"other bytes than those from {begin} to {begin + size - 1}")
