#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Our streams against the TLS stacks of others, over loopback.

One line for each cell, `PEER ROLE VERSION KEY SIZE END: ok | FAILED why | skipped why`, where ROLE is the peer's:

  close            the client ends after the echo has come, and the server answers
  half-close       the client ends its direction at once; the echo comes after that
  late-half-close  the client ends its direction after the echo has come, and reads on to the answer
  abrupt           the peer is killed after the echo has come
  cut              we are gone after the echo has come; the peer serves the next
  resume           the client reconnects TLS_ASYNC_INTEROP_ROUNDS times, or 20; all after the first are resumed

Exits with 1 if a cell failed, with 77 if none could be tried. Certificates are made at run time; every process is ended
by its id.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import peers
import table
from ours import Ours
from processes import Failed


def outcome(cell):
    if cell.skipped:
        return f"skipped {cell.skipped}"
    try:
        cell.run(cell.version, cell.key, cell.size, cell.end)
        return "ok"
    except (Failed, OSError) as why:
        return f"FAILED {why}"


def run(given, directory, pool):
    """Yields each cell with its outcome, peer by peer, and tells of them."""
    ours = Ours(os.path.abspath(given.peer), directory)
    ours.https_server = given.https_server and os.path.abspath(given.https_server)
    for make in peers.ALL:
        if given.peers and make.name not in given.peers:
            continue
        start = time.monotonic()
        peer = make(ours)
        missing, broken = "", ""
        try:
            missing = peer.missing()
        except (Failed, OSError) as why:
            broken = f"FAILED {why}"
        description = "" if missing or broken else peer.describe()
        cells = list(peer.cells(given.few))
        for cell in cells:
            cell.skipped = missing or cell.skipped
        for cell, told in zip(cells, [broken] * len(cells) if broken else pool.map(outcome, cells)):
            print(cell, told, sep=": ", flush=True)
            yield description or peer.name, cell, told
        if description:
            print(f"{description}: {len(cells)} cells in {time.monotonic() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="the program interop_peer")
    parser.add_argument("--https-server", help="the program https_server, for browsers")
    parser.add_argument("--few", action="store_true", help="one cell of each end but the first, and long ones with one key")
    parser.add_argument("--table", help="Markdown file to write the table to")
    names = ", ".join(each.name for each in peers.ALL)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of {names}; all else")
    given = parser.parse_args()
    if unknown := set(given.peers) - {each.name for each in peers.ALL}:
        parser.error(f"no such peer: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="interop_", ignore_cleanup_errors=True) as directory, \
            ThreadPoolExecutor(2) as pool:
        results = list(run(given, directory, pool))
    if given.table:
        table.write(given.table, results)
    outcomes = [told.split()[0] for _, _, told in results]
    print(", ".join(f"{outcomes.count(each)} {each}" for each in ("ok", "FAILED", "skipped")))
    return 1 if "FAILED" in outcomes else 0 if "ok" in outcomes else 77


if __name__ == "__main__":
    sys.exit(main())
