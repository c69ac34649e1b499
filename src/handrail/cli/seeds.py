"""`rehearse --seeds`: a plan's run simulated again and again, disturbed as each seed draws it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from handrail.cli import options
from handrail.cli.output import Output
from handrail.cli.rehearsed import counting, plan_to_rehearse, put
from handrail.errors import BadInput
from handrail.rehearsing.journey import stage_of, travel
from handrail.rehearsing.seeds import Seeds, one_seed, to_json, try_seeds
from handrail.rehearsing.simulation import Ground, ground
from handrail.reporting.seeds import seed_page, seeds_page, verdict
from handrail.running.targets import declared

FAILED = 1


def seeds(
    output: Output,
    plan_file: str,
    count: int | None,
    seed: int | None,
    only: str | None,
    to: str | None,
    guides: Sequence[str],
    format: str,
) -> int:
    """`count` seeds, from `seed` or 0 on; without a count, that one seed with its story. 0 when none fails, else 1."""
    if format == "html":
        raise BadInput("Seeds are shown as text or JSON.", "Choose --format text or --format json.")
    if count is not None and count < 1:
        raise BadInput(f"--seeds {count} asks for nothing.", "Give a number of seeds, such as 1000.")
    if only is not None and (seed is None or count is not None):
        raise BadInput("--only is about one seed.", "Give it with --seed S, and without --seeds.")
    numbers = _numbers(only) if only is not None else None
    prepared = _prepared(plan_file, to, guides)
    if count is None:
        case = one_seed(prepared, seed or 0, numbers)
        plan = prepared.journey.plan
        found = Seeds(plan.digest, plan.estate.name, (case,), ())
        page = seed_page(case, plan_file)
    else:
        begun = time.monotonic()
        first = seed or 0
        with counting(output, "seeds", to is None and format == "text") as progress:
            found = try_seeds(prepared, range(first, first + count), progress=progress)
        page = seeds_page(found, plan_file, time.monotonic() - begun)
    put(output, to_json(found, plan_file) if format == "json" else page, to)
    if found.counts.failed:
        output.complain(f"handrail: {verdict(found)}")
    return FAILED if found.counts.failed else 0


def _prepared(plan_file: str, to: str | None, guides: Sequence[str]) -> Ground:
    plan = plan_to_rehearse(plan_file, to)
    return ground(travel(stage_of(plan, declared(plan, tuple(options.folders(guides))))))


def _numbers(only: str) -> list[int]:
    try:
        return [int(one) for one in only.split(",") if one.strip()]
    except ValueError:
        raise BadInput(
            f"--only {only!r} is no list of numbers.", "Write the numbers with commas: --only 2,5."
        ) from None
