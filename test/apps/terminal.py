# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""A program that has a terminal for its standard error, and what a person would see there."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import unicodedata

from programs import PATIENCE


def width(text):
    """In columns."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


class Screen:
    """What stands on a terminal that was sent this. Only what a bar needs is understood: anything else is an error."""

    def __init__(self):
        self.lines = [""]
        self._at = 0

    def write(self, text):
        for part in re.findall("\r\n|\r|\x1b\\[K|[^\r\n\x1b]+|.", text, re.DOTALL):
            if part == "\r\n":
                self.lines.append("")
                self._at = 0
            elif part == "\r":
                self._at = 0
            elif part == "\x1b[K":
                self.lines[-1] = self.lines[-1][:self._at]
            elif part.isprintable():
                self.lines[-1] = self.lines[-1][:self._at] + part + self.lines[-1][self._at + len(part):]
                self._at += len(part)
            else:
                raise AssertionError(f"{part!r} has come to the terminal")


class OnTerminal:
    """A running program; use it in a with statement."""

    def __init__(self, *command, columns=80, **options):
        self._raw = b""
        self._ended = False
        self._changed = threading.Condition()
        self._screen, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stderr=theirs, **options)
        os.close(theirs)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._thread.join(PATIENCE)
        os.close(self._screen)

    def _read(self):
        more = True
        while more:
            try:
                part = os.read(self._screen, 65536)
            except OSError:  # the end of a terminal
                part = b""
            more = bool(part)
            with self._changed:
                self._raw += part
                self._ended = not more
                self._changed.notify_all()

    def screen(self):
        screen = Screen()
        screen.write(self._raw.decode(errors="surrogateescape"))
        return screen

    def bars(self):
        """Each that was drawn."""
        return re.findall("\r([^\r\n\x1b]+)\x1b", self._raw.decode(errors="surrogateescape"))

    def wait_for(self, pattern):
        """Waits until this has been on the screen at some time, and returns the match."""
        def find():
            return re.search(pattern, self._raw.decode(errors="surrogateescape"))
        with self._changed:
            if not self._changed.wait_for(lambda: find() or self._ended, PATIENCE) or not find():
                raise AssertionError(f"no {pattern!r} in {self._raw!r}")
            return find()

    def wait(self):
        """The exit status, and the lines that stay."""
        status = self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        return status, [line for line in self.screen().lines if line]
