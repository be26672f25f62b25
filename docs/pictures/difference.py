#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Draws difference.svg, the picture of the README, from the numbers of its table, which test/docs/comparison_test.cpp
measures.

difference.py            writes the picture
difference.py --check    fails if it differs from the table
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PICTURE = HERE / "difference.svg"
LEFT, WIDTH = 250, 580  # of the bars


def numbers():
    """Of both streams: writes for 1 MiB, KiB that a waiting connection holds."""
    readme = (HERE / "../../README.md").read_text()

    def row(name, *expressions):
        asio, ours = re.search(rf"^\| {name} \|(.*?)\|(.*?)\|", readme, re.MULTILINE).groups()
        return [re.search(expression, cell) for expression, cell in zip(expressions, (asio, ours))]

    writes = [int(found[1]) for found in row("Batching, out", r"1 MiB is (\d+) writes", r"1 MiB is (\d+) writes")]
    asio, ours = row("Memory", r"(\d+) × (\d+) KiB", r"below ([\d.]+) KiB")
    return writes, [int(asio[1]) * int(asio[2]), float(ours[1])]


def lane(y, name, kind, boxes, words):
    weight = "name" if kind == "cipher" else "plain-name"
    yield f'  <text class="{weight}" x="{LEFT - 16}" y="{y + 16}" text-anchor="end">{name}</text>'
    for x, width in boxes:
        yield f'  <rect class="{kind}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="22" rx="2"/>'
    end = boxes[-1][0] + boxes[-1][1]
    if end + 9 * len(words) < LEFT + WIDTH:
        yield f'  <text class="note" x="{end + 10:.1f}" y="{y + 16}">{words}</text>'
    else:
        yield f'  <text class="note" x="{LEFT + WIDTH}" y="{y - 6}" text-anchor="end">{words}</text>'


def svg():
    writes, memory = numbers()
    style = (HERE / "flow-of-a-byte.svg").read_text()
    style = style[style.index("  <style>"):style.index("  </style>") + len("  </style>")]
    lines = ["<!-- Distributed under the Boost Software License, Version 1.0.",
             "     SPDX-License-Identifier: BSL-1.0",
             "     Drawn by difference.py from the README's table. -->",
             '<svg xmlns="http://www.w3.org/2000/svg" width="860" height="286" viewBox="0 0 860 286" role="img">',
             f"  <title>1 MiB leaves in {writes[1]} writes instead of {writes[0]}, and a connection that waits "
             f"holds less than {memory[1]:g} KiB instead of {memory[0]}</title>", style,
             '  <rect class="card" x="0.5" y="0.5" width="859" height="285" rx="8"/>']
    names = ("asio::ssl::stream", "tls_async::stream")

    def each(count):
        step = WIDTH / count
        return [(LEFT + i * step, step - (2 if count > 20 else 4)) for i in range(count)]

    lines.append('  <text class="name" x="24" y="34">1 MiB, as the socket sees it</text>')
    for i, kind in enumerate(("box", "cipher")):
        per_write = 64 // writes[i]
        words = f"{writes[i]} writes" + (f", {per_write} records in each" if per_write > 1 else ", one record in each")
        lines += lane(58 + 46 * i, names[i], kind, each(writes[i]), words)
    lines.append('  <text class="name" x="24" y="174">Held by a connection that waits, beside OpenSSL\'s own</text>')
    for i, kind in enumerate(("box", "cipher")):
        words = f"{memory[i]:g} KiB" if i == 0 else f"less than {memory[i]:g} KiB"
        lines += lane(198 + 40 * i, names[i], kind, [(LEFT, WIDTH * memory[i] / memory[0])], words)
    return "\n".join([*lines, "</svg>", ""])


if sys.argv[1:] != ["--check"]:
    PICTURE.write_text(svg())
elif svg() != PICTURE.read_text():
    sys.exit("difference.svg is not that of the README's table: run docs/pictures/difference.py")
