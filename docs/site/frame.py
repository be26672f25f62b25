#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""frame.py DOXYGEN SITE: puts the contents of Doxygen's pages into frame.html, with the navigation, contents where a
page is long, and the index of the search; pages that no other leads to are left out."""

import html
import html.parser
import json
import pathlib
import re
import shutil
import sys

from pages import PROJECT, children_of, name_of

HERE = pathlib.Path(__file__).resolve().parent
PICTURE = re.compile(r'<object type="image/svg\+xml" data="([^"]+)"[^>]*>\s*</object>\s*'
                     r'<div class="caption">\s*(.*?)</div></div>', re.DOTALL)
REFERENCE = {"namespacetls__async.html": "Reference", "annotated.html": "Classes"}
CONTRACT = "Parameters|Errors|Concurrency(?: and cancellation)?|Cancellation|Handler"
HEADINGS = {"Detailed Description": "Description", "Enumeration Type Documentation": "Enumerations, one by one",
            "Function Documentation": "Functions, one by one", "Variable Documentation": "Variables, one by one",
            "Member Function Documentation": "Members, one by one", "Member Data Documentation": "Data, one by one",
            "Member Typedef Documentation": "Types, one by one",
            "Constructor &amp; Destructor Documentation": "Constructors, one by one",
            "Member Enumeration Documentation": "Enumerations, one by one"}
LONG = 5  # sections, from which on a page has contents


class Section:
    def __init__(self, level, name, title):
        self.level, self.name, self.title, self.text = level, name, title, []


class Reader(html.parser.HTMLParser):
    """The sections of a page: each heading with its name, and the text below it."""

    def __init__(self, title, body):
        super().__init__()
        self.sections, self.in_heading, self.in_list, self.name = [Section(1, "", title)], 0, 0, ""
        self.feed(body)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "table" and attributes.get("class") == "memberdecls":
            self.in_list += 1  # of what comes again below
        if tag == "a" and attributes.get("id"):
            self.name = attributes["id"]
            if self.in_heading:
                self.sections[-1].name = self.name
        if re.fullmatch("h[2-4]", tag):
            self.in_heading = int(tag[1])
            self.sections.append(Section(self.in_heading, self.name, ""))
        elif tag in ("p", "li", "td", "th", "div", "dt", "dd", "pre"):
            self.sections[-1].text.append(" ")

    def handle_endtag(self, tag):
        if re.fullmatch("h[2-4]", tag):
            self.in_heading = 0
        elif tag == "table":
            self.in_list = 0

    def handle_data(self, data):
        if self.in_heading:
            self.sections[-1].title = " ".join((self.sections[-1].title + data.replace("◆", "")).split())
        elif not self.in_list:
            self.sections[-1].text.append(data)


class Page:
    def __init__(self, file):
        text = file.read_text()
        title = re.search(r'<div class="title">(.*?)</div>', text, re.DOTALL)
        body = re.search(r'<div class="contents">(.*)</div><!-- contents -->', text, re.DOTALL)
        self.name = file.name
        self.title = " ".join(html.unescape(re.sub("<.*?>", "", title[1])).split()) if title else ""
        self.title = re.sub(r"(<.*>)? (Class|Struct|Concept)( Template)? Reference$", "", self.title)
        self.title = REFERENCE.get(self.name, self.title)
        self.body = better(body[1]) if body else ""
        self.links = {link.partition("#")[0] for link in re.findall(r'(?:href|src|data)="([^":]+)"', self.body)}
        self.sections = Reader(self.title, self.body).sections


def flush_left(fragment):
    """The lines of an example without what all are indented by, which Doxygen can do from 1.9.5 on only."""
    lines = re.findall('<div class="line">(.*?)</div>', fragment[0])
    lines = [html.unescape(re.sub("<.*?>", "", line)) for line in lines]
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return re.sub(r'(<div class="line">(?:<a [^>]*></a>)?) {%d}' % depth, r"\1", fragment[0])


def better(body):
    """Headings below the page's own, which is the first; what may be wide in a box that scrolls; pictures with their
    words, and as images: an object would have a background of its own; a verb's contract with its parts in bold."""
    body = re.sub(r'<div class="summary">.*?</div>', "", body, flags=re.DOTALL)
    # What is inherited is on the page of its own class; here it would take a script to be seen.
    body = re.sub(r'<tr class="[^"]*\binherit(_header)? [^"]*">.*?</tr>', "", body, flags=re.DOTALL)
    for heading, plain in HEADINGS.items():
        body = body.replace(f'class="groupheader">{heading}</h2>', f'class="groupheader">{plain}</h2>')
    if "<h1" in body:
        body = re.sub(r"(</?h)([1-5])\b", lambda m: f"{m[1]}{int(m[2]) + 1}", body)
    body = re.sub(r'<div class="fragment">.*?</div><!-- fragment -->', flush_left, body, flags=re.DOTALL)
    body = re.sub(rf"(<p ?>)({CONTRACT}):", r"\1<b>\2:</b>", body)
    body = re.sub(r"(?<=\. )(?:Default token|Header):", r"<b>\g<0></b>", body)
    body = PICTURE.sub(r'<img src="\1" alt="\2"></div><p class="caption">\2</p>', body)
    return re.sub(r'<table class="(?:markdownTable|doxtable)">.*?</table>', r'<div class="wide">\g<0></div>', body,
                  flags=re.DOTALL)


