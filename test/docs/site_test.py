#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""site_test.py PROJECT OUTPUT: builds the site, and fails on a warning of Doxygen, on a link or picture that leads
nowhere, on a page of docs/ that is not in it or not reached from its first page, on a long page without contents, and
on a verb in the reference without its handler, default token, header or example."""

import collections
import html
import html.parser
import pathlib
import re
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


def verb_faults(project, site):
    """The handlers are compared with those of verbs.cpp, which compiles."""
    headers = "".join(file.read_text() for file in project.glob("libtls_async/include/tls_async/**/*.hpp")
                      if "detail" not in file.parts)
    verbs = set(re.findall(r"\b(?:auto|error_code|void)\s+(tls_\w+|async_\w+)\(", headers))
    examples = (project / "test/docs/verbs.cpp").read_text()
    handlers = collections.defaultdict(set)
    for name, kind in re.findall(r"\b((?:tls|async)_\w+)\((?:[^;]*, )?(ended|counted)\);", examples):
        handlers[name].add({"ended": "void(error_code)", "counted": "void(error_code, std::size_t)"}[kind])
    told = collections.defaultdict(str)
    for name in ("namespacetls__async", "classtls__async_1_1stream"):
        for title, text in re.findall(r'<h2 class="memtitle">(.*?)</h2>(.*?)(?=<h2 class="memtitle">|\Z)',
                                      (site / f"{name}.html").read_text(), re.DOTALL):
            told[re.sub("<.*?>|&.*?;|◆|\\(.*", "", title).strip()] += text
    verbs.discard("async_wait")  # of file_watcher, whose class has its header and example
    for verb in sorted(verbs):
        text = html.unescape(re.sub("<[^>]*>", "", told[verb]))
        documented = set(re.findall(r"Handler: (void\([\w:, ]*\))", text))
        if verb not in ("tls_try_write", "async_teardown") and documented != handlers[verb]:
            yield f"{verb}: the reference has the handlers {documented}, and verbs.cpp {handlers[verb]}"
        for each in ("Handler: ", "Default token: ", "Header: "):
            if each not in text:
                yield f"{verb}: the reference has no '{each}'"
        for header in re.findall(r"Header: <([\w/.]+)>", text):
            if not (project / "libtls_async/include" / header).exists():
                yield f"{verb}: there is no {header}"
        if not re.search('class="fragment".*?' + verb, told[verb], re.DOTALL):
            yield f"{verb}: the reference has no example"
    if len(verbs) < 12:
        yield f"these cannot be all verbs: {verbs}"


def main():
    project, site = map(pathlib.Path, sys.argv[1:])
    subprocess.run(["bash", project / "docs/site/build.sh", site], check=True)
    found = [*faults(project, site), *verb_faults(project, site)]
    print("\n".join(found))
    return bool(found)


sys.exit(main())
