#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# https.py BIN_FOLDER JSON [--quick | --smoke] [--rounds N] [--threads N] [--scenario NAME[:STACK,STACK]]... [--stack
# NAME]... : the scenarios of whole programs, driven from a process of its own, one thread a server unless told
# otherwise: servers of files over HTTPS, and proxies that end TLS in front of a backend. What is measured is the
# server's CPU time for one request or connection, or its memory for one connection that waits; before that each
# server's bodies are compared with the files, which is all that --smoke does, so that it needs neither wrk nor h2load.
# Writes the format of tls_bench. Exit status: 0 done, 1 wrong usage or something is missing and the rest has run, 2 a
# run failed.
import argparse
import http.client
import json
import os
import platform
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import clients
import proxies
import servers
from estimate import estimate
from https_scenarios import (CLIENTS, OF_ONE_THREAD, SCENARIOS, STACKS, have_threads, needed_by_all, needed_by_stack,
                             number_of_threads)

SMOKE_BYTES = 3 << 20


def figures(stacks, base):
    for stack in stacks.values():
        if not stack["rounds"]:
            continue
        beside = stacks.get(base, {"rounds": []})["rounds"]
        metrics = stack["rounds"][0]
        stack["median"] = {metric: statistics.median(r[metric] for r in stack["rounds"]) for metric in metrics}
        ratios = {}
        for metric in ("server_cpu", "resident"):
            pairs = [s[metric] / b[metric] for s, b in zip(stack["rounds"], beside) if b.get(metric, 0) > 0]
            ratios.update({metric: estimate(pairs)} if pairs else {})
        if ratios:
            stack["ratio_to"] = {base: ratios}


def write(scenarios, threads, missing, complete, target):
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    data = {"format": 2, "complete": complete, "scenarios": scenarios,
            "environment": {"date": time.strftime("%FT%RZ", time.gmtime()), "openssl": version,
                            "kernel": platform.release(), "cores": os.cpu_count(), "threads": threads,
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
    with open(os.path.join(folder, "both.pem"), "wb") as both:  # Some proxies want one file.
        for name in ("cert.pem", "key.pem"):
            with open(os.path.join(folder, name), "rb") as file:
                shutil.copyfileobj(file, both)


def run(scenario, names, threads, rounds, seconds, bin_folder, folder):
    its = SCENARIOS[scenario]
    client = CLIENTS[its.client]
    started = (lambda name: proxies.proxy(name, threads, its.backend, bin_folder, folder)) if its.backend else \
        (lambda name: servers.server(name, threads, bin_folder, folder))
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
                with started(stack) as server:
                    if turn == 0:
                        stacks[stack]["checked"] = client.check(server, scenario, its, folder, bin_folder)
                    else:
                        stacks[stack]["rounds"].append(client.drive(server, scenario, its, seconds, folder, bin_folder))
            except (RuntimeError, OSError, ValueError, http.client.HTTPException) as error:
                stacks[stack]["failed"] = str(error) or type(error).__name__
                print(f"\n{scenario} on {stack} failed: {error}", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    base = its.stacks[0] if threads == 1 else "nginx"  # Which all scenarios have.
    figures(stacks, base)
    return {"name": scenario, "unit": client.unit, "messages": 0, "message_bytes": its.size,
            "at_once": its.connections, "what": client.what.format(**its._asdict()), "base": base,
            "stacks": stacks}


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
    parser.add_argument("--threads", type=number_of_threads, default=1)
    parser.add_argument("--scenario", action="append", default=[])
    parser.add_argument("--stack", action="append", default=[])
    return parser.parse_args()


def chosen(asked):
    """The stacks of each scenario that was asked for, and whether a name is not known."""
    wanted = {}
    for name in asked.scenario or [s for s, its in SCENARIOS.items() if not asked.quick or its.is_quick]:
        scenario, _, stacks = name.partition(":")
        wanted[scenario] = stacks.split(",") if stacks else asked.stack or STACKS
    unknown, stacks = False, sorted(set().union(*wanted.values()))
    if asked.threads > 1:
        named = {*asked.stack, *(stack for name in asked.scenario for stack in name.partition(":")[2].split(","))}
        for stack in named.intersection(OF_ONE_THREAD):
            print(f"https: {stack} has one thread", file=sys.stderr)
            unknown = True
    for kind, names, known in (("scenario", wanted, SCENARIOS), ("stack", stacks, STACKS)):
        for name in names:
            if name not in known:
                print(f"https: no {kind} '{name}'; there are: {' '.join(known)}", file=sys.stderr)
                unknown = True
    able = {name: [s for s in have_threads(asked.threads, its.stacks) if s in wanted[name]]
            for name, its in SCENARIOS.items() if name in wanted}
    return {name: stacks for name, stacks in able.items() if stacks}, unknown


def is_there(program):
    if os.path.exists(program) if os.path.isabs(program) else shutil.which(program):
        return True
    print(f"https: without {program}, which is not installed", file=sys.stderr)
    return False


def there(wanted, is_smoke):
    """Of the wanted those for which the programs are installed, and the programs that are not."""
    needed = {name: {s: set(needed_by_stack(name, s)) for s in stacks} for name, stacks in wanted.items()}
    needed_once = {name: set(needed_by_all(name, is_smoke)) for name in wanted}
    programs = set().union(*needed_once.values(), *(some for stacks in needed.values() for some in stacks.values()))
    missing = [p for p in sorted(programs) if not is_there(p)]
    return {name: [s for s, some in stacks.items() if some.isdisjoint(missing)] for name, stacks in needed.items()
            if needed_once[name].isdisjoint(missing)}, missing


def print_figures(result):
    for stack, its in result["stacks"].items():
        words = []
        for metric, value in its.get("median", {}).items():
            e = its.get("ratio_to", {}).get(result["base"], {}).get(metric)
            words.append(f"{metric} " + (f"{value * 1e6:.4g} us" if metric == "server_cpu" else
                                         f"{value / 1024:.3g} KiB" if metric == "resident" else f"{value:.2f}")
                         + (f" x{e['median']:.2f} [{e['low']:.2f}, {e['high']:.2f}]" if e else ""))
        print(f"{result['name']:31} {stack:12} " + " ".join(words), flush=True)


def allow_descriptors(number):
    """To the servers and clients too, as many as the system lets us."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, number if most < 0 else min(most, number)), most))


def main():
    asked = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # So that the server that runs is ended.
    allow_descriptors(8192)
    rounds, seconds = (0, 0) if asked.smoke else (min(asked.rounds, 3), 1) if asked.quick else (asked.rounds, 2)
    wanted, unknown = chosen(asked)
    wanted, absent = there(wanted, asked.smoke)
    missing = [{"name": program, "why": "not installed"} for program in absent]
    failed, scenarios = False, []
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder, SMOKE_BYTES if asked.smoke else sys.maxsize)
        for name, names in wanted.items():
            result = run(name, names, asked.threads, rounds, seconds, asked.bin_folder, folder)
            scenarios.append(result)
            write(scenarios, asked.threads, missing, False, asked.json)
            stacks = result["stacks"]
            failed = failed or any("failed" in stack for stack in stacks.values())
            if asked.smoke:
                print(f"{name}: {sum('failed' not in stack for stack in stacks.values())} servers did their work")
                continue
            print_figures(result)
    write(scenarios, asked.threads, missing, True, asked.json)
    # Nothing is compared in a smoke run, so that it can do without these programs.
    sys.exit(2 if failed else 1 if unknown or missing and not asked.smoke else 0)


if __name__ == "__main__":
    main()