def contents(page):
    sections = [each for each in page.sections[1:] if each.level <= 3 and each.name and each.title]
    if len(sections) < LONG:
        return ""
    lines = []
    for each in sections:
        title, is_overload = re.subn(r"(?<=\(\)) *\[\d+/\d+\]", "", each.title)
        line = f'<li class="level{each.level}"><a href="#{each.name}">{html.escape(title)}</a></li>'
        if not is_overload or f">{title}<" not in "".join(lines):
            lines.append(line)
    return '<nav class="toc" aria-label="On this page"><details open><summary>On this page</summary><ul>' \
        + "".join(lines) + "</ul></details></nav>"


def navigation(pages, here):
    def link(name, title):
        current = ' aria-current="page"' if name == here else ""
        return f'<a href="{name}"{current}>{html.escape(title)}</a>'

    def items(parent):
        for child in children_of(parent):
            name = f"{name_of(child)}.html"
            below = "".join(items(child))
            is_open = f'"{here}"' in below or name == here
            if below:
                yield f'<li><details{" open" if is_open else ""}><summary>{html.escape(pages[name].title)}</summary>' \
                    f"<ul><li>{link(name, 'Overview')}</li>{below}</ul></details></li>"
            else:
                yield f"<li>{link(name, pages[name].title)}</li>"

    start, *reference = (f"<li>{link(*each)}</li>" for each in {"index.html": "Start", **REFERENCE}.items())
    guide, *others = items(pathlib.Path("README.md"))
    return "<ul>" + "".join([start, guide, *reference, *others]) + "</ul>"


def index(pages):
    """What the search knows, as a script, since a page that was opened as a file may load nothing else."""
    sections = []
    for page in pages:
        for each in page.sections:
            text = " ".join("".join(each.text).split())
            if text or each.level == 1:
                sections.append([page.name, each.name, page.title, each.title, text])
    return f"searchIndex({json.dumps(sections, ensure_ascii=False, separators=(',', ':'))});\n"


def reached(pages, start):
    found, to_visit = {}, [start, *REFERENCE]
    while to_visit:
        name = to_visit.pop()
        if name in pages and name not in found:
            found[name] = pages[name]
            to_visit += pages[name].links
    return found


def version():
    header = (PROJECT / "libtls_async/include/tls_async/version.hpp").read_text()
    return ".".join(re.findall(r"#define TLS_ASYNC_VERSION_\w+ (\d+)", header))


def main():
    doxygen, site = map(pathlib.Path, sys.argv[1:])
    site.mkdir(parents=True, exist_ok=True)
    pages = reached({file.name: Page(file) for file in doxygen.glob("*.html")}, "index.html")
    frame = (HERE / "frame.html").read_text()
    for name, page in pages.items():
        parts = {"title": html.escape(page.title), "version": version(), "navigation": navigation(pages, name),
                 "contents": contents(page), "body": page.body}
        (site / name).write_text(re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], frame))
    for picture in doxygen.glob("*.svg"):
        if any(picture.name in page.links for page in pages.values()):
            shutil.copy(picture, site)
    for file in ("style.css", "search.js"):
        shutil.copy(HERE / file, site)
    (site / "search_index.js").write_text(index(pages[name] for name in sorted(pages) if "-members" not in name))


main()
