"""Bad input of every kind to every command that reads some: a clear sentence, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.command import ESTATES, Said, assert_clean, handrail
from tests.support.plans import sample_plan

from handrail.documents.plan import write_plan

CONTOSO = (ESTATES / "contoso.yaml").read_text("utf-8")
EXAMPLES = max(10, int(os.environ.get("HANDRAIL_EXAMPLES", "12")))

READERS: dict[str, list[str]] = {
    "assess": ["assess", "FILE"],
    "assess-json": ["assess", "FILE", "--format", "json"],
    "plan": ["plan", "FILE"],
    "explain": ["explain", "FILE"],
    "approve": ["approve", "FILE"],
    "run": ["run", "FILE", "--twin"],
    "lint": ["guide", "lint", "FILE"],
    "guides": ["guide", "list", "--guides", "FOLDER"],
}

GARBAGE: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n\t\n",
    "comment": b"# nothing\n",
    "broken": b"hosts: {a: [1, 2\nb: 3",
    "tabs": b"a:\n\t- b\n",
    "binary": bytes(range(256)) * 8,
    "zeros": b"\0" * 4096,
    "utf-16": "handrail: estate/v1".encode("utf-16"),
    "latin-1": b"name: M\xfcller\n",
    "a word": b"hello",
    "a list": b"- 1\n- 2\n",
    "null": b"null\n",
    "a number": b"42",
    "duplicate keys": b"name: a\nname: b\n",
    "other json": b'{"schema": "other/v1"}',
    "cut json": b'{"schema": "handrail/plan/v1", "digest": ',
    "deep": b"[" * 5000,
    "deep yaml": b"".join(b" " * depth + b"a:\n" for depth in range(300)),
    "laughs": b"a: &a [x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 8)) for c in range(97, 110)),
    "python tag": b"a: !!python/object/apply:os.system ['true']\n",
    "terminal codes": b"\x1b[2J: \x1b]0;x\x07\n",
    "wrong version": b"handrail: estate/v9\nname: x\n",
    "wrong types": b"handrail: estate/v1\nname: [x]\nhosts: 7\ndeployments: yes\naim: {a: {to: 1}}\n",
    "merge to itself": b"a: &a\n  <<: *a\n",
    "huge number": b"handrail: estate/v1\nname: x\napprovers: " + b"9" * 5000 + b"\n",
}


def call(reader: str, path: Path, home: Path) -> Said:
    """Give the file to a command. A guide's own folder is what --guides takes."""
    words = [str(path) if word in ("FILE", "FOLDER") else word for word in READERS[reader]]
    return handrail(*words, home=home)


def write(folder: Path, reader: str, content: bytes) -> Path:
    """A file with that content, where the command looks for it: a folder with a guide.yaml for --guides."""
    folder.mkdir(exist_ok=True)
    path = folder / ("guide.yaml" if reader == "guides" else "given.yaml")
    path.write_bytes(content)
    return folder if reader == "guides" else path


def refused(said: Said, *named: str) -> None:
    assert_clean(said)
    assert said.code == 2
    assert said.out == "", "what is wrong belongs on standard error"
    assert all(line.isprintable() for line in said.err.splitlines())
    for name in named:
        assert name in said.err


@pytest.mark.parametrize("reader", ["assess", "explain", "run", "lint", "guides"])
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_refused_with_its_place(tmp_path: Path, reader: str, garbage: str) -> None:
    path = write(tmp_path / "given", reader, GARBAGE[garbage])

    refused(call(reader, path, tmp_path / "home"), str(path))


@pytest.mark.parametrize("reader", READERS)
def test_fifty_megabytes_are_refused_without_being_read(tmp_path: Path, reader: str) -> None:
    path = write(tmp_path / "given", reader, b"")
    with (path / "guide.yaml" if path.is_dir() else path).open("wb") as file:
        file.truncate(50 * 1024 * 1024)

    refused(call(reader, path, tmp_path / "home"), str(path))


@pytest.mark.parametrize("reader", [name for name in READERS if name not in ("guides", "lint")])
def test_a_folder_is_not_a_file(tmp_path: Path, reader: str) -> None:
    refused(call(reader, tmp_path, tmp_path / "home"), str(tmp_path))


