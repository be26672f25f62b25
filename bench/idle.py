#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# idle.py BIN_FOLDER [--connections N]... [--seconds N] [--stack NAME]... : what connections that wait after a GET of
# 1 KiB cost https_server and tls_proxy, one thread each, and the kernel; tables for docs/benchmarks.md. What the kernel
# keeps is counted for the whole system, so that has to do nothing else, and needs root. Half of a plain connection,
# which is counted first, is taken off for each end that is not the server's. Without --seconds nothing is waited for.
import argparse
import contextlib
import http.client
import math
import os
import re
import resource
import socket
import statistics
import sys
import tempfile
import time

import https
import servers
from peer import Peer

FILE = "https_idle_1000"
STACKS = ("https_server", "tls_proxy")
ROWS = ("resident KiB", "kernel KiB", "KiB in sockets' buffers", "sockets", "epoll items", "s to open all",
        "ms of CPU for /metrics", "wake-ups while they wait", "ms of CPU while they wait", "s to stop",
        "s of CPU to stop")
# Of slabinfo(5), what a socket has, with its file, what epoll knows of it and the port it is bound to. Not counted: a
# dentry (192 bytes), of which other work makes too many.
CACHES = re.compile(r"(TCP|sock_inode_cache|filp|lsm_file_cache|ep_head|eventpoll_\w+|tcp_bind\w*|skbuff_\w+|"
                    r"kmalloc(-cg)?-\d+k?) ")
PAIRS = 2000


def kernel():
    """Bytes in each cache."""
    try:
        with open("/proc/slabinfo", encoding="utf-8") as file:
            return {name: int(active) * int(size)
                    for name, active, _, size, *_ in map(str.split, filter(CACHES.match, file))}
    except PermissionError:
        return {}


