# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""What every peer has: its cells, and the reasons for those that can't be."""
import dataclasses
import os
import shutil
import sys
import typing

from ours import KEYS, ROUNDS, SIZES, VERSIONS
from processes import Unable, output_of, running

HERE = os.path.dirname(os.path.abspath(__file__))
AGAIN = (sys.executable, "-B", f"{HERE}/again.py", f"--connections={ROUNDS}")


@dataclasses.dataclass
class Cell:
    peer: str
    role: str  # the peer's
    version: str
    key: str
    size: object
    end: str
    run: typing.Optional[typing.Callable]  # with the four before it
    skipped: str = ""  # why, if it can't be
    note: str = ""  # on an end that differs from what TLS asks for

    def __str__(self):
        return f"{self.peer} {self.role} {self.version} {self.key} {self.size} {self.end}"


class Peer:
    """One foreign stack. Derived classes say how its two roles start, and what it can't do."""
    name = ""
    programs = ()  # that it needs
    no_server = no_client = ""  # why it has not this role
    note = ""  # see Cell
    answers = closes = True  # the server a close_notify with its own; the client, when its input ends, with close_notify
    lasts = 0  # connections per full handshake of TLS 1.3 with a server that sends no tickets after resumed ones
    saves = 0  # connections per full handshake of a client that forgets its session after these
    ends = {"server": ("close", "half-close", "abrupt"), "client": ("close", "half-close", "abrupt")}

    def __init__(self, ours):
        self.ours = ours

    def prepare(self):
        """Builds what the peer needs. May raise Unable; any other exception is a failure of all cells."""

    def describe(self):
        """The version of the peer."""
        return ""

    def server(self, version, key):
        """Runs a server that sends back what it gets."""
        raise NotImplementedError

    def client(self, version, port):
        """Runs a client that sends its input, then close_notify, and prints what comes."""
        raise NotImplementedError

    def why_not(self, role, version, key, size, end):
        """Why this cell can't be, or nothing."""
        del role, version, key, size, end
        return ""

    def resumptions(self, *roles):
        """Cells for more_cells(): sessions that are resumed by, or at, the peer."""
        def at_server(version, key, *_):
            each_full = self.lasts if self.lasts and version == "1.3" else ROUNDS
            self.ours.resume_at_server(self.server, version, key, each_full)
        run = {"server": at_server,
               "client": lambda version, key, *_: self.ours.resume_of_client(self.resuming_client, version, key,
                                                                             self.saves or ROUNDS)}
        for role in roles:
            for version in VERSIONS:
                yield role, version, "ecdsa", f"{ROUNDS} times", "resume", run[role]

    def resuming_client(self, version, port):
        """Runs a client that connects ROUNDS times and prints how many of them resumed a session."""
        raise NotImplementedError

    def more_cells(self):
        """Cells beside the grid, as (role, version, key, size, end, run)."""
        return ()

    # ---- From here on for interop.py.

    def talk(self, role):
        if role == "server":
            return lambda *cell: self.ours.talk_to_server(self.server, *cell, answers=self.answers)
        return lambda *cell: self.ours.talk_to_client(self.client, *cell, closes=self.closes)

    def grid(self, few):
        """All cells; or those with the first end, the long ones with one key, and one of each other end."""
        for role in ("server", "client"):
            if no_role := getattr(self, f"no_{role}"):
                yield Cell(self.name, role, "any", "any", "any", "any", None, no_role)
                continue
            for version in VERSIONS:
                for key in KEYS:
                    for size in SIZES:
                        if few and size == SIZES[-1] and key != KEYS[-1]:
                            continue
                        for end in self.ends[role]:
                            if few and end != self.ends[role][0] and (key, size) != ("ecdsa", SIZES[1]):
                                continue
                            cell = (role, version, key, size, end)
                            yield Cell(self.name, *cell, self.talk(role), self.why_not(*cell),
                                       self.note)

    def cells(self, few):
        yield from self.grid(few)
        for role, *cell, run in self.more_cells():
            yield Cell(self.name, role, *cell, run)

    def missing(self):
        """Why this peer can't be tried here, or nothing; prepares it else."""
        if absent := [each for each in self.programs if not (shutil.which(each) or os.path.exists(each))]:
            return "no " + ", ".join(absent)
        try:
            self.prepare()
        except Unable as why:
            return str(why)
        return ""


class Program(Peer):
    """A peer that is a program of this folder: see the first lines of echo.go."""
    command = ()

    def server(self, version, key):
        return running(*self.command, "server", version, self.ours.path(f"{key}.pem"), self.ours.path(f"{key}.key"))

    def client(self, version, port):
        return running(*self.command, "client", version, str(port), self.ours.path("ca.pem"))

    def resuming_client(self, version, port, rounds=ROUNDS):
        return running(*self.command, "resume", version, str(port), self.ours.path("ca.pem"), str(rounds))


def first_line(*command):
    return output_of(*command).splitlines()[0]
