#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""site_test.py PROJECT OUTPUT: builds the site, and fails on a warning of Doxygen, on a link or picture that leads
nowhere, on a page of docs/ that is not in it or not reached from its first page, and on a long page without
contents."""

import html.parser
import pathlib
import subprocess
import sys
import urllib.parse


class page(html.parser.HTMLParser):
    def __init__(self, file):
        super().__init__()
        self.links, self.names = set(), set()
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.names |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        self.links |= {attributes[key] for key in ("href", "src", "data") if attributes.get(key)}


def faults(project, site):
    pages = {file.name: page(file) for file in site.glob("*.html")}
    led_to = {}
    for name, content in pages.items():
        led_to[name] = set()
        for link in content.links:
            url = urllib.parse.urlsplit(link)
            if url.scheme:
                continue
            target = urllib.parse.unquote(url.path) or name
            led_to[name].add(target)
            if not (site / target).exists():
                yield f"{name}: nothing is at {link}"
            elif url.fragment and target in pages and urllib.parse.unquote(url.fragment) not in pages[target].names:
                yield f"{name}: {target} has no {url.fragment}"
    reached, to_visit = set(), ["index.html"]
    while to_visit:
        name = to_visit.pop()
        if name in pages and name not in reached:
            reached.add(name)
            to_visit += led_to[name]
    written = [file for file in project.glob("docs/**/*.md")]
    in_site = {name for name in pages if name.startswith("page_docs")}
    if len(written) != len(in_site):
        yield f"docs has {len(written)} pages, and the site {len(in_site)} of them"
    for name in sorted(in_site - reached):
        yield f"{name} is not reached from index.html"
    for name in sorted(in_site):
        text = (site / name).read_text()
        if text.count("<h2") >= 5 and 'class="toc"' not in text:
            yield f"{name} is long, and has no contents"


def main():
    project, site = map(pathlib.Path, sys.argv[1:])
    subprocess.run(["bash", project / "docs/site/build.sh", site], check=True)
    found = list(faults(project, site))
    print("\n".join(found))
    return bool(found)


sys.exit(main())
