# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""What https_server and tls_proxy do while they run: files that change, folders of sites, and who resumes with whom."""

import base64
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import programs
from programs import PATIENCE, HttpsServer, Program, Server, exchange, make_certificate, read_to_end
from tls_context import client_context

GET = b"GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
(USAGE, NOT_STARTED) = (1, 2)
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
KEPT = "; those of before stay in use"


def replace(file, content):
    """By rename, so that it is one or the other at any time."""
    beside = file.with_name(file.name + ".new")
    beside.touch(0o600)
    beside.write_bytes(content)
    beside.rename(file)


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        cls.root.mkdir(exist_ok=True)
        (cls.root / "file").write_bytes(b"content")
        cls.authority = make_certificate("authority")
        cls.one, cls.two = (cls.both(name, "localhost") for name in ("one", "two"))

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=programs.WORK))
        self.pem = self.folder / "pem"
        replace(self.pem, self.one)

    @classmethod
    def both(cls, name, *hosts):
        """A chain and its key, as one file has them."""
        files = make_certificate(name, names=[f"DNS:{host}" for host in hosts], signer=cls.authority)
        return b"".join(file.read_bytes() for file in files)

    def start(self, *arguments, default=True, **options):
        own = ("--cert", self.pem, "--key", self.pem) if default else ()
        server = HttpsServer(self.root, *own, *arguments, **options)
        self.addCleanup(server.__exit__)
        return server

    def proxy(self, backend, *arguments):
        proxy = Server("tls_proxy", "--connect", f"localhost:{backend.port}", *arguments)
        self.addCleanup(proxy.__exit__)
        return proxy

    def refusal(self, *arguments, status=NOT_STARTED, program="https_server"):
        """What a server says that does not start, in one line."""
        with Program(program, *arguments) as server:
            self.assertEqual(server.wait(), status)
            lines = server.err.all()
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def shown(self, server, host="localhost"):
        """The common name of the certificate that a new connection gets."""
        context = client_context(self.authority[0])
        context.check_hostname = False
        with server.connect_tls(context, host=host) as connection:
            return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]

    def wait_until(self, is_so):
        give_up = time.monotonic() + PATIENCE
        while not is_so():
            self.assertLess(time.monotonic(), give_up)

    def wait_for(self, server, text, act):
        """Does it, and waits for one more line with this text."""
        count = 0
        while server.err.find(text, count + 1):
            count += 1
        act()
        return server.err.wait_for(text, count + 1)

    def client(self, version=ssl.TLSVersion.TLSv1_3):
        context = client_context(self.authority[0])
        context.maximum_version = version
        return context

    def session(self, server, context):
        """Of a new connection."""
        with server.connect_tls(context) as connection:
            self.assertTrue(exchange(connection, GET).endswith(b"content"))
            return connection.session

    def is_resumed(self, server, context, session):
        with context.wrap_socket(server.connect(), server_hostname="localhost", session=session) as connection:
            self.assertTrue(exchange(connection, GET).endswith(b"content"))
            return connection.session_reused


