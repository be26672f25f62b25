# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# The plots of report.py, each a drawing in SVG.
import html

BASE = "asio_ssl"
COLOURS = {
    "asio_ssl": "#8c6bb1", "tls_async": "#1b7837", "asio_ssl_newer": "#b2abd2",
    "asio_ssl_newer_tuned": "#542788", "openssl": "#e08214", "openssl_alone": "#fdb863", "tcp": "#888888",
    "tls_async_beast": "#5aae61", "https_server": "#00441b", "nginx": "#2166ac", "h2o": "#92c5de",
    "tls_proxy": "#41ab5d", "haproxy": "#d6604d", "hitch": "#b2182b", "stunnel": "#f4a582",
}
OTHER_COLOUR = "#1b7837"


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


def ratio_plot(title, rows, with_names=True):
    """rows: (label, [(stack, estimate)]); a dot with its interval on a scale of ratios."""
    left, width, step = 210, 560, 16
    drawn = {name for _, dots in rows for name, _ in dots}
    stacks = [name for name in COLOURS if name in drawn] if with_names else []
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
            colour = COLOURS.get(name, OTHER_COLOUR)
            plot.line(x(e["low"]), y + 6, x(e["high"]), y + 6, colour, 2)
            plot.dot(x(e["median"]), y + 6, colour)
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
    crowds = ("idle_", "growth_", "churn", "noisy", "handshake_storm", "https_", "proxy_", "sweep_")
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
    for s in scenarios:
        if s["name"].startswith("sweep_"):
            rows = [(stack, [dot]) for _, dots in ratio_rows([s], cpu_metric) for dot in dots for stack in dot[:1]]
            drawn[s["name"]] = ratio_plot(f"{s['name']}: CPU time against asio_ssl", rows, False) if rows else ""
    for kind in ("16KiB", "64B"):
        drawn[f"growth-{kind}"] = growth_plot(scenarios, kind)
    return {name: svg for name, svg in drawn.items() if svg}
