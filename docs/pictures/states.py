#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Draws states-of-a-verb.svg from `transitions` in gates/verb.hpp.

states.py            writes the picture
states.py --check    fails if it differs from `transitions`, or a table in architecture.md from that in its header
"""
import pathlib
import re
import sys

here = pathlib.Path(__file__).resolve().parent
headers = here / "../../libtls_async/include/tls_async"
picture = here / "states-of-a-verb.svg"
page = here / "../architecture.md"

# What is drawn by hand: where a state stands, and a few words. Each has its own way down to `done`.
HEIGHT = 52
BOXES = {  # x, y, width, class, words
    "fresh": (20, 180, 96, "box", "not started"),
    "negotiating": (126, 24, 116, "box", "a handshake"),
    "reading": (196, 102, 146, "plain", "waits for plaintext"),
    "queued": (352, 180, 124, "plain", "nothing is sealed"),
    "under_way": (520, 180, 116, "cipher", "a part is sealed"),
    "closing": (640, 264, 152, "cipher", "waits for close_notify"),
    "leaving": (744, 180, 152, "cipher", "its last bytes leave"),
    "letting_go": (904, 24, 156, "box", "its fill is being ended"),
    "done": (20, 362, 1040, "box", "its handler may be called"),
}
WRITE = ["fresh", "queued", "under_way", "leaving", "done"]


def transitions(header, name):
    text = (headers / header).read_text()
    table = text[text.index(f"std::array {name}{{"):]
    table = table[:table.index("\n};")]
    return re.findall(r"\{(?:\w+::)?(\w+), (?:\w+::)?(\w+)\}", table)


def way(start, end):
    """The path of one arrow: down to what lies below all, else from side to side."""
    x, y, width, *_ = BOXES[start]
    to_x, to_y, to_width, *_ = BOXES[end]
    middle = x + width // 2
    if end == "done":
        return f"M{middle} {y + HEIGHT} V{to_y - 2}"
    right, level, to_level = x + width, y + HEIGHT // 2, to_y + HEIGHT // 2
    if to_y == y:
        between = [b for b in BOXES.values() if b[1] == y and right < b[0] < to_x]
        if not between:
            return f"M{right} {level} H{to_x - 2}"
        return f"M{middle + 20} {y} C{middle + 60} {y - 44} {to_x - 40} {y - 44} {to_x + 24} {y - 2}"
    if to_y > y and end == "closing":
        return f"M{right - 24} {y + HEIGHT} C{right - 24} {to_level} {right} {to_level} {to_x - 2} {to_level}"
    if to_x < right < to_x + to_width:
        return f"M{right - 32} {y} V{to_y + HEIGHT + 2}"
    if to_y < y:
        x = to_x + 34
        return f"M{right} {level} C{x} {level} {x} {level - 50} {x} {to_y + HEIGHT + 2}"
    return f"M{right} {level} C{to_x + 20} {level} {to_x + 60} {level + 20} {to_x + 60} {to_y - 2}"


def svg(table):
    style = picture.parent.joinpath("flow-of-a-byte.svg").read_text()
    style = style[style.index("  <style>"):style.index("  <rect class=\"card\"")]
    style = style.replace("    .line {", "    .main { stroke: #b3691a; stroke-width: 2.4; fill: none; "
                          "marker-end: url(#head); }\n    .line {")
    style = style.replace("      .head {", "      .main { stroke: #e0a458; }\n      .head {")
    lines = ["<!-- Distributed under the Boost Software License, Version 1.0.",
             "     SPDX-License-Identifier: BSL-1.0",
             "     Drawn by states.py from `transitions` in gates/verb.hpp. -->",
             '<svg xmlns="http://www.w3.org/2000/svg" width="1080" height="440" '
             'viewBox="0 0 1080 440" role="img">',
             "  <title>The states of a verb, and all transitions between them</title>",
             style.rstrip(),
             '  <rect class="card" x="0.5" y="0.5" width="1079" height="439" rx="8"/>']
    steps = set(zip(WRITE, WRITE[1:]))
    for start, end in sorted(table, key=lambda each: each in steps):
        kind = "main" if (start, end) in steps else "back" if end == "done" else "arrow"
        lines.append(f'  <path class="{kind}" d="{way(start, end)}"/>')
    for name, (x, y, width, kind, words) in BOXES.items():
        middle = x + width // 2
        lines += [f'  <rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="6"/>',
                  f'  <text class="name mid" x="{middle}" y="{y + 22}">{name}</text>',
                  f'  <text class="note mid" x="{middle}" y="{y + 41}">{words}</text>']
    lines += ["</svg>", ""]
    return "\n".join(lines)


def table_of_page(title):
    rows, start = [], ""
    text = page.read_text().split(f"## {title}\n", 1)[1].split("| from | to | when |\n", 1)[1]
    for line in text.splitlines()[1:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        start = cells[0] or start
        rows.append((start, cells[1]))
    return rows


def main():
    table = transitions("gates/verb.hpp", "transitions")
    unplaced = {state for each in table for state in each} ^ set(BOXES)
    if unplaced:
        sys.exit(f"states.py: in the table or in BOXES only: {', '.join(sorted(unplaced))}")
    if sys.argv[1:] != ["--check"]:
        picture.write_text(svg(table))
        return
    if svg(table) != picture.read_text():
        sys.exit("states-of-a-verb.svg is not that of gates/verb.hpp: run docs/pictures/states.py")
    for title, header, name in (("The states of a verb", "gates/verb.hpp", "transitions"),
                                ("The phases of a session", "core/phase.hpp", "phase_transitions")):
        known = set(transitions(header, name))
        told = set(table_of_page(title))
        for start, end in [row for row in told if row[0].startswith("all but")]:
            told.remove((start, end))
            told |= {(each, end) for pair in known for each in pair if each != end}
        if told != known:
            sys.exit(f"architecture.md and {header} differ: " + "; ".join(f"{a} to {b}" for a, b in told ^ known))


main()
