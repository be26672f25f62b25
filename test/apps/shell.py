# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""A shell at a terminal of its own: keys are typed, and what is shown is read."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import termios

PROMPT = b"READY> "


class Shell:
    """The prompt has to become PROMPT by one of the `first` lines."""

    def __init__(self, command, first, folder, patience=60):
        self._patience = patience
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
            os.execvpe(command[0], command, environment)
        # Wide and high, so that nothing is wrapped or asked about.
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 400, 0, 0))
        # Not typed line by line: what is typed ahead may be lost where a shell sets the terminal between two commands.
        pathlib.Path(folder, ".first").write_text("\n".join(first) + "\n")
        os.write(self._terminal, b"source ./.first\n")
        self._until(lambda shown: PROMPT in shown)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def _until(self, is_enough):
        shown = b""
        while not is_enough(shown):
            if not select.select([self._terminal], [], [], self._patience)[0]:
                raise AssertionError(f"the shell hangs after {shown!r}")
            shown += os.read(self._terminal, 65536)
        return shown

    def type(self, keys, end):
        """What is shown from the keys on to the prompt that is behind the `end`, without colours and movements."""
        os.write(self._terminal, keys.encode())
        shown = self._until(lambda shown: PROMPT in shown.partition(end)[2])
        return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x07", b"", shown).decode()
