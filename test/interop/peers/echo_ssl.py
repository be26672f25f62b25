# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""echo_ssl.py server VERSION CERTIFICATE KEY: sends back what comes.

echo_ssl.py client VERSION PORT AUTHORITY: sends its input, then close_notify, and prints what comes.
"""
import contextlib
import os
import select
import socket
import ssl
import sys

WAITS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
BOUND = 1 << 20  # of what waits to be sent


def talk(connection, take, source=None):
    """Sends what the source has, if there is one, and what take() answers, until both sides have ended."""
    connection.setblocking(False)
    waiting, peer_ended, ended = bytearray(), False, False
    while not (peer_ended and ended):
        with contextlib.suppress(*WAITS):
            while not peer_ended and len(waiting) < BOUND:
                came = connection.recv(65536)
                peer_ended = not came
                waiting += take(came)
        with contextlib.suppress(*WAITS):
            while waiting:
                del waiting[:connection.send(waiting[:65536])]
        if not waiting and not ended and (source is None and peer_ended or source == -1):
            ended = True
            with contextlib.suppress(*WAITS):
                connection.unwrap()
                return
        if peer_ended and ended:
            return
        from_source = [source] if source not in (None, -1) and len(waiting) < BOUND else []
        readable, _, _ = select.select([connection] * (not peer_ended) + from_source, [connection] if waiting else [], [])
        if source in readable:
            piece = os.read(source, 65536)
            waiting += piece
            source = source if piece else -1


def client(version, port, authority):
    def print_bytes(came):
        sys.stdout.buffer.write(came)
        sys.stdout.buffer.flush()
        return b""
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = context.maximum_version = version
    plain = socket.create_connection(("127.0.0.1", port))
    connection = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
    talk(connection, print_bytes, sys.stdin.fileno())


def server(version, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.minimum_version = context.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:
        while True:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as connection:
                    talk(connection, lambda came: came)
            except OSError as why:
                print(why, file=sys.stderr)


if __name__ == "__main__":
    ROLE, VERSION, FIRST, SECOND = sys.argv[1:]
    ONLY = ssl.TLSVersion.TLSv1_2 if VERSION == "1.2" else ssl.TLSVersion.TLSv1_3
    if ROLE == "client":
        client(ONLY, int(FIRST), SECOND)
    else:
        server(ONLY, FIRST, SECOND)
