#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Our streams against OpenSSL's tools, GnuTLS and curl, over loopback.

usage: interop.py PATH_OF_INTEROP_PEER [openssl | gnutls | curl | java]...

One line for each cell, `PEER ROLE VERSION KEY SIZE END: ok | FAILED why | skipped why`, where ROLE is the
peer's. Exits with 1 if a cell failed. Certificates are made at run time; every process is ended by its id.
"""
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 60  # seconds: for a cell that hangs
VERSIONS, KEYS, SIZES = ("1.2", "1.3"), ("rsa", "ecdsa"), (1, 16 * 1024 + 1, 10_000_000)
# Less than two sockets hold. With more, Java may stop for ever: its reader, which has to send a KeyUpdate, waits for its
# writer, which waits for us, who wait for its reader.
HELD_BY_SOCKETS = 1_000_000
CUT = ("ended stream truncated", "ended Connection reset by peer")


class Failed(Exception):
    pass


class Process:
    """A child whose output is collected, and which is ended with its cell."""

    def __init__(self, *command, output=subprocess.PIPE, stdin=subprocess.PIPE):
        self.seen = {1: bytearray(), 2: bytearray()}
        self.news = threading.Condition()
        self.child = subprocess.Popen(command, stdin=stdin, stdout=output, stderr=subprocess.PIPE)
        self.readers = [threading.Thread(target=self._collect, args=each) for each in
                        ((1, self.child.stdout), (2, self.child.stderr)) if each[1]]
        for reader in self.readers:
            reader.start()

    def _collect(self, number, pipe):
        while piece := os.read(pipe.fileno(), 1 << 16):
            with self.news:
                self.seen[number] += piece
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def text(self):
        return (self.seen[1][-2000:] + self.seen[2][-2000:]).decode(errors="replace")

    def await_output(self, told, what, number=1):
        """Waits until told(bytes so far) is true and returns its answer."""
        with self.news:
            def ready():
                return told(self.seen[number]) or not any(each.is_alive() for each in self.readers)
            if not self.news.wait_for(ready, PATIENCE) or not told(self.seen[number]):
                raise Failed(f"no {what}; {self.text()!r}")
            return told(self.seen[number])

    def await_line(self, start, number=1):
        def line(seen):
            return next((each for each in bytes(seen).split(b"\n")[:-1] if each.startswith(start)), None)
        return self.await_output(line, repr(start), number).decode()

    def feed(self, content):
        """Writes from a thread of its own: the child may want to be read meanwhile."""
        def write():
            with contextlib.suppress(BrokenPipeError):
                self.child.stdin.write(content)
                self.child.stdin.flush()
        writer = threading.Thread(target=write)
        writer.start()
        return writer

    def wait(self):
        try:
            status = self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.child.args[0]} did not end; {self.text()!r}") from None
        for reader in self.readers:
            reader.join()
        return status

    def end(self):
        self.child.kill()
        self.child.wait()
        for reader in self.readers:
            reader.join()
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def listening_port(process):
    """The IPv4 port a process of ours listens on. The tools take port 0, but not all say what it became."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.child.poll() is None:
        links = f"/proc/{process.child.pid}/fd"
        sockets = set()
        for each in os.listdir(links):
            with contextlib.suppress(FileNotFoundError):
                sockets.add(os.readlink(f"{links}/{each}"))
        with open("/proc/net/tcp", encoding="ascii") as table:
            for line in list(table)[1:]:
                field = line.split()
                if field[3] == "0A" and f"socket:[{field[9]}]" in sockets:
                    return int(field[1].split(":")[1], 16)
        time.sleep(0.01)
    raise Failed(f"{process.child.args[0]} does not listen; {process.text()!r}")


