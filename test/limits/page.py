# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""docs/limits.md, from what ran."""
import re

HEAD = """# Limits under attack

What attackers can do to `https_server`, `http2_server`, `tls_proxy` and `echo_server`, what limits it, and what it
costs: each row is a run of one attack on one program, over loopback, while an honest client asks the same program ten
times a second, on a new connection each time, and compares what it gets. This page is made by a run:

```sh
./dev limits                          # all attacks, and writes this page; a quarter of an hour
./dev test dev -R apps/limits         # all but the longest, smaller, and the words of this page are compared
```

- **limit**: what ends it or bounds it, with its default. "None" is said where there is nothing.
- **run with**: the options of the program. Limits of time are short, so that the run is.
- **sent**: by all connections of the attacker until it saw their end; what was still in the kernel then counts too.
- **ended**: how, for each of its connections. An alert has the number of RFC 8446 section 6; *cut off* is without
  close_notify; *left* is by the attacker, after 12 seconds where nothing ends it.
- **memory**: how far the resident memory rose, and where it was when all connections had ended, and when those of a
  second attack of the same kind had ended too. An allocator keeps some.
- **descriptors**: the most that were open, above those of the idle program.
- **CPU**: of the program, without what the honest client costs alone: in all, and for each of what was sent.
- **honest**: how many of its requests were answered rightly, and the longest time that one took, with the attacker at
  work on the same processors.

What has no limit of its own:

- Who connects and says nothing has a place for `--handshake-seconds`, or a fifth of that once all places are taken and
  another waits for one. One address has a quarter of the places at most (`--connections-per-address`,
  [Admission](guide/operate.md#admission)); from many addresses it is the firewall's affair.
- Who sends or reads a little now and then is served for as long as that is progress, and has a place.
- Where there are fewer descriptors than `--max-connections` needs, of which a warning at the start tells, `tls_proxy`
  may take a client in and then have no descriptor for the backend; it cuts that client off.
- `echo_server`, the tutorial's, has no limit of connections, and none of time once a handshake is done.

What is not here: the limits that concern one honest client only, such as the size of a header
([https_server.md](https_server.md#limits-and-the-end), [tls_proxy.md](tls_proxy.md#limits-and-the-end)).
"""
COLUMNS = ("attack", "program", "limit", "run with", "sent", "ended", "memory (KiB)", "descriptors", "CPU", "honest")


def cells(row):
    attack, outcome = row.attack, row.outcome
    ended = ", ".join(f"{number} × {how}" for how, number in sorted(outcome.ended.items()))
    limit = [f"ulimit -n {attack.descriptors}"] if attack.descriptors else []
    given = re.sub(r"/\S+", "FILE", " ".join(map(str, attack.options)))
    options = ", ".join(f"`{each}`" for each in [*limit, given] if each)
    each = row.cpu * 1e6 / max(1, outcome.sent)
    return (attack.name, f"`{row.target}`", attack.limit, options, f"{outcome.sent} {outcome.unit}", ended,
            f"{row.peak}, {row.after}, {row.after_second}", str(row.most_descriptors - row.descriptors),
            f"{row.cpu:.2f} s, {each:.{0 if each >= 10 else 1}f} µs",
            f"{row.served} of {row.asked}, {row.longest:.2f} s")


def line(texts):
    return "| " + " | ".join(texts) + " |\n"


def table(rows):
    return line(COLUMNS) + line(["---"] * len(COLUMNS)) + "".join(line(cells(row)) for row in rows)


def write(path, rows, of):
    path.write_text(f"{HEAD}\n{of}\n\n{table(rows)}", encoding="utf-8")


def complaints(path, attacks):
    """Whether the page has the attacks, programs, limits and ends that there are now."""
    there = [tuple(cell.strip() for cell in each.split("|")[1:-1])
             for each in path.read_text(encoding="utf-8").splitlines() if each.startswith("| ")][2:]
    said = [(name, program, limit, re.sub(r"\d+ × ", "", ended)) for name, program, limit, _, _, ended, *_ in there]
    now = [(attack.name, f"`{program}`", attack.limit, attack.ends) for program, attack in attacks]
    wrong = [f"not on the page: {each}" for each in now if each not in said]
    wrong += [f"on the page only: {each}" for each in said if each not in now]
    if not path.read_text(encoding="utf-8").startswith(HEAD):
        wrong.append("its text is another")
    return [f"{path.name}: {each}; ./dev limits makes it again" for each in wrong]
