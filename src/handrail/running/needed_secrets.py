"""Which secrets a plan needs, and whether they can be had here.

They are looked up when a process begins to carry a run on: what is missing is told before anything is begun, and what
an earlier attempt left lying about is hidden from the first line on. What an action is given is looked up again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handrail.actions.redacting import Redactor
from handrail.errors import BadInput
from handrail.model.estate import Estate
from handrail.model.plan import Plan, Step
from handrail.model.reference import is_reference
from handrail.model.signature import Signature

Resolve = Callable[[str], str]

NO_REFERENCE = "(no reference)"
"""In place of what stands where a reference should: it may be the secret itself."""

WORDS = """
created approved answered asked begun done failed skipped in-doubt sealed ended taken taken-back verified before after
state because evidence outputs late exit log details error observed says halt settled already said answer yes no note
who plan estate target document approvals heads goes_back not_done unknown holds broken superseded succeeded waiting
running rolled-back hosts twin played fault not-rehearsed checks verdict step run
"""
"""What journals are made of. A secret that is one of them could not be hidden without spoiling every record."""


@dataclass(frozen=True, slots=True)
class Need:
    """`by`: steps by their ids, hosts as `host:NAME`, accounts as `account:NAME`."""

    reference: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a secret can be used here. `because`: why not; empty when it can."""

    need: Need
    because: str = ""


def needs_of_plan(plan: Plan, signatures: Mapping[str, Signature], among: Collection[str] | None = None) -> list[Need]:
    """What the steps of a plan need (only those `among`, when given), and their hosts to be reached."""
    steps = [step for step in plan.steps if among is None or step.id in among]
    hosts = dict.fromkeys(step.host for step in steps if step.host is not None)
    pairs = [(reference, step.id) for step in steps for reference in _of_step(step, signatures)]
    return _gathered([*pairs, *_of_hosts(plan.estate, hosts)])


def needs_of_estate(estate: Estate) -> list[Need]:
    """All that an estate refers to, whether a plan will need it or not."""
    pairs = [(one.password, f"account:{one.id}") for one in estate.accounts.values() if one.password is not None]
    return _gathered([*_of_hosts(estate, estate.hosts), *pairs])


def look_up(needs: Iterable[Need], resolve: Resolve, written: Iterable[str] = ()) -> list[Found]:
    """Look every secret up. What stands in one of the texts that are `written` for all to see is none."""
    values: dict[Need, str] = {}
    found: dict[Need, Found] = {}
    for need in needs:
        found[need] = Found(need)
        try:
            values[need] = resolve(need.reference)
        except BadInput as missing:
            found[need] = Found(need, str(missing))
    texts = [WORDS, *written] if values else []
    everything = Redactor(values.values())
    open_ = [text for text in texts if everything.finds(text)]
    for need, value in values.items() if open_ else ():
        if any(Redactor([value]).finds(text) for text in open_):
            because = "It stands in the plan, or in every journal, for everybody to read: it cannot be hidden."
            found[need] = Found(need, f"{because} Choose another secret.")
    return list(found.values())


def demand(found: Iterable[Found]) -> None:
    """BadInput when one of the secrets cannot be used here."""
    missing = [one for one in found if one.because]
    if not missing:
        return
    first = missing[0]
    more = f" So it is with {len(missing) - 1} more." if len(missing) > 1 else ""
    raise BadInput(
        f"{first.need.reference}, which {first.need.by[0]} needs, cannot be used: {first.because}{more}",
        "Nothing was begun. See all of them with: handrail secrets PLAN",
    )


def _gathered(pairs: Iterable[tuple[str, str]]) -> list[Need]:
    by: dict[str, dict[str, None]] = {}
    for reference, needed_by in pairs:
        by.setdefault(reference if is_reference(reference) else NO_REFERENCE, {})[needed_by] = None
    return [Need(reference, tuple(names)) for reference, names in by.items()]


def _of_step(step: Step, signatures: Mapping[str, Signature]) -> Iterator[str]:
    for name, parameter in signatures[step.uses].parameters.items():
        value = step.with_.get(name)
        if parameter.secret and isinstance(value, str):
            yield value
        elif parameter.secret_keys:
            yield from _inside(value, parameter.secret_keys)


def _inside(value: Any, keys: Collection[str]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name in keys and isinstance(one, str):
                yield one
            else:
                yield from _inside(one, keys)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _inside(one, keys)


def _of_hosts(estate: Estate, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What the lines to these hosts need, and to those that the lines go through."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop(0)
        host = estate.hosts.get(name)
        if name in seen or host is None or host.connect is None:
            continue
        seen.add(name)
        yield from ((one, f"host:{name}") for one in (host.connect.password, host.connect.passphrase) if one)
        waiting += host.connect.jump
