#!/usr/bin/env python3
# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""pages.py FOLDER: writes each page into the folder as Doxygen is to read it. A page gets a name after its path, links
between pages become references to those names, and links to what is no page of the site (sources, folders) become
plain text. Each section that has its heading to itself gets a name too, which links with a fragment refer to. Pictures
Doxygen finds by their file names."""

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


def links_of(page):
    """The pages that a page's last section leads to, in order."""
    last = re.split(r"^#+ ", (PROJECT / page).read_text(), flags=re.MULTILINE)[-1]
    targets = [target.partition("#")[0] for _, target in LINK.findall(last) if not re.match(r"https?:", target)]
    found = [page_at((PROJECT / page.parent / target).resolve().relative_to(PROJECT)) for target in targets if target]
    return list(dict.fromkeys(filter(None, found)))


def children_of(page):
    """The pages below one, which its last section lists."""
    return [each for each in links_of(page) if each != page and parent_of(each) == page]


def fragment_of(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def sections_of(page):
    """The name of each section, by the fragment that links have for it."""
    text = re.sub(r"^```.*?^```$", "", (PROJECT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    all = [fragment_of(heading) for heading in HEADING.findall(text)]
    return {one: f"{name_of(page)}_{one}" for one in all if all.count(one) == 1}


def for_doxygen(me):
    text = (PROJECT / me).read_text()
    # The last section of a page is where it lists those below it.
    last_section = [m.start() for m in re.finditer(r"^#+ ", text, re.MULTILINE)][-1]
    children = children_of(me)

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
        if is_in_last_section and page in children:
            children.remove(page)
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
    return re.sub(r"\A# (.*)", lambda m: f"# {m[1].replace('`', '')} {{#{label}}}", text)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    others, docs = map(pathlib.Path, OTHERS), PROJECT.glob("docs/**/*.md")
    for page in [*others, *(file.relative_to(PROJECT) for file in docs)]:
        (folder / f"{name_of(page)}.md").write_text(for_doxygen(page))


if __name__ == "__main__":
    main()
