"""Language packs, seen and uninstalled; and whether extension folders are what they were."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import ClassVar

from handrail.actions import files
from handrail.actions.base import Check, Undetermined
from handrail.actions.folder import manifest_in
from handrail.actions.installer import LONGEST, InstallerJob
from handrail.actions.jobs import ended
from handrail.actions.person import PersonDoes
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.actions.uninstaller import removal
from handrail.comparing import fates
from handrail.comparing.fates import Fate
from handrail.errors import FileMissing
from handrail.hosts.protocol import Command, Host
from handrail.probing.reg_text import product as find_product


@dataclass(frozen=True, slots=True)
class LanguagePackPresent(Check):
    """Check that a language pack is installed, with the files of each locale under its present name."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("fates",)

    product: str
    locales: tuple[str, ...]
    folder: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if not self.locales:
            return Observation("done", "no language pack was in use", {}, {"fates": []})
        found = await find_product(host, self.product)
        there = await self._there(host)
        rows = [self._row(one, found.version if found else None, there) for one in self.locales]
        told = fates.to_json(rows)
        missing = [one.item for one in rows if one.fate != "carried"]
        if found is None:
            return Observation("not_done", f"no language pack on {host.name} fits {self.product!r}", {"fates": told})
        if missing:
            because = f"{found.name} lacks {', '.join(missing)} in {self.folder}"
            return Observation("not_done", because, {"fates": told})
        because = f"{found.name} is installed with {', '.join(self.locales)}"
        return Observation("done", because, {"fates": told}, {"fates": told})

    async def _there(self, host: Host) -> set[str] | None:
        """The locales that have files; None when the folder was not named."""
        if self.folder is None:
            return None
        tree = await files.tree(host, self.folder) or {}
        return {name.split("\\")[-2].casefold() for name in tree if "\\" in name}

    def _row(self, locale: str, version: str | None, there: set[str] | None) -> Fate:
        names = {old.casefold(): new for old, new in self.renamed.items()}
        name = names.get(locale.casefold(), locale)
        because = f"{locale} is called {name} now" if name != locale else ""
        if version is None or (there is not None and name.casefold() not in there):
            return Fate("language pack", locale, "dropped", locale, None, because, "Install the language pack.")
        return Fate("language pack", locale, "carried", locale, name, because)


@dataclass(frozen=True, slots=True)
class RemoveLanguagePack(InstallerJob):
    """Uninstall a language pack until it is not listed any more. It holds nobody's data and is installed anew later.

    `locales`: what was chosen in its setup, told to whoever has to install it again on a way back. A pack at a build in
    `unless` is left alone: on a way back, it is the one that was there.
    """

    destroys: ClassVar[bool] = False

    product: str
    log: str
    locales: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        job = await ended(host, receipt, Command(("msiexec",), timeout=LONGEST))
        outputs = self._outputs(receipt, job.code if job else None)
        found = await find_product(host, self.product)
        evidence = {
            "product": found.name if found else None,
            "version": found.version if found else None,
            "exit": outputs["exit"],
        }
        if found is not None and found.version in self.unless:
            return Observation("done", f"{found.name} is at {found.version} and stays", evidence, outputs)
        if found is not None:
            return Observation("not_done", f"{found.name} is installed on {host.name}", evidence, outputs)
        return Observation("done", f"no language pack on {host.name} fits {self.product!r}", evidence, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        found = await find_product(host, self.product)
        if found is None:
            raise ActFailed(f"no language pack on {host.name} fits {self.product!r}: there is nothing to uninstall")
        return await self.carried_out(host, receipt, removal(found.code, self.log_of(receipt)))

    def undo(self, before: Observation) -> Action | None:
        """Its setup asks for the languages, so a person installs it again."""
        version = before.evidence.get("version")
        if not version:
            return None
        instructions = (
            f"Install {before.evidence['product']} again, at the build below: run its setup from the full medium of "
            "that release and choose the languages below, then apply its hotfix if the build is that of a hotfix.",
        )
        values = {"build": version, "languages": list(self.locales) or "as they were"}
        return PersonDoes(instructions, values, {"product": self.product, "builds": [version]})


@dataclass(frozen=True, slots=True)
class CompareFolder(Check):
    """Check that files of a folder are what they were when it was backed up; those of setup may be newer."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("fates",)

    folder: str
    manifest: str
    asset: str = "extensions"
    only: tuple[str, ...] = ("*",)
    of_setup: tuple[str, ...] = ()
    """Files that setup brings along: another one of that name is no loss."""

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        try:
            listed = manifest_in(await host.read(self.manifest))
        except FileMissing:
            listed = None
        if listed is None:
            raise Undetermined(f"{self.manifest} on {host.name} is no manifest of a backup")
        before = {name: one for name, one in listed[1].items() if self._meant(name)}
        now = await files.tree(host, self.folder) or {}
        rows = [self._row(name, one, now.get(name)) for name, one in sorted(before.items())]
        told = fates.to_json(rows)
        wrong = [one.item for one in rows if one.fate not in ("carried", "merged")]
        if wrong:
            because = f"{self.asset}: missing or different in {self.folder}: {files.some(wrong)}"
            return Observation("not_done", because, {"fates": told})
        return Observation(
            "done", f"{self.asset}: {len(rows)} files are what they were", {"fates": told}, {"fates": told}
        )

    def _meant(self, name: str) -> bool:
        return _fits(name, self.only)

    def _row(self, name: str, was: files.File, now: files.File | None) -> Fate:
        before = f"{was.size:,} bytes ({was.sha256[:8]})"
        if now == was:
            return Fate(self.asset, name, "carried", before, before)
        if now is None:
            return Fate(self.asset, name, "dropped", before, None, "it is not there any more", "Copy it back.")
        after = f"{now.size:,} bytes ({now.sha256[:8]})"
        if _fits(name, self.of_setup):
            return Fate(self.asset, name, "merged", before, after, "setup brings it, and has brought its own")
        what = "Decide which one is right."
        return Fate(self.asset, name, "needs-a-person", before, after, "it is another file now", what)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(ntpath.normpath(name).casefold(), one.casefold()) for one in patterns)
