#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# bad_input.py BIN_FOLDER CMAKE [TEST]...: what is not there is named, the rest runs, the status says so; and a run
# that is killed leaves a file that the report can read.
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN_FOLDER, CMAKE = sys.argv[1:3]
BENCH = os.path.join(BIN_FOLDER, "tls_bench")
FOLDER = os.path.dirname(os.path.abspath(__file__))
REPORT, RUN, HTTPS = (os.path.join(FOLDER, name) for name in ("report.py", "run.py", "https.py"))
PYTHON = (sys.executable, "-B")
# Says what wrk says at its end, asks nothing, and takes as long as its input lets it.
FAKE_WRK = """#!/bin/sh
: > "$PATH/wrk of ${8##*/}"
read line
printf '\\n10 10240 0'
"""


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          check=False, **options)


def only_with(folder, *programs):
    """An environment where these alone are found, as they are or, for wrk, a fake one."""
    for name in programs:
        target = os.path.join(folder, name)
        if name == "wrk":
            with open(target, "w", encoding="utf-8") as file:
                file.write(FAKE_WRK)
            os.chmod(target, 0o755)
        else:
            os.symlink(shutil.which(name), target)
    return dict(os.environ, PATH=folder)


def serves(folder):
    """Whether a https_server runs on files in this folder."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", encoding="utf-8", errors="replace") as file:
                program, *arguments = file.read().split("\0")
            if program.endswith("/https_server") and folder in "".join(arguments):
                return True
        except OSError:  # It has ended.
            pass
    return False


class BadInput(unittest.TestCase):
    def test_unknown_scenario_is_named_with_the_known_ones_and_the_rest_runs(self):
        done = run(BENCH, "--smoke", "--scenario", "nonsense", "--scenario", "header_body")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no scenario 'nonsense'", done.stderr)
        self.assertIn("bulk_send_64KiB", done.stderr)
        self.assertIn("header_body:", done.stdout)

    def test_rounds_that_are_no_number_are_refused(self):
        for rounds in ("-1", "0", "x", "1.5"):
            done = run(BENCH, "--rounds", rounds)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f'--rounds must be a number between 1 and 100000, not "{rounds}"', done.stderr)

    def test_unknown_stack_is_named_with_the_known_ones_and_the_rest_runs(self):
        done = run(BENCH, "--smoke", "--scenario", "header_body", "--stack", "nonsense", "--stack", "tcp")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no stack 'nonsense'", done.stderr)
        self.assertIn("tls_async", done.stderr)
        self.assertIn("header_body: 1 stacks", done.stdout)
        done = run(BENCH, "--smoke", "--scenario", "header_body:nothing,tcp")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no stack 'nothing'", done.stderr)
        self.assertIn("header_body: 1 stacks", done.stdout)

    def test_unknown_names_under_https_are_named_and_the_rest_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "x.json")
            done = run(*PYTHON, RUN, BIN_FOLDER, file, "--smoke", "--scenario", "https_nonsense", "--scenario",
                       "https_1KiB:tls_async,nonsense", "--scenario", "header_body:tcp", "--scenario",
                       "proxy_nonsense")
            self.assertEqual(done.returncode, 1)
            self.assertIn("no scenario 'https_nonsense'", done.stderr)
            self.assertIn("no scenario 'proxy_nonsense'", done.stderr)
            self.assertIn("no stack 'nonsense'", done.stderr)
            self.assertIn("https_1KiB: 1 servers", done.stdout)
            self.assertIn("header_body: 1 stacks", done.stdout)

    def test_without_wrk_the_rest_runs_and_the_report_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "x.json")
            environment = only_with(folder, "openssl", "setpriv")
            done = run(*PYTHON, RUN, BIN_FOLDER, file, "--quick", "--rounds", "1", "--scenario", "https_1KiB",
                       "--scenario", "header_body:asio_ssl,tls_async", env=environment)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("without wrk", done.stderr)
            self.assertIn("header_body:", done.stdout)
            self.assertRegex(done.stdout, "https_beast .*not measured")
            self.assertRegex(done.stdout, "sender CPU against asio_ssl .*too few rounds")
            with open(os.path.join(folder, "x.html"), encoding="utf-8") as text:
                self.assertIn("without wrk", text.read())

    def test_without_nginx_the_other_servers_run(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = only_with(folder, "openssl", "setpriv", "wrk")
            file = os.path.join(folder, "x.json")
            done = run(*PYTHON, HTTPS, BIN_FOLDER, file, "--rounds", "1", "--scenario", "https_1KiB", env=environment)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("without nginx", done.stderr)
            with open(file, encoding="utf-8") as text:
                stacks = json.load(text)["scenarios"][0]["stacks"]
            self.assertEqual({name: len(its["rounds"]) for name, its in stacks.items()},
                             {"asio_ssl": 1, "tls_async": 1, "tls_write": 1, "https_server": 1})

    def test_without_h2load_http1_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = only_with(folder, "openssl", "setpriv", "wrk", "curl")
            file = os.path.join(folder, "x.json")
            done = run(*PYTHON, HTTPS, BIN_FOLDER, file, "--rounds", "1", "--stack", "https_server", "--scenario",
                       "https_h2_1KiB", "--scenario", "https_1KiB", env=environment)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("without h2load", done.stderr)
            with open(file, encoding="utf-8") as text:
                self.assertEqual([each["name"] for each in json.load(text)["scenarios"]], ["https_1KiB"])

    def test_without_the_other_proxies_ours_runs_and_they_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = only_with(folder, "openssl", "setpriv")
            file = os.path.join(folder, "x.json")
            done = run(*PYTHON, RUN, BIN_FOLDER, file, "--quick", "--rounds", "1", "--scenario", "proxy_upload",
                       "--scenario", "proxy_short_full", env=environment)
            self.assertEqual(done.returncode, 1, done.stderr)
            for name in ("nginx", "haproxy", "hitch", "stunnel"):
                self.assertIn(f"without {name}, which is not installed", done.stderr)
            # The backend of the other scenario is nginx.
            self.assertIn("proxy_upload", done.stdout)
            self.assertNotIn("proxy_short_full", done.stdout)
            self.assertRegex(done.stdout, "upload, .*better of nginx and HAProxy .*not measured")
            with open(os.path.join(folder, "x.https.json"), encoding="utf-8") as text:
                scenarios = json.load(text)["scenarios"]
            self.assertEqual([each["name"] for each in scenarios], ["proxy_upload"])
            self.assertEqual({name: len(its["rounds"]) for name, its in scenarios[0]["stacks"].items()},
                             {"tls_proxy": 1})

    def test_threads_that_are_no_number_are_refused(self):
        for threads in ("-1", "0", "x", "1025"):
            done = run(*PYTHON, RUN, BIN_FOLDER, "none.json", "--threads", threads)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f'--threads: must be a number between 1 and 1024, not "{threads}"', done.stderr)

    def test_threads_have_files_of_their_own_and_what_has_none_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            file, own = os.path.join(folder, "x.json"), os.path.join(folder, "x.threads2.json")
            run_with = lambda *words: run(*PYTHON, RUN, BIN_FOLDER, file, "--quick", "--rounds", "1", *words)
            done = run_with("--threads", "2", "--scenario", "header_body", "--scenario", "proxy_upload:tls_proxy",
                            "--scenario", "https_1KiB:tls_async")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("header_body is not of whole programs", done.stderr)
            self.assertIn("tls_async has one thread", done.stderr)
            self.assertNotIn("sender CPU", done.stdout)
            self.assertEqual(sorted(os.listdir(folder)), ["x.threads2.html", "x.threads2.https.json"])
            with open(os.path.join(folder, "x.threads2.https.json"), encoding="utf-8") as text:
                data = json.load(text)
            self.assertEqual(data["environment"]["threads"], 2)
            self.assertEqual([each["name"] for each in data["scenarios"]], ["proxy_upload"])
            with open(os.path.join(folder, "x.threads2.html"), encoding="utf-8") as text:
                self.assertIn("with 2 threads for each server", text.read())

            for words in ((), ("--threads", "3")):
                done = run_with("--scenario", "proxy_upload:tls_proxy", "--json", own, *words)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("was measured with --threads 2; choose another --json", done.stderr)
            with open(own, "w", encoding="utf-8") as text:
                json.dump({"format": 2, "complete": True, "environment": {"unavailable": []}, "scenarios": []}, text)
            done = run(*PYTHON, REPORT, own)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("different numbers of threads", done.stderr)

    def test_path_without_asio_is_named_when_configured(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run(CMAKE, "-S", os.path.dirname(FOLDER), "-B", folder, "-G", "Ninja",
                       f"-DTLS_ASYNC_BENCH_ASIO={folder}/none", "-DTLS_ASYNC_BUILD_TESTS=OFF",
                       "-DTLS_ASYNC_BUILD_APPS=OFF")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"{folder}/none, where there is no asio.hpp", " ".join(done.stderr.split()))

    def test_stack_that_is_not_in_the_build_is_named_with_the_reason(self):
        listed = run(BENCH, "--list").stdout
        if "not in this build: asio_ssl_newer_tuned" not in listed:
            self.skipTest("this build has all")
        done = run(BENCH, "--smoke", "--scenario", "header_body:asio_ssl_newer_tuned,tcp")
        self.assertEqual(done.returncode, 1)
        self.assertIn("asio_ssl_newer_tuned is not in this build: ", done.stderr)
        self.assertIn("header_body: 1 stacks", done.stdout)

    def test_unknown_option_is_wrong_usage(self):
        done = run(BENCH, "--nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nonsense", done.stderr)

    def test_json_has_environment_rounds_and_ratios(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "result.json")
            done = run(BENCH, "--quick", "--rounds", "2", "--scenario",
                       "header_body:asio_ssl,tls_async,openssl", "--json", file)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(file, encoding="utf-8") as text:
                data = json.load(text)
            self.assertTrue(data["complete"])
            self.assertIn("OpenSSL", data["environment"]["openssl"])
            stacks = data["scenarios"][0]["stacks"]
            ours = stacks["tls_async"]
            self.assertEqual(len(ours["rounds"]), 2)
            ratio = ours["ratio_to"]["asio_ssl"]["sender_cpu"]
            self.assertLessEqual(ratio["low"], ratio["median"])
            self.assertLessEqual(ratio["median"], ratio["high"])
            self.assertEqual({name: its["checked"]["sender_records"] for name, its in stacks.items()},
                             {"asio_ssl": 2, "tls_async": 2, "openssl": 2})
            report = run(*PYTHON, REPORT, file)
            self.assertEqual(report.returncode, 0, report.stderr)
            with open(os.path.join(folder, "result.html"), encoding="utf-8") as text:
                self.assertIn("<svg", text.read())

    def test_killed_run_leaves_what_was_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "result.json")
            running = subprocess.Popen(
                [BENCH, "--quick", "--rounds", "1", "--scenario", "header_body", "--scenario", "bulk_send_4KiB",
                 "--scenario", "writers_256", "--scenario", "ping_pong_64B", "--json", file],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            # A scenario is written before the next one says its name.
            names = 0
            for line in running.stdout:
                names += not line.startswith(" ")
                if names == 2:
                    break
            running.kill()
            running.wait()
            running.stdout.close()
            with open(file, encoding="utf-8") as text:
                data = json.load(text)
            self.assertFalse(data["complete"])
            self.assertGreaterEqual(len(data["scenarios"]), 1)
            self.assertEqual(run(*PYTHON, REPORT, file).returncode, 0)

    def test_killed_https_run_leaves_what_was_measured_and_no_server(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "x.json")
            with subprocess.Popen([*PYTHON, HTTPS, BIN_FOLDER, file, "--rounds", "1", "--stack", "https_server"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                  env=dict(only_with(folder, "openssl", "setpriv", "wrk"), TMPDIR=folder)) as running:
                running.stdin.write("\n")  # For the first scenario.
                running.stdin.flush()
                while not os.path.exists(os.path.join(folder, "wrk of https_1MiB")):
                    os.sched_yield()
                self.assertTrue(serves(folder))
                running.kill()
            while serves(folder):
                os.sched_yield()
            with open(file, encoding="utf-8") as text:
                data = json.load(text)
            self.assertFalse(data["complete"])
            self.assertGreaterEqual(len(data["scenarios"]), 1)
            self.assertEqual(run(*PYTHON, REPORT, file).returncode, 0)

    def test_report_refuses_another_format_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "old.json")
            with open(file, "w", encoding="utf-8") as text:
                json.dump({"format": 1}, text)
            done = run(*PYTHON, REPORT, file)
            self.assertEqual(done.returncode, 1)
            self.assertIn("format 1", done.stderr)
            self.assertIn("format 2", done.stderr)
            with open(os.path.join(folder, "old.https.json"), "w", encoding="utf-8") as text:
                json.dump({"format": 2, "complete": True, "environment": {"unavailable": []}, "scenarios": []}, text)
            done = run(*PYTHON, REPORT, file)
            self.assertEqual(done.returncode, 1)
            self.assertIn("old.json has format 1", done.stderr)
            self.assertIn("old.html", done.stdout)
            with open(file, "w", encoding="utf-8") as text:
                text.write("{")
            self.assertIn("is not JSON", run(*PYTHON, REPORT, file).stderr)
            self.assertEqual(run(*PYTHON, REPORT, os.path.join(folder, "none")).returncode, 1)


unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
