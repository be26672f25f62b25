# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server and requests that two readers could take for different ones (request smuggling): where one ends, and
that what comes behind a body is never taken for a request."""

import re
import unittest

import programs
from framings import INPUTS, get
from programs import HttpsServer, read_to_end


class Framing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        root = programs.WORK / "root"
        root.mkdir()
        (root / "file").write_bytes(b"content")
        cls.server = HttpsServer(root)
        cls.addClassCleanup(cls.server.__exit__)

    def test_each_has_one_outcome(self):
        self.assertEqual(len(INPUTS), 38)
        for name, sent, expected in INPUTS:
            # At once, and so that the header ends where a record does.
            end = sent.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in sent else len(sent)
            for parts in ([sent], [sent[:end], sent[end:]]):
                with self.subTest(name, parts=len(parts)), self.server.connect_tls() as connection:
                    connection.settimeout(programs.PATIENCE)
                    for part in parts:
                        connection.sendall(part)
                    connection.sendall(get(b"Connection: close"))
                    statuses = [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", read_to_end(connection))]
                    # Where the connection goes on, the last request is answered too.
                    self.assertEqual(statuses, expected + [200] if expected[-1] == 404 else expected)


if __name__ == "__main__":
    unittest.main()