class Cells:
    def __init__(self, peer, directory):
        self.peer, self.directory = peer, directory

    def path(self, name):
        return os.path.join(self.directory, name)

    def content(self, size):
        with open(self.path(f"{size}"), "rb") as file:
            return file.read()

    def prepare(self):
        """An authority, a certificate for each type of key, and files of lines: gnutls-serv sends back lines."""
        def request(name, new_key, *more):
            subprocess.run(["openssl", "req", "-x509", "-newkey", *new_key, "-nodes", "-days", "2", "-subj", f"/CN={name}",
                            "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"), *more],
                           check=True, capture_output=True)
        curve = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        request("ca", curve)
        for key, new_key in (("rsa", ("rsa:2048",)), ("ecdsa", curve)):
            request(key, new_key, "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"), "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
        for size in (*SIZES, HELD_BY_SOCKETS):
            letters = bytearray(random.Random(size).choices(b"abcdefghijlmnopqrstuvwxyz", k=size))  # k is a command of s_client
            letters[63::64] = b"\n" * len(letters[63::64])
            letters[-1:] = b"\n"
            with open(self.path(f"{size}"), "wb") as file:
                file.write(letters)

    # ---- Ours.

    @contextlib.contextmanager
    def running(self, *command, **streams):
        process = Process(*command, **streams)
        try:
            yield process
        finally:
            process.end()

    def our_client(self, port, version, *options):
        return self.running(self.peer, "--port", str(port), "--cacert", self.path("ca.pem"), "--tls", version, *options)

    def our_server(self, version, key, *options):
        return self.running(self.peer, "--cert", self.path(f"{key}.pem"), "--key", self.path(f"{key}.key"), "--tls", version,
                            *options)

    @staticmethod
    def require_end(ours, version, *ends):
        status = ours.wait()
        session, ended = ours.await_line(b"session "), ours.await_line(b"ended ")
        if status != 0 or not session.startswith(f"session TLSv{version} ") or ended not in ends:
            raise Failed(f"status {status}, expected {ends}: {ours.text()!r}")

    # ---- Foreign servers, which send back what they get.

    @contextlib.contextmanager
    def s_server(self, version, key):
        """What it receives goes to its standard output and from there to its standard input, so back to us."""
        out_of, into = os.pipe()
        try:
            with self.running("openssl", "s_server", "-quiet", "-accept", "127.0.0.1:0", "-tls" + version.replace(".", "_"),
                              "-cert", self.path(f"{key}.pem"), "-key", self.path(f"{key}.key"),
                              stdin=out_of, output=into) as server:
                yield server
        finally:
            os.close(out_of)
            os.close(into)

    def gnutls_serv(self, version, key):
        return self.running("gnutls-serv", "--echo", "--quiet", "--port", "0", "--disable-client-cert",
                            "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}",
                            "--x509certfile", self.path(f"{key}.pem"), "--x509keyfile", self.path(f"{key}.key"))

    def talk_to_server(self, start, version, key, size, end):
        with start(version, key) as server:
            port = listening_port(server)
            how = {"keys": ("--key-updates", "--end", "shutdown"), "killed": ("--end", "await")}.get(end, ("--end", end))
            with self.our_client(port, version, "--send", self.path(f"{size}"), *how) as ours:
                ours.await_line(b"echo same")
                if end == "killed":
                    server.child.kill()
                if end == "cut":
                    if ours.wait() != 0:
                        raise Failed(ours.text())
                else:
                    self.require_end(ours, version, *{"half-close": ("ended End of file",), "killed": CUT}.get(
                        end, ("ended well",)))
            if end == "cut":  # it goes on serving
                with self.our_client(port, version, "--send", self.path(f"{SIZES[0]}")) as again:
                    self.require_end(again, version, "ended well")

    # ---- Foreign clients.

    def s_client(self, version, port, *options):
        return self.running("openssl", "s_client", *options, "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                            "-verify_hostname", "localhost", "-verify_return_error", "-CAfile", self.path("ca.pem"),
                            "-tls" + version.replace(".", "_"))

    def quiet_s_client(self, version, port):
        return self.s_client(version, port, "-quiet", "-no_ign_eof")

    def gnutls_cli(self, version, port):
        return self.running("gnutls-cli", "--logfile", os.devnull, "--port", str(port), "--x509cafile", self.path("ca.pem"),
                            "--verify-hostname", "localhost", "--sni-hostname", "localhost",
                            "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "127.0.0.1")

    def talk_to_client(self, start, version, key, size, end):
        content = self.content(size)
        with self.our_server(version, key) as ours, start(version, int(ours.await_line(b"port ").split()[1])) as client:
            writer = client.feed(content)
            if end == "half-close":
                writer.join()
                client.child.stdin.close()
            client.await_output(lambda seen: len(seen) >= size, f"{size} bytes")
            writer.join()
            if end == "killed":
                client.child.kill()
            elif end == "close":
                client.child.stdin.close()
            self.require_end(ours, version, *(CUT if end == "killed" else ("ended End of file",)))
            client.wait()
            if client.seen[1] != content:
                raise Failed("the echo differs from what was sent")

    # ---- KeyUpdates that the peer asks for: by the commands K (and our keys, please) and k of OpenSSL's tools.

    @staticmethod
    def talk_with_key_updates(tool):
        for number, command in enumerate((b"K", b"k", b"K", b"k")):
            tool.feed(b"%s\n" % command)
            tool.await_output(lambda seen: seen.count(b"KEYUPDATE") > number, "KEYUPDATE", 2)
            line = b"line %d behind it\n" % number
            tool.feed(line)
            tool.await_output(lambda seen: line in seen, repr(line))

    def s_client_updates_keys(self, _, version, key, __, ___):
        with self.our_server(version, key) as ours, \
                self.s_client(version, int(ours.await_line(b"port ").split()[1])) as client:
            self.talk_with_key_updates(client)
            client.feed(b"Q\n")
            self.require_end(ours, version, "ended End of file")

    # ---- Java asks for new keys every 64 KiB, and again with each record until it has them: beyond our default limit.

    def java_updates_keys(self, _, version, key, size, __):
        with open(self.path("limits"), "w", encoding="ascii") as limits:
            limits.write("jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^16\n")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "EchoClient.java")
        with self.our_server(version, key) as ours, \
                self.running("java", "-Djava.security.properties=" + self.path("limits"),
                             "-Djdk.tls.client.cipherSuites=TLS_AES_128_GCM_SHA256", source,
                             ours.await_line(b"port ").split()[1], self.path("ca.pem"), self.path(f"{size}")) as java:
            if java.wait() != 0:
                raise Failed(ours.text() + java.text())
            self.require_end(ours, version, "ended End of file")
            if int(ours.await_line(b"key updates ").split()[2]) < size // (1 << 17):
                raise Failed(ours.text())

    # ---- GnuTLS asks for a renegotiation, which is granted, or refused; then it asks once more and is cut off.

    def gnutls_cli_renegotiates(self, _, version, key, size, end):
        options = ("--renegotiation",) if end == "granted" else ()
        with self.our_server(version, key, *options) as ours, \
                self.running("gnutls-cli", "--rehandshake", "--logfile", os.devnull, "--port",
                             ours.await_line(b"port ").split()[1], "--x509cafile", self.path("ca.pem"),
                             "--verify-hostname", "localhost", "--priority",
                             f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "127.0.0.1") as client:
            if end == "granted":
                writer = client.feed(self.content(size))
                client.await_output(lambda seen: len(seen) >= size, f"{size} bytes")
                writer.join()
            client.child.stdin.close()
            client.wait()
            ours.wait()
            told = ours.await_line(b"renegotiations ")
            if told != ("renegotiations 1 refused 0" if end == "granted" else "renegotiations 2 refused 2"):
                raise Failed(ours.text() + client.text())

    # ---- curl: what it puts comes back as the response.

    def curl(self, _, version, key, size, end):
        result = self.path(f"curl.{version}.{key}.{size}.{end}")
        with self.our_server(version, key, "--http") as ours:
            port = int(ours.await_line(b"port ").split()[1])
            source = "-" if end == "killed" else self.path(f"{size}")
            with self.running("curl", "--silent", "--show-error", "--ipv4", "--http1.1", "--cacert", self.path("ca.pem"),
                              "--tlsv" + version, "--tls-max", version, "--header", "Expect:", "--upload-file", source,
                              "--output", result, f"https://localhost:{port}/echo") as curl:
                if end == "killed":
                    curl.feed(self.content(size))
                    ours.await_line(b"session ")
                    curl.child.kill()
                elif curl.wait() != 0:
                    raise Failed(curl.text())
            self.require_end(ours, version, *(CUT if end == "killed" else ("ended end of stream",)))
            if end != "killed":
                with open(result, "rb") as file:
                    if file.read() != self.content(size):
                        raise Failed("the response differs from what was sent")
                os.remove(result)

    # ---- The matrix.

    def all(self, peers):
        def grid(tool, name, role, run, start, usual_end, other_ends):
            for version in VERSIONS:
                for key in KEYS:
                    for size in SIZES:
                        yield tool, name, role, run, start, version, key, size, usual_end
                for end in other_ends:
                    if end != "keys" or version == "1.3":
                        yield tool, name, role, run, start, version, "ecdsa", SIZES[1], end
        if "openssl" in peers:
            yield from grid("openssl", "s_server", "server", self.talk_to_server, self.s_server, "shutdown",
                            ("half-close", "cut", "killed", "keys"))
            yield from grid("openssl", "s_client", "client", self.talk_to_client, self.quiet_s_client, "close", ("killed",))
            yield "openssl", "s_client", "client", self.s_client_updates_keys, None, "1.3", "ecdsa", "lines", "keys"
        if "gnutls" in peers:
            # Without KeyUpdates: GnuTLS takes 8 a second at most, and ends the session at the next.
            yield from grid("gnutls-serv", "gnutls-serv", "server", self.talk_to_server, self.gnutls_serv, "shutdown",
                            ("half-close", "cut", "killed"))
            yield from grid("gnutls-cli", "gnutls-cli", "client", self.talk_to_client, self.gnutls_cli, "close",
                            ("half-close", "killed"))
            for end in ("granted", "refused"):
                yield "gnutls-cli", "gnutls-cli", "client", self.gnutls_cli_renegotiates, None, "1.2", "ecdsa", SIZES[1], end
        if "java" in peers:
            yield "javac", "java", "client", self.java_updates_keys, None, "1.3", "ecdsa", HELD_BY_SOCKETS, "keys"
        if "curl" in peers:
            yield from grid("curl", "curl", "client", self.curl, None, "close", ("killed",))


def outcome(cell):
    tool, _, _, run, *arguments = cell
    if not shutil.which(tool):
        return f"skipped no {tool}"
    try:
        run(*arguments)
        return "ok"
    except Failed as why:
        return f"FAILED {why}"


def main():
    peers = sys.argv[2:] or ["openssl", "gnutls", "curl", "java"]
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        cells = Cells(os.path.abspath(sys.argv[1]), directory)
        cells.prepare()
        matrix = list(cells.all(peers))
        failed = False
        for cell, result in zip(matrix, pool.map(outcome, matrix)):
            _, name, role, _, _, *rest = cell
            print(name, role, *rest, end=f": {result}\n", flush=True)
            failed = failed or result.startswith("FAILED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
