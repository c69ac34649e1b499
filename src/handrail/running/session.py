"""The wiring of everything that carries runs out, in one place: what the commands and the tests share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.actions import build as build_action
from handrail.actions import described as describe_action
from handrail.actions import signatures as all_signatures
from handrail.actions.protocol import Secrets
from handrail.actions.secrets import SecretStore
from handrail.documents.plan import plan_of_text, plan_to_json
from handrail.errors import BadInput, StoreLocked, UnknownName
from handrail.model.journal import PEOPLE_LANE, Entry, Event, RunStatus
from handrail.model.plan import Plan
from handrail.model.signature import Signature
from handrail.restoring.cost import Cost
from handrail.restoring.custody import Custody, Keeping
from handrail.restoring.records import records_of
from handrail.restoring.rollback import Back, NoWayBack, cost_of
from handrail.restoring.undoing import Describe, Knowledge
from handrail.running import going_back, people
from handrail.running.admission import check_revisions, refuse_second
from handrail.running.carrying import Build, Hosts
from handrail.running.chain import Chains, canonical
from handrail.running.clock import Clock, SystemClock
from handrail.running.config import local_secrets
from handrail.running.home import Home, make_folder
from handrail.running.journal import Journal, RunRow, Watch, open_journal
from handrail.running.needed_secrets import Found, Need, demand, look_up, needs_of_plan
from handrail.running.paging import stream
from handrail.running.protocol import Bell
from handrail.running.quiet import QuietHost
from handrail.running.runner import Outcome, Progress, Runner, Settings
from handrail.running.scheduler import Schedule, lane_of
from handrail.running.standing import RunStanding, contents_of, standing_of
from handrail.running.status import schedule_of
from handrail.running.store import address_of, is_shared
from handrail.running.targets import Opener, Target, hosts_opener, lab_opener, twin_opener
from handrail.running.tidying import tidy
from handrail.running.transcripts import Heard, Transcripts
from handrail.running.whereabouts import refuse_departed

if TYPE_CHECKING:  # what a run needs is loaded first; all else when it is asked for
    from handrail.running.drift import Drift
    from handrail.running.preflight import Preflight
    from handrail.running.sharing import Say, Share
    from handrail.running.verify import Verification


@dataclass(frozen=True, slots=True)
class Session:
    """An open store, and what its runs are carried out with. `openers` are by a run's target: `hosts`, `twin`."""

    home: Home
    journal: Journal
    secrets: SecretStore
    openers: Mapping[str, Opener]
    build: Build = build_action
    signatures: Mapping[str, Signature] = field(default_factory=all_signatures)
    clock: Clock = field(default_factory=SystemClock)
    describe: Describe = describe_action

    # -- before a run -------------------------------------------------------------------------------------------

    def approve(self, plan: Plan, who: str, note: str = "") -> list[people.Approval]:
        """Record the approval of `who`; all approvals of this plan."""
        return people.approve(self.journal, plan.digest, who, note)

    def approvals(self, plan: Plan) -> list[people.Approval]:
        return people.approvals(self.journal, plan.digest)

    def check(self, plan: Plan, target: str = "hosts") -> str:
        """Whether a run of `plan` may begin on `target`; the target that it is for. Errors as `start`."""
        check_revisions(plan, self.signatures)
        Schedule(plan)
        if plan.goes_back is not None:
            target = self._check_going_back(plan, target)
        if target == "hosts":
            people.demand_approvals(self.journal, plan)
            refuse_second(self.journal, plan)
            self._opener(target)(plan, Path(), True)  # refuses hosts that cannot be reached, before there is a run
        return target

    def check_secrets(self, plan: Plan) -> None:
        """BadInput when this process cannot use a secret that the plan needs."""
        demand(self._look_up(plan, needs_of_plan(plan, self.signatures)))

    async def preflight(self, plan: Plan, only: Collection[str] | None = None) -> Preflight:
        """Ask the hosts of the plan (of those in `only`) whether they can be reached and driven."""
        from handrail.running.preflight import of_plan

        target = self._opener("hosts")(plan, Path(), True)
        try:
            return await of_plan(plan, target.host, only)
        finally:
            await target.close()

    def start(self, plan: Plan, who: str, *, target: str = "hosts", workers: bool = False) -> str:
        """Begin a run of `plan` on `target`; its id. Nothing is carried out yet. A plan that takes a run back goes to
        where that run was. `workers`: it is carried out by workers, once it was handed over to them.

        Errors: Blocked (approvals are missing), BadInput (an action's revision differs; the plan is under way already;
        the estate says of a host how to reach it, and that cannot be done; a way back does not lead back from where its
        run is now).
        """
        with contextlib.ExitStack() as stack:
            if target == "hosts":  # two who begin at the same moment would both find no other run of the plan
                stack.enter_context(self.journal.store.hold(plan.digest.rpartition(":")[2], "A run of this plan"))
            target = self.check(plan, target)
            given = people.demand_approvals(self.journal, plan) if target == "hosts" else []
            data: dict[str, Any] = {"approvals": [{"who": one.who, "at": one.at} for one in given]}
            if plan.goes_back is not None:
                data["goes_back"] = plan.goes_back.run
            if workers:
                data["dispatch"] = "workers"
            document = canonical(plan_to_json(plan))
            run = self.journal.create(plan.estate.name, plan.digest, document, target, who, data, contents_of(plan))
            if plan.goes_back is not None:
                going_back.note(self.journal, plan.goes_back.run, run, who)
            return run

    def hand_over(self, run: str, who: str, *, again: bool = False) -> int:
        """Give a run to the workers of its store: ring for every lane in which something can be done; how many.

        `again`: what failed is tried again. Errors as `carry_out`."""
        from handrail.running.sharing import begin

        self.refuse_departed(run)
        plan = self.plan(run)
        check_revisions(plan, self.signatures)
        if plan.goes_back is not None:
            going_back.prepare(self.journal, run, plan, who, self.knowledge)
        else:
            self.refuse_return(run)
        with self._target(run, plan) as target:  # a twin is raised by one, before several open it
            asyncio.run(target.close())
        return begin(self.journal, run, plan, who, again=again)

    def is_for_workers(self, run: str) -> bool:
        """Whether workers carry the run out, not the process that began it."""
        return self.journal.dispatch(run) == "workers"

    def is_real(self, run: str) -> bool:
        """Whether the run is on hosts, not on a twin."""
        return self.journal.row(run).target != "twin"

    def listeners(self) -> int:
        """How many workers of the store have given a sign of life lately."""
        from handrail.running.doorbell import listeners

        with self.journal.store.read() as connection:
            return listeners(connection)

    def is_attended(self, run: str) -> bool:
        """Whether some process carries the run on now, or would: workers listen for what they were given."""
        return self.listeners() > 0 if self.is_for_workers(run) else self.is_carried(run)

    # -- a run --------------------------------------------------------------------------------------------------

    def runs(self) -> list[RunRow]:
        """All runs, oldest first."""
        return self.journal.runs()

    def is_carried(self, run: str) -> bool:
        """Whether some process on this machine is carrying the run on now."""
        return self.journal.store.is_held(run)

    def find(self, run: str | None = None) -> str:
        """The id of a run: as given, or the newest one. UnknownName, or BadInput when there is none."""
        if run is not None:
            return self.journal.row(run).run
        found = self.runs()
        if not found:
            raise BadInput("Nothing has been run yet.", "Begin with `handrail run PLAN`.")
        return found[-1].run

    def plan(self, run: str) -> Plan:
        """The plan that the run carries out, as it was frozen. Tampered when it was changed since."""
        return plan_of_text(self.journal.document(run), f"the plan of run {run}")

    def events(self, run: str) -> list[Event]:
        """All events of the run, every chain checked."""
        self.journal.row(run)
        return self.journal.read(run)

    def schedule(self, run: str, plan: Plan | None = None) -> Schedule:
        """What may happen next in the run. `plan`: the run's, where the caller has it already."""
        return schedule_of(self.journal, run, plan or self.plan(run))

    def status(self, run: str, plan: Plan | None = None) -> RunStatus:
        """How the run stands. It is `rolled-back` once another one has taken it back. `plan`: as for `schedule`."""
        plan = plan or self.plan(run)
        found = schedule_of(self.journal, run, plan).status(run, plan.digest)
        departure = self.journal.departure(run)
        if departure is not None:
            found = replace(found, moved_to=departure.to)
        if plan.goes_back is not None:
            return replace(found, goes_back=plan.goes_back.run)
        returned = going_back.return_of(self.journal, run)
        if returned is None:
            return found
        return replace(found, state="rolled-back" if returned.is_over else found.state, taken_back_by=returned.by)

    def standing(self, run: str) -> RunStanding | None:
        """How a large run stands, counted in its store at once; None of one whose whole journal has to be asked."""
        return standing_of(self.journal, run)

    def answer(self, run: str, step: str, said: str, who: str, note: str = "", asked: int | None = None) -> Event:
        """Answer a waiting step; see `people.answer`. BadInput too when the run is being taken back, or went to another
        store."""
        self.refuse_departed(run)
        self.refuse_return(run)
        plan = self.plan(run)
        event = people.answer(self.journal, run, plan, step, said, who, note, asked)
        if self.is_for_workers(run):
            from handrail.running.sharing import queue_of

            answered = next(one for one in plan.steps if one.id == event.entry.step)
            self.journal.ring(run, [Bell(queue_of(plan)(lane_of(answered)), lane_of(answered), first=True)])
        return event

    async def carry_out(
        self,
        run: str,
        who: str,
        *,
        progress: Progress | None = None,
        settings: Settings | None = None,
        looked: Callable[[Drift], None] | None = None,
    ) -> Outcome:
        """Go on with a run until nothing more can be done now. `looked` hears what was found of the facts that it rests
        on, before the first step of it begins.

        Errors: Drifted (what pending steps rest on has changed, or could not be seen); StoreLocked (another process is
        at it, or at the run that it takes back); BadInput (it is being taken back, or was; it is a way back that does
        not lead back from where its run is now; it went to another store).
        """
        plan = self.plan(run)
        check_revisions(plan, self.signatures)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.journal.store.hold(run, f"Run {run}"))
            self.refuse_departed(run)
            if self.is_for_workers(run):
                raise BadInput(f"Run {run} was given to workers.", f"Hand it over again: handrail resume {run}.")
            if plan.goes_back is not None:
                original = plan.goes_back.run
                stack.enter_context(self.journal.store.hold(original, f"Run {original}"))
                going_back.prepare(self.journal, run, plan, who, self.knowledge)
            else:
                self.refuse_return(run)
            target = stack.enter_context(self._target(run, plan))
            hosts, secrets = self._equipped(run, plan, target)
            transcripts = self._transcripts(run)
            runner = Runner(
                self.journal,
                run,
                plan,
                hosts=transcripts.of(hosts),
                build=self.build,
                secrets=secrets,
                who=who,
                clock=self.clock,
                people=target.play,
                progress=progress,
                settings=settings,
            )
            try:
                await self._refuse_drift(run, plan, hosts, who, looked)
                outcome = await runner.carry_out()
                if outcome.status.state == "succeeded" and self.is_real(run):
                    await tidy(self.journal, run, plan, target.host, since=runner.schedule.created)
            finally:
                await target.close()
            if plan.goes_back is not None and outcome.status.state == "succeeded":
                going_back.note_end(self.journal, plan.goes_back.run, run)
            back = plan.goes_back.run if plan.goes_back is not None else None
            status = replace(outcome.status, goes_back=back)
            return replace(outcome, status=status, trouble=transcripts.trouble)

    async def _refuse_drift(
        self, run: str, plan: Plan, hosts: Hosts, who: str, looked: Callable[[Drift], None] | None
    ) -> None:
        """Nothing goes on that rests on what is no longer so. What a lab is like, no plan has said."""
        if plan.goes_back is not None or self.journal.row(run).target == "lab":
            return
        from handrail.running.drift import drift_to_json, look, refuse

        schedule = schedule_of(self.journal, run, plan)
        found = await look(plan, schedule, hosts)
        if found.refuses:
            self.journal.add(run, PEOPLE_LANE, Entry("drifted", data={"who": who, **drift_to_json(found)}))
        refuse(run, plan, schedule, found)
        if looked is not None and not self.journal.has_steps(run):
            looked(found)

    def share(
        self, run: str, plan: Plan, who: str, *, queue: Callable[[str], str], say: Say, seen: Progress
    ) -> tuple[Target, Share]:
        """A worker's share in a run, and what it is carried out on, for the worker to close.

        Errors: BadInput (an action's revision differs; a host cannot be reached as the estate says)."""
        from handrail.running.sharing import Share
        from handrail.running.tails import Tails, putting

        check_revisions(plan, self.signatures)
        tails = Tails(putting(self.journal.store, run))

        def followed(event: Event, schedule: Schedule) -> None:
            tails.follow(event)
            seen(event, schedule)

        with self._target(run, plan) as target:
            hosts, secrets = self._equipped(run, plan, target, strict=False)
            share = Share(
                self.journal,
                run,
                plan,
                hosts=self._transcripts(run, tails.hear).of(hosts),
                build=self.build,
                secrets=secrets,
                queue=queue,
                who=who,
                people=target.play if target.plays else None,
                clock=self.clock,
                say=say,
                seen=followed,
                drifts=plan.goes_back is None and self.journal.row(run).target != "lab",
            )
        return target, share

    async def verify(self, run: str, who: str) -> Verification:
        """Observe every lasting step again, and journal what was seen. BadInput when the run went to another store."""
        from handrail.running.verify import verification_to_json, verify

        self.refuse_departed(run)
        plan = self.plan(run)
        returned = going_back.return_of(self.journal, run)
        if returned is not None:
            raise BadInput(
                f"Run {run} was taken back by run {returned.by}: what it brought about is meant to be gone.",
                f"Look whether all is as it was before: handrail verify {returned.by}.",
            )
        schedule = schedule_of(self.journal, run, plan)
        if not any(step.lasting and schedule.one(step.id).state == "done" for step in plan.steps):
            raise BadInput(f"Run {run} has done nothing lasting yet: there is nothing to verify.")
        with self._target(run, plan) as target:
            hosts, secrets = self._equipped(run, plan, target, strict=False)
            try:
                found = await verify(run, plan, schedule, hosts=hosts, build=self.build, secrets=secrets)
            finally:
                await target.close()
        self.journal.add(run, PEOPLE_LANE, Entry("verified", data={"who": who, **verification_to_json(found)}))
        return found

    # -- going back ---------------------------------------------------------------------------------------------

    def rollback(self, run: str) -> Back | NoWayBack:
        """The plan that takes a run back from where it is now, and what that costs; or why there is none.

        BadInput when it is a way back itself, has not changed anything, was or is being taken back, went to another
        store, when a later run went on from there, or an action's revision differs; StoreLocked when a process is
        carrying it on.
        """
        plan = self.plan(run)
        check_revisions(plan, self.signatures)
        self._refuse_busy(run)
        found = going_back.back_of(self.journal, run, plan, self.knowledge)
        if isinstance(found, Back) and not found.plan.steps:
            stays = [f"{one.subject}: {one.message}" for one in found.plan.findings]
            raise BadInput(f"Run {run} has changed nothing that has to be taken back.", " ".join(stays[:5]))
        return found

    def refuse_return(self, run: str) -> None:
        """BadInput when the run is being taken back, or was."""
        going_back.refuse_return(going_back.return_of(self.journal, run), run)

    def refuse_departed(self, run: str) -> None:
        """BadInput when the run went to another store."""
        refuse_departed(self.journal.departure(run), run)

    def cost(self, run: str, plan: Plan | None = None) -> Cost | None:
        """What going back from where the run is now would cost; None when that is no question: it takes another run
        back, or is taken back. `plan`: the run's, where the caller has it already."""
        plan = plan or self.plan(run)
        if plan.goes_back is not None or going_back.return_of(self.journal, run) is not None:
            return None
        try:
            check_revisions(plan, self.signatures)
        except BadInput:
            return None  # only the Handrail that began it knows
        return cost_of(plan, run, records_of(self._each(run)), self.knowledge)

    def _each(self, run: str) -> Iterator[Event]:
        """As `events`, never all in memory at once."""
        chains = Chains(run)
        for event in stream(self.journal, run):
            chains.take(event)
            yield event

    def taken_back(self) -> Mapping[str, str]:
        """The runs that were taken back, each with the run that did it."""
        return self.journal.taken_back()

    @property
    def knowledge(self) -> Knowledge:
        return Knowledge(self.build, self.describe, self.signatures)

    def _refuse_busy(self, run: str) -> None:
        self.refuse_departed(run)
        self.refuse_return(run)
        going_back.refuse_overtaken(self.journal, run)
        if self.is_carried(run) or (self.is_for_workers(run) and self.schedule(run).state == "running"):
            raise StoreLocked(
                f"Run {run} is being carried on by a process.",
                "Stop that first, with Ctrl-C, or let it come to its end.",
            )

    def _check_going_back(self, plan: Plan, target: str) -> str:
        """The target on which the run was that `plan` takes back."""
        assert plan.goes_back is not None
        run = plan.goes_back.run
        where = self.journal.row(run).target
        if target == "twin" and where != "twin":
            raise BadInput(f"Run {run} was on real hosts, and so is its way back.", "Leave out --twin.")
        self._refuse_busy(run)
        going_back.refuse_stale(self.journal, plan, self.plan(run), self.knowledge)
        return where

    # -- within -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _target(self, run: str, plan: Plan) -> Iterator[Target]:
        row = self.journal.row(run)
        folder = self.home.twin(plan.goes_back.run if plan.goes_back else run)
        new = plan.goes_back is None and not self.journal.has_steps(run)
        if row.target == "twin":
            make_folder(folder)
        yield self._opener(row.target)(plan, folder, new)

    def _opener(self, target: str) -> Opener:
        try:
            return self.openers[target]
        except KeyError:
            raise UnknownName("target", target, self.openers) from None

    def _keeping(self, plan: Plan) -> Keeping:
        """Our secrets, and sealing for our identity and the custodians of the plan's estate."""
        return Keeping(self.secrets, Custody(self.home.custody, plan.estate.custodians, self.secrets.hide))

    def _transcripts(self, run: str, heard: Heard = lambda *_: None) -> Transcripts:
        return Transcripts(self.home.transcripts(run), self.secrets.redact, self.clock, heard=heard)

    def _equipped(self, run: str, plan: Plan, target: Target, *, strict: bool = True) -> tuple[Hosts, Secrets]:
        """The hosts and the secrets that steps are given. Real secrets are all looked up, so that they are hidden in
        what earlier attempts left behind. BadInput, where it is `strict`, when one cannot be used that is still needed.
        """
        real = self._keeping(plan)
        secrets = target.secrets(real)
        if secrets is not real:
            return target.host, secrets
        needs = needs_of_plan(plan, self.signatures)
        if needs:
            found = self._look_up(plan, needs)
            schedule = schedule_of(self.journal, run, plan)
            pending = {one.id for one in plan.steps if schedule.one(one.id).state not in ("done", "skipped")}
            still = {need.reference for need in needs_of_plan(plan, self.signatures, pending)}
            if strict:
                demand(one for one in found if one.need.reference in still)
        return lambda name: QuietHost(target.host(name), self.secrets.redactor.finds), secrets

    def _look_up(self, plan: Plan, needs: Iterable[Need]) -> list[Found]:
        return look_up(needs, self.secrets.resolve, [canonical(plan_to_json(plan))])


