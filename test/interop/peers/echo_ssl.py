# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""echo_ssl.py server VERSION CERTIFICATE KEY: sends back what comes.

echo_ssl.py client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
echo_ssl.py resume VERSION PORT,... AUTHORITY ROUNDS: that many connections to the ports in turn, with a question that
HTTP servers and those that send it back answer with an empty line, and prints how many resumed a session.
"""
import contextlib
import os
import pathlib
import select
import socket
import ssl
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from tls_context import client_context, server_context

QUESTION = b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
BOUND = 1 << 20  # of what waits to be sent


class Session:
    """TLS over memory: unwrap() on a socket could meet plaintext that has just come, by which OpenSSL ends a session."""

    def __init__(self, plain, context, **options):
        self.plain, self.incoming, self.outgoing = plain, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **options)
        done = False
        while not done:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
                done = True
            self.plain.sendall(self.outgoing.read())
            if not done:
                self.receive()

    def receive(self):
        came = self.plain.recv(65536)
        self.incoming.write(came) if came else self.incoming.write_eof()

    def talk(self, take, source=None):
        """Sends what the source has, if there is one, and what take() answers, until both sides have ended."""
        self.plain.setblocking(False)
        sealed, peer_ended, ended = bytearray(), False, False
        while sealed or not (peer_ended and ended):
            try:
                while not peer_ended and len(sealed) < BOUND:
                    came = self.tls.read(65536)
                    peer_ended = not came
                    if answer := take(came):
                        self.tls.write(answer)
                    sealed += self.outgoing.read()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                peer_ended = True
            if not ended and len(sealed) < BOUND and (source is None and peer_ended or source == -1):
                ended = True
                with contextlib.suppress(ssl.SSLWantReadError):
                    self.tls.unwrap()
                sealed += self.outgoing.read()
            from_source = [source] if source not in (None, -1) and len(sealed) < BOUND else []
            readers = [self.plain] * (not peer_ended and len(sealed) < BOUND) + from_source
            if not readers and not sealed:
                continue
            readable, writable, _ = select.select(readers, [self.plain] if sealed else [], [])
            if writable:
                del sealed[:self.plain.send(sealed)]
            if self.plain in readable:
                self.receive()
            if source in readable:
                if piece := os.read(source, 65536):
                    self.tls.write(piece)
                    sealed += self.outgoing.read()
                else:
                    source = -1


def client(version, port, authority):
    def print_bytes(came):
        sys.stdout.buffer.write(came)
        sys.stdout.buffer.flush()
        return b""
    context = client_context(authority)
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port)) as plain:
        Session(plain, context, server_hostname="localhost").talk(print_bytes, sys.stdin.fileno())


def close(tls):
    try:
        tls.unwrap()
    except (ssl.SSLEOFError, ConnectionResetError):
        pass  # some close without close_notify
    except ssl.SSLError as why:  # nor does unwrap() always have SSLEOFError for that
        if why.reason != "UNEXPECTED_EOF_WHILE_READING":
            raise


def resume(version, ports, authority, rounds):
    context = client_context(authority)
    context.minimum_version = context.maximum_version = version
    session, resumed = None, 0
    for at in range(rounds):
        with socket.create_connection(("127.0.0.1", ports[at % len(ports)])) as plain, \
                context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
            tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else many wait for a late acknowledgement
            tls.sendall(QUESTION)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                came = tls.recv(65536)
                if not came:
                    raise EOFError(answer)
                answer += came
            session, resumed = tls.session, resumed + tls.session_reused
            close(tls)
    print(f"resumed {resumed} of {rounds}", flush=True)


def server(version, certificate, key):
    context = server_context(certificate, key)
    context.minimum_version = context.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:
        while True:
            plain, _ = listener.accept()
            try:
                with plain:
                    Session(plain, context, server_side=True).talk(lambda came: came)
            except OSError as why:
                print(why, file=sys.stderr)


if __name__ == "__main__":
    ROLE, VERSION, FIRST, SECOND, *ROUNDS = sys.argv[1:]
    ONLY = ssl.TLSVersion.TLSv1_2 if VERSION == "1.2" else ssl.TLSVersion.TLSv1_3
    if ROLE == "client":
        client(ONLY, int(FIRST), SECOND)
    elif ROLE == "resume":
        resume(ONLY, [int(each) for each in FIRST.split(",")], SECOND, int(*ROUNDS))
    else:
        server(ONLY, FIRST, SECOND)
