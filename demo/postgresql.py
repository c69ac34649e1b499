"""The second story: a real PostgreSQL 15 becomes 17."""

from __future__ import annotations

from tests.support import postgres
from tests.support.postgres import Playground

from handrail.cli.stage import WAITING, DemoFailed, Stage

ROWS = 100_000
CARDS = 200
KEY = postgres.KEY.replace("'", "''")
DIGESTS = {
    "server": "select split_part(current_setting('server_version'), ' ', 1)",
    "customers": "select count(*) from customer",
    "their digest": "select md5(string_agg(md5(c::text), '' order by id)) from customer c",
    "cards that decrypt": f"select count(*) from card where pgp_sym_decrypt(number, '{KEY}') = hint",
    "cards' digest": "select md5(string_agg(id || encode(number, 'hex'), ',' order by id)) from card",
}


def play(stage: Stage) -> None:
    stage.chapter("PostgreSQL 15 to 17, on this machine, for real")
    programs = postgres.programs("15", "17")
    with postgres.playground() as ground:
        ground.make(programs["15"], rows=ROWS, cards=CARDS)
        before = _look(ground, programs["17"])
        stage.tell(f"A PostgreSQL {before['server']} holds {ROWS:,} customers and {CARDS} encrypted card numbers.")
        estate = stage.out / "postgresql.yaml"
        estate.write_text(postgres.estate(ground, programs["15"], programs["17"]), "utf-8")
        plan = str(stage.out / "postgresql.plan.json")
        stage.handrail("plan", str(estate), "-o", plan, lines=24)

        stage.tell("\nEvery step is carried out on the server itself. This script answers what the plan asks:")
        run = _carry_out(stage, plan)
        stage.handrail("verify", run)
        after = _look(ground, programs["17"])

    stage.tell(f"\n  {'':20}{'before':38}after")
    for name, value in before.items():
        stage.tell(f"  {name:20}{value:38}{after[name]}")
    changed = [name for name in before if name != "server" and before[name] != after[name]]
    if changed or not after["server"].startswith("17."):
        raise DemoFailed(f"The content is not what it was: {', '.join(changed) or 'the server is not 17'}.")
    stage.tell("  Asked of the servers by this script itself, not by Handrail: the content is the same.")
    stage.report(run, "postgresql-evidence")


def _look(ground: Playground, bin_: str) -> dict[str, str]:
    return {name: ground.sql(bin_, query, database="app").strip() for name, query in DIGESTS.items()}


def _carry_out(stage: Stage, plan: str) -> str:
    """Runs the plan; says yes to its holds. The run's id."""
    code = stage.try_("run", plan)
    run = stage.newest_run()
    if run is None:
        raise DemoFailed("The run did not begin.")
    while code == WAITING:
        for step in stage.ask("status", run)["steps"]:
            if step["state"] == "waiting":
                stage.handrail("answer", run, step["id"], "yes", "--note", "the demo says yes", lines=0)
        code = stage.try_("resume", run)
    if code != 0:
        raise DemoFailed(f"The upgrade ended with {code}; `handrail status {run}` says where.")
    return run
