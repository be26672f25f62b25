# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import os
import re
import urllib.request

from browser import browser
from peers.peer import Peer, first_line
from processes import Failed, Unable, listening_port, running
from tls_context import client_context

ECHO = """{
  const [size] = given, sent = new Uint8Array(size).map((_, i) => i * 31 + (i >> 8));
  const socket = new WebSocket(location.href.replace("https", "wss") + "ws");
  socket.binaryType = "arraybuffer";
  globalThis.ended = new Promise(resolve => socket.onclose = event => resolve([event.wasClean, event.code]));
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  const came = new Promise(resolve => socket.onmessage = event => resolve(new Uint8Array(event.data)));
  socket.send(sent);
  const back = await came;
  globalThis.socket = socket;
  return back.length === size && back.every((byte, i) => byte === sent[i]);
}"""
CLOSE = "{ socket.close(); return await ended; }"
RECORDS = """{
  const total = [...document.querySelectorAll("figure")].find(each => /records/.test(each.textContent))
    .querySelector(".total");
  await new Promise(resolve => new MutationObserver(resolve).observe(total, {childList: true}));
  return total.textContent;
}"""
PRESS = """{
  const button = document.querySelectorAll("#traffic button")[given[0]];
  button.click();
  await new Promise(resolve => new MutationObserver((_, observer) => {
    if (!button.disabled) { observer.disconnect(); resolve(); }
  }).observe(button, {attributes: true}));
  return document.getElementById("result").textContent;
}"""


class Chromium(Peer):
    """The page of https_server, and a WebSocket that sends back what it gets."""
    name = "chromium"
    programs = ("chromium", "chromedriver")
    no_server = "Chromium is a client"

    def describe(self):
        return " ".join(first_line("chromium", "--version").split()[:2])

    def prepare(self):
        if not self.ours.https_server:
            raise Unable("no https_server was given")

    def why_not(self, role, version, key, size, end):
        return "a browser does not half-close" if end == "half-close" else ""

    def talk(self, role):
        return self.echo

    def more_cells(self):
        for version in ("1.2", "1.3"):
            yield "client", version, "ecdsa", "page", "page", self.page

    def https_server(self, *options):
        return running(self.ours.https_server, "--listen", "127.0.0.1:0", *options,
                       env={**os.environ, "XDG_CACHE_HOME": self.ours.directory})

    def window(self, server, version, certificate):
        server.await_line(b"listening on ")
        only = "--ssl-version-max=tls1.2" if version == "1.2" else "--ssl-version-min=tls1.3"
        return browser(self.ours.directory, certificate, only)

    @staticmethod
    def require_no_complaint(window):
        if told := window.console():
            raise Failed(f"the console says {told}")

    def echo(self, version, key, size, end):
        certificate, private = self.ours.path(f"{key}.pem"), self.ours.path(f"{key}.key")
        with self.https_server("--cert", certificate, "--key", private, "--message-bytes", "20000000") as server, \
                self.window(server, version, certificate) as window:
            url = f"https://localhost:{listening_port(server)}/"
            window.open(url)
            if f"TLSv{version}" not in window.run("document.body.innerText"):
                raise Failed(f"this is no TLS {version}")
            if not window.run(ECHO, size):
                raise Failed("the echo differs from what was sent")
            if end == "abrupt":
                window.kill()
                server.await_output(lambda seen: b" GET /ws " in seen, "line for /ws", 2)
                trusting = client_context(self.ours.path("ca.pem"))
                with urllib.request.urlopen(url, context=trusting) as response:
                    if response.status != 200:
                        raise Failed(f"the next one got {response.status}")
                return
            if (ended := window.run(CLOSE)) != [True, 1000]:
                raise Failed(f"the WebSocket ended with {ended}")
            self.require_no_complaint(window)

    # With the certificate that https_server makes.
    def page(self, version, *_):
        with self.https_server() as server, \
                self.window(server, version, self.ours.path("tls_async/localhost.pem")) as window:
            window.open(f"https://localhost:{listening_port(server)}/")
            before = window.run(RECORDS)
            if window.run(RECORDS) == before:
                raise Failed(f"the counters stand at {before}")
            for button in range(3):
                if " ms." not in (told := window.run(PRESS, button)):
                    raise Failed(told)
            self.require_no_complaint(window)
            server.await_output(lambda seen: b" GET /ws " in seen, "line for /ws", 2)
            requests = re.findall(rb"(127\.0\.0\.1:\d+)\S* GET (/|/burst\S*) 200 ", bytes(server.seen[2]))
            if len(requests) != 3 or len({address for address, _ in requests}) != 1:
                raise Failed(f"the page and its bursts took several connections: {requests}")
