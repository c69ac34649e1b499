"""`store move` and `store check`: what a store has of its runs, brought to another one, or looked through."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from handrail.cli import settings
from handrail.cli.output import Output
from handrail.cli.sessions import existing, store_option
from handrail.errors import BadInput
from handrail.reporting import text
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph
from handrail.reporting.words import count
from handrail.restoring.custody import IDENTITY
from handrail.running.checking import wrong_with
from handrail.running.home import Home
from handrail.running.journal import open_journal
from handrail.running.moving import Moved, Side, move_runs
from handrail.running.people import APPROVALS
from handrail.running.schema import lanes
from handrail.running.schema import runs as rows
from handrail.running.session import Session
from handrail.running.store import address_of, is_shared
from handrail.running.twin_copies import Twins

MOVED = "handrail/move/v1"
CHECKED = "handrail/store-check/v1"


def move(output: Output, to: str, runs: Sequence[str], store: str | None, format: str) -> int:
    with existing(output, store, runs[0] if runs else None) as session:
        url, home = _named(to)
        if home != session.home:
            home.make()
        journal = open_journal(url, clock=session.clock, redact=session.secrets.redact)
        try:
            source = Side(session.journal, _twins(store, session.home), is_shared(store))
            target = Side(journal, _twins(url, home), is_shared(url))
            done: list[Moved] = []

            def told(one: Moved) -> None:
                done.append(one)
                if format != "json":
                    output.line(text.harmless(_said(one)))
                    output.flush()

            approvals = move_runs(source, target, runs, settings.who(), told)
            here = {one.run for one in done if one.did != "is elsewhere"}
            real = any(row.run in here and row.target != "twin" for row in session.runs())
        finally:
            journal.close()
    if format == "json":
        output.json(
            {
                "schema": MOVED,
                "from": source.name,
                "to": target.name,
                "runs": [{"run": one.run, "events": one.events, "did": one.did, "is_in": one.to} for one in done],
                "approvals": approvals,
            }
        )
        return 0
    if not done and not approvals:
        output.line(text.harmless(f"There is nothing in {source.name} that could be moved."))
    if approvals:
        output.line(f"{count(approvals, 'approval')} of plans went with them.")
    output.line()
    _show(output, _what_now(done, url, home, session.home if real else None))
    return 0


def _named(to: str) -> tuple[str, Home]:
    """The URL of the store that is meant, and the home with which it is used. BadInput when it can be neither."""
    if "://" in to or is_shared(to):
        return to, settings.home()
    if not to.strip():
        raise BadInput("--to names no store.", "Write --to URL or --to FOLDER.")
    home = Home(Path(to).expanduser().absolute())
    home.refuse_foreign()
    return home.store, home


def _twins(store: str | None, home: Home) -> Twins:
    return Twins(home, address_of(store) if is_shared(store) else None)


def _said(one: Moved) -> str:
    if one.did == "moved":
        return f"Run {one.run} is in {one.to} now, with {count(one.events, 'event')}, and goes on there."
    if one.did == "was there":
        return f"Run {one.run} is in {one.to} already."
    return f"Run {one.run} was moved to {one.to} before, and is left as it is."


def _what_now(done: Sequence[Moved], url: str, home: Home, sealed: Home | None) -> Page:
    """What to type, and what did not go with the runs. `sealed`: the home of runs on real hosts."""
    moved = [one.run for one in done if one.did != "is elsewhere"]
    if not moved:
        return
    yield Heading("What now")
    where = "" if home == settings.home() else f"HANDRAIL_HOME={shlex.quote(str(home.path))} "
    named = store_option(None if url == home.store else url)
    yield Code(tuple(f"{where}handrail status {run}{named}" for run in moved[:5]))
    if sealed is not None and (sealed.custody / IDENTITY).exists():
        yield Paragraph(
            f"What was sealed opens with {sealed.custody / IDENTITY} alone, which stays where it is. Copy it into the "
            "folder custody of every home that goes on with these runs.",
            "warn",
        )


def check(output: Output, runs: Sequence[str], store: str | None, format: str) -> int:
    with existing(output, store, runs[0] if runs else None) as session:
        name = session.journal.store.name
        found = list(_checked(session, runs))
        departures = session.journal.departures()
        arriving = [] if runs else _arriving(session)
    whole = not any(wrong for *_, wrong in found)
    if format == "json":
        document = [
            {
                "run": run,
                "events": events,
                "whole": not wrong,
                **({"because": wrong} if wrong else {}),
                **({"moved_to": departures[run].to} if run in departures else {}),
            }
            for run, events, wrong in found
        ]
        output.json({"schema": CHECKED, "store": name, "whole": whole, "runs": document, "arriving": arriving})
    else:
        where = {run: f", moved to {one.to}" for run, one in departures.items()}
        shown = [one for one in found if one != (APPROVALS, 0, "")]
        items = tuple(
            Item(
                f"{_called(run)}: {count(events, 'event')}{where.get(run, '')}",
                "broken" if wrong else "whole",
                "bad" if wrong else "good",
                (Paragraph(wrong),) if wrong else (),
            )
            for run, events, wrong in shown
        )
        _show(output, _check_page(name, items, arriving, whole=whole))
    return 0 if whole else 1


def _check_page(name: str, items: tuple[Item, ...], arriving: Sequence[str], *, whole: bool) -> Iterator[Block]:
    yield Heading(f"Store {name}", 1)
    yield Items(items)
    for run in arriving:
        yield Paragraph(
            f"Run {run} was on its way here and has not arrived. Give the command that moved it again, where it was.",
            "warn",
        )
    if whole:
        yield Paragraph("All of it is as it was written.", "good")
    else:
        yield Paragraph(
            "What is broken was changed, or lost. Do not go on with it: take the store from a backup, and find out "
            "who changed it.",
            "bad",
        )


def _checked(session: Session, runs: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Each run (without any, all of them, and the approvals) with its events, and what is wrong."""
    names = [session.journal.row(run).run for run in runs] or [*(row.run for row in session.runs()), APPROVALS]
    for name in names:
        with session.journal.store.read() as connection:
            yield name, *wrong_with(connection, name)


def _arriving(session: Session) -> list[str]:
    """Runs that were being moved here when that was cut short."""
    query = sa.select(lanes.c.run).distinct().where(lanes.c.run.not_in(sa.select(rows.c.run)), lanes.c.run != APPROVALS)
    with session.journal.store.read() as connection:
        return sorted(connection.scalars(query))


def _called(run: str) -> str:
    return "Approvals" if run == APPROVALS else f"Run {run}"


def _show(output: Output, page: Page) -> None:
    output.lines(text.render(page, width=output.width, colour=output.colour))
