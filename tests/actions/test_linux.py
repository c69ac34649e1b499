"""What guides do on Linux without code of their own, carried out on this machine."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.acting import NoSecrets

from handrail.actions import build
from handrail.actions.base import Base
from handrail.actions.catalogue import described
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.local import LocalHost

HOST = LocalHost("here")


def receipt(step: str = "step", attempt: int = 1) -> Receipt:
    """Of a run of its own: what jobs leave on this machine outlives a test."""
    return Receipt(f"run-{uuid.uuid4().hex[:8]}", step, attempt, NoSecrets(), "2020-01-01T00:00:00Z")


def look(action: Action, of: Receipt | None = None) -> Observation:
    return asyncio.run(action.observe(HOST, of or receipt()))


def act(action: Action, of: Receipt | None = None) -> Evidence:
    return asyncio.run(action.act(HOST, of or receipt()))


# -- commands ----------------------------------------------------------------------------------------------------------


def touching(path: Path) -> Action:
    return build("command.run", {"run": ["touch", str(path)], "until": {"run": ["test", "-e", str(path)]}})


def test_a_command_is_done_when_another_one_says_so(tmp_path: Path) -> None:
    action = touching(tmp_path / "here")

    assert look(action).state == "not_done"
    act(action)
    assert look(action).state == "done"


def test_an_exit_code_of_0_is_no_proof(tmp_path: Path) -> None:
    action = build("command.run", {"run": ["true"], "until": {"run": ["test", "-e", str(tmp_path / "never")]}})
    mine = receipt()

    assert act(action, mine).exit == 0
    assert look(action, mine).state == "not_done"


def test_what_a_command_said_when_it_failed_is_searched_for_known_errors(tmp_path: Path) -> None:
    action = build("command.run", {"run": ["ls", str(tmp_path / "E17")], "until": {"run": ["false"]}})

    with pytest.raises(ActFailed, match="ls ended with 2") as failed:
        act(action)
    assert "E17" in failed.value.evidence.log


def test_no_shell_reads_what_is_run(tmp_path: Path) -> None:
    seen = look(build("command.check", {"run": ["echo", "$HOME; touch x `id`"], "cwd": str(tmp_path)}))

    assert seen.outputs["value"] == "$HOME; touch x `id`"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("with_", "state", "value"),
    [
        ({"run": ["echo", "larder 2.0 is open"], "says": r"^larder (?P<value>\S+) is open$"}, "done", "2.0"),
        ({"run": ["echo", "larder 2.0 is open"], "says": "closed"}, "not_done", "larder 2.0 is open"),
        ({"run": ["printf", "one\\ntwo\\n"], "says": "^two$"}, "done", "one"),
        ({"run": ["echo", "3"], "equals": "3"}, "done", "3"),
        ({"run": ["echo", "3"], "equals": "4"}, "not_done", "3"),
        ({"run": ["sh", "-c", "exit 3"], "exit": [3]}, "done", ""),
        ({"run": ["sh", "-c", "exit 3"]}, "not_done", ""),
        ({"run": ["no-such-program-anywhere"]}, "not_done", None),
        ({"run": ["sh", "-c", "echo yes; exit 1"], "says": "yes"}, "not_done", "yes"),
    ],
)
def test_a_check_goes_by_exit_code_and_words(with_: Mapping[str, Any], state: str, value: str | None) -> None:
    seen = look(build("command.check", with_))

    assert (seen.state, seen.outputs.get("value")) == (state, value), seen.because


def test_a_program_that_may_not_be_started_leaves_it_unknown(tmp_path: Path) -> None:
    """It says nothing about what it was to look at."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")

    assert look(build("command.check", {"run": [str(program)]})).state == "unknown"


def switch(link: Path, to: str, back: str) -> Action:
    def way(name: str) -> dict[str, Any]:
        return {"run": ["ln", "-sfn", name, str(link)], "until": {"run": ["readlink", str(link)], "says": f"^{name}$"}}

    return build("command.undoable", {**way(to), "undo": way(back)})


