"""How each fault is put in: between the runner and its world, at one call or one commit of one step, once.

Neither the twin's tools nor the runner know of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from handrail.errors import HostError
from handrail.hosts.protocol import Exited, TimedOut
from handrail.model.journal import Entry
from handrail.model.plan import Step
from handrail.rehearsing import media, torn
from handrail.rehearsing.journey import Asked, Journey, Visit
from handrail.rehearsing.life import Call, Ending, Life, Stage, Strike, Until, silent
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import booting

OUTCOMES = ("done", "failed", "in-doubt")
INTENTS = ("begun", "asked")

RESTART = 180.0
"""Seconds for which a host answers to nothing while it restarts."""


@dataclass(frozen=True, slots=True)
class Place:
    """One step of a journey, and what there is to put a fault in at."""

    journey: Journey
    step: Step
    visit: Visit

    @property
    def look(self) -> Asked | None:
        return self.visit.look

    @property
    def deciding(self) -> Asked | None:
        return self.visit.deciding if self.visit.begun else None

    @property
    def before(self) -> Stage:
        return self.journey.boundaries[self.visit.at].stage


class Struck(Strike):
    """A fault on its way to one step, and whether it came to pass."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.fell = False
        self.told: list[str] = []

    def falls(self, what: str) -> None:
        self.fell = True
        self.told.append(what)

    def mend(self, stage: Stage) -> None:
        """What somebody puts right before the run is gone on with."""

    def clear(self, stage: Stage) -> None:
        """Take away what the fault itself left, and nothing that came of it, before the end is judged."""


# -- killed -------------------------------------------------------------------------------------------------------


class _KilledAtCommit(Struck):
    kinds: tuple[str, ...] = INTENTS
    late = False

    def _meant(self, entry: Entry) -> bool:
        return not self.fell and entry.step == self.place.step.id and entry.kind in self.kinds

    def before(self, life: Life, entry: Entry) -> None:
        if not self.late and self._meant(entry):
            self.falls(f"killed before {entry.kind!r} is in the journal")
            life.kill()

    def after(self, life: Life, entry: Entry) -> None:
        if self.late and self._meant(entry):
            self.falls(f"killed as soon as {entry.kind!r} is in the journal")
            life.kill()


class KilledBeforeIntent(_KilledAtCommit):
    pass


class KilledAfterIntent(_KilledAtCommit):
    late = True


class KilledBeforeOutcome(_KilledAtCommit):
    kinds = OUTCOMES


class _AtCall(Struck):
    """Falls on the call that decides; at a step that only looks, on its first one where `looks`."""

    looks = False

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._asked = place.deciding or (place.look if self.looks else None)

    def meant(self, call: Call) -> bool:
        asked = self._asked
        if self.fell or asked is None or call.step != self.place.step.id:
            return False
        return (call.phase, call.number) == (asked.phase, asked.number)

    async def call(self, life: Life, call: Call) -> Any:
        if not self.meant(call):
            return await life.perform(call)
        return await self.befall(life, call)

    async def befall(self, life: Life, call: Call) -> Any:
        raise NotImplementedError