class Files(Live):
    def check_renewal(self, server):
        self.assertEqual(self.shown(server), "one")
        self.wait_for(server, "certificates: read again", lambda: replace(self.pem, self.two))
        self.assertEqual(self.shown(server), "two")
        line = self.wait_for(server, KEPT, lambda: replace(self.pem, b"no certificate"))
        self.assertIn(str(self.pem), line)
        self.assertEqual(self.shown(server), "two")
        self.wait_for(server, "certificates: read again", lambda: replace(self.pem, self.one))
        self.assertEqual(self.shown(server), "one")

    def test_a_certificate_that_is_replaced_is_shown_without_a_signal_and_a_bad_one_is_not(self):
        self.check_renewal(self.start())

    def test_so_it_is_with_tls_proxy(self):
        self.check_renewal(self.proxy(self.start(), "--cert", self.pem, "--key", self.pem))

    def test_a_renewal_that_writes_its_files_one_after_the_other_counts_when_it_is_whole(self):
        chain, key = self.folder / "chain", self.folder / "key"
        pairs = [make_certificate(name, names=["DNS:localhost"], signer=self.authority) for name in ("one", "two")]
        for file, place in zip(pairs[0], (chain, key)):
            replace(place, file.read_bytes())
        server = self.start("--cert", chain, "--key", key, default=False)
        self.assertIn("key", self.wait_for(server, KEPT, lambda: replace(chain, pairs[1][0].read_bytes())))
        self.assertEqual(self.shown(server), "one")
        self.wait_for(server, "certificates: read again", lambda: replace(key, pairs[1][1].read_bytes()))
        self.assertEqual(self.shown(server), "two")

    def test_a_terminal_in_the_place_of_a_file_holds_up_nobody(self):
        password = self.folder / "password"
        password.write_text("none")
        server = self.start("--key-password-file", password, "--admin", "0")
        both = os.openpty()
        self.addCleanup(lambda: [os.close(end) for end in both])
        for file in (self.pem, password):
            with self.subTest(file):
                was = file.read_bytes()
                beside = self.folder / "link"
                beside.symlink_to(os.ttyname(both[1]))
                self.assertIn("a pipe or a device", self.wait_for(server, KEPT, lambda: beside.rename(file)))
                self.assertEqual(self.shown(server), "one")
                self.assertEqual(server.metric("tls_async_certificates_current"), 0)
                self.wait_for(server, "certificates: read again", lambda: replace(file, was))
                self.assertEqual(server.metric("tls_async_certificates_current"), 1)

    def test_what_can_not_be_watched_any_more_is_read_all_the_same(self):
        sites = self.folder / "sites"
        sites.mkdir()
        (sites / "site.pem").write_bytes(self.both("site", "site.test"))
        # The most watches that this user has, in a user namespace of the server's.
        few = ("unshare", "-r", "sh", "-c", 'echo 16 > /proc/sys/user/max_inotify_watches; exec "$@"', "sh")
        if subprocess.run([*few, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no user namespaces here")
        server = self.start("--sites", sites, before=few)

        def renew_and_use_up():
            replace(self.pem, self.two)
            for number in range(20):
                (sites / f"{number}").mkdir()

        # Before the server watches or after it: from the start on it looks.
        self.wait_for(server, "looked for once a minute", renew_and_use_up)
        server.err.wait_for("certificates: read again")
        self.assertEqual(self.shown(server), "two")

    def test_its_own_log_beside_the_sites_is_no_change(self):
        sites = self.folder / "sites"
        sites.mkdir()
        (sites / "one.pem").write_bytes(self.one)
        log = sites / "log"
        server = self.start("--sites", sites, "--log-file", log, default=False)
        for text, content in (("two", self.two), ("one", self.one)):
            replace(sites / "one.pem", content)
            self.wait_until(lambda: self.shown(server) == text)
        self.assertEqual(log.read_text().count("certificates: read again"), 2)

    def test_a_connection_outlives_two_renewals_and_is_counted(self):
        server = self.start("--admin", "0")
        with server.connect_tls(self.client()) as old:
            self.wait_for(server, "certificates: read again", lambda: replace(self.pem, self.two))
            self.wait_for(server, "certificates: read again", lambda: replace(self.pem, self.one))
            self.assertTrue(exchange(old, GET).endswith(b"content"))
        self.session(server, self.client())
        self.wait_until(lambda: server.metric("tls_async_connections") == 0)
        self.assertEqual(server.metric('tls_async_handshakes_total{result="done"}'), 2)
        self.wait_for(server, "certificates: read again", lambda: replace(self.pem, self.two))
        self.assertEqual(server.metric('tls_async_handshakes_total{result="done"}'), 2)
        # The client ends without close_notify, which the server waits for if it sees nothing acknowledged yet.
        ends = ("closed_by_us", "truncated")
        self.assertEqual(sum(server.metric(f'tls_async_sessions_ended_total{{reason="{end}"}}') for end in ends), 2)


class Sites(Live):
    def setUp(self):
        super().setUp()
        self.sites = self.folder / "sites"
        self.sites.mkdir()

    def add_folder(self, name, *hosts):
        """As certbot has them."""
        files = make_certificate(name, names=[f"DNS:{host}" for host in hosts], signer=self.authority)
        folder = self.folder / f"{name}.new"
        folder.mkdir()
        for file, place in zip(files, ("fullchain.pem", "privkey.pem")):
            shutil.copy(file, folder / place)
        folder.rename(self.sites / name)

    def test_a_site_is_found_by_its_name_and_one_may_come_later(self):
        self.add_folder("first", "a.example")
        replace(self.sites / "second.pem", self.both("second", "*.b.example", "b.example"))
        server = self.start("--sites", self.sites, "--admin", "0")
        for host, name in (("a.example", "first"), ("b.example", "second"), ("x.b.example", "second"),
                           ("c.example", "one"), (None, "one")):
            self.assertEqual(self.shown(server, host), name, host)
        self.wait_for(server, "certificates: read again", lambda: self.add_folder("third", "c.example"))
        self.assertEqual(self.shown(server, "c.example"), "third")
        self.assertEqual(self.shown(server, "a.example"), "first")
        expiry = "tls_async_certificate_expiry_timestamp_seconds"
        self.assertGreater(server.metric(f'{expiry}{{file="{self.sites}/third/fullchain.pem"}}'), time.time())
        self.wait_for(server, "certificates: read again", lambda: shutil.rmtree(self.sites / "first"))
        self.assertEqual(self.shown(server, "a.example"), "one")

    def test_sites_alone_are_enough_and_the_first_is_for_all_others(self):
        self.add_folder("first", "a.example")
        for server in (self.start("--sites", self.sites, default=False), self.proxy(self.start(), "--sites", self.sites)):
            self.assertEqual(self.shown(server, "other.example"), "first")

    def test_a_folder_without_a_site_is_refused_and_leaves_those_of_before(self):
        for pair in ((), ("--cert", self.pem, "--key", self.pem)):
            self.assertIn(str(self.sites), self.refusal("--sites", self.sites, *pair))
        self.assertIn("none", self.refusal("--sites", self.folder / "none"))
        self.add_folder("first", "a.example")
        server = self.start("--sites", self.sites)
        line = self.wait_for(server, KEPT, lambda: (self.sites / "first").rename(self.folder / "gone"))
        self.assertIn(str(self.sites), line)
        self.assertEqual(self.shown(server, "a.example"), "first")

    def test_their_keys_may_have_a_password_and_are_looked_at(self):
        self.add_folder("first", "a.example")
        key = self.sites / "first" / "privkey.pem"
        encrypted, password = programs.encrypt(key, "se cret")
        shutil.copy(encrypted, key)
        key.chmod(0o644)
        self.assertIn("--key-password-file", self.refusal("--sites", self.sites))
        server = self.start("--sites", self.sites, "--key-password-file", password)
        self.assertEqual(self.shown(server, "a.example"), "first")
        self.assertIn(str(key), server.err.wait_for("can read the private key"))


class Tickets(Live):
    def keys(self):
        return self.folder / "tickets"

    def haproxy(self, lines):
        replace(self.keys(), b"".join(base64.b64encode(line) + b"\n" for line in lines))

    def check_resumption(self, first, second):
        for version in VERSIONS:
            context = self.client(version)
            session = self.session(first, context)
            self.assertTrue(self.is_resumed(second, context, session), version)
            self.assertTrue(self.is_resumed(first, context, self.session(second, context)), version)

    def test_two_servers_with_the_same_keys_resume_the_sessions_of_each_other(self):
        for size in (48, 80):
            replace(self.keys(), os.urandom(size))
            option = ("--ticket-keys", f"nginx:{self.keys()}")
            first, second = self.start(*option), self.start(*option)
            self.check_resumption(first, second)
        self.check_resumption(first, self.proxy_of_https(*option))

    def proxy_of_https(self, *arguments):
        """What answers as https_server does."""
        backend = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(backend.close)

        def answer():
            while True:
                try:
                    connection, _ = backend.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\ncontent")

        thread = threading.Thread(target=answer)
        thread.start()
        self.addCleanup(thread.join, PATIENCE)
        self.addCleanup(backend.shutdown, socket.SHUT_RDWR)
        proxy = Server("tls_proxy", "--connect", f"127.0.0.1:{backend.getsockname()[1]}", "--cert", self.pem,
                       "--key", self.pem, "--alpn", "h2,http/1.1", *arguments)
        self.addCleanup(proxy.__exit__)
        return proxy

    def test_a_ticket_counts_as_long_as_the_file_has_its_key(self):
        lines = [os.urandom(48) for _ in range(5)]
        self.haproxy(lines[:3])
        option = ("--ticket-keys", f"haproxy:{self.keys()}")
        servers = self.start(*option), self.start(*option)
        self.check_resumption(*servers)
        clients = [self.client(version) for version in VERSIONS]
        old = [self.session(servers[0], client) for client in clients]
        for begin, is_resumed in ((1, True), (2, False)):
            count = begin
            self.haproxy(lines[begin:begin + 3])
            for server in servers:
                server.err.wait_for("certificates: read again", count)
                for client, session in zip(clients, old):
                    self.assertEqual(self.is_resumed(server, client, session), is_resumed)
            self.check_resumption(*servers)

    def test_keys_of_nginx_change_without_a_loss_where_the_one_before_is_named_too(self):
        new, old = self.folder / "new", self.folder / "old"
        for file in (old, new):
            replace(file, os.urandom(80))
        server = self.start("--ticket-keys", f"nginx:{new}", "--ticket-keys", f"nginx:{old}")
        client = self.client()
        session = self.session(server, client)

        def rotate():
            replace(old, new.read_bytes())
            replace(new, os.urandom(80))

        for is_resumed in (True, False):
            self.wait_for(server, "certificates: read again", rotate)
            self.assertEqual(self.is_resumed(server, client, session), is_resumed)

    def test_bad_keys_leave_those_of_before_and_the_certificates_too(self):
        replace(self.keys(), os.urandom(80))
        server = self.start("--ticket-keys", f"nginx:{self.keys()}")
        client = self.client()
        session = self.session(server, client)
        line = self.wait_for(server, KEPT, lambda: replace(self.keys(), b"short"))
        self.assertIn(str(self.keys()), line)
        self.wait_for(server, KEPT, lambda: replace(self.pem, self.two))
        self.assertEqual(self.shown(server), "one")
        self.assertTrue(self.is_resumed(server, client, session))
        # And the other way round.
        replace(self.pem, b"no certificate")
        self.wait_for(server, KEPT, lambda: replace(self.keys(), os.urandom(80)))
        self.assertTrue(self.is_resumed(server, client, session))

    def test_sessions_are_resumed_over_a_renewal(self):
        server = self.start()
        for version in VERSIONS:
            client = self.client(version)
            session = self.session(server, client)
            self.wait_for(server, "certificates: read again",
                          lambda: replace(self.pem, self.both("again", "localhost")))
            self.assertTrue(self.is_resumed(server, client, session), version)

    def test_what_cannot_be_keys_is_refused(self):
        for program, more in (("https_server", ()), ("tls_proxy", ("--connect", "localhost:1", "--sites", "x"))):
            for text in ("", "file", "nginx:", "nginx", ":file", "openssl:file", "NGINX:file"):
                line = self.refusal("--ticket-keys", text, *more, status=USAGE, program=program)
                self.assertIn("--ticket-keys" if text else "ticket-keys", line)
            for first, second in (("nginx:x", "haproxy:y"), ("haproxy:x", "haproxy:y"), ("haproxy:x", "nginx:y")):
                line = self.refusal("--ticket-keys", first, "--ticket-keys", second, *more, status=USAGE, program=program)
                self.assertIn(f'--ticket-keys "{second}": only nginx:FILE may be repeated', line)
        self.assertIn("--ticket-keys", self.refusal("--mode", "client", "--connect", "localhost:1", "--ticket-keys",
                                                    "nginx:x", status=USAGE, program="tls_proxy"))
        os.mkfifo(pipe := self.folder / "pipe")
        readable = self.folder / "readable"
        readable.write_bytes(os.urandom(80))
        readable.chmod(0o644)
        replace(self.keys(), os.urandom(79))
        for name, file in (("nginx", pipe), ("nginx", readable), ("nginx", self.keys()), ("haproxy", self.keys()),
                           ("nginx", self.folder), ("nginx", self.folder / "none"), ("nginx", "/dev/zero")):
            self.assertIn(str(file), self.refusal("--cert", self.pem, "--key", self.pem, "--ticket-keys", f"{name}:{file}"))


class Metrics(Live):
    def test_tls_proxy_resumes_with_its_backend(self):
        backend = self.start("--admin", "0")
        proxy = self.proxy(backend, "--mode", "client", "--cacert", self.authority[0], "--admin", "0")
        for _ in range(3):
            with proxy.connect() as plain:
                self.assertTrue(exchange(plain, GET).endswith(b"content"))
        for server in (proxy, backend):
            self.assertEqual(server.metric("tls_async_handshakes_resumed_total"), 2)
            self.assertEqual(server.metric('tls_async_handshakes_total{result="done"}'), 3)

    def names(self, server):
        """Of all metrics, but of alerts, which are not there before the first."""
        status, _, body = self.metrics(server).partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", status)
        lines = body.decode("ascii").splitlines()
        return {line.rpartition(" ")[0] for line in lines if line[0] != "#" and "_alerts_" not in line}

    def metrics(self, server):
        port = int(server.out.wait_for("metrics: ").rpartition(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            return exchange(connection, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")

    def test_they_have_the_reasons_and_nothing_that_a_peer_sent(self):
        server = self.start("--admin", "0")
        before = self.names(server)
        failed = "tls_async_handshakes_failed_total"
        with self.assertRaises(ssl.SSLError):
            server.connect_tls(client_context(programs.AUTHORITY if programs.AUTHORITY.exists() else make_certificate("x")[0]))
        with server.connect() as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            plain.recv(100)
        for name in ('a"} 1\nx', "reason", "x" * 250, "\xff\xfe"):
            subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", name],
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
        total = 'tls_async_handshakes_total{result="failed"}'
        self.wait_until(lambda: server.metric("tls_async_connections") == 0 and server.metric(total) >= 2)
        self.assertEqual(self.names(server), before)
        reasons = [name for name in before if name.startswith(failed)]
        self.assertEqual(sum(server.metric(name) for name in reasons), server.metric(total))
        self.assertEqual(server.metric(f'{failed}{{reason="not_tls"}}'), 1)
        self.assertIn(b'tls_async_alerts_total{direction="received",number="48"} 1\n', self.metrics(server))


if __name__ == "__main__":
    unittest.main()
