# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""commands.py PROJECT BUILD: the test programs that the documents run exist, and have the cases that they ask for."""
import fnmatch
import pathlib
import re
import subprocess
import sys

COMMAND = re.compile(r"build/dev/(test/\w+/\w+)\b[^`\n|]*?(?:--run_test=|-t )'?([^\s'`@]+)")


def cases(program):
    """The path of each suite and case, as its names: Boost.Test lists them indented by four for each level."""
    listed = subprocess.run([program, "--list_content"], check=True, capture_output=True, text=True)
    path = []
    for line in (listed.stdout + listed.stderr).splitlines():
        if name := line.strip().partition(":")[0].rstrip("*"):
            path = path[:(len(line) - len(line.lstrip())) // 4] + [name]
            yield path


def matches(path, wanted):
    return len(path) == len(wanted) and all(map(fnmatch.fnmatch, path, wanted))


def main():
    project, build = map(pathlib.Path, sys.argv[1:])
    found = [(document.relative_to(project), *command) for document in [*project.glob("*.md"), *project.glob("docs/**/*.md")]
             for command in COMMAND.findall(document.read_text())]
    faults = [f"{document}: {program} has no case {wanted}" for document, program, wanted in found
              if not any(matches(path, wanted.split("/")) for path in cases(build / program))]
    print("\n".join(faults), f"{len(found)} commands", sep="\n")
    return bool(faults) or not found


sys.exit(main())
