#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Breaks the library by each mutant of mutants.py in turn, and asks the machines one after the other who notices.

It works in a tree of its own, build/mutants/tree, at HEAD: what is not committed is not there. Ends with 1 if fewer
than nine mutants of ten were found."""
import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from mutants import MUTANTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "build/mutants/tree"
# The preset, the target, how it is run with {} for so many seconds, and how many more it may take before it hangs.
MACHINES = {
    "gates": ("dev", "gates_test", "build/dev/test/gates/gates_test --log_level=error", 600),
    "core": ("dev", "core_test", "build/dev/test/core/core_test --log_level=error", 300),
    "model": ("dev", "model", "build/dev/test/model/model --seed 1 --seconds {} --minimise 0", 60),
    "hostile": ("dev", "hostile_test", "build/dev/test/hostile/hostile_test --log_level=error", 600),
    "torture": ("dev", "torture", "build/dev/test/torture/torture --every 7", 900),
    "ring": ("fuzz", "fuzzers", "./dev fuzz ring {}", 60),
    "engine": ("fuzz", "fuzzers", "./dev fuzz engine {}", 60),
    "two_engines": ("fuzz", "fuzzers", "./dev fuzz two_engines {}", 60),
    "threads": ("tsan", "threads_model",
                "setarch -R build/tsan/test/threads/threads_model --seconds {} --patience 60", 300),
}
COMPLAINT = re.compile(r"found by seed|error: in|\*\*\*|ERROR: |WARNING: Thread|Assertion|runtime error|must:|^ *[0-9]+ x")


def first_complaint(output, status):
    for line in output.splitlines():
        if COMPLAINT.search(line):
            return line.strip()[:150]
    lines = output.strip().splitlines() or [""]
    return f"status {status}: {lines[-1].strip()[:130]}"


def build(preset, target):
    if not (TREE / "build" / preset / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", preset], cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    command = ["cmake", "--build", "--preset", preset, "--target", target]
    done = subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\nrun.py: {target} can't be built")


def ask(machine, seconds, log):
    """None, or how it noticed."""
    preset, target, command, patience = MACHINES[machine]
    build(preset, target)
    begin = time.monotonic()
    process = subprocess.Popen(command.format(seconds).split(), cwd=TREE, stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds + patience)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, status = process.communicate()[0], "hangs"
    took = time.monotonic() - begin
    log.write_text(output)
    if status == 0:
        return None
    return took, "it hangs" if status == "hangs" else first_complaint(output, status)


def judge(number, file, old, new, machines, seconds):
    """Tries one mutant on the machines until one finds it. The tree is as before afterwards."""
    source = TREE / file
    text = source.read_text()
    source.write_text(text.replace(old, new))
    try:
        for machine in machines:
            log = TREE.parent / f"{number}-{machine}.log"
            if found := ask(machine, seconds, log):
                return machine, *found
    finally:
        source.write_text(text)
    return None


def main():
    known = argparse.ArgumentParser(description=__doc__)
    known.add_argument("numbers", nargs="*", type=int, help="of mutants; all of them otherwise")
    known.add_argument("--seconds", type=int, default=300, help="for each machine")
    known.add_argument("--machines", default="gates,model,hostile,torture,ring,threads", help="in this order")
    given = known.parse_args()
    machines = given.machines.split(",")
    if not TREE.exists():
        subprocess.run(["git", "worktree", "add", "--detach", str(TREE), "HEAD"], cwd=ROOT, check=True)
    wanted = [each for each in MUTANTS if not given.numbers or each[0] in given.numbers]
    stale = [f"mutant {number}: {file} has the old text {(TREE / file).read_text().count(old)} times"
             for number, file, old, *_ in wanted if (TREE / file).read_text().count(old) != 1]
    if stale:
        sys.exit("\n".join(stale))
    missed = 0
    for number, file, old, new, suffers in wanted:
        found = judge(number, file, old, new, machines, given.seconds)
        missed += not found
        told = f"{found[0]} | {found[1]:.0f} s | {found[2]}" if found else f"nobody | | {suffers}"
        print(f"| {number} | {pathlib.Path(file).name} | {told} |", flush=True)
    print(f"mutants: {len(wanted) - missed} of {len(wanted)} found")
    return 1 if 10 * missed > len(wanted) else 0


if __name__ == "__main__":
    sys.exit(main())
