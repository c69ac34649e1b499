"""Workers and their store, killed again and again during one run: does it end right, and what was done twice?

    python -m bench.chaos [HOSTS [HARMS [SEED]]]      by default 200 hosts, 40 harms

Real processes, a PostgreSQL of its own with real syncs. What took effect is counted by the twin, beside what one
process does that nothing happens to. The tests carry a short form of this out.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support import on_twin
from tests.support.databases import serving
from tests.support.fleet import Fleet, harm
from tests.support.killing import carry_out

from bench.estates import clients
from handrail.documents.plan import read_plan


def main(hosts: int = 200, harms: int = 40, seed: int = 1) -> int:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, serving(durable=True) as server:
        place = Path(folder)
        (place / "clients.yaml").write_text(clients(hosts))
        on_twin.plan_file(place / "clients.yaml", place / "clients.plan")
        plan = read_plan(place / "clients.plan")
        print(f"{hosts} hosts, {len(plan.steps):,} steps; undisturbed first ...", flush=True)
        assert carry_out(on_twin.opening, place / "undisturbed", place / "clients.plan") == 0
        wanted = on_twin.ground_truth(place / "undisturbed")[1]
        fleet = Fleet(server.database(), place / "fleet", silent=5.0, lanes=32)
        began = time.perf_counter()
        try:
            with fleet.session() as session:
                run = session.start(plan, "chaos", target="twin", workers=True)
                session.hand_over(run, "chaos")
                fleet.hire(3)
                happened: Counter[str] = Counter()
                while sum(happened.values()) < harms and run in session.journal.unended():
                    time.sleep(chance.uniform(1.0, 4.0))
                    happened[harm(fleet, server, chance)] += 1
                state = fleet.wait(session, run, 3600).state
                session.events(run)
            took = time.perf_counter() - began
            print(f"{state} after {took:.0f} s; {', '.join(f'{name}: {count}' for name, count in happened.items())}")
            on_twin.judge_effects(fleet.effects(run), wanted)
        finally:
            fleet.dismiss()
    print("Everything took effect as often as undisturbed; every chain of the journal holds.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
