"""The smallest actions there are, for benchmarks: a line stands in a file. And plans that consist of them alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions.base import Base, settled
from handrail.actions.parameters import build_from, signature_of
from handrail.actions.protocol import Action, Evidence, Observation, Receipt
from handrail.documents.plan import freeze
from handrail.hosts.protocol import Exited, Host
from handrail.model.estate import Connect, Deployment, Estate, Installation
from handrail.model.estate import Host as EstateHost
from handrail.model.finding import Citation
from handrail.model.plan import Plan, Step
from handrail.model.signature import Settles, Signature
from handrail.probing.shell import run

OURS = Citation("ours", "bench")


@dataclass(frozen=True, slots=True)
class AppendLine(Base):
    """Append a line to a file, unless it is its last. Looked at before, and by the command that acts: two commands."""

    path: str
    line: str

    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    async def look(self, host: Host, receipt: Receipt) -> Observation:  # noqa: ARG002
        return self._seen(await run(host, "tail", "-n", "1", self.path))

    async def do(self, host: Host, receipt: Receipt) -> Evidence:  # noqa: ARG002
        script = 'echo "$1" >> "$2" && while read -r line; do last=$line; done < "$2" && echo "$last"'
        done = await run(host, "sh", "-c", script, "append", self.line, self.path)
        return Evidence(exit=done.code, seen=self._seen(done))

    def _seen(self, answer: Exited) -> Observation:
        last = answer.text.strip() if answer.code == 0 else ""
        return settled(last == self.line, f"the last line is {last!r}")


@dataclass(frozen=True, slots=True)
class AppendOnce(AppendLine):
    """Append a line to a file. What was not begun has left no trace that could be asked for: one command."""

    settles: ClassVar[Settles] = "receipt"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        if not receipt.before:
            return settled(False, "it was not begun")
        # zero-argument super() knows another class than the one that slots have made
        return await AppendLine.look(self, host, receipt)


ACTIONS: Mapping[str, type[Action]] = {"bench.append": AppendLine, "bench.append_once": AppendOnce}
SIGNATURES: Mapping[str, Signature] = {name: signature_of(name, action) for name, action in ACTIONS.items()}


def build(uses: str, with_: Mapping[str, Any]) -> Action:
    return build_from(uses, ACTIONS[uses], with_)


def plan_of(files: Mapping[str, str], steps: int, uses: str, connect: Mapping[str, Any]) -> Plan:
    """For each address a lane of `steps` lines that the action `uses` appends to its file."""
    estate = Estate(
        name="bench",
        hosts={
            address: EstateHost(address, os="debian-12", connect=Connect(via="ssh", address=address, **connect))
            for address in files
        },
        deployments={
            "bench": Deployment("bench", "bench", tuple(Installation("bench", "app", one, "1.0") for one in files))
        },
    )
    made = [
        Step(
            id=f"bench/app@{address}/1/line-{number:03}",
            title=f"Append line {number}",
            installation=f"bench/app@{address}",
            host=address,
            uses=uses,
            revision=1,
            kind="do",
            source=OURS,
            with_={"path": path, "line": f"step-{number}"},
            after=(f"bench/app@{address}/1/line-{number - 1:03}",) if number > 1 else (),
        )
        for number in range(1, steps + 1)
        for address, path in files.items()
    ]
    return freeze(Plan("", estate, {}, (), (), (), tuple(made)))
