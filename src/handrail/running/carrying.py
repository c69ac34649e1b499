"""The life of one step: observe, act, observe, and write down each before and after.

Intent is journaled before acting, the outcome after observing. What was begun and never ended is settled by observing:
done stays done; not done goes on under the *same* receipt, so that a detached command that still runs (or has ended
meanwhile) is found instead of being started again; what starts none and writes files of its attempt's own (`afresh`)
is a new attempt; what cannot be determined becomes `in-doubt` and asks a person.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handrail.actions.protocol import ActFailed, Action, Evidence, InDoubt, Observation, Receipt, Secrets
from handrail.errors import HandrailError, HostError, HostUnreachable, NotRehearsed, StoreError
from handrail.hosts.protocol import Host
from handrail.model.journal import Entry
from handrail.model.plan import Remedy, Step
from handrail.running.clock import Clock, stamp
from handrail.running.late import LateMissing, resolve
from handrail.running.moves import Move
from handrail.running.scheduler import Schedule

Build = Callable[[str, Mapping[str, Any]], Action]
Hosts = Callable[[str], Host]
Record = Callable[[Step, Entry], Awaitable[None]]

_LOG_KEPT = 20_000
"""Characters of a log that go to the journal, from its end, where errors stand."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to look again when a host does not say how things stand: after each of `pauses`, in seconds. `again`:
    how often an attempt whose line was lost is made anew by itself."""

    pauses: tuple[float, ...] = (0.5, 1, 2, 5, 10)
    again: int = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one step, with all that it is made with."""

    step: Step
    action: Action
    host: Host | None
    receipt: Receipt
    late: Mapping[str, Any]


