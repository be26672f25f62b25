# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Clients that are hostile in HTTP/1.1, and those that drop their connection at any time."""
import socket
import time

import framings
from frames import Frames, get as get_frame
from hostile_client import HTTPS, in_pieces, kind, reset

GET_LARGE = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"


@kind("bad framing")
def bad_framing(client):
    _, sent, _ = client.random.choice(framings.INPUTS)
    connection = client.connect_tls()
    in_pieces(client, connection, sent)
    client.read(connection)


@kind("damaged request")
def damaged_request(client):
    request = bytearray(framings.get(b"Range: bytes=1-2", b"If-None-Match: \"x\"", b"Accept-Encoding: gzip"))
    for _ in range(client.random.randrange(1, 4)):
        request[client.random.randrange(len(request))] = client.random.randrange(256)
    connection = client.connect_tls()
    connection.sendall(request)
    client.read(connection)


@kind("bad target")
def bad_target(client):
    parts = (b"/", b"..", b".", b"%2e%2e", b"%2f", b"%00", b"%", b"%zz", b"\\", b"//", b"file", b"?", b"#", b"*",
             b"http://x/", b"\xc3\xa9", b"\xff", b"a" * 300, b"a" * 17_000)
    target = b"/" + b"".join(client.random.choice(parts) for _ in range(client.random.randrange(1, 8)))
    connection = client.connect_tls()
    connection.sendall(framings.get(line=b"GET " + target + b" HTTP/1.1") + framings.get(b"Connection: close"))
    client.read(connection)


@kind("range abuse")
def range_abuse(client):
    end = client.random.choice((0, 1, 1 << 22, (1 << 63) - 1, 1 << 63, 1 << 64, 10 ** 40))
    ranges = client.random.choice((
        b"-0", b"-%d" % end, b"%d-" % end, b"%d-0" % end, b"0-%d" % end, b"-", b"", b"0-0,0-0", b"x",
        b",".join(b"%d-%d" % (i, i + 5) for i in range(client.random.choice((10, 1000)))),
        b",".join([b"0-"] * client.random.choice((100, 3000)))))
    request = b"GET /data HTTP/1.1\r\nHost: localhost\r\nRange: bytes=" + ranges + b"\r\n\r\n"
    connection = client.connect_tls()
    connection.sendall(request * client.random.randrange(1, 4))
    client.read(connection)


def trickle(client, connection, data):
    """A byte at a time, for as long as it has patience."""
    end = time.monotonic() + client.patience
    for i in range(len(data)):
        if time.monotonic() > end:
            return
        connection.sendall(data[i:i + 1])
        time.sleep(client.random.random() * client.patience / 20)


@kind("slow header")
def slow_header(client):
    connection = client.connect_tls()
    trickle(client, connection, framings.get(*[b"X: y"] * 200))
    client.read(connection)


@kind("header without end")
def endless_header(client):
    connection = client.connect_tls()
    connection.sendall(framings.get()[:-2])
    part = client.random.choice((b"x", b"X: y\r\n", b" folded\r\n", b"\r", b"x" * 10_000 + b": y\r\n")) * 50
    for _ in range(2000):
        connection.sendall(part)
    client.read(connection)


@kind("body without end")
def endless_body(client):
    chunked = client.one_in(2)
    connection = client.connect_tls()
    field = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (1 << 62)
    connection.sendall(framings.post(field, line=client.random.choice((b"POST", b"GET")) + b" /file HTTP/1.1"))
    part = b"1\r\nx\r\n" * 1000 if chunked else b"x" * 10_000
    for _ in range(client.random.choice((1, 10, 1000))):
        connection.sendall(part)
    client.read(connection)


@kind("pipelined and not read")
def pipelined(client):
    connection = client.connect_tls()
    request = client.random.choice((GET_LARGE, framings.get(), framings.HIDDEN))
    for _ in range(20):
        connection.sendall(request * 50)
    client.read(connection, client.random.choice((0, 1, 100_000)))
    time.sleep(client.random.random() * client.patience)


@kind("download not read")
def unread(client):
    connection = client.connect_tls()
    connection.sendall(GET_LARGE)
    client.read(connection, 1)
    time.sleep(client.patience)
    if client.one_in(2):
        reset(connection)


@kind("reset in a download")
def reset_in_download(client):
    if client.target.name == HTTPS and client.one_in(2):
        connection = Frames(client, window=1 << 30)
        connection.send(*(get_frame(b"/large", stream) for stream in range(1, 9, 2)))
        connection = connection.connection
    else:
        connection = client.connect_tls()
        connection.sendall(GET_LARGE)
    client.read(connection, client.random.choice((0, 1, 1000, 1_000_000)))
    reset(connection)


@kind("reset at any time")
def reset_at_any_time(client):
    connection = client.connect() if client.one_in(2) else client.connect_tls()
    if client.one_in(2):
        connection.sendall(framings.get()[:client.random.randrange(1, 40)])
    time.sleep(client.random.random() ** 3 * client.patience / 3)
    reset(connection)


@kind("half-close")
def half_close(client):
    connection = client.connect_tls()
    with socket.socket(fileno=socket.dup(connection.fileno())) as tcp:
        requests = client.random.choice((b"", b"GET", framings.get(), GET_LARGE))
        connection.sendall(requests)
        tcp.shutdown(socket.SHUT_WR)  # without close_notify
        client.read(connection)