class KilledAfterEffect(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        await life.perform(call)
        self.falls(f"killed after: {call.what}")
        life.kill()

    def played(self, life: Life, step: Step) -> None:
        if not self.fell and step.id == self.place.step.id:
            self.falls("killed after a person did it, before the answer is written")
            life.kill()


# -- lines, codes, time -------------------------------------------------------------------------------------------


class LostUndone(_AtCall):
    looks = True

    async def befall(self, life: Life, call: Call) -> Any:  # noqa: ARG002
        self.falls(f"the line is lost before: {call.what}")
        return silent(call.host, call.verb)


class LostDone(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        await life.perform(call)
        self.falls(f"the line is lost after: {call.what}")
        return silent(call.host, call.verb)


class LostHalf(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        foretold = await torn.foretell(life, call)
        torn.apply(life, call.host, torn.broken_off(foretold, "half"))
        self.falls(f"the line is lost, and with it half of: {call.what}")
        return silent(call.host, call.verb)


class SucceedsUndone(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        foretold = await torn.foretell(life, call)
        torn.apply(life, call.host, torn.no_session(torn.job_ended(foretold, 0)))
        self.falls(f"nothing is done, and exit code 0 said, by: {call.what}")
        return replace(foretold.answer, code=0) if isinstance(foretold.answer, Exited) else foretold.answer


class FailsDone(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        foretold = await torn.foretell(life, call)
        await life.perform(call)
        self.falls(f"all is done, and failure said, by: {call.what}")
        if torn.job_of(foretold):
            torn.apply(life, call.host, torn.no_session(torn.job_ended(foretold, 1603)))
            return foretold.answer
        return _refused(call, "It failed.")


class FailsUndone(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        foretold = await torn.foretell(life, call)
        torn.apply(life, call.host, torn.no_session(torn.job_ended(foretold, 1603)))
        self.falls(f"nothing is done, and failure said, by: {call.what}")
        return foretold.answer if torn.job_of(foretold) else _refused(call, "It failed.")


class TimesOutUndone(_AtCall):
    looks = True

    async def befall(self, life: Life, call: Call) -> Any:
        self.falls(f"out of time, with nothing done: {call.what}")
        return _out_of_time(life, call)


class TimesOutDone(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        await life.perform(call)
        self.falls(f"out of time, with all done: {call.what}")
        return _out_of_time(life, call)


def _refused(call: Call, says: str, code: int = 1) -> Exited:
    if call.verb != "execute":
        raise HostError(f"{call.host}: {says}")
    return Exited(code, err=f"{says}\r\n".encode())


def _out_of_time(life: Life, call: Call) -> Any:
    after = call.command.timeout if call.command else 60.0
    life.stage.passes(after)
    return TimedOut(after) if call.verb == "execute" else silent(call.host, call.verb)


# -- the host -----------------------------------------------------------------------------------------------------


class Restarts(_AtCall):
    looks = True

    async def befall(self, life: Life, call: Call) -> Any:
        if call.phase == "act" and call.verb == "execute":
            foretold = await torn.foretell(life, call)
            torn.apply(life, call.host, [*torn.broken_off(foretold, "half"), *torn.job_killed(foretold)])
        life.stage.twin.transact(call.host, torn.BROKEN_OFF, _restart)
        self.falls(f"{call.host} restarts in the middle of: {call.what}")
        life.silence(call.host, RESTART)
        return silent(call.host, call.verb)


def _restart(machine: Machine) -> None:
    booting.restart(machine, "It was rehearsed.")


FULL = "There is not enough space on the disk."


class DiskFull(_AtCall):
    async def befall(self, life: Life, call: Call) -> Any:
        foretold = await torn.foretell(life, call)
        kept = torn.broken_off(foretold, "half")
        self.falls(f"the disk is full in the middle of: {call.what}")
        if torn.job_of(foretold):
            torn.apply(life, call.host, [*kept, *torn.job_ended(foretold, 112, f"{FULL}\r\n")])
            return foretold.answer
        torn.apply(life, call.host, kept)
        if call.verb != "execute" or call.command is None:
            raise HostError(f"{call.host}: {FULL}", "Free some.")
        return _full(call.command.argv)


def _full(argv: tuple[str, ...]) -> Exited:
    """As the tool itself says it."""
    tool = argv[0].lower().rpartition("\\")[2].removesuffix(".exe")
    match tool:
        case "robocopy":
            return Exited(8, f"ERROR 112 (0x00000070) Copying File\r\n{FULL}\r\n".encode())
        case "sqlcmd" | "osql":
            text = (
                "Msg 3202, Level 16, State 1, Server ., Line 1\r\n"
                f"Write on the backup device failed: 112({FULL})\r\n"
                "Msg 3013, Level 16, State 1, Server ., Line 1\r\n"
                "BACKUP DATABASE is terminating abnormally.\r\n"
            )
            return Exited(1, text.encode())
        case "reg":
            return Exited(1, err=b"ERROR: Unable to write to the file. There may be a disk or file system error.\r\n")
        case "cmd":
            return Exited(1, b"        0 file(s) copied.\r\n", f"{FULL}\r\n".encode())
        case _:
            return Exited(1, err=f"{FULL}\r\n".encode())


class ServiceSticks(_AtCall):
    """The service says that it is on its way and never arrives. An administrator ends its process."""

    def _name(self) -> str:
        return str(self.place.step.with_.get("name", ""))

    async def befall(self, life: Life, call: Call) -> Any:
        foretold = await torn.foretell(life, call)
        on_its_way = "STOP_PENDING" if self.place.step.uses.endswith("stop") else "START_PENDING"
        _set(life.stage, call.host, self._name(), on_its_way)
        self.falls(f"{self._name()} stays {on_its_way} after: {call.what}")
        return foretold.answer

    def mend(self, stage: Stage) -> None:
        if self.fell and self.place.step.host:
            _set(stage, self.place.step.host, self._name(), "STOPPED", only=("STOP_PENDING", "START_PENDING"))


def _set(stage: Stage, host: str, service: str, state: str, only: tuple[str, ...] = ()) -> None:
    def work(machine: Any) -> None:
        found = machine.service(service)
        if found is not None and (not only or found.state in only):
            machine.put(found.name, replace(found, state=state))

    stage.twin.transact(host, torn.BROKEN_OFF, work)


class WrongMedium(_AtCall):
    """Another medium lies under the right one's name. Somebody notices, and puts the right one there and wherever the
    wrong one was copied to."""

    looks = True

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._asked = place.look
        self._swapped: media.Swapped | None = None

    async def befall(self, life: Life, call: Call) -> Any:
        medium = media.read_by(self.place.step, self.place.before)
        if medium is not None:
            self._swapped = media.swap(life.stage, medium)
            self.falls(f"{medium.path} on {medium.host} is {self._swapped.is_}")
        return await life.perform(call)

    def mend(self, stage: Stage) -> None:
        if self._swapped is not None:
            media.put_right(stage, self._swapped)

    def clear(self, stage: Stage) -> None:
        """What was taken from the wrong one stays to be seen; that it lies there does no harm by itself."""
        if self._swapped is not None:
            media.take_away(stage, self._swapped)


class TwoRunners(_AtCall):
    """While the command is under way, another process takes the run over and carries it on; then the first one comes
    back to write down what it did."""

    until: Until | None = None
    second: Ending | None = None
    first_wrote = False

    async def befall(self, life: Life, call: Call) -> Any:
        result = await life.perform(call)
        self.falls(f"another process takes the run over after: {call.what}")
        self.second = await Life(life.stage, None, self.until).carry_out()
        return result

    def after(self, life: Life, entry: Entry) -> None:  # noqa: ARG002
        self.first_wrote |= self.second is not None


class BackupUnreadable(Struck):
    """Put in by the matrix, between the proof and the rollback that needs it."""
