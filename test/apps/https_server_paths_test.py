# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server and targets that try to leave its root, or that ask for parts of files: each has one answer."""

import re
import unittest

import programs
from programs import HttpsServer

SECRET = b"nobody may read this"

# The targets and the status that each gets; the answer never has SECRET in it.
PATHS = {
    400: [
        # Segments that lead upwards
        "/../secret", "/../../secret", "/dir/../../secret", "/dir/../../../secret", "/./../secret", "/dir/..",
        "/..", "/../", "//../secret", "/dir//../../secret", "/.../../../secret", "/../root/file",
        # Encoded once: dots, slashes, backslashes
        "/%2e%2e/secret", "/%2E%2E/secret", "/.%2e/secret", "/%2e./secret", "/..%2fsecret", "/..%2Fsecret",
        "/%2e%2e%2fsecret", "/dir%2f..%2f..%2fsecret", "/..%5csecret", "/%2e%2e%5csecret", "/..%5C..%5csecret",
        "/dir/%2e%2e/%2e%2e/secret", "/%2fetc%2fpasswd", "/dir%2ffile",
        # Backslashes as they are
        "/..\\secret", "\\..\\secret", "/dir\\..\\..\\secret",
        # Bytes that end a name, and percent signs that encode nothing
        "/file%00", "/file%00.html", "/%00/../secret", "/../secret%00", "/%", "/%2", "/%zz", "/%u002e%u002e/secret",
        "/..%c0%afsecret%0", "/%%32%65%%32%65/secret",
        # Other forms of a target
        "secret", "../secret", "*", "", "https:/../secret",
    ],
    200: ["https://"],
    404: [
        # Encoded twice, or in ways that are no UTF-8: names like others
        "/%252e%252e/secret", "/..%252fsecret", "/%252e%252e%252fsecret", "/%c0%ae%c0%ae/secret", "/..%c0%afsecret",
        "/%e0%80%ae%e0%80%ae/secret", "/%ef%bc%8e%ef%bc%8e/secret", "/..;/secret", "/.. /secret".replace(" ", "%20"),
        # Links that lead out, and what is behind them
        "/out_file", "/out_directory/secret", "/out_directory/", "/out_absolute", "/out_chain", "/out_root/etc/passwd",
        # Long names, and files that are taken for directories
        "/" + "x" * 4000, "/" + "x/" * 2000 + "y", "/file/../secret".replace("..", "x"), "/file/", "/.hidden", "file:///etc/passwd",
    ],
}

SIZE = 100_000
WHOLE = None  # 200
NEVER = ()    # 416
# A Range field for a file of SIZE bytes, and the part that is answered (first, last): RFC 9110, section 14.
RANGES = [
    ("bytes=0-0", (0, 0)), ("bytes=0-1", (0, 1)), ("bytes=1-1", (1, 1)), ("bytes=0-99999", (0, 99999)),
    ("bytes=99999-99999", (99999, 99999)), ("bytes=99998-", (99998, 99999)), ("bytes=0-", (0, 99999)),
    ("bytes=16383-16384", (16383, 16384)), ("bytes=16384-32767", (16384, 32767)), ("bytes=50000-", (50000, 99999)),
    ("bytes=0-100000", (0, 99999)), ("bytes=99999-100000", (99999, 99999)), ("bytes=5-18446744073709551615", (5, 99999)),
    ("bytes=5-18446744073709551616", (5, 99999)), ("bytes=5-99999999999999999999999999", (5, 99999)),
    ("bytes=000-001", (0, 1)), ("bytes=-1", (99999, 99999)), ("bytes=-2", (99998, 99999)), ("bytes=-99999", (1, 99999)),
    ("bytes=-100000", (0, 99999)), ("bytes=-100001", (0, 99999)), ("bytes=-18446744073709551616", (0, 99999)),
    ("BYTES=1-2", (1, 2)), ("Bytes=1-2", (1, 2)), ("bytes= 1-2", (1, 2)), ("bytes=1-2 ", (1, 2)),
    ("bytes=100000-", NEVER), ("bytes=100000-100000", NEVER), ("bytes=100001-200000", NEVER),
    ("bytes=18446744073709551615-", NEVER), ("bytes=18446744073709551616-", NEVER),
    ("bytes=99999999999999999999-99999999999999999999", NEVER), ("bytes=-0", NEVER), ("bytes=-000", NEVER),
    ("bytes=2-1", WHOLE), ("bytes=100001-100000", WHOLE), ("bytes=", WHOLE), ("bytes=-", WHOLE), ("bytes", WHOLE),
    ("bytes=1", WHOLE), ("bytes=a-b", WHOLE), ("bytes=0x1-2", WHOLE), ("bytes=+1-2", WHOLE), ("bytes=1--2", WHOLE),
    ("bytes=1 -2", WHOLE), ("bytes=0-1,3-4", WHOLE), ("bytes=0-0,-1", WHOLE), ("items=0-1", WHOLE), ("0-1", WHOLE),
    ("bytes:0-1", WHOLE),
]


