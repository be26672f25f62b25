# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""What clients send that break HTTP/2 (RFC 9113), and what has to come of it."""

from frames import (ACK, ALL_OF_IT, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR,
                    FRAME_SIZE_ERROR, GET, GOAWAY, HEADERS, HTTPS, LOCALHOST, PADDED, PING, POST, PRIORITY,
                    PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STATUS_200, STREAM_CLOSED, WHOLE_WINDOW,
                    WINDOW_UPDATE, field, frame, get, number, path, setting)

FILE = b"/small.txt"
SMALL = get(FILE, 1)
OPEN = get(FILE, 1, method=POST, flags=END_HEADERS)  # its body is still to come
UNREAD = frame(SETTINGS, setting(4, 0))  # no answer has a window
CONNECTION = 0


def block(*parts, stream=1, flags=ALL_OF_IT):
    return frame(HEADERS, b"".join(parts), stream, flags)


def long_path(name):
    return b"\x04\x7f" + bytes([(len(name) - 127) & 127 | 128, (len(name) - 127) >> 7]) + name


# What is sent behind the preface, the section of RFC 9113 that forbids it, and what has to come: the error of the
# connection, or of a stream (for which section 5.4 allows the connection's too), or nothing at all.
CONNECTION_ERRORS = (
    ("SETTINGS on a stream", "6.5", PROTOCOL_ERROR, frame(SETTINGS, b"", 1)),
    ("SETTINGS of 5 bytes", "6.5", FRAME_SIZE_ERROR, frame(SETTINGS, bytes(5))),
    ("SETTINGS that acknowledge with a payload", "6.5", FRAME_SIZE_ERROR, frame(SETTINGS, setting(4, 1), 0, ACK)),
    ("ENABLE_PUSH of 2", "6.5.2", PROTOCOL_ERROR, frame(SETTINGS, setting(2, 2))),
    ("INITIAL_WINDOW_SIZE of 2^31", "6.5.2", FLOW_CONTROL_ERROR, frame(SETTINGS, setting(4, 1 << 31))),
    ("MAX_FRAME_SIZE of 16383", "6.5.2", PROTOCOL_ERROR, frame(SETTINGS, setting(5, 16383))),
    ("MAX_FRAME_SIZE of 2^24", "6.5.2", PROTOCOL_ERROR, frame(SETTINGS, setting(5, 1 << 24))),
    ("PING on a stream", "6.7", PROTOCOL_ERROR, frame(PING, bytes(8), 1)),
    ("PING of 7 bytes", "6.7", FRAME_SIZE_ERROR, frame(PING, bytes(7))),
    ("PING of 9 bytes", "6.7", FRAME_SIZE_ERROR, frame(PING, bytes(9))),
    ("GOAWAY on a stream", "6.8", PROTOCOL_ERROR, frame(GOAWAY, bytes(8), 1)),
    ("GOAWAY of 7 bytes", "4.2", FRAME_SIZE_ERROR, frame(GOAWAY, bytes(7))),
    ("WINDOW_UPDATE of 3 bytes", "6.9", FRAME_SIZE_ERROR, frame(WINDOW_UPDATE, bytes(3))),
    ("WINDOW_UPDATE of 0", "6.9", PROTOCOL_ERROR, frame(WINDOW_UPDATE, number(0))),
    ("WINDOW_UPDATE that overflows", "6.9.1", FLOW_CONTROL_ERROR, frame(WINDOW_UPDATE, number(WHOLE_WINDOW))),
    ("WINDOW_UPDATE on an idle stream", "5.1", PROTOCOL_ERROR, frame(WINDOW_UPDATE, number(1), 1)),
    ("RST_STREAM on the connection", "6.4", PROTOCOL_ERROR, frame(RST_STREAM, number(8))),
    ("RST_STREAM on an idle stream", "6.4", PROTOCOL_ERROR, frame(RST_STREAM, number(8), 1)),
    ("RST_STREAM of 3 bytes", "6.4", FRAME_SIZE_ERROR, OPEN + frame(RST_STREAM, bytes(3), 1)),
    ("PRIORITY on the connection", "6.3", PROTOCOL_ERROR, frame(PRIORITY, bytes(5))),
    ("PUSH_PROMISE of a client", "8.4", PROTOCOL_ERROR, OPEN + frame(PUSH_PROMISE, number(2) + GET, 1, END_HEADERS)),
    ("DATA on the connection", "6.1", PROTOCOL_ERROR, frame(DATA, b"x")),
    ("DATA on an idle stream", "5.1", PROTOCOL_ERROR, frame(DATA, b"x", 1)),
    ("DATA that is all padding and more", "6.1", PROTOCOL_ERROR, OPEN + frame(DATA, b"\x05abc", 1, PADDED)),
    ("HEADERS on the connection", "6.2", PROTOCOL_ERROR, get(FILE, 0)),
    ("HEADERS on an even stream", "5.1.1", PROTOCOL_ERROR, get(FILE, 2)),
    ("HEADERS with more padding than there is", "6.2", PROTOCOL_ERROR,
     frame(HEADERS, b"\x09" + GET, 1, ALL_OF_IT | PADDED)),
    ("HEADERS of 16385 bytes", "4.2", FRAME_SIZE_ERROR, block(bytes(16385))),
    ("SETTINGS beyond the largest frame", "4.2", FRAME_SIZE_ERROR, frame(SETTINGS, bytes(16386))),
    ("index 0", "4.3", COMPRESSION_ERROR, block(b"\x80")),
    ("an index beyond the tables", "4.3", COMPRESSION_ERROR, block(GET, b"\xff\x7f")),
    ("a number without an end", "4.3", COMPRESSION_ERROR, block(b"\xff" * 12)),
    ("a string that is cut", "4.3", COMPRESSION_ERROR, block(GET, b"\0\x05ab")),
    ("a table beyond SETTINGS", "4.3.1", COMPRESSION_ERROR, block(b"\x3f\xe1\xff\x03", GET)),
    ("CONTINUATION without a header", "6.10", PROTOCOL_ERROR, frame(CONTINUATION, GET, 1, END_HEADERS)),
    ("CONTINUATION behind the end", "6.10", PROTOCOL_ERROR, OPEN + frame(CONTINUATION, b"", 1, END_HEADERS)),
    ("CONTINUATION of another stream", "6.10", PROTOCOL_ERROR,
     block(GET, flags=0) + frame(CONTINUATION, HTTPS, 3, END_HEADERS)),
    ("PING in a header", "6.10", PROTOCOL_ERROR, block(GET, flags=0) + frame(PING, bytes(8))),
    ("an unknown frame in a header", "5.5", PROTOCOL_ERROR, block(GET, flags=0) + frame(0x99, b"x", 1)),
    ("DATA behind the end", "5.1", STREAM_CLOSED, UNREAD + SMALL + frame(DATA, b"x", 1)),
    ("HEADERS behind the end", "5.1", STREAM_CLOSED, UNREAD + SMALL + block(field(b"x", b"y"))),
)
# The first is one of the connection by section 6.9.2, but nghttp2 resets each stream whose window is concerned.
STREAM_ERRORS = (
    ("INITIAL_WINDOW_SIZE that overflows a window", "6.9.2", FLOW_CONTROL_ERROR,
     UNREAD + get(b"/large", 1) + frame(WINDOW_UPDATE, number(WHOLE_WINDOW - 1), 1) + frame(SETTINGS, setting(4, 9))),
    ("WINDOW_UPDATE of 0 on a stream", "6.9", PROTOCOL_ERROR, OPEN + frame(WINDOW_UPDATE, number(0), 1)),
    ("WINDOW_UPDATE that overflows a stream", "6.9.1", FLOW_CONTROL_ERROR,
     OPEN + frame(WINDOW_UPDATE, number(WHOLE_WINDOW), 1)),
    ("PRIORITY of 4 bytes", "6.3", FRAME_SIZE_ERROR, OPEN + frame(PRIORITY, bytes(4), 1)),
    ("DATA beyond the largest frame", "4.2", FRAME_SIZE_ERROR, OPEN + frame(DATA, bytes(16385), 1)),
    ("an uppercase name", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"X-Upper", b"y"))),
    ("a name with a space", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"x y", b"z"))),
    ("a name with a colon", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"x:y", b"z"))),
    ("an empty name", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"", b"z"))),
    ("a value with NUL", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"x", b"a\0b"))),
    ("a value with CR", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"x", b"a\rb"))),
    ("a value with LF", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"x", b"a\nb"))),
    ("a value that begins with a space", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"x", b" a"))),
    ("a value that ends with a tab", "8.2.1", PROTOCOL_ERROR, get(FILE, 1, field(b"x", b"a\t"))),
    *((f"{name} of HTTP/1.1", "8.2.2", PROTOCOL_ERROR, get(FILE, 1, field(name.encode(), b"close")))
      for name in ("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade")),
    ("TE other than trailers", "8.2.2", PROTOCOL_ERROR, get(FILE, 1, field(b"te", b"gzip"))),
    ("no :method", "8.3.1", PROTOCOL_ERROR, block(HTTPS, LOCALHOST, path(FILE))),
    ("no :scheme", "8.3.1", PROTOCOL_ERROR, block(GET, LOCALHOST, path(FILE))),
    ("no :path", "8.3.1", PROTOCOL_ERROR, block(GET, HTTPS, LOCALHOST)),
    ("an empty :path", "8.3.1", PROTOCOL_ERROR, block(GET, HTTPS, LOCALHOST, path(b""))),
    ("a :path without a slash", "8.3.1", PROTOCOL_ERROR, block(GET, HTTPS, LOCALHOST, path(b"small.txt"))),
    ("two :method", "8.3.1", PROTOCOL_ERROR, block(GET, GET, HTTPS, LOCALHOST, path(FILE))),
    ("two :path", "8.3.1", PROTOCOL_ERROR, block(GET, HTTPS, LOCALHOST, path(FILE), path(FILE))),
    ("two :authority", "8.3.1", PROTOCOL_ERROR, block(GET, HTTPS, LOCALHOST, LOCALHOST, path(FILE))),
    (":status of a client", "8.3", PROTOCOL_ERROR, get(FILE, 1, STATUS_200)),
    ("an unknown pseudo-field", "8.3", PROTOCOL_ERROR, block(GET, HTTPS, field(b":x", b"y"), LOCALHOST, path(FILE))),
    ("a pseudo-field behind the others", "8.3", PROTOCOL_ERROR,
     block(GET, HTTPS, LOCALHOST, field(b"x", b"y"), path(FILE))),
    (":protocol without CONNECT", "8.3", PROTOCOL_ERROR,
     block(GET, HTTPS, LOCALHOST, path(FILE), field(b":protocol", b"websocket"))),
    ("CONNECT with a :path", "8.5", PROTOCOL_ERROR, block(field(b":method", b"CONNECT"), LOCALHOST, path(FILE))),
    ("a pseudo-field in the trailer", "8.1", PROTOCOL_ERROR, OPEN + block(GET)),
    ("a trailer that isn't the end", "8.1", PROTOCOL_ERROR, OPEN + block(field(b"x", b"y"), flags=END_HEADERS)),
    ("a body beyond content-length", "8.1.1", PROTOCOL_ERROR,
     get(FILE, 1, field(b"content-length", b"3"), method=POST, flags=END_HEADERS) + frame(DATA, b"four", 1, END_STREAM)),
    ("a body below content-length", "8.1.1", PROTOCOL_ERROR,
     get(FILE, 1, field(b"content-length", b"5"), method=POST, flags=END_HEADERS) + frame(DATA, b"four", 1, END_STREAM)),
    ("content-length without a body", "8.1.1", PROTOCOL_ERROR, get(FILE, 1, field(b"content-length", b"5"))),
    ("two lengths", "8.1.1", PROTOCOL_ERROR,
     get(FILE, 1, field(b"content-length", b"4"), field(b"content-length", b"5"), method=POST, flags=END_HEADERS)),
    ("no number for a length", "8.1.1", PROTOCOL_ERROR, get(FILE, 1, field(b"content-length", b"x"))),
)
ALLOWED = (
    ("an unknown setting", frame(SETTINGS, setting(0x99, 1))),
    ("an unknown frame", frame(0x99, b"x") + frame(0x99, b"x", 7)),
    ("unknown flags", frame(PING, bytes(8), 0, 0xf0 | ACK)),
    ("an answer to no PING", frame(PING, bytes(8), 0, ACK)),
    ("the reserved bit", frame(WINDOW_UPDATE, number(1 << 31 | 1), 1 << 31)),
    ("PRIORITY on an idle stream", frame(PRIORITY, bytes(5), 9)),
    ("PRIORITY in HEADERS", frame(HEADERS, bytes(5) + GET + HTTPS + LOCALHOST + path(FILE), 1, ALL_OF_IT | 0x20)),
    ("a header in many frames", block(GET, flags=END_STREAM) + b"".join(
        frame(CONTINUATION, part, 1, flags) for part, flags in ((HTTPS, 0), (b"", 0), (LOCALHOST + path(FILE), END_HEADERS)))),
    ("padding", frame(HEADERS, b"\x03" + GET + HTTPS + LOCALHOST + path(FILE) + bytes(3), 1, ALL_OF_IT | PADDED)),
    ("TE: trailers", get(FILE, 1, field(b"te", b"trailers"))),
    ("a trailer", OPEN + frame(DATA, b"body", 1) + block(field(b"x", b"y"))),
    ("RST_STREAM behind the end", SMALL + frame(RST_STREAM, number(8), 1)),
    ("WINDOW_UPDATE behind the end", SMALL + frame(WINDOW_UPDATE, number(1), 1)),
    ("smaller tables", block(b"\x3f\x00", GET, HTTPS, LOCALHOST, path(FILE))),
    ("streams that were left out", get(FILE, 99) + get(FILE, 101)),
)

