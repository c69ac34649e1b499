from __future__ import annotations

from pathlib import Path

import pytest

from handrail.errors import StoreUnwritable
from handrail.running.home import Home


def test_the_environment_moves_the_home(tmp_path: Path) -> None:
    home = Home.find({"HANDRAIL_HOME": str(tmp_path / "there")})

    assert home.store == f"sqlite:///{tmp_path / 'there' / 'store.db'}"
    assert home.twin("run-1") == tmp_path / "there" / "twins" / "run-1"


def test_without_it_the_platforms_data_folder_is_the_home() -> None:
    assert Home.find({}).path.name == "handrail"
    assert Home.find({"HANDRAIL_HOME": " "}) == Home.find({})


def test_a_home_is_made_when_needed_and_for_its_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b")
    assert not home.path.exists()

    home.make().make()

    assert home.path.stat().st_mode & 0o077 == 0


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(StoreUnwritable, match=r"home cannot be made: a file of that name is in the way"):
        Home(tmp_path / "home").make()
    with pytest.raises(StoreUnwritable, match="cannot be made"):
        Home(tmp_path / "home" / "below").make()
