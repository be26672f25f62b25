# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""The tutorial's pair: echo_server and echo_client, together and with strangers."""

import os
import ssl
import subprocess
import unittest

import programs
from programs import AUTHORITY, CERTIFICATE, KEY, PATIENCE, HttpsServer, Program, Server


class Echo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with HttpsServer(programs.WORK):
            pass  # leaves a certificate

    def setUp(self):
        self.server = Server("echo_server", "--cert", CERTIFICATE, "--key", KEY)
        self.addCleanup(self.server.__exit__)

    def client(self, text, *arguments, host="localhost", port=None):
        command = [programs.BIN / "echo_client", "--connect", f"{host}:{port or self.server.port}"]
        command += arguments or ["--cacert", AUTHORITY]
        return subprocess.run(command, input=text, capture_output=True, check=False, timeout=PATIENCE)

    def assert_refused(self, done, *words):
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"")
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def test_an_encrypted_key_opens_with_its_password(self):
        encrypted, password = programs.encrypt(KEY, "se cret")
        with Server("echo_server", "--cert", CERTIFICATE, "--key", encrypted, "--key-password-file", password) as server:
            self.assertEqual(self.client(b"one\n", port=server.port).stdout, b"one\n")
        with Program("echo_server", "--cert", CERTIFICATE, "--key", encrypted) as server:
            self.assertEqual(server.wait(), 1)
            server.err.wait_for("--key-password-file")

    def test_each_line_comes_back(self):
        for text in (b"", b"\n", b"one\n", b"one\n\ntwo\n\xff\x00three\n"):
            done = self.client(text)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, text, b""))

    def test_what_cannot_be_read_or_written_is_a_failure(self):
        command = [programs.BIN / "echo_client", f"--connect=localhost:{self.server.port}", f"--cacert={AUTHORITY}"]
        with programs.broken_streams(b"one\n") as broken:
            for streams, why in broken:
                done = subprocess.run(command, stderr=subprocess.PIPE, check=False, timeout=PATIENCE, **streams)
                self.assertEqual((done.returncode, done.stderr), (1, b"echo_client: " + why))

    def test_a_line_longer_than_every_buffer_comes_back(self):
        text = os.urandom(1 << 23).replace(b"\n", b" ") + b"\n"
        done = self.client(text)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout == text)

    def test_clients_are_served_at_the_same_time(self):
        command = (f"--connect=localhost:{self.server.port}", f"--cacert={AUTHORITY}")
        with Program("echo_client", *command, stdin=subprocess.PIPE) as first:
            first.process.stdin.write("first\n")
            first.process.stdin.flush()
            first.out.wait_for("first")
            self.assertEqual(self.client(b"second\n").stdout, b"second\n")
            first.process.stdin.write("still there\n")
            first.process.stdin.close()
            self.assertEqual(first.wait(), 0)
            self.assertEqual(first.out.all(), ["first", "still there"])

    def test_a_stranger_gets_its_bytes_back_and_a_clean_end(self):
        with self.server.connect_tls() as stranger:
            stranger.sendall(b"bytes")
            self.assertEqual(stranger.recv(5), b"bytes")
            stranger.unwrap()  # both sides' close_notify

    def test_garbage_disturbs_nobody(self):
        with self.server.connect() as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.server.err.wait_for("http request")
        self.assertEqual(self.client(b"line\n").stdout, b"line\n")

    def test_a_client_refuses_who_is_not_the_host_it_wants(self):
        elsewhere = Server("echo_server", "--cert", CERTIFICATE, "--key", KEY, listen="127.0.0.2:0")
        with elsewhere:
            done = self.client(b"secret\n", host="127.0.0.2", port=elsewhere.port)
        self.assert_refused(done, "127.0.0.2", "refused")

    def test_a_client_refuses_an_unknown_authority(self):
        other = programs.WORK / "other"
        with HttpsServer(programs.WORK, cache=other):
            pass
        done = self.client(b"secret\n", "--cacert", other / "tls_async" / AUTHORITY.name)
        self.assert_refused(done, "certificate")

    def test_a_client_says_why_it_cannot_connect(self):
        self.server.stop()
        self.assert_refused(self.client(b""), "cannot connect: Connection refused")

    def test_both_say_what_is_wrong_with_their_command_line(self):
        pair = ["--cert", CERTIFICATE, "--key", KEY]
        for arguments in ([], ["--bogus"], ["--cert", "/none", "--key", KEY], ["--listen", "localhost", *pair]):
            with Program("echo_server", *arguments) as server:
                self.assertNotEqual(server.wait(), 0)
                self.assertTrue(server.err.all()[0].startswith("echo_server: "))
        self.assert_refused(self.client(b"", "--cacert", "/none"), "/none")


if __name__ == "__main__":
    unittest.main()
