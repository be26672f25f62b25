# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Starts the programs under test, reads what they print, and ends them, whatever happens.

Nothing here sleeps: every wait is for a line, an end of file or the end of a process, and fails
after PATIENCE seconds.
"""

import atexit
import contextlib
import ctypes
import fcntl
import itertools
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tls_context import client_context

BIN = pathlib.Path(os.environ["PROGRAMS"])
SANITIZER = os.environ.get("SANITIZER", "")  # what the programs were built with, if anything
PATIENCE = 240 if SANITIZER else 60

# One directory for the whole test program, and one certificate in it.
WORK = pathlib.Path(tempfile.mkdtemp(prefix="tls_async_apps_"))

# What a sanitizer finds in a program is written here, however the program was started.
REPORTS = WORK / "reports"
REPORTS.mkdir()
for options in ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
    os.environ[options] = f"{os.environ.get(options, '')}:log_path={REPORTS}/{options}"


def sanitizer_reports(process="*"):
    """What a sanitizer has found in one program, or in all."""
    return "\n".join(report.read_text(errors="replace") for report in sorted(REPORTS.glob(f"*.{process}")))


def clean_up():
    """At the end. A report fails the test program, whatever became of the program that it is about."""
    found = sanitizer_reports()
    shutil.rmtree(WORK, ignore_errors=True)
    if found:
        print(found, "FAILED: a sanitizer has found the above", sep="\n", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(1)  # here the exit status is decided already


atexit.register(clean_up)
CACHE = WORK / "cache"
AUTHORITY = CACHE / "tls_async" / "authority.pem"
CERTIFICATE = CACHE / "tls_async" / "localhost.pem"
KEY = CACHE / "tls_async" / "localhost.key.pem"


def make_certificate(name, *, names=None, signer=None, key="ec", days=30):
    """A certificate with its key; an authority if nobody signs it. Returns the paths of both."""
    certificate, private = WORK / f"{name}.pem", WORK / f"{name}.key"
    command = ["openssl", "req", "-x509", "-noenc", "-days", str(days), "-subj", f"/CN={name}/O=tls async",
               "-keyout", private, "-out", certificate]
    command += ["-newkey", "rsa:2048"] if key == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    if signer:
        command += ["-CA", signer[0], "-CAkey", signer[1], "-addext", "basicConstraints=critical,CA:FALSE"]
    else:
        command += ["-addext", "keyUsage=critical,keyCertSign,digitalSignature"]
    if names:
        command += ["-addext", "subjectAltName=" + ",".join(names)]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return certificate, private


def encrypt(key, password):
    """An encrypted copy of a key, and a file with its password. Returns the paths of both."""
    encrypted, file = WORK / f"encrypted_{key.name}", WORK / f"password_{key.name}"
    subprocess.run(["openssl", "pkey", "-in", key, "-out", encrypted, "-aes256", "-passout", f"pass:{password}"],
                   check=True, stdin=subprocess.DEVNULL)
    file.write_text(password + "\nthe rest is not looked at\n")
    return encrypted, file


class Lines:
    """The lines of one output stream, read by a thread of its own."""

    def __init__(self, stream):
        self._lines = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        stream.close()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def find(self, text, count=1):
        """The first line with this text, or the second and so on, or None."""
        return next(itertools.islice((line for line in self._lines if text in line), count - 1, None), None)

    def wait_for(self, text, count=1):
        """Waits for a line with this text, or for so many. What ends after a stop was asked for may not be told."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._ended or self.find(text, count), PATIENCE)
            line = self.find(text, count)
        if line is None:
            why = "the output ended" if done else "nothing came"
            raise AssertionError(f"no line with {text!r}: {why}\n" + "\n".join(self._lines))
        return line

    def all(self):
        """Every line, once the output has ended."""
        self._thread.join(PATIENCE)
        return list(self._lines)


