#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""checklist.py docs/checklist.md TEST_ROOT PROGRAM...: fails unless each item of the table has a test that carries it
as its label, in each file that the table names for it, and each such label is an item of the table."""

import pathlib
import re
import subprocess
import sys

PAGES = {*(f"M{n}" for n in range(1, 12)), *(f"W{n}" for n in range(1, 19))}
DECORATED = re.compile(r"BOOST_TEST_DECORATOR\((.*?)\)\s*BOOST_\w*TEST_CASE", re.DOTALL)
ITEM = re.compile(r"[MW]\d+")


def labels_of(program):
    told = subprocess.run([program, "--list_labels"], capture_output=True, text=True, check=True)
    return {word for word in (told.stdout + told.stderr).split() if ITEM.fullmatch(word)}


def labels_in(source):
    return {
        item
        for decorators in DECORATED.findall(source.read_text())
        for item in re.findall(r'label\("([MW]\d+)"\)', decorators)
    }


def faults(table, test_root, programs):
    rows = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if ITEM.fullmatch(cells[0]):
            if cells[0] in rows:
                yield f"{cells[0]} stands twice in the table"
            rows[cells[0]] = cells
    for item in sorted(PAGES ^ set(rows)):
        yield f"{item} is an item of the pages or of the table, but not of both"
    labels = set().union(*map(labels_of, programs))
    for item in sorted(labels - set(rows)):
        yield f"{item} is the label of a test, but no item of the table"
    carried = {source.name: labels_in(source) for source in test_root.glob("*/*_test.cpp")}
    for item, cells in rows.items():
        files = set(re.findall(r"`(\w+\.cpp)`", cells[-1]))
        if item not in labels:
            yield f"{item} has no test with its label"
        if item in labels and not files:
            yield f"{item} has tests, but the table names no file"
        for name in sorted(files):
            if item not in carried.get(name, set()):
                yield f"{item}: no test in {name} has its label"


def main():
    table, test_root, *programs = sys.argv[1:]
    found = list(faults(pathlib.Path(table).read_text(), pathlib.Path(test_root), programs))
    print("\n".join(found))
    return bool(found)


sys.exit(main())
