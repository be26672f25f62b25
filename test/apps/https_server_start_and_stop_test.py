# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""How https_server starts, or says why it does not, and how it stops."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
from unittest import mock

import programs
from programs import AUTHORITY, CACHE, CERTIFICATE, KEY, HttpsServer, Program, exchange, read_to_end
from tls_context import client_context

GET = b"GET /file HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
LARGE = GET.replace(b"file", b"large") % b""
USAGE, NOT_STARTED = 1, 2


def get_and_stay(connection):
    """On a connection that goes on, whose handshake is done by then on both sides."""
    connection.sendall(GET % b"")
    answer = b""
    while not answer.endswith(b"content"):
        part = connection.recv(65536)
        assert part, f"the connection ended behind {answer}"
        answer += part


class Start(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "start"
        cls.root.mkdir()
        with HttpsServer(cls.root):
            pass  # leaves a certificate

    def refusal(self, *arguments, status=NOT_STARTED, **options):
        """What a server says that does not start, in one line."""
        with Program("https_server", *arguments, **options) as server:
            self.assertEqual(server.wait(), status)
            self.assertEqual(server.out.all(), [])
            lines = server.err.all()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith("https_server: "), lines)
        return lines[0]

    def test_prints_where_it_listens_and_what_to_try(self):
        with HttpsServer(self.root) as server:
            server.out.wait_for("try: ")
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.out.all(), [
                f"listening on {server.url}",
                f"certificate authority: {AUTHORITY}",
                f"try: curl --cacert {AUTHORITY} {server.url}/",
                "stopped",
            ])

    def test_tells_systemd_when_it_listens_and_when_it_stops(self):
        path = str(programs.WORK / "notify")
        for name, where in ((path, path), ("@" + path, "\0" + path)):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, \
                    mock.patch.dict(os.environ, NOTIFY_SOCKET=name):
                told.bind(where)
                told.settimeout(programs.PATIENCE)
                with HttpsServer(self.root) as server:
                    self.assertEqual(told.recv(100), b"READY=1")
                    server.connect().close()
                    self.assertEqual(server.stop(), 0)
                    self.assertEqual(told.recv(100), b"STOPPING=1")
        for nobody in ("", "/", path + "/none", "x" * 200):
            with mock.patch.dict(os.environ, NOTIFY_SOCKET=nobody), HttpsServer(self.root) as server:
                self.assertEqual(server.stop(), 0)

    def test_helps_on_one_screen(self):
        with Program("https_server", "--help") as server:
            self.assertEqual(server.wait(), 0)
            self.assertLessEqual(len(server.out.all()), 50)
            self.assertEqual(server.err.all(), [])

    def test_says_what_is_wrong_with_its_command_line(self):
        for arguments, words in (
            (["--bogus"], "bogus"),
            (["--listen", "nowhere"], "127.0.0.1:8443"),
            (["--threads", "-1"], "between 1 and"),
            (["directory"], "--root"),
            (["--cert"], "--cert"),
            (["--client-ca", AUTHORITY, "--client-ca", AUTHORITY], "more than once"),
            (["--message-bytes", "0"], "between 1 and"),
            (["--cert", CERTIFICATE], "each certificate its key"),
            (["--client-certificate", "required"], "needs --client-ca"),
            (["--client-ca", AUTHORITY, "--client-certificate", "always"], "required or requested"),
        ):
            self.assertIn(words, self.refusal(*arguments, status=USAGE))

    def test_says_that_its_root_is_missing(self):
        line = self.refusal("--root", self.root / "none")
        self.assertIn("No such file or directory", line)
        self.assertIn("--root", line)

    def test_says_that_its_port_is_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            line = self.refusal("--root", self.root, "--listen", f"127.0.0.1:{other.getsockname()[1]}")
        self.assertIn("Address already in use", line)
        self.assertIn("--listen", line)

    def test_says_what_is_wrong_with_its_certificate(self):
        broken = programs.WORK / "broken.pem"
        broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        missing = programs.WORK / "none.pem"
        other = programs.WORK / "other_cache"
        with HttpsServer(self.root, cache=other):
            pass
        other_key = other / "tls_async" / KEY.name
        for certificate, key, named in (
            (missing, KEY, missing), (CERTIFICATE, missing, missing), (broken, KEY, broken),
            (CERTIFICATE, broken, broken), (programs.WORK, KEY, programs.WORK), (KEY, KEY, KEY), (CERTIFICATE, other_key, other_key),
        ):
            line = self.refusal("--root", self.root, "--cert", certificate, "--key", key)
            self.assertIn(str(named), line)

    def test_opens_an_encrypted_key_with_its_password(self):
        encrypted, password = programs.encrypt(KEY, "se cret")
        pair = ("--cert", CERTIFICATE, "--key", encrypted)
        with HttpsServer(self.root, *pair, "--key-password-file", password) as server:
            server.curl("/")
        for arguments, says in (((), "--key-password-file"), (("--key-password-file", AUTHORITY), "password is wrong"),
                                (("--key-password-file", programs.WORK / "none"), "cannot be read")):
            self.assertIn(says, self.refusal("--root", self.root, *pair, *arguments))
        self.assertIn("--key", self.refusal("--key-password-file", password, status=USAGE))

    def test_says_that_it_cannot_keep_a_certificate(self):
        file = programs.WORK / "file"
        file.write_text("")
        line = self.refusal("--root", self.root, cache=file)
        self.assertIn("XDG_CACHE_HOME", line)
        self.assertIn("--cert", line)

    def test_serves_with_a_given_certificate(self):
        pem = [shutil.copy(file, programs.WORK) for file in (CERTIFICATE, KEY)]
        arguments = ("--cert", pem[0], "--key", pem[1], "--listen", "127.0.0.1:0", "--root", self.root)
        unused = programs.WORK / "unused_cache"
        with HttpsServer(self.root, "--cert", pem[0], "--key", pem[1], cache=unused) as server:
            server.curl("/")
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.out.all(), [f"listening on {server.url}", "stopped"])
        self.assertFalse(unused.exists())

    def test_warns_of_a_certificate_that_expires_and_of_a_key_that_others_can_read(self):
        soon = programs.make_certificate("soon", names=["DNS:localhost"], days=13)
        later = programs.make_certificate("later", names=["DNS:third.example"], days=15)
        later[1].chmod(0o644)
        pairs = [part for pair in (soon, later) for part in ("--cert", pair[0], "--key", pair[1])]
        with HttpsServer(self.root, *pairs) as server:
            self.assertIn(str(soon[0]), server.err.wait_for("expires in 12 days; renew it"))
            self.assertIn(str(later[1]), server.err.wait_for("every user of this machine can read the private key"))
            self.assertEqual(server.stop(), 0)
            self.assertEqual(len(server.err.all()), 2)

    def test_keeps_its_certificate_for_the_next_start(self):
        before = CERTIFICATE.read_bytes()
        with HttpsServer(self.root) as server:
            server.curl("/")
        self.assertEqual(CERTIFICATE.read_bytes(), before)
        self.assertEqual(KEY.stat().st_mode & 0o7777, 0o600)

    def test_several_that_start_at_once_agree_on_their_certificate(self):
        cache = programs.WORK / "shared_cache"
        with contextlib.ExitStack() as stack:
            starting = [Program("https_server", "--listen", "127.0.0.1:0", "--root", self.root, cache=cache)
                        for _ in range(4)]
            for server in starting:
                stack.enter_context(server)
            for server in starting:
                url = server.out.wait_for("listening on ").split()[2]
                subprocess.run(["curl", "-q", "-sS", "--noproxy", "*", "-o", os.devnull, "--cacert",
                                cache / "tls_async" / AUTHORITY.name, url], check=True)

    def test_listens_on_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        with HttpsServer(self.root, listen="[::1]:0") as server:
            answer = server.curl("/none", "-w", "%{remote_ip}")
            self.assertTrue(answer.endswith(b"::1"), answer)


