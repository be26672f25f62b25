# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import glob
import os
import shutil

from peers.peer import HERE, Program
from processes import Unable, output_of

CRATES = "/usr/share/cargo/registry"


class Rustls(Program):
    """rustls/echo.rs, built with Debian's compiler and Debian's crates."""
    name = "rustls"
    programs = ("/usr/bin/cargo", "/usr/bin/rustc")

    @staticmethod
    def crate():
        return "".join(glob.glob(f"{CRATES}/rustls-[0-9]*")).rpartition("-")[2]

    def describe(self):
        return "rustls " + self.crate()

    def prepare(self):
        settings = f"{HERE}/rustls/settings_{self.crate().rpartition('.')[0]}.rs"
        if not os.path.exists(settings):
            raise Unable(f"there are settings for rustls 0.20 and 0.23, not for {self.crate() or 'none'}")
        place = self.ours.path("rustls")
        shutil.copytree(f"{HERE}/rustls", place)
        shutil.copy(settings, f"{place}/settings.rs")
        self.ours.write("rustls/config.toml", f'[source.crates-io]\nreplace-with = "debian"\n'
                        f'[source.debian]\ndirectory = "{CRATES}"\n'.encode())
        output_of("/usr/bin/cargo", "build", "--quiet", "--offline", "--jobs", "2", cwd=place,
                  env={**os.environ, "CARGO_HOME": place, "RUSTC": "/usr/bin/rustc", "CARGO_TARGET_DIR": f"{place}/target"})
        self.command = (f"{place}/target/debug/echo",)
