#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""seen_test.py SITE PICTURES [HTTPS_SERVER]: looks at the site, and at the own page of https_server, as a person would:
in Chromium, at four widths, light and dark, by keyboard, and searches. PICTURES becomes a folder of what was seen."""

import collections
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from browser import browser
from processes import listening_port, running

WIDTHS = (360, 768, 1280, 1920)
PAGES = ("index", "page_docs_guide", "page_docs_guide_first_server", "page_docs_errors", "page_docs_benchmarks",
         "page_docs_architecture", "page_docs_interop", "page_docs_glossary", "namespacetls__async",
         "classtls__async_1_1stream", "annotated")
SEEN = pathlib.Path(__file__).with_name("seen.js").read_text()
TEXT = "main > p, main .textblock > p, main > .contents > p, body > p"


class Viewer:
    def __init__(self, window, pictures):
        self.window, self.pictures, self.faults = window, pictures, []

    def say(self, where, *faults):
        for fault in faults:
            self.faults.append(f"{where}: {fault}")
            print(self.faults[-1], flush=True)

    def show(self, width, scheme):
        self.window.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                             mobile=False)
        self.window.devtools("Emulation.setEmulatedMedia",
                             features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.window.devtools("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def type(self, text):
        self.window.devtools("Input.insertText", text=text)

    def look(self, name, url, once_there="1"):
        for width in WIDTHS:
            self.show(width, "light")
            self.window.open(url)
            self.window.run(once_there)
            for scheme in ("light", "dark"):
                where = f"{name}, {width} px, {scheme}"
                self.show(width, scheme)
                self.say(where, *self.window.run(SEEN, TEXT))
                paper = self.window.run("getComputedStyle(document.body).backgroundColor")
                if (sum(map(int, re.findall(r"\d+", paper)[:3])) < 300) != (scheme == "dark"):
                    self.say(where, "the paper has the colour of the other scheme")
                self.say(where, *(each["message"] for each in self.window.console()))
                (self.pictures / f"{name}_{width}_{scheme}.png").write_bytes(self.window.screenshot())

    # Each stop of the Tab key has to show that it has the focus.
    def tab_to(self, where, is_there, most):
        for _ in range(most):
            self.press("Tab", 9)
            outline = self.window.run("""{
                const {outlineStyle, outlineWidth, outlineColor} = getComputedStyle(document.activeElement);
                return outlineStyle === "none" || /rgba/.test(outlineColor) ? 0 : parseFloat(outlineWidth);
            }""")
            if outline < 2:
                self.say(where, "nothing shows where the focus is, on "
                         + self.window.run("document.activeElement.outerHTML.slice(0, 80)"))
            if self.window.run(is_there):
                return
        self.say(where, f"{most} times Tab do not lead to {is_there}")

    def search(self, url, page, word, width):
        where = f"search at {width} px"
        self.show(width, "light")
        self.window.open(url)
        self.tab_to(where, 'document.activeElement.className === "skip"', 1)
        self.tab_to(where, 'document.activeElement.id === "search"', 2)
        self.window.run('{ if (!sections) await new Promise(resolve => index.addEventListener("load", resolve)); }')
        self.type(word)
        links = self.window.run('[...document.querySelectorAll("#found a")].map(each => each.getAttribute("href"))')
        if page not in {link.partition("#")[0] for link in links}:
            self.say(where, f"'{word}' of {page} is not found, but {links}")
        self.say(where, *self.window.run(SEEN, "#none"))
        (self.pictures / f"search_{width}.png").write_bytes(self.window.screenshot())
        self.press("ArrowDown", 40)
        if not self.window.run('document.activeElement === document.querySelector("#found a")'):
            self.say(where, "the arrow does not lead to what was found")
        self.press("Escape", 27)
        if not self.window.run("found.hidden"):
            self.say(where, "Escape leaves open what was found")
        self.type("nothing-has-this")
        if not self.window.run('document.querySelector("#found [role=status]").textContent'):
            self.say(where, "nothing was found, and nobody says so")
        self.say(where, *(each["message"] for each in self.window.console()))


def word_in_the_middle(site, page):
    """A word of the middle third of a page that few others have."""
    sections = json.loads(re.fullmatch(r"searchIndex\((.*)\);\n", (site / "search_index.js").read_text(), re.DOTALL)[1])
    words = collections.Counter(re.findall(r"[a-z]{6,}", " ".join(each[4].lower() for each in sections)))
    text = " ".join(each[4] for each in sections if each[0] == page)
    middle = re.findall(r"[a-z]{6,}", text[len(text) // 3:2 * len(text) // 3].lower())
    return min(middle, key=lambda word: (words[word], word))


def main():
    site, pictures = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    missing = [each for each in ("chromium", "chromedriver") if not shutil.which(each)]
    if missing:
        print(f"SKIPPED: {' and '.join(missing)} missing, so nobody has looked at the site: ./dev site --check")
        return 77
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tls_async_seen_") as folder:
        with browser(folder, None, "--disable-quic", "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync") as window:
            viewer = Viewer(window, pictures)
            for page in PAGES:
                viewer.look(page, f"{site.as_uri()}/{page}.html")
            viewer.show(WIDTHS[0], "light")
            for page in sorted(site.glob("*.html")):
                window.open(page.as_uri())
                viewer.say(f"{page.name}, {WIDTHS[0]} px", *window.run(SEEN, TEXT))
            middle = "page_docs_benchmarks.html"
            for width in WIDTHS:
                viewer.search(f"{site.as_uri()}/index.html", middle, word_in_the_middle(site, middle), width)
        faults = viewer.faults
        for program in sys.argv[3:]:
            environment = {**os.environ, "XDG_CACHE_HOME": folder}
            with running(program, "--listen", "127.0.0.1:0", env=environment) as server:
                server.await_line(b"listening on ")
                with browser(folder, f"{folder}/tls_async/localhost.pem") as window:
                    viewer = Viewer(window, pictures)
                    url = f"https://localhost:{listening_port(server)}/"
                    viewer.look("own_page", url, '{ while (!/\\d/.test(connections.textContent)) '
                                                 "await new Promise(resolve => requestAnimationFrame(resolve)); }")
                    viewer.tab_to("own page", 'document.activeElement.id === "echo"', 3)
                    faults += viewer.faults
    print(f"{len(faults)} faults; what was seen is in {pictures}")
    return bool(faults)


sys.exit(main())
