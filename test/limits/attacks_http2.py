# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Floods of HTTP/2: those of the tests of https_server's frames, and HPACK."""
from attack import Connection, Outcome, on, until_ended
from frame_cases import FILE, FLOODS
from frames import ALL_OF_IT, GET, HEADERS, HTTPS, LOCALHOST, PREFACE, SETTINGS, frame, path, setting
from programs import PATIENCE

CALM = "128 KiB, and 4 KiB a second, of what leads to nothing"
AT_ONCE = 200


def flood(once, window, first):
    """`once(i)` for ever, on one connection after the other; what it answers is read."""
    def run(scene):
        outcome = Outcome(0, "frames")
        for _ in range(scene.size(1, 10)):
            connection = Connection(scene.connect_tls(["h2"]), True)
            connection.rest = PREFACE + frame(SETTINGS, setting(4, window)) + first
            connection.turn = 0

            def more(one):
                if one.goaway:
                    return  # what comes now is passed over
                if not one.rest:
                    one.rest = b"".join(once(one.turn + i) for i in range(AT_ONCE))
                    one.turn += AT_ONCE
                    outcome.sent += AT_ONCE
                one.rest = one.rest[one.send(one.rest):]

            until_ended(outcome, [connection], PATIENCE, more, 0.001)
        return outcome
    return run


# Some kilobytes once into the table, and then a thousand times by one byte each (CVE-2016-6581).
REQUEST = GET + HTTPS + LOCALHOST + path(FILE)
HELD = frame(HEADERS, REQUEST + b"\x40\x01x" + b"\x7f\x81\x1e" + b"v" * 3968, 1, ALL_OF_IT)
NAMED = (lambda i: frame(HEADERS, REQUEST + b"\xbe" * 1000, 2 * i + 3, ALL_OF_IT), 0, HELD)

HPACK = "HPACK: a field of 4 000 bytes a thousand times in each request"
CONTINUATIONS = "nghttp2: 8 for a header"
OTHERS = {"CONTINUATION": CONTINUATIONS, "CONTINUATION with fields": CONTINUATIONS,
          HPACK: "64 KiB of a header, unfolded: four times the largest that is taken"}
for name, what in (*FLOODS.items(), (HPACK, NAMED)):
    for program in ("https_server", "http2_server"):
        on(program, f"HTTP/2: {name}", flood(*what), OTHERS.get(name, CALM), "GOAWAY ENHANCE_YOUR_CALM")
