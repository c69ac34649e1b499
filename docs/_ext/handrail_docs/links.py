"""Links that lead out of the documentation, to files of the repository.

On a forge they lead there. The site has no such files, so it shows their paths instead. One that leads to nothing is
left as it is, and the build fails on it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"(?<!!)\[(?P<shown>[^\]\[]*)\]\((?P<to>(?!\w+:|#)[^)\s]+)\)")


LISTING = "\n```{toctree}\n:glob:\n:hidden:\n\n*\n```\n"


def adapt(app: Any, name: str, content: list[str]) -> None:
    """Sphinx's `source-read`: rewrites the text of one page before it is parsed. A README stands above all pages beside
    it, which forges show by themselves."""
    page = Path(app.env.doc2path(name))
    content[0] = rewritten(content[0], page.parent, Path(app.srcdir))
    if page.name == "README.md":
        content[0] += LISTING


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
