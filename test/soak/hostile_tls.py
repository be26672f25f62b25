# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Clients that are hostile in TLS, and before it."""
import contextlib
import socket
import ssl
import subprocess
import time

from frames import PREFACE
from hostile_client import HTTPS, TLS_PROXY, in_pieces, kind, reset

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
GET = b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n"


def tls(name):
    return kind(name, HTTPS, TLS_PROXY)


def record(of, payload=b"", version=b"\x03\x03"):
    return bytes([of]) + version + len(payload).to_bytes(2, "big") + payload


class Flights:
    """A client's side of TLS whose bytes are sent by the kinds below, as they are or otherwise."""

    def __init__(self, client):
        version = ssl.TLSVersion.TLSv1_2 if client.one_in(2) else None
        alpn = ["h2"] if client.one_in(4) else None
        self.tcp = client.connect()
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = client.target.context(alpn, version).wrap_bio(
            self.received, self.to_send, server_hostname="localhost")
        self.is_done = False

    def next(self):
        """The next flight. The last is the one after which `is_done`."""
        try:
            self.session.do_handshake()
            self.is_done = True
        except ssl.SSLWantReadError:
            pass
        return self.to_send.read()

    def receive(self):
        part = self.tcp.recv(65536)
        if not part:
            raise EOFError("the server has ended it")
        self.received.write(part)

    def finish(self):
        """Handshakes as it should be."""
        while not self.is_done:
            self.tcp.sendall(self.next())
            if not self.is_done:
                self.receive()

    def seal(self, data):
        self.session.write(data)
        return self.to_send.read()


def damaged(client, flight):
    """A flight as no client sends it."""
    random = client.random
    at = random.randrange(len(flight))
    empty = record(random.choice((CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA)))
    alert = record(ALERT, bytes([random.choice((1, 2)), random.choice((0, 10, 40, 90, 100, 255))]))
    return random.choice((
        lambda: flight[:at],
        lambda: flight[:at] + bytes([flight[at] ^ 1 << random.randrange(8)]) + flight[at + 1:],
        lambda: flight + flight,
        lambda: alert + flight,
        lambda: flight + alert,
        lambda: empty * random.choice((1, 100)) + flight,
        lambda: flight + record(APPLICATION_DATA, random.randbytes(random.choice((0, 1, 100, 16_000)))),
        lambda: random.randbytes(len(flight)),
        lambda: flight + record(HANDSHAKE, random.randbytes(100)),
    ))()


@tls("handshake broken at a flight")
def broken_handshake(client):
    for _ in range(client.random.choice((1, 10))):
        with contextlib.suppress(OSError, EOFError):
            flights = Flights(client)
            breaks_at = client.random.randrange(2)
            for number in range(4):
                flight = flights.next()
                flights.tcp.sendall(damaged(client, flight) if number == breaks_at and flight else flight)
                if not flights.is_done:
                    flights.receive()
            if client.one_in(4):
                reset(flights.tcp)


@tls("handshake left at a flight")
def left_handshake(client):
    left = []  # open until all are
    for _ in range(client.random.choice((1, 20))):
        flights = Flights(client)
        left.append(flights)
        flights.tcp.sendall(flights.next())
        if client.one_in(2):
            flights.receive()
            flights.tcp.sendall(flights.next()[:-1])
    time.sleep(client.random.random() * client.patience)


@tls("handshake in small pieces")
def small_pieces(client):
    flights = Flights(client)
    if client.one_in(2):
        hello = flights.next()[5:]
        flights.tcp.sendall(b"".join(record(HANDSHAKE, hello[i:i + 1], b"\x03\x01") for i in range(len(hello))))
        flights.receive()
    while not flights.is_done:
        in_pieces(client, flights.tcp, flights.next())
        if not flights.is_done:
            flights.receive()
    in_pieces(client, flights.tcp, flights.seal(GET))
    client.read(flights.tcp, 1000)


@tls("not a byte")
def silence(client):
    client.read(client.connect())


@tls("half a ClientHello")
def half_a_hello(client):
    flights = Flights(client)
    hello = flights.next()
    flights.tcp.sendall(hello[:client.random.randrange(1, len(hello))])
    client.read(flights.tcp)


@tls("plain HTTP on the port")
def plain_http(client):
    connection = client.connect()
    connection.sendall(client.random.choice((GET, PREFACE, b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"\n")))
    client.read(connection)


@tls("garbage")
def garbage(client):
    random = client.random
    connection = client.connect()
    connection.sendall(random.choice((
        random.randbytes(random.choice((1, 5, 1000, 100_000))),
        record(HANDSHAKE, random.randbytes(16384)) * 4,
        record(HANDSHAKE, b"\1\xff\xff\xff" + bytes(16000)) * 20,  # a hello of 16 MiB
        record(random.randrange(256), random.randbytes(100), random.randbytes(2)),
        b"\x16\x03\x01\xff\xff" + random.randbytes(65535),
        b"\x80\x2e\1\0\2" + random.randbytes(100))))  # as SSL 2 began
    client.read(connection)


@tls("flood of records before a session")
def record_flood(client):
    flights = Flights(client)
    if client.one_in(2):
        flights.tcp.sendall(flights.next())
    one = client.random.choice((record(HANDSHAKE), record(ALERT), record(ALERT, b"\1\x5a"), record(APPLICATION_DATA),
                                record(CHANGE_CIPHER_SPEC, b"\1"), record(ALERT, b"\1\0")))
    for _ in range(100):
        flights.tcp.sendall(one * 200)
    client.read(flights.tcp)


@tls("damaged record in a session")
def damaged_record(client):
    flights = Flights(client)
    flights.finish()
    flights.tcp.sendall(flights.seal(GET))
    if client.one_in(2):
        flights.receive()
    flights.tcp.sendall(damaged(client, flights.seal(GET * client.random.choice((1, 100)))))
    client.read(flights.tcp)


@tls("close_notify, and on")
def close_notify_and_on(client):
    flights = Flights(client)
    flights.finish()
    request = flights.seal(client.random.choice((GET, GET.replace(b"file", b"large"))))
    more = flights.seal(GET)
    with contextlib.suppress(ssl.SSLWantReadError):
        flights.session.unwrap()
    flights.tcp.sendall(request + flights.to_send.read() + more)
    client.read(flights.tcp)


@tls("no close_notify")
def no_close_notify(client):
    flights = Flights(client)
    flights.finish()
    flights.tcp.sendall(flights.seal(GET))
    client.read(flights.tcp, client.random.choice((1, 1000)))
    if client.one_in(2):
        reset(flights.tcp)


def s_client(client, commands, version):
    """openssl s_client takes a letter as a command where a read of its input begins with it, so each is a packet."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, its:
        ours.settimeout(client.patience)
        process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{client.target.port}", "-servername", "localhost", version],
            stdin=its, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        its.close()
        try:
            for command in commands:
                ours.send(command)
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_WR)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(client.patience)
        finally:
            process.kill()
            process.wait()


@tls("flood of KeyUpdate")
def key_updates(client):
    s_client(client, [client.random.choice((b"K\n", b"k\n"))] * 300, "-tls1_3")


@tls("flood of renegotiations")
def renegotiations(client):
    s_client(client, [b"R\n"] * 100, "-tls1_2")
