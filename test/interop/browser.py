# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""A headless Chromium, driven by chromedriver: see https://www.w3.org/TR/webdriver2/."""
import base64
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

from processes import PATIENCE, Failed, listening_port, running


def key_hash(certificate):
    """What Chromium knows a key by. Only the certificates with this key are exempt from its verification."""
    def openssl(*command, given=b""):
        return subprocess.run(["openssl", *command], input=given, capture_output=True, check=True).stdout
    key = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    der = openssl("pkey", "-pubin", "-outform", "der", given=key)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def descendants(pid):
    with contextlib.suppress(FileNotFoundError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as children:
                for child in children.read().split():
                    yield int(child)
                    yield from descendants(child)


class Browser:
    """One window."""

    def __init__(self, driver, certificate, *options):
        self.driver, self.address = driver, f"http://127.0.0.1:{listening_port(driver)}/session"
        self.address += "/" + self._begin(certificate, options)

    def _begin(self, certificate, options):
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1000,1100", *options]
        if certificate:
            arguments.append("--ignore-certificate-errors-spki-list=" + key_hash(certificate))
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments},
                  "goog:loggingPrefs": {"browser": "ALL"}, "timeouts": {"script": 1000 * PATIENCE}}
        try:
            return self._ask("", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        except BaseException:
            self.kill()
            raise

    def _ask(self, path, content=None, method=None):
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=2 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failed(json.load(error)["value"]["message"]) from None

    def open(self, url):
        self._ask("/url", {"url": url})

    def run(self, script, *arguments):
        """The value of an expression, awaited if it is a promise."""
        return self._ask("/execute/sync", {"script": f"return (async (...given) => {script})(...arguments)",
                                           "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self._ask("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def console(self):
        """What has been told there since the last time."""
        return self._ask("/se/log", {"type": "browser"})

    def screenshot(self):
        return base64.b64decode(self._ask("/screenshot"))

    def close(self):
        self._ask("", method="DELETE")

    def kill(self):
        """Ends all that the driver has started."""
        for pid in list(descendants(self.driver.child.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def browser(directory, certificate, *options):
    """A window, whose profile is in the directory. It trusts the certificate, if any."""
    with running("chromedriver", "--port=0", env={**os.environ, "TMPDIR": directory}) as driver:
        window = Browser(driver, certificate, *options)
        try:
            yield window
        finally:
            with contextlib.suppress(Failed, OSError):
                window.close()
            window.kill()
