# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""plain.py server: sends back what comes. plain.py client PORT: sends its input, and prints what comes.

Without TLS: for the far side of a proxy.
"""
import os
import socket
import sys
import threading


def echo(connection):
    with connection:
        while piece := connection.recv(65536):
            connection.sendall(piece)


def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=echo, args=(connection,), daemon=True).start()


def client(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        def send():
            while piece := os.read(0, 65536):
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        threading.Thread(target=send, daemon=True).start()
        while piece := connection.recv(65536):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    if sys.argv[1] == "client":
        client(int(sys.argv[2]))
    else:
        server()
