# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Our side of a cell: the program interop_peer, the certificates, what is sent, and both conversations."""
import base64
import os
import random
import subprocess

from processes import Failed, listening_port, running

VERSIONS, KEYS, SIZES = ("1.2", "1.3"), ("rsa", "ecdsa"), (1, 16 * 1024 + 1, 10_000_000)
ROUNDS = int(os.environ.get("TLS_ASYNC_INTEROP_ROUNDS", "20"))  # connections of a cell of resumption
CUT = ("ended stream truncated", "ended Connection reset by peer")


class Ours:
    def __init__(self, program, directory):
        self.program, self.directory, self.https_server = program, directory, ""
        for name, content in (("tickets", os.urandom(80)),
                              ("tickets.lines", b"".join(base64.b64encode(os.urandom(80)) + b"\n" for _ in range(3)))):
            os.chmod(self.write(name, content), 0o600)
        # letters in lines: some tools act on lines, and the letter k is a command of s_client
        for size in SIZES:
            self.write(size, self.letters(size))
        curve = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        self._certificate("ca", curve, "-addext", "keyUsage=critical,keyCertSign")
        for key, new_key in (("rsa", ("rsa:2048",)), ("ecdsa", curve)):
            self._certificate(key, new_key, "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"), "-addext",
                              "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")

    def _certificate(self, name, new_key, *more):
        subprocess.run(["openssl", "req", "-x509", "-newkey", *new_key, "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"), *more],
                       check=True, capture_output=True)

    @staticmethod
    def letters(size):
        letters = bytearray(random.Random(size).choices(b"abcdefghijlmnopqrstuvwxyz", k=size))
        letters[63::64] = b"\n" * len(letters[63::64])
        letters[-1:] = b"\n"
        return bytes(letters)

    def path(self, name):
        return os.path.join(self.directory, str(name))

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def content(self, size):
        with open(self.path(size), "rb") as file:
            return file.read()

    def client(self, port, version, *options):
        return running(self.program, "--port", str(port), "--cacert", self.path("ca.pem"), "--tls", version, *options)

    def server(self, version, key, *options):
        return running(self.program, "--cert", self.path(f"{key}.pem"), "--key", self.path(f"{key}.key"), "--tls", version,
                       *options)

    def web_server(self, key, tickets):
        """A https_server with keys of tickets, as FORMAT:FILE."""
        return running(self.https_server, "--listen", "127.0.0.1:0", "--quiet", "--cert", self.path(f"{key}.pem"),
                       "--key", self.path(f"{key}.key"), "--ticket-keys", tickets)

    @staticmethod
    def port_of(server):
        return int(server.await_line(b"port ").split()[1])

    @staticmethod
    def require_end(ours, version, *ends):
        status = ours.wait()
        session, ended = ours.await_line(b"session "), ours.await_line(b"ended ")
        if status != 0 or not session.startswith(f"session TLSv{version} ") or ended not in ends:
            raise Failed(f"status {status}, expected {ends}: {ours.text()!r}")

    def talk_to_server(self, start, version, key, size, end, answers=True):
        """Our client sends to a server that sends back what it gets, and answers our close_notify with its own, or not."""
        with start(version, key) as server:
            port = listening_port(server)
            how = {"keys": ("--key-updates",), "close": (), "abrupt": ("--end", "await")}.get(end, ("--end", end))
            with self.client(port, version, "--send", self.path(size), *how) as ours:
                ours.await_line(b"echo same")
                if end == "abrupt":
                    server.kill()
                if end == "cut":
                    if ours.wait() != 0:
                        raise Failed(ours.text())
                else:
                    well = "ended well" if end in ("close", "keys") else "ended End of file"
                    self.require_end(ours, version, *(CUT if end == "abrupt" or not answers else (well,)))
            if end == "cut":  # it goes on serving
                with self.client(port, version, "--send", self.path(f"{SIZES[0]}")) as again:
                    self.require_end(again, version, "ended well")

    def talk_to_client(self, start, version, key, size, end, closes=True, also=lambda ours: None):
        """Our server sends back what a client takes from its input; the client prints it. At last also(ours) looks.
        A client closes with close_notify, or not."""
        content = self.content(size)
        with self.server(version, key) as ours, start(version, self.port_of(ours)) as client:
            writer = client.feed(content)
            if end == "half-close":
                writer.join()
                client.child.stdin.close()
            client.await_output(lambda seen: client.plaintext_size() >= size, f"{size} bytes")
            writer.join()
            if end == "abrupt":
                client.kill()
            elif end == "close":
                client.child.stdin.close()
            self.require_end(ours, version, *(CUT if end == "abrupt" or not closes else ("ended End of file",)))
            client.wait()
            if client.plaintext() != content:
                raise Failed(f"the echo differs from what was sent: {client.text()!r}")
            also(ours)

    @staticmethod
    def require_resumed(*counting, each_full=ROUNDS, rounds=ROUNDS):
        """All connections but the first of each so many, as each of these processes has counted."""
        expected = f"resumed {rounds - -(-rounds // each_full)} of {rounds}"
        for each in counting:
            status, told = each.wait(), each.await_line(b"resumed ")
            if status != 0 or told != expected:
                raise Failed(f"status {status}, expected {expected!r}: {each.text()!r}")

    def resume_at_server(self, start, version, key, each_full):
        """Our client reconnects to a server that sends back what it gets."""
        with start(version, key) as server, \
                self.client(listening_port(server), version, "--rounds", str(ROUNDS)) as ours:
            self.require_resumed(ours, each_full=each_full)

    def resume_of_client(self, start, version, key, each_full):
        """A client that counts reconnects to our server, which counts too."""
        with self.server(version, key, "--rounds", str(ROUNDS)) as ours, start(version, self.port_of(ours)) as client:
            self.require_resumed(client, ours, each_full=each_full)
