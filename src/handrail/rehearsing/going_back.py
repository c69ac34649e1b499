"""Judges how a run was taken back: by the way that it went, by how that ended, and by whether all is as it was."""

from __future__ import annotations

from handrail.documents.read import Keys
from handrail.model.plan import Plan
from handrail.rehearsing import judging
from handrail.rehearsing.differences import Found, holds_text, short, shown
from handrail.rehearsing.expecting import steps_of
from handrail.rehearsing.pretending import Carried, TakenBack
from handrail.rehearsing.scenario import Rollback
from handrail.rehearsing.truth import essence, missed

_WITHIN: Keys = ("run", "rollback")


def compare(expected: Rollback, found: TakenBack, plan: Plan) -> Found:
    """Everything that is otherwise than expected about the way back of a run of `plan`."""
    if found.carried is None or found.plan is None:
        yield from _not_begun(expected, found)
        return
    yield from steps_of(expected, found.plan, _WITHIN)
    yield from judging.ending(expected, expected.ends, found.carried, _WITHIN)
    yield from judging.truth(expected.twin, plan, found.carried, _WITHIN)
    if found.carried.status.state == expected.ends == "succeeded":
        yield from _as_before(expected, found.carried)


def _not_begun(expected: Rollback, found: TakenBack) -> Found:
    ends = "no-way-back" if found.lost else "nothing"
    because = (
        " ".join(one.message for one in found.lost) or "Nothing has been changed that would have to be taken back."
    )
    if ends != expected.ends:
        yield (*_WITHIN, "ends"), f"Expected the rollback to end {expected.ends}, got {ends}: {short(because, 400)}"
        return
    for n, part in enumerate(expected.says):
        if not holds_text(because, part):
            yield (*_WITHIN, "says", n), f"Expected to hear {part!r} of why, got {short(because, 400)!r}."


def _as_before(expected: Rollback, carried: Carried) -> Found:
    """By the twin's ground truth, whatever the rollback says of itself."""
    otherwise = missed(essence(carried.before), essence(carried.after))
    for one in otherwise:
        if not any(holds_text(one, part) for part in expected.differs):
            yield _WITHIN, f"Expected all to be as it was before the run; {short(one, 300)}."
    for n, part in enumerate(expected.differs):
        if not any(holds_text(one, part) for one in otherwise):
            got = shown([short(one, 120) for one in otherwise[:3]]) if otherwise else "nothing that does"
            yield (*_WITHIN, "differs", n), f"Expected something that differs to say {part!r}, got {got}."
