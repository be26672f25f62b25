#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""hostile.py --cacert FILE --content FILE --target KIND=PORT...: hostile clients, a few at a time, for some time.

Each kind (see hostile_*.py) comes up once before any comes up again; what a visit does is chosen by the seed and the
visit's number. Most leave soon, some stay until a server's limit of time ends it. All of them together take about half
a core, so that the servers have the rest. Among them are honest clients, of HTTP/2 and WebSocket, whose bytes are
compared with the content. A line of JSON at the end tells how often each kind was tried, and on stderr is what was
wrong: 1 is the exit status then.
"""
import argparse
import json
import os
import pathlib
import random
import sys
import threading
import time
import traceback

from hostile_client import GONE, KINDS, Client, Target
import hostile_http1  # each adds its kinds
import hostile_http2
import hostile_tls
import hostile_websocket

SHARE = 0.5  # of a core, for all clients
SHORT, LONG = 1, 55  # seconds; the servers' limits in a soak are up to 50: see LIMIT in soak.py
HONEST = 60  # and what a server under load may take for an answer


class Load:
    def __init__(self, given, targets):
        self.given, self.targets = given, targets
        self.content = given.content.read_bytes()
        self.tried = dict.fromkeys(KINDS, 0)
        self.wrong = 0
        self.number = 0
        self.left = []  # of this round
        self.order = random.Random(given.seed)
        self.lock = threading.Lock()
        self.honest_ended = threading.Condition(self.lock)
        self.honest = 0  # that are there
        self.end = time.monotonic() + given.seconds

    def next(self):
        """The number of a visit, its kind and its target; or None."""
        with self.lock:
            if not self.left:
                if self.number and self.given.once:
                    return None
                self.left = [(name, target) for name, (_, targets, is_honest) in KINDS.items()
                             for target in self.targets if target.name in targets
                             for _ in range(5 if is_honest else 1)]
                self.order.shuffle(self.left)
            if not self.given.once and time.monotonic() > self.end:
                return None
            self.number += 1
            name, target = self.left.pop()
            self.honest += KINDS[name][2]
            return self.number, name, target

    def visit(self, number, name, target):
        function, _, is_honest = KINDS[name]
        dice = random.Random(f"{self.given.seed} {number}")
        stays_long = not self.given.once and dice.random() < 0.02
        patience = HONEST if is_honest else LONG if stays_long else SHORT * (0.1 + dice.random())
        try:
            with Client(target, self.content, dice, patience) as client:
                function(client)
        except Exception as why:  # pylint: disable=broad-except
            if is_honest or not isinstance(why, GONE):
                self.complain(f"visit {number}, {name}, {target.name}: {traceback.format_exc()}")
        with self.lock:
            self.tried[name] += 1
            self.honest -= is_honest
            self.honest_ended.notify()

    def complain(self, what):
        with self.lock:
            self.wrong += 1
            if self.wrong <= 10:
                print(f"hostile: {what}", file=sys.stderr, flush=True)

    def wait_for_honest(self):
        with self.lock:
            self.honest_ended.wait_for(lambda: not self.honest)

    def run(self):
        while chosen := self.next():
            begin, used = time.monotonic(), time.thread_time()
            self.visit(*chosen)
            if not self.given.once:  # it has its part of the share, and no more
                pause = (time.thread_time() - used) * self.given.clients / SHARE
                time.sleep(max(0, pause - (time.monotonic() - begin)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cacert", type=pathlib.Path, required=True, help="authorities to trust, PEM")
    parser.add_argument("--content", type=pathlib.Path, required=True, help="the file that servers have as /data")
    parser.add_argument("--target", action="append", required=True, help="https=PORT, tls_proxy=PORT or tcp_proxy=PORT")
    parser.add_argument("--clients", type=int, default=20, help="at once")
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--once", action="store_true", help="each kind once at each target, instead")
    parser.add_argument("--seed", type=int, default=1, help="of all that is chosen")
    given = parser.parse_args()
    targets = [Target(name, int(port), given.cacert) for name, port in (one.split("=") for one in given.target)]
    load = Load(given, targets)
    threads = [threading.Thread(target=load.run, daemon=True) for _ in range(given.clients)]
    for thread in threads:
        thread.start()
    if given.once:
        for thread in threads:
            thread.join()
    else:
        time.sleep(given.seconds)
        load.wait_for_honest()
    # Hostile clients that are still there are ended by the end of this process.
    print(json.dumps({"tried": load.tried, "wrong": load.wrong}), flush=True)
    os._exit(1 if load.wrong else 0)


main()
