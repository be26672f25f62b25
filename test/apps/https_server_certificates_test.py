# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server with certificates: which one it shows, whose it accepts, and the keys it writes down."""

import os
import pathlib
import re
import ssl
import threading
import unittest

import programs
from programs import HttpsServer, Program, exchange, make_certificate
from tls_context import client_context

GET = b"GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
NOT_STARTED = 2


class WithCertificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "certificates"
        cls.root.mkdir(exist_ok=True)
        (cls.root / "file").write_bytes(b"content")
        cls.authority = make_certificate("authority")
        cls.first = make_certificate("first", names=["DNS:first.example", "IP:127.0.0.1"], signer=cls.authority)

    def serve(self, *arguments, pairs=None):
        options = [part for pair in pairs or [self.first] for part in ("--cert", pair[0], "--key", pair[1])]
        server = HttpsServer(self.root, *options, *arguments)
        self.addCleanup(server.__exit__)
        return server

    def client(self, certificate=None):
        context = client_context(self.authority[0])
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def refusal(self, *arguments):
        """What a server says that does not start, in one line."""
        with Program("https_server", "--root", self.root, *arguments) as server:
            self.assertEqual(server.wait(), NOT_STARTED)
            lines = server.err.all()
        self.assertEqual(len(lines), 1, lines)
        return lines[0]


class ServerNames(WithCertificates):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pairs = [cls.first] + [
            make_certificate(name, names=[f"DNS:{n}" for n in names], signer=cls.authority, key=key)
            for name, names, key in (
                ("wildcard", ["*.one.example", "*.two.example"], "ec"),
                ("second", ["second.example", "2.example"], "ec"),
                ("exact", ["exact.one.example"], "ec"),
                ("rsa", ["rsa.example", "second.example"], "rsa"),
            )]

    def shown(self, server, host, ciphers=None, version=None):
        """The common name of the certificate that a client gets, by the name that it asks for."""
        context = self.client()
        context.check_hostname = False
        if ciphers:
            context.set_ciphers(ciphers)
        if version:
            context.maximum_version = version
        with server.connect_tls(context=context, host=host) as connection:
            subject = dict(part[0] for part in connection.getpeercert()["subject"])
            self.assertTrue(exchange(connection, GET).endswith(b"content"))
        return subject["commonName"]

    def test_the_certificate_is_the_one_for_the_name(self):
        server = self.serve(pairs=self.pairs)
        for host, name in (
            ("first.example", "first"), ("second.example", "second"), ("2.example", "second"),
            ("SECOND.example", "second"), ("other.one.example", "wildcard"), ("b.two.example", "wildcard"),
            ("rsa.example", "rsa"), ("127.0.0.1", "first"), ("stranger.invalid", "first"),
            ("a.b.one.example", "first"), ("other.example", "first"),
            ("exact.one.example", "exact"), (None, "first"),
        ):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertEqual(self.shown(server, host, version=version), name, (host, version))

    def test_a_name_may_have_a_certificate_for_each_type_of_key(self):
        server = self.serve(pairs=self.pairs)
        tls12 = ssl.TLSVersion.TLSv1_2
        self.assertEqual(self.shown(server, "second.example", "ECDHE+ECDSA", tls12), "second")
        self.assertEqual(self.shown(server, "second.example", "ECDHE+aRSA", tls12), "rsa")

    def test_clients_verify_the_name_they_asked_for(self):
        server = self.serve(pairs=self.pairs)
        for host in ("first.example", "second.example", "any.one.example"):
            with server.connect_tls(context=self.client(), host=host) as connection:
                self.assertTrue(exchange(connection, GET).endswith(b"content"))

    def test_a_certificate_and_its_key_may_come_from_pipes(self):
        """Each can be read once, as what a shell makes of <(command)."""
        server = self.serve(pairs=[[self.pipe(file) for file in self.first]])
        with server.connect_tls(context=self.client(), host="first.example") as connection:
            self.assertTrue(exchange(connection, GET).endswith(b"content"))

    def test_a_password_for_several_keys_may_come_from_a_pipe(self):
        encrypted, password = programs.encrypt(self.first[1], "se cret")
        pairs = [(self.first[0], encrypted), (self.pairs[2][0], programs.encrypt(self.pairs[2][1], "se cret")[0])]
        server = self.serve("--key-password-file", self.pipe(password), pairs=pairs)
        with server.connect_tls(context=self.client(), host="first.example") as connection:
            self.assertTrue(exchange(connection, GET).endswith(b"content"))

    def pipe(self, file):
        """One in which the content of the file comes once."""
        pipe = self.root.parent / f"pipe_of_{file.name}"
        os.mkfifo(pipe)
        self.addCleanup(os.unlink, pipe)
        threading.Thread(target=pipe.write_bytes, args=(file.read_bytes(),), daemon=True).start()
        return pipe

    def test_sessions_of_every_name_are_resumed(self):
        server = self.serve(pairs=self.pairs)
        context = self.client()
        for host in ("first.example", "second.example"):
            with server.connect_tls(context=context, host=host) as connection:
                exchange(connection, GET)
                session = connection.session
            with context.wrap_socket(server.connect(), server_hostname=host, session=session) as connection:
                exchange(connection, GET)
                self.assertTrue(connection.session_reused, host)

    def test_a_further_certificate_needs_a_name_to_be_asked_for_by(self):
        nameless = make_certificate("nameless", signer=self.authority)
        arguments = [part for pair in (self.first, nameless) for part in ("--cert", pair[0], "--key", pair[1])]
        line = self.refusal(*arguments)
        self.assertIn(str(nameless[0]), line)
        self.assertIn("subjectAltName", line)

    def test_a_further_certificate_needs_its_own_key(self):
        line = self.refusal("--cert", self.first[0], "--key", self.first[1],
                            "--cert", self.pairs[2][0], "--key", self.first[1])
        self.assertIn(str(self.first[1]), line)


