"""The plan of MIIS on its twin, killed at every write of the journal: the database stays, and nothing happens twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.support import on_twin
from tests.support.killing import Moment, carry_out, kill_at_each_write, shards
from tests.support.on_twin import ground_truth, judge, opening

from handrail.guides.catalogue import SHIPPED

SHARDS = 8


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "miis.json"
    on_twin.plan_file(SHIPPED / "miis" / "estates" / "contoso.yaml", path)
    return path


@pytest.fixture(scope="module")
def undisturbed(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    home = tmp_path_factory.mktemp("undisturbed")
    assert carry_out(opening, home, file) == 0
    return ground_truth(home)[1]


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "shard"), shards(SHARDS))
def test_killed_at_any_write_nothing_is_lost_and_nothing_takes_effect_twice(
    tmp_path: Path, file: Path, undisturbed: Counter[str], moment: Moment, shard: int
) -> None:
    for kill, home in kill_at_each_write(opening, tmp_path, file, moments=(moment,), first=shard, stride=SHARDS):
        try:
            judge(home, undisturbed)
        except AssertionError as error:
            raise AssertionError(f"{kill}: {error}") from error