class Connection:
    """Requests one after the other, over one connection for as long as that goes on."""

    def __init__(self, server):
        self.server = server
        self.stream = None

    def ask(self, target, field="X: x"):
        """The status, the header and the body."""
        if not self.stream:
            self.stream = self.server.connect_tls().makefile("rwb")
        self.stream.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n\r\n".encode())
        self.stream.flush()
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            line = self.stream.readline()
            if not line:
                raise AssertionError(f"no answer: {header}")
            header += line
        body = self.stream.read(int(re.search(rb"(?i)\r\nContent-Length: (\d+)", header)[1]))
        if b"Connection: close" in header:
            self.close()
        return int(header.split()[1]), header.decode(), body

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None


class Paths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = root = programs.WORK / "root"
        (root / "dir").mkdir(parents=True)
        cls.content = bytes(i * 7 % 251 for i in range(SIZE))
        (root / "file").write_bytes(cls.content)
        (root / "empty").touch()
        (root / ".hidden").write_bytes(SECRET)
        (root / "dir" / "file").write_bytes(b"content")
        outside = programs.WORK / "outside"
        outside.mkdir()
        for place in (programs.WORK / "secret", outside / "secret"):
            place.write_bytes(SECRET)
        (root / "out_file").symlink_to("../secret")
        (root / "out_directory").symlink_to("../outside")
        (root / "out_absolute").symlink_to(outside / "secret")
        (root / "out_chain").symlink_to("out_file")
        (root / "out_root").symlink_to("/")
        (root / "in_file").symlink_to("dir/file")
        cls.server = HttpsServer(root, "--browse")
        cls.addClassCleanup(cls.server.__exit__)

    def setUp(self):
        self.connection = Connection(self.server)
        self.addCleanup(self.connection.close)

    def test_no_target_leaves_the_root(self):
        self.assertEqual(sum(map(len, PATHS.values())), 66)
        self.assertEqual(self.connection.ask("/in_file")[2], b"content")
        for expected, targets in PATHS.items():
            for target in targets:
                with self.subTest(target[:60]):
                    status, _, body = self.connection.ask(target)
                    self.assertEqual(status, expected)
                    self.assertNotIn(SECRET, body)

    def test_each_range_is_answered_by_its_part(self):
        self.assertEqual(len(RANGES), 50)
        for field, part in RANGES:
            with self.subTest(field):
                status, header, body = self.connection.ask("/file", f"Range: {field}")
                if part is WHOLE:
                    self.assertEqual((status, body), (200, self.content))
                    self.assertNotIn("Content-Range", header)
                elif part is NEVER:
                    self.assertEqual(status, 416)
                    self.assertIn(f"\r\nContent-Range: bytes */{SIZE}\r\n", header)
                else:
                    self.assertEqual((status, body), (206, self.content[part[0]:part[1] + 1]))
                    self.assertIn(f"\r\nContent-Range: bytes {part[0]}-{part[1]}/{SIZE}\r\n", header)

    def test_parts_of_an_empty_file_are_never_satisfiable(self):
        for field in ("bytes=0-", "bytes=0-0", "bytes=1-", "bytes=-0"):
            self.assertEqual(self.connection.ask("/empty", f"Range: {field}")[0], 416, field)
        self.assertEqual(self.connection.ask("/empty", "Range: bytes=-1")[0], 200)


if __name__ == "__main__":
    unittest.main()
