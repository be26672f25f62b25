# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The clients of https.py that bench_peer is. They compare every byte, and check the protocol, the suite, the group and
# the tickets of each connection, when measured too. So what a scenario's check does is its work, once.
import json
import os
import subprocess
import time

TICKETS = {"full": 2, "resumed": 1}  # What OpenSSL sends after such a handshake, unless told otherwise.
FEW = 8


class Peer:
    """bench_peer, which waits when it is ready, until it is told to go."""

    def __init__(self, bin_folder, *words):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", os.path.join(bin_folder, "bench_peer"), *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def says(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(" ".join(self.process.stderr.read().split())[-300:] or "bench_peer has ended")
        return line

    def goes(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.says())


def timed(server, words, bin_folder):
    """What the client did, and what that cost the server, which is busy for this share of the time."""
    with Peer(bin_folder, *words) as peer:
        peer.says()
        cpu, start = server.cpu(), time.monotonic()
        did = peer.goes()
        cpu, passed = server.cpu() - cpu, time.monotonic() - start
    return did, {"server_cpu": cpu / did["done"], "busy": cpu / passed}


def short(server, name, scenario, seconds, folder, bin_folder):
    did, cost = timed(server, ["short", server.port, scenario.connections, seconds, os.path.join(folder, "root", name),
                               scenario.handshake, scenario.closer], bin_folder)
    if did["tickets"] != TICKETS[scenario.handshake]:
        raise RuntimeError(f"{did['tickets']} tickets for each connection, not {TICKETS[scenario.handshake]}")
    if scenario.closer == "server" and did["close_notifies"] != did["done"]:
        raise RuntimeError(f"{did['close_notifies']} of {did['done']} connections ended by a close_notify")
    return did, cost


def kept(server, name, scenario, seconds, folder, bin_folder):
    return timed(server, ["kept", server.port, scenario.connections, seconds, os.path.join(folder, "root", name)],
                 bin_folder)


def pieces(server, _, scenario, seconds, __, bin_folder):
    return timed(server, [scenario.client, server.port, scenario.connections, seconds], bin_folder)


def idle(server, name, scenario, seconds, folder, bin_folder):
    connections = scenario.connections if seconds else FEW
    with Peer(bin_folder, "idle", server.port, connections, os.path.join(folder, "root", name)) as peer:
        peer.says()
        before = server.resident()
        did = peer.goes()
        return did, {"resident": (server.resident() - before) / connections}