class Hangup(unittest.TestCase):
    """What SIGHUP does: the log is opened again, certificates are read again."""

    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "hangup"
        cls.root.mkdir()
        (cls.root / "file").write_bytes(b"content")

    def setUp(self):
        self.cert, self.key = programs.WORK / "live.pem", programs.WORK / "live.key"
        self.authority = programs.make_certificate("hangup authority")
        self.install(self.make("one"))

    def make(self, name, days=30):
        return programs.make_certificate(name, names=["DNS:localhost"], signer=self.authority, days=days)

    def install(self, pair):
        for file, place in zip(pair, (self.cert, self.key)):
            shutil.copy(file, place)

    def serve(self, *arguments):
        return HttpsServer(self.root, "--cert", self.cert, "--key", self.key, *arguments)

    def shown(self, server):
        """The common name of the certificate that a new connection gets."""
        with server.connect_tls(client_context(self.authority[0])) as connection:
            return self.name(connection)

    def name(self, connection):
        return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]

    def ask(self, connection):
        connection.sendall(GET % b"")
        received = b""
        while not received.endswith(b"content"):
            part = connection.recv(65536)
            self.assertTrue(part)
            received += part

    def test_new_connections_get_the_new_certificate_and_old_ones_go_on(self):
        with self.serve() as server, server.connect_tls(client_context(self.authority[0])) as old:
            self.ask(old)
            self.assertEqual(self.shown(server), "one")
            self.install(self.make("two"))
            server.signal(signal.SIGHUP)
            server.err.wait_for("certificates: read again")
            self.assertEqual(self.shown(server), "two")
            self.ask(old)
            self.assertEqual(self.name(old), "one")

    def refused(self, server, words):
        """Waits for a new line that refuses this file. The watcher of files may have more of its own."""
        text, count = "; those of before stay in use", 0
        while server.err.find(text, count + 1):
            count += 1
        server.signal(signal.SIGHUP)
        while words not in server.err.wait_for(text, count + 1):
            count += 1

    def test_a_bad_file_leaves_all_of_before_in_use_and_is_named(self):
        with self.serve() as server:
            other = self.make("other")
            for cert, key, words in (
                (b"no certificate", None, str(self.cert)), (other[0].read_bytes(), None, str(self.key)),
                (None, b"no key", str(self.key)),
            ):
                with self.subTest(words=words, cert=cert, key=key):
                    before = self.cert.read_bytes(), self.key.read_bytes()
                    self.cert.write_bytes(cert or before[0])
                    self.key.write_bytes(key or before[1])
                    self.refused(server, words)
                    self.assertEqual(self.shown(server), "one")
                    self.cert.write_bytes(before[0])
                    self.key.write_bytes(before[1])
            self.cert.unlink()
            self.refused(server, str(self.cert))
            os.mkfifo(self.cert)  # whose writer may never come
            self.addCleanup(self.cert.unlink)
            self.refused(server, str(self.cert))
            self.assertEqual(self.shown(server), "one")

    def test_requests_go_on_while_it_is_told_again_and_again(self):
        with self.serve("--threads", 2) as server:
            for round in range(1, 21):
                server.signal(signal.SIGHUP)
                with server.connect_tls(client_context(self.authority[0])) as connection:
                    server.signal(signal.SIGHUP)
                    self.ask(connection)
                    self.ask(connection)
            self.assertEqual(server.stop(), 0)

    def test_the_log_is_opened_again_and_no_line_is_lost(self):
        log, moved = programs.WORK / "server.log", programs.WORK / "server.log.1"
        with self.serve("--log-file", log, "--log-format", "json") as server:
            def ask():
                with server.connect_tls(client_context(self.authority[0])) as connection:
                    exchange(connection, GET % b"Connection: close\r\n")
            ask()
            log.rename(moved)
            ask()
            self.wait_until(lambda: moved.read_text().count("target") == 2)  # a line follows its answer
            server.signal(signal.SIGHUP)
            self.wait_until(log.exists)
            ask()
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.err.all(), [])
        for file, requests in ((moved, 2), (log, 1)):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual([line["status"] for line in lines if "target" in line], [200] * requests)

    def wait_until(self, is_so):
        give_up = time.monotonic() + programs.PATIENCE
        while not is_so():
            self.assertLess(time.monotonic(), give_up)

    def test_a_full_disk_ends_nothing(self):
        with self.serve("--log-file", "/dev/full") as server:
            for _ in range(3):
                with server.connect_tls(client_context(self.authority[0])) as connection:
                    self.ask(connection)
            self.assertEqual(server.stop(), 0)

    def test_a_log_that_nobody_reads_any_more_ends_nothing(self):
        self.install(self.make("one", days=1))  # so that there is a line at the start
        read, write = os.pipe()
        os.close(read)
        process = subprocess.Popen(
            [programs.BIN / "https_server", "--listen", "127.0.0.1:0", "--cert", self.cert, "--key", self.key,
             "--root", self.root], stdout=subprocess.PIPE, stderr=write, text=True)
        os.close(write)
        try:
            url = process.stdout.readline().split()[-1]
            for _ in range(2):
                got = subprocess.run(["curl", "-q", "-sS", "--noproxy", "*", "--cacert", self.authority[0], url + "/file"],
                                     capture_output=True, check=True)
                self.assertEqual(got.stdout, b"content")
        finally:
            process.terminate()
            self.assertEqual(process.wait(programs.PATIENCE), 0)
            process.stdout.close()


