#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# report.py JSON [HTML]: one self-contained page, with plots, from what tls_bench --json wrote.
# In place of HTML, for documents: --svg DIR, each plot as a file; --markdown, a table of ratios and counts.
import html
import json
import os
import sys

FORMAT = 2
BASE = "asio_ssl"
COLOURS = {
    "asio_ssl": "#8c6bb1", "tls_async": "#1b7837", "asio_ssl_newer": "#b2abd2",
    "asio_ssl_newer_tuned": "#542788", "openssl": "#e08214", "openssl_alone": "#fdb863", "tcp": "#888888",
    "https_server": "#00441b", "nginx": "#2166ac", "tls_async_ring_1": "#d9f0d3", "tls_async_ring_2": "#a6dba0",
    "tls_async_ring_8": "#5aae61", "tls_async_ring_16": "#00441b",
}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: .5em 0 2em } td, th { padding: .15em .7em; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
th { border-bottom: 1px solid #888 } .lost { color: #a50026 } .won { color: #1b7837 } h2 { margin-top: 2em }
svg { max-width: 100%; height: auto } .note { color: #555 }
"""


def fail(words):
    sys.exit(f"report: {words}")


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")
    except ValueError:
        fail(f"{path} is not JSON")
    version = data.get("format") if isinstance(data, dict) else None
    if version != FORMAT:
        fail(f"{path} has format {version}; this report reads format {FORMAT}: run the benchmark again")
    return data


def is_time(metric):
    return metric.endswith(("cpu", "time")) or metric in ("p50", "p99")


def shown(metric, value):
    if is_time(metric):
        return f"{value * 1e6:,.2f} µs"
    return f"{value:,.0f} B" if metric == "resident" else f"{value:.4g}"


def estimate(e):
    return f"×{e['median']:.2f} [{e['low']:.2f}, {e['high']:.2f}]"


def ratio(stack, metric, base=BASE):
    return stack.get("ratio_to", {}).get(base, {}).get(metric)


def escape(text):
    return html.escape(str(text))


class Plot:
    """A drawing of fixed size, to which shapes are added."""

    def __init__(self, width, height, title):
        self.head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                     f'height="{height}" font-family="sans-serif" font-size="12"><title>{escape(title)}</title>')
        self.parts = [f'<text x="0" y="16" font-size="14" font-weight="bold">{escape(title)}</text>']

    def line(self, x1, y1, x2, y2, colour="#bbb", width=1):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}" stroke-width="{width}"/>')

    def text(self, x, y, words, anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def dot(self, x, y, colour):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')

    def __str__(self):
        return self.head + "".join(self.parts) + "</svg>"


def ratio_plot(title, rows):
    """rows: (label, [(stack, estimate)]); a dot with its interval on a scale of ratios."""
    left, width, step = 210, 560, 16
    stacks = sorted({name for _, dots in rows for name, _ in dots}, key=list(COLOURS).index)
    top = 60 + 20 * ((len(stacks) - 1) // 4)  # Four names of stacks a line.
    height = top + sum(step * len(dots) + 10 for _, dots in rows) + 30
    plot = Plot(left + width + 30, height, title)
    most = max([1.2] + [e["high"] for _, dots in rows for _, e in dots])
    most = min(most, 3)
    x = lambda value: left + width * min(value, most) / most
    for tick in [t / 4 for t in range(int(most * 4) + 1)]:
        plot.line(x(tick), top - 10, x(tick), height - 25, "#222" if tick == 1 else "#ddd")
        plot.text(x(tick), height - 10, f"{tick:g}", "middle")
    for i, name in enumerate(stacks):
        plot.dot(10 + 180 * (i % 4), 32 + 20 * (i // 4), COLOURS[name])
        plot.text(18 + 180 * (i % 4), 36 + 20 * (i // 4), name)
    y = top
    for label, dots in rows:
        plot.text(left - 8, y + step * len(dots) / 2 + 2, label, "end")
        for name, e in dots:
            plot.line(x(e["low"]), y + 6, x(e["high"]), y + 6, COLOURS[name], 2)
            plot.dot(x(e["median"]), y + 6, COLOURS[name])
            if e["median"] > most:
                plot.text(left + width - 8, y + 10, f"{e['median']:.1f}", "end")
            y += step
        y += 10
    return str(plot)


def ratio_rows(scenarios, metric_of):
    rows = []
    for s in scenarios:
        metric = metric_of(s)
        dots = [(name, ratio(stack, metric)) for name, stack in s["stacks"].items()
                if name not in (BASE, "openssl_alone", "tcp") and ratio(stack, metric)]
        if dots:
            rows.append((s["name"] + (f" {metric}" if metric[0] == "p" else ""), dots))
    return rows


def cpu_metric(scenario):
    for stack in scenario["stacks"].values():
        for metric in ("sender_cpu", "receiver_cpu", "both_cpu", "server_cpu"):
            if metric in stack.get("median", {}):
                return metric
    return "none"


def growth_plot(scenarios, kind):
    found = [s for s in scenarios if s["name"].startswith(f"growth_{kind}_")]
    names = [n for n in COLOURS if any("server_cpu" in s["stacks"].get(n, {}).get("median", {}) for s in found)]
    if len(found) < 2 or not names:
        return ""
    left, width, height = 60, 600, 320
    plot = Plot(left + width + 190, height + 60, f"Server CPU for one message of {kind}, in µs, by connections")
    value = lambda s, n: s["stacks"].get(n, {}).get("median", {}).get("server_cpu")
    most = max(value(s, n) or 0 for s in found for n in names) * 1.1
    x = lambda i: left + width * i / (len(found) - 1)
    y = lambda v: 30 + height * (1 - v / most)
    for i, s in enumerate(found):
        plot.text(x(i), height + 50, s["at_once"], "middle")
    for tick in range(5):
        plot.line(left, y(most * tick / 4), left + width, y(most * tick / 4), "#ddd")
        plot.text(left - 6, y(most * tick / 4) + 4, f"{most * tick / 4 * 1e6:.1f}", "end")
    for i, name in enumerate(names):
        points = [(x(j), y(value(s, name))) for j, s in enumerate(found) if value(s, name)]
        for (x1, y1), (x2, y2) in zip(points, points[1:]):
            plot.line(x1, y1, x2, y2, COLOURS[name], 2)
        for point in points:
            plot.dot(*point, COLOURS[name])
        plot.dot(left + width + 20, 40 + 20 * i, COLOURS[name])
        plot.text(left + width + 28, 44 + 20 * i, name)
    return str(plot)


def plots(data):
    scenarios = data["scenarios"]
    crowds = ("idle_", "growth_", "churn", "noisy", "handshake_storm", "https_")
    single = [s for s in scenarios if not s["name"].startswith(crowds)]
    many = [s for s in scenarios if s["name"].startswith(("growth_", "churn", "https_"))]
    made = {
        "cpu": ("CPU time against asio_ssl, one connection", ratio_rows(single, cpu_metric)),
        "cpu-many": ("Server CPU time against asio_ssl, many connections", ratio_rows(many, cpu_metric)),
        "p50": ("Median latency against asio_ssl", ratio_rows(scenarios, lambda s: "p50")),
        "p99": ("99th percentile of latency against asio_ssl", ratio_rows(scenarios, lambda s: "p99")),
        "memory": ("Resident bytes a connection against asio_ssl", ratio_rows(scenarios, lambda s: "resident")),
    }
    drawn = {name: ratio_plot(title, rows) for name, (title, rows) in made.items() if rows}
    for kind in ("16KiB", "64B"):
        drawn[f"growth-{kind}"] = growth_plot(scenarios, kind)
    return {name: svg for name, svg in drawn.items() if svg}


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
            cell, e = shown(metric, stack["median"][metric]), ratio(stack, metric)
            if e and name != BASE and (is_time(metric) or metric == "resident"):
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
        for name in ("tls_async", "https_server"):
            for metric, e in s["stacks"].get(name, {}).get("ratio_to", {}).get(BASE, {}).items():
                if (is_time(metric) or metric == "resident") and e["low"] > 1:
                    found.append(f"<li>{escape(s['name'])}, {name}, {escape(metric)}: {estimate(e)}</li>")
    return f"<ul>{''.join(found)}</ul>" if found else "<p>Nowhere in this run.</p>"


def page(data):
    e = data["environment"]
    out = ["<!doctype html><html lang='en'><meta charset='utf-8'><title>tls_async: benchmark</title>",
           f"<style>{STYLE}</style><h1>tls_async: benchmark</h1>"]
    if not data["complete"]:
        out.append("<p class='lost'>The run was ended before its last scenario.</p>")
    out.append("<p>Ratios are medians over rounds, each against the round of <code>asio_ssl</code> beside it, with "
               "their 90 % bootstrap intervals; less is better. Counts and times are for one message, round trip, "
               "handshake or connection, as each scenario says. The transport tax is what a side costs above plain "
               "TCP plus OpenSSL alone in the same rounds.</p><table>")
    out += [f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in e.items() if v and k != "unavailable"]
    out += [f"<tr><td>without {escape(m['name'])}</td><td>{escape(m['why'])}</td></tr>" for m in e["unavailable"]]
    out.append("</table><h2>Where we lose</h2>" + losses(data["scenarios"]))
    out += [f"<p>{svg}</p>" for svg in plots(data).values()]
    for s in data["scenarios"]:
        rounds = max((len(stack["rounds"]) for stack in s["stacks"].values()), default=0)
        out.append(f"<h2>{escape(s['name'])}</h2><p>{escape(s['what'])}. For one {escape(s['unit'])}; "
                   f"{rounds} rounds.</p>{table(s)}")
    return "".join(out) + "</html>\n"


def markdown(data):
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
        fail("usage: report.py JSON [HTML | --svg DIR | --markdown]")
    data = load(arguments[0])
    if arguments[1:] == ["--markdown"]:
        markdown(data)
        return
    if arguments[1:2] == ["--svg"]:
        folder = arguments[2] if len(arguments) == 3 else "."
        os.makedirs(folder, exist_ok=True)
        for name, svg in plots(data).items():
            with open(os.path.join(folder, f"{name}.svg"), "w", encoding="utf-8") as file:
                file.write(svg + "\n")
        print(f"report: {folder}/*.svg")
        return
    target = arguments[1] if len(arguments) == 2 else os.path.splitext(arguments[0])[0] + ".html"
    with open(target, "w", encoding="utf-8") as file:
        file.write(page(data))
    print(f"report: {target}")


main(sys.argv[1:])
