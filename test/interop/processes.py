# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Processes of a cell: their output is collected, and they are ended by their id."""
import contextlib
import os
import re
import socket
import subprocess
import threading
import time

PATIENCE = 60  # seconds: for a cell that hangs


class Failed(Exception):
    """A cell came out differently."""


class Unable(Exception):
    """A peer that can't be tried here, and why."""


class Process:
    """A child whose output is collected."""

    def __init__(self, *command, output=subprocess.PIPE, stdin=subprocess.PIPE, **options):
        self.seen = {1: bytearray(), 2: bytearray()}
        self.news = threading.Condition()
        self.child = subprocess.Popen(command, stdin=stdin, stdout=output, stderr=subprocess.PIPE, **options)
        self.killed_instead = None  # for one whose connection is held by another: that process
        self.before = self.after = b""  # what a tool prints around the bytes: an expression for what is first, and the end
        self.readers = [threading.Thread(target=self._collect, args=each) for each in
                        ((1, self.child.stdout), (2, self.child.stderr)) if each[1]]
        for reader in self.readers:
            reader.start()

    def _collect(self, number, pipe):
        while piece := os.read(pipe.fileno(), 1 << 16):
            with self.news:
                self.seen[number] += piece
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def plaintext_size(self):
        """How many bytes of plaintext are there at least."""
        started = re.search(self.before, self.seen[1])
        return max(0, len(self.seen[1]) - started.end()) if started else 0

    def plaintext(self):
        """All of it, once the process has ended."""
        started = re.search(self.before, self.seen[1])
        return bytes(self.seen[1][started.end():]).removesuffix(self.after) if started else b""

    def text(self):
        return (self.seen[1][-2000:] + self.seen[2][-2000:]).decode(errors="replace")

    def await_output(self, told, what, number=1):
        """Waits until told(bytes so far) is true and returns its answer."""
        with self.news:
            def ready():
                return told(self.seen[number]) or not any(each.is_alive() for each in self.readers)
            if not self.news.wait_for(ready, PATIENCE) or not told(self.seen[number]):
                raise Failed(f"no {what}; {self.text()!r}")
            return told(self.seen[number])

    def await_line(self, start, number=1):
        def line(seen):
            return next((each for each in bytes(seen).split(b"\n")[:-1] if each.startswith(start)), None)
        return self.await_output(line, repr(start), number).decode()

    def feed(self, content):
        """Writes from a thread of its own: the child may want to be read meanwhile."""
        def write():
            with contextlib.suppress(BrokenPipeError):
                self.child.stdin.write(content)
                self.child.stdin.flush()
        writer = threading.Thread(target=write)
        writer.start()
        return writer

    def wait(self):
        try:
            status = self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.child.args[0]} did not end; {self.text()!r}") from None
        for reader in self.readers:
            reader.join()
        return status

    def kill(self):
        (self.killed_instead or self).child.kill()

    def end(self):
        self.child.kill()
        self.child.wait()
        for reader in self.readers:
            reader.join()
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@contextlib.contextmanager
def running(*command, **options):
    process = Process(*command, **options)
    try:
        yield process
    finally:
        process.end()


def listening_port(process):
    """The IPv4 port that a process listens on. Most tools take port 0, but not all say what it became."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.child.poll() is None:
        links = f"/proc/{process.child.pid}/fd"
        sockets = set()
        for each in os.listdir(links):
            with contextlib.suppress(FileNotFoundError):
                sockets.add(os.readlink(f"{links}/{each}"))
        for name in ("tcp", "tcp6"):
            with open(f"/proc/net/{name}", encoding="ascii") as table:
                for line in list(table)[1:]:
                    field = line.split()
                    if field[3] == "0A" and f"socket:[{field[9]}]" in sockets:
                        return int(field[1].split(":")[1], 16)
        time.sleep(0.01)
    raise Failed(f"{process.child.args[0]} does not listen; {process.text()!r}")


def reserved_port():
    """A socket whose port is given to nobody while it is open, except to who asks for it: for tools that refuse port 0."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


def output_of(*command, **options):
    """What a command prints that has to succeed."""
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False, **options)
    text = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode != 0:
        raise Failed(f"{command[0]} failed: {text.splitlines()[-1] if text else done.returncode}")
    return text
