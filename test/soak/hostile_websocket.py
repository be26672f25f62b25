# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Clients that are hostile over a WebSocket."""
import struct
import time

import websocket_client as ws
from hostile_client import kind, reset
from websocket_client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket


def open_one(client, compress=False):
    path = client.random.choice(("/ws", "/ws", "/live"))
    return WebSocket(client.connect_tls(), path=path, compress=compress)


@kind("bad WebSocket request")
def bad_request(client):
    fields = client.random.choice((
        ("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", "x" * 100), ("Sec-WebSocket-Key", None),
        ("Upgrade", "x"), ("Origin", "https://elsewhere.example"), ("Host", "<x>"), ("Connection", "close"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=99; x" * 20)))
    connection = client.connect_tls()
    connection.sendall(ws.request("/ws", fields) + client.random.choice((b"", b"\x81\x80\0\0\0\0")))
    client.read(connection)


@kind("flood of fragments")
def fragments(client):
    socket = open_one(client)
    socket.send_frame(client.random.choice((TEXT, BINARY)), b"", flags=0)
    one = client.random.choice((b"\x00\x80\0\0\0\0", b"\x00\x81\0\0\0\0x"))
    for _ in range(client.random.choice((10, 100))):
        socket.connection.sendall(one * 1000)
    if client.one_in(2):
        socket.send_frame(CONTINUATION)
    client.read(socket.connection)


@kind("flood of pings")
def pings(client):
    socket = open_one(client)
    one = bytes([ws.FIN | client.random.choice((PING, PONG)), 0x80 | 125]) + bytes(4) + bytes(125)
    for _ in range(300):
        socket.connection.sendall(one * 100)  # whose answers nobody reads
    client.read(socket.connection)


@kind("huge lengths")
def huge_lengths(client):
    socket = open_one(client)
    size = client.random.choice((1 << 20, (1 << 20) + 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1))
    first = client.random.choice((0, ws.FIN)) | BINARY
    socket.connection.sendall(bytes([first, 0xff]) + struct.pack("!Q", size) + bytes(4))
    for _ in range(client.random.choice((0, 1, 200))):
        socket.connection.sendall(bytes(10_000))
    client.read(socket.connection)


@kind("broken WebSocket frame")
def broken_frame(client):
    socket = open_one(client)
    if client.one_in(2):
        socket.send_frame(TEXT, b"begun", flags=0)
    socket.send_frame(**client.random.choice((
        {"opcode": BINARY, "payload": b"x", "mask": False}, {"opcode": 3}, {"opcode": 15}, {"opcode": CONTINUATION},
        {"opcode": PING, "payload": b"x" * 126}, {"opcode": PING, "flags": 0}, {"opcode": CLOSE, "payload": b"x"},
        {"opcode": CLOSE, "payload": b"\x03\xed"}, {"opcode": BINARY, "flags": 0xf0},
        {"opcode": CLOSE, "payload": b"\x03\xe8\xff"})))
    client.read(socket.connection)


@kind("bad UTF-8")
def bad_utf8(client):
    socket = open_one(client)
    bad = client.random.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "ö".encode()[:1]))
    at = client.random.randrange(1, len(bad) + 1)
    socket.send_frame(TEXT, b"x" * client.random.randrange(2000) + bad[:at], flags=0)
    socket.send_frame(CONTINUATION, bad[at:])
    client.read(socket.connection)


@kind("close in a message")
def close_in_message(client):
    socket = open_one(client)
    socket.send_frame(BINARY, b"x" * client.random.randrange(100_000), flags=0)
    socket.send_close(client.random.choice((ws.NORMAL, 0, 3000)))
    for _ in range(client.random.choice((0, 1, 50))):
        socket.send_frame(CONTINUATION, b"on it goes", flags=0)
    client.read(socket.connection)


@kind("echo not read")
def unread_echo(client):
    socket = open_one(client)
    for _ in range(20):
        socket.send(b"x" * client.random.choice((100, 100_000, 1_000_000)))
    time.sleep(client.patience)


@kind("bomb of permessage-deflate")
def deflate_bomb(client):
    socket = open_one(client, compress=True)
    if client.one_in(2):
        socket.send(bytes(8 << 20))
    else:  # no deflate at all
        socket.send_frame(BINARY, client.random.randbytes(1000), ws.FIN | ws.COMPRESSED)
    client.read(socket.connection)


@kind("random WebSocket frames")
def random_websocket_frames(client):
    socket = open_one(client, compress=client.one_in(2))
    for _ in range(client.random.randrange(1, 50)):
        socket.send_frame(client.random.choice((TEXT, BINARY, CONTINUATION, PING, PONG, client.random.randrange(16))),
                          client.random.randbytes(client.random.choice((0, 1, 125, 126, 5000))),
                          flags=client.random.choice((0, ws.FIN, ws.FIN, ws.FIN | ws.COMPRESSED)))
    client.read(socket.connection)


@kind("WebSocket dropped")
def dropped(client):
    socket = open_one(client)
    if client.one_in(2):
        socket.send_frame(BINARY, b"x" * 1000, flags=client.random.choice((0, ws.FIN)))
    time.sleep(client.random.random() ** 3 * client.patience / 3)
    if client.one_in(2):
        reset(socket.connection)


@kind("honest WebSocket", honest=True)
def honest(client):
    with WebSocket(client.connect_tls(), compress=client.one_in(2)) as socket:
        for _ in range(client.random.randrange(1, 5)):
            message = client.random.randbytes(client.random.choice((0, 1, 1000, 65536)))
            socket.send(message)
            while (got := socket.receive())[0] == PING:
                socket.send_frame(PONG, got[1])
            if got != (BINARY, message):
                raise AssertionError("the echo is another message")
        socket.send_close()
        if socket.receive_close() != ws.NORMAL:
            raise AssertionError("another close than ours has come back")