class ClientCertificates(WithCertificates):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clients = make_certificate("client authority")
        cls.client_pair = make_certificate("alice", signer=cls.clients)
        cls.stranger = make_certificate("stranger", signer=make_certificate("strangers"))

    def serve_clients(self, *arguments):
        return self.serve("--client-ca", self.clients[0], *arguments)

    def get(self, server, certificate=None, version=ssl.TLSVersion.TLSv1_3):
        context = self.client(certificate)
        context.maximum_version = version
        with server.connect_tls(context=context, host="first.example") as connection:
            return exchange(connection, GET)

    def test_the_log_has_the_subject(self):
        for how in ([], ["--client-certificate", "required"], ["--client-certificate", "requested"]):
            server = self.serve_clients(*how)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertTrue(self.get(server, self.client_pair, version).endswith(b"content"))
            self.assertEqual(server.stop(), 0)
            for line in server.err.all():
                self.assertRegex(line, r"Z 127\.0\.0\.1:\d+/O=tls\\x20async,CN=alice GET /file 200 7 ")

    def test_a_resumed_session_keeps_its_subject(self):
        server = self.serve_clients()
        context = self.client(self.client_pair)
        with server.connect_tls(context=context, host="first.example") as connection:
            exchange(connection, GET)
            session = connection.session
        with context.wrap_socket(server.connect(), server_hostname="first.example", session=session) as connection:
            exchange(connection, GET)
            self.assertTrue(connection.session_reused)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(sum("CN=alice GET" in line for line in server.err.all()), 2)

    def test_a_required_certificate_must_come(self):
        server = self.serve_clients()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.assertRaisesRegex(OSError, "(?i)certificate.required|handshake.failure|reset|pipe"):
                self.get(server, version=version)
        self.assertTrue(self.get(server, self.client_pair).endswith(b"content"))
        server.err.wait_for("peer did not return a certificate", count=2)

    def test_a_requested_certificate_may_be_missing(self):
        server = self.serve_clients("--client-certificate", "requested")
        self.assertTrue(self.get(server).endswith(b"content"))
        self.assertEqual(server.stop(), 0)
        self.assertRegex(server.err.all()[0], r"Z 127\.0\.0\.1:\d+ GET ")

    def test_a_certificate_of_others_is_refused_in_any_case(self):
        for how in ("required", "requested"):
            server = self.serve_clients("--client-certificate", how)
            with self.assertRaisesRegex(OSError, "(?i)unknown.ca|reset|pipe"):
                self.get(server, self.stranger)
            server.err.wait_for("unable to get local issuer certificate")

    def test_a_server_says_what_is_wrong_with_its_authorities(self):
        broken = programs.WORK / "broken_authority.pem"
        broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        for file in (broken, programs.WORK / "no_authority.pem", self.clients[1]):
            line = self.refusal("--cert", self.first[0], "--key", self.first[1], "--client-ca", file)
            self.assertIn(str(file), line)
            self.assertIn("--client-ca", line)


class KeyLog(WithCertificates):
    def test_the_file_has_the_keys_of_every_session(self):
        theirs, ours = programs.WORK / "client.keys", programs.WORK / "server.keys"
        server = self.serve("--key-log", ours)
        self.assertIn(f"keys of all connections are written to {ours}", server.err.wait_for("--key-log"))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.client()
            context.maximum_version = version
            context.keylog_filename = theirs
            with server.connect_tls(context=context, host="first.example") as connection:
                exchange(connection, GET)
        self.assertEqual(server.stop(), 0)
        written = ours.read_text()
        self.assertEqual(ours.stat().st_mode & 0o7777, 0o600)
        wanted = {line for line in theirs.read_text().splitlines() if not line.startswith("#")}
        self.assertEqual(set(written.splitlines()), wanted)
        self.assertTrue(re.search(r"^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$", written, re.M), written)

    def test_the_file_is_appended_to(self):
        file = programs.WORK / "appended.keys"
        for _ in range(2):
            server = self.serve("--key-log", file)
            with server.connect_tls(context=self.client(), host="first.example") as connection:
                exchange(connection, GET)
            self.assertEqual(server.stop(), 0)
        self.assertEqual(file.read_text().count("SERVER_TRAFFIC_SECRET_0"), 2)

    def test_a_server_that_cannot_keep_it_does_not_start(self):
        pair = ("--cert", self.first[0], "--key", self.first[1])
        readable = programs.WORK / "readable.keys"
        readable.write_text("")
        readable.chmod(0o644)
        link = programs.WORK / "link.keys"
        (programs.WORK / "target.keys").touch(0o600)
        link.symlink_to("target.keys")
        wrong = [(programs.WORK / "none" / "keys", "No such file"), (self.root, "directory"),
                 ("/dev/null", "not a regular file"), (readable, "chmod"), (link, "symbolic link")]
        if os.geteuid() == 0:  # nobody else can give a file away
            foreign = programs.WORK / "foreign.keys"
            foreign.touch(0o600)
            os.chown(foreign, 65534, 65534)
            wrong.append((foreign, "belongs to user 65534"))
        for file, words in wrong:
            line = self.refusal(*pair, "--key-log", file)
            self.assertIn(f"'{file}'", line)
            self.assertIn(words, line)


if __name__ == "__main__":
    unittest.main()
