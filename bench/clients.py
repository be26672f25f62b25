# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The clients of https.py for connections that are kept: what compares the bodies with the files, and what asks as fast
# as the server can answer. The others are in peer.py.
import filecmp
import http.client
import os
import re
import ssl
import subprocess

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


def make_files(folder):
    for name, text in (("client.cnf", CLIENT_SETTINGS), ("wrk.lua", WRK_SCRIPT)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def check(server, name, _, folder, __):
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
    return {}


def check_http2(server, name, _, folder, __):
    """The same over HTTP/2, which Python's client does not speak."""
    wanted, got = (os.path.join(folder, *path) for path in (("root", name), ("got",)))
    url = f"https://127.0.0.1:{server.port}/{name}"
    done = output("curl", ["--silent", "--show-error", "--http2", "--max-time", "60", "--cacert",
                           os.path.join(folder, "cert.pem"), "--write-out",
                           "%{http_version} %{http_code} %{num_connects} ", "-o", got, url, "-o", f"{got}2", url])
    if done.strip() != "2 200 1 2 200 0" or not all(filecmp.cmp(wanted, g, shallow=False) for g in (got, f"{got}2")):
        raise RuntimeError(f"version, status, connections: {done}, or wrong plaintext arrived")
    return {}


def output(program, arguments, **options):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{program}: " + " ".join(done.stdout.split())[-300:])
    return done.stdout


def drive_wrk(server, name, scenario, seconds, folder, _):
    environment = dict(os.environ, OPENSSL_CONF=os.path.join(folder, "client.cnf"))
    before = server.cpu()
    said = output("wrk", ["-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--timeout", "60s", "-s",
                          os.path.join(folder, "wrk.lua"), f"https://127.0.0.1:{server.port}/{name}"], env=environment)
    return cost(server.cpu() - before, scenario.size, said, r"\n(\d+) (\d+) 0$")


# It sets the cipher and the group itself, whatever OpenSSL's settings are.
def drive_h2load(server, name, scenario, seconds, _, __):
    before = server.cpu()
    said = output("h2load", ["-t1", f"-c{scenario.connections}", f"-m{scenario.streams}",
                             f"-n{seconds * scenario.requests}",
                             "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519", "--npn-list=h2",
                             f"https://127.0.0.1:{server.port}/{name}"])
    return cost(server.cpu() - before, scenario.size, said,
                r"(?s)protocol: h2\n.* 0 failed, 0 errored, 0 timeout\nstatus codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx\n"
                r".* \((\d+)\) data")


def cost(cpu, size, said, pattern_of_success):
    found = re.search(pattern_of_success, said)
    if not found:
        raise RuntimeError("the client saw errors: " + " ".join(said.split())[-900:])
    requests, got = map(int, found.groups())
    # Large ones by bytes, so that those that were cut off by the end count too.
    whole = requests if size <= 1024 else got / size
    if whole == 0:
        raise RuntimeError("the client got nothing")
    return {"server_cpu": cpu / whole}
