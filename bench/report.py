#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# report.py JSON [HTML]: the bars on the terminal, and one self-contained page with plots, from what tls_bench --json
# wrote and from what https.py wrote beside it (x.json and x.https.json), or from one of the two.
# In place of HTML, for documents: --svg DIR, each plot as a file; --markdown, tables of bars, ratios and counts.
# Exit status 1: a file cannot be used, which is named; the report is of the other one, if there is one.
import json
import os
import sys

import bars
from plots import BASE, cpu_metric, escape, plots, ratio

FORMAT = 2
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: .5em 0 2em } td, th { padding: .15em .7em; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
th { border-bottom: 1px solid #888 } .lost { color: #a50026 } .won { color: #1b7837 } h2 { margin-top: 2em }
.bars td + td { white-space: nowrap } svg { max-width: 100%; height: auto } .note { color: #555 }
"""


def readable(path):
    """What is in the file, or None with a word about why not."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except OSError as error:
        why = f"cannot read {path}: {error.strerror}"
    except ValueError:
        why = f"{path} is not JSON"
    else:
        version = data.get("format") if isinstance(data, dict) else None
        if version == FORMAT:
            return data
        why = f"{path} has format {version}; this report reads format {FORMAT}: run the benchmark again"
    print(f"report: {why}", file=sys.stderr)
    return None


def load(path):
    """Both files as one, and whether each that is there could be used."""
    stem, ending = os.path.splitext(path)
    there = [p for p in (path, f"{stem}.https{ending}") if os.path.exists(p)] or [path]
    found = [data for data in map(readable, there) if data]
    if not found:
        sys.exit(1)
    threads = {data["environment"].get("threads", 1) for data in found}
    if len(threads) > 1:
        sys.exit(f"report: {' and '.join(there)} are of servers with different numbers of threads: move one away")
    return {"complete": all(data["complete"] for data in found), "threads": threads.pop(),
            "environments": [data["environment"] for data in found],
            "scenarios": [scenario for data in found for scenario in data["scenarios"]]}, len(found) == len(there)


def is_time(metric):
    return metric.endswith(("cpu", "time")) or metric in ("p50", "p99")


def shown(metric, value):
    if is_time(metric):
        return f"{value * 1e6:,.2f} µs"
    return f"{value:,.0f} B" if metric == "resident" else f"{value:.4g}"


def estimate(e):
    return f"×{e['median']:.2f} [{e['low']:.2f}, {e['high']:.2f}]"


def table(scenario):
    metrics, out = [], []
    for stack in scenario["stacks"].values():
        metrics += [m for m in stack.get("median", {}) if m not in metrics]
    metrics = [m for m in metrics if any(s.get("median", {}).get(m) for s in scenario["stacks"].values())]
    metrics.sort(key=is_time)
    records = [m for s in scenario["stacks"].values() for m in s["checked"] if m.endswith("records")][:1]
    out.append("<table><tr><th>stack</th>")
    out += [f"<th>{escape(m.replace('_', ' '))}</th>" for m in records + metrics]
    out.append("</tr>")
    for name, stack in scenario["stacks"].items():
        out.append(f"<tr><td>{escape(name)}</td>")
        out += [f"<td>{stack['checked'].get(m, 0):.4g}</td>" for m in records]
        for metric in metrics:
            if metric not in stack.get("median", {}):
                out.append("<td></td>")
                continue
            base = scenario.get("base", BASE)
            cell, e = shown(metric, stack["median"][metric]), ratio(stack, metric, base)
            if e and name != base and (is_time(metric) or metric == "resident"):
                kind = "lost" if e["low"] > 1 else "won" if e["high"] < 1 else ""
                cell = f'<span class="{kind}">{estimate(e)}</span><br>{cell}'
            tax = stack.get("transport_tax", {}).get(metric)
            if tax:
                cell += f"<br>transport tax {tax['median']:+.0%}"
            out.append(f"<td>{cell}</td>")
        out.append("</tr>")
        if "failed" in stack:
            out.append(f'<tr><td></td><td colspan="{len(metrics) + 1}" class="lost">failed: '
                       f"{escape(stack['failed'])}</td></tr>")
    out.append("</table>")
    return "".join(out)


def losses(scenarios):
    found = []
    for s in scenarios:
        base = s.get("base", BASE)
        for name in ("tls_async", "https_server", "tls_proxy"):
            for metric, e in s["stacks"].get(name, {}).get("ratio_to", {}).get(base, {}).items():
                if (is_time(metric) or metric == "resident") and e["low"] > 1:
                    found.append(f"<li>{escape(s['name'])}, {name} against {escape(base)}, {escape(metric)}: "
                                 f"{estimate(e)}</li>")
    return f"<ul>{''.join(found)}</ul>" if found else "<p>Nowhere in this run.</p>"


def environments(all_of_them):
    keys = [k for k in dict.fromkeys(k for e in all_of_them for k in e) if k != "unavailable"]
    out = ["<table>"]
    for key in keys:
        values = dict.fromkeys(str(e[key]) for e in all_of_them if e.get(key))
        out += [f"<tr><td>{escape(key)}</td><td>{escape('; '.join(values))}</td></tr>"] if values else []
    out += [f"<tr><td>without {escape(m['name'])}</td><td>{escape(m['why'])}</td></tr>"
            for e in all_of_them for m in e["unavailable"]]
    return "".join(out) + "</table>"


def bars_table(data):
    out = ["<table class='bars'><tr>" + "".join(f"<th>{escape(head)}</th>" for head in bars.HEAD) + "</tr>"]
    for row in bars.results(data["scenarios"], data["threads"]):
        kind = {"met": "won", "missed": "lost"}.get(row[-1].partition(",")[0].partition(" ")[0], "")
        out.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row[:-1])
                   + f'<td class="{kind}">{escape(row[-1])}</td></tr>')
    return "".join(out) + "</table>"


def page(data):
    out = ["<!doctype html><html lang='en'><meta charset='utf-8'><title>tls_async: benchmark</title>",
           f"<style>{STYLE}</style><h1>tls_async: benchmark</h1>"]
    if data["threads"] > 1:
        out.append(f"<p>Whole programs with {data['threads']} threads for each server.</p>")
    if not data["complete"]:
        out.append("<p class='lost'>The run was ended before its last scenario.</p>")
    out.append("<h2>Bars</h2>" + bars_table(data))
    out.append("<h2>Conditions</h2><p>Ratios are medians over rounds, each against the round of <code>asio_ssl</code> "
               "beside it, or of <code>nginx</code> where that takes no part, with 90 % bootstrap intervals; less "
               "is better. Counts and times are for one message, round trip, handshake or connection, as each scenario "
               "says. The transport tax is what a side costs above plain TCP plus OpenSSL alone in the same rounds.</p>"
               + environments(data["environments"]))
    out.append("<h2>Where we lose</h2>" + losses(data["scenarios"]))
    out += [f"<p>{svg}</p>" for svg in plots(data).values()]
    for s in data["scenarios"]:
        rounds = max((len(stack["rounds"]) for stack in s["stacks"].values()), default=0)
        out.append(f"<h2>{escape(s['name'])}</h2><p>{escape(s['what'])}. For one {escape(s['unit'])}; "
                   f"{rounds} rounds.</p>{table(s)}")
    return "".join(out) + "</html>\n"


def print_bars(data):
    results = bars.results(data["scenarios"], data["threads"])
    rows = [bars.HEAD] + [[str(cell) for cell in row] for row in results]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def markdown(data):
    print("| " + " | ".join(bars.HEAD) + " |\n" + "|---" * len(bars.HEAD) + "|")
    for row in bars.results(data["scenarios"], data["threads"]):
        print("| " + " | ".join(map(str, row)) + " |")
    print()
    tuned = "asio_ssl_newer_tuned"
    cell = lambda e: estimate(e)[1:] if e else ""
    print(f"| scenario | metric | against `{BASE}` | against `{tuned}` | transport tax | sends, ours and `{BASE}` |")
    print("|---|---|---|---|---|---|")
    for s in data["scenarios"]:
        ours, base = s["stacks"].get("tls_async", {}), s["stacks"].get(BASE, {})
        metrics = [m for m in (cpu_metric(s), "p50", "p99", "resident") if ratio(ours, m)]
        for i, metric in enumerate(metrics):
            tax = ours.get("transport_tax", {}).get(metric)
            sends = [next((m[k] for k in m if k.endswith("sends")), None)
                     for m in (ours.get("median", {}), base.get("median", {}))]
            print(f"| {s['name'] if i == 0 else ''} | {metric} | {cell(ratio(ours, metric))} | "
                  f"{cell(ratio(ours, metric, tuned))} | {format(tax['median'], '+.0%') if tax else ''} | "
                  + (f"{sends[0]:.3g}, {sends[1]:.3g}" if i == 0 and all(sends) else "") + " |")


def main(arguments):
    if not 1 <= len(arguments) <= 3 or arguments[0].startswith("-"):
        sys.exit("report: usage: report.py JSON [HTML | --svg DIR | --markdown]")
    data, all_used = load(arguments[0])
    if arguments[1:] == ["--markdown"]:
        markdown(data)
    elif arguments[1:2] == ["--svg"]:
        folder = arguments[2] if len(arguments) == 3 else "."
        os.makedirs(folder, exist_ok=True)
        for name, svg in plots(data).items():
            with open(os.path.join(folder, f"{name}.svg"), "w", encoding="utf-8") as file:
                file.write(svg + "\n")
        print(f"report: {folder}/*.svg")
    else:
        target = arguments[1] if len(arguments) == 2 else os.path.splitext(arguments[0])[0] + ".html"
        with open(target, "w", encoding="utf-8") as file:
            file.write(page(data))
        print_bars(data)
        print(f"report: {target}")
    sys.exit(0 if all_used else 1)


main(sys.argv[1:])
