# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""docs/interop.md, from what ran."""
import platform

from ours import KEYS, VERSIONS

HEAD = """# Interoperability

Our streams against the TLS stacks of others, over loopback, as last run on {system}:

```sh
./dev test --interop            # installs the peers from Debian's packages, runs all cells, and writes this page
./dev test --interop go nginx   # some peers; leaves the page alone
```

Cells: {summary}

A number counts the sizes of what is sent and comes back: 1 byte, 16 KiB + 1, and 10 MB. The role is the peer's. The ends:

- **close**: the client ends after the echo has come, and the server answers.
- **half-close**: the client ends its direction at once; the echo comes after that.
- **late-half-close**: the client ends its direction after the echo has come, and reads on to the answer.
- **abrupt**: the peer is killed after the echo has come; we must see `stream_truncated` or a reset, never `eof`.
- **cut**: we are gone after the echo has come; the peer serves the next.
- **keys**: the side that sends asks for new keys on the way, several times.
- **renegotiation**: the peer asks for one, which is granted, or refused.
- **page**: the page of `https_server`, its counters and buttons, on one connection, without a word in the console.

curl and the client of NSS send an HTTP request, whose body is the response; the server of NSS sends files; Chromium has
a WebSocket, and nginx and HAProxy are proxies between us and an echo without TLS.

| peer | role | end | {columns} |
|---|---|---|{rules}|
"""


def cell_text(told, notes):
    """Such as `3 ok`, or `1 ok, 2 skipped (a)`."""
    counted = {}
    for each in told:
        kind, _, why = each.partition(" ")
        text = kind if kind != "skipped" else f"skipped ({notes.setdefault(why, len(notes) + 1)})"
        counted[text] = counted.get(text, 0) + 1
    return ", ".join(f"{number} {text}" for text, number in counted.items())


def write(path, results):
    """Results: of (what the peer is, its cell, the outcome)."""
    columns = [(version, key) for version in VERSIONS for key in KEYS]
    rows, notes, marks = {}, {}, {}
    for peer, cell, told in results:
        places = rows.setdefault((peer, cell.role, cell.end), {})
        for place in columns:
            if cell.version in ("any", place[0]) and cell.key in ("any", place[1]):
                places.setdefault(place, []).append(told)
        if cell.note:
            marks[peer] = cell.note
    lines = []
    for (peer, role, end), places in rows.items():
        mark = f" ({notes.setdefault(marks[peer], len(notes) + 1)})" if peer in marks else ""
        lines.append(f"| {peer}{mark} | {role} | {end} | " +
                     " | ".join(cell_text(places.get(place, []), notes) for place in columns) + " |\n")
    kinds = [told.split()[0] for _, _, told in results]
    summary = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("ok", "FAILED", "skipped")) + "."
    with open(path, "w", encoding="utf-8") as page:
        page.write(HEAD.format(system=platform.freedesktop_os_release()["PRETTY_NAME"], summary=summary,
                               columns=" | ".join(f"TLS {version}, {key.upper()}" for version, key in columns),
                               rules="---|" * (len(columns) - 1) + "---"))
        page.writelines(lines)
        if notes:
            page.write("\n" + "".join(f"{number}. {why}.\n" for why, number in notes.items()))
