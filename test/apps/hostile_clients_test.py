# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""https_server and tls_proxy, and each kind of hostile client of the soak, once (`./dev soak` has them for longer)."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import programs
from programs import AUTHORITY, CERTIFICATE, KEY, PATIENCE, HttpsServer, Server

LIMITS = ("--handshake-seconds", PATIENCE, "--idle-seconds", PATIENCE)  # honest clients wait for processors
CONNECT = ("--connect-seconds", PATIENCE)
SOAK = pathlib.Path(__file__).resolve().parent.parent / "soak"
sys.path.append(str(SOAK))
from hostile_client import make_files


class HostileClients(unittest.TestCase):
    def test_they_harm_neither_the_servers_nor_honest_clients(self):
        root = programs.WORK / "root"
        root.mkdir()
        make_files(root)
        (root / "data").write_bytes(os.urandom(4 << 20))
        with HttpsServer(root, *LIMITS, "--websocket-bytes", 1 << 30) as https, \
                Server("tls_proxy", *LIMITS, *CONNECT, "--mode", "client", "--connect", f"localhost:{https.port}",
                       "--cacert", AUTHORITY) as inner, \
                Server("tls_proxy", *LIMITS, *CONNECT, "--connect", f"127.0.0.1:{inner.port}",
                       "--cert", CERTIFICATE, "--key", KEY) as outer:
            done = subprocess.run(
                [sys.executable, "-B", SOAK / "hostile.py", "--once", "--cacert", AUTHORITY, "--content", root / "data",
                 "--target", f"https={https.port}", "--target", f"tcp_proxy={inner.port}",
                 "--target", f"tls_proxy={outer.port}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE,
                check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(0, json.loads(done.stdout)["tried"].values())
            for server in (outer, inner, https):
                self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
