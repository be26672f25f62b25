#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""page.py PAGE.md: prints the page as Doxygen is to read it. Each page gets a name after its path, links between pages
become references to those names, and links to what is no page of the site (sources, folders) become plain text. Each
section that has its heading to itself gets a name too, which links with a fragment refer to.
Doxygen itself would take two pages with one file name for the same. Pictures it finds by their file names."""

import pathlib
import re
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
OTHERS = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "libtls_async/README.md"}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^##+ (.*)$", re.MULTILINE)
PICTURE = re.compile(r"(!\[[^\]]*\])\(([^)\s]+)\)")


def page_at(path):
    """The page at a path of the project, or None. A folder's page is its README."""
    if (PROJECT / path).is_dir():
        path = path / "README.md"
    is_page = str(path) in OTHERS or path.parts[0] == "docs" and path.suffix == ".md"
    return path if is_page and (PROJECT / path).is_file() else None


def name_of(page):
    if page == pathlib.Path("README.md"):
        return "index"
    parts = page.with_suffix("").parts
    return "page_" + re.sub(r"\W", "_", "_".join(parts[:-1] if parts[-1] == "README" else parts))


def parent_of(page):
    folder = page.parent.parent if page.name == "README.md" else page.parent
    while not page_at(folder):
        folder = folder.parent
    return page_at(folder)


def fragment_of(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def sections_of(page):
    """The name of each section, by the fragment that links have for it."""
    text = re.sub(r"^```.*?^```$", "", (PROJECT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    all = [fragment_of(heading) for heading in HEADING.findall(text)]
    return {one: f"{name_of(page)}_{one}" for one in all if all.count(one) == 1}


def main():
    me = pathlib.Path(sys.argv[1]).resolve().relative_to(PROJECT)
    text = (PROJECT / me).read_text()
    # The last section of a page is where it lists those below it.
    last_section = [m.start() for m in re.finditer(r"^#+ ", text, re.MULTILINE)][-1]
    children = set()

    def link(match, is_in_last_section):
        text, target = " ".join(match[1].split()), match[2]  # Doxygen ends a reference at the line's end
        if re.match(r"https?:", target):
            return match[0]
        path, _, fragment = target.partition("#")
        there = (PROJECT / me.parent / path).resolve() if path else PROJECT / me
        page = page_at(there.relative_to(PROJECT))
        if page is None:
            return text
        if fragment:
            return f"[{text}](@ref {sections_of(page)[fragment]})"
        if is_in_last_section and page != me and parent_of(page) == me and page not in children:
            children.add(page)
            return f'@subpage {name_of(page)} "{text.replace("`", "")}"'
        return f"[{text}](@ref {name_of(page)})"

    sections = sections_of(me)

    def with_name(match):
        name = sections.get(fragment_of(match[1]))
        return f"{match[0]} {{#{name}}}" if name else match[0]

    def with_links(part, is_last):
        blocks = re.split(r"(^```.*?^```$)", part, flags=re.MULTILINE | re.DOTALL)
        blocks[::2] = [HEADING.sub(with_name, LINK.sub(lambda m: link(m, is_last), block)) for block in blocks[::2]]
        return PICTURE.sub(lambda m: f"{m[1]}({pathlib.PurePath(m[2]).name})", "".join(blocks))

    text = with_links(text[:last_section], False) + with_links(text[last_section:], True)
    label = "mainpage" if name_of(me) == "index" else name_of(me)
    print(re.sub(r"\A# (.*)", lambda m: f"# {m[1].replace('`', '')} {{#{label}}}", text), end="")


main()
