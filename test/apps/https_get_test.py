# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_get from outside: whole files or a reason, against https_server and against servers that err."""

import os
import re
import socket
import subprocess
import threading
import unittest

import programs
from downloads import (CERTIFICATE_REFUSED, CUT_SHORT, HALF, LOCAL_FILE, MALFORMED, NOT_CONNECTED, NOT_RESOLVED,
                       NOT_TLS, REFUSED, SIZES, TIMED_OUT, TLS_FAILED, USAGE, WHOLE, Downloads, ScriptedServer, get,
                       sends, until_gone)
from programs import AUTHORITY, BIN, CERTIFICATE, KEY, PATIENCE, HttpsServer


class HttpsGet(Downloads):
    # Whole files

    def test_files_of_all_sizes_arrive_whole_and_in_silence(self):
        out, errors = self.fetch(*(f"{self.url}/{size}" for size in SIZES))
        self.assertEqual(self.files(), self.content)
        self.assertEqual((out, errors), (b"", ""))

    def test_a_file_goes_to_standard_output(self):
        out, errors = self.fetch("-o", "-", f"{self.url}/262145")
        self.assertEqual((out, errors, self.files()), (self.content["262145"], "", {}))

    def test_a_file_goes_to_a_path_or_a_special_file(self):
        self.fetch("--output", self.directory / "name", f"{self.url}/1")
        self.assertEqual(self.files(), {"name": self.content["1"]})
        self.fetch("--output", "/dev/null", f"{self.url}/1")

    def test_a_file_goes_into_a_pipe_with_a_name(self):
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        got = []
        reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
        reader.start()
        try:
            self.fetch("-o", pipe, f"{self.url}/262145")
        finally:
            os.close(os.open(pipe, os.O_RDWR))  # which frees a reader whose writer never came
            reader.join(PATIENCE)
        self.assertEqual((got, pipe.is_fifo()), ([self.content["262145"]], True))

    def test_no_more_than_asked_for_are_in_flight_at_once(self):
        counting = threading.Condition()
        now, most = 0, 0

        def answer(connection, request):
            nonlocal now, most
            with counting:
                now += 1
                most = max(most, now)
                counting.notify_all()
                counting.wait_for(lambda: most == 2, PATIENCE)  # two have to come together
                now -= 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

        server = self.scripted(answer)
        self.fetch("--parallel-max", 2, *(f"{server.url}/{i}" for i in range(6)))
        self.assertEqual(self.files(), {str(i): b"x" for i in range(6)})
        self.assertEqual(most, 2)

    def test_one_that_fails_does_not_disturb_the_others(self):
        server = self.scripted(sends(HALF))
        self.fetch(f"{self.url}/262145", f"{server.url}/half", f"{self.url}/none", f"{self.url}/1",
                   status=CUT_SHORT, says="(?s)half: .*none: .*404|none: .*404.*half: ")
        expected = {name: self.content[name] for name in ("262145", "1")}
        self.assertEqual(self.files(), {**expected, "half.part": b"x" * 500})

    def test_interim_responses_are_passed_over(self):
        server = self.scripted(sends(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
                                     b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"))
        self.fetch(f"{server.url}/file")
        self.assertEqual(self.files(), {"file": b"whole"})

    # Resuming

    def put_part(self, url, content, validator):
        """What an earlier download of this URL has left."""
        name = url.rpartition("/")[2]
        self.put(f"{name}.part", content)
        self.put(f"{name}.part.validator", f"{validator}\n{url}\n".encode())

    def tag(self, name):
        return re.search(r"(?i)^etag: (.*?)\r?$", self.server.curl(f"/{name}", "--head").decode(), re.MULTILINE)[1]

    def test_a_part_is_gone_on_with(self):
        self.put_part(f"{self.url}/3000000", self.content["3000000"][:1000000], self.tag("3000000"))
        self.fetch("--resume", f"{self.url}/3000000")
        self.assertEqual(self.files(), {"3000000": self.content["3000000"]})
        self.server.err.wait_for("GET /3000000 206 2000000")

    def test_a_part_of_which_all_is_there_gets_its_name(self):
        self.put_part(f"{self.url}/16384", self.content["16384"], self.tag("16384"))
        self.fetch("--resume", f"{self.url}/16384")
        self.assertEqual(self.files(), {"16384": self.content["16384"]})

    def test_a_part_of_nobody_knows_what_is_begun_again(self):
        url = f"{self.url}/16384"
        for validator in (None, b"", b'"tag"', b'"tag"\nhttps://localhost/other\n', b'W/"tag"\n' + url.encode(),
                          b'"a\rb"\n' + url.encode(), b"yesterday\n" + url.encode()):
            with self.subTest(validator):
                self.put("16384.part", b"old" * 100)
                if validator is not None:
                    self.put("16384.part.validator", validator)
                self.fetch("--resume", url)
                self.assertEqual(self.files(), {"16384": self.content["16384"]})

    def test_a_file_is_fetched_anew_even_if_it_begins_alike(self):
        self.put("file", b"old")
        with self.versions(b"older, and longer", 206, 'ETag: "2"') as server:
            self.fetch("--resume", f"{server.url}/file")
        self.assertEqual(self.files(), {"file": b"older, and longer"})

    def versions(self, now, status, *fields, honest=False):
        """A server of what a file is now. Asked for a part it answers with this status: if it is honest, only when the
        request is for the version that is there."""
        head = "".join(f"{field}\r\n" for field in fields).encode()
        tag = next((field.split(": ", 1)[1].encode() for field in fields if not field.startswith("Date")), b"")

        def answer(connection, request):
            wanted = re.search(rb"\r\nRange: bytes=(\d+)-\r\n", request)
            first = int(wanted[1]) if wanted else 0
            other = honest and b"\r\nIf-Range: " + tag + b"\r\n" not in request
            if not wanted or status == 200 or other:
                connection.sendall(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(now), now))
            elif status == 206 and first < len(now):
                connection.sendall(b"HTTP/1.1 206 Partial Content\r\n%bContent-Length: %d\r\n"
                                   b"Content-Range: bytes %d-%d/%d\r\n\r\n%b" % (
                                       head, len(now) - first, first, len(now) - 1, len(now), now[first:]))
            else:
                connection.sendall(b"HTTP/1.1 416 Range Not Satisfiable\r\n%bContent-Length: 0\r\n"
                                   b"Content-Range: bytes */%d\r\n\r\n" % (head, len(now)))

        return ScriptedServer(answer)

    def test_no_file_is_made_of_two_versions(self):
        old = b"0123456789"
        dates = [f"{name}: Mon, 30 Nov 2026 0{hour}:00:00 GMT" for name, hour in (("Last-Modified", 1), ("Date", 2))]
        newer = ["Last-Modified: Mon, 30 Nov 2026 01:00:01 GMT", dates[1]]
        kinds = {"strong": (['ETag: "1"'], ['ETag: "2"']), "weak": (['ETag: W/"1"'], ['ETag: W/"2"']),
                 "none": ([], []), "date": (dates, newer),
                 "hot": ([dates[0], "Date: Mon, 30 Nov 2026 01:00:01 GMT"], [newer[0], "Date: " + newer[0][15:]])}
        for kind, (before, after) in kinds.items():
            for name, now in (("same", old), ("shorter", b"abc"), ("equal", b"abcdefghij"), ("longer", b"abcdefghijkl")):
                for status in (206, 200, 416):
                    for honest in (False, True):
                        for there in (4, 10):
                            with self.subTest(f"{kind}, {name}, {status}, {honest}, {there}"):
                                self.check_version(old[:there], now, status, before if now == old else after, before,
                                                   honest)

    def check_version(self, part, now, status, fields, fields_before, honest):
        head = "".join(f"{field}\r\n" for field in fields_before).encode()
        cut = sends(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 99\r\n\r\n" + part)
        with self.versions(now, status, *fields, honest=honest) as server:
            whole, server.answer = server.answer, cut
            self.fetch(f"{server.url}/file", status=CUT_SHORT)
            server.answer = whole
            self.fetch("--resume", f"{server.url}/file")
        self.assertEqual(self.files(), {"file": now})
        (self.directory / "file").unlink()

    def test_a_part_longer_than_the_file_is_begun_again(self):
        self.put_part(f"{self.url}/1", b"too long", self.tag("1"))
        self.fetch("--resume", f"{self.url}/1")
        self.assertEqual(self.files(), {"1": self.content["1"]})

    def test_a_server_without_ranges_sends_it_all_again(self):
        server = self.scripted(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"))
        self.put_part(f"{server.url}/file", b"old part", '"1"')
        self.fetch("--resume", f"{server.url}/file")
        self.assertIn(b"\r\nRange: bytes=8-\r\n", server.requests[0])
        self.assertEqual(self.files(), {"file": b"whole"})

    def test_a_part_that_was_not_asked_for_is_refused(self):
        server = self.scripted(sends(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n"
                                     b'ETag: "1"\r\n'
                                     b"Content-Range: bytes 0-1/10\r\n\r\nxx"))
        self.put_part(f"{server.url}/file", b"12345", '"1"')
        self.fetch("--resume", f"{server.url}/file", status=MALFORMED, says="another part")
        self.assertEqual(self.files()["file.part"], b"12345")

    def test_a_part_that_is_not_the_rest_is_not_taken_for_it(self):
        server = self.scripted(sends(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n"
                                     b'ETag: "1"\r\n'
                                     b"Content-Range: bytes 5-6/10\r\n\r\n67"))
        self.put_part(f"{server.url}/file", b"12345", '"1"')
        self.fetch("--resume", f"{server.url}/file", status=CUT_SHORT, says="7 of 10 bytes")
        self.assertEqual(self.files()["file.part"], b"1234567")

    # Truncated and stalled bodies

    def test_a_body_that_is_cut_short_is_kept_and_resumed_with_its_version(self):
        tagged = HALF.replace(b"\r\n\r\n", b'\r\nETag: "v1"\r\n\r\n')
        rest = (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 500\r\nETag: \"v1\"\r\n"
                b"Content-Range: bytes 500-999/1000\r\n\r\n" + b"y" * 500)
        server = self.scripted(lambda connection, request: connection.sendall(
            rest if b"Range: bytes=500-\r\nIf-Range: \"v1\"\r\n" in request else tagged))
        self.fetch(f"{server.url}/file", status=CUT_SHORT, says="500 of 1000 bytes are in .*file.part")
        self.assertEqual(self.files(), {"file.part": b"x" * 500, "file.part.validator": f'"v1"\n{server.url}/file\n'.encode()})
        self.fetch("--resume", f"{server.url}/file")
        self.assertEqual(self.files(), {"file": b"x" * 500 + b"y" * 500})

    def test_a_file_that_was_there_stays_until_the_new_one_is_whole(self):
        server = self.scripted(sends(HALF))
        self.put("file", b"old")
        self.fetch(f"{server.url}/file", status=CUT_SHORT)
        self.assertEqual(self.files(), {"file": b"old", "file.part": b"x" * 500})

    def test_a_body_without_a_length_is_whole_only_after_close_notify(self):
        response = b"HTTP/1.1 200 OK\r\n\r\nbody"

        def polite(connection, request):
            connection.sendall(response)
            connection.unwrap()

        self.fetch(f"{self.scripted(polite).url}/polite")
        self.fetch(f"{self.scripted(sends(response)).url}/cut", status=CUT_SHORT)
        self.assertEqual(self.files(), {"polite": b"body", "cut.part": b"body"})

    def test_a_body_of_another_coding_is_refused(self):
        chunked = b"4\r\nbody\r\n0\r\n\r\n"
        self.put("file", b"old")
        for head in (b"Transfer-Encoding: gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip",
                     b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: identity",
                     b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding:",
                     b"Transfer-Encoding: chunked\r\nContent-Length: 19", b"Transfer-Encoding: xchunked",
                     b"Content-Length: 19\r\nContent-Length: 18"):
            for version in (b"1.1", b"1.0"):
                def answer(connection, request):
                    connection.sendall(b"HTTP/" + version + b" 200 OK\r\n" + head + b"\r\n\r\n" + chunked)
                    connection.unwrap()

                with self.subTest(head=head, version=version):
                    self.fetch(f"{self.scripted(answer).url}/file", status=MALFORMED)
                    self.assertEqual(self.files(), {"file": b"old"})
        server = self.scripted(sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + chunked))
        self.fetch(f"{server.url}/file")
        self.assertEqual(self.files(), {"file": b"body"})

    def test_a_link_in_the_place_of_the_part_is_not_followed(self):
        victim = self.directory / "victim"
        victim.write_bytes(b"precious")
        for name in ("1.part", "1.part.validator"):
            for link in (os.symlink, os.link, lambda _, to: os.mkfifo(to)):
                with self.subTest(name):
                    link(victim, self.directory / name)
                    self.fetch(f"{self.url}/1", status=LOCAL_FILE if name == "1.part" else WHOLE)
                    self.assertEqual(victim.read_bytes(), b"precious")
                    for left in self.directory.glob("1*"):
                        left.unlink()

    def test_a_file_keeps_its_mode(self):
        file = self.directory / "1"
        for mode in (0o600, 0o644, 0o640, 0o400):
            file.write_bytes(b"old")
            file.chmod(mode)
            self.fetch(f"{self.url}/1")
            self.assertEqual((file.stat().st_mode & 0o7777, file.read_bytes()), (mode, self.content["1"]))

    def test_a_chunked_body_that_ends_early_is_cut_short(self):
        def answer(connection, request):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n")
            connection.unwrap()

        self.fetch(f"{self.scripted(answer).url}/file", status=CUT_SHORT)
        self.assertEqual(self.files(), {"file.part": b"body"})

    def test_a_server_that_falls_silent_ends_at_the_deadline(self):
        server = self.scripted(lambda connection, request: until_gone(connection, HALF))
        self.fetch("--stall-seconds", 1, f"{server.url}/file", status=TIMED_OUT, says="for 1 s; 500 of 1000")
        self.assertEqual(self.files(), {"file.part": b"x" * 500})

    # Answers that are no file

    def test_another_status_is_reported_and_makes_no_file(self):
        self.put("none", b"old")
        self.fetch(f"{self.url}/none", status=REFUSED, says="the server answered 404 Not Found")
        self.assertEqual(self.files(), {"none": b"old"})

    def test_what_is_not_http_is_reported(self):
        for answer in (b"SSH-2.0-something\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"):
            server = self.scripted(sends(answer))
            self.fetch(f"{server.url}/file", status=MALFORMED, says="not HTTP")
        server = self.scripted(sends(b""))
        self.fetch(f"{server.url}/file", status=CUT_SHORT, says="ended too early")

    def test_an_answer_without_an_end_is_given_up_and_not_kept(self):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        too_long = "a header, a chunk header or a trailer that is too long"
        # Later versions of Beast have no word of its own for a chunk header that is beyond their limit.
        too_long_a_chunk = f"{too_long}|not HTTP: bad chunk extension"
        for start, endless, status, reason in (
            (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", MALFORMED, "interim responses without an end"),
            (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", MALFORMED, too_long),
            (chunked + b"5;", b"x", MALFORMED, too_long_a_chunk),
            (chunked, b"0", MALFORMED, too_long_a_chunk),
            (chunked + b"0\r\n", b"X: x\r\n", MALFORMED, too_long),
        ):
            def answer(connection, request):
                connection.sendall(start)
                while True:
                    connection.sendall(endless * 1000)

            server = self.scripted(answer)
            self.fetch("--stall-seconds", 1, f"{server.url}/file", status=status, says=reason)

    def test_redirects_are_followed_only_when_asked_and_only_within_https(self):
        def answer(connection, request):
            target = request.split(b" ", 2)[1]
            to = {b"/file": b"/loop", b"/plain": b"http://localhost/", b"/away": f"{self.url}/1".encode(),
                  b"/loop": b"loop", b"/port": f"//localhost:{server.port}x/f".encode(),
                  b"/wrap": f"//localhost:{server.port + 65536}/f".encode()}[target]
            connection.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to + b"\r\n\r\n")

        server = self.scripted(answer)
        self.fetch(f"{server.url}/away", status=REFUSED, says=f"302 Found: it is at {self.url}/1\n  -L goes there")
        self.fetch("--location", f"{server.url}/away")
        self.fetch("--location", f"{server.url}/plain", status=REFUSED, says="only https://")
        self.fetch("--location", f"{server.url}/port", status=REFUSED, says="its port is not a number")
        self.fetch("--location", f"{server.url}/wrap", status=REFUSED, says="between 1 and 65535")
        del server.requests[:]
        self.fetch("--location", f"{server.url}/file", status=REFUSED, says="more than 5 redirects")
        self.assertEqual(len(server.requests), 6)
        self.assertEqual(self.files(), {"away": self.content["1"]})

    # Connections that do not come about

    def test_a_certificate_for_another_host_is_refused(self):
        with HttpsServer(self.root, listen="127.0.0.2:0") as server:
            self.fetch(f"https://127.0.0.2:{server.port}/1", status=CERTIFICATE_REFUSED, says="127.0.0.2")
        self.assertEqual(self.files(), {})

    def test_a_certificate_of_an_unknown_authority_is_refused(self):
        cache = programs.WORK / "other"
        with HttpsServer(self.root, cache=cache):
            other = cache / "tls_async" / "authority.pem"
            self.fetch(f"{self.url}/1", authority=other, status=CERTIFICATE_REFUSED, says="refused: ")
        self.assertEqual(self.files(), {})

    def test_an_insecure_download_shouts(self):
        self.fetch("--insecure", f"{self.url}/1", authority=None, says="WARNING: -k: NOBODY VERIFIES")
        self.assertEqual(self.files(), {"1": self.content["1"]})

    def test_a_client_certificate_is_shown_to_who_requires_it(self):
        server = self.scripted(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
                               client_authority=self.client_certificate())
        self.fetch(f"{server.url}/file", status=TLS_FAILED, says="certificate required")
        self.fetch("--cert", self.directory / "us.pem", "--key", self.directory / "us.key",
                   f"{server.url}/file")
        self.assertEqual(self.files()["file"], b"ok")

    def client_certificate(self):
        certificate = self.directory / "us.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-subj", "/CN=us", "-keyout", self.directory / "us.key", "-out", certificate],
                       stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return certificate

    def test_a_name_that_does_not_resolve_is_named(self):
        self.fetch("https://name.invalid/file", status=NOT_RESOLVED, says="cannot resolve name.invalid: ")

    def test_a_port_that_nobody_listens_on_is_named(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            self.fetch(f"https://127.0.0.1:{port}/file", status=NOT_CONNECTED,
                       says=f"127.0.0.1 port {port}: Connection refused")

    def test_a_plain_http_port_is_recognised(self):
        server = self.scripted(sends(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), tls=False)
        self.fetch(f"{server.url}/file", status=NOT_TLS, says=f"port {server.port} does not speak TLS")

    def test_a_server_that_never_answers_the_handshake_ends_at_the_deadline(self):
        server = self.scripted(lambda connection, request: until_gone(connection), tls=False)
        self.fetch("--connect-seconds", 1, f"{server.url}/file", status=TIMED_OUT, says="no TLS handshake in 1 s")

    def test_a_server_that_goes_away_in_the_handshake_is_reported(self):
        server = self.scripted(sends(b""), tls=False)
        self.fetch(f"{server.url}/file", status=TLS_FAILED, says="handshake failed: ")

    # Sessions that are kept

    def resumes(self, file):
        """Whether a download with the sessions of this file resumes one, and what it complains of."""
        _, errors = self.fetch("-v", "-o", "/dev/null", "--ssl-sessions", file, f"{self.url}/1")
        return "an earlier session" in errors, [line for line in errors.splitlines() if "--ssl-sessions" in line]

    def test_sessions_are_kept_from_one_run_to_the_next(self):
        file = self.directory / "sessions"
        self.assertEqual(self.resumes(file), (False, []))
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        for _ in range(3):
            self.assertEqual(self.resumes(file), (True, []))

    def test_sessions_of_a_file_that_is_no_good_are_left_alone(self):
        good, damaged, link = (self.directory / name for name in ("good", "damaged", "link"))
        self.resumes(good)
        content = good.read_bytes()
        damaged.touch(0o600)
        damaged.write_bytes(content[:-1])
        link.symlink_to(good)
        for file, why in ((damaged, "damaged"), (link, "is a link; name the file"),
                          (self.directory / "missing" / "file", "No such file")):
            with self.subTest(file):
                resumed, complaints = self.resumes(file)
                self.assertFalse(resumed)
                self.assertEqual(len(complaints), 1, complaints)
                self.assertIn(why, complaints[0])
        good.chmod(0o644)
        self.assertFalse(self.resumes(good)[0])
        self.assertEqual((good.read_bytes(), damaged.read_bytes()), (content, content[:-1]))
        self.assertTrue(link.is_symlink())

    # What is printed

    def test_verbose_shows_the_session_and_the_times(self):
        _, errors = self.fetch("-v", f"{self.url}/1")
        for line in (r"protocol +TLSv1\.3", r"cipher +TLS_\w+", r"group +\w+", r"ALPN +http/1\.1",
                     r"certificate +0: .+", r"issuer +\w+=.+", r"valid +.+ GMT to .+ GMT",
                     r"(?m)^> GET /1 HTTP/1\.1$", r"(?m)^< HTTP/1\.1 200 OK$",
                     *(rf"{step} +\d+\.\d{{3}} s" for step in ("resolve", "connect", "handshake",
                                                               "first byte", "total"))):
            self.assertRegex(errors, line)

    def test_help_fits_a_screen(self):
        done = get("--help")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(done.returncode, WHOLE)
        self.assertTrue(24 <= len(lines) <= 50, len(lines))
        self.assertLessEqual(max(map(len, lines)), 80)

    # The letters of curl

    def test_letters_and_names_are_those_of_curl(self):
        def letters(*command):
            text = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
            return dict(re.findall(r"^ *-(\w)(?:, | \[ )--([a-z-]+)", text, re.MULTILINE))

        ours = letters(BIN / "https_get", "--help")
        curls = letters("curl", "--help", "all")
        self.assertEqual(ours, {letter: curls.get(letter) for letter in ours})
        self.assertEqual(set(ours), set("oOCLkvsShV"))

    def test_silence_is_that_of_curl(self):
        missing = self.directory / "missing"
        for arguments in ((f"{self.url}/none",), ("--cacert", missing, f"{self.url}/1")):
            for letters, is_silent in ((("-s",), True), (("-sS",), False), (("-s", "--show-error"), False)):
                with self.subTest(letters):
                    done = get(*letters, *arguments)
                    self.assertNotEqual(done.returncode, WHOLE)
                    self.assertEqual(done.stderr == b"", is_silent, done.stderr)

    def test_letters_may_be_joined_and_given_again(self):
        done = subprocess.run([BIN / "https_get", "-sSkLO", "-O", f"{self.url}/1", "-O", f"{self.url}/16384", "-C-"],
                              cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
                              check=False)
        self.assertEqual(done.returncode, WHOLE, done.stderr)
        self.assertEqual(self.files(), {name: self.content[name] for name in ("1", "16384")})

    def test_a_file_gets_a_name_in_its_directory_or_none(self):
        for name in ("", ".", "..", "%2e%2e", "a/", "..%2fa", "%2fetc%2fa", "a%0Ab", "%1B%5B2J", "a%7F", "a%C2%9Bb",
                     "%00"):
            for letter in ((), ("-O",)):
                with self.subTest(name):
                    self.fetch(*letter, f"{self.url}/{name}", status=USAGE, says="no name for a file; give -o FILE")
        self.assertEqual(self.files(), {})
        server = self.scripted(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
        self.fetch("-O", f"{server.url}/x/-?/y", f"{server.url}/Gr%C3%B6%C3%9Fe", f"{server.url}/a%5Cb")
        self.assertEqual(set(self.files()), {"-", "Größe", "a\\b"})
        self.fetch("-o", "in_it", f"{server.url}/x")  # as --output-dir says
        self.assertIn("in_it", self.files())

    def test_wrong_usage_of_letters_is_explained(self):
        url = f"{self.url}/1"
        for arguments, says in ((("-o", "x", "-O", url), "only one of them"),
                                (("-C", "100", url), "only -C - is known"),
                                (("-o-", "-C-", url), "needs a file"), (("-x", url), "'-x'; see --help")):
            with self.subTest(arguments):
                self.fetch(*arguments, status=USAGE, says=says)

    # Wrong usage and local files

    def test_wrong_usage_is_explained(self):
        url = f"{self.url}/1"
        for arguments, says in (
            ((), "no URL"),
            (("--unknown", url), "unknown"),
            ((f"--url={url}",), "unrecognised option '--url'"),
            (("--url", url), "unrecognised option '--url'"),
            (("--parallel-max", "0", url), "between 1 and 256"),
            (("--parallel-max", "x", url), "parallel"),
            (("--cert", CERTIFICATE, url), "belong together"),
            (("--insecure", url), "one of them"),
            (("http://localhost/",), "only https"),
            (("localhost/file",), "not a URL"),
            (("https://localhost:52015x/f",), "its port is not a number"),
            (("https://local%0Ahost/f",), "its host is no name|not a URL"),
            (("--key-password-file", "x", url), "give --cert and --key"),
            (("https:///file",), "URL|host"),
            (("https://user:secret@localhost/",), "passwords"),
            (("https://localhost:65536/",), "port"),
            (("https://localhost/..%2f..%2fpasswd",), "give -o"),
            ((url, url), "both be saved"),
            ((url, url + ".part"), "both be saved"),
            (("-o", "x", url, f"{self.url}/0"), "for one URL"),
            (("-o", "-", "--resume", url), "needs a file"),
            (("--ssl-sessions", "", url), "name a file"),
        ):
            with self.subTest(arguments):
                self.fetch(*arguments, status=USAGE, says=says)

    def test_files_that_cannot_be_read_or_written_are_named(self):
        url = f"{self.url}/1"
        missing = self.directory / "missing"
        for arguments, authority in (
            ((url,), missing),
            (("--cert", missing, "--key", KEY, url), AUTHORITY),
            (("--cert", CERTIFICATE, "--key", missing, url), AUTHORITY),
            (("-o", missing / "file", url), AUTHORITY),
        ):
            with self.subTest(arguments):
                self.fetch(*arguments, authority=authority, status=LOCAL_FILE, says="missing")
        self.fetch("-o", self.directory, url, status=LOCAL_FILE, says="is a directory")
        self.fetch("-o", "/dev/full", f"{self.url}/1", status=LOCAL_FILE, says="/dev/full: No space")


if __name__ == "__main__":
    unittest.main()
