# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_get as a person meets it: the bar, advice, and what a server wants a terminal to do."""

import contextlib
import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
import termios
import threading
import unittest

from downloads import CERTIFICATE_REFUSED, CUT_SHORT, HALF, MALFORMED, REFUSED, USAGE, WHOLE, Downloads, sends
from programs import AUTHORITY, BIN, CERTIFICATE, KEY, PATIENCE, make_certificate
from terminal import OnTerminal, width
from tls_context import server_context

SIZE = 3_000_000
F_GETPIPE_SZ = 1032  # fcntl has it since Python 3.10
HALF_OF_IT = r"   50%  1\.4 of 2\.9 MiB +[0-9.]+ .?i?B/s +[0-9:]+ left"


class HttpsGetOnTerminal(Downloads):
    def on_terminal(self, *arguments, **options):
        terminal = OnTerminal(BIN / "https_get", "--cacert", AUTHORITY, *arguments, cwd=self.directory, **options)
        self.addCleanup(terminal.__exit__)
        return terminal

    def halting(self):
        """A server that sends half of a file, and the rest once it is told to go on; a request for the rest gets it."""
        go_on = threading.Event()

        def answer(connection, request):
            wanted = re.search(rb"\r\nRange: bytes=(\d+)-", request)
            first = int(wanted[1]) if wanted else 0
            status = b"206 Partial Content\r\nContent-Range: bytes %d-%d/%d" % (first, SIZE - 1, SIZE)
            connection.sendall(b"HTTP/1.1 %b\r\nETag: \"1\"\r\nContent-Length: %d\r\n\r\n" % (
                status if wanted else b"200 OK", SIZE - first))
            connection.sendall(bytes(max(SIZE // 2 - first, 0)))
            if go_on.wait(PATIENCE):
                connection.sendall(bytes(SIZE - max(first, SIZE // 2)))

        server = self.scripted(answer)
        self.addCleanup(go_on.set)
        return server, go_on

    # The bar

    def test_the_bar_has_a_name_an_amount_a_speed_and_the_time_left(self):
        server, go_on = self.halting()
        terminal = self.on_terminal(f"{server.url}/file")
        terminal.wait_for(rf"\rfile  \[#+\.+\]{HALF_OF_IT}\x1b")
        go_on.set()
        status, lines = terminal.wait()
        self.assertEqual((status, len(lines)), (WHOLE, 1), lines)
        self.assertRegex(lines[0], r"^file  2\.9 MiB in [0-9.]+ s, [0-9.]+ .?i?B/s$")
        self.assertEqual(self.files(), {"file": bytes(SIZE)})

    def test_the_bar_is_never_wider_than_the_terminal(self):
        server, go_on = self.halting()
        names = {"a" * 100: 100, "Größe" * 20: 100, "日本" * 40: 160}
        for columns, shown in ((200, "    "), (100, r"\.\.\.  \[#+\.+\]"), (80, r"\.\.\.  \[#+\.+\]"), (60, r"\.\.\."),
                               (30, ""), (5, "")):
            for name in names:
                with self.subTest(columns=columns, name=name[0]):
                    terminal = self.on_terminal(f"{server.url}/{name_in_url(name)}", columns=columns)
                    terminal.wait_for(r" ?50%?" if columns < 60 else rf"{shown.strip()}{HALF_OF_IT}")
                    terminal.process.terminate()
                    terminal.wait()
                    self.assertLess(max(map(width, terminal.bars())), columns)
                    self.assertEqual(terminal.screen().lines[0][:10], "https_get:")

    def test_a_bar_of_several_files_counts_them(self):
        server, go_on = self.halting()
        terminal = self.on_terminal(f"{self.url}/1", f"{server.url}/file", f"{self.url}/none")
        terminal.wait_for(rf"\r2/3 file  \[#+\.+\]{HALF_OF_IT}\x1b")
        go_on.set()
        status, lines = terminal.wait()
        self.assertEqual((status, len(lines)), (REFUSED, 2), lines)
        self.assertRegex(lines[0], r"^https_get: .*/none: the server answered 404 Not Found$")
        self.assertRegex(lines[1], r"^2 of 3 files  2\.9 MiB in ")

    def test_what_was_there_counts_as_done_but_not_as_fast(self):
        server, go_on = self.halting()
        (self.directory / "file.part").write_bytes(bytes(SIZE // 2))
        (self.directory / "file.part.validator").write_text(f'"1"\n{server.url}/file\n')
        terminal = self.on_terminal("-C", "-", f"{server.url}/file")
        terminal.wait_for(r"\rfile  \[#+\.+\]   50%  1\.4 of 2\.9 MiB +0 B/s\x1b")
        go_on.set()
        self.assertEqual(terminal.wait()[0], WHOLE)
        self.assertEqual(self.files(), {"file": bytes(SIZE)})

    def test_a_length_that_nobody_knows_has_no_bar(self):
        go_on = threading.Event()

        def answer(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1000))
            go_on.wait(PATIENCE)
            connection.unwrap()

        terminal = self.on_terminal(f"{self.scripted(answer).url}/file")
        terminal.wait_for(r"\rfile  1000 B +[0-9.]+ .?i?B/s\x1b")
        go_on.set()
        self.assertEqual(terminal.wait()[0], WHOLE)

    def test_silence_is_that_of_curl(self):
        error = ["404 Not Found"]
        for arguments, said in ((("-s",), []), (("-sS",), error), (("-s", "--show-error"), error)):
            with self.subTest(arguments):
                server, go_on = self.halting()
                go_on.set()
                terminal = self.on_terminal(*arguments, f"{server.url}/file", f"{self.url}/none")
                status, lines = terminal.wait()
                self.assertEqual((status, [line[-13:] for line in lines]), (REFUSED, said))

    # Advice

    def go_on_with(self, line):
        """Does what it says."""
        command = re.fullmatch("  Go on with: (.*)", line)[1]
        done = subprocess.run(["bash", "-c", command], cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, WHOLE, done.stderr)
        return command

    def test_an_interrupted_download_says_how_to_go_on(self):
        server, go_on = self.halting()
        for number in (signal.SIGINT, signal.SIGTERM):
            for file in ("file", "an other's $file", "\x1b[2J\t\n \u202e'\\1x9b ß!"):
                with self.subTest(file):
                    url = f"{server.url}/file?a&b"
                    terminal = self.on_terminal("-vo", file, url, stdout=subprocess.DEVNULL)
                    terminal.wait_for(HALF_OF_IT)
                    terminal.process.send_signal(number)
                    status, lines = terminal.wait()
                    self.assertEqual(status, -number)
                    self.assertIn(": interrupted; 1500000 of 3000000 bytes are in ./", lines[-2])
                    go_on.set()
                    command = self.go_on_with(lines[-1])
                    if file.isprintable():
                        self.assertTrue(lines[-2].endswith(f"./{file}.part"), lines)
                        self.assertEqual(shlex.split(command), [str(BIN / "https_get"), "-C", "-", "--cacert",
                                                                str(AUTHORITY), "-vo", file, url])
                    self.assertEqual(self.files(), {file: bytes(SIZE)})
                    (self.directory / file).unlink()
                    go_on.clear()

    def test_an_interruption_before_the_first_byte_has_nothing_to_go_on_with(self):
        begun = threading.Event()
        server = self.scripted(lambda connection, request: (begun.set(), connection.recv(1)))
        terminal = self.on_terminal(f"{server.url}/file")
        self.assertTrue(begun.wait(PATIENCE))
        terminal.process.send_signal(signal.SIGINT)
        status, lines = terminal.wait()
        self.assertEqual(status, -signal.SIGINT)
        self.assertFalse([line for line in lines if "Go on with" in line], lines)

    def stopped(self, *arguments, until, **outputs):
        """How it ends by SIGTERM once this is so."""
        process = subprocess.Popen([BIN / "https_get", "--cacert", AUTHORITY, "--output-dir", self.directory, *arguments],
                                   stdin=subprocess.DEVNULL, **outputs)
        try:
            while not until():
                self.assertIsNone(process.poll())
            process.terminate()
            return process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()

    def pipe(self):
        ends = os.pipe()
        for end in ends:
            self.addCleanup(os.close, end)
        return ends

    def is_full(self, end):
        waiting = fcntl.ioctl(end, termios.FIONREAD, bytes(4))
        return int.from_bytes(waiting, sys.byteorder) >= fcntl.fcntl(end, F_GETPIPE_SZ) - 4096

    def has_part(self):
        part = self.directory / "file.part"
        return part.exists() and part.stat().st_size > 0

    def test_a_signal_ends_it_although_nobody_reads_its_standard_output(self):
        read, write = self.pipe()
        status = self.stopped("-o", "-", f"{self.url}/3000000", until=lambda: self.is_full(read), stdout=write)
        self.assertEqual(status, -signal.SIGTERM)

    def test_a_signal_ends_it_although_nobody_reads_its_errors(self):
        server, _ = self.halting()
        _, write = self.pipe()
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, bytes(4096))
        os.set_blocking(write, True)
        status = self.stopped(f"{server.url}/file", until=self.has_part, stderr=write)
        self.assertEqual(status, -signal.SIGTERM)

    def test_an_interruption_that_is_ignored_stays_so(self):
        server, go_on = self.halting()
        terminal = self.on_terminal(f"{server.url}/file",
                                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        terminal.wait_for(HALF_OF_IT)
        terminal.process.send_signal(signal.SIGINT)
        go_on.set()
        self.assertEqual(terminal.wait()[0], WHOLE)

    def test_a_download_that_was_cut_short_says_how_to_go_on(self):
        cut = HALF.replace(b"\r\n\r\n", b'\r\nETag: "1"\r\n\r\n')
        server = self.scripted(sends(cut))
        for resume in ((), ("--resume",)):
            _, errors = self.fetch(*resume, f"{server.url}/file", status=CUT_SHORT)
            words = [str(BIN / "https_get"), *(["-C", "-"] if not resume else []), "--output-dir", str(self.directory),
                     "--cacert", str(AUTHORITY), *resume, f"{server.url}/file"]
            self.assertEqual(shlex.split(errors.splitlines()[-1]), ["Go", "on", "with:", *words])
            (self.directory / "file.part").unlink()
        server.answer = sends(HALF)  # of which nobody could tell the version
        self.fetch(f"{server.url}/file", f"{self.url}/1", status=CUT_SHORT, says=r"500 of 1000 bytes are in [^\n]*\n\Z")

    def test_a_refused_certificate_says_what_can_be_done(self):
        other, other_key = make_certificate("other", names=["DNS:localhost"])
        elsewhere = make_certificate("elsewhere", names=["DNS:elsewhere"])
        expired = self.expired()
        server = self.scripted(sends(b""))
        for certificate, key, authority, advice in (
            (CERTIFICATE, KEY, other, f"Its authority is not in {other}; --cacert FILE wants"),
            (CERTIFICATE, KEY, None, "If you trust its authority, name that one's certificate, PEM, with --cacert"),
            (other, other_key, None, "If you trust its authority, "),
            (*elsewhere, elsewhere[0], "nobody has verified, that it is for \"DNS:elsewhere\"; if it"),
            (*expired, expired[0], "whether the clock of this machine is right"),
        ):
            with self.subTest(advice):
                server.context = server_context(certificate, key)
                _, errors = self.fetch(f"{server.url}/file", authority=authority, status=CERTIFICATE_REFUSED)
                lines = errors.splitlines()
                self.assertEqual(len(lines), 3, lines)
                self.assertIn(advice, lines[1])
                self.assertIn("-k does not verify it: anyone on the way can then read and change", lines[2])

    def expired(self):
        certificate, key = make_certificate("expired", names=["DNS:localhost"])
        subprocess.run(["openssl", "x509", "-in", certificate, "-signkey", key, "-out", certificate, "-days", "-1"],
                       stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return certificate, key

    # What a server says

    def test_what_a_server_says_stays_on_its_line_and_has_no_commands(self):
        clear = b"\x1b[2J \x9b2J \xc2\x9b2J \xe2\x80\xae \xe2\x9b\x84 gr\xc3\xb6\xc3\x9fer"
        seen = r"\x1B[2J \x9B2J \xC2\x9B2J \xE2\x80\xAE ⛄ größer"
        moved = b"HTTP/1.1 302 Found\r\nLocation: "
        for arguments, response, said in (
            ((), b"HTTP/1.1 404 " + clear.replace(b"\x1b", b"") + b"\r\n\r\n", f"404 {seen[4:]}"),
            ((), moved + clear.replace(b"\x1b", b"") + b"\r\n\r\n", f"it is at {seen[4:]}"),
            (("-L",), moved + b"//a%0Ahttps_get:%20fine/\r\n\r\n", "redirected to"),
            (("-L",), moved + b"//a%C2%9Bb/\r\n\r\n", "its host is no name"),
            (("-L",), moved + b"//localhost:1%0A/\r\n\r\n", "redirected to"),
            (("-v",), b"HTTP/1.1 404 None\r\nX: " + clear.replace(b"\x1b", b"") + b"\r\n\r\n", f"< X: {seen[4:]}"),
        ):
            with self.subTest(response):
                server = self.scripted(sends(response))
                terminal = self.on_terminal(*arguments, "-o", "x", f"{server.url}/file")
                status, lines = terminal.wait()  # it has looked at each character
                self.assertNotEqual(status, WHOLE)
                self.assertTrue(any(said in line for line in lines), lines)
                self.assertEqual(sum(line.startswith("https_get: ") for line in lines), 1, lines)

    def test_what_a_server_says_has_a_bound(self):
        endless = b"x" * 60_000
        moved = b"HTTP/1.1 302 Found\r\nLocation: "
        for letters, response, status in (
            ("-S", b"HTTP/1.1 404 " + endless, REFUSED),
            ("-S", moved + b"/" + endless, REFUSED),
            ("-L", moved + b"http://" + endless, REFUSED),
            ("-L", moved + b"//" + endless, REFUSED),
            ("-L", moved + b"//localhost:" + b"1" * 60_000, REFUSED),
            ("-S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + endless, MALFORMED),
            ("-v", b"HTTP/1.1 404 None\r\nX: " + endless, REFUSED),
        ):
            with self.subTest(response[:60]):
                server = self.scripted(sends(response + b"\r\n\r\n"))
                _, errors = self.fetch(letters, f"{server.url}/file", status=status)
                self.assertLess(len(errors), 4000)

    def test_a_long_url_does_not_hide_the_reason(self):
        long = "?" + "x" * 3000
        unseen = b"/" + b"\xc2\x9b" * 2000
        moved = sends(b"HTTP/1.1 302 Found\r\nLocation: http://" + unseen + b"\r\n\r\n")
        refused = sends(b"HTTP/1.1 302 " + unseen + b"\r\nLocation: /there\r\n\r\n")
        server = self.scripted(sends(HALF))
        for url, answer, status, reason in (
            (f"{server.url}/file{long}", sends(HALF), CUT_SHORT, r"ended too early.*; 500 of 1000 bytes are in .*\.part$"),
            (f"{self.url}/none{long}", None, REFUSED, ": the server answered 404 Not Found$"),
            (f"{server.url}/file{long}", moved, REFUSED, r': redirected to "http://.*\.\.\.": not a URL$'),
            (f"{server.url}/file{long}", refused, REFUSED, ": the server answered 302 .*: it is at /there$"),
            (f"http://localhost/{long}", None, USAGE, r'": only https:// is fetched; see --help$'),
            (f"https://localhost/{long}", None, USAGE, r" ends in no name for a file; give -o FILE; see --help$"),
        ):
            with self.subTest(reason):
                server.answer = answer
                _, errors = self.fetch(*("-L" for _ in range(answer is moved)), url, status=status)
                self.assertRegex(errors.splitlines()[0], reason)
                self.assertLess(max(map(len, errors.splitlines())), 1000)

    def test_names_that_nobody_has_verified_are_told_so(self):
        names = [f"DNS:run sudo rm -r / now {i}" + "x" * 200 for i in range(9)]
        certificate, key = make_certificate("trap", names=names)
        server = self.scripted(sends(b""))
        server.context = server_context(certificate, key)
        _, errors = self.fetch(f"{server.url}/file", authority=certificate, status=CERTIFICATE_REFUSED)
        said = r'  It says, and nobody has verified, that it is for "(DNS:run.*\.\.\.)"; if it is the server you mean, .*'
        name = re.fullmatch(said, errors.splitlines()[1])
        self.assertTrue(name, errors)
        self.assertLessEqual(len(name[1]), 300)

    def test_what_is_printed_of_certificates_has_a_bound_and_no_commands(self):
        name = "\n\x1b[2J" + "x" * 50
        certificate, key = self.directory / "long.pem", self.directory / "long.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                        "-utf8", "-subj", f"/OU={name}" * 200 + "/CN=us", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", certificate], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        one = certificate.read_text()
        certificate.write_text(one + one * 5)
        server = self.scripted(sends(b"HTTP/1.1 404 None\r\n\r\n"))
        server.context = server_context(certificate, key)
        for trust in (certificate, AUTHORITY):
            terminal = OnTerminal(BIN / "https_get", "-v", "--cacert", trust, "-o", "x", f"{server.url}/file")
            self.addCleanup(terminal.__exit__)
            _, lines = terminal.wait()
            self.assertLess(max(map(len, lines)), 1100)
            self.assertLess(sum(map(len, lines)), 5000)
            self.assertFalse(any(line.startswith("x") for line in lines), lines)


def name_in_url(name):
    return "".join(f"%{byte:02X}" for byte in name.encode())


if __name__ == "__main__":
    unittest.main()
