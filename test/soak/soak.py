#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""soak.py --client FILE --seconds N REPORT NAME=DIR...: servers under load, one build of them after the other, and each
with several numbers of threads.

The load is soak_client's: --connections at once, 5 % of them with a fault. It goes to https_server, and by tls_proxy
in front of tls_proxy (TLS to TCP, TCP to TLS) to the same server. Beside it are hostile clients, hostile.py's, at all
three, and among them honest ones of HTTP/2 and WebSocket. Memory and descriptors of the three are looked at once a
second. What is judged: every byte (by the clients), no failure that no fault excuses, that the load has resumed
sessions, changed keys and, in a minute and more, made each fault and tried each kind of hostile client, no report of a
sanitizer, status 0 at the end, the descriptors of an idle server afterwards, and, in runs of five minutes and more,
memory that does not grow: the median of the last third of the samples against that of the middle third. REPORT is one
HTML page, with plots by gnuplot.
"""
import argparse
import contextlib
import html
import itertools
import json
import os
import pathlib
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import hostile_client

FILE_BYTES = 4 << 20
GROWTH_ALLOWED = 0.05  # of the resident memory
GROWTH_ALWAYS_ALLOWED = 2048  # KiB: some pages more are no leak
LEAST_FOR_MEMORY = 300  # seconds; before that allocators still take what they will keep
LEAST_FOR_ALL = 60  # seconds; in so long each fault comes up, and each kind
# Of the servers. Honest and hostile clients share one machine and one address: what hostile clients hold, honest ones
# don't wait for, and whoever waits for a processor meets no limit of time. hostile.py knows of LIMIT. A pong comes behind
# all that a WebSocket's client has not read yet.
MOST_CONNECTIONS, WEBSOCKET_BYTES, LIMIT, IDLE = 2000, 1 << 30, 40, 600
HOSTILE = pathlib.Path(__file__).with_name("hostile.py")
PATIENCE = 60  # seconds, for what takes a moment


class Server:
    """A program under load, and what it has held in each second."""

    def __init__(self, name, program, *arguments, environment):
        self.name = name
        self.samples = []  # (seconds since the start, resident KiB, descriptors)
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        first = self.process.stdout.readline()
        if not first.startswith("listening on "):
            sys.exit(f"soak: {name} did not start: {first}{self.words()}")
        self.port = int(first.rsplit(":", 1)[1].split()[0].rstrip("/"))
        self.idle_descriptors = self.descriptors_once_it_serves()

    def descriptors_once_it_serves(self):
        """It says that it listens before its loop runs, in which it begins to watch its files."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as visit:
            visit.sendall(b"neither TLS nor HTTP\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while visit.recv(4096):
                    pass
        before, now = None, self.descriptors()
        while before != now:
            time.sleep(1)
            before, now = now, self.descriptors()
        return now

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def look(self, seconds):
        if self.process.poll() is not None:
            return
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        self.samples.append((seconds, resident, self.descriptors()))

    def words(self):
        self.errors.seek(0)
        return self.errors.read()[-4000:]

    def complaints(self, judges_memory):
        """What is wrong after the load has gone; ends the server."""
        if self.process.poll() is not None:
            return [f"{self.name}: ended by itself: exit status {self.process.returncode}: {self.words()}"]
        wrong = []
        by = time.monotonic() + PATIENCE
        while (left := self.descriptors()) > self.idle_descriptors and time.monotonic() < by:
            time.sleep(0.2)
        if left > self.idle_descriptors:
            wrong.append(f"{left} descriptors are open, {self.idle_descriptors} before the load")
        memory = [resident for _, resident, _ in self.samples]
        third = len(memory) // 3
        middle, last = statistics.median(memory[third:2 * third]), statistics.median(memory[2 * third:])
        if judges_memory and last - middle > max(GROWTH_ALLOWED * middle, GROWTH_ALWAYS_ALLOWED):
            wrong.append(f"memory grew from {middle:.0f} to {last:.0f} KiB between the second and the last third")
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "none in time"
        if status != 0:
            wrong.append(f"exit status {status}: {self.words()}")
        return [f"{self.name}: {what}" for what in wrong]


def soak(name, programs, threads, given, work):
    """One build with so many threads. Returns its servers, the clients' last lines, and what is wrong."""
    seconds = given.seconds
    reports = work / f"reports_{name}_{threads}"
    reports.mkdir()
    environment = dict(os.environ, XDG_CACHE_HOME=str(work / "cache"))
    # The quarantine of freed memory would grow for a long time.
    extra = {"ASAN_OPTIONS": ":quarantine_size_mb=16"}
    for variable in ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
        environment[variable] = (f"{os.environ.get(variable, '')}:log_path={reports}/{variable}"
                                 + extra.get(variable, ""))
    root = work / "root"
    with contextlib.ExitStack() as ends:
        def start(server, program, *arguments):
            started = Server(server, programs / program, *arguments, "--quiet", "--threads", threads,
                             "--max-connections", MOST_CONNECTIONS,
                             "--connections-per-address", MOST_CONNECTIONS, "--handshake-seconds", LIMIT,
                             "--idle-seconds", IDLE, "--listen", "127.0.0.1:0", environment=environment)
            ends.callback(started.process.kill)
            return started

        https = start("https_server", "https_server", "--root", root, "--websocket-bytes", WEBSOCKET_BYTES,
                      "--header-seconds", LIMIT, "--stall-seconds", LIMIT)
        tls = work / "cache" / "tls_async"
        inner = start("tls_proxy (client)", "tls_proxy", "--mode", "client", "--connect-seconds", LIMIT,
                      "--connect", f"127.0.0.1:{https.port}",
                      "--cacert", tls / "authority.pem", "--server-name", "localhost")
        outer = start("tls_proxy (server)", "tls_proxy", "--mode", "server", "--connect-seconds", LIMIT,
                      "--connect", f"127.0.0.1:{inner.port}",
                      "--cert", tls / "localhost.pem", "--key", tls / "localhost.key.pem")
        servers = [https, inner, outer]
        authority = tls / "authority.pem"
        load = subprocess.Popen(
            [given.client, "--cacert", authority, "--path", "/data", "--bytes", str(FILE_BYTES),
             "--seconds", str(seconds), "--seed", str(given.seed), "--connections", str(given.connections),
             "--target", f"127.0.0.1:{https.port}", "--target", f"127.0.0.1:{outer.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=os.environ)
        ends.callback(load.kill)
        hostile = subprocess.Popen(
            [sys.executable, "-B", HOSTILE, "--cacert", authority, "--content", root / "data",
             "--seconds", str(seconds), "--seed", str(given.seed), "--clients", str(given.hostile),
             "--target", f"https={https.port}", "--target", f"tcp_proxy={inner.port}",
             "--target", f"tls_proxy={outer.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=os.environ)
        ends.callback(hostile.kill)
        begin, last = time.monotonic(), ""
        for line in load.stdout:  # one a second
            last = line
            for server in servers:
                server.look(time.monotonic() - begin)
        tried = hostile.communicate()[0]
        wrong = [f"{what}: exit status {process.returncode}: see above"
                 for what, process in (("soak_client", load), ("hostile.py", hostile)) if process.wait() != 0]
        for server in reversed(servers):
            wrong += server.complaints(seconds >= LEAST_FOR_MEMORY)
    seen, tried = json.loads(last), json.loads(tried)["tried"]
    # What the load never did, nobody has judged.
    wrong += [f"nothing was counted as '{what}'" for what in ("resumed", "requests", "key updates", "bytes")
              if not seen[what]]
    if seconds >= LEAST_FOR_ALL:
        wrong += [f"no visit with the fault '{what}'" for what, times in seen["faults"].items() if not times]
        wrong += [f"no hostile client of the kind '{what}'" for what, times in tried.items()
                  if given.hostile and not times]
    wrong += [f"{report.name}: {report.read_text(errors='replace')[:4000]}" for report in sorted(reports.iterdir())]
    return servers, seen, tried, wrong


def plot(servers, work):
    """Memory and descriptors over time, as SVG."""
    drawn = []
    for title, column, unit in (("resident memory", 1, "MiB"), ("descriptors", 2, "")):
        curves = []
        for number, server in enumerate(servers):
            data = work / f"curve_{number}"
            scale = 1024 if unit else 1
            data.write_text("\n".join(f"{s[0]:.1f} {s[column] / scale:.2f}" for s in server.samples))
            curves.append(f'"{data}" with lines title "{server.name}"')
        script = (f'set terminal svg size 900,260 noenhanced; set title "{title}"; set key outside; set grid; '
                  f'set xlabel "s"; set ylabel "{unit}"; set yrange [0:*]; plot ' + ", ".join(curves))
        svg = subprocess.run(["gnuplot", "-e", script], check=True, capture_output=True, text=True).stdout
        drawn.append(svg[svg.index("<svg"):])
    return drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--client", type=pathlib.Path, required=True, help="soak_client")
    parser.add_argument("--seconds", type=int, default=600, help="of each build with each number of threads")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4], help="of the servers, in turn")
    parser.add_argument("--connections", type=int, default=200, help="of soak_client at once")
    parser.add_argument("--hostile", type=int, default=20, help="hostile clients at once")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of all that the clients choose")
    parser.add_argument("report", type=pathlib.Path, help="the page to write")
    parser.add_argument("builds", nargs="+", metavar="NAME=DIR", help="a build, and where its programs are")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends the servers too
    print(f"soak: --seed {given.seed}", flush=True)
    page, failed = [], False
    with tempfile.TemporaryDirectory(prefix="tls_async_soak_") as folder:
        work = pathlib.Path(folder)
        root = work / "root"
        root.mkdir()
        subprocess.run([given.client, "--make", root / "data", "--bytes", str(FILE_BYTES)], check=True)
        hostile_client.make_files(root)
        for build, threads in itertools.product(given.builds, given.threads):
            name, programs = build.split("=", 1)
            servers, seen, tried, wrong = soak(name, pathlib.Path(programs), threads, given, work)
            failed = failed or bool(wrong)
            title = f"{name}, {threads} thread{'s' * (threads > 1)}"
            done = (f"{title}: {given.seconds} s, {seen['visits']} visits ({seen['resumed']} resumed), "
                    f"{seen['requests']} requests, {seen['bytes'] / 2**30:.2f} GiB compared, "
                    f"{seen['key updates']} KeyUpdates, {sum(seen['faults'].values())} faults, "
                    f"{sum(tried.values())} hostile clients: {'; '.join(wrong) or 'nothing wrong'}")
            print(f"soak: {done}", flush=True)
            page += [f"<h2>{html.escape(title)}</h2><p>{html.escape(done)}</p>"]
            for heading, counts in (("Faults", seen["faults"]), ("Hostile clients", tried)):
                listed = ", ".join(f"{what} {n}" for what, n in counts.items())
                print(f"  {heading}: {listed}", flush=True)
                page += [f"<p>{heading}: {html.escape(listed)}</p>"]
            page += plot(servers, work)
    given.report.write_text('<!DOCTYPE html><meta charset="utf-8"><title>Soak</title><h1>Soak</h1>' + "\n".join(page),
                            encoding="utf-8")
    print(f"soak: {given.report}")
    sys.exit(1 if failed else 0)


main()
