"""Which build of a product, and which version of a file, is on a host now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from handrail.actions import files
from handrail.actions.base import Check, Undetermined, settled
from handrail.actions.protocol import Observation, Receipt
from handrail.hosts.protocol import Host
from handrail.model.version import compared
from handrail.probing.reg_text import Product, product


async def stands_at(host: Host, found: Product, builds: Sequence[str], file: str | None) -> bool:
    """Whether an installed product is at one of these builds, by its list entry and by its file alike."""
    if not any(compared(found.version or "", build) == 0 for build in builds):
        return False
    seen = await files.version(host, file) if file else found.version
    return seen is not None and compared(seen, found.version or "") == 0


@dataclass(frozen=True, slots=True)
class ProductVersion(Check):
    """Check that a product is installed at a build: by the list of installed products and by one of its files."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("build", "file_version")

    product: str
    build: str
    file: str | None = None

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        found = await product(host, self.product)
        seen = await files.version(host, self.file) if self.file else None
        if found is None:
            return Observation("not_done", f"no product on {host.name} fits {self.product!r}")
        outputs = {"build": found.version, "file_version": seen}
        evidence = {"product": found.name, **outputs}
        by_list = compared(found.version or "", self.build)
        if by_list is None:
            raise Undetermined(f"{found.name} lists {found.version!r} as its version, which is none")
        if by_list != 0:
            return Observation("not_done", f"{found.name} is at {found.version}, not {self.build}", evidence, outputs)
        if self.file and (seen is None or compared(seen, self.build) != 0):
            is_ = "not there" if seen is None else seen
            return Observation("not_done", f"{self.file} is {is_}, not {self.build}", evidence, outputs)
        return Observation("done", f"{found.name} is at {self.build}", evidence, outputs)


@dataclass(frozen=True, slots=True)
class FileVersion(Check):
    """Check the version of a file."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("version",)

    file: str
    build: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        seen = await files.version(host, self.file)
        if seen is None:
            return Observation("not_done", f"{self.file} is not there", {"file": self.file})
        evidence = {"file": self.file, "version": seen}
        return settled(compared(seen, self.build) == 0, f"{self.file} is {seen}", evidence, {"version": seen})
