# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""The manual pages and the completions that the programs write of themselves: nothing is missing in any, no tool
complains, and real shells complete what they should."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from programs import BIN, PATIENCE, WORK
from shell import Shell

DOCUMENTS = pathlib.Path(__file__).parents[2] / "docs"
PROGRAMS = ("https_server", "https_get", "tls_proxy")
SHELLS = ("bash", "zsh", "fish")
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SIGNALS", "EXIT STATUS", "FILES", "EXAMPLES", "SEE ALSO"]
OF_SERVICES = {"SIGNALS": ("https_server", "tls_proxy"), "FILES": ("https_server",)}
FOLDER = WORK / "completions"
(FOLDER / "site").mkdir(parents=True)
(FOLDER / "chain.pem").touch()


def say(program, *arguments):
    return subprocess.run([BIN / program, *arguments], capture_output=True, check=True, text=True).stdout


def options(program):
    """As --help has them: of each long name its short one and its value, or None."""
    found = re.findall(r"^  (?:(-\w) \[ )?(--[a-z-]+)(?: \])?(?: ([^ \n]+))?(?: |$)", say(program, "--help"), re.M)
    return {name: (short or None, value or None) for short, name, value in found}


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return unittest.skipIf(missing, f"NOT TESTED: {', '.join(missing)} is not installed; ./dev test installs it")


def complaints(*command, text=None):
    done = subprocess.run(command, capture_output=True, text=True, input=text)
    return done.stdout + done.stderr + (f"exit status {done.returncode}" if done.returncode else "")


