# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""operate_test.py PROJECT: the walk of docs/guide/operate.md, block for block.

The commands run as they stand, but below a directory in place of /, on free ports, and with stand-ins for apt, certbot
and systemctl, which note what they were asked for; this test then does it: certbot's files and links, and what the unit
says, with its own command line. Prometheus and logrotate check and run what is theirs, where they are installed.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import unittest

import programs
from programs import PATIENCE, WORK, Server
from tls_context import client_context

PROJECT = pathlib.Path(sys.argv.pop())
PAGE = (PROJECT / "docs" / "guide" / "operate.md").read_text()
UNIT = PROJECT / "deploy" / "https_server.service"
NAME = "www.example.org"
ROOT = WORK / "machine"
STAND_INS, ASKED, CURL = ROOT / "stand-ins", ROOT / "asked", ROOT / "curlrc"
PACKAGES = ROOT / "packages"
LETSENCRYPT = ROOT / "etc" / "letsencrypt"


def blocks(kind):
    """The blocks of the page, with paths below ROOT."""
    found = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    found = [re.sub(r"(?<![\w.])/(etc|srv|var)/", rf"{ROOT}/\1/", block) for block in found]
    return [block.replace("/usr/lib/systemd/system/https_server.service", str(UNIT)) for block in found]


def settings(name):
    """What the unit says, and then its drop-ins, where an empty value undoes what was said before."""
    said = []
    for file in (UNIT, *(ROOT / "etc" / "systemd" / "system").glob("https_server.service.d/*.conf")):
        for value in re.findall(rf"(?m)^{name}=(.*)$", file.read_text().replace("\\\n", "")):
            said = [*said, value] if value else []
    return said


