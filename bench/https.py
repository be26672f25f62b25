#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# https.py BIN_FOLDER JSON [--quick | --smoke] [--rounds N] [--scenario NAME[:STACK,STACK]]... [--stack NAME]... :
# the scenarios under HTTP, driven from a process of its own, one thread a server: HTTP/1.1 by wrk, HTTP/2 by h2load.
# What is measured is the server's CPU time for one request; before that each server's bodies are compared with the
# files, which is all that --smoke does, so that it needs neither of the two. The servers: https_server, the same plain
# Beast server on both kinds of stream (https_beast; there called tls_async and asio_ssl), nginx with one process, and
# h2o. Writes the format of tls_bench. Exit status: 0 done, 1 wrong usage or something is missing and the rest has run,
# 2 a run failed.
import argparse
import http.client
import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import clients
from estimate import estimate
from servers import Server

H1_STACKS = ("asio_ssl", "tls_async", "https_server", "nginx")
H2_STACKS = ("nginx", "https_server", "h2o")
STACKS = [*H1_STACKS, "h2o"]


class Scenario(NamedTuple):
    size: int  # of the file
    connections: int  # that ask for it at once
    streams: int = 0  # of each connection, at once; 0: HTTP/1.1
    requests: int = 0  # for each second of a run; h2load -D hung once, when a server had dropped connections
    stacks: tuple = H1_STACKS  # The first is what the others are compared with.


SCENARIOS = {
    "https_1KiB": Scenario(1024, 32), "https_1MiB": Scenario(1 << 20, 8), "https_100MiB": Scenario(100 << 20, 2),
    "https_h2_1KiB": Scenario(1024, 32, 8, 20000, H2_STACKS),
    "https_h2_1MiB": Scenario(1 << 20, 4, 4, 500, H2_STACKS)}
SMOKE_BYTES = 3 << 20


def figures(stacks, base):
    for stack in stacks.values():
        if not stack["rounds"]:
            continue
        stack["median"] = {"server_cpu": statistics.median(r["server_cpu"] for r in stack["rounds"])}
        beside = stacks.get(base, {"rounds": []})["rounds"]
        pairs = [s["server_cpu"] / b["server_cpu"] for s, b in zip(stack["rounds"], beside) if b["server_cpu"] > 0]
        if pairs:
            stack["ratio_to"] = {base: {"server_cpu": estimate(pairs)}}


def write(scenarios, missing, complete, target):
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    data = {"format": 2, "complete": complete, "scenarios": scenarios,
            "environment": {"date": time.strftime("%FT%RZ", time.gmtime()), "openssl": version,
                            "kernel": platform.release(), "cores": os.cpu_count(),
                            "protocol": "TLS 1.3", "cipher": "AES-128-GCM", "group": "X25519",
                            "unavailable": missing}}
    with open(target + ".part", "w", encoding="utf-8") as file:
        json.dump(data, file)
    os.replace(target + ".part", target)


def make_files(folder, most_bytes):
    os.mkdir(os.path.join(folder, "root"))
    for name, scenario in SCENARIOS.items():
        with open(os.path.join(folder, "root", name), "wb") as file:
            file.write(random.Random(1).randbytes(min(scenario.size, most_bytes)))
    clients.make_files(folder)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                    "-keyout", os.path.join(folder, "key.pem"), "-out", os.path.join(folder, "cert.pem")],
                   stderr=subprocess.DEVNULL, check=True)


