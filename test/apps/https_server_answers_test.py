# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server from outside: the right bytes to good requests, the right words to bad ones."""

import concurrent.futures
import hashlib
import http.client
import os
import re
import socket
import ssl
import unittest

import programs
from programs import AUTHORITY, HttpsServer, exchange, read_to_end
from tls_context import client_context

SIZES = (0, 1, 16383, 16384, 16385, 262144, 262145, 5000000)
GET = b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
CLOSE = b"Connection: close\r\n"


def status(response):
    return int(response.split(b" ", 2)[1])


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = programs.WORK / "root"
        (cls.root / "dir").mkdir(parents=True)
        (cls.root / "bare").mkdir()
        (cls.root / "small.txt").write_bytes(b"small")
        (cls.root / "dir" / "index.html").write_bytes(b"<p>index")
        (programs.WORK / "secret").write_bytes(b"secret")
        (cls.root / "leak").symlink_to("../secret")
        cls.content = {size: os.urandom(size) for size in SIZES}
        for size, content in cls.content.items():
            (cls.root / str(size)).write_bytes(content)

    def setUp(self):
        self.server = self.enterContext(HttpsServer(self.root))

    def enterContext(self, context):  # unittest has it since Python 3.11
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def connect(self, **options):
        return self.enterContext(self.server.connect_tls(**options))

    def log(self):
        self.assertEqual(self.server.stop(), 0)
        return self.server.err.all()

    def statuses(self, *targets):
        write_out = ("-o", "/dev/null", "-w", "%{http_code}")
        return [int(self.server.curl(target, *write_out)) for target in targets]

    # Files

    def test_files_of_all_sizes_arrive_whole(self):
        for size, content in self.content.items():
            self.assertEqual(self.server.curl(f"/{size}"), content, size)

    def test_files_arrive_whole_over_one_connection(self):
        client = http.client.HTTPSConnection(
            "localhost", self.server.port, context=client_context(AUTHORITY))
        self.addCleanup(client.close)
        client.connect()
        first = client.sock
        for size, content in self.content.items():
            client.request("GET", f"/{size}")
            self.assertEqual(client.getresponse().read(), content, size)
        self.assertIs(client.sock, first)

    def test_a_file_arrives_whole_in_ranges(self):
        size = 5000000
        parts = [self.server.curl(f"/{size}", "-r", r) for r in ("0-299999", "300000-4999998", "-1")]
        self.assertEqual(b"".join(parts), self.content[size])

    # The kernel of the machine that tests may have none: then the log says why.
    def test_files_arrive_whole_with_kernel_tls(self):
        with HttpsServer(self.root, "--ktls") as server:
            for size, content in self.content.items():
                self.assertEqual(server.curl(f"/{size}"), content, size)
            self.assertEqual(server.stop(), 0)
            self.assertRegex("\n".join(server.err.all()), r"kernel TLS is (on|off: )")

    def test_many_clients_are_served_by_several_threads(self):
        with HttpsServer(self.root, "--threads", "4") as server:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                jobs = [pool.submit(server.curl, f"/{size}") for size in SIZES * 4]
                digests = {hashlib.sha256(job.result()).digest() for job in jobs}
            self.assertEqual(server.stop(), 0)
        expected = {hashlib.sha256(content).digest() for content in self.content.values()}
        self.assertEqual(digests, expected)

    def test_a_range_beyond_the_end_is_answered_with_the_size(self):
        answer = self.server.curl("/small.txt", "-i", "-r", "5-", "--http1.1")
        self.assertEqual(status(answer), 416)
        self.assertIn(b"\r\nContent-Range: bytes */5\r\n", answer)

    def test_a_copy_that_is_still_good_is_not_sent_again(self):
        copy, tag = self.server_copy("small.txt"), programs.WORK / "tag"
        for keep in ((), ("-z", copy), ("--etag-save", tag), ("--etag-compare", tag)):
            answer = self.server.curl("/small.txt", "-i", *keep)
            good = keep and keep[0] != "--etag-save"
            self.assertEqual(status(answer), 304 if good else 200, keep)
            self.assertEqual(answer.endswith(b"\r\n\r\nsmall"), not good, answer)
        (self.root / "small.txt").write_bytes(b"other")
        self.addCleanup((self.root / "small.txt").write_bytes, b"small")
        self.assertEqual(self.server.curl("/small.txt", "--etag-compare", tag), b"other")
        self.assertEqual(status(self.server.curl("/small.txt", "-i", "-H", "If-Match: \"old\"")), 412)

    def server_copy(self, name):
        """A copy with the time that the server tells."""
        copy = programs.WORK / name
        self.server.curl(f"/{name}", "-o", copy, "-R")
        return copy

    def test_a_connection_goes_on_after_304_and_412(self):
        requests = [GET % b"If-None-Match: *\r\n", GET % b"If-Match: \"x\"\r\n", GET % CLOSE]
        answer = exchange(self.connect(), b"".join(requests))
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+) ", answer), [b"304", b"412", b"200"])
        self.assertTrue(answer.endswith(b"\r\n\r\nsmall"))

    def test_head_has_the_length_and_no_body(self):
        answer = exchange(self.connect(), b"HEAD" + GET[3:] % CLOSE)
        self.assertIn(b"\r\nContent-Length: 5\r\n", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\n"))

    def test_directories_have_their_index_page(self):
        self.assertEqual(self.server.curl("/dir/"), b"<p>index")
        self.assertEqual(self.server.curl("/dir", "-L"), b"<p>index")
        self.assertEqual(self.statuses("/dir", "/bare/", "/"), [301, 404, 404])

    # Connections

    def test_requests_sent_at_once_are_answered_in_order(self):
        requests = b"".join(GET.replace(b"small.txt", str(size).encode()) % b"" for size in SIZES)
        answer = exchange(self.connect(), requests + GET % CLOSE)
        for content in self.content.values():
            header, answer = answer.split(b"\r\n\r\n", 1)
            self.assertEqual(status(header), 200)
            self.assertTrue(answer.startswith(content))
            answer = answer[len(content):]
        self.assertTrue(answer.endswith(b"\r\n\r\nsmall"))

    def test_a_request_may_come_byte_by_byte(self):
        connection = self.connect()
        for byte in GET % CLOSE:
            connection.sendall(bytes([byte]))
        self.assertTrue(read_to_end(connection).endswith(b"\r\n\r\nsmall"))

    def test_http_1_0_ends_with_close_notify(self):
        answer = exchange(self.connect(), b"GET /small.txt HTTP/1.0\r\n\r\n")
        self.assertTrue(answer.endswith(b"\r\n\r\nsmall"))

    def test_http_1_0_may_keep_the_connection(self):
        keep = b"GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        answer = exchange(self.connect(), keep + keep + b"GET /small.txt HTTP/1.0\r\n\r\n")
        self.assertEqual(answer.count(b" 200 OK\r\n"), 3)
        self.assertEqual(answer.count(b"\r\nConnection: keep-alive\r\n"), 2)

    def test_both_versions_of_tls_and_every_name_are_served(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for host in ("localhost", "127.0.0.1", "::1"):
                context = client_context(AUTHORITY)
                context.minimum_version = context.maximum_version = version
                connection = self.connect(context=context, host=host)
                self.assertTrue(exchange(connection, GET % CLOSE).endswith(b"small"))

    # Bad requests

    def test_other_methods_are_not_allowed(self):
        for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"BREW"):
            answer = exchange(self.connect(), method + GET[3:] % CLOSE)
            self.assertEqual(status(answer), 405, method)
            self.assertIn(b"\r\nAllow: GET, HEAD\r\n", answer)

    def test_a_body_is_not_taken_for_the_next_request(self):
        body = GET % b""
        request = b"POST" + GET[3:] % (b"Content-Length: %d\r\n" % len(body)) + body
        answer = exchange(self.connect(), request)
        self.assertEqual(status(answer), 405)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        chunked = GET % b"Transfer-Encoding: chunked\r\n" + b"5\r\nhello\r\n0\r\n\r\n"
        answer = exchange(self.connect(), chunked)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)

    def test_a_long_body_does_not_lose_the_answer(self):
        answer = self.server.curl("/small.txt", "-i", "-H", "Expect:", "-d", "x" * 100000)
        self.assertEqual(status(answer), 405)

    def test_a_declared_length_changes_no_answer(self):
        for length in (b"1048577", b"99999999999", b"18446744073709551615"):
            for method, expected in ((b"GET", 200), (b"POST", 405), (b"PUT", 405)):
                request = method + GET[3:] % (b"Content-Length: %s\r\n" % length)
                self.assertEqual(status(exchange(self.connect(), request)), expected, request)
        for line in self.log():
            self.assertRegex(line, r" (GET /small.txt 200|(POST|PUT) /small.txt 405) ")

    def test_a_body_of_any_length_is_passed_over(self):
        for method, expected in (("GET", 200), ("POST", 405), ("PUT", 405)):
            answer = self.server.curl("/small.txt", "-i", "-X", method, "-H", "Expect:", "--http1.1",
                                      "--data-binary", f"@{self.root / '5000000'}")
            self.assertEqual(status(answer), expected, method)

    def test_nothing_outside_the_root_is_served(self):
        targets = ("/../secret", "/dir/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/..%5csecret",
                   "/small.txt%00", "/%", "/%zz", "//../secret")
        self.assertEqual(self.statuses(*targets), [400] * len(targets))
        self.assertEqual(self.statuses("/leak", "/none", "/small.txt/"), [404] * 3)

    def test_special_files_are_refused(self):
        pipe = self.root / "pipe"
        os.mkfifo(pipe)
        self.addCleanup(pipe.unlink)
        self.assertEqual(self.statuses("/pipe"), [403])

    def test_malformed_requests_are_answered_and_end_the_connection(self):
        for request, expected in (
            (b"\x00\x01\x02\x03\r\n\r\n", 400),
            (b"GET\r\n\r\n", 400),
            (b"GET /small.txt HTTP/2.0\r\n\r\n", 505),
            (b"GET /small.txt HTTP/1.1\r\nno colon\r\n\r\n", 400),
            (b"GET /small.txt HTTP/1.1\r\n\r\n", 400),
            (GET.replace(b"localhost", b"[::1") % b"", 400),
            (GET.replace(b"localhost", b"a b") % b"", 400),
            (b"GET /small.txt HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
            (GET % b"Transfer-Encoding: gzip\r\n" + GET % b"", 400),
            (GET % b"Transfer-Encoding: chunked, identity\r\n" + GET % b"", 400),
            (GET % b"Transfer-Encoding:\r\n" + GET % b"", 400),
        ):
            answer = exchange(self.connect(), request)
            self.assertEqual(status(answer), expected, request)
            self.assertEqual(answer.count(b"\r\nConnection: close\r\n"), 1, request)

    def test_an_oversized_header_is_answered_with_431(self):
        for field in (b"X: " + b"x" * 100000 + b"\r\n", b"X: x\r\n" * 10000):
            self.assertEqual(status(exchange(self.connect(), GET % field)), 431)
        answer = exchange(self.connect(), b"GET /" + b"x" * 100000)
        self.assertEqual(status(answer), 431)

    # Bad connections

    def test_plain_http_and_garbage_disturb_nobody(self):
        other = self.connect()
        for nonsense in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(10000), b"\x00" * 99,
                         b"\x16\x03\x01\xff\xff" + b"x" * 9999, b"\x80\x2e\x01\x00\x02" + b"\0" * 50):
            with self.server.connect() as connection:
                connection.sendall(nonsense)
                try:
                    read_to_end(connection)
                except ConnectionResetError:
                    pass
        for partial in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"):
            with self.server.connect() as connection:
                connection.sendall(partial)
                connection.shutdown(socket.SHUT_WR)
                read_to_end(connection)  # the server has said in its log that it is over
        self.assertTrue(exchange(other, GET % CLOSE).endswith(b"small"))
        log = self.log()
        self.assertEqual(sum("the client speaks plain HTTP" in line for line in log), 1, log)
        self.assertEqual(sum("handshake failed: " in line for line in log), 7, log)

    def test_clients_that_refuse_the_certificate_are_named_in_the_log(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(context=client_context())
        self.server.err.wait_for("unknown CA")

    def test_hsts_and_listings_are_given_if_asked_for(self):
        (self.root / "browsed").mkdir(exist_ok=True)
        (self.root / "browsed" / "a b").write_bytes(b"content")
        with HttpsServer(self.root, "--browse", "--hsts", "63072000") as server:
            self.assertIn(b'<a href="./a%20b">a b</a>', server.curl("/browsed/"))
            self.assertEqual(server.curl("/browsed/a%20b"), b"content")
            for target in ("/browsed/", "/small.txt", "/none"):
                header = server.curl(target, "-I", "--http1.1").decode()
                self.assertIn("\r\nStrict-Transport-Security: max-age=63072000\r\n\r\n", header)
        header = exchange(self.connect(), b"HEAD /small.txt HTTP/1.0\r\n\r\n")
        self.assertNotIn(b"Strict-Transport", header)
        self.assertIn(b"\r\nX-Content-Type-Options: nosniff\r\n", header)

    # The log

    def test_each_request_is_one_line_of_the_log(self):
        exchange(self.connect(), GET % b"" + GET % CLOSE)
        exchange(self.connect(), b"GET /\xc3\xa4\x1b HTTP/1.0\r\n\r\n")
        exchange(self.connect(), b"GET /n\xc3\xb6ne HTTP/1.0\r\n\r\n")
        log = self.log()
        self.assertEqual(len(log), 4, log)
        time = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z 127\.0\.0\.1:\d+ "
        duration = r" \d+\.\d{6}s$"
        for line in log[:2]:
            self.assertRegex(line, time + "GET /small.txt 200 5" + duration)
        self.assertRegex(log[2], time + "- - 400 16" + duration)
        self.assertRegex(log[3], time + r"GET /n\\xC3\\xB6ne 404 14" + duration)

    def test_a_quiet_server_logs_no_requests(self):
        with HttpsServer(self.root, "--quiet") as server:
            server.curl("/small.txt")
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.err.all(), [])


if __name__ == "__main__":
    unittest.main()
