"""Whatever is done to evidence after it was written is found; and what cannot be found is said."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.counting import plan, step
from tests.support.evidence import Lines, at, carried, entries, eventful, forge, lines_of, rewrite, written

from handrail.documents.evidence_signature import NAMESPACE, make_key, read_key, read_public
from handrail.errors import BadInput
from handrail.reporting.evidence_check import Checked, check
from handrail.reporting.evidence_files import HTML, JSON, SIGNATURE, program
from handrail.running.chain import Head, extend, head_of
from handrail.running.export import event_from_json, event_to_json

KEY, PUBLIC = make_key()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    where = tmp_path_factory.mktemp("evidence")
    with carried(where, eventful()) as (session, run):
        yield written(session, run, where / "report")


@pytest.fixture(scope="module")
def signed(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    rewrite(original, folder, KEY)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "report"))


def failing(found: Checked) -> set[str]:
    return {one.what for one in found.items if one.verdict == "fails"}


# -- without knowing -------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_byte_that_is_changed_in_the_json_is_found(original: Path, folder: Path, data: st.DataObject) -> None:
    content = bytearray((original / JSON).read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    (folder / JSON).write_bytes(content)

    try:
        assert not check(folder).holds
    except BadInput:
        assert where < 40, "only without its first line it is no evidence at all"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_byte_that_is_changed_in_the_html_is_found(original: Path, folder: Path, data: st.DataObject) -> None:
    content = bytearray((original / HTML).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / HTML).write_bytes(content)

    assert failing(check(folder)) == {"html"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_byte_that_is_changed_in_the_signature_is_found(signed: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = Path(shutil.copytree(signed, tmp_path / "copy", dirs_exist_ok=True))
    content = bytearray((signed / SIGNATURE).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / SIGNATURE).write_bytes(content)

    assert "signature" in failing(check(folder, PUBLIC))


@pytest.mark.parametrize("size", [0, 1, 2, 200, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_found(folder: Path, size: float) -> None:
    content = (folder / JSON).read_bytes()
    (folder / JSON).write_bytes(content[: int(size * len(content)) if isinstance(size, float) else size])

    try:
        assert not check(folder).holds
    except BadInput:
        assert isinstance(size, int) and size < 3


# -- with care: every digest at the end is made anew -----------------------------------------------------------------


def drop(lines: Lines) -> None:
    del lines[entries(lines, "events")[7]]


def cut_off(lines: Lines) -> None:
    last = entries(lines, "events")[-1]
    lines[last - 1] = lines[last - 1].rstrip(b",\n") + b"\n"
    del lines[last]


def swap(lines: Lines) -> None:
    one, two = entries(lines, "events")[5:7]
    lines[one], lines[two] = lines[two], lines[one]


def twice(lines: Lines) -> None:
    lines.insert(entries(lines, "events")[4], lines[entries(lines, "events")[4]])


def say_otherwise(lines: Lines) -> None:
    for number in entries(lines, "events"):
        lines[number] = lines[number].replace(b"it ended with 1603", b"it ended with 0000")


def answer_as_another(lines: Lines) -> None:
    number = next(number for number in entries(lines, "events") if b'"answered"' in lines[number])
    lines[number] = lines[number].replace(b'"played"', b'"somebo"')


def hash_anew(lines: Lines) -> None:
    """Change one event and its own hash; the next in its chain still names the old one."""
    numbers = entries(lines, "events")
    number = next(number for number in numbers if b'"failed"' in lines[number])
    event = event_from_json(run_of(lines), json.loads(lines[number].rstrip(b",\n")))
    head = Head(event.sequence - 1, event.epoch, event.previous)
    lines[number] = line_of(extend(head, event.run, event.lane, event.position, "2020-01-01T00:00:00Z", event.entry))


def chain_anew(lines: Lines) -> None:
    """Change one event and all behind it in its lane; the seals still say what the ends were."""
    numbers = entries(lines, "events")
    events = [event_from_json(run_of(lines), json.loads(lines[number].rstrip(b",\n"))) for number in numbers]
    lane = next(event.lane for event in events if event.entry.kind == "failed")
    head = Head()
    for number, event in zip(numbers, events, strict=True):
        if event.lane == lane:
            stamp = "2020-01-01T00:00:00Z" if event.entry.kind == "failed" else event.at
            behind = Head(head.sequence, event.epoch, head.hash)
            made = extend(behind, event.run, lane, event.position, stamp, event.entry)
            end = b"\n" if number == numbers[-1] else b",\n"
            lines[number] = line_of(made).rstrip(b",\n") + end
            head = head_of(made)


def other_plan(lines: Lines) -> None:
    from handrail.documents.plan import plan_to_json
    from handrail.running.chain import canonical

    lines[at(lines, "plan")] = f'"plan":{canonical(plan_to_json(plan(step("one"))))},\n'.encode()


def other_word_in_the_plan(lines: Lines) -> None:
    number = at(lines, "plan")
    lines[number] = lines[number].replace(b"Is it night?", b"Is it light?")


def other_starter(lines: Lines) -> None:
    number = at(lines, "run")
    lines[number] = lines[number].replace(b'"who":"eve"', b'"who":"bob"')


def no_approval(lines: Lines) -> None:
    (number,) = entries(lines, "approvals")
    del lines[number]


def other_approver(lines: Lines) -> None:
    (number,) = entries(lines, "approvals")
    lines[number] = lines[number].replace(b'"ann"', b'"joe"')


def other_state(lines: Lines) -> None:
    number = at(lines, "summary")
    lines[number] = lines[number].replace(b"succeeded", b"in-doubts")


def fewer_attempts(lines: Lines) -> None:
    for number in entries(lines, "steps"):
        lines[number] = lines[number].replace(b'"attempts":2', b'"attempts":1')


def without_remedies(lines: Lines) -> None:
    for number in reversed(entries(lines, "remedies")):
        del lines[number]


def other_rehearsal(lines: Lines) -> None:
    lines[at(lines, "rehearsal")] = b'"rehearsal":{"schema":"handrail/rehearsal/v1","plan":"sha256:0"},\n'


def strange(member: str, value: bytes) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        lines[at(lines, member)] = b'"%s":%s,\n' % (member.encode(), value)

    return change


STRANGE = [
    ("made", b"[]"),
    ("made", b"{}"),
    ("made", b'{"at":1,"by":2,"handrail":3,"key":4,"program":"%s"}' % program().encode()),
    ("made", b'{"at":"x","by":"x","handrail":"x","key":"no key","program":"%s"}' % program().encode()),
    ("run", b"null"),
    ("plan", b"[]"),
    ("plan", b'{"schema":"handrail/plan/v1"}'),
    ("rehearsal", b"7"),
    ("rehearsal", b'{"plan":"%s","cases":[1]}'),
    ("linked", b"{}"),
    ("linked", b'{"takes_back":null,"taken_back_by":[7]}'),
    ("summary", b"1e999"),
]


@pytest.mark.parametrize(("member", "value"), STRANGE, ids=lambda one: str(one)[:40])
def test_what_is_not_even_of_the_right_kind_is_found_and_never_a_fault(folder: Path, member: str, value: bytes) -> None:
    if b"%s" in value:
        value %= json.loads((folder / JSON).read_bytes())["run"]["plan"].encode()
    forge(folder, strange(member, value))

    assert not check(folder).holds


def no_object(lines: Lines) -> None:
    lines[at(lines, "run")] = b'"run":[],\n'


def event_without_a_hash(lines: Lines) -> None:
    number = entries(lines, "events")[3]
    lines[number] = b'{"kind":"done"},\n'


def deep(lines: Lines) -> None:
    lines[at(lines, "made")] = b'"made":' + b"[" * 100_000 + b"]" * 100_000 + b",\n"


FORGERIES: tuple[Callable[[Lines], None], ...] = (
    *(drop, cut_off, swap, twice, say_otherwise, answer_as_another, hash_anew, chain_anew),
    *(other_plan, other_word_in_the_plan, other_starter, no_approval, other_approver, other_rehearsal),
    *(other_state, fewer_attempts, without_remedies, no_object, event_without_a_hash, deep),
)


@pytest.mark.parametrize("change", FORGERIES, ids=lambda one: one.__name__)
def test_a_careful_change_is_found(original: Path, folder: Path, change: Callable[[Lines], None]) -> None:
    forge(folder, change)

    assert lines_of(folder)[:-3] != lines_of(original)[:-3], "nothing was changed"
    assert failing(check(folder)) & {"content", "what follows"}


def test_forging_itself_is_not_what_is_found(folder: Path) -> None:
    """Otherwise the test above could not fail."""
    forge(folder, lambda lines: None)

    assert check(folder).holds


def test_a_page_that_says_something_else_is_found_although_the_json_names_it(folder: Path) -> None:
    page = (folder / HTML).read_text("utf-8")
    assert page.count("Insert disk")
    (folder / HTML).write_text(page.replace("Insert disk", "All is fine"), "utf-8")
    forge(folder, lambda lines: None)

    assert failing(check(folder)) == {"html"}


def test_the_page_of_another_run_is_found(folder: Path, tmp_path: Path) -> None:
    with carried(tmp_path / "other", plan(step("one"))) as (session, run):
        shutil.copy(written(session, run, tmp_path / "second") / HTML, folder / HTML)

    assert failing(check(folder)) == {"html"}


def test_a_missing_page_is_found_in_a_folder_and_told_of_a_file(folder: Path) -> None:
    (folder / HTML).unlink()

    assert failing(check(folder)) == {"html"}
    assert check(folder / JSON).holds
    assert any(one.what == "html" and one.verdict == "open" for one in check(folder / JSON).items)


def test_of_another_handrail_what_follows_is_left_open_and_the_page_must_still_be_the_same(folder: Path) -> None:
    def other_program(lines: Lines) -> None:
        number = at(lines, "made")
        made = json.loads(lines[number].removeprefix(b'"made":').rstrip(b",\n"))
        made["program"] = "sha256:other"
        lines[number] = f'"made":{json.dumps(made, sort_keys=True, separators=(",", ":"))},\n'.encode()
        fewer_attempts(lines)

    forge(folder, other_program)

    found = {one.what: one.verdict for one in check(folder).items}
    assert found["what follows"] == "open" and found["html"] == found["chains"] == found["plan"] == "holds"
    (folder / HTML).write_bytes((folder / HTML).read_bytes() + b" ")
    assert failing(check(folder)) == {"html"}


# -- what only a signature shows -------------------------------------------------------------------------------------


def test_who_rewrites_everything_is_found_only_by_a_signature(signed: Path, tmp_path: Path) -> None:
    rewrite(signed, tmp_path / "bare", most=12)
    rewrite(signed, tmp_path / "own", make_key()[0], most=12)

    bare, own = check(tmp_path / "bare"), check(tmp_path / "own")
    assert bare.holds and not bare.signed and bare.state == "running"
    assert any("rewritten all of it" in one.says and one.verdict == "open" for one in bare.items)
    assert any("No seal closes them" in one.says for one in bare.items)
    assert own.holds and any("Whose key that is" in one.says for one in own.items)
    for one in ("bare", "own"):
        assert failing(check(tmp_path / one, PUBLIC)) == {"signature"}


def test_what_was_signed_holds_by_its_key_alone(signed: Path) -> None:
    assert check(signed, PUBLIC).holds and check(signed, PUBLIC).signed
    assert check(signed).holds
    assert failing(check(signed, make_key()[1])) == {"signature"}


def test_a_signature_that_was_taken_away_is_found(signed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(signed, tmp_path / "copy"))
    (folder / SIGNATURE).unlink()

    assert failing(check(folder)) == {"signature"}


def test_a_careful_change_to_what_was_signed_is_found(signed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(signed, tmp_path / "copy"))
    forge(folder, lambda lines: None)
    assert check(folder, PUBLIC).holds
    forge(folder, other_state)

    assert "signature" in failing(check(folder, PUBLIC))


@pytest.mark.real
def test_openssh_checks_the_signature_too(signed: Path, tmp_path: Path) -> None:
    signers = tmp_path / "signers"
    signers.write_text(f"them {PUBLIC.line}\n")
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "them", "-n", NAMESPACE]
    command += ["-s", str(signed / SIGNATURE)]

    good = subprocess.run(command, input=(signed / JSON).read_bytes(), capture_output=True)
    bad = subprocess.run(command, input=(signed / JSON).read_bytes() + b" ", capture_output=True)

    assert (good.returncode, bad.returncode != 0) == (0, True), good.stderr
    assert PUBLIC.fingerprint.encode() in good.stdout


def test_keys_are_read_as_openssh_writes_them_and_nothing_else_is_one() -> None:
    assert read_public(f"# ours\n{PUBLIC.line} somebody@somewhere\n") == PUBLIC
    for bad in ("", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E= x", PUBLIC.fingerprint):
        with pytest.raises(BadInput):
            read_public(bad)
    for bad in ("", "ed25519:", "ed25519:AAAA", KEY + "AAAA", KEY.removeprefix("ed25519:")):
        with pytest.raises(BadInput) as refused:
            read_key(bad)
        assert not bad or bad not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]\n", b"\x00\xff", b'{\n"schema":"handrail/plan/v1",\n'])
def test_what_is_no_evidence_is_bad_input(tmp_path: Path, content: bytes) -> None:
    (tmp_path / JSON).write_bytes(content)

    with pytest.raises(BadInput, match="no evidence"):
        check(tmp_path)


def test_an_empty_folder_and_a_missing_file_are_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(BadInput, match="no evidence here"):
            check(path)


def run_of(lines: Lines) -> str:
    return str(json.loads(lines[at(lines, "run")].removeprefix(b'"run":').rstrip(b",\n"))["run"])


def line_of(event: Any) -> bytes:
    return json.dumps(event_to_json(event), sort_keys=True, separators=(",", ":")).encode() + b",\n"


# -- by hand ---------------------------------------------------------------------------------------------------------


def by_hand(folder: Path) -> subprocess.CompletedProcess[str]:
    """What docs/evidence.md gives to whoever has nothing but Python."""
    text = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text("utf-8")
    program = text.partition("```python\n")[2].partition("```")[0]
    return subprocess.run([sys.executable, "-I", "-c", program], cwd=folder, capture_output=True, text=True)


def test_the_lines_in_the_docs_check_it_without_us(folder: Path, signed: Path) -> None:
    for one in (folder, signed):
        done = by_hand(one)
        assert done.returncode == 0 and "It holds:" in done.stdout, done.stderr


@pytest.mark.parametrize("change", [drop, cut_off, say_otherwise, hash_anew, chain_anew, other_plan])
def test_the_lines_in_the_docs_find_what_was_changed(folder: Path, change: Callable[[Lines], None]) -> None:
    forge(folder, change)

    assert by_hand(folder).returncode == 1


def test_the_commands_on_the_page_find_that_it_belongs_to_the_file(folder: Path) -> None:
    names = "sed '/^\"html\":/,$d' evidence.json | sha256sum | cut -c 1-64"
    other = 'grep -L "$(sha256sum < evidence.html | cut -c 1-64)" evidence.json'

    def said(command: str) -> str:
        return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True).stdout.strip()

    assert said(names) in (folder / HTML).read_text("utf-8") and said(other) == ""
    (folder / HTML).write_text("something else")
    assert said(other) == JSON
