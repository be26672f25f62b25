# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Runs a client again and again until there were so many connections, and counts how often it said that it resumed."""
import argparse
import os
import subprocess

LINE = b"the echo\n"


def output_of_one(command):
    """It is fed a line, and its input ends when the echo has come."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        client.stdin.write(LINE)
        client.stdin.flush()
        seen = b""
        while LINE not in seen and (piece := os.read(client.stdout.fileno(), 65536)):  # it may come amid a line
            seen += piece
        client.stdin.close()
        return seen + client.stdout.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, required=True, help="in all")
    parser.add_argument("--each", type=int, default=1, help="connections of one run")
    parser.add_argument("--says", required=True, help="what it prints for one that resumed")
    parser.add_argument("--later", action="append", default=[], help="an argument for all runs but the first")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    resumed = 0
    for at in range(given.connections // given.each):
        resumed += output_of_one(given.command + (given.later if at else [])).count(given.says.encode())
    print(f"resumed {resumed} of {given.connections}", flush=True)


if __name__ == "__main__":
    main()
