"""MIM's plan on its twin, killed with SIGKILL at every write of the journal, judged by the twin's own count."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.support import on_twin
from tests.support.killing import Kill, Moment, carry_out, kill_again_and_again, kill_at_each_write, shards
from tests.support.on_twin import ground_truth, judge, opening

from handrail.guides.catalogue import SHIPPED

SHARDS = 8


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "mim.json"
    on_twin.plan_file(SHIPPED / "mim" / "estates" / "contoso.yaml", path)
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
    seen = 0
    for kill, home in kill_at_each_write(opening, tmp_path, file, moments=(moment,), first=shard, stride=SHARDS):
        try:
            judge(home, undisturbed)
        except AssertionError as error:
            raise AssertionError(f"{kill}: {error}") from error
        seen += 1
    assert seen * SHARDS >= len(undisturbed)


def test_killed_once_in_the_middle_it_ends_as_if_it_had_not_been(
    tmp_path: Path, file: Path, undisturbed: Counter[str]
) -> None:
    carry_out(opening, tmp_path, file, kill=Kill(40, "after"))
    assert carry_out(opening, tmp_path, file) == 0

    judge(tmp_path, undisturbed)


@pytest.mark.slow
def test_killed_again_and_again_it_ends_as_if_it_had_not_been(
    tmp_path: Path, file: Path, undisturbed: Counter[str]
) -> None:
    deaths = kill_again_and_again(opening, tmp_path, file, kills=(Kill(9, "after"), Kill(12, "before")))

    judge(tmp_path, undisturbed)
    assert deaths >= 5
