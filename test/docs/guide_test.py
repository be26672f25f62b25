# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""guide_test.py docs/guide: the programs of the guide, as a reader would run them, with the certificate that its page
on certificates makes."""

import hashlib
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import unittest

import programs
from programs import PATIENCE, WORK, Program
from tls_context import client_context, server_context

GUIDE = pathlib.Path(sys.argv.pop())
AUTHORITY = WORK / "authority.pem"
CHAIN, KEY = WORK / "server.pem", WORK / "server.key"


class Listening(Program):
    """One of the guide's servers, on a free port."""

    def __init__(self, name, *before, after=()):
        super().__init__(name, *before, 0, CHAIN, KEY, *after)
        try:
            self.port = int(self.out.wait_for("listening on ").rpartition(":")[2])
        except BaseException:
            self.__exit__()
            raise


def run(name, *arguments, text=b""):
    command = [programs.BIN / name, *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, check=False, timeout=PATIENCE)


def served_in_part(listener):
    """Sends part of an answer, and closes the connection without a word."""
    context = server_context(CHAIN, KEY)
    with listener.accept()[0] as connection:
        stream = context.wrap_socket(connection, server_side=True)
        while stream.recv(100):  # to the end: what is left unread would make the kernel reset the connection
            pass
        stream.sendall(b"half of it")
        stream.shutdown(socket.SHUT_WR)
        stream.close()


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        commands = re.search(r"```sh\n(.*?)```", (GUIDE / "certificates.md").read_text(), re.DOTALL)[1]
        done = subprocess.run(["bash", "-ec", commands], cwd=WORK, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr

    def assert_prints(self, done, text):
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout == text, done.stdout[:200])

    def test_certificates_pass_the_strictest_checks(self):
        command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", AUTHORITY, CHAIN]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_first_client_and_first_server_talk(self):
        with Listening("first-server") as server:
            for text in (b"", b"hello\n", b"one\n\ntwo\n"):
                self.assert_prints(run("first-client", "localhost", server.port, AUTHORITY, text=text), text)

    def test_client_of_handlers_talks_and_says_what_is_wrong(self):
        with Listening("first-server") as server:
            for text in (b"", b"hello\n", b"one\n\ntwo\n", b"long" * (1 << 20) + b"\n"):
                self.assert_prints(run("handlers", "localhost", server.port, AUTHORITY, text=text), text)
            done = run("handlers", "127.0.0.1", server.port, AUTHORITY, text=b"secret\n")
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn("handshake: certificate verify failed", done.stderr.decode())
            self.assertIn("the host is '127.0.0.1'", done.stderr.decode())

    def test_client_says_that_an_address_is_not_the_name(self):
        with Listening("first-server") as server:
            done = run("first-client", "127.0.0.1", server.port, AUTHORITY, text=b"secret\n")
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn("the host is '127.0.0.1'", done.stderr.decode())
            server.err.wait_for("the peer ended the session")

    def test_client_trusts_its_authority_only(self):
        with Listening("first-server") as server:
            other = WORK / "other.pem"
            command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=another"]
            command += ["-keyout", WORK / "other.key", "-out", other]
            subprocess.run(command, check=True, capture_output=True)
            done = run("first-client", "localhost", server.port, other, text=b"secret\n")
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn("unable to get local issuer certificate", done.stderr.decode())

    def test_server_says_at_once_that_the_files_are_swapped(self):
        done = run("first-server", 0, KEY, CHAIN)
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no certificate; it contains only: PRIVATE KEY", done.stderr.decode())

    def test_line_of_one_member_goes_to_the_others(self):
        context = client_context(AUTHORITY)

        def join(port):
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
            stream = context.wrap_socket(connection, server_hostname="localhost")
            self.assertEqual(stream.recv(100), b"welcome\n")  # from here on it is a member
            return stream

        with Listening("many-writers") as server:
            with join(server.port) as first, join(server.port) as second, join(server.port) as third:
                first.sendall(b"from the first\n")
                for other in (second, third):
                    self.assertEqual(other.recv(100), b"from the first\n")
                third.sendall(b"from the third\n")
                for other in (first, second):
                    self.assertEqual(other.recv(100), b"from the third\n")  # and not its own line before that
                second.close()
                server.err.wait_for("truncated")
                first.sendall(b"still here\n")
                self.assertEqual(third.recv(100), b"still here\n")

    def test_watcher_says_that_nothing_came_and_ends_on_a_signal(self):
        with Listening("first-server") as server:
            with Program("cancellation-and-deadlines", "localhost", server.port, AUTHORITY) as watcher:
                watcher.out.wait_for("watching")
                watcher.out.wait_for("nothing yet")
                self.assertEqual(watcher.stop(), 0)
                self.assertEqual(watcher.out.all()[-1], "bye")
                self.assertEqual(watcher.err.all(), [])

    def test_whole_input_comes_back_after_a_half_close(self):
        with Listening("first-server") as server:
            for text in (b"", b"short", bytes(range(256)) * 40_000):
                self.assert_prints(run("shutdown", "localhost", server.port, AUTHORITY, text=text), text)

    def test_answer_that_is_cut_is_not_taken_for_whole(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = threading.Thread(target=served_in_part, args=(listener,))
            server.start()
            done = run("shutdown", "localhost", listener.getsockname()[1], AUTHORITY, text=b"?")
            server.join(PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (1, b"half of it"))
        self.assertIn("stream truncated", done.stderr.decode())

    def test_site_is_chosen_by_name_and_renewed_and_sessions_are_resumed(self):
        authority = (AUTHORITY, WORK / "authority.key")
        folder, saved = WORK / "live", WORK / "saved"

        def put(place, name):
            chain, key = programs.make_certificate(place, names=[f"DNS:{name}"], signer=authority)
            (folder / place).mkdir(parents=True, exist_ok=True)
            return chain, key

        def install(place, chain, key):
            (folder / place / "fullchain.pem").write_bytes(chain.read_bytes())
            (folder / place / "privkey.pem").write_bytes(key.read_bytes())

        def pin(key):
            der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "der"],
                                 capture_output=True, check=True).stdout
            return hashlib.sha256(der).hexdigest()

        default, site = put("a", "default.test"), put("b", "site.test")
        install("a", *default)
        install("b", *site)
        with Program("names", 0, folder) as server:
            port = server.out.wait_for("listening on ").rpartition(":")[2]

            def visit(name, key):
                return run("sessions", name, port, AUTHORITY, pin(key), saved)

            spoken = b"you speak 'example/1'\n"
            first, again = b"new: " + spoken, b"resumed: " + spoken
            self.assert_prints(visit("default.test", default[1]), first + again)
            self.assert_prints(visit("site.test", site[1]), first + again)
            self.assert_prints(visit("site.test", site[1]), again + again)  # from the file
            self.assertEqual(saved.stat().st_mode & 0o777, 0o600)
            done = visit("site.test", default[1])
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn("pin", done.stderr.decode())
            self.assertIn("hostname mismatch", visit("other.test", default[1]).stderr.decode())
            server.err.wait_for("site.test ok")

            renewed = programs.make_certificate("renewed", names=["DNS:site.test"], signer=authority)
            (folder / "b" / "fullchain.pem").write_bytes(renewed[0].read_bytes())
            server.out.wait_for("the old ones stay")
            self.assert_prints(visit("site.test", site[1]), again + again)  # those that failed have kept it
            (folder / "b" / "privkey.pem").write_bytes(renewed[1].read_bytes())
            server.out.wait_for("read the certificates again")
            self.assert_prints(visit("site.test", renewed[1]), first + again)

    def test_hook_finds_the_certificate_of_the_name_that_is_asked_for(self):
        folder = WORK / "asked"
        for name in ("one.test", "two.test"):
            chain, key = programs.make_certificate(name, names=[f"DNS:{name}"],
                                                   signer=(AUTHORITY, WORK / "authority.key"))
            (folder / name).mkdir(parents=True)
            (folder / name / "fullchain.pem").write_bytes(chain.read_bytes())
            (folder / name / "privkey.pem").write_bytes(key.read_bytes())

        def visit(port, name):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain, \
                    client_context(AUTHORITY).wrap_socket(plain, server_hostname=name) as stream:
                return b"".join(iter(lambda: stream.recv(100), b""))

        with Program("hooks", 0, folder) as server:
            port = int(server.out.wait_for("listening on ").rpartition(":")[2])
            for name in ("one.test", "two.test"):
                self.assertEqual(visit(port, name), f"you have asked for {name}\n".encode())
            for name, why in (("three.test", "cannot read"), ("t_o.test", "not a name of ours")):
                with self.assertRaises(ssl.SSLError):
                    visit(port, name)
                server.err.wait_for(why)

    def test_signatures_are_made_by_the_owner_of_the_key(self):
        signer = (AUTHORITY, WORK / "authority.key")
        chain, key = programs.make_certificate("elsewhere", names=["DNS:elsewhere.test"], signer=signer)
        other = programs.make_certificate("other", names=["DNS:elsewhere.test"], signer=signer)[1]

        def visit(port, version):
            context = client_context(AUTHORITY)
            context.minimum_version = context.maximum_version = version
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain, \
                    context.wrap_socket(plain, server_hostname="elsewhere.test") as stream:
                return b"".join(iter(lambda: stream.recv(100), b""))

        versions = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
        with Program("keys-elsewhere", 0, chain, key) as server:
            port = int(server.out.wait_for("listening on ").rpartition(":")[2])
            for version in versions:
                self.assertEqual(visit(port, version), b"signed elsewhere\n")
        with Program("keys-elsewhere", 0, chain, other) as server:
            port = int(server.out.wait_for("listening on ").rpartition(":")[2])
            for version in versions:
                with self.assertRaises(ssl.SSLError):
                    visit(port, version)
                server.err.wait_for("is none by the key of our certificate")

    def test_saved_sessions_that_are_damaged_are_refused_in_words(self):
        damaged = WORK / "damaged"
        damaged.write_bytes(b"no sessions")
        damaged.chmod(0o600)
        done = run("sessions", "localhost", 1, AUTHORITY, "0" * 64, damaged)  # nobody is there
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn("without saved sessions: ", done.stderr.decode())
        self.assertIn("remove them", done.stderr.decode())
        self.assertNotEqual(damaged.read_bytes(), b"no sessions")  # in its place is what there is now

    def test_beast_serves_its_own_clients_and_curl(self):
        with Listening("beast", "serve") as server:
            to_server = ("localhost", server.port, AUTHORITY)
            self.assert_prints(run("beast", "get", *to_server, "/here"), b"You asked for /here\n")
            self.assert_prints(run("beast", "send", *to_server, "hello"), b"hello\n")
            url = f"https://localhost:{server.port}"
            command = ["curl", "-q", "-sS", "--noproxy", "*", "--cacert", AUTHORITY, f"{url}/a", f"{url}/b"]
            done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
            self.assert_prints(done, b"You asked for /a\nYou asked for /b\n")
            done = run("beast", "get", "127.0.0.1", server.port, AUTHORITY, "/")
            self.assertEqual(done.returncode, 1)
            self.assertIn("the host is '127.0.0.1'", done.stderr.decode())

    def test_files_come_and_go_with_beast(self):
        folder = WORK / "files"
        folder.mkdir()
        content = os.urandom(3_000_000)
        (WORK / "upload").write_bytes(content)
        with Listening("beast-files", after=[folder]) as server:
            url = f"https://localhost:{server.port}"

            def curl(*arguments):
                command = ["curl", "-q", "-sS", "--noproxy", "*", "--cacert", AUTHORITY, *arguments]
                return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)

            self.assert_prints(curl("-T", WORK / "upload", f"{url}/name"), b"")
            self.assertTrue((folder / "name").read_bytes() == content)
            self.assert_prints(curl(f"{url}/name"), content)
            self.assert_prints(curl("-L", f"http://localhost:{server.port}/name"), content)
            for first, last in ((0, 0), (1, 16384), (70_000, 2_999_998), (2_999_999, 2_999_999)):
                part = curl("-r", f"{first}-{last}", f"{url}/name")
                self.assert_prints(part, content[first : last + 1])
            self.assert_prints(curl("-r", "2999999-9999999", f"{url}/name"), content[-1:])
            parts = curl("-r", "0-99", f"{url}/name", "--next", "-sS", "--cacert", AUTHORITY, f"{url}/name")
            self.assert_prints(parts, content[:100] + content)  # on one connection
            self.assert_prints(curl("-r", "-100", f"{url}/name"), content)
            (folder / "empty").touch()
            self.assert_prints(curl(f"{url}/empty"), b"")
            for wrong, status in (("missing", b"404"), (".hidden", b"400"), ("a/name", b"400")):
                self.assert_prints(curl("-w", "%{http_code}", f"{url}/{wrong}"), status)
            context = client_context(AUTHORITY)
            connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            with context.wrap_socket(connection, server_hostname="localhost") as stream:
                stream.sendall(b"PUT /big HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741825\r\n\r\n")
                server.err.wait_for("body limit exceeded")
            self.assertFalse((folder / "big").exists())

    def test_suite_runs_on_asios_stream(self):
        done = run("test-your-stream", "An honest peer")
        self.assert_prints(done, b"your stream: 16 cases, 16 came to their point, 0 broke a rule\n")
        done = run("test-your-stream", "Cancellation")
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn("Cancellation: write is cancelled while it sends: is cancelled; then write reports bytes that "
                      "have not left", done.stdout.decode())

    def test_quotations_stand_in_the_sources(self):
        text = (GUIDE / "http2.md").read_text()
        source = (GUIDE.parent.parent / "apps" / "http2" / "connection.cpp").read_text()
        quoted = re.findall(r"```c\+\+\n(.*?)```", text, re.DOTALL)
        self.assertEqual(len(quoted), 1)
        self.assertIn(quoted[0], source)

    def test_what_is_no_port_is_refused_in_words(self):
        pair = [str(CHAIN), str(KEY)]
        for arguments in (["first-server", "PORT", *pair], ["many-writers", "PORT", *pair],
                          ["beast-files", "PORT", *pair, "."], ["beast", "serve", "PORT", *pair],
                          ["names", "PORT", WORK], ["first-client", "localhost", "PORT", AUTHORITY],
                          ["cancellation-and-deadlines", "localhost", "PORT", AUTHORITY],
                          ["shutdown", "localhost", "PORT", AUTHORITY], ["handlers", "localhost", "PORT", AUTHORITY],
                          ["beast", "get", "localhost", "PORT", AUTHORITY, "/"],
                          ["sessions", "localhost", "PORT", AUTHORITY, "pin", "saved"]):
            for port in ("https", "74000", "-1", "80x", ""):
                with self.subTest(arguments[0], port=port):
                    done = run(*(port if each == "PORT" else each for each in arguments))
                    self.assertEqual((done.returncode, done.stdout), (1, b""))
                    self.assertIn(f"PORT is not a port: {port}", done.stderr.decode())

    def test_each_program_says_what_it_wants(self):
        for page in GUIDE.glob("*.md"):
            if "int main(" in page.read_text():
                with self.subTest(page.stem):
                    done = run(page.stem)
                    self.assertEqual(done.returncode, 2)
                    self.assertTrue(done.stderr.decode().startswith(page.stem))


if __name__ == "__main__":
    unittest.main()
