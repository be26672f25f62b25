#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# https.py BIN_FOLDER JSON [--quick | --smoke] [--rounds N] [--scenario NAME[:STACK,STACK]]... [--stack NAME]... :
# the scenarios under HTTP, driven by wrk from a process of its own, one thread a server. The servers: https_server, the
# same plain Beast server on both kinds of stream (https_beast; there called tls_async and asio_ssl), and nginx with one
# process. What is measured is the server's CPU time for one request; before that each server's bodies are compared with
# the files, which is all that --smoke does, so that it needs no wrk. Writes the format of tls_bench. Exit status: 0
# done, 1 wrong usage or something is missing and the rest has run, 2 a run failed.
import argparse
import http.client
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

from estimate import estimate

# The size of each file, and how many connections ask for it at once.
SCENARIOS = {"https_1KiB": (1024, 32), "https_1MiB": (1 << 20, 8), "https_100MiB": (100 << 20, 2)}
STACKS = ["asio_ssl", "tls_async", "https_server", "nginx"]
SMOKE_BYTES = 3 << 20
CLIENT_SETTINGS = """openssl_conf = all
[all]
ssl_conf = parts
[parts]
system_default = client
[client]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519
"""
# What wrk counted, as exact numbers.
WRK_SCRIPT = """done = function(summary)
  local e = summary.errors
  io.write(string.format("\\n%d %d %d", summary.requests, summary.bytes, e.connect + e.read + e.write + e.status))
end
"""
NGINX_SETTINGS = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 100000000; sendfile on; client_body_temp_path {folder}/t1;
proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
ssl_protocols TLSv1.3; root {folder}/root; }} }}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process):
    while process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args[0]} has ended")


def announced_port(process):
    line = process.stdout.readline()  # Our own servers say it at the end of their first line.
    if not line:
        raise RuntimeError(f"{process.args[0]} has ended")
    return int(re.search(rb"\d+$", line.strip())[0])


class Server:
    """A server process, ended when the block that it was made for is left."""

    def __init__(self, name, bin_folder, folder):
        cert, key, root = (os.path.join(folder, f) for f in ("cert.pem", "key.pem", "root"))
        self.port = None
        if name == "nginx":
            self.port = free_port()
            settings = os.path.join(folder, "nginx.conf")
            with open(settings, "w", encoding="utf-8") as file:
                file.write(NGINX_SETTINGS.format(folder=folder, port=self.port))
            command = [shutil.which("nginx"), "-p", folder, "-c", settings]
        elif name == "https_server":
            command = [os.path.join(bin_folder, "https_server"), "--listen", "127.0.0.1:0", "--threads", "1",
                       "--cert", cert, "--key", key, "--root", root, "--quiet"]
        else:
            command = [os.path.join(bin_folder, "https_beast"), name, cert, key, root]
        # It ends with us, whatever ends us.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __enter__(self):
        try:
            if self.port:
                wait_for(self.port, self.process)
            else:
                self.port = announced_port(self.process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def cpu(self):
        return time.clock_gettime(~self.process.pid << 3 | 2)  # The clock of its CPU time, as clock_getcpuclockid(3).


def check(server, name, folder):
    """Asks twice on one connection; every byte must be right."""
    with open(os.path.join(folder, "root", name), "rb") as file:
        wanted = file.read()
    trusting = ssl.create_default_context(cafile=os.path.join(folder, "cert.pem"))
    client = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=trusting)
    try:
        for _ in range(2):
            client.request("GET", f"/{name}")
            answer = client.getresponse()
            if answer.status != 200 or answer.read() != wanted:
                raise RuntimeError(f"status {answer.status}, or wrong plaintext arrived")
    finally:
        client.close()


def drive(server, name, size, connections, seconds, folder):
    environment = dict(os.environ, OPENSSL_CONF=os.path.join(folder, "client.cnf"))
    before = server.cpu()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", os.path.join(folder, "wrk.lua"),
         f"https://127.0.0.1:{server.port}/{name}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False)
    cpu = server.cpu() - before
    last = done.stdout.rpartition("\n")[2].split()
    if done.returncode != 0 or len(last) != 3:
        raise RuntimeError("wrk: " + " ".join(done.stdout.split())[-300:])
    requests, got, errors = map(int, last)
    if errors:
        raise RuntimeError(f"wrk saw {errors} errors")
    # Large ones by bytes, so that those that were cut off by the end count too.
    whole = requests if size <= 1024 else got / size
    if whole == 0:
        raise RuntimeError("wrk got nothing")
    return {"server_cpu": cpu / whole}


