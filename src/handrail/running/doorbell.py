"""Doorbells: jobs of Procrastinate that say no more than "look at this lane". The journal alone decides what is to do.

They are rung in the transaction that journals the reason, so that none is ever lost, and none rung for nothing. A lane
has at most one bell that waits and one that is answered; what comes meanwhile is the same bell.

The tables are Procrastinate's (`procrastinate_jobs`, its schema of version 3). Its own function for deferring fails as
a whole when a bell is rung already, and would take the journal's transaction with it; so we insert.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa

from handrail.running.protocol import Bell

TASK = "handrail.look"

SILENT = 20.0
"""Seconds without a sign of life after which a worker's lanes go to others, unless something else is said. Signs of
life come five times as often."""

_RING = sa.text(
    "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at) "
    "VALUES (:queue, :task, :lock, :queueing_lock, CAST(:args AS jsonb), "
    "CASE WHEN :after > 0 THEN now() + make_interval(secs => :after) END) ON CONFLICT DO NOTHING"
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
    rows = []
    for bell in dict.fromkeys(bells):
        name = lock(run, bell.lane)
        # A bell that rings later, or that has more to say, must not be taken for the one that rings now.
        more = f" {'again' if bell.again else ''}{'later' if bell.after else ''}".rstrip()
        args = json.dumps({"run": run, "lane": bell.lane, "again": bell.again})
        rows.append({"queue": bell.queue, "task": TASK, "lock": name, "queueing_lock": name + more, "args": args,
                     "after": bell.after})  # fmt: skip
    connection.execute(_RING, rows)


def free(connection: sa.Connection, silent: float) -> list[str]:
    """Ring again what workers that were silent for so many seconds have left behind; the lanes."""
    left = connection.execute(_FREE, {"task": TASK, "silent": silent}).all()
    for queue, args in left:
        ring(connection, args["run"], [Bell(queue, args["lane"], args.get("again", False))])
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


def listeners(connection: sa.Connection, silent: float = SILENT) -> int:
    """How many workers have given a sign of life within so many seconds."""
    query = sa.text(
        "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :silent)"
    )
    return int(connection.scalar(query, {"silent": silent}) or 0)
