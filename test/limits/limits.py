#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""limits.py --peer limits_peer [--page FILE | --quick [--check FILE]]: the programs under attack, one row for each.

Deterministic, and so an error where it is otherwise: the honest client is served each time, the program goes on and
ends as it should, its descriptors are back, and the attack was ended as is said. Memory and CPU are told only. The
programs are in the folder PROGRAMS, as for the tests of apps.
"""
import argparse
import concurrent.futures
import os
import pathlib
import platform
import resource
import ssl
import subprocess
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "apps"), str(HERE.parent / "support")]
import page
import programs
from attack import ATTACKS, Attack
from programs import HttpsServer
from row import Row
from scene import Scene
import attacks_time  # each adds its attacks
import attacks_tls
import attacks_http2

AT_ONCE = 6  # of a quick run, which mostly waits


def run(program, attack, given):
    """The row, or None, and what is wrong."""
    try:
        with Scene(program, attack, given) as scene:
            row = Row(scene, attack)
        wrong = row.wrong
    except Exception:  # pylint: disable=broad-except
        row, wrong = None, [traceback.format_exc()]
    return row, [f"{attack.name}, {program}: {what}" for what in wrong]


def at_the_limit(given):
    """So many messages are taken, and one more ends the session. Returns what is otherwise."""
    wrong = []
    # OpenSSL counts the close_notify that follows among the alerts.
    for flood, version, most, behind in (
            ("key_updates", "1.3", 32, 0), ("key_updates_with_requests", "1.3", 32, 0), ("empty_records", "1.3", 32, 0),
            ("empty_records", "1.2", 32, 0), ("user_canceled", "1.3", 4, 1), ("user_canceled", "1.2", 4, 1),
            ("renegotiations", "1.2", 1, 0), ("tickets", "1.3", 0, 0)):
        for program in ("https_server", "echo_server"):
            with Scene(program, Attack(flood, None, "", ""), given) as scene:
                for messages in (most - behind, most + 1 - behind):
                    told = scene.peer("--flood", flood, "--tls", version, "--messages", messages)
                    is_taken = told["ended"] == {"close_notify": 1}
                    if is_taken != (messages + behind <= most):
                        wrong.append(f"{program}, {messages} of {flood}, TLS {version}: {told['ended']}")
    return wrong


def of_this_run():
    """Which sources, and when they were committed; on what."""
    git = subprocess.run(["git", "-C", HERE, "log", "-1", "--format=sources of %cs, "],
                         capture_output=True, text=True, check=False)
    return (f"The run: {git.stdout.strip()} preset release, {platform.freedesktop_os_release()['PRETTY_NAME']}, "
            f"{' '.join(ssl.OPENSSL_VERSION.split()[:2])}, {os.cpu_count()} processors.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--peer", type=pathlib.Path, required=True, help="limits_peer")
    parser.add_argument("--page", type=pathlib.Path, help="docs/limits.md, to write")
    parser.add_argument("--quick", action="store_true", help="less of each, some at once, and not the longest")
    parser.add_argument("--check", type=pathlib.Path, help="docs/limits.md, to compare its words")
    parser.add_argument("words", nargs="*", help="only attacks on programs with one of these in their names")
    given = parser.parse_args()
    given.peer = given.peer.resolve()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    given.root = programs.WORK / "root"
    given.root.mkdir()
    for name in ("file", "small.txt"):
        (given.root / name).write_bytes(b"content")
    with (given.root / "large").open("wb") as file:
        file.truncate(64 << 20)
    with HttpsServer(None):
        pass  # it makes the certificate
    chosen = [(program, attack) for program, attack in ATTACKS if not (given.quick and attack.full_only)
              and not (attack.descriptors and programs.SANITIZER)  # which needs one itself now and then
              and (not given.words or any(word in f"{attack.name}, {program}" for word in given.words))]
    rows, wrong = [], []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE if given.quick else 1) as pool:
        for row, complaints in pool.map(lambda one: run(*one, given), chosen):
            if row:
                rows.append(row)
                print(page.line(page.cells(row)), end="", flush=True)
            wrong += complaints
            print("\n".join(complaints), end="\n" * bool(complaints), file=sys.stderr, flush=True)
    if not given.words:
        wrong += at_the_limit(given)
    if given.check:
        wrong += page.complaints(given.check, ATTACKS)
    if given.page and not wrong:
        page.write(given.page, rows, of_this_run())
    print(f"{len(rows)} attacks", *(wrong or ["nothing wrong"]), sep="\n")
    sys.exit(1 if wrong else 0)


main()