def run(scenario, names, rounds, seconds, bin_folder, folder):
    size, connections, streams, _, to_compare = SCENARIOS[scenario]
    check, drive = (clients.check_http2, clients.drive_h2load) if streams else (clients.check, clients.drive_wrk)
    stacks = {n: {"rounds": [], "checked": {}} for n in names}
    # The first round is not timed: it compares the bodies. Nobody is always the first.
    for turn in range(rounds + 1):
        for i in range(len(names)):
            stack = names[(i + turn) % len(names)]
            if sys.stderr.isatty():
                print(f"\r\033[K{scenario}: round {turn} of {rounds}", end="", file=sys.stderr)
            if "failed" in stacks[stack]:
                continue
            try:
                with Server(stack, bin_folder, folder) as server:
                    if turn == 0:
                        check(server, scenario, folder)
                    else:
                        stacks[stack]["rounds"].append(drive(server, scenario, SCENARIOS[scenario], seconds, folder))
            except (RuntimeError, OSError, ValueError, http.client.HTTPException) as error:
                stacks[stack]["failed"] = str(error) or type(error).__name__
                print(f"\n{scenario} on {stack} failed: {error}", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    figures(stacks, to_compare[0])
    return {"name": scenario, "unit": "request", "messages": 0, "message_bytes": size, "at_once": connections,
            "what": f"GET of {size} bytes on {connections} connections "
                    + (f"of HTTP/2, {streams} at once on each" if streams else "that are kept alive"), "stacks": stacks}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(f"https: {message}; see --help")


def parsed():
    parser = Parser()
    parser.add_argument("bin_folder")
    parser.add_argument("json")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--scenario", action="append", default=[])
    parser.add_argument("--stack", action="append", default=[])
    return parser.parse_args()


def chosen(asked):
    """The stacks of each scenario that was asked for, and whether a name is not known."""
    wanted = {}
    for name in asked.scenario or [s for s in SCENARIOS if not asked.quick or s != "https_100MiB"]:
        scenario, _, stacks = name.partition(":")
        wanted[scenario] = stacks.split(",") if stacks else asked.stack or STACKS
    unknown, stacks = False, sorted(set().union(*wanted.values()))
    for kind, names, known in (("scenario", wanted, SCENARIOS), ("stack", stacks, STACKS)):
        for name in names:
            if name not in known:
                print(f"https: no {kind} '{name}'; there are: {' '.join(known)}", file=sys.stderr)
                unknown = True
    able = {name: [s for s in its.stacks if s in wanted[name]] for name, its in SCENARIOS.items() if name in wanted}
    return {name: stacks for name, stacks in able.items() if stacks}, unknown


def without(program):
    if shutil.which(program):
        return False
    print(f"https: without {program}, which is not installed", file=sys.stderr)
    return True


def there(wanted, is_smoke):
    """Of the wanted those for which the programs are installed, and the programs that are not."""
    needed = {name: ["curl"] * bool(its.streams) + ["h2load" if its.streams else "wrk"] * (not is_smoke)
              for name, its in SCENARIOS.items() if name in wanted}
    servers = [s for s in ("nginx", "h2o") if any(s in names for names in wanted.values())]
    missing = [p for p in dict.fromkeys([*sum(needed.values(), []), *servers]) if without(p)]
    return {name: [s for s in names if s not in missing] for name, names in wanted.items()
            if not set(needed[name]) & set(missing)}, missing


def main():
    asked = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # So that the server that runs is ended.
    rounds, seconds = (0, 0) if asked.smoke else (min(asked.rounds, 3), 1) if asked.quick else (asked.rounds, 2)
    wanted, unknown = chosen(asked)
    wanted, absent = there(wanted, asked.smoke)
    missing = [{"name": program, "why": "not installed"} for program in absent]
    failed, scenarios = False, []
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder, SMOKE_BYTES if asked.smoke else sys.maxsize)
        for name, names in wanted.items():
            result = run(name, names, rounds, seconds, asked.bin_folder, folder)
            scenarios.append(result)
            write(scenarios, missing, False, asked.json)
            stacks = result["stacks"]
            failed = failed or any("failed" in stack for stack in stacks.values())
            if asked.smoke:
                print(f"{name}: {sum('failed' not in stack for stack in stacks.values())} servers did their work")
                continue
            for stack, its in stacks.items():
                cpu, e = its.get("median"), its.get("ratio_to", {}).get(SCENARIOS[name].stacks[0], {}).get("server_cpu")
                print(f"{name:13} {stack:13}" + (f" server_cpu {cpu['server_cpu'] * 1e6:.4g} us" if cpu else "")
                      + (f" x{e['median']:.2f} [{e['low']:.2f}, {e['high']:.2f}]" if e else ""), flush=True)
    write(scenarios, missing, True, asked.json)
    # Nothing is compared in a smoke run, so that it can do without these programs.
    sys.exit(2 if failed else 1 if unknown or missing and not asked.smoke else 0)


if __name__ == "__main__":
    main()