@contextlib.contextmanager
def open_session(
    home: Home,
    *,
    store: str | None = None,
    make: bool = True,
    ask: bool = False,
    guides: tuple[Path, ...] = (),
    watch: Watch | None = None,
    openers: Mapping[str, Opener] | None = None,
    build: Build = build_action,
    signatures: Mapping[str, Signature] | None = None,
    clock: Clock | None = None,
    describe: Describe = describe_action,
    secrets: SecretStore | None = None,
) -> Iterator[Session]:
    """Open the store and wire everything up.

    `store`: its URL, the home's own by default. `make`: make it when there is none. `ask`: on a twin, ask real people.
    `guides`: folders of an author, for what their twins declare. `watch`: told before and after every commit.
    `secrets`: by default what this machine has, with the helpers that its configuration names.
    """
    if store is None and make:
        home.make()
    if secrets is None:
        secrets = local_secrets(home)
    clock = clock or SystemClock()
    journal = open_journal(store or home.store, clock=clock, redact=secrets.redact, watch=watch, make=make)
    known = signatures if signatures is not None else all_signatures()
    if openers is None:
        openers = {
            "hosts": hosts_opener(secrets.resolve),
            "lab": lab_opener(secrets.resolve),
            "twin": twin_opener(guides, ask, address_of(store) if is_shared(store) else None),
        }
    try:
        yield Session(home, journal, secrets, openers, build, known, clock, describe)
    finally:
        journal.close()