@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_there_is_named(tmp_path: Path, reader: str) -> None:
    refused(call(reader, tmp_path / "no such thing", tmp_path / "home"), "no such thing")


@pytest.mark.parametrize("reader", READERS)
def test_a_link_that_leads_to_itself(tmp_path: Path, reader: str) -> None:
    link = tmp_path / "loop"
    link.symlink_to(link)

    refused(call(reader, link, tmp_path / "home"))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero here")
@pytest.mark.parametrize("reader", ["assess", "plan", "explain", "approve", "run", "lint"])
def test_a_file_without_end_is_refused(tmp_path: Path, reader: str) -> None:
    refused(call(reader, Path("/dev/zero"), tmp_path / "home"))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["", "-", "a\0b", "x" * 5000, "\udcff", "~nobody/x"])
def test_odd_names_of_files(tmp_path: Path, reader: str, name: str) -> None:
    words = [name if word in ("FILE", "FOLDER") else word for word in READERS[reader]]

    refused(handrail(*words, home=tmp_path))


def test_of_very_many_mistakes_some_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    names = "".join(f"      - {{component: sync, host: h{number:05}}}\n" for number in range(3000))
    more = f"deployments:\n  more:\n    product: mim\n    installations:\n{names}"
    path = write(tmp_path / "given", "assess", CONTOSO.replace("deployments:\n", more).encode())

    said = call("assess", path, tmp_path / "home")

    refused(said, f"{path}:", "more mistakes.")
    assert len(said.err.splitlines()) == 51


# -- estates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    os: windows-server-2019", "    oss: windows-server-2019", "Did you mean 'os'?"),
        ("component: sync\n", "component: synk\n", "Did you mean 'sync'?"),
        ("host: sync01\n", "host: sync02\n", "sync02"),
        ("build: 4.6.34.0", "build: 4.6.34", "4.6.34"),
        ("database: sync-db", "database: sink-db", "Did you mean 'sync-db'?"),
        ("account: svc-sync", "account: svc-sink", "Did you mean 'svc-sync'?"),
        ("to: 2016-sp3", "to: 2016-sp4", "Did you mean '2016-sp3'?"),
        ("product: mim\n    installations", "product: mimm\n    installations", "Did you mean 'mim'?"),
        ("name: contoso", "name: contoso\nextra: 1", "extra"),
        (
            "os: windows-server-2019\n    connect: {via: winrm, ",
            "os: windows-server-2019\n    connect: {port: 99999, sessions: 0, via: winrm, ",
            "'port' must be between 1 and 65535, not 99999",
        ),
        ("mounted_media: []", "mounted_meda: []", "Did you mean 'mounted_media'?"),
    ],
)
@pytest.mark.parametrize("command", ["assess", "plan"])
def test_a_mistake_in_an_estate_is_told_with_line_and_column(
    tmp_path: Path, command: str, old: str, new: str, expected: str
) -> None:
    assert old in CONTOSO
    estate = tmp_path / "estate.yaml"
    estate.write_text(CONTOSO.replace(old, new, 1), "utf-8")
    said = handrail(command, estate, home=tmp_path / "home")

    refused(said, expected)
    line = next(line for line in said.err.splitlines() if expected in line)
    place = line.removeprefix(f"{estate}:").split(":")
    assert place[0].isdigit() and place[1].isdigit()


def test_a_host_that_nothing_names_is_a_mistake(tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text(CONTOSO.replace("\nhosts:\n", "\nhosts:\n  lonely01: {os: windows-server-2019}\n", 1), "utf-8")

    refused(handrail("assess", estate, home=tmp_path / "home"), "lonely01")


@given(st.data())
@example(None)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_estate_that_was_cut_or_muddled_never_ends_in_a_traceback(
    tmp_path: Path, data: st.DataObject | None
) -> None:
    text = CONTOSO
    if data is not None:
        where = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 40))
        text = text[:where] + data.draw(st.text(max_size=8)) + text[where + length :]
    estate = tmp_path / "estate.yaml"
    estate.write_bytes(text.encode("utf-8", "surrogatepass"))
    said = handrail("assess", estate, home=tmp_path / "home")

    assert_clean(said)
    assert said.code in (0, 2, 3)


