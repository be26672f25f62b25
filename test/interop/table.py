# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""docs/interop.md, from what ran."""
import os
import platform
import re

HEAD = """# Interoperability

`tls_async::stream` with other TLS stacks, over loopback:

```sh
./dev test --interop            # installs the peers from Debian's packages, runs all cells, and writes this page
./dev test --interop go nginx   # some peers; leaves the page alone
./dev on trixie sh -c './dev test --interop && cat docs/interop.md'   # on Debian 13, and prints its page
```

A number counts cells: {TLS 1.2, TLS 1.3} × {RSA, ECDSA} × {1 byte, 16 KiB + 1, 10 MB} are 12. What is sent is echoed.
The role is that of the peer. The endings:

- **close**: the client sends close_notify after the echo, and the server answers.
- **half-close**: the client half-closes at once; the echo comes after that.
- **abrupt**: the peer is killed after the echo; we must see `stream_truncated` or a reset, never `eof`.
- **late-half-close**: the client half-closes after the echo, and reads on until the answer.
- **cut**: we drop the connection after the echo; the peer must serve the next client.
- **keys**: the side that sends asks for new keys several times in between (TLS 1.3).
- **renegotiation**: the peer asks for one (TLS 1.2), which is granted or refused.
- **resume**: the client connects 20 times; all sessions after the first have to be resumed, but every third with a
  server of Node and TLS 1.3, which sends no ticket after a resumed handshake; **at two** processes of `https_server`, or
  **at both**, it and the peer, that have the same keys of tickets.
- **page**: the page of `https_server`, its counters and buttons, on one connection, with an empty console.

curl and the client of NSS send an HTTP request, whose body is the response; the server of NSS sends files; Chromium has
a WebSocket, and nginx and HAProxy are proxies between us and an echo without TLS.
"""
ENDS = ("close", "half-close", "abrupt")  # with a column each


def cell_text(told, notes):
    """Such as `3 ok`, or `1 ok, 2 skipped (1)`."""
    counted = {}
    for each in told:
        kind, _, why = each.partition(" ")
        text = kind if kind != "skipped" else f"skipped ({notes.setdefault(why, len(notes) + 1)})"
        counted[text] = counted.get(text, 0) + 1
    return ", ".join(f"{number} {text}" for text, number in counted.items())


def section(results):
    """Of one system. Results: of (what the peer is, its cell, the outcome)."""
    rows, notes = {}, {}
    for peer, cell, told in results:
        mark = f" ({notes.setdefault(cell.note, len(notes) + 1)})" if cell.note else ""
        rows.setdefault((peer + mark, cell.role), {}).setdefault(cell.end, []).append(told)
    kinds = [told.split()[0] for _, _, told in results]
    yield ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("ok", "FAILED", "skipped")) + ".\n\n"
    yield f"| peer | role | {' | '.join(ENDS)} | further |\n|---|---|{'---|' * len(ENDS)}---|\n"
    for (peer, role), ends in rows.items():
        further = "; ".join(f"{end if end != 'any' else 'all'}: {cell_text(told, notes)}"
                            for end, told in ends.items() if end not in ENDS)
        cells = [cell_text(ends.get(end, []), notes) for end in ENDS] + [further]
        yield f"| {peer} | {role} | {' | '.join(cells)} |\n"
    if notes:
        yield "\n" + "".join(f"{number}. {why}.\n" for why, number in notes.items())


def write(path, results):
    """What other systems have said stays on the page."""
    said = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as page:
            said = dict(re.findall(r"^## (.+?)\n\n(.*?)(?=\n## |\Z)", page.read(), re.DOTALL | re.MULTILINE))
    said[platform.freedesktop_os_release()["PRETTY_NAME"]] = "".join(section(results))
    with open(path, "w", encoding="utf-8") as page:
        page.write(HEAD + "".join(f"\n## {system}\n\n{text}" for system, text in sorted(said.items())))
