"""What going back would cost, estimated from a plan alone: how long, how many steps, which assets. Pure.

Bytes are not known before a run; how long a backup took is, once there was one, and a rollback says so then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail.model.plan import Step


@dataclass(frozen=True, slots=True)
class Cost:
    """`seconds` when hosts go back beside each other. `undone`: steps that their opposite takes back; `back`: steps of
    the plan's `back`; `assets`: what is put back from restore points."""

    seconds: float
    undone: int
    back: int
    assets: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        return not self.undone and not self.back


NOTHING = Cost(0.0, 0, 0, ())


def cost(begun: Sequence[Step], back: Iterable[Step]) -> Cost:
    """What it costs to go back when all of `begun`, a beginning of a plan's steps, have run.

    Of several hops of one installation only the earliest is taken back by its `back`: it brings all of them back.
    """
    known = {step.id: step for step in back}
    used: dict[str, Step] = {}
    weights: dict[str, float] = {}
    restored: set[str] = set()
    undone = 0
    by_id = {step.id: step for step in begun}
    for step in begun:
        weight = 0.0
        if step.way_back.kind == "undo" and step.kind == "do":
            weight = step.takes
            undone += 1
        elif step.way_back.by and step.installation not in restored:
            restored.add(step.installation)
            own = [known[id] for id in step.way_back.by if id in known and not _is_remedy(known[id])]
            used.update((one.id, one) for one in own)
            # Every restore point is proved again before anything is touched.
            weight = sum(one.takes for one in own)
            weight += sum(by_id[id].takes for id in step.way_back.from_ if id in by_id)
        weights[step.id] = weight
    assets = dict.fromkeys(asset for one in used.values() if one.uses == "restore" for asset in one.changes)
    return Cost(_longest(begun, weights), undone, len(used), tuple(assets))


def question(begun: Sequence[Step], back: Sequence[Step], subject: str, title: str, more: int = 0) -> str:
    """What is asked before the point of no return: what the way back costs on either side. `more` steps without a way
    back wait for the same answer."""
    now = cost(begun, back)
    parts = [f"{now.undone} {'step is' if now.undone == 1 else 'steps are'} undone"] if now.undone else []
    if now.assets:
        parts.append(f"put back: {', '.join(now.assets[:6])}{' and others' if len(now.assets) > 6 else ''}")
    before = "nothing has to be taken back"
    if not now.is_nothing:
        before = f"going back takes about {told(now.seconds)} ({'; '.join(parts) or 'by the steps of its way back'})"
    proved = list(dict.fromkeys(one for step in begun if step.installation == subject for one in step.proves))
    after = "nothing in this plan takes it back"
    if proved:
        seconds = sum(step.takes for step in begun if step.kind == "back-up" and set(step.protects) & set(proved))
        after = (
            f"no step of this plan takes it back; what is left is to restore {', '.join(proved)} by hand, "
            f"about {told(seconds)} of copying, without what was built on it"
        )
    others = f" {more} more {'step' if more == 1 else 'steps'} without a way back may follow." if more > 0 else ""
    return f"Pass the point of no return? Before it, {before}. After it ({title}, {subject}), {after}.{others}"


def told(seconds: float) -> str:
    """A duration in words that fit an estimate."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"{round(seconds)} seconds"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} minutes"
    return f"{minutes // 60} h {minutes % 60:02} min"


def _longest(steps: Sequence[Step], weights: dict[str, float]) -> float:
    """How long it takes when every step is taken back after all that came after it."""
    ends: dict[str, float] = {}
    longest = 0.0
    for step in reversed(steps):
        end = ends.get(step.id, 0.0) + weights[step.id]
        longest = max(longest, end)
        for id in step.after:
            ends[id] = max(ends.get(id, 0.0), end)
    return longest


def _is_remedy(step: Step) -> bool:
    return any(condition.error for condition in step.when)