@given(st.binary(max_size=200))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "given"
    path.write_bytes(content)
    for reader in ("assess", "explain", "lint"):
        refused(call(reader, path, tmp_path / "home"))


WORDS = st.one_of(
    st.sampled_from(
        ["assess", "plan", "run", "answer", "guide", "lint", "--to", "--format", "json", "-o", "--", "-", ""]
    ),
    st.text(st.characters(exclude_characters="\0"), max_size=12),
)


@given(st.lists(WORDS, max_size=6))
@settings(max_examples=EXAMPLES * 2, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_words_on_the_command_line_end_cleanly(tmp_path: Path, words: list[str]) -> None:
    assert_clean(handrail(*words, home=tmp_path / "home"))


# -- plans --------------------------------------------------------------------------------------------------------


def plan_file(folder: Path) -> Path:
    path = folder / "contoso.plan"
    write_plan(sample_plan(), path)
    return path


PLAN_READERS = [["explain"], ["approve"], ["run", "--twin"]]


@pytest.mark.parametrize("command", PLAN_READERS)
@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["steps"][0]["with"].update(product="Other"),
        lambda plan: plan["steps"].pop(),
        lambda plan: plan.update(digest="sha256:" + "0" * 64),
        lambda plan: plan["steps"].reverse(),
        lambda plan: plan["estate"].update(name="other"),
        lambda plan: plan["findings"].clear(),
    ],
)
def test_a_tampered_plan_is_refused(tmp_path: Path, command: list[str], change: Any) -> None:
    path = plan_file(tmp_path)
    plan = json.loads(path.read_bytes())
    change(plan)
    path.write_text(json.dumps(plan))
    said = handrail(*command, path, home=tmp_path / "home")

    refused(said, str(path))
    assert not (tmp_path / "home" / "twins").exists()


@pytest.mark.parametrize("key", ["digest", "estate", "steps", "hops", "aim", "guides", "findings"])
@pytest.mark.parametrize("value", [None, 7, "x", [], [None], {}, {"x": [1]}])
def test_a_plan_of_the_wrong_shape_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    """Also one whose digest is right for what it says."""
    from handrail.documents.plan import digest_of  # noqa: F401 - there is one

    path = plan_file(tmp_path)
    plan = json.loads(path.read_bytes())
    plan[key] = value
    path.write_text(json.dumps(plan))

    assert_clean(handrail("explain", path, home=tmp_path / "home"))


def test_a_step_that_the_plan_does_not_have_gets_a_suggestion(tmp_path: Path) -> None:
    said = handrail("explain", plan_file(tmp_path), "identity/sync@sync01/2016-sp3/stp", home=tmp_path / "home")

    refused(said, "Did you mean 'identity/sync@sync01/2016-sp3/stop'?")


@pytest.mark.parametrize("target", ["", "no/such/folder/plan", "."])
def test_a_plan_that_cannot_be_written_is_said(tmp_path: Path, target: str) -> None:
    said = handrail("plan", ESTATES / "contoso.yaml", "-o", tmp_path / target, home=tmp_path / "home")

    refused(said, str(tmp_path))


# -- runs, stores and the home folder -------------------------------------------------------------------------------

RUN_READERS = [
    ["status", "RUN"],
    ["resume", "RUN"],
    ["answer", "RUN", "step", "yes"],
    ["verify", "RUN"],
    ["rollback", "RUN"],
]


@pytest.mark.parametrize("command", RUN_READERS)
@pytest.mark.parametrize("run", ["contoso-1", "", "../../etc/passwd", "a\x1bb", "x" * 3000, "' OR 1=1 --"])
def test_an_unknown_run_is_refused(tmp_path: Path, command: list[str], run: str) -> None:
    home = tmp_path / "home"
    refused(handrail(*(run if word == "RUN" else word for word in command), home=home))
    handrail("approve", plan_file(tmp_path), home=home)  # there is a store now, without any run
    refused(handrail(*(run if word == "RUN" else word for word in command), home=home))


