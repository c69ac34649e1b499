"""Doorbells: jobs of Procrastinate that say no more than "look at this lane". The journal alone decides what is to do.

They are rung in the transaction that journals the reason, so that none is ever lost, and none rung for nothing. A lane
has at most one bell that waits and one that is answered; what comes meanwhile is the same bell.

The tables are Procrastinate's (`procrastinate_jobs`, its schema of version 3). Its own function for deferring fails as
a whole when a bell is rung already, and would take the journal's transaction with it; so we insert.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from handrail.running.protocol import Bell

TASK = "handrail.look"

SILENT = 20.0
"""Seconds without a sign of life after which a worker's lanes go to others, unless something else is said. Signs of
life come five times as often."""

GONE = 60.0
"""Seconds without a sign of life after which nobody waits for a worker, whatever its own store takes for silence."""

_JOB = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at) "
    "VALUES (:queue, :task, :priority, :lock, :queueing_lock, CAST(:args AS jsonb), "
    "CASE WHEN :after > 0 THEN now() + make_interval(secs => :after) END) ON CONFLICT "
)
_RING = sa.text(_JOB + "DO NOTHING")
# The bell may wait already, behind a thousand lanes in which nothing was begun.
_RING_FIRST = sa.text(
    _JOB + "(queueing_lock) WHERE status = 'todo' DO UPDATE "
    "SET priority = greatest(procrastinate_jobs.priority, excluded.priority)"
)
# Of a worker that is gone: its heart stopped, or Procrastinate has struck it off already. As new jobs, not as the same
# ones again: whoever was robbed may wake up and end "its" job.
_FREE = sa.text(
    "DELETE FROM procrastinate_jobs WHERE status = 'doing' AND task_name = :task AND (worker_id IS NULL OR "
    "worker_id IN (SELECT id FROM procrastinate_workers "
    "WHERE last_heartbeat < now() - make_interval(secs => :silent))) RETURNING queue_name, args"
)


def create_tables(connection: sa.Connection) -> None:
    """Procrastinate's own tables and functions, as the installed version has them."""
    from importlib.resources import files

    schema = files("procrastinate").joinpath("sql", "schema.sql").read_text("utf-8")
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(schema)  # several statements at once, which only the driver itself takes


def lock(run: str, lane: str) -> str:
    return f"handrail {run} {lane}"


def ring(connection: sa.Connection, run: str, bells: Sequence[Bell]) -> None:
    """Ring with the transaction of `connection`."""
    first: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for bell in dict.fromkeys(bells):
        name = lock(run, bell.lane)
        # A bell that rings later, or that has more to say, must not be taken for the one that rings now.
        more = f" {'again' if bell.again else ''}{'later' if bell.after else ''}".rstrip()
        args = json.dumps({"run": run, "lane": bell.lane, "again": bell.again})
        row = {"queue": bell.queue, "task": TASK, "lock": name, "queueing_lock": name + more, "args": args,
               "after": bell.after, "priority": int(bell.first)}  # fmt: skip
        (first if bell.first else others).append(row)
    for statement, rows in ((_RING_FIRST, first), (_RING, others)):
        if rows:
            connection.execute(statement, rows)


def free(connection: sa.Connection, silent: float) -> list[str]:
    """Ring again what workers that were silent for so many seconds have left behind; the lanes."""
    left = connection.execute(_FREE, {"task": TASK, "silent": silent}).all()
    for queue, args in left:
        ring(connection, args["run"], [Bell(queue, args["lane"], args.get("again", False), first=True)])
    return [f"{args['run']} {args['lane']}" for _, args in left]


def rung(connection: sa.Connection, run: str) -> set[str]:
    """The lanes of a run whose bell waits or is answered."""
    found = connection.scalars(
        sa.text(
            "SELECT args->>'lane' FROM procrastinate_jobs "
            "WHERE task_name = :task AND args->>'run' = :run AND status IN ('todo', 'doing')"
        ),
        {"task": TASK, "run": run},
    )
    return set(found)


def at_work(connection: sa.Connection, run: str) -> list[str]:
    """The lanes of a run whose bell is being answered by a worker that lives."""
    found = connection.scalars(
        sa.text(
            "SELECT args->>'lane' FROM procrastinate_jobs JOIN procrastinate_workers AS workers "
            "ON workers.id = worker_id AND last_heartbeat > now() - make_interval(secs => :silent) "
            "WHERE task_name = :task AND args->>'run' = :run AND status = 'doing' ORDER BY 1"
        ),
        {"task": TASK, "run": run, "silent": GONE},
    )
    return list(found)


def hush(connection: sa.Connection, run: str) -> None:
    """Take away every bell of a run, also those that are being answered."""
    connection.execute(
        sa.text(
            "DELETE FROM procrastinate_jobs "
            "WHERE task_name = :task AND args->>'run' = :run AND status IN ('todo', 'doing')"
        ),
        {"task": TASK, "run": run},
    )


def listeners(connection: sa.Connection, silent: float = SILENT) -> int:
    """How many workers have given a sign of life within so many seconds."""
    query = sa.text(
        "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :silent)"
    )
    return int(connection.scalar(query, {"silent": silent}) or 0)
