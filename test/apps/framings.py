# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Requests that two readers could take for different ones (request smuggling)."""

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


def post(*fields, line=b"POST /file HTTP/1.1", host=b"Host: localhost"):
    return b"\r\n".join([line, host, *fields, b"", b""])


def get(*fields, line=b"GET /file HTTP/1.1", host=b"Host: localhost"):
    return post(*fields, line=line, host=host)


# What is sent, and the status of each answer until the server ends the connection. An answer of 404 is the one to
# HIDDEN: allowed only where a request without a body, or with one of no bytes, has ended before it. A body is never read: what
# comes behind it on the connection isn't either.
#
# RFC 9112: section 2.2 (ends of lines), 3 (the request line), 3.2 (Host), 5 (fields), 6 (the body), 7.1 (chunks).
INPUTS = [
    # A length and a coding
    ("length and chunks", post(b"Content-Length: 5", b"Transfer-Encoding: chunked") + CHUNKS + HIDDEN, [400]),
    ("chunks and length", post(b"Transfer-Encoding: chunked", b"Content-Length: 15") + CHUNKS + HIDDEN, [400]),
    ("length of nothing and chunks", post(b"Content-Length: 0", b"Transfer-Encoding: chunked") + CHUNKS + HIDDEN, [400]),
    ("length that covers the hidden one", post(b"Content-Length: %d" % len(HIDDEN)) + HIDDEN, [405]),
    ("length of a GET", get(b"Content-Length: %d" % len(HIDDEN)) + HIDDEN, [200]),
    ("chunks of a GET", get(b"Transfer-Encoding: chunked") + CHUNKS + HIDDEN, [200]),
    ("chunk that covers the hidden one",
     post(b"Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN), [405]),
    ("length of nothing", get(b"Content-Length: 0") + HIDDEN, [200, 404]),
    # Lengths
    ("two lengths", post(b"Content-Length: 5", b"Content-Length: 6") + b"hello" + HIDDEN, [400]),
    ("one length twice", post(b"Content-Length: 5", b"Content-Length: 5") + b"hello" + HIDDEN, [405]),
    ("list of lengths", post(b"Content-Length: 5, 5") + b"hello" + HIDDEN, [405]),
    ("list of two lengths", post(b"Content-Length: 0, 5") + b"hello" + HIDDEN, [400]),
    ("length below nothing", post(b"Content-Length: -1") + HIDDEN, [400]),
    ("length with a sign", post(b"Content-Length: +5") + b"hello" + HIDDEN, [400]),
    ("length in hexadecimal", post(b"Content-Length: 0x5") + b"hello" + HIDDEN, [400]),
    ("length that is empty", post(b"Content-Length:") + HIDDEN, [400]),
    ("length beyond 64 bits", post(b"Content-Length: 18446744073709551616") + HIDDEN, [400]),
    ("length with a space in it", post(b"Content-Length: 0 5") + b"hello" + HIDDEN, [400]),
    # Codings
    ("coding that is not chunked", post(b"Transfer-Encoding: identity") + HIDDEN, [400]),
    ("chunked before another", post(b"Transfer-Encoding: chunked, identity") + CHUNKS + HIDDEN, [400]),
    ("coding with a byte before it", post(b"Transfer-Encoding: \x0bchunked") + CHUNKS + HIDDEN, [400]),
    ("coding in quotation marks", post(b'Transfer-Encoding: "chunked"') + CHUNKS + HIDDEN, [400]),
    ("two codings", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity") + CHUNKS + HIDDEN, [400]),
    ("coding and HTTP/1.0", post(b"Transfer-Encoding: chunked", line=b"POST /file HTTP/1.0") + CHUNKS + HIDDEN, [405]),
    # Chunks
    ("chunk with an extension", post(b"Transfer-Encoding: chunked") + b"5;a=\"\r\nhello\r\n0\r\n\r\n" + HIDDEN, [405]),
    ("chunk without a size", post(b"Transfer-Encoding: chunked") + b"\r\nhello\r\n0\r\n\r\n" + HIDDEN, [405]),
    ("chunk beyond 64 bits", post(b"Transfer-Encoding: chunked") + b"10000000000000005\r\nhello\r\n" + HIDDEN, [405]),
    ("chunk that ends by a bare line feed", post(b"Transfer-Encoding: chunked") + b"0\n\n" + HIDDEN, [405]),
    # Fields
    ("space before the colon", post(b"Content-Length : 5") + b"hello" + HIDDEN, [400]),
    ("space before the name", get(b" Content-Length: 5") + HIDDEN, [400]),
    ("folded line, which belongs to X", get(b"X: x", b" Content-Length: 5") + HIDDEN, [200, 404]),
    ("bare line feed in a field", get(b"X: x\nContent-Length: 5") + HIDDEN, [400]),
    ("bare carriage return in a field", get(b"X: x\rContent-Length: 5") + HIDDEN, [400]),
    ("zero byte in a field", get(b"X: x\0Content-Length: 5") + HIDDEN, [400]),
    ("name that is empty", get(b": 5") + HIDDEN, [400]),
    # The request line, and Host
    ("header that ends by bare line feeds", b"GET /file HTTP/1.1\nHost: localhost\n\n" + HIDDEN, [505]),
    ("two hosts", get(b"Host: other") + HIDDEN, [400]),
    ("target with a space", get(line=b"GET /file /hidden HTTP/1.1") + HIDDEN, [505]),
]