def test_asking_for_status_makes_no_store(tmp_path: Path) -> None:
    refused(handrail("status", home=tmp_path / "home"), "Nothing has been run yet")
    assert not (tmp_path / "home").exists()


STORE_USERS = [
    ["status"],
    ["status", "--format", "json"],
    ["approve", "PLAN"],
    ["run", "PLAN", "--twin"],
    ["verify", "x"],
    ["rollback", "x"],
]


def use_store(command: list[str], folder: Path, home: Path, *more: object) -> Said:
    return handrail(*(plan_file(folder) if word == "PLAN" else word for word in command), *more, home=home)


@pytest.mark.parametrize("command", STORE_USERS)
@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + b"\xff" * 4000, bytes(range(256)) * 64])
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(
    tmp_path: Path, command: list[str], content: bytes
) -> None:
    store = tmp_path / "store.db"
    store.write_bytes(content)
    said = use_store(command, tmp_path, tmp_path / "home", "--store", f"sqlite:///{store}")
    if content:  # an empty file is an empty database
        refused(said, str(store))
        assert store.read_bytes() == content
    else:
        assert_clean(said)


@pytest.mark.parametrize("command", STORE_USERS)
def test_somebody_elses_database_is_refused_and_left_as_it_is(tmp_path: Path, command: list[str]) -> None:
    store = tmp_path / "other.db"
    with sqlite3.connect(store) as other:
        other.execute("CREATE TABLE things (name)")
    other.close()
    before = store.read_bytes()
    refused(use_store(command, tmp_path, tmp_path / "home", "--store", f"sqlite:///{store}"), str(store))

    assert store.read_bytes() == before


@pytest.mark.parametrize("command", STORE_USERS)
def test_a_store_of_a_newer_handrail_is_refused_and_left_as_it_is(tmp_path: Path, command: list[str]) -> None:
    home = tmp_path / "home"
    handrail("approve", plan_file(tmp_path), home=home)
    with sqlite3.connect(home / "store.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    refused(use_store(command, tmp_path, home), "newer Handrail")

    with sqlite3.connect(home / "store.db") as store:
        assert store.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    store.close()


@pytest.mark.parametrize(
    "url", ["postgresql://somewhere/x", "nonsense://x", "sqlite://", "sqlite:///:memory:", "://", "http://[::1"]
)
@pytest.mark.parametrize("command", [["status"], ["approve", "PLAN"]])
def test_a_url_that_is_no_store_is_refused(tmp_path: Path, command: list[str], url: str) -> None:
    refused(use_store(command, tmp_path, tmp_path / "home", "--store", url))


@pytest.mark.parametrize("command", [["approve", "PLAN"], ["run", "PLAN", "--twin"]])
@pytest.mark.parametrize("home", ["file/below", "file", "/proc/handrail", "/dev/null/x"])
def test_a_home_that_cannot_be_made_is_named(tmp_path: Path, command: list[str], home: str) -> None:
    (tmp_path / "file").write_text("in the way")

    refused(use_store(command, tmp_path, tmp_path / home), "HANDRAIL_HOME")


def test_a_fault_of_our_own_is_one_sentence_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from handrail.cli import assessing

    def broken(*_: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(assessing, "read", broken)
    said = handrail("assess", "x", home=tmp_path / "home")
    logs = list((tmp_path / "home" / "logs").iterdir())

    assert said.code == 1 and said.out == ""
    assert said.err.count("\n") == 1 and "ZeroDivisionError" in said.err and str(logs[0]) in said.err
    assert "Traceback" in logs[0].read_text("utf-8")
    assert logs[0].stat().st_mode & 0o077 == 0


def test_a_fault_of_our_own_without_a_home_is_the_sentence_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handrail.cli import assessing

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(assessing, "read", broken)
    (tmp_path / "file").write_text("in the way")
    said = handrail("assess", "x", home=tmp_path / "file")

    assert said.code == 1 and said.err.count("\n") == 1 and "Traceback" not in said.err
