"""Software that a product needs: present from a version on, or installed by its own setup program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from handrail.actions import restarts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.exit_codes import NEEDS_RESTART
from handrail.actions.exit_codes import installer as meaning
from handrail.actions.installer import LONGEST
from handrail.actions.jobs import carry_out, ended
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.protocol import Command, Host
from handrail.model.version import compared
from handrail.probing.reg_text import fits, products, value_of, version_in
from handrail.probing.shell import decoded

_TEXT = {"type": "string"}
DETECT: dict[str, Any] = {
    "schema": {
        "oneOf": [
            {
                "type": "object",
                "properties": {"uninstall": _TEXT, "at_least": _TEXT},
                "required": ["uninstall"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"key": _TEXT, "value": _TEXT, "at_least": _TEXT},
                "required": ["key", "value"],
                "additionalProperties": False,
            },
        ]
    }
}


def check_detect(uses: str, detect: Mapping[str, str]) -> None:
    """BadInput unless it names either a product in the list of installed ones or a value of the registry."""
    if set(detect) - {"at_least"} not in ({"uninstall"}, {"key", "value"}):
        raise BadInput(
            f"{uses}: detect must say either uninstall, or key and value, and perhaps at_least.",
            'For instance: detect: {uninstall: "Microsoft OLE DB Driver*", at_least: "18.0"}.',
        )
    if "at_least" in detect and compared(detect["at_least"], "0") is None:
        raise BadInput(f"{uses}: at_least must be numbers with dots between them, not {detect['at_least']!r}.")


async def detected(host: Host, detect: Mapping[str, str]) -> Observation:
    """Whether the software is there; of several that fit, the newest counts."""
    if "uninstall" in detect:
        listed = [one for one in await products(host) if fits(one.name, detect["uninstall"])]
        seen = [(one.name, one.version or "") for one in listed]
        what = detect["uninstall"]
    else:
        value = await value_of(host, detect["key"], detect["value"])
        what = f"{detect['key']}, {detect['value']}"
        seen = [(what, version_in(value))] if value else []
    evidence = {"found": [{"name": name, "version": version} for name, version in seen]}
    if not seen:
        return Observation("not_done", f"{what} is not on {host.name}", evidence)
    wanted = detect.get("at_least")
    if wanted is None:
        return Observation("done", f"{seen[0][0]} is on {host.name}", evidence, {"version": seen[0][1]})
    unclear = []
    for name, version in seen:
        order = compared(version, wanted)
        if order is None:
            unclear.append(f"{name} {version!r}")
        elif order >= 0:
            return Observation("done", f"{name} is {version}", evidence, {"version": version})
    if unclear:
        raise Undetermined(f"no version is understood in {unclear[0]} on {host.name}")
    return Observation("not_done", f"{seen[0][0]} is {seen[0][1]}, older than {wanted}", evidence)


@dataclass(frozen=True, slots=True)
class SoftwarePresent(Check):
    """Check that software is installed, from a version on."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("version",)

    detect: Mapping[str, str] = field(metadata=DETECT)

    def __post_init__(self) -> None:
        check_detect("software.present", self.detect)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return await detected(host, self.detect)


@dataclass(frozen=True, slots=True)
class InstallSoftware(Base):
    """Run a setup program until the software that it installs is there."""

    outputs: ClassVar[tuple[str, ...]] = ("exit", "reboot_required", "version")

    path: str
    detect: Mapping[str, str] = field(metadata=DETECT)
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_detect("software.install", self.detect)

    @property
    def _command(self) -> Command:
        is_package = self.path.casefold().endswith(".msi")
        argv = ("msiexec", "/i", self.path, *self.arguments) if is_package else (self.path, *self.arguments)
        return Command(argv, timeout=LONGEST)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        job = await ended(host, receipt, self._command)
        seen = await detected(host, self.detect)
        outputs = {**seen.outputs, "exit": job.code if job else None}
        outputs["reboot_required"] = await restarts.is_due(host, receipt, outputs["exit"])
        evidence = {**seen.evidence, "exit": outputs["exit"], **await restarts.boot_evidence(host, receipt)}
        return Observation(seen.state, seen.because, evidence, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        job = await carry_out(host, receipt, self._command)
        code = job.code if job.code is not None else -1
        says = meaning(code)
        await restarts.after_installer(host, receipt, code)
        outputs = {"exit": code, "reboot_required": code in NEEDS_RESTART}
        evidence = Evidence(code, decoded(job.out)[-20_000:], outputs, {"meaning": says.name})
        if says.kind not in ("ok", "restart", "restarting"):
            raise ActFailed(f"{self.path} ended with {code}, {says.says}", evidence)
        return evidence
