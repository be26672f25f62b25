# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The bars of bars.json against what was measured. `stack` is tls_async where it is not said. Of several stacks to be
# compared with, in a list, the better one counts, by its median. Kinds:
#   ratio    the metric of `stack` over that of `against`, round by round; less is better here and below
#   inverse  that of `against` over that of `stack`: so many times the work for the CPU time; more is better
#   tax      the metric above plain TCP plus OpenSSL alone, as a share of the two
#   kib      the metric of `stack`, less that of `against` if it is said, in KiB
#   value    the metric as it is
#   change   the metric of the scenario over that in the scenario `against`, less 1; a bar holds in both directions
# A bar is met when the median reaches it, and the worse end of the interval misses it by 3 % of it at most. Without
# `bar` the figure is only reported, with its goal.
import json
import os
import statistics

from estimate import estimate
from https_scenarios import OF_ONE_THREAD, is_of_programs

ENOUGH_ROUNDS = 15
TOLERANCE = 0.03  # of the bar, for the worse end of the interval
HEAD = ["what", "measured", "rounds", "bar", "goal", "state"]
FLOOR = ("tcp", "openssl_alone")

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bars.json"), encoding="utf-8") as file:
    BARS = [{"stack": "tls_async", "against": None, "bar": None, "goal": None, **bar} for bar in json.load(file)]


def peers_of(bar):
    return bar["against"] if isinstance(bar["against"], list) else [bar["against"]]


def values_of(bar, scenarios):
    """One figure for each round; none where a part, such as one of several peers, was not measured."""

    def rounds(stack, scenario=bar["scenario"]):
        its = scenarios.get(scenario, {}).get(stack, {}).get("rounds", [])
        return [one[bar["metric"]] for one in its if bar["metric"] in one]

    kind, ours = bar["kind"], rounds(bar["stack"])
    if kind == "value":
        return ours
    if kind == "tax":
        return [a / (b + c) - 1 for a, b, c in zip(ours, *map(rounds, FLOOR)) if b + c > 0]
    if kind == "kib" and bar["against"] is None:
        return [a / 1024 for a in ours]
    if kind == "change":
        base = rounds(bar["stack"], bar["against"])
    else:
        peers = [rounds(peer) for peer in peers_of(bar)]
        base = min(peers, key=statistics.median) if all(peers) else []
    of_round = {"ratio": lambda a, b: a / b, "inverse": lambda a, b: b / a, "kib": lambda a, b: (a - b) / 1024,
                "change": lambda a, b: a / b - 1}[kind]
    return [of_round(a, b) for a, b in zip(ours, base) if a > 0 and b > 0]


def judged(bar, e, limit):
    """In words, whether the estimate reaches the bar or the goal."""
    room = TOLERANCE * limit
    if bar["kind"] == "inverse":
        reaches, holds = e["median"] >= limit, e["low"] >= limit - room
    else:
        reaches, holds = e["median"] <= limit, e["high"] <= limit + room
        if bar["kind"] == "change":
            reaches, holds = reaches and e["median"] >= -limit, holds and e["low"] >= -limit - room
    return "missed" if not reaches else "met" if holds else "missed by the interval's worse end"


def shown(bar, value):
    if bar["kind"] in ("tax", "change"):
        return f"{value * 100:+.1f} %"
    if bar["kind"] == "kib":
        return f"{value:{'+' if bar['against'] else ''}.2f} KiB"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def shown_limit(kind, value):
    if value is None:
        return ""
    number = f"{value * 100:g} %" if kind in ("tax", "change") else f"{value:g} KiB" if kind == "kib" else f"{value:g}"
    return {"inverse": "≥ ", "change": "± "}.get(kind, "≤ ") + number


def with_threads(number):
    """Those that can be measured on servers with so many threads."""
    if number == 1:
        return BARS
    return [bar for bar in BARS
            if is_of_programs(bar["scenario"]) and not {bar["stack"], *peers_of(bar)}.intersection(OF_ONE_THREAD)]


def results(scenarios, threads=1):
    """What HEAD says of each bar, in words; `scenarios` as in the JSON."""
    stacks_of = {s["name"]: s["stacks"] for s in scenarios}
    made = []
    for bar in with_threads(threads):
        kind, limit, goal = bar["kind"], bar["bar"], bar["goal"]
        values = values_of(bar, stacks_of)
        row = [bar["what"], "", len(values), shown_limit(kind, limit), shown_limit(kind, goal), "not measured"]
        if values:
            e = estimate(values)
            row[1] = f"{shown(bar, e['median'])} [{shown(bar, e['low'])}, {shown(bar, e['high'])}]"
            row[5] = "reported" if limit is None else judged(bar, e, limit)
            if goal is not None and judged(bar, e, goal) == "met":
                row[5] += ", goal too"
            if len(values) < ENOUGH_ROUNDS:
                row[5] += " (too few rounds)"
        made.append(row)
    return made


def wanted(threads=1):
    """What has to run for all bars: the stacks of each scenario."""
    needed = {}
    for bar in with_threads(threads):
        stacks = [bar["stack"]]
        if bar["kind"] == "tax":
            stacks += FLOOR
        elif bar["kind"] == "change":
            needed.setdefault(bar["against"], []).extend(stacks)
        elif bar["kind"] != "value":
            stacks += [peer for peer in peers_of(bar) if peer]
        needed.setdefault(bar["scenario"], []).extend(stacks)
    return {scenario: sorted(set(stacks)) for scenario, stacks in needed.items()}
