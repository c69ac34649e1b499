"""`conform`: does the twin answer as a real host does?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from handrail.cli import options
from handrail.cli.assessing import read
from handrail.cli.output import Output
from handrail.cli.sessions import existing, opened
from handrail.errors import BadInput, FileMissing, UnknownName
from handrail.hosts.opening import open_host
from handrail.model.estate import Estate
from handrail.probing.conform import GENERAL, Conformance, Question, conform, conformance_to_json, questions_in
from handrail.reporting import text
from handrail.reporting.conformance import conformance_page
from handrail.running.session import Session
from handrail.running.targets import declared_for
from handrail.running.transcripts import path_of, read_transcript


def conform_host(
    output: Output,
    host: str,
    estate_file: str | None,
    run: str | None,
    transcripts: Sequence[str],
    guides: Sequence[str],
    format: str,
) -> int:
    """0 when the twin answers alike; 1 where it differs or the host does not answer."""
    if estate_file is not None and run is not None:
        raise BadInput("--estate and --run both say which estate the host is of.", "Give one of them.")
    with opened(output) if estate_file is not None else existing(output, None, run) as session:
        found_run = None if estate_file is not None else _run_with(session, host, run)
        estate = read(estate_file, guides)[0] if estate_file else session.plan(str(found_run)).estate
        known = estate.hosts.get(host)
        if known is None:
            raise UnknownName("The host", host, estate.hosts)
        paths = [Path(one) for one in transcripts]
        if found_run is not None and not paths:
            own = path_of(session.home.transcripts(found_run), host)
            paths = [own] if own.is_file() else []
        questions = (*GENERAL, *(one for path in paths for one in _questions(path)))
        found = asyncio.run(_conform(session, estate, host, questions, tuple(options.folders(guides))))
    if format == "json":
        output.json(conformance_to_json(found))
    else:
        output.lines(text.render(conformance_page(found), width=output.width, colour=output.colour))
    return found.exit_code


def _run_with(session: Session, host: str, run: str | None) -> str:
    """The run that was named, or the newest one whose estate has the host."""
    if run is not None:
        return session.find(run)
    for row in reversed(session.runs()):
        if host in session.plan(row.run).estate.hosts:
            return row.run
    raise BadInput(
        f"No run knows a host {host!r}.", f"Say of which estate it is: handrail conform {host} --estate ESTATE."
    )


def _questions(path: Path) -> list[Question]:
    try:
        return list(questions_in(read_transcript(path)))
    except OSError as error:
        raise FileMissing(f"{path}: {error.strerror or 'it cannot be read'}.") from error


async def _conform(
    session: Session, estate: Estate, name: str, questions: Sequence[Question], guides: tuple[Path, ...]
) -> Conformance:
    from handrail.twin.declarations import read_declarations
    from handrail.twin.raising import raise_in_memory

    real = open_host(name, estate.hosts, session.secrets.resolve)
    if not real.windows:
        raise BadInput(f"{name} does not run Windows, and no other system has a twin.", "Rehearse its plan in a lab.")
    products = [one.product for one in estate.deployments.values()]
    twin = raise_in_memory(estate, read_declarations(declared_for(products, guides)), lambda: datetime.now(UTC))
    try:
        return await conform(real, twin.host(name), questions)
    finally:
        twin.close()
        await real.close()