def of_plain_socket():
    """What the kernel has for one end of a connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=PAIRS) as listener:
        before, ends = kernel(), []
        for _ in range(PAIRS):
            ends += [socket.create_connection(listener.getsockname()), listener.accept()[0]]
        after = kernel()
        for end in ends:
            end.close()
    return {name: (after[name] - before[name]) / (2 * PAIRS) for name in after}


def in_buffers():
    """Bytes of all sockets."""
    with open("/proc/net/sockstat", encoding="utf-8") as file:
        return int(re.search(r"^TCP:.* mem (\d+)$", file.read(), re.MULTILINE)[1]) * resource.getpagesize()


def watched(pid):
    """Its sockets, and how many descriptors its epolls know. A file is open until after the client has all of it."""
    found, items = 0, 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            what = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:  # such a file, closed meanwhile
            continue
        found += what.startswith("socket:")
        if what == "anon_inode:[eventpoll]":
            with open(f"/proc/{pid}/fdinfo/{name}", encoding="utf-8") as file:
                items += sum(line.startswith("tfd:") for line in file)
    return found, items


def wake_ups(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)$", file.read(), re.MULTILINE)[1])


def ms_of_metrics(server, port, times):
    """Of CPU time."""
    taken = []
    for _ in range(times):
        time.sleep(0.25 if times > 1 else 0)  # Until then the last sums are told again.
        before = server.cpu()
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        client.request("GET", "/metrics")
        client.getresponse().read()
        client.close()
        taken.append(server.cpu() - before)
    return statistics.median(taken) * 1e3


def cost_of_stop(server):
    """In seconds, and in those of CPU."""
    start, cpu, ended = time.monotonic(), server.cpu(), resource.getrusage(resource.RUSAGE_CHILDREN)
    server.process.terminate()
    server.process.wait()
    total = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - start, total.ru_utime + total.ru_stime - ended.ru_utime - ended.ru_stime - cpu


def started(name, connections, admin, backend, bin_folder, folder):
    path = lambda file: os.path.join(folder, file)
    own = (["--connect", f"127.0.0.1:{backend.port}"] if name == "tls_proxy" else
           ["--root", path("root"), "--idle-seconds", "3600"])
    return servers.Process([os.path.join(bin_folder, name), "--listen", "127.0.0.1:0", "--cert", path("cert.pem"),
                            "--key", path("key.pem"), "--max-connections", str(connections + 9), "--quiet", "--admin",
                            str(admin), "--connections-per-address", str(connections + 9), *own])


def measured(name, connections, seconds, plain, backend, bin_folder, folder):
    admin = servers.free_port()
    with started(name, connections, admin, backend, bin_folder, folder) as server, \
            Peer(bin_folder, "idle", server.port, connections, os.path.join(folder, "root", FILE)) as peer:
        pid = server.process.pid
        state = lambda: (server.resident() / 1024, in_buffers() / 1024, *watched(pid))
        peer.says()
        before, kernel_before, start = state(), kernel(), time.monotonic()
        peer.goes()
        to_open = time.monotonic() - start
        kernel_after = kernel()  # Before we look into /proc, which the kernel remembers.
        resident, buffers, sockets, items = ((b - a) / connections for a, b in zip(before, state()))
        elsewhere = 2 if name == "tls_proxy" else 1  # a client's end, and that of a backend
        caches = {cache: (value - kernel_before.get(cache, 0)) / connections - elsewhere * plain.get(cache, 0)
                  for cache, value in kernel_after.items()}
        metrics = ms_of_metrics(server, admin, 5 if seconds else 1)
        time.sleep(11 if seconds else 0)  # What is left of the handshakes' deadlines expires, once.
        cpu, woken = server.cpu(), wake_ups(pid)
        time.sleep(seconds)
        cpu, woken = server.cpu() - cpu, wake_ups(pid) - woken
        stop, cpu_of_stop = cost_of_stop(server)
    print(f"{name}, {connections}: {shown(caches)}", file=sys.stderr)
    in_kernel = sum(caches.values()) / 1024 if caches else math.nan
    return dict(zip(ROWS, (resident, in_kernel, buffers, sockets, items, to_open, metrics, woken, cpu * 1e3, stop,
                           cpu_of_stop)))


def shown(caches):
    return ", ".join(f"{name} {value:.0f}" for name, value in sorted(caches.items(), key=lambda of: -of[1])
                     if abs(value) > 7) + " bytes in the kernel's caches"


def most_of(name):
    """As many as the limit of descriptors lets it have."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100) // (2 if name == "tls_proxy" else 1)


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin_folder")
    parser.add_argument("--connections", type=int, action="append", help="how many; may be repeated")
    parser.add_argument("--seconds", type=int, default=0, help="how long they wait; tls_proxy looks each 75")
    parser.add_argument("--stack", action="append", choices=STACKS)
    return parser.parse_args()


def main():
    asked = parsed()
    numbers = asked.connections or [1000, 5000, 10000]
    https.allow_descriptors(3 * max(numbers))
    settings = servers.NGINX_SETTINGS.replace("worker_connections 4096", f"worker_connections {2 * max(numbers)}")
    settings = settings.replace("http {{", "http {{ keepalive_timeout 1h;")
    with tempfile.TemporaryDirectory() as folder:
        https.make_files(folder, 1024)
        samples = [of_plain_socket() for _ in range(3)]
        plain = {cache: statistics.median(sample[cache] for sample in samples) for cache in samples[0]}
        print(f"a plain socket: {sum(plain.values()):.0f}, {shown(plain)}", file=sys.stderr)
        for name in asked.stack or STACKS:
            able = [min(number, most_of(name)) for number in numbers]
            with (servers.nginx("backend", settings, folder, 1, kind="") if name == "tls_proxy" else
                  contextlib.nullcontext()) as backend:
                columns = [measured(name, number, asked.seconds, plain, backend, asked.bin_folder, folder)
                           for number in able]
            print(f"| `{name}` | " + " | ".join(map(str, able)) + " |\n|---" + "|---" * len(able) + "|")
            for row in ROWS:
                print(f"| {row} | " + " | ".join(f"{column[row]:.3g}" for column in columns) + " |", flush=True)


main()