class Pages(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.pages = {program: WORK / f"{program}.1" for program in PROGRAMS}
        for program, page in cls.pages.items():
            page.write_text(say(program, "--generate", "man"))

    @needs("mandoc")
    def test_mandoc_has_nothing_to_complain_about(self):
        for page in self.pages.values():
            self.assertEqual(complaints("mandoc", "-T", "lint", "-W", "style", page), "")

    @needs("groff")
    def test_groff_has_nothing_to_complain_about(self):
        for page in self.pages.values():
            self.assertEqual(complaints("groff", "-man", "-ww", "-z", "-K", "utf8", page), "")

    @needs("lexgrog")
    def test_whatis_finds_what_it_is(self):
        for program, page in self.pages.items():
            self.assertRegex(complaints("lexgrog", page), rf'"{program} - [a-z][^"]+[^."]"\n$')

    @needs("man")
    def test_a_reader_finds_all_sections_and_every_option(self):
        environment = os.environ | {"MANPAGER": "cat", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
        for program, page in self.pages.items():
            with self.subTest(program):
                text = subprocess.run(["man", "-l", page], env=environment, capture_output=True, check=True).stdout
                text = re.sub(r".\x08", "", text.decode())
                sections = re.findall(r"^([A-Z][A-Z ]+)$", text, re.M)
                self.assertEqual(sections, [one for one in SECTIONS if one not in OF_SERVICES or program in OF_SERVICES[one]])
                for name, (short, value) in options(program).items():
                    heading = (f"{short}, " if short else "") + name + (f" {value}" if value else "")
                    self.assertRegex(text, rf"(?m)^ {{7}}{re.escape(heading)}(?: |$)")

    def test_the_document_of_a_program_has_every_option(self):
        for program in PROGRAMS:
            document = (DOCUMENTS / f"{program}.md").read_text()
            missing = {name for name in options(program) if not re.search(rf"{name}(?![\w-])", document)}
            self.assertEqual(missing - {"--help", "--version", "--generate"}, set(), program)

    def test_the_date_is_that_of_the_build_if_it_is_told(self):
        done = subprocess.run([BIN / "https_get", "--generate", "man"], capture_output=True, check=True, text=True,
                              env=os.environ | {"SOURCE_DATE_EPOCH": "86400"})
        self.assertIn(' 1970-01-02 ', done.stdout.splitlines()[0])

    def test_another_word_is_refused(self):
        for program in PROGRAMS:
            done = subprocess.run([BIN / program, "--generate", "html"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn('--generate must be man, bash, zsh or fish, not "html"', done.stderr)


class Completions(unittest.TestCase):
    """complete(program, line) is what each shell has for the end of the line: the words of which it shows a list, or the
    line as it is once the one word is there."""

    maxDiff = None

    def check(self, shell_completes):
        def complete(program, line):  # zsh takes the slash of a folder away again
            return {word.rstrip("/") for word in shell_completes(program, line)}

        for program in PROGRAMS:
            known = options(program)
            with self.subTest(program, of="options"):
                self.assertEqual({word for word in complete(program, "--") if word.startswith("--")}, set(known))
            for name, (_, value) in known.items():
                if value and "|" in value:
                    with self.subTest(program, name=name):
                        self.assertEqual(complete(program, f"{name} "), set(value.split("|")))
            for name, (short, value) in known.items():
                for line in ([f"{name} "] if value else []) + ([f"{short} "] if short and value else []):
                    with self.subTest(program, line=line):
                        self.assertEqual(complete(program, f"{line}cha"), {"chain.pem"} if value == "FILE" else set())
                        self.assertEqual(complete(program, f"{line}si"),
                                         {"site"} if value in ("FILE", "DIR") else set())
            with self.subTest(program, of="an option with = before its value"):
                files = [name for name, (_, value) in known.items() if value == "FILE"]
                self.assertIn("chain.pem", "".join(complete(program, f"{files[0]}=cha")))

    @needs("bash")
    def test_bash(self):
        first = ["stty -echo; PS1=; bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items 0'",
                 "bind 'set page-completions off'; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'"]
        for program in PROGRAMS:
            (FOLDER / f"{program}.bash").write_text(say(program, "--generate", "bash"))
            self.assertEqual(complaints("bash", "-n", FOLDER / f"{program}.bash"), "")
            first.append(f"source ./{program}.bash; {program}() {{ printf '\\nGOT'; printf '<%s>' \"$@\"; echo END; }}")
        first.append("PS1='REA''DY> '")
        with Shell(["bash", "--norc", "--noprofile", "-i"], first, FOLDER, PATIENCE) as shell:
            self.check(lambda program, line: self.completed(shell, program, line))

    @needs("zsh")
    def test_zsh(self):
        first = ["stty -echo; PS1=; fpath=($PWD $fpath); unsetopt always_last_prompt auto_menu beep list_ambiguous prompt_sp; unset zle_bracketed_paste",
                 "zstyle ':completion:*' list-prompt ''; LISTMAX=10000; autoload -U compinit; compinit -u -D"]
        for program in PROGRAMS:
            (FOLDER / f"_{program}").write_text(say(program, "--generate", "zsh"))
            self.assertEqual(complaints("zsh", "-n", FOLDER / f"_{program}"), "")
            first.append(f"{program}() {{ printf '\\nGOT'; printf '<%s>' \"$@\"; echo END; }}")
        first.append("PS1='REA''DY> '")
        with Shell(["zsh", "-f", "-i"], first, FOLDER, PATIENCE) as shell:
            self.check(lambda program, line: self.completed(shell, program, line))

    def completed(self, shell, program, line):
        before, _, after = shell.type(f"{program} {line}\t\n", b">END").partition("GOT<")
        listed = "\n".join(one for one in before.splitlines()[1:] if "READY>" not in one)
        words = set(re.sub(r" +-- .*", "", listed).split())
        word = after.partition(">END")[0].split("><")[-1]
        return words or ({word} if word != line.split(" ")[-1] else set())

    @needs("fish")
    def test_fish(self):
        for program in PROGRAMS:
            (FOLDER / f"{program}.fish").write_text(say(program, "--generate", "fish"))
            self.assertEqual(complaints("fish", "-n", FOLDER / f"{program}.fish"), "")

        def complete(program, line):
            script = f"source {FOLDER}/{program}.fish; cd {FOLDER}; complete -C '{program} {line}'"
            done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, check=True, text=True,
                                  env=os.environ | {"HOME": str(FOLDER)})
            return {text.split("\t")[0] for text in done.stdout.splitlines()}

        self.check(complete)


if __name__ == "__main__":
    unittest.main()