def test_an_undoable_command_is_taken_back_by_its_opposite(tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to("one")
    action = switch(link, "two", "one")
    before = look(action)

    act(action)
    opposite = action.undo(before)
    assert link.readlink() == Path("two") and opposite is not None
    act(opposite)

    assert link.readlink() == Path("one")


def test_what_was_so_before_is_not_taken_back(tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to("two")
    action = switch(link, "two", "one")

    assert action.undo(look(action)) is None


def test_an_opposite_and_the_opposite_of_that_are_the_command_again(tmp_path: Path) -> None:
    """So a stop and a start of one run are known to take each other back."""
    action = switch(tmp_path / "current", "two", "one")
    not_done = Observation("not_done")
    opposite = action.undo(not_done)
    assert opposite is not None
    again = opposite.undo(not_done)
    assert again is not None

    assert described(again) == described(action)


def test_commands_that_take_each_other_back_are_about_the_same_thing(tmp_path: Path) -> None:
    """So are those that name it, whatever they do to it."""
    there, back = switch(tmp_path / "current", "two", "one"), switch(tmp_path / "current", "one", "two")
    on = switch(tmp_path / "current", "three", "two")

    assert isinstance(there, Base) and isinstance(back, Base) and isinstance(on, Base)
    assert there.concerns() == back.concerns() != on.concerns()
    named = [build(*_with(one, about="the link current")) for one in (there, on)]
    assert {one.concerns() for one in named if isinstance(one, Base)} == {"the link current"}


def _with(action: Action, **more: str) -> tuple[str, dict[str, Any]]:
    uses, with_ = described(action)
    return uses, {**with_, **more}


@pytest.mark.parametrize(
    ("uses", "with_", "says"),
    [
        ("command.check", {"run": []}, "run names no program"),
        ("command.check", {"run": ["a"], "says": "("}, "says is no regular expression"),
        ("command.run", {"run": ["a"], "until": {}}, "until needs run"),
        ("command.run", {"run": ["a"], "until": {"run": ["b"], "exits": [0]}}, "until has no 'exits'"),
        ("command.run", {"run": ["a"], "until": {"run": ["b", 1]}}, "must be a list of texts"),
        ("command.run", {"run": ["a"], "until": {"run": ["b"], "exit": ["0"]}}, "a list of whole numbers"),
        (
            "command.undoable",
            {"run": ["a"], "until": {"run": ["b"]}, "undo": {"run": ["c"]}},
            "undo needs run and until",
        ),
    ],
)
def test_a_command_that_is_written_wrong_is_refused_in_a_sentence(
    uses: str, with_: Mapping[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        build(uses, with_)


# -- trees -------------------------------------------------------------------------------------------------------------


def planted(folder: Path) -> Path:
    tree = folder / "data"
    (tree / "sub folder").mkdir(parents=True)
    (tree / "store.db").write_bytes(b"\0jars")
    (tree / "sub folder" / "line\nend").write_text("odd name")
    (tree / "link").symlink_to("store.db")
    (tree / "store.db").chmod(0o640)
    return tree


def secured(tree: Path, to: Path) -> tuple[Action, Mapping[str, Any]]:
    action = build("tree.backup", {"path": str(tree), "to": str(to)})
    mine = receipt("backup")
    assert look(action, mine).state == "not_done"
    act(action, mine)
    seen = look(action, mine)
    assert seen.state == "done", seen.because
    return action, seen.outputs


def test_a_tree_comes_back_as_it_was(tmp_path: Path) -> None:
    """Content, names, links, modes; nothing more; and what stood there meanwhile is put aside."""
    tree = planted(tmp_path)
    action, made = secured(tree, tmp_path / "backup")
    (tree / "store.db").write_bytes(b"migrated")
    (tree / "store.db").chmod(0o600)
    (tree / "link").unlink()
    (tree / "more").write_text("new")

    (restore,) = action.restore(made)
    mine = receipt("restore")
    assert look(restore, mine).state == "not_done"
    act(restore, mine)

    assert look(restore, mine).state == "done"
    assert sorted(one.name for one in tree.iterdir()) == ["link", "store.db", "sub folder"]
    assert (tree / "store.db").read_bytes() == b"\0jars" and (tree / "store.db").stat().st_mode & 0o777 == 0o640
    (aside,) = tmp_path.glob("data.handrail-aside-*")
    assert (aside / "more").read_text() == "new"


@pytest.mark.parametrize("what", ["file", "link"])
def test_a_file_or_a_link_comes_back_too(what: str, tmp_path: Path) -> None:
    path = tmp_path / "one"
    if what == "file":
        path.write_text("as it was")
    else:
        path.symlink_to("elsewhere")
    action, made = secured(path, tmp_path / "backup")
    path.unlink()

    (restore,) = action.restore(made)
    act(restore)

    assert path.read_text() == "as it was" if what == "file" else path.readlink() == Path("elsewhere")
    assert bool(made["content"]) is (what == "file")


@pytest.mark.parametrize("damage", ["changed", "gone", "more", "mode"])
def test_a_damaged_backup_is_not_proved_and_not_put_back(damage: str, tmp_path: Path) -> None:
    tree = planted(tmp_path)
    action, made = secured(tree, tmp_path / "backup")
    proof = build("tree.prove", {"path": str(tree), "backup": made["backup"], "sha256": made["sha256"]})
    assert look(proof).state == "done"
    copy = Path(str(made["backup"]))
    if damage == "changed":
        (copy / "store.db").write_bytes(b"\0jarS")
    elif damage == "gone":
        (copy / "link").unlink()
    elif damage == "more":
        (copy / "another").write_text("")
    else:
        (copy / "store.db").chmod(0o600)
    (tree / "store.db").write_bytes(b"migrated")

    assert look(proof).state == "not_done"
    with pytest.raises(ActFailed, match="nothing was touched"):
        act(action.restore(made)[0])
    assert (tree / "store.db").read_bytes() == b"migrated"


def test_another_backups_list_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    tree = planted(tmp_path)
    _, made = secured(tree, tmp_path / "backup")

    wrong = build("tree.prove", {"path": str(tree), "backup": made["backup"], "sha256": "0" * 64})
    other = build("tree.prove", {"path": str(tmp_path), "backup": made["backup"], "sha256": made["sha256"]})

    assert look(wrong).state == "unknown"
    assert look(other).state == "not_done"


def test_what_an_older_attempt_backed_up_does_not_count(tmp_path: Path) -> None:
    tree = planted(tmp_path)
    action, _ = secured(tree, tmp_path / "backup")

    assert look(action, receipt("backup")).state == "not_done"


def test_what_is_not_there_cannot_be_backed_up(tmp_path: Path) -> None:
    with pytest.raises(ActFailed, match="there is nothing to back up"):
        act(build("tree.backup", {"path": str(tmp_path / "none"), "to": str(tmp_path)}))


def test_a_restore_that_was_killed_between_its_two_moves_is_gone_on_with(tmp_path: Path) -> None:
    tree = planted(tmp_path)
    action, made = secured(tree, tmp_path / "backup")
    tree.rename(tmp_path / "put aside")
    (tmp_path / "data.handrail-restoring").mkdir()

    (restore,) = action.restore(made)
    assert look(restore).state == "not_done"
    act(restore)

    assert look(restore).state == "done"


# -- configuration -----------------------------------------------------------------------------------------------------


def test_an_edited_file_takes_up_what_ships_now(tmp_path: Path) -> None:
    """Where nobody installs over it, also a file that was never edited becomes what ships now."""
    for name, text in {"old": "a = 1\n\nb = 1\n", "new": "a = 1\n\nb = 2\n", "etc": "a = 9\n\nb = 1\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.conf").write_text(text)
    (tmp_path / "etc" / "plain").mkdir()
    (tmp_path / "etc" / "plain" / "app.conf").write_text("a = 1\n\nb = 1\n")

    for file, wanted in (("etc/app.conf", "a = 9\n\nb = 2\n"), ("etc/plain/app.conf", "a = 1\n\nb = 2\n")):
        path = tmp_path / file
        keep = build("config.keep", {"file": str(path), "to": str(tmp_path / "backup"), "stock": str(tmp_path / "old")})
        mine = receipt("keep")
        act(keep, mine)
        made = look(keep, mine).outputs
        sides = {name: made[name] for name in ("kept", "sha256", "stock_old")}
        merge = build("config.merge", {"file": str(path), **sides, "stock_new": str(tmp_path / "new")})
        assert look(merge).state == "not_done"
        act(merge)

        assert (look(merge).state, path.read_text()) == ("done", wanted)
        assert look(build("config.prove", {"kept": made["kept"], "sha256": made["sha256"]})).state == "done"
        (restore,) = keep.restore(made)
        act(restore)
        assert path.read_text() == wanted.replace("b = 2", "b = 1")
