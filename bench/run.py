#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# run.py BIN_FOLDER DEFAULT_JSON [OPTIONS]: tls_bench and https.py, each for its scenarios and stacks, then the report.
import argparse
import json
import os
import signal
import subprocess
import sys

import bars
from https_scenarios import SCENARIOS, STACKS, is_of_programs, number_of_threads

HERE = os.path.dirname(os.path.abspath(__file__))
STATUSES = """exit status: 0 all done; 1 wrong usage, or something that was asked for is not there and the rest has
run; 2 a run failed and the others have run; what was measured is reported in each case"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(f"bench: {message}; see --help")


def parsed():
    parser = Parser(prog="./dev bench", usage="%(prog)s [OPTION]...", epilog=STATUSES, allow_abbrev=False)
    parser.add_argument("bin_folder", help=argparse.SUPPRESS)
    parser.add_argument("default_json", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="list scenarios and stacks")
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME[:STACK,STACK]",
                        help="only this scenario, or on these stacks only; may be repeated")
    parser.add_argument("--stack", action="append", default=[], metavar="NAME",
                        help="only this stack; may be repeated. Ratios are to asio_ssl, so name that too")
    parser.add_argument("--bars", action="store_true", help="only what the bars need")
    parser.add_argument("--rounds", type=int, help="rounds of each scenario, after one that is not timed; default 15")
    parser.add_argument("--quick", action="store_true", help="3 rounds at most, less work, not all scenarios")
    parser.add_argument("--smoke", action="store_true", help="the smallest size, not timed: checks the work")
    parser.add_argument("--threads", type=number_of_threads, default=1, metavar="N",
                        help="only whole programs, with N threads for each server, in a report of their own; default 1")
    parser.add_argument("--json", help="write all rounds to this file, those of programs to another one beside it")
    return parser.parse_args()


class Ended(Exception):
    """Somebody has told us to end."""


def run(command):
    def end(*_):
        child.terminate()
        raise Ended

    with subprocess.Popen(command) as child:
        signal.signal(signal.SIGTERM, end)
        try:
            status = child.wait()
        except KeyboardInterrupt:  # The program has got it too.
            child.wait()
            raise Ended from None
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return status if status >= 0 else 2


def files_of(asked):
    """That of tls_bench and that of https.py, which are one report."""
    stem, ending = os.path.splitext(asked.json or asked.default_json)
    stem += f".threads{asked.threads}" if asked.threads > 1 and not asked.json else ""
    files = [f"{stem}{ending}", f"{stem}.https{ending}"]
    for file in files:
        try:
            with open(file, encoding="utf-8") as text:
                threads = json.load(text)["environment"].get("threads", 1)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # None, or none of ours.
            continue
        if threads != asked.threads:
            sys.exit(f"bench: what is in {file} was measured with --threads {threads}; choose another --json")
    return files


def main():
    asked = parsed()
    tls_bench = os.path.join(asked.bin_folder, "tls_bench")
    if asked.list:
        print(f"of whole programs, by https.py: {' '.join(SCENARIOS)}\n"
              f"stacks there: {' '.join(STACKS)}", flush=True)
        sys.exit(run([tls_bench, "--list"]))
    if asked.bars:
        asked.scenario += [f"{name}:{','.join(stacks)}" for name, stacks in bars.wanted(asked.threads).items()]
    of_stacks, of_programs = files_of(asked)
    options = [f"--{name}" for name in ("quick", "smoke") if getattr(asked, name)]
    options += [] if asked.rounds is None else ["--rounds", str(asked.rounds)]
    programs = [
        ([sys.executable, "-B", os.path.join(HERE, "https.py"), asked.bin_folder, of_programs, "--threads",
          str(asked.threads)],
         of_programs, [s for s in asked.scenario if is_of_programs(s)], [s for s in asked.stack if s in STACKS]),
        ([tls_bench, "--json", of_stacks], of_stacks, [s for s in asked.scenario if not is_of_programs(s)],
         [s for s in asked.stack if s not in STACKS or s in ("asio_ssl", "tls_async")])]
    status = 0
    if asked.threads > 1:
        _, _, scenarios, stacks = programs.pop()
        for name in scenarios + [s for s in stacks if s not in STACKS]:
            print(f"bench: {name} is not of whole programs, which --threads is for", file=sys.stderr)
            status = 1
    for command, file, scenarios, stacks in programs:
        if asked.scenario and not scenarios or asked.stack and not stacks:
            continue
        if os.path.exists(file):
            os.remove(file)  # A report must not take the last run's for this one's.
        for option, names in (("--scenario", scenarios), ("--stack", stacks)):
            options_of = [word for name in names for word in (option, name)]
            command = command + options_of
        try:
            status = max(status, run(command + options))
        except Ended:
            status = 2
            break
    if not asked.smoke and any(map(os.path.exists, (of_stacks, of_programs))):
        status = max(status, run([sys.executable, "-B", os.path.join(HERE, "report.py"), of_stacks]))
    sys.exit(status)


main()
