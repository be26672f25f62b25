# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""The client's side of RFC 6455 and RFC 7692, as plain as a test needs it."""

import base64
import hashlib
import os
import struct
import zlib

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, COMPRESSED = 0x80, 0x40
NORMAL, GOING_AWAY, PROTOCOL_ERROR, BAD_PAYLOAD, TOO_BIG, TRY_AGAIN_LATER = 1000, 1001, 1002, 1007, 1009, 1013


def request(path, *fields):
    """A request for a WebSocket; further fields replace those of the same name."""
    all_fields = {"Host": "localhost", "Connection": "Upgrade", "Upgrade": "websocket",
                  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    all_fields.update(fields)
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_fields.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(data, mask):
    whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (len(data) // 4 + 1))[:len(data)], "big")
    return whole.to_bytes(len(data), "big")


class WebSocket:
    """A WebSocket over a connection; use it in a with statement."""

    def __init__(self, connection, path="/ws", compress=False):
        self.connection = connection
        self.received = b""
        key = base64.b64encode(os.urandom(16)).decode()
        fields = [("Sec-WebSocket-Key", key)]
        if compress:
            fields.append(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
        connection.sendall(request(path, *fields))
        while b"\r\n\r\n" not in self.received:
            self._receive()
        header, _, self.received = self.received.partition(b"\r\n\r\n")
        self.header = header.decode()
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        if not self.header.startswith("HTTP/1.1 101 "):
            raise AssertionError(self.header)
        if f"Sec-WebSocket-Accept: {base64.b64encode(accept).decode()}" not in self.header:
            raise AssertionError(self.header)
        compress = "permessage-deflate" in self.header
        self.deflate = zlib.compressobj(wbits=-15) if compress else None
        self.inflate = zlib.decompressobj(wbits=-15) if compress else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def _receive(self):
        part = self.connection.recv(65536)
        if not part:
            raise EOFError("the connection has ended")
        self.received += part

    def _take(self, size):
        while len(self.received) < size:
            self._receive()
        taken, self.received = self.received[:size], self.received[size:]
        return taken

    def send_frame(self, opcode, payload=b"", flags=FIN, mask=True):
        size = len(payload)
        bit = 0x80 if mask else 0
        head = bytes([flags | opcode])
        if size < 126:
            head += bytes([bit | size])
        elif size < 65536:
            head += bytes([bit | 126]) + struct.pack("!H", size)
        else:
            head += bytes([bit | 127]) + struct.pack("!Q", size)
        if mask:
            key = os.urandom(4)
            head, payload = head + key, masked(payload, key)
        self.connection.sendall(head + payload)

    def send(self, message, opcode=BINARY):
        if not self.deflate:
            return self.send_frame(opcode, message)
        packed = self.deflate.compress(message) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        return self.send_frame(opcode, packed[:-4], FIN | COMPRESSED)

    def receive_frame(self):
        """The flags, the opcode and the payload of the next frame."""
        first, size = self._take(2)
        if size == 126:
            size, = struct.unpack("!H", self._take(2))
        elif size == 127:
            size, = struct.unpack("!Q", self._take(8))
        return first & 0xf0, first & 0x0f, self._take(size)

    def receive(self):
        """The opcode and the content of the next message or control frame."""
        flags, opcode, content = self.receive_frame()
        compressed = flags & COMPRESSED
        while not flags & FIN:
            flags, _, part = self.receive_frame()
            content += part
        if compressed:
            content = self.inflate.decompress(content + b"\x00\x00\xff\xff")
        return opcode, content

    def send_close(self, code=NORMAL):
        self.send_frame(CLOSE, struct.pack("!H", code) if code else b"")

    def receive_close(self):
        """The code of a close frame, which has to be next but for pings; then the connection ends."""
        while (frame := self.receive())[0] == PING:
            pass
        opcode, content = frame
        if opcode != CLOSE:
            raise AssertionError(f"opcode {opcode} is no close frame")
        return struct.unpack("!H", content[:2])[0] if content else None
