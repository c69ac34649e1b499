"""What assessment says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["blocker", "risk", "note"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a rule comes from: a document and a section in it. `document` is `ours` for our own rules."""

    document: str
    section: str
    url: str | None = None
    title: str | None = None

    def __str__(self) -> str:
        return f"{self.title or self.document}, {self.section}"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is `deployment/component@host`, `host:NAME`, `database:NAME` or `estate`.

    `unknown` marks a blocker that is one because something could not be determined; `remedy` then says how to settle
    it. `accepted` means that the risk was accepted by name, so that this blocker does not block.
    """

    rule: str
    level: Level
    subject: str
    message: str
    remedy: str
    source: Citation
    unknown: bool = False
    accepted: bool = False

    @property
    def blocks(self) -> bool:
        return self.level == "blocker" and not self.accepted


@dataclass(frozen=True, slots=True)
class Assessment:
    estate: str
    aim: dict[str, str]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Literal["clear", "risky", "blocked"]:
        if any(finding.blocks for finding in self.findings):
            return "blocked"
        risky = any(finding.level == "risk" or finding.accepted for finding in self.findings)
        return "risky" if risky else "clear"
