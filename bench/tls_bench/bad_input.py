#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# bad_input.py TLS_BENCH REPORT_PY: what is not there is named, the rest runs, the status says so; and a
# run that is killed leaves a file that the report can read.
import json
import os
import subprocess
import sys
import tempfile
import unittest

BENCH, REPORT = sys.argv[1:3]


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


class BadInput(unittest.TestCase):
    def test_unknown_scenario_is_named_with_the_known_ones_and_the_rest_runs(self):
        done = run(BENCH, "--smoke", "--scenario", "nonsense", "--scenario", "header_body")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no scenario 'nonsense'", done.stderr)
        self.assertIn("bulk_send_64KiB", done.stderr)
        self.assertIn("header_body:", done.stdout)

    def test_unknown_stack_is_named_with_the_known_ones_and_the_rest_runs(self):
        done = run(BENCH, "--smoke", "--scenario", "header_body", "--stack", "nonsense", "--stack", "tcp")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no stack 'nonsense'", done.stderr)
        self.assertIn("tls_async", done.stderr)
        self.assertIn("header_body: 1 stacks", done.stdout)

    def test_unknown_option_is_wrong_usage(self):
        done = run(BENCH, "--nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nonsense", done.stderr)

    def test_json_has_environment_rounds_and_ratios(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "result.json")
            done = run(BENCH, "--quick", "--rounds", "2", "--scenario", "handshake_full_13", "--json", file)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(file, encoding="utf-8") as text:
                data = json.load(text)
            self.assertTrue(data["complete"])
            self.assertIn("OpenSSL", data["environment"]["openssl"])
            ours = data["scenarios"][0]["stacks"]["tls_async"]
            self.assertEqual(len(ours["rounds"]), 2)
            ratio = ours["ratio_to"]["asio_ssl"]["both_cpu"]
            self.assertLessEqual(ratio["low"], ratio["median"])
            self.assertLessEqual(ratio["median"], ratio["high"])
            report = run(sys.executable, REPORT, file)
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
            self.assertEqual(run(sys.executable, REPORT, file).returncode, 0)

    def test_report_refuses_another_format_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "old.json")
            with open(file, "w", encoding="utf-8") as text:
                json.dump({"format": 1}, text)
            done = run(sys.executable, REPORT, file)
            self.assertEqual(done.returncode, 1)
            self.assertIn("format 1", done.stderr)
            self.assertIn("format 2", done.stderr)
            self.assertEqual(run(sys.executable, REPORT, os.path.join(folder, "none")).returncode, 1)


unittest.main(argv=sys.argv[:1], verbosity=2)
