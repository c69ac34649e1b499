"""`approve`, `run`, `status`, `resume`, `answer` and `verify`: carrying plans out, and following that."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from handrail.cli import options, settings
from handrail.cli.assessing import BLOCKED
from handrail.cli.output import Output
from handrail.cli.preflight import passes
from handrail.cli.progress import telling
from handrail.cli.sessions import existing, opened, store_option
from handrail.documents.plan import read_plan
from handrail.errors import BadInput
from handrail.model.plan import Plan
from handrail.reporting import text, words
from handrail.reporting.drift import drift_blocks
from handrail.reporting.page import Block, Heading, Page, Table
from handrail.reporting.run import Going, outcome_page, run_page
from handrail.reporting.standing import standing_page
from handrail.reporting.verification import verification_page
from handrail.restoring.cost import cost_to_json
from handrail.running.drift import Drift, Drifted, drift_to_json, refusal
from handrail.running.journal import RunRow
from handrail.running.protocol import LARGE
from handrail.running.runner import Outcome, Settings
from handrail.running.session import Session
from handrail.running.status import status_to_json
from handrail.running.store import is_shared
from handrail.running.verify import verification_to_json
from handrail.running.whereabouts import Departure

FAILED = 1

OVER = ("done", "skipped")


def approve(output: Output, plan_file: str, store: str | None) -> int:
    plan = read_plan(plan_file)
    with opened(output, store=store) as session:
        given = session.approve(plan, settings.who())
    names = words.listed([one.who for one in given], 20)
    output.line(text.harmless(f"Plan {plan.digest} is approved by {names}."))
    if plan.estate.approvers:
        output.line(f"Its estate demands {words.count(plan.estate.approvers, 'approval')}.")
    return 0


def run(
    output: Output, plan_file: str, twin: bool, store: str | None, ask: bool, guides: Sequence[str], format: str
) -> int:
    plan = read_plan(plan_file)
    if ask and not twin and plan.goes_back is None:
        raise BadInput("--ask is for runs on the twin: on real hosts people are always asked.", "Leave it out.")
    folders = tuple(options.folders(guides))
    with opened(output, store=store, ask=ask, guides=folders) as session:
        who = settings.who()
        where_to = session.check(plan, "twin" if twin else "hosts")
        if where_to == "hosts" and not passes(output, session, plan, format):
            return BLOCKED
        if where_to == "hosts" and not is_shared(store):  # where it is shared, workers act, with what they have
            session.check_secrets(plan)
        run_id = session.start(plan, who, target="twin" if twin else "hosts", workers=is_shared(store))
        on_twin = session.journal.row(run_id).target == "twin"
        where = f"the twin of {plan.estate.name}" if on_twin else f"the hosts of {plan.estate.name}"
        title = [f"Run {run_id}, on {where}"]
        if plan.goes_back is not None:
            title.append(f"It takes run {plan.goes_back.run} back.")
        elif plan.steps:
            title.append(f"To go back: handrail rollback {run_id}{store_option(store)}")
        return _carry_on(output, session, run_id, title, format, _going(store, ask, guides))


def resume(output: Output, run: str, store: str | None, ask: bool, guides: Sequence[str], format: str) -> int:
    folders = tuple(options.folders(guides))
    with existing(output, store, run, ask=ask, guides=folders) as session:
        run_id = session.find(run)
        session.refuse_departed(run_id)
        session.refuse_return(run_id)
        if session.journal.row(run_id).target == "hosts":
            plan = session.plan(run_id)
            schedule = session.schedule(run_id, plan)
            left = {step.host for step in plan.steps if step.host and schedule.one(step.id).state not in OVER}
            if left and not passes(output, session, plan, format, left):
                return BLOCKED
        return _carry_on(output, session, run_id, [f"Run {run_id} goes on"], format, _going(store, ask, guides))


def status(output: Output, run: str | None, store: str | None, format: str) -> int:
    with existing(output, store, run) as session:
        run_id = session.find(run)
        counted = session.standing(run_id) if format != "json" else None
        carried = session.is_attended(run_id)
        departure = session.journal.departure(run_id)
        moved_to = departure.to if departure is not None else None
        if counted is not None:
            _show(output, standing_page(counted, store_option(store), carried=carried, moved_to=moved_to))
            rest = [row for row in session.runs() if row.run != run_id] if run is None else []
            if rest:
                output.line()
                _show(output, iter(_other_runs(rest, session.taken_back(), session.journal.departures())))
            return 0
        plan = session.plan(run_id)
        found = session.status(run_id, plan)
        wanted = len(plan.steps) <= LARGE and not carried and moved_to is None
        cost = session.cost(run_id) if wanted else None
        others = [row for row in session.runs() if row.run != run_id] if run is None else []
        taken_back = session.taken_back() if others else {}
        departures = session.journal.departures() if others else {}
        drift = refusal(session.events(run_id))
    if format == "json":
        document = status_to_json(found)
        if run is None:
            document["runs"] = [row.run for row in others]
        if cost is not None:
            document["going_back"] = cost_to_json(cost)
        if drift is not None:
            document["drift"] = dict(drift)
        output.json(document)
        return 0
    if drift is not None:
        _show(output, drift_blocks(drift))
        output.line()
    _show(output, run_page(found, plan, Going(store_option(store), cost=cost), carried=carried))
    if others:
        output.line()
        _show(output, iter(_other_runs(others, taken_back, departures)))
    return 0


def answer(output: Output, run: str, step: str, given: str, note: str, store: str | None) -> int:
    with existing(output, store, run) as session:
        run_id = session.find(run)
        event = session.answer(run_id, step, given, settings.who(), note)
        for_workers = session.is_for_workers(run_id)
    if event.entry.kind == "agreed":
        output.line(text.harmless(f"You said yes to {event.entry.step}; somebody else has to say it too."))
        return 0
    output.line(text.harmless(f"Answered {given} to {event.entry.step}."))
    if for_workers:
        output.line("A worker takes it up.")
        return 0
    output.line("A process that carries the run on takes it up; if none does, go on with:")
    output.line(f"  handrail resume {shlex.quote(run)}{store_option(store)}")
    return 0


def verify(output: Output, run: str, store: str | None, guides: Sequence[str], format: str) -> int:
    folders = tuple(options.folders(guides))
    with existing(output, store, run, guides=folders) as session:
        run_id = session.find(run)
        plan = session.plan(run_id)
        found = asyncio.run(session.verify(run_id, settings.who()))
    if format == "json":
        output.json(verification_to_json(found))
    else:
        _show(output, verification_page(found, plan))
    return found.exit_code


def _carry_on(output: Output, session: Session, run: str, title: Sequence[str], format: str, going: Going) -> int:
    """Carry a run on as far as it goes now, telling its story."""
    plan = session.plan(run)
    aside = format == "json"
    for line in title:
        (output.complain if aside else output.line)(text.harmless(line))
    output.flush()
    if session.is_for_workers(run):
        return _hand_over(output, session, run, plan, format, going)
    on_twin = session.journal.row(run).target == "twin"
    before = session.status(run, plan) if session.journal.has_steps(run) else None
    try:
        with telling(output, plan, aside=aside, pretend=on_twin, before=before) as teller:
            outcome = asyncio.run(
                session.carry_out(
                    run,
                    settings.who(),
                    progress=teller,
                    settings=Settings(signals=True),
                    looked=partial(_taken, output, aside or on_twin),
                )
            )
    except KeyboardInterrupt:
        output.complain(f"handrail: Interrupted. Go on with: handrail resume {run}{going.everywhere}{going.resuming}")
        return FAILED
    except Drifted as drifted:
        return _drifted(output, session, run, plan, drifted, aside)
    return _ended(output, session, plan, outcome, format, going)


def _taken(output: Output, aside: bool, drift: Drift) -> None:
    """Say once which facts nobody could look at again."""
    if drift.taken and not aside:
        names = ", ".join(one.address for one in drift.taken)
        output.line(text.harmless(f"Taken from the plan, for no probe reads them: {names}"))
        output.flush()


def _drifted(output: Output, session: Session, run: str, plan: Plan, drifted: Drifted, aside: bool) -> int:
    found = drift_to_json(drifted.drift)
    if aside:
        output.json({**status_to_json(session.status(run, plan)), "drift": found})
    else:
        _show(output, drift_blocks(found))
    output.complain(text.harmless(f"handrail: {drifted}"))
    return drifted.exit_code


def _hand_over(output: Output, session: Session, run: str, plan: Plan, format: str, going: Going) -> int:
    """Give a run to workers, and follow it until its end or until we are interrupted, which it does not mind."""
    from handrail.cli import fleet

    events = session.events(run)
    seen = events[-1].position if events else 0
    rung = session.hand_over(run, settings.who(), again=True) > 0
    try:
        aside = format == "json"
        schedule = fleet.follow(output, session, run, plan, going.everywhere, aside=aside, seen=seen, rung=rung)
    except KeyboardInterrupt:
        output.complain(
            f"handrail: The run goes on without us. Follow it: handrail status {run} --watch{going.everywhere}"
        )
        return FAILED
    return _ended(output, session, plan, Outcome(schedule.status(run, plan.digest)), format, going)


def _ended(output: Output, session: Session, plan: Plan, outcome: Outcome, format: str, going: Going) -> int:
    for step in outcome.status.steps:
        if step.state in ("failed", "in-doubt"):
            state = "failed" if step.state == "failed" else "is in doubt"
            output.complain(text.harmless(f"handrail: {step.id} {state}: {step.because}"))
    if outcome.trouble:
        output.complain(text.harmless(f"handrail: note: {outcome.trouble}"))
    if format == "json":
        output.json(status_to_json(outcome.status))
    else:
        output.line()
        if len(plan.steps) <= LARGE:
            going = replace(going, cost=session.cost(outcome.status.run))
        _show(output, outcome_page(outcome.status, plan, going, stopped=outcome.stopped))
    return outcome.exit_code


def _show(output: Output, page: Page) -> None:
    output.lines(text.render(page, width=output.width, colour=output.colour))


def _going(store: str | None, ask: bool, guides: Sequence[str]) -> Going:
    named = "".join(f" --guides {shlex.quote(folder)}" for folder in guides)
    return Going(store_option(store), (" --ask" if ask else "") + named)


def _other_runs(
    rows: Sequence[RunRow], taken_back: Mapping[str, str], departures: Mapping[str, Departure]
) -> list[Block]:
    newest = sorted(rows, key=lambda row: row.created, reverse=True)[:20]
    moved = {run: one.to for run, one in departures.items()}
    columns = [
        ("run", [row.run for row in newest]),
        ("estate", [row.estate for row in newest]),
        ("on", [row.target for row in newest]),
        ("begun (UTC)", [row.created[:16].replace("T", " ") for row in newest]),
    ]
    for head, told in (("taken back by", taken_back), ("moved to", moved)):
        if any(row.run in told for row in newest):
            columns.append((head, [told.get(row.run, "") for row in newest]))
    rows_of = tuple(zip(*(cells for _, cells in columns), strict=True))
    return [Heading("Other runs"), Table(tuple(head for head, _ in columns), rows_of)]