class Program:
    """A running program, started by the command `before`; use it in a with statement."""

    def __init__(self, name, *arguments, descriptors=None, cache=CACHE, stdin=subprocess.DEVNULL, before=()):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [*before, BIN / name, *map(str, arguments)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            preexec_fn=limit,
        )
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.all()
        self.err.all()
        if self.process.stdin:
            self.process.stdin.close()
        if found := sanitizer_reports(self.process.pid):
            raise AssertionError(found)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit status."""
        return self.process.wait(PATIENCE)

    def stop(self):
        """Asks the program to end, and returns its exit status."""
        self.signal()
        return self.wait()

    def cpu_seconds(self):
        """The processor time that the program has used so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server(Program):
    """A program that listens on a free port of 127.0.0.1."""

    def __init__(self, name, *arguments, listen="127.0.0.1:0", **options):
        if SANITIZER == "thread" and name in ("https_server", "tls_proxy") and "--threads" not in arguments:
            arguments += ("--threads", 4)  # which is what there is to see
        super().__init__(name, "--listen", listen, *arguments, **options)
        try:
            self.port = int(self.out.wait_for("listening on ").rpartition(":")[2])
        except BaseException:
            self.__exit__()
            raise

    def connect(self):
        """A TCP connection."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def metric(self, name):
        """The value of one metric of a server that was started with --admin."""
        url = self.out.wait_for("metrics: ").split()[1]
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(url, timeout=PATIENCE) as answer:
            return int(re.search(rf"(?m)^{re.escape(name)} (-?\d+)$", answer.read().decode())[1])

    def connect_tls(self, context=None, host="localhost", alpn=None):
        """A TLS connection; its end without close_notify is an error."""
        context = context or client_context(AUTHORITY)
        if alpn:
            context.set_alpn_protocols(alpn)
        return context.wrap_socket(self.connect(), server_hostname=host)

    def connect_slowly(self):
        """A TCP connection whose kernel takes little that nobody reads."""
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        slow.settimeout(PATIENCE)
        slow.connect(("127.0.0.1", self.port))
        return slow

    def connect_tls_slowly(self):
        """The same with TLS."""
        return client_context(AUTHORITY).wrap_socket(self.connect_slowly(), server_hostname="localhost")


class HttpsServer(Server):
    """https_server on a directory or without one, with a certificate of its own making."""

    def __init__(self, root, *arguments, **options):
        serve = () if root is None else ("--root", root)
        super().__init__("https_server", *serve, *arguments, **options)
        self.url = f"https://localhost:{self.port}"

    def curl(self, target, *arguments):
        """Runs curl, which has to succeed, and returns what it printed."""
        command = ["curl", "-q", "-sS", "--noproxy", "*", "--max-time", str(PATIENCE)]
        command += ["--path-as-is", "--cacert", AUTHORITY, *map(str, arguments), self.url + target]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stderr.decode()}")
        return done.stdout


def stop_for_a_while(program):
    """Until SIGCONT. What happens meanwhile it finds all at once."""
    program.signal(signal.SIGSTOP)
    with open(f"/proc/{program.process.pid}/stat", encoding="ascii") as state:
        while state.read().rpartition(")")[2].split()[0] != "T":
            state.seek(0)


def reset(connection):
    """Ends it without close_notify and without FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def vanish(connection):
    """As if its network were gone: from now on its kernel hears nothing, and acknowledges nothing."""
    # All that had come before is acknowledged now, and not a moment later (tcp(7)).
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET: 0 bytes pass (socket(7))
    program = struct.pack("HP", 1, ctypes.addressof(nothing))
    connection.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER


def with_a_network_of_its_own(test, run):
    """Calls it where there is only a loopback, with what limits the local ports there. Root may do that."""
    failures = []

    def inside():
        try:
            ports = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
            # CLONE_NEWNET (unshare(2)), of this thread
            if ctypes.CDLL(None).unshare(0x40000000) != 0 or not os.access(ports, os.W_OK):
                test.skipTest("this user, or this container, may not have a network of its own")
            with socket.socket() as any_socket:
                fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS: up (netdevice(7))
            run(lambda *bounds: ports.write_text("{} {}".format(*bounds)))
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    for failure in failures:
        raise failure


def read_to_end(connection):
    """All bytes up to the end of the connection."""
    received = bytearray()
    while part := connection.recv(65536):
        received += part
    return bytes(received)


def read_to_tcp_end(connection):
    """Until the server has closed the socket, without an answer to its close_notify."""
    with socket.socket(fileno=os.dup(connection.fileno())) as ciphertext:
        ciphertext.settimeout(PATIENCE)
        read_to_end(ciphertext)


def read_slowly(connection, limit):
    """Reads 40 KB/s, piece after piece, for three times a server's limit in seconds.

    Where this machine had other things to do for half the limit, that was not steady: it begins again, or skips the
    test if the server has seen it too.
    """
    for _ in range(10):
        began = last = now = time.monotonic()
        while now < last + limit / 2:
            if now > began + 3 * limit:
                return
            last = now
            try:
                for _ in range(8):
                    if not connection.recv(1024):
                        raise AssertionError("it has ended")
            except OSError as why:
                if time.monotonic() > last + limit / 2:
                    raise unittest.SkipTest("this machine is too busy to read steadily") from why
                raise
            threading.Event().wait(limit / 20)
            now = time.monotonic()
    raise unittest.SkipTest("this machine is too busy to read steadily")


@contextlib.contextmanager
def broken_streams(text):
    """For subprocess.run: a standard output that is full, and a standard input that cannot be read; and what to say."""
    directory = os.open(WORK, os.O_RDONLY)
    try:
        with open("/dev/full", "wb") as full:
            yield [({"input": text, "stdout": full}, b"cannot write to standard output\n"),
                   ({"stdin": directory, "stdout": subprocess.DEVNULL}, b"cannot read standard input\n")]
    finally:
        os.close(directory)


def exchange(connection, request):
    """Sends a request and returns all that comes until the connection ends."""
    connection.sendall(request)
    return read_to_end(connection)