class Stop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "stop"
        cls.root.mkdir()
        (cls.root / "file").write_bytes(b"content")
        (cls.root / "large").write_bytes(b"x" * 64_000_000)
        (cls.root / "fits").write_bytes(b"x" * 2_500_000)

    def wait_until_refused(self, server):
        """Until the server has seen the signal and accepts no more."""
        give_up = time.monotonic() + programs.PATIENCE
        with self.assertRaises(OSError):
            while time.monotonic() < give_up:
                server.connect().close()

    def test_ends_idle_connections_with_close_notify(self):
        with HttpsServer(self.root, "--stop-seconds", "3600") as server, server.connect_tls() as idle:
            get_and_stay(idle)
            server.signal()
            self.assertEqual(read_to_end(idle), b"")
            self.assertEqual(server.wait(), 0)

    def test_ends_at_once_without_connections_at_either_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with HttpsServer(self.root, "--stop-seconds", "3600", "--threads", "3") as server:
                server.signal(number)
                self.assertEqual(server.wait(), 0)

    def test_does_not_wait_for_handshakes(self):
        with HttpsServer(self.root, "--stop-seconds", "3600", "--handshake-seconds", "3600") as server:
            with server.connect() as silent:
                server.curl("/file")  # the silent one was accepted before it
                server.signal()
                self.assertEqual(read_to_end(silent), b"")
                self.assertEqual(server.wait(), 0)

    def test_finishes_what_is_in_flight(self):
        with HttpsServer(self.root, "--stop-seconds", "3600") as server, server.connect_tls() as busy:
            busy.sendall(LARGE)
            received = len(busy.recv(1))
            server.signal()
            self.wait_until_refused(server)
            received += len(read_to_end(busy))
            self.assertGreater(received, 64_000_000)
            self.assertEqual(server.wait(), 0)

    def test_loses_nothing_that_the_kernel_has_of_an_answer(self):
        """The client reads late, and sends meanwhile, which resets a socket that is closed."""
        for field in (b"", b"Connection: close\r\n"):
            with self.subTest(field):
                self.lose_nothing(GET.replace(b"file", b"fits") % field)

    def lose_nothing(self, request):
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(HttpsServer(self.root, "--stop-seconds", "3600"))
            slow = stack.enter_context(server.connect_tls_slowly())
            slow.sendall(request)
            server.err.wait_for("GET /fits 200 2500000 ")
            silent = stack.enter_context(server.connect_tls())
            get_and_stay(silent)  # else the signal may come before its handshake is done
            server.signal()
            programs.read_to_tcp_end(silent)  # which was told after the slow one, and has had its 2 seconds
            slow.sendall(GET % b"")
            self.assertEqual(read_to_end(slow).partition(b"\r\n\r\n")[2], b"x" * 2_500_000)
            slow.close()
            self.assertEqual(server.wait(), 0)

    def test_cuts_what_is_in_flight_after_its_deadline(self):
        with HttpsServer(self.root, "--stop-seconds", "1") as server, server.connect_tls() as stuck:
            stuck.sendall(LARGE)
            stuck.recv(1)
            self.assertEqual(server.stop(), 0)
            self.assertTrue(any("cutting 1 connections" in line for line in server.err.all()))

    def test_ends_at_once_at_a_second_signal(self):
        with HttpsServer(self.root, "--stop-seconds", "3600") as server, server.connect_tls() as stuck:
            stuck.sendall(LARGE)
            stuck.recv(1)
            server.signal()
            self.wait_until_refused(server)
            server.signal(signal.SIGINT)
            self.assertEqual(server.wait(), 0)

    def test_does_not_wait_for_a_client_that_has_vanished_with_its_answer(self):
        limits = ("--stop-seconds", "3600", "--stall-seconds", "3600")
        with HttpsServer(self.root, *limits) as server, server.connect_tls() as gone:
            get_and_stay(gone)
            programs.vanish(gone)
            self.assertEqual(server.stop(), 0)

    def test_tells_a_slow_client_that_is_looked_at_when_the_signal_comes(self):
        """It is past its idle time, and looked at every 100 ms until it has acknowledged its answer."""
        limits = ("--stop-seconds", "3600", "--idle-seconds", "1", "--handshake-seconds", "3600")
        with HttpsServer(self.root, *limits, "--threads", "2") as server:  # with one it is told behind the look
            with server.connect_tls_slowly() as slow, server.connect() as silent:
                slow.sendall(GET.replace(b"file", b"fits") % b"")
                server.err.wait_for("GET /fits 200 2500000 ")
                with server.connect_tls() as idle:
                    self.assertEqual(read_to_end(idle), b"")  # its time was up later
                programs.stop_for_a_while(server)
                threading.Event().wait(0.2)  # so that a look is due, before the signal
                server.signal()
                server.signal(signal.SIGCONT)
                self.assertEqual(read_to_end(silent), b"")  # which is told after the slow one
                slow.sendall(GET % b"")  # which is not answered any more
                self.assertEqual(read_to_end(slow).partition(b"\r\n\r\n")[2], b"x" * 2_500_000)
            self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