# What is sent without end, by its number: each has to end in ENHANCE_YOUR_CALM. With the window that the client gives,
# and what is sent first.
LONG_PATH = long_path(b"/" + b"p" * 12_000)
FLOODS = {
    "PING": (lambda _: frame(PING, bytes(8)), 65535, b""),
    "answers to PING": (lambda _: frame(PING, bytes(8), 0, ACK), 65535, b""),
    "SETTINGS": (lambda i: frame(SETTINGS, setting(4, i)), 65535, b""),
    "empty SETTINGS": (lambda _: frame(SETTINGS), 65535, b""),
    "streams that are reset": (
        lambda i: get(b"/large", 2 * i + 1) + frame(RST_STREAM, number(8), 2 * i + 1), 65535, b""),
    "streams that are made to be reset": (
        lambda i: get(FILE, 2 * i + 1) + frame(WINDOW_UPDATE, number(WHOLE_WINDOW), 2 * i + 1), 1, b""),
    "malformed requests": (lambda i: get(FILE, 2 * i + 1, field(b"connection", b"close")), 65535, b""),
    "streams that are refused": (lambda i: get(FILE, 2 * i + 1), 0, b""),
    "empty DATA": (lambda _: frame(DATA, b"", 1), 65535, OPEN),
    "padding": (lambda _: frame(DATA, b"\x01\0", 1, PADDED), 65535, OPEN),
    "CONTINUATION": (lambda _: frame(CONTINUATION, b"", 1), 65535, block(GET, flags=0)),
    "CONTINUATION with fields": (lambda _: frame(CONTINUATION, field(b"x", b"y"), 1), 65535, block(GET, flags=0)),
    "PRIORITY": (lambda i: frame(PRIORITY, number(2 * i + 1) + b"\x01", 2 * i + 3), 65535, b""),
    "windows": (lambda _: frame(WINDOW_UPDATE, number(1)), 65535, b""),
    "windows of one byte": (lambda _: frame(WINDOW_UPDATE, number(1), 1), 0, get(b"/large", 1)),
    "unknown frames": (lambda _: frame(0x99), 65535, b""),
    "large headers": (lambda i: block(GET, HTTPS, LONG_PATH, stream=2 * i + 1, flags=END_HEADERS), 0, b""),
}
