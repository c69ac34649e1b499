"""Key sets that a product encrypts its data with: exported by its own tool, proved to be what was exported, and brought
back. In between the file is sealed (`sealing.py`)."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from handrail.actions import files, receipts, sealing
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.protocol import Exited, Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import MINUTES, run, said

FILE = "keys.bin"
KEY_SET = "{0E19E162-827E-4077-82D4-E6ABD531636E}"
"""The key set that the tool is asked about. It is the only one that any document names, for SharePoint's copy of the
engine; no document tells it for the identity products."""


async def _tool(
    host: Host, receipt: Receipt, tool: str, account: str, password: str | None, *arguments: str
) -> tuple[Exited, str]:
    """The tool's exit and what it said, without the password, which is typed to it."""
    typed: tuple[str, ...] = ()
    stdin = b""
    secrets: tuple[str, ...] = ()
    if password is not None:
        secret = receipt.secrets.resolve(password)
        typed, stdin, secrets = ("*",), secret.encode() + b"\r\n", (secret,)
    answer = await run(
        host, tool, *arguments, f"/u:{account}", *typed, timeout=5 * MINUTES, stdin=stdin, secrets=secrets
    )
    text = said(answer)
    for one in secrets:
        text = text.replace(one, "***")
    return answer, text


@dataclass(frozen=True, slots=True)
class ExportKeySet(Base):
    """Export a key set under its service account; the password is typed to the tool and is no argument."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    afresh: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "sha256", "bytes", "made_at")

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
        outputs = {"file": path, "sha256": seen.sha256, "bytes": seen.size, "made_at": receipt.since}
        needs = {"account": self.account, "tool": self.tool}
        return Observation("done", f"the key set is exported to {path}", {**outputs, "needs": needs}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        path = self._file(receipt)
        await files.make_folder(host, ntpath.dirname(path))
        answer, text = await _tool(host, receipt, self.tool, self.account, self.password, "/e", path)
        evidence = Evidence(exit=answer.code, log=text)
        if answer.code != 0:
            raise ActFailed(f"{ntpath.basename(self.tool)} ended with {answer.code}: {text}", evidence)
        made = await files.file(host, path)
        if made is None or made.size == 0:
            raise ActFailed(f"{ntpath.basename(self.tool)} reported success and {path} is not there", evidence)
        await receipts.leave(host, receipt, {"file": path, "sha256": made.sha256})
        return evidence

    def restore(self, made: Mapping[str, Any]) -> tuple[Action, ...]:
        """The file as it was exported, or its sealed form beside it."""
        file, sha256 = str(made["file"]), str(made["sha256"])
        return (ImportKeySet(self.tool, file, self.account, self.password, sha256),)


@dataclass(frozen=True, slots=True)
class ProveKeySet(Check):
    """Prove exported keys: the file is there, not empty, and byte for byte what was exported.

    When it was sealed meanwhile, its sealed form is opened and compared; nothing is written.
    """

    kind: ClassVar[Kind] = "prove"

    file: str
    sha256: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        seen = await files.file(host, self.file)
        evidence = {"file": self.file, "sha256": seen.sha256 if seen else None, "bytes": seen.size if seen else None}
        if seen is None:
            return await self._look_into_sealed(host, receipt, evidence)
        if seen.size == 0 or seen.sha256 != self.sha256.lower():
            return Observation("not_done", f"{self.file} is not what was exported", evidence)
        return Observation("done", f"{self.file} is what was exported", evidence)

    async def _look_into_sealed(self, host: Host, receipt: Receipt, evidence: Mapping[str, Any]) -> Observation:
        path = self.file + sealing.SUFFIX
        data = await sealing.content(host, path)
        if data is None:
            return Observation("not_done", f"{self.file} is not there", evidence)
        plain, wrong = sealing.opened(receipt, path, data, self.sha256)
        if not plain:
            return Observation("not_done", wrong or f"{path} is empty", evidence)
        return Observation("done", f"{path} opens and holds what was exported", {**evidence, "sealed": path})


@dataclass(frozen=True, slots=True)
class ImportKeySet(Base):
    """Bring an exported key set back to its service account, where that account cannot use it any more.

    `file` may be there, or its sealed form (FILE.age): then it is opened for the import alone, and shredded.
    """

    lasting: ClassVar[bool] = True

    tool: str
    file: str
    account: str
    password: str | None = field(default=None, metadata={"secret": True})
    sha256: str | None = None
    key_set: str = KEY_SET

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        answer, text = await self._run(host, receipt, "/c", self.key_set)
        evidence = {"account": self.account, "tool": text, "exit": answer.code}
        if answer.code != 0:
            return Observation("not_done", f"the key set of {self.account} is not usable: {text}", evidence)
        if await self._lies_open(host):
            return Observation("not_done", f"{self.file} lies there unsealed", evidence)
        return Observation("done", f"the key set of {self.account} is usable", evidence)

    async def _run(self, host: Host, receipt: Receipt, *arguments: str) -> tuple[Exited, str]:
        try:
            return await _tool(host, receipt, self.tool, self.account, self.password, *arguments)
        except BadInput as missing:
            raise Undetermined(str(missing)) from missing

    async def _lies_open(self, host: Host) -> bool:
        """Whether the plain file lies beside its sealed form: nobody needs it there."""
        both = [await sealing.content(host, one) for one in (self.file, self.file + sealing.SUFFIX)]
        return None not in both

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        sealed = await sealing.content(host, self.file + sealing.SUFFIX)
        answer, text = await self._run(host, receipt, "/c", self.key_set)
        if answer.code != 0:
            if sealed is not None:
                if self.sha256 is None:
                    raise ActFailed(f"{self.file} is sealed, and nothing says what its SHA-256 was")
                await sealing.open_to(host, receipt, self.file + sealing.SUFFIX, self.sha256, self.file)
            elif self.sha256 is not None:
                seen = await files.file(host, self.file)
                if seen is None or seen.sha256 != self.sha256.lower():
                    raise ActFailed(f"{self.file} is not what was exported" if seen else f"{self.file} is not there")
            answer, text = await self._run(host, receipt, "/i", self.file, self.key_set)
        evidence = Evidence(exit=answer.code, log=text)
        if sealed is not None and await sealing.content(host, self.file) is not None:
            await sealing.ShredFile(self.file, self.sha256).do(host, receipt)
        if answer.code != 0:
            raise ActFailed(f"{ntpath.basename(self.tool)} ended with {answer.code}: {text}", evidence)
        return evidence
