# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import os

from peers.peer import HERE, Program, first_line
from processes import output_of


class Go(Program):
    """crypto/tls: echo.go."""
    name = "go"
    programs = ("go",)

    def describe(self):
        return "Go " + first_line("go", "version").split()[2][len("go"):]

    def prepare(self):
        self.command = (self.ours.path("echo-go"),)
        output_of("go", "build", "-o", *self.command, f"{HERE}/echo.go",
                  env={"HOME": self.ours.directory, **os.environ, "GO111MODULE": "off", "GOTOOLCHAIN": "local"})

    def more_cells(self):
        return self.resumptions("server", "client")