class Carrier:
    """Carries single moves out. Journals through `record`, which returns after the commit."""

    def __init__(
        self,
        run: str,
        schedule: Schedule,
        *,
        hosts: Hosts,
        build: Build,
        secrets: Secrets,
        record: Record,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._run = run
        self._schedule = schedule
        self._hosts = hosts
        self._build = build
        self._secrets = secrets
        self._record = record
        self._clock = clock
        self._patience = patience or Patience()

    async def carry(self, move: Move) -> None:
        """Carry out one move. Only a StoreError leaves here: whatever else goes wrong is the step's outcome."""
        step = self._schedule.step(move.step)
        try:
            match move.kind:
                case "skip":
                    await self._record(step, Entry("skipped", step.id, data={"because": move.because}))
                case "begin":
                    await self._begin(step, move.attempt)
                case "settle":
                    await self._settle(step, move.attempt)
                case "look":
                    await self._look_again(step, move.attempt)
                case "ask":
                    await self._ask(step, move.attempt)
                case "answer":
                    await self._answer(step, move.attempt, move.answer)
        except StoreError:
            raise
        except LateMissing as error:
            await self._fail(step, move.attempt, str(error))
        except NotRehearsed as error:
            await self._fail(step, move.attempt, str(error), error="not-rehearsed")
        except HandrailError as error:
            await self._fail(step, move.attempt, str(error))
        except Exception as error:  # a fault of ours must not take the other lanes down
            await self._fail(step, move.attempt, _fault(step, error), error="fault")

    # -- moves --------------------------------------------------------------------------------------------------

    async def _begin(self, step: Step, number: int) -> None:
        if step.uses == "barrier":
            await self._record(step, Entry("done", step.id, number))
            return
        attempt = self._attempt(step, number)
        seen = await self._look(attempt)
        if not self._schedule.is_open(step.id):
            return  # a hold halted the run meanwhile
        if seen.state == "done":
            await self._done(attempt, seen, already=True)
        elif (step.kind == "check" and attempt.action.settles == "state") or seen.state == "unknown":
            # A check that leaves a receipt (digests taken, a tool's own check) is made, not just looked at.
            await self._failed(attempt, seen, Evidence(), seen.because)
        else:
            await self._begun(attempt, seen)

    async def _begun(self, attempt: Attempt, seen: Observation) -> None:
        """Journal the intent, then act; a lost line may make that a few attempts."""
        for left in range(self._patience.again, -1, -1):
            step, number = attempt.step, attempt.receipt.attempt
            before = {"state": seen.state, "because": seen.because, "evidence": seen.evidence, "outputs": seen.outputs}
            await self._record(step, Entry("begun", step.id, number, {"before": before, "late": attempt.late}))
            attempt = self._recorded(attempt)
            again = await self._act(attempt)
            if again is None:
                return
            if left:
                attempt, seen = self._attempt(step, number + 1), again
        await self._failed(attempt, seen, Evidence(), "its outcome was lost again and again, and it is not done")

    async def _settle(self, step: Step, number: int) -> None:
        attempt = self._recorded(self._attempt(step, number))
        seen = await self._look_after(attempt)
        if seen.state == "done":
            await self._done(attempt, seen, settled=True)
        elif seen.state == "unknown" or not _may_go_on(attempt.action, seen):
            await self._in_doubt(attempt, seen, "it was begun, and whether it took effect cannot be seen")
        elif attempt.action.afresh:
            await self._begun(self._attempt(step, number + 1), seen)
        else:
            again = await self._act(attempt)
            if again is not None:
                await self._begun(self._attempt(step, number + 1), again)

    async def _look_again(self, step: Step, number: int) -> None:
        """Bring a passing state about once more if something has undone it meanwhile. Where that cannot be seen,
        whatever needs it will tell."""
        try:
            attempt = self._attempt(step, number)
        except HandrailError:
            self._schedule.looked(step.id)
            return
        seen = await self._look_after(attempt)
        if seen.state == "not_done" and self._schedule.is_open(step.id):
            await self._begun(attempt, seen)
        else:
            self._schedule.looked(step.id)

    async def _ask(self, step: Step, number: int) -> None:
        late = resolve(step.with_, self._schedule)[1]
        if step.uses != "hold" and step.host is not None:
            attempt = self._attempt(step, number)
            seen = await self._look(attempt, patient=False)
            if seen.state == "done":
                await self._done(attempt, seen, already=True)
                return
        if self._schedule.is_open(step.id):
            await self._record(step, Entry("asked", step.id, number, {"late": late}))

    async def _answer(self, step: Step, number: int, answer: str | None) -> None:
        in_doubt = step.kind not in ("hold", "person")
        if step.kind == "hold":
            if answer == "yes":
                await self._record(step, Entry("done", step.id, number, {"because": "a person said yes"}))
            else:
                data = {"because": "a person said no", "halt": True}
                await self._record(step, Entry("failed", step.id, number, data))
        elif in_doubt:
            attempt = self._attempt(step, number)
            seen = await self._look_after(self._recorded(attempt), patient=False)
            outputs = seen.outputs if seen.state == "done" else {}
            data = {"because": "a person said that it happened", "observed": seen.state, "outputs": outputs}
            await self._record(step, Entry("done", step.id, number, data))
        elif answer == "no":
            await self._fail(step, number, "a person said that it cannot be done")
        else:
            await self._done_by_person(step, number)

    async def _done_by_person(self, step: Step, number: int) -> None:
        if step.host is None:
            await self._record(step, Entry("done", step.id, number, {"because": "a person said that it is done"}))
            return
        attempt = self._attempt(step, number)
        seen = await self._look(attempt, patient=False)
        if seen.state == "not_done":
            data = {"because": f"it is not done yet: {seen.because}", "late": attempt.late}
            await self._record(step, Entry("asked", step.id, number, data))
        else:
            await self._done(attempt, replace(seen, because=seen.because or "a person said that it is done"))

    # -- acting and looking -------------------------------------------------------------------------------------

    async def _act(self, attempt: Attempt) -> Observation | None:
        """Act and journal what came of it. An observation instead when the line was lost, it was not done, and it is
        safe to make the next attempt."""
        assert attempt.host is not None
        because, doubtful, error = "", False, None
        evidence = Evidence()
        try:
            evidence = await attempt.action.act(attempt.host, attempt.receipt)
        except ActFailed as failure:
            because, evidence = failure.because, failure.evidence
        except (InDoubt, HostUnreachable) as lost:
            because, doubtful = str(lost), True
        except NotRehearsed as unknown:
            because, error = str(unknown), "not-rehearsed"
        except HostError as failure:
            because = str(failure)
        except HandrailError as failure:
            because = str(failure)
        except Exception as fault:  # whatever it was, what counts is whether it took effect
            because, error, doubtful = _fault(attempt.step, fault), "fault", True
        seen = evidence.seen if evidence.seen is not None else await self._look_after(attempt)
        if seen.state == "done":
            await self._done(attempt, seen, evidence, said=because)
        elif seen.state == "unknown":
            await self._in_doubt(attempt, seen, because)
        elif not doubtful or error is not None:
            await self._failed(attempt, seen, evidence, because or seen.because, error)
        elif _may_go_on(attempt.action, seen):
            return seen
        else:
            await self._in_doubt(attempt, seen, because)
        return None

    async def _look(self, attempt: Attempt, *, patient: bool = True) -> Observation:
        """Observe; when that says nothing, again after each pause."""
        assert attempt.host is not None
        pauses = self._patience.pauses if patient else ()
        for pause in (*pauses, None):
            try:
                seen = await attempt.action.observe(attempt.host, attempt.receipt)
            except NotRehearsed:
                raise
            except HostError as silence:
                seen = Observation("unknown", str(silence))
            if seen.state != "unknown" or pause is None:
                break
            await self._clock.sleep(pause)
        return seen

    async def _look_after(self, attempt: Attempt, *, patient: bool = True) -> Observation:
        """Observe what was begun: whatever goes wrong with looking, it may have taken effect."""
        try:
            return await self._look(attempt, patient=patient)
        except StoreError:
            raise
        except HandrailError as error:
            return Observation("unknown", str(error))
        except Exception as fault:
            return Observation("unknown", _fault(attempt.step, fault))

    def _attempt(self, step: Step, number: int) -> Attempt:
        with_, late = resolve(step.with_, self._schedule)
        action = self._build(step.uses, with_)
        host = self._hosts(step.host) if step.host is not None else None
        return Attempt(step, action, host, Receipt(self._run, step.id, number, self._secrets, self._since(step)), late)

    def _since(self, step: Step) -> str:
        """From when on a step that has not begun looks at logs: since the steps began that it follows directly."""
        began = [self._schedule.began(name) for name in step.after]
        return min((one for one in began if one), default=self._schedule.created or stamp(self._clock.now()))

    def _recorded(self, attempt: Attempt) -> Attempt:
        """The attempt as the journal has it: begun then, with what was seen before."""
        intent = self._schedule.intent(attempt.step.id)
        if intent is None:
            return attempt
        before = intent.entry.data.get("before", {})
        return replace(attempt, receipt=replace(attempt.receipt, since=intent.at, before=before))

    # -- outcomes -----------------------------------------------------------------------------------------------

    async def _done(
        self,
        attempt: Attempt,
        seen: Observation,
        evidence: Evidence | None = None,
        *,
        already: bool = False,
        settled: bool = False,
        said: str = "",
    ) -> None:
        acted = evidence or Evidence()
        data: dict[str, Any] = {"because": seen.because, "outputs": {**acted.outputs, **seen.outputs}}
        data |= {name: value for name, value in (("already", already), ("settled", settled)) if value}
        data |= _shown(seen, acted)
        if said:
            data["said"] = said  # what acting claimed, and observing did not confirm
        await self._record(attempt.step, Entry("done", attempt.step.id, attempt.receipt.attempt, data))

    async def _failed(
        self, attempt: Attempt, seen: Observation, evidence: Evidence, because: str, error: str | None = None
    ) -> None:
        log = evidence.log or str(seen.evidence.get("log", ""))
        known, found = _recognise(attempt.step.remedies, evidence.exit, log)
        data: dict[str, Any] = {
            "because": because,
            "error": known.error if known else error,
            "observed": seen.state,
            "outputs": {**evidence.outputs, **seen.outputs, **found},
        }
        if known and known.says:
            data["says"] = known.says
        data |= _shown(seen, evidence)
        await self._record(attempt.step, Entry("failed", attempt.step.id, attempt.receipt.attempt, data))

    async def _fail(self, step: Step, number: int, because: str, error: str | None = None) -> None:
        await self._record(step, Entry("failed", step.id, number, {"because": because, "error": error}))

    async def _in_doubt(self, attempt: Attempt, seen: Observation, because: str) -> None:
        data = {"because": "; ".join(one for one in (because, seen.because) if one), **_shown(seen, Evidence())}
        await self._record(attempt.step, Entry("in-doubt", attempt.step.id, attempt.receipt.attempt, data))


def _fault(step: Step, error: Exception) -> str:
    return f"{type(error).__name__} in {step.uses}: {error}"


def _may_go_on(action: Action, seen: Observation) -> bool:
    """Whether an attempt that was seen not to be done may be gone on with. A receipt action that must not be repeated
    may only when the target's record says that it never started."""
    if action.settles == "state" or action.repeatable:
        return True
    return seen.evidence.get("started") is False


def _recognise(remedies: tuple[Remedy, ...], code: int | None, log: str) -> tuple[Remedy | None, dict[str, str]]:
    """The remedy whose error this is, and what its pattern found in the log."""
    for remedy in remedies:
        if remedy.log is not None:
            match = re.search(remedy.log, log)
            if match:
                return remedy, {name: value for name, value in match.groupdict().items() if value is not None}
        if code is not None and code in remedy.exit:
            return remedy, {}
    return None, {}


def _shown(seen: Observation, evidence: Evidence) -> dict[str, Any]:
    """What goes to the journal of what was seen and of what acting showed."""
    data: dict[str, Any] = {}
    if seen.evidence:
        data["evidence"] = seen.evidence
    if evidence.exit is not None:
        data["exit"] = evidence.exit
    if evidence.log:
        data["log"] = evidence.log[-_LOG_KEPT:]
    if evidence.details:
        data["details"] = evidence.details
    return data
