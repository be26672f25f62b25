# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""One attack on one program: what it comes to, and what is wrong with that."""
import contextlib
import os
import pathlib
import threading
import time

from attack import EACH
from programs import PATIENCE

FIRST_ASKED = 10  # by the honest client alone: what it costs is not the attack's


class Process:
    """What /proc says of a program (proc(5))."""

    def __init__(self, process):
        self.folder = pathlib.Path(f"/proc/{process.pid}")

    def _status(self, name):
        line = next(line for line in (self.folder / "status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1])

    def resident(self):
        return self._status("VmRSS:")  # KiB

    def peak(self):
        return self._status("VmHWM:")

    def forget_peak(self):
        (self.folder / "clear_refs").write_text("5")

    def descriptors(self):
        return len(os.listdir(self.folder / "fd"))

    def cpu_seconds(self):
        """In nanoseconds' resolution: /proc/PID/stat has hundredths of a second."""
        return sum(int(task.read_text().split()[0]) for task in self.folder.glob("task/*/schedstat")) / 1e9


class Honest(threading.Thread):
    """Asks again and again, on a new connection each time, and compares what comes. Counts; `wrong` says what else."""

    def __init__(self, ask):
        super().__init__(daemon=True)
        self.ask, self.over = ask, threading.Event()
        self.asked = self.served = 0
        self.longest = 0.0
        self.wrong = None

    def once(self):
        began = time.monotonic()
        self.asked += 1
        try:
            self.ask()
            self.served += 1
        except Exception as why:  # pylint: disable=broad-except
            self.wrong = self.wrong or f"{type(why).__name__}: {why}"
        self.longest = max(self.longest, time.monotonic() - began)

    def run(self):
        self.once()
        while not self.over.wait(EACH):
            self.once()

    def stop(self):
        self.over.set()
        self.join()


class Most(threading.Thread):
    """The most descriptors that a process has had."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.over, self.most = process, threading.Event(), 0
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            with contextlib.suppress(OSError):
                self.most = max(self.most, self.process.descriptors())

    def stop(self):
        self.over.set()
        self.join()
        return self.most


def settle(process, wanted):
    """Waits until no more than so many descriptors are open, or, without a number, until they are no longer fewer.
    Returns how many there are."""
    by = time.monotonic() + PATIENCE
    now = process.descriptors()
    while time.monotonic() < by:
        if wanted is not None and now <= wanted:
            break
        last, now = now, threading.Event().wait(0.1) or process.descriptors()
        if wanted is None and now >= last:
            break
    return now


class Row:
    """What one attack on one program has come to."""

    def __init__(self, scene, attack):
        process, server = scene.process, scene.server
        self.target, self.attack = scene.target, attack
        for _ in range(FIRST_ASKED):
            scene.ask()
        used = process.cpu_seconds()
        for _ in range(FIRST_ASKED):
            scene.ask()
        each = (process.cpu_seconds() - used) / FIRST_ASKED
        self.descriptors = scene.idle_descriptors = settle(process, None)
        before, used = process.resident(), process.cpu_seconds()
        process.forget_peak()
        honest = Honest(scene.ask)
        most = Most(process)
        began = time.monotonic()
        honest.start()
        try:
            self.outcome = attack.run(scene)
            while time.monotonic() < began + scene.size(0.2, 2):
                self.outcome.add(attack.run(scene))
            self.seconds = time.monotonic() - began
        finally:
            honest.stop()
            self.most_descriptors = most.stop()
        self.cpu = max(0.0, process.cpu_seconds() - used - each * honest.asked)
        self.peak = max(0, process.peak() - before)
        self.left = settle(process, self.descriptors)
        self.after = max(0, process.resident() - before)
        if not scene.given.quick:
            attack.run(scene)
            self.left = settle(process, self.descriptors)
        self.after_second = max(0, process.resident() - before)
        self.asked, self.served, self.longest = honest.asked, honest.served, honest.longest
        self.wrong = []
        if attack.serves_all and honest.served != honest.asked:
            self.wrong.append(f"the honest client was served {honest.served} of {honest.asked} times: {honest.wrong}")
        if server.process.poll() is not None:
            self.wrong.append(f"it ended by itself: {server.process.returncode}")
        elif self.left > self.descriptors:
            self.wrong.append(f"{self.left} descriptors are open, {self.descriptors} before")
        if self.outcome.ways() != attack.ends:
            self.wrong.append(f"ended by {self.outcome.ways()}, not by {attack.ends}")
        if (status := server.stop()) != (-15 if scene.target == "echo_server" else 0):
            self.wrong.append(f"exit status {status}")