def figures(stacks):
    for stack in stacks.values():
        if not stack["rounds"]:
            continue
        stack["median"] = {"server_cpu": statistics.median(r["server_cpu"] for r in stack["rounds"])}
        base = stacks.get("asio_ssl", {"rounds": []})["rounds"]
        pairs = [s["server_cpu"] / b["server_cpu"] for s, b in zip(stack["rounds"], base) if b["server_cpu"] > 0]
        if pairs:
            stack["ratio_to"] = {"asio_ssl": {"server_cpu": estimate(pairs)}}


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
    for name, (size, _) in SCENARIOS.items():
        with open(os.path.join(folder, "root", name), "wb") as file:
            file.write(random.Random(1).randbytes(min(size, most_bytes)))
    for name, text in (("client.cnf", CLIENT_SETTINGS), ("wrk.lua", WRK_SCRIPT)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                    "-keyout", os.path.join(folder, "key.pem"), "-out", os.path.join(folder, "cert.pem")],
                   stderr=subprocess.DEVNULL, check=True)


def run(scenario, names, rounds, seconds, bin_folder, folder):
    size, connections = SCENARIOS[scenario]
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
                        stacks[stack]["rounds"].append(drive(server, scenario, size, connections, seconds, folder))
            except (RuntimeError, OSError, ValueError, http.client.HTTPException) as error:
                stacks[stack]["failed"] = str(error) or type(error).__name__
                print(f"\n{scenario} on {stack} failed: {error}", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    figures(stacks)
    return {"name": scenario, "unit": "request", "messages": 0, "message_bytes": size, "at_once": connections,
            "what": f"GET of {size} bytes on {connections} connections that are kept alive", "stacks": stacks}


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
    return {name: [s for s in STACKS if s in wanted[name]] for name in SCENARIOS if name in wanted}, unknown


def main():
    asked = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # So that the server that runs is ended.
    rounds, seconds = (0, 0) if asked.smoke else (min(asked.rounds, 3), 1) if asked.quick else (asked.rounds, 2)
    wanted, unknown = chosen(asked)
    missing, failed, scenarios = [], False, []
    for program, needed in (("wrk", rounds), ("nginx", any("nginx" in names for names in wanted.values()))):
        if needed and not shutil.which(program):
            print(f"https: without {program}, which is not installed", file=sys.stderr)
            missing.append({"name": program, "why": "not installed"})
    if rounds and not shutil.which("wrk"):
        print("https: nothing can be measured without wrk", file=sys.stderr)
        wanted = {}
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder, SMOKE_BYTES if asked.smoke else sys.maxsize)
        for name, names in wanted.items():
            result = run(name, [n for n in names if n != "nginx" or shutil.which(n)], rounds, seconds,
                         asked.bin_folder, folder)
            scenarios.append(result)
            write(scenarios, missing, False, asked.json)
            stacks = result["stacks"]
            failed = failed or any("failed" in stack for stack in stacks.values())
            if asked.smoke:
                print(f"{name}: {sum('failed' not in stack for stack in stacks.values())} servers did their work")
                continue
            for stack, its in stacks.items():
                cpu, e = its.get("median"), its.get("ratio_to", {}).get("asio_ssl", {}).get("server_cpu")
                print(f"{name:12} {stack:13}" + (f" server_cpu {cpu['server_cpu'] * 1e6:.4g} us" if cpu else "")
                      + (f" x{e['median']:.2f} [{e['low']:.2f}, {e['high']:.2f}]" if e else ""), flush=True)
    write(scenarios, missing, True, asked.json)
    # Nothing is compared in a smoke run, so that it can do without wrk and nginx.
    sys.exit(2 if failed else 1 if unknown or missing and not asked.smoke else 0)


if __name__ == "__main__":
    main()
