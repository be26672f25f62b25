#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# bars_test.py [TEST]...: when a bar is met, and what it is compared with.
import unittest

import bars
from https_scenarios import OF_ONE_THREAD, SCENARIOS

KINDS_OF_LESS = ("ratio", "tax", "kib", "value")


def state(kind, limit, low, median, high):
    return bars.judged({"kind": kind}, {"low": low, "median": median, "high": high}, limit)


def result(bar, stacks):
    """The row of one bar on CPU times of each stack, by rounds."""
    scenario = {"name": "any", "stacks": {name: {"rounds": [{"server_cpu": cpu} for cpu in rounds]}
                                          for name, rounds in stacks.items()}}
    kept, bars.BARS = bars.BARS, [{"what": "it", "scenario": "any", "stack": "ours", "metric": "server_cpu",
                                   "against": None, "bar": None, "goal": None, **bar}]
    try:
        return dict(zip(bars.HEAD, bars.results([scenario])[0]))
    finally:
        bars.BARS = kept


class Rule(unittest.TestCase):
    def test_an_interval_that_touches_the_bar_is_not_enough(self):
        for kind in KINDS_OF_LESS:
            self.assertEqual(state(kind, 1, 0.9, 1.001, 1.002), "missed", kind)
        self.assertEqual(state("inverse", 1, 0.998, 0.999, 1.1), "missed")

    def test_the_median_reaches_it_and_the_worse_end_misses_it_by_3_percent_at_most(self):
        for kind in KINDS_OF_LESS:
            for limit in (0.25, 1, 17.5):
                self.assertEqual(state(kind, limit, 0, limit, limit * 1.029), "met", kind)
                self.assertEqual(state(kind, limit, 0, limit, limit * 1.031), "missed by the interval's worse end",
                                 kind)
        for limit in (1, 15):
            self.assertEqual(state("inverse", limit, limit * 0.971, limit, limit * 9), "met")
            self.assertEqual(state("inverse", limit, limit * 0.969, limit, limit * 9),
                             "missed by the interval's worse end")

    def test_a_change_is_judged_in_both_directions(self):
        self.assertEqual(state("change", 0.02, -0.0205, 0, 0.0205), "met")
        self.assertEqual(state("change", 0.02, -0.1, -0.03, 0), "missed")
        self.assertEqual(state("change", 0.02, 0, 0.03, 0.1), "missed")
        self.assertEqual(state("change", 0.02, -0.03, 0, 0), "missed by the interval's worse end")
        self.assertEqual(state("change", 0.02, 0, 0, 0.03), "missed by the interval's worse end")

    def test_a_goal_is_judged_by_the_same_rule(self):
        bar = {"kind": "inverse", "against": "theirs", "bar": 0.5, "goal": 1}
        self.assertEqual(result(bar, {"ours": [1] * 15, "theirs": [1] * 15})["state"], "met, goal too")
        self.assertEqual(result(bar, {"ours": [1.01] * 15, "theirs": [1] * 15})["state"], "met")
        self.assertEqual(result(bar, {"ours": [1] * 15, "theirs": [0.9] * 6 + [1] * 9})["state"], "met")


class Peers(unittest.TestCase):
    BAR = {"kind": "inverse", "against": ["one", "other"], "bar": 1}

    def test_the_peer_with_the_better_median_counts_whatever_its_single_rounds_are(self):
        row = result(self.BAR, {"ours": [1] * 15, "one": [0.8] * 15, "other": [0.5] * 7 + [2] * 8})
        self.assertEqual((row["measured"], row["state"]), ("0.800 [0.800, 0.800]", "missed"))
        row = result(self.BAR, {"ours": [1] * 15, "one": [3] * 15, "other": [2] * 15})
        self.assertEqual((row["measured"], row["state"]), ("2.000 [2.000, 2.000]", "met"))

    def test_without_one_of_them_nobody_knows_which_is_better(self):
        for stacks in ({"ours": [1] * 15, "one": [3] * 15}, {"ours": [1] * 15, "one": [3] * 15, "other": []}):
            self.assertEqual(result(self.BAR, stacks)["state"], "not measured")

    def test_kib_are_those_of_the_stack_alone_or_above_another(self):
        stacks = {"ours": [2048] * 15, "theirs": [1024] * 15}
        self.assertEqual(result({"kind": "kib", "bar": 2}, stacks)["measured"], "2.00 KiB [2.00 KiB, 2.00 KiB]")
        self.assertEqual(result({"kind": "kib", "against": "theirs"}, stacks)["measured"],
                         "+1.00 KiB [+1.00 KiB, +1.00 KiB]")

    def test_fewer_than_15_rounds_are_said_beside_the_state(self):
        self.assertEqual(result({"kind": "value", "bar": 1}, {"ours": [1] * 14})["state"], "met (too few rounds)")


class Table(unittest.TestCase):
    def test_what_bars_want_of_whole_programs_is_there(self):
        wanted = {name: stacks for name, stacks in bars.wanted().items() if name.startswith(("https_", "proxy_"))}
        for name, stacks in wanted.items():
            self.assertLessEqual(set(stacks), set(SCENARIOS[name].stacks), name)
        self.assertLessEqual({name for name in SCENARIOS if name.startswith("proxy_")}, set(wanted))

    def test_bars_with_threads_are_of_whole_programs_that_have_them(self):
        wanted = bars.wanted(2)
        self.assertLessEqual({"https_short_full", "https_1KiB", "https_1MiB", "proxy_1MiB"}, set(wanted))
        for name, stacks in wanted.items():
            self.assertLessEqual(set(stacks), set(SCENARIOS[name].stacks) - set(OF_ONE_THREAD), name)
        self.assertEqual({row[0] for row in bars.results([], 2)}, {bar["what"] for bar in bars.with_threads(2)})

    def test_the_better_of_nginx_and_haproxy_is_asked_for_by_both_names(self):
        self.assertEqual(bars.wanted()["proxy_1KiB"], ["haproxy", "nginx", "tls_proxy"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
