# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""An attack: what it is, what an attacker has for it, and how its connections were ended."""
import collections
import dataclasses
import select
import ssl
import time
import typing

from frames import GOAWAY

EACH = 0.1  # seconds between two turns of an attacker who is slow, and between two requests of the honest client


@dataclasses.dataclass
class Attack:
    """What limits it on one program, with the default, and how that ends the connections: "left", if it does not."""
    name: str
    run: typing.Callable
    limit: str
    ends: str
    options: tuple = ()  # of the program, for the attack
    descriptors: int = 0  # all that the program may have
    peer: tuple = ()  # what limits_peer is told, where it is the backend
    full_only: bool = False  # takes too long for a test
    serves_all: bool = True  # the honest client, each time


ATTACKS = []  # pairs: program, Attack


def on(program, *arguments, **more):
    ATTACKS.append((program, Attack(*arguments, **more)))


class Outcome:
    """How much was sent, of what, and how the connections were ended: a number for each way."""

    def __init__(self, sent=0, unit="connections"):
        self.sent, self.unit = sent, unit
        self.ended = collections.Counter()

    def ways(self):
        return ", ".join(sorted(self.ended))

    def took(self, how, times=1):
        self.ended[how] += times

    def add(self, other):
        self.sent += other.sent
        self.ended += other.ended


ALERTS = {"SSLV3_ALERT_UNEXPECTED_MESSAGE": 10, "SSLV3_ALERT_HANDSHAKE_FAILURE": 40, "SSLV3_ALERT_BAD_CERTIFICATE": 42,
          "SSLV3_ALERT_ILLEGAL_PARAMETER": 47, "TLSV1_ALERT_UNKNOWN_CA": 48, "TLSV1_ALERT_DECODE_ERROR": 50,
          "TLSV1_ALERT_INTERNAL_ERROR": 80}
HTTP2_ERRORS = {0: "NO_ERROR", 1: "PROTOCOL_ERROR", 11: "ENHANCE_YOUR_CALM"}


class Connection:
    """Of an attacker, that never waits. `how` it was ended, once it was: by the server, or `left` by the attacker."""

    def __init__(self, connection, is_http2=False):
        self.socket, self.is_http2 = connection, is_http2
        self.socket.setblocking(False)
        self.how, self.said = None, bytearray()
        self.goaway = None  # what HTTP/2 gave as the reason

    def send(self, data):
        """How much of it was taken. What has become of the connection, look() tells."""
        try:
            return self.socket.send(data)
        except OSError:
            return 0

    def look(self):
        """Reads what is there. Returns how it was ended, or None."""
        while not self.how:
            try:
                part = self.socket.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return None
            except ssl.SSLError as why:
                is_cut = isinstance(why, ssl.SSLEOFError)  # without close_notify
                self._end("cut off" if is_cut else f"alert {ALERTS[why.reason]}" if why.reason in ALERTS else str(why))
            except OSError:  # a reset: something was not read any more
                self._end("cut off" if isinstance(self.socket, ssl.SSLSocket) else "closed")
            else:
                if part:
                    self.said += part
                    if self.is_http2:
                        self._take_frames()
                    else:
                        del self.said[4096:]
                else:
                    self._end("close_notify" if isinstance(self.socket, ssl.SSLSocket) else "closed")
        return self.how

    def leave(self):
        self._end("left")
        return self.how

    def _end(self, how):
        if self.said[:2] == b"\x15\x03":  # an alert in the clear: its level and its number
            how = f"alert {self.said[6]}"
        elif self.said.startswith(b"HTTP/1.1 "):
            how = f"{self.said[9:12].decode()}, {how}"
        elif self.goaway:
            how = f"GOAWAY {self.goaway}"
        self.how = how
        self.socket.close()

    def _take_frames(self):
        while len(self.said) >= 9 and len(self.said) >= (size := 9 + int.from_bytes(self.said[:3], "big")):
            if self.said[3] == GOAWAY:
                error = int.from_bytes(self.said[13:17], "big")
                self.goaway = HTTP2_ERRORS.get(error, str(error))
            del self.said[:size]


def until_ended(outcome, connections, seconds, each=lambda connection: None, pace=EACH):
    """Looks at the connections until all are ended, and counts how; those that are left after so many seconds it leaves
    itself. Whenever `pace` seconds are over without anything to read, or more often, `each` of them has its turn."""
    by_number = {connection.socket.fileno(): connection for connection in connections}
    poller = select.poll()
    for number in by_number:
        poller.register(number, select.POLLIN)
    by = time.monotonic() + seconds
    turn = time.monotonic()
    while by_number and time.monotonic() < by:
        for number, _ in poller.poll(max(0, turn - time.monotonic()) * 1000):
            if how := by_number[number].look():
                outcome.took(how)
                poller.unregister(number)
                del by_number[number]
        if time.monotonic() >= turn:
            for connection in by_number.values():
                each(connection)
            turn = time.monotonic() + pace
    for connection in by_number.values():
        outcome.took(connection.leave())
