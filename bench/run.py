#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
#
# run.py BIN_FOLDER DEFAULT_JSON [OPTIONS]: tls_bench and https.py, each for its scenarios and stacks, then the report.
import argparse
import os
import signal
import subprocess
import sys

import bars
from https_scenarios import SCENARIOS, STACKS

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


def main():
    asked = parsed()
    tls_bench = os.path.join(asked.bin_folder, "tls_bench")
    if asked.list:
        print(f"of whole programs, by https.py: {' '.join(SCENARIOS)}\n"
              f"stacks there: {' '.join(STACKS)}", flush=True)
        sys.exit(run([tls_bench, "--list"]))
    if asked.bars:
        asked.scenario += [f"{name}:{','.join(stacks)}" for name, stacks in bars.wanted().items()]
    json = asked.json or asked.default_json
    stem, ending = os.path.splitext(json)
    options = [f"--{name}" for name in ("quick", "smoke") if getattr(asked, name)]
    options += [] if asked.rounds is None else ["--rounds", str(asked.rounds)]
    of_programs = lambda name: name.startswith(("https_", "proxy_"))
    programs = [
        ([sys.executable, "-B", os.path.join(HERE, "https.py"), asked.bin_folder, f"{stem}.https{ending}"],
         f"{stem}.https{ending}", [s for s in asked.scenario if of_programs(s)],
         [s for s in asked.stack if s in STACKS]),
        ([tls_bench, "--json", json], json, [s for s in asked.scenario if not of_programs(s)],
         [s for s in asked.stack if s not in STACKS or s in ("asio_ssl", "tls_async")])]
    status = 0
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
    if not asked.smoke and any(map(os.path.exists, (json, f"{stem}.https{ending}"))):
        status = max(status, run([sys.executable, "-B", os.path.join(HERE, "report.py"), json]))
    sys.exit(status)


main()