def tool(name):
    """Where it is; an ordinary user's PATH has not all of them."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class Walk(unittest.TestCase):
    def setUp(self):
        for directory in (STAND_INS, PACKAGES, LETSENCRYPT / "renewal-hooks" / "deploy", *(ROOT / each for each in (
                "etc/default", "etc/https_server", "etc/logrotate.d", "srv", "var/log/https_server"))):
            directory.mkdir(parents=True)
        for name in ("libtls-async0.1.1", "libtls-async-dev", "tls-async-tools"):
            (PACKAGES / f"{name}_0.1.1_amd64.deb").touch()
        for name in ("addgroup", "apt", "certbot", "chgrp", "systemctl"):
            self.stand_in(name, f'echo "{name} $*" >> {ASKED}')
        self.stand_in("curl", f'exec {shutil.which("curl")} -q -K {CURL} "$@"')
        self.authority = programs.make_certificate("operate authority")
        self.certificates = 0
        self.server = None
        self.addCleanup(self.stop)

    def stand_in(self, name, command):
        (STAND_INS / name).write_text(f"#!/bin/sh\n{command}\n")
        (STAND_INS / name).chmod(0o755)

    def run_commands(self, commands):
        """Runs them, then does what the stand-ins were asked for, and returns what was printed."""
        path = f"{STAND_INS}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-euc", commands], cwd=PACKAGES, env={**os.environ, "PATH": path, "RENEWED_LINEAGE": "x"},
                              capture_output=True, check=False, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""), commands)
        self.do_what_was_asked()
        return done.stdout

    def do_what_was_asked(self):
        asked = ASKED.read_text().splitlines() if ASKED.exists() else []
        ASKED.unlink(missing_ok=True)
        for program, verb, *rest in map(str.split, asked):
            if program == "apt":
                self.assertEqual(rest, ["certbot", "curl", "./libtls-async0.1.1_0.1.1_amd64.deb", "./tls-async-tools_0.1.1_amd64.deb"])
            elif program == "certbot":
                self.certify()
                for hook in sorted((LETSENCRYPT / "renewal-hooks" / "deploy").iterdir()) if verb == "renew" else ():
                    self.run_commands(str(hook))
            elif program == "systemctl" and verb == "reload":
                self.assertEqual(settings("ExecReload"), ["/bin/kill -HUP $MAINPID"])
                self.server.signal(signal.SIGHUP)
            elif program == "systemctl" and verb != "daemon-reload" and rest[-1] == "https_server":
                self.assertIn(verb, ("enable", "restart", "try-restart"))
                self.stop()
                self.start()

    def certify(self):
        """What certbot leaves: the next files in archive, and links in live to them."""
        self.certificates += 1
        archive, live = (LETSENCRYPT / place / NAME for place in ("archive", "live"))
        for directory in (archive, live):
            directory.mkdir(parents=True, exist_ok=True)
        made = programs.make_certificate(f"certificate {self.certificates}", names=[f"DNS:{NAME}"], signer=self.authority)
        certificate, key, chain = (file.read_bytes() for file in (*made, self.authority[0]))
        for part, content in (("cert", certificate), ("chain", chain), ("fullchain", certificate + chain), ("privkey", key)):
            file, link = archive / f"{part}{self.certificates}.pem", live / f"{part}.pem"
            file.write_bytes(content)
            file.chmod(0o600 if part == "privkey" else 0o644)
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/{NAME}/{file.name}")

    def start(self):
        """Starts the server as the unit says, but on free ports."""
        credentials = ROOT / "credentials"
        shutil.rmtree(credentials, ignore_errors=True)
        credentials.mkdir()
        for credential in settings("LoadCredential"):
            name, file = credential.split(":")
            shutil.copy(ROOT / file.lstrip("/"), credentials / name)
        defaults = (ROOT / settings("EnvironmentFile")[0].lstrip("-/")).read_text()
        options = shlex.split(re.search(r"(?m)^OPTIONS=(.*)$", defaults)[1])[0].split()
        self.assertEqual((options[options.index("--listen") + 1], options[options.index("--admin") + 1]),
                         ("[::]:443", "9443"))
        options[options.index("--admin") + 1] = "0"
        at = options.index("--listen")
        del options[at:at + 2]
        [command] = settings("ExecStart")
        program, *words = shlex.split(command.replace("${CREDENTIALS_DIRECTORY}", str(credentials)))
        at = words.index("$OPTIONS")
        self.server = Server(pathlib.Path(program).name, *words[:at], *options, *words[at + 1:])
        admin = self.server.out.wait_for("metrics: ").split()[1].split("/")[2]
        CURL.write_text(f'silent\nshow-error\nnoproxy = "*"\ncacert = "{self.authority[0]}"\n'
                        f'connect-to = "{NAME}:443:127.0.0.1:{self.server.port}"\nconnect-to = "127.0.0.1:9443:{admin}"\n')

    def stop(self):
        if self.server:
            self.assertEqual(self.server.stop(), 0)
            self.server.__exit__()
        self.server = None

    def shown(self):
        """The certificate that a new connection gets."""
        context = client_context(self.authority[0])
        with self.server.connect_tls(context, host=NAME) as connection:
            return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]

    def wait_for_file(self, file):
        give_up = time.monotonic() + PATIENCE
        while not file.exists():
            self.assertLess(time.monotonic(), give_up)

    def test_a_stranger_serves_renews_watches_and_rotates(self):
        install, certify, link, start, look, hook, renew, group, log, rotation, proxy = blocks("sh")
        for block in (install, certify, link, start):
            self.run_commands(block)
        self.assertEqual(self.run_commands(look), "hello\nready\n")
        self.assertEqual(self.shown(), "certificate 1")

        self.run_commands(hook)
        before = self.server
        self.run_commands(renew)
        self.assertIsNot(self.server, before)
        self.assertEqual(self.shown(), "certificate 2")

        # Without the copies of systemd a reload is enough.
        self.run_commands(group)
        before = self.server
        self.run_commands(renew)
        self.server.err.wait_for("certificates: read again")
        self.assertIs(self.server, before)
        self.assertEqual(self.shown(), "certificate 3")

        self.look_at_metrics()

        self.run_commands(log)
        self.run_commands(look)
        self.run_commands(rotation)
        self.rotate()
        self.look_at_proxy(proxy)

    def look_at_proxy(self, commands):
        self.run_commands(commands)
        unit = (ROOT / "etc" / "systemd" / "system" / "tls_proxy.service").read_text()
        self.assertIn("\nExecStart=/usr/bin/tls_proxy --cert ", unit)
        self.assertNotIn("https_server", unit)
        options = re.search(r'(?m)^OPTIONS="(.*)"$', (ROOT / "etc" / "default" / "tls_proxy").read_text())[1].split()
        self.assertEqual((options[:2], options[-2:]), (["--listen", "[::]:8443"], ["--admin", "9444"]))
        pair = [ROOT / "etc" / "tls_proxy" / f"{name}.pem" for name in ("cert", "key")]
        with Server("tls_proxy", "--cert", pair[0], "--key", pair[1], *options[2:-1], "0") as server:
            self.assertEqual(server.stop(), 0)

    def look_at_metrics(self):
        text = self.run_commands(f"curl https://{NAME}/; curl http://127.0.0.1:9443/metrics")
        metrics = set(re.findall(r"(?m)^# TYPE tls_async_(\w+) ", text))
        table = re.search(r"(?m)^\| metric, .*?\n\n", PAGE, re.DOTALL)[0]
        self.assertEqual(metrics, {name for row in table.splitlines()[2:] if row for name in re.findall(r"`(\w+)`", row.split("|")[1])})
        scrape, rules = blocks("yaml")
        for metric in re.findall(r"tls_async_(\w+)", rules):
            self.assertIn(metric, metrics)
        for label in re.findall(r"tls_async_\w+\{\w+=\"\w+\"\}", rules):
            self.assertIn("\n" + label + " ", text)
        (ROOT / "prometheus.yml").write_text(scrape)
        (ROOT / "https_server.rules.yml").write_text(rules)
        if promtool := tool("promtool"):
            subprocess.run([promtool, "check", "config", ROOT / "prometheus.yml"], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([promtool, "check", "metrics"], input=text.partition("\n")[2], check=True, text=True)

    def rotate(self):
        log, moved = (ROOT / "var" / "log" / "https_server" / name for name in ("access.log", "access.log.1"))
        rules = ROOT / "etc" / "logrotate.d" / "https_server"
        self.assertRegex(rules.read_text(), r"\n  maxsize \d+M\n")
        if logrotate := tool("logrotate"):
            said = subprocess.run([logrotate, "--debug", rules], capture_output=True, check=True, text=True).stderr
            self.assertRegex(said, r"log files >= \d+ are rotated earlier")
            self.assertNotIn("error:", said)
            self.run_commands(f"{logrotate} --force --state {ROOT}/state {rules}")
        else:
            log.rename(moved)
            self.run_commands(re.search(r"(?s)postrotate\n(.*?)endscript", rules.read_text())[1])
        self.wait_for_file(log)
        self.run_commands(f"curl https://{NAME}/")
        self.stop()
        for file in (moved, log):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual([line["status"] for line in lines if "target" in line], [200])


class Signs(unittest.TestCase):
    def test_each_sign_is_what_a_program_says(self):
        files = [file for folder in ("apps", "libtls_async/src") for file in (PROJECT / folder).rglob("*.[ch]pp")]
        sources = "".join(file.read_text() for file in files)
        sources = re.sub(r'"\s*\n\s*"', "", sources)
        table = PAGE.partition("\n| sign |")[2]
        signs = re.findall(r"(?m)^\| `([^`]+)`", table)
        self.assertGreater(len(signs), 10)
        for sign in signs:
            self.assertTrue(sign.removesuffix("Too many open files") in sources, sign)


if __name__ == "__main__":
    unittest.main()
