#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# peer_test.py BENCH_PEER [TEST]...: a server that does other work than it is compared for, or has other threads, is
# not measured.
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import https
import peer
import proxies
import servers
from https_scenarios import SCENARIOS, needed_by_stack

BENCH_PEER = sys.argv[1]
BODY = bytes(range(256)) * 4
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + BODY


def run(*words, told=""):
    return subprocess.run([BENCH_PEER, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, input=told,
                          text=True, check=False)


class Server:
    """Answers each connection's one request."""

    def __init__(self, folder, response=RESPONSE, ends_session=True, forgets=False, group=None, **settings):
        def context():
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            made.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
            if group:
                made.set_ecdh_curve(group)
            for name, value in settings.items():
                setattr(made, name, value)
            return made

        always = context()
        self.context = context if forgets else lambda: always
        self.response, self.ends_session = response, ends_session
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.thread = threading.Thread(target=self.serve)
        self.cpu = time.thread_time  # Of nobody: it is not judged here.

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with self.context().wrap_socket(plain, server_side=True) as session:
                    request = b""
                    while not request.endswith(b"\r\n\r\n"):
                        some = session.recv(4096)
                        if not some:
                            break
                        request += some
                    session.sendall(self.response)
                    if self.ends_session:
                        session.unwrap()
                    else:
                        session.shutdown(socket.SHUT_WR)
            except OSError:  # The client has left.
                pass
            finally:
                plain.close()


class Checks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        path = lambda name: os.path.join(cls.folder.name, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-days", "2", "-keyout", path("key.pem"), "-out", path("cert.pem")],
                       stderr=subprocess.DEVNULL, check=True)
        os.mkdir(path("root"))
        cls.file = path("root/https_short_full")
        with open(cls.file, "wb") as file:
            file.write(BODY)

    def short(self, handshake="full", closer="server", **settings):
        with Server(self.folder.name, **settings) as server:
            return run("short", server.port, 1, 0, self.file, handshake, closer, told="\n"), server.connections

    def assert_refused(self, words, **settings):
        done, _ = self.short(**settings)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(words, done.stderr)

    def test_counts_connections_tickets_and_how_they_ended(self):
        for handshake, tickets in (("full", 2), ("resumed", 1)):
            done, connections = self.short(handshake)
            self.assertEqual(done.returncode, 0, done.stderr)
            ready, said = done.stdout.splitlines()
            self.assertEqual((ready, connections), ("ready", 2))  # One of them before.
            self.assertEqual(json.loads(said), {"done": 1, "tickets": tickets, "close_notifies": 1})

    def test_other_numbers_of_tickets_are_told(self):
        done, _ = self.short(num_tickets=4)
        self.assertEqual(json.loads(done.stdout.splitlines()[1])["tickets"], 4)

    def test_an_end_without_close_notify_is_told(self):
        done, _ = self.short(ends_session=False)
        self.assertEqual(json.loads(done.stdout.splitlines()[1])["close_notifies"], 0, done.stderr)

    def test_wrong_bodies_are_refused(self):
        self.assert_refused("wrong plaintext arrived", response=RESPONSE[:-1] + b"x")
        self.assert_refused("before the end of its response", response=RESPONSE[:-1])
        self.assert_refused("wrong plaintext arrived", response=RESPONSE + b"x")
        self.assert_refused("status 404", response=RESPONSE.replace(b"200 OK", b"404 No"))

    def test_a_server_without_tickets_can_not_be_resumed(self):
        self.assert_refused("no ticket to resume with", handshake="resumed", num_tickets=0)

    def test_a_server_that_forgets_its_tickets_is_refused(self):
        self.assert_refused("a full handshake, not a resumed one", handshake="resumed", forgets=True)

    def test_another_protocol_or_group_is_refused(self):
        self.assert_refused("protocol", maximum_version=ssl.TLSVersion.TLSv1_2)
        self.assert_refused("another group than X25519", group="prime256v1")

    def test_a_server_with_other_tickets_or_without_its_close_notify_is_not_compared(self):
        measure = lambda server: peer.short(server, "https_short_full", SCENARIOS["https_short_full"], 0,
                                            self.folder.name, os.path.dirname(BENCH_PEER))
        with Server(self.folder.name) as server:
            self.assertEqual(measure(server)[0]["done"], SCENARIOS["https_short_full"].connections)
        with Server(self.folder.name, num_tickets=1) as server:
            self.assertRaisesRegex(RuntimeError, "^1 tickets for each connection, not 2$", measure, server)
        with Server(self.folder.name, ends_session=False) as server:
            self.assertRaisesRegex(RuntimeError, "^0 of 16 connections ended by a close_notify$", measure, server)
        with Server(self.folder.name, response=RESPONSE[:-1] + b"x") as server:
            self.assertRaisesRegex(RuntimeError, "^bench_peer: wrong plaintext arrived$", measure, server)

    def test_nobody_at_the_port_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        done = run("short", port, 1, 0, self.file, "full", "server", told="\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn("Connection refused", done.stderr)

    def test_without_a_start_it_ends(self):
        with Server(self.folder.name) as server:
            done = run("short", server.port, 1, 0, self.file, "full", "server")
        self.assertEqual((done.returncode, done.stdout), (2, "ready\n"))
        self.assertIn("no start", done.stderr)


class Threads(unittest.TestCase):
    # What starts a thread may be ready before it has.
    @staticmethod
    def wait_for_tasks(server, number):
        tasks = lambda: sum(len(os.listdir(f"/proc/{pid}/task")) for pid in server.all_pids())
        while tasks() != number:
            os.sched_yield()

    def assert_has(self, start, name, scenario, tasks):
        if not all(map(https.is_there, needed_by_stack(scenario, name))):
            return
        for threads, number in tasks.items():
            with tempfile.TemporaryDirectory() as folder:
                https.make_files(folder, 1)
                with start(name, threads, folder) as server:
                    self.wait_for_tasks(server, number)

    def test_servers_have_as_many_as_they_are_told(self):
        start = lambda name, threads, folder: servers.server(name, threads, os.path.dirname(BENCH_PEER), folder)
        self.assert_has(start, "https_server", "https_1KiB", {1: 1, 2: 2})
        self.assert_has(start, "nginx", "https_1KiB", {1: 1, 2: 3})

    def test_proxies_have_as_many_as_they_are_told(self):
        start = lambda name, threads, folder: proxies.proxy(name, threads, "sink", os.path.dirname(BENCH_PEER), folder)
        self.assert_has(start, "tls_proxy", "proxy_1KiB", {1: 1, 2: 2})
        self.assert_has(start, "nginx", "proxy_1KiB", {1: 1, 2: 3})
        self.assert_has(start, "haproxy", "proxy_1KiB", {1: 1, 2: 2})
        self.assert_has(start, "hitch", "proxy_1KiB", {1: 2, 2: 3})

    def test_the_time_of_children_counts(self):
        burn = """import os, sys, time
if os.fork() == 0:
    while time.process_time() < 0.1: pass
    print("port 1", flush=True)
sys.stdin.read()
"""
        with servers.Process([sys.executable, "-c", burn], has_children=True) as server:
            own = time.clock_gettime(~server.process.pid << 3 | 2)
            self.assertGreaterEqual(server.cpu() - own, 0.1)


class Idle(unittest.TestCase):
    def test_a_connection_has_one_socket_and_a_proxied_one_two(self):
        for stack, number in (("https_server", 1), ("tls_proxy", 2)):
            if stack == "tls_proxy" and not https.is_there("nginx"):
                continue
            done = subprocess.run([sys.executable, "-B", os.path.join(os.path.dirname(__file__), "idle.py"),
                                   os.path.dirname(BENCH_PEER), "--connections", "20", "--stack", stack],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"| `{stack}` | 20 |", done.stdout)
            for what in ("sockets", "epoll items"):
                self.assertIn(f"| {what} | {number} |", done.stdout)


class Usage(unittest.TestCase):
    def test_wrong_words_get_the_usage(self):
        for words in ((), ("nonsense",), ("short", 1, 1, 1, "file", "half", "server"), ("idle", 1), ("echo", 1)):
            done = run(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("usage: bench_peer short PORT", done.stderr)

    def test_what_is_no_number_is_named_with_what_may_stand_there(self):
        done = run("upload", "0x1", 1, 0)
        self.assertEqual(done.returncode, 1)
        self.assertIn('PORT must be a number between 1 and 65535, not "0x1"', done.stderr)
        self.assertIn('CONNECTIONS must be a number between 1', run("upload", 1, 0, 0).stderr)

    def test_a_file_that_is_not_there_is_named(self):
        done = run("idle", 1, 1, "/nonexistent/file")
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot read /nonexistent/file", done.stderr)

    def test_a_sink_cuts_off_who_sends_something_else(self):
        with subprocess.Popen([BENCH_PEER, "sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
            with socket.create_connection(("127.0.0.1", int(sink.stdout.readline()))) as client:
                client.sendall(b"something else")
                self.assertEqual(client.recv(1), b"")
            sink.stdin.close()
            self.assertEqual(sink.wait(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
