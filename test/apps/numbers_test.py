# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Every number on every command line of the programs: what is none, or out of bounds, is refused in words.

And what every program says about itself.
"""

import re
import subprocess
import unittest

from programs import BIN, PATIENCE

NEEDED = {  # what stands beside the number, so that it is the only thing wrong
    "echo_client": ["--connect", "localhost:1"],
    "echo_server": ["--cert", "c", "--key", "k"],
    "http2_get": ["--connect", "localhost:1", "/"],
    "http2_server": ["--cert", "c", "--key", "k"],
    "https_get": ["https://localhost:1/x"],
    "https_server": [],
    "tls_proxy": ["--mode", "client", "--connect", "localhost:1"],
}
NO_PORTS = ("65536", "74000", "131152", "4294967376", "-1", "+1", "1x", "x1", "1.5", "")


def refused(program, *arguments):
    """What the program says as it refuses these."""
    done = subprocess.run([BIN / program, *arguments], capture_output=True, check=False, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (1, ""), (program, arguments, done)
    return done.stderr


class Information(unittest.TestCase):
    def say(self, program, option):
        done = subprocess.run([BIN / program, option], capture_output=True, check=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_each_program_has_help_and_its_versions_in_two_spellings(self):
        for program in NEEDED:
            with self.subTest(program):
                self.assertEqual(self.say(program, "-h"), self.say(program, "--help"))
                self.assertIn("--version", self.say(program, "-h"))
                self.assertEqual(self.say(program, "-V"), self.say(program, "--version"))
                self.assertRegex(self.say(program, "-V"), rf"^{program} \(tls_async\) \d+\.\d+\.\d+\n"
                                 r"OpenSSL \d+\.\d+\.\d+.*\nBoost \d+\.\d+\.\d+\n$")


class Numbers(unittest.TestCase):
    def test_each_option_that_is_a_number_is_refused_in_words(self):
        for program, needed in NEEDED.items():
            text = subprocess.run([BIN / program, "--help"], capture_output=True, check=True, text=True).stdout
            names = re.findall(r"^ +(--[a-z-]+) N ", text, re.MULTILINE)
            if "seconds" in text:
                self.assertTrue(names)
            for name in names:
                for value in ("x", "1x", "1.5", "", "-1", "+1", "4294967297", "18446744073709551617"):
                    with self.subTest(program, name=name, value=value):
                        said = refused(program, *needed, f"{name}={value}") if value else refused(
                            program, *needed, name, value)
                        self.assertRegex(said, f'{name} must be a number between [0-9]+ and [0-9]+, not "')

    def test_each_port_is_one(self):
        for program, needed in NEEDED.items():
            for value in NO_PORTS:
                with self.subTest(program, value=value):
                    if program == "https_get":
                        if value:  # a URL may leave it out behind the colon
                            self.assertIn("its port ", refused(program, f"https://localhost:{value}/x"))
                    elif "localhost:1" in needed:
                        if program == "tls_proxy" and value == "x1":
                            continue  # it could be the name of a service
                        wrong = [f"localhost:{value}" if one == "localhost:1" else one for one in needed]
                        self.assertIn("--connect", refused(program, *wrong))
                    else:
                        self.assertIn("--listen", refused(program, *needed, "--listen", f"127.0.0.1:{value}"))


if __name__ == "__main__":
    unittest.main()
