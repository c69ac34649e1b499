"""Whether a program's configuration redirects an assembly to what is installed."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import ClassVar

from handrail.actions import config_files
from handrail.actions.base import Check, Undetermined
from handrail.actions.protocol import Observation, Receipt
from handrail.comparing import xml_files
from handrail.comparing.redirects import Assembly, Redirects, lacking, lands, redirects, spelled, version
from handrail.errors import BadInput
from handrail.hosts.protocol import Host


@dataclass(frozen=True, slots=True)
class RedirectsPresent(Check):
    """Check that a configuration file redirects old versions of an assembly to the one that is installed."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("missing",)

    file: str
    assembly: str | None = None
    token: str = ""
    culture: str = "neutral"
    at_least: str | None = None
    covers: tuple[str, ...] = ()
    stock_new: str | None = None
    rule: str = ""
    """The finding that a missing redirect is, for whoever reads the result."""

    def __post_init__(self) -> None:
        for text in (*self.covers, *((self.at_least,) if self.at_least else ())):
            if version(text) is None:
                raise BadInput(f"config.redirects: {text!r} is no version.", "Write up to four numbers: 4.1.4.0.")
        if self.assembly is None and self.stock_new is None:
            raise BadInput("config.redirects: neither assembly nor stock_new is given.", "Name the assembly.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        data = await config_files.read(host, self.file)
        if data is None:
            return Observation("not_done", f"{self.file} is not there", {"file": self.file})
        try:
            found = redirects(xml_files.parse(data, ntpath.basename(self.file)).root)
        except BadInput as broken:
            return Observation("not_done", f"{self.file}: {broken}", {"file": self.file})
        missing = [*self._own(found), *await self._of_stock(host, found)]
        evidence = {"file": self.file, "missing": missing, "rule": self.rule}
        if missing:
            said = f"{self.rule}: " if self.rule else ""
            because = f"{said}{self.file} lacks a binding redirect: {'; '.join(missing)}"
            return Observation("not_done", because, evidence, {"missing": missing})
        return Observation("done", f"{self.file} has every redirect that it needs", evidence, {"missing": []})

    def _own(self, found: dict[Assembly, Redirects]) -> list[str]:
        if self.assembly is None:
            return []
        wanted = Assembly(self.assembly, self.token, self.culture)
        mine = found.get(wanted.folded(), ())
        if not mine:
            return [f"{wanted}: none"]
        least = version(self.at_least) if self.at_least else None
        told = (
            [f"{wanted}: none reaches {self.at_least}"] if least and all((r.target or ()) < least for r in mine) else []
        )
        for text in self.covers:
            asked = version(text)
            assert asked is not None
            landed = lands(mine, asked)
            if (landed == asked and (least is None or asked < least)) or (least is not None and landed < least):
                told.append(f"{wanted}: {text} is not redirected" + (f" to {self.at_least}" if self.at_least else ""))
        return told

    async def _of_stock(self, host: Host, found: dict[Assembly, Redirects]) -> list[str]:
        if self.stock_new is None:
            return []
        data = await config_files.find(host, self.stock_new, self.file)
        if data is None:
            raise Undetermined(f"{self.stock_new} on {host.name} holds no {ntpath.basename(self.file)}, or several")
        root = xml_files.parse(data, self.stock_new).root
        names = spelled(root)
        return [f"{names.get(one, one)}: {redirect}" for one, redirect in lacking(found, redirects(root))]
