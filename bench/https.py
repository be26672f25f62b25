#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# https.py BIN_FOLDER JSON [--quick]: the scenarios under HTTP, driven by wrk from a process of its own, one thread a
# server. The servers: https_server, the same plain Beast server on both kinds of stream (https_beast; there
# called tls_async and asio_ssl), and nginx with one process. What is measured is the server's CPU time for one
# request. Writes the format of tls_bench. Exit status: 0 done, 1 something is missing and the rest has run, 2 a
# run failed.
import json
import os
import platform
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
FILES = {"1KiB": 1024, "1MiB": 1 << 20, "100MiB": 100 << 20}
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
    raise RuntimeError(f"{process.args[0]} ended with status {process.returncode}")


class Server:
    def __init__(self, name, bin_folder, folder):
        cert, key, root = (os.path.join(folder, f) for f in ("cert.pem", "key.pem", "root"))
        port, says = free_port(), None
        if name == "nginx":
            settings = os.path.join(folder, "nginx.conf")
            with open(settings, "w", encoding="utf-8") as file:
                file.write(NGINX_SETTINGS.format(folder=folder, port=port))
            command = [shutil.which("nginx"), "-p", folder, "-c", settings]
        elif name == "https_server":
            command = [os.path.join(bin_folder, "https_server"), "--listen", f"127.0.0.1:{port}", "--threads", "1",
                       "--cert", cert, "--key", key, "--root", root, "--quiet"]
        else:
            command, says = [os.path.join(bin_folder, "https_beast"), name, cert, key, root], subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=says or subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline()) if says else port
        wait_for(self.port, self.process)

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def end(self):
        self.process.terminate()
        self.process.wait()


def drive(server, name, connections, seconds, environment):
    before = server.cpu()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"https://127.0.0.1:{server.port}/{name}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False)
    cpu = server.cpu() - before
    count = re.search(r"(\d+) requests in .*, ([\d.]+)([KMG]?B) read", done.stdout)
    if done.returncode != 0 or not count:
        raise RuntimeError("wrk: " + " ".join(done.stdout.split())[-300:])
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError("wrk saw errors: " + " ".join(done.stdout.split())[-200:])
    got = float(count[2]) * {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[count[3]]
    requests = int(count[1])
    # By bytes, so that those that were cut off by the end count too.
    whole = got / (FILES[name] + 150) if FILES[name] > 1024 else requests
    if whole == 0:
        raise RuntimeError("wrk got nothing")
    return {"server_cpu": cpu / whole}


def estimate(values):
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(1000))
    return {"median": statistics.median(values), "low": medians[50], "high": medians[949]}


def figures(stacks):
    for stack in stacks.values():
        if not stack["rounds"]:
            continue
        stack["median"] = {"server_cpu": statistics.median(r["server_cpu"] for r in stack["rounds"])}
        pairs = [s["server_cpu"] / b["server_cpu"]
                 for s, b in zip(stack["rounds"], stacks["asio_ssl"]["rounds"]) if b["server_cpu"] > 0]
        if pairs:
            stack["ratio_to"] = {"asio_ssl": {"server_cpu": estimate(pairs)}}


def write(scenarios, missing, complete, target):
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    data = {"format": 2, "complete": complete, "scenarios": scenarios,
            "environment": {"openssl": version, "kernel": platform.release(), "cores": os.cpu_count(),
                            "protocol": "TLS 1.3", "cipher": "AES-128-GCM", "group": "X25519",
                            "unavailable": missing}}
    with open(target + ".part", "w", encoding="utf-8") as file:
        json.dump(data, file)
    os.replace(target + ".part", target)


def make_files(folder):
    os.mkdir(os.path.join(folder, "root"))
    for name, size in FILES.items():
        with open(os.path.join(folder, "root", name), "wb") as file:
            file.write(random.Random(1).randbytes(size))
    with open(os.path.join(folder, "client.cnf"), "w", encoding="utf-8") as file:
        file.write(CLIENT_SETTINGS)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-days", "2", "-keyout", os.path.join(folder, "key.pem"),
                    "-out", os.path.join(folder, "cert.pem")], stderr=subprocess.DEVNULL, check=True)


def main():
    quick = "--quick" in sys.argv
    bin_folder, target = [a for a in sys.argv[1:] if a != "--quick"]
    names, missing = ["asio_ssl", "tls_async", "https_server", "nginx"], []
    rounds, seconds = (3, 1) if quick else (15, 2)
    if not shutil.which("wrk"):
        sys.exit("https: wrk is not installed: nothing can be measured")
    if not shutil.which("nginx"):
        print("https: without nginx, which is not installed", file=sys.stderr)
        names.remove("nginx")
        missing.append({"name": "nginx", "why": "not installed"})
    scenarios, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        environment = dict(os.environ, OPENSSL_CONF=os.path.join(folder, "client.cnf"))
        for name, connections in (("1KiB", 32), ("1MiB", 8), ("100MiB", 2)):
            stacks = {n: {"rounds": [], "checked": {}} for n in names}
            for i in range(rounds * len(names)):
                turn = i // len(names)
                stack = names[(i + turn) % len(names)]
                if sys.stderr.isatty():
                    print(f"\r\033[Khttps_{name}: round {turn + 1} of {rounds}", end="", file=sys.stderr)
                if "failed" in stacks[stack]:
                    continue
                server = None
                try:
                    server = Server(stack, bin_folder, folder)
                    stacks[stack]["rounds"].append(drive(server, name, connections, seconds, environment))
                except (RuntimeError, OSError, ValueError) as error:
                    stacks[stack]["failed"], failed = str(error), True
                    print(f"\nhttps_{name} on {stack} failed: {error}", file=sys.stderr)
                finally:
                    if server:
                        server.end()
            figures(stacks)
            scenarios.append({"name": f"https_{name}", "unit": "request", "messages": 0, "message_bytes": FILES[name],
                              "what": f"GET of a file of {name} on {connections} connections that are kept alive",
                              "at_once": connections, "stacks": stacks})
            write(scenarios, missing, False, target)
            for stack, its in stacks.items():
                e = its.get("ratio_to", {}).get("asio_ssl", {}).get("server_cpu")
                if e:
                    print(f"https_{name:7} {stack:13} server_cpu x{e['median']:.2f} [{e['low']:.2f}, {e['high']:.2f}]",
                          flush=True)
    write(scenarios, missing, True, target)
    sys.exit(2 if failed else 1 if missing else 0)


main()
