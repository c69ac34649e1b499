"""Links that lead out of the documentation, to files of the repository, and sections that are taken from there.

On a forge such links lead there. The site has no such files, so it shows their paths instead. One that leads to nothing
is left as it is, and the build fails on it. `<!-- from FILE: HEADING -->` stands for a section of another file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"(?<!!)\[(?P<shown>[^\]\[]*)\]\((?P<to>(?!\w+:|#)[^)\s]+)\)")


FROM = re.compile(r"^<!-- from (?P<file>\S+): (?P<heading>.+) -->$", re.MULTILINE)
ALONE = "---\norphan: true\n---\n\n"
"""Keeps a page out of the navigation."""


def adapt(app: Any, name: str, content: list[str]) -> None:
    """Sphinx's `source-read`: rewrites one page before it is parsed. Pages beside a README are listed there,
    as forges show it, and not in the navigation of every page."""
    page = Path(app.env.doc2path(name))
    docs = Path(app.srcdir)
    content[0] = FROM.sub(
        lambda found: section(Path(os.path.normpath(page.parent / found["file"])), found["heading"], page.parent, docs),
        rewritten(content[0], page.parent, docs),
    )
    if page.name != "README.md" and (page.parent / "README.md").is_file():
        content[0] = ALONE + content[0]


def rewritten(text: str, folder: Path, docs: Path) -> str:
    """`text` of a page in `folder`, with every link that leaves `docs` as words and a path."""

    def replaced(found: re.Match[str]) -> str:
        path, _, _ = found["to"].partition("#")
        target = Path(os.path.normpath(folder / path))
        if target.is_relative_to(docs) and not target.is_dir():
            return found[0]
        if target.is_relative_to(docs) and (target / "README.md").is_file():
            return f"[{found['shown']}]({path.rstrip('/')}/README.md)"
        if not target.exists():
            return found[0]
        shown, place = found["shown"], target.relative_to(docs.parent)
        return shown if str(place) in shown else f"{shown} (`{place}`)"

    return LINK.sub(replaced, text)


def section(file: Path, heading: str, folder: Path, docs: Path) -> str:
    """What stands under a heading of `file`, its links as a page in `folder` needs them. ValueError without one."""
    found = re.search(
        rf"^(?P<level>#+) {re.escape(heading)}\n(?P<text>.*?)(?=^#{{1,2}} |\Z)",
        file.read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    if found is None:
        raise ValueError(f"{file} has no section {heading!r}")
    text = rewritten(found["text"], file.parent, docs)

    def moved(link: re.Match[str]) -> str:
        path, hash_, anchor = link["to"].partition("#")
        return f"[{link['shown']}]({os.path.relpath(file.parent / path, folder)}{hash_}{anchor})"

    return LINK.sub(moved, text).strip()
