# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""HTTP/2 frame by frame, for clients that keep to its rules or don't."""

import contextlib
import socket
import ssl

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 1
END_HEADERS, PADDED = 4, 8
ALL_OF_IT = END_HEADERS | END_STREAM
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 3, 5, 6, 7, 8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 9, 11
# By their places in HPACK's table: :method, :scheme https, :authority localhost.
GET, POST, HTTPS = b"\x82", b"\x83", b"\x87"
LOCALHOST = b"\x01\x09localhost"
STATUS_200 = b"\x88"
WHOLE_WINDOW = (1 << 31) - 1


def number(value, size=4):
    return value.to_bytes(size, "big")


def frame(kind, payload=b"", stream=0, flags=0):
    return number(len(payload), 3) + bytes([kind, flags]) + number(stream) + payload


def field(name, value):
    """As HPACK writes it, without its tables. Up to 126 bytes each."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def path(name):
    return b"\x04" + bytes([len(name)]) + name


def get(name, stream, *more, method=GET, flags=ALL_OF_IT):
    """A request that is all in one frame."""
    return frame(HEADERS, method + HTTPS + LOCALHOST + path(name) + b"".join(more), stream, flags)


def setting(name, value):
    return number(name, 2) + number(value)


class Frames:
    """A client that has said its preface, unless `preface` says something else."""

    def __init__(self, server, window=65535, preface=PREFACE):
        self.connection = server.connect_tls(alpn=["h2"])
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small frames answer each other
        self.file = self.connection.makefile("rb")
        self.send(preface)
        if preface == PREFACE:
            self.send(frame(SETTINGS, setting(4, window)))
            if window > 65535:
                self.send(frame(WINDOW_UPDATE, number(window - 65535)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.connection.close()

    def send(self, *frames):
        self.connection.sendall(b"".join(frames))

    def what_is_there(self):
        """Bytes, without waiting for any; None at the end. Not beside the others, which read ahead."""
        patience = self.connection.gettimeout()
        self.connection.settimeout(0)
        try:
            return self.connection.recv(1 << 16) or None
        except ssl.SSLWantReadError:
            return b""
        except OSError:
            return None
        finally:
            with contextlib.suppress(OSError):
                self.connection.settimeout(patience)

    def any(self):
        """Kind, stream, flags and payload of the next frame, or None at the end."""
        header = self.file.read(9)
        if not header:
            return None
        payload = self.file.read(int.from_bytes(header[:3], "big"))
        return header[3], int.from_bytes(header[5:], "big"), header[4], payload

    def next(self, kind):
        """Stream, flags and payload of the next frame of this kind."""
        while got := self.any():
            if got[0] == kind:
                return got[1:]
        raise AssertionError("the connection ended")

    def ending(self):
        """Stream and error of what is next: a stream that is reset, or (0, …) a connection that is given up."""
        while got := self.any():
            if got[0] == RST_STREAM:
                return got[1], int.from_bytes(got[3], "big")
            if got[0] == GOAWAY:
                return 0, int.from_bytes(got[3][4:8], "big")
        raise AssertionError("the connection ended")

    def body(self, stream):
        """What is left of a stream's body, for which windows are opened as it comes."""
        received = bytearray()
        while True:
            kind, of, flags, payload = self.any()
            if kind == DATA and payload:
                self.send(frame(WINDOW_UPDATE, number(len(payload))))
            if of != stream:
                continue
            if kind == RST_STREAM:
                raise AssertionError(f"the stream was reset: {payload}")
            if kind == DATA:
                received += payload
                if payload and not flags & END_STREAM:
                    self.send(frame(WINDOW_UPDATE, number(len(payload)), stream))
            if flags & END_STREAM and kind in (DATA, HEADERS):
                return bytes(received)
