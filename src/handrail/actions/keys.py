"""Key sets that a product encrypts its data with: exported by its own tool, and proved to be what was exported."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass, field
from typing import ClassVar

from handrail.actions import files, receipts
from handrail.actions.base import Base, Check
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.actions.shell import MINUTES, run, said
from handrail.hosts.protocol import Host
from handrail.model.signature import Kind, Settles

FILE = "keys.bin"


@dataclass(frozen=True, slots=True)
class ExportKeySet(Base):
    """Export a key set under its service account; the password is typed to the tool and is no argument."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "sha256")

    tool: str
    to: str
    account: str
    password: str | None = field(default=None, metadata={"secret": True})

    def _file(self, receipt: Receipt) -> str:
        return ntpath.join(receipts.folder_below(self.to, receipt), FILE)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        path = self._file(receipt)
        left = await receipts.found(host, receipt)
        if left is None:
            return Observation("not_done", "this attempt has exported no keys", {"file": path})
        seen = await files.file(host, path)
        if seen is None or seen.size == 0 or seen.sha256 != left.get("sha256"):
            return Observation("not_done", f"{path} is no longer what was exported", {"file": path})
        outputs = {"file": path, "sha256": seen.sha256}
        return Observation("done", f"the key set is exported to {path}", {**outputs, "bytes": seen.size}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        path = self._file(receipt)
        await files.make_folder(host, ntpath.dirname(path))
        arguments: tuple[str, ...] = (self.tool, "/e", path, f"/u:{self.account}")
        typed = b""
        secrets: tuple[str, ...] = ()
        if self.password is not None:
            secret = receipt.secrets.resolve(self.password)
            arguments, typed, secrets = (*arguments, "*"), secret.encode() + b"\r\n", (secret,)
        answer = await run(host, *arguments, timeout=5 * MINUTES, stdin=typed, secrets=secrets)
        text = said(answer)
        for one in secrets:
            text = text.replace(one, "***")
        evidence = Evidence(exit=answer.code, log=text)
        if answer.code != 0:
            raise ActFailed(f"{ntpath.basename(self.tool)} ended with {answer.code}: {text}", evidence)
        made = await files.file(host, path)
        if made is None or made.size == 0:
            raise ActFailed(f"{ntpath.basename(self.tool)} reported success and {path} is not there", evidence)
        await receipts.leave(host, receipt, {"file": path, "sha256": made.sha256})
        return evidence


@dataclass(frozen=True, slots=True)
class ProveKeySet(Check):
    """Prove exported keys: the file is there, not empty, and byte for byte what was exported."""

    kind: ClassVar[Kind] = "prove"

    file: str
    sha256: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        seen = await files.file(host, self.file)
        evidence = {"file": self.file, "sha256": seen.sha256 if seen else None, "bytes": seen.size if seen else None}
        if seen is None:
            return Observation("not_done", f"{self.file} is not there", evidence)
        if seen.size == 0 or seen.sha256 != self.sha256.lower():
            return Observation("not_done", f"{self.file} is not what was exported", evidence)
        return Observation("done", f"{self.file} is what was exported", evidence)
