"""All guides that there are: those shipped with the program and those in folders of an author.

A guide's folder holds `guide.yaml` with its parts, and may hold `twin.yaml` and sample estates. An author's guide of
the same name takes the place of a shipped one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from handrail.documents.read import Keys
from handrail.documents.tree import Tree
from handrail.errors import BadDocument, BadInput, Place, UnknownName
from handrail.guides.language import Language
from handrail.guides.lines import check_line
from handrail.guides.lint import lint_document
from handrail.guides.parts import load_guide
from handrail.guides.reader import GuideDocument, read_guide
from handrail.guides.variables import defaults, variables
from handrail.model.finding import Citation
from handrail.model.guide import Guide
from handrail.model.signature import Signature
from handrail.model.version import Key, key

FILE = "guide.yaml"
TWIN = "twin.yaml"
SHIPPED = Path(__file__).parent.parent / "products"


@dataclass(frozen=True)
class CompiledGuide:
    """A guide with its language. `tree` and `edge_keys` tell where in its file something stands."""

    guide: Guide
    tree: Tree
    folder: Path
    edge_keys: tuple[Keys, ...] = ()

    @cached_property
    def language(self) -> Language:
        """The expressions of this guide; made when first asked for."""
        return Language(variables(self.guide), defaults=defaults(self.guide), name=self.guide.name)

    @property
    def twin_path(self) -> Path | None:
        path = self.folder / TWIN
        return path if path.is_file() else None

    def cite(self, source: str) -> Citation:
        """`DOCUMENT#SECTION` as a citation. An unknown document is cited as it is written (lint refuses it)."""
        document, _, section = source.partition("#")
        known = self.guide.sources.get(document)
        if known is None:
            return Citation(document or "ours", section)
        return Citation("ours" if known.kind == "ours" else document, section, known.url, known.title)

    def key(self, build: str) -> Key:
        """The comparable form of a build of this product. ValueError when it is none."""
        return key(self.guide.versioning, build)

    def release_of(self, build: str) -> str | None:
        """The release that `build` belongs to, None when the guide does not know that build. Of several releases with
        one build it is the one that the guide lists first."""
        try:
            wanted = self.key(build)
        except ValueError:
            return None
        if wanted in self._releases:
            return self._releases[wanted][0]
        return next((id for length in range(len(wanted), 0, -1) if (id := self._series.get(wanted[:length]))), None)

    def releases_of(self, build: str) -> tuple[str, ...]:
        """All releases that list `build`: two products that were published together may share one."""
        try:
            return self._releases.get(self.key(build), ())
        except ValueError:
            return ()

    @cached_property
    def _releases(self) -> Mapping[Key, tuple[str, ...]]:
        found: dict[Key, tuple[str, ...]] = {}
        for id, release in self.guide.releases.items():
            for build in release.builds:
                found[self.key(build)] = (*found.get(self.key(build), ()), id)
        return found

    @cached_property
    def _series(self) -> Mapping[Key, str]:
        releases = self.guide.releases.items()
        return {tuple(map(int, release.series.split("."))): id for id, release in releases if release.series}


@dataclass(frozen=True)
class Catalogue:
    guides: Mapping[str, CompiledGuide]

    def of(self, product: str) -> CompiledGuide:
        """The guide of a product. UnknownName when there is none."""
        found = self.named(product)
        if found is None:
            raise UnknownName("The product", product, self.guides)
        return found

    def named(self, product: str) -> CompiledGuide | None:
        """The guide of a product, by its own name or by another that it takes."""
        if product in self.guides:
            return self.guides[product]
        return next((one for one in self.guides.values() if product in one.guide.products), None)


def load(folders: Sequence[Path] = (), *, signatures: Mapping[str, Signature] | None = None) -> Catalogue:
    """The shipped guides and those in `folders` (a guide's folder, or a folder of such folders).

    An author's guides are linted, with the actions if `signatures` are given: BadDocument with every mistake. The
    shipped ones are linted by the tests.
    """
    found: dict[str, CompiledGuide] = {}
    for path in _files(SHIPPED):
        compiled = open_guide(path)
        found[compiled.guide.name] = compiled
    written: list[str] = []
    for folder in folders:
        paths = _files(folder)
        if not paths:
            raise BadInput(f"There is no {FILE} in this folder.", "Give a folder that holds one.", Place(str(folder)))
        for path in paths:
            compiled = open_guide(path, lint=True, signatures=signatures)
            found[compiled.guide.name] = compiled
            written.append(compiled.guide.name)
    catalogue = Catalogue(found)
    mistakes = [mistake for name in dict.fromkeys(written) for mistake in check_line(catalogue, name)]
    if mistakes:
        raise BadDocument(mistakes)
    return catalogue


def open_guide(path: Path, *, lint: bool = False, signatures: Mapping[str, Signature] | None = None) -> CompiledGuide:
    """One guide file. BadDocument with its mistakes; those of meaning too when `lint` is asked for."""
    document = read_guide(load_guide(path))
    compiled = _compiled(document, path.parent)
    if lint:
        mistakes = lint_document(document, compiled.language, signatures)
        if mistakes:
            raise BadDocument(mistakes)
    return compiled


def _compiled(document: GuideDocument, folder: Path) -> CompiledGuide:
    return CompiledGuide(document.guide, document.tree, folder, document.edge_keys)


def _files(folder: Path) -> list[Path]:
    if folder.name == FILE or folder.suffix in (".yaml", ".yml"):
        return [folder]
    if (folder / FILE).is_file():
        return [folder / FILE]
    return sorted(path for path in folder.glob(f"*/{FILE}") if path.is_file()) if folder.is_dir() else []
