"""Harmless questions, what their answers look like, and whether the twin answers as the host does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scripted_host import Answers, ScriptedHost
from tests.support.twins import SERVICE, SYNC, UNINSTALL, Clock, Console, a_twin, an_estate

from handrail.errors import HostUnreachable
from handrail.hosts import powershell
from handrail.hosts.protocol import Exited, Lost, TimedOut
from handrail.probing.conform import GENERAL, Conformance, Question, conform, conformance_to_json, questions_in
from handrail.probing.harmless import SCRIPTS, is_harmless, is_harmless_script
from handrail.probing.shapes import shape

# -- which questions are harmless ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "reg query HKLM\\SOFTWARE\\x /v y",
        "REG QUERY HKLM\\x /s /reg:32",
        "reg.exe query HKLM",
        "sc query Svc",
        "sc qc Svc",
        "sc query",
        "cmd /c dir /b C:\\Media",
        "cmd /c ver",
        "wmic os get LastBootUpTime /value",
        "wmic path win32_service where Name='x' get State /value",
        "schtasks /query /tn x /fo csv /v /nh",
        "wevtutil qe Application /c:5",
        "subst",
        "net use",
        "whoami /groups /fo csv /nh",
        "certutil -hashfile C:\\a.iso SHA256",
    ],
)
def test_questions_are_harmless(line: str) -> None:
    assert is_harmless(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "reg add HKLM\\x /f", "reg delete HKLM\\x /f", "reg export HKLM\\x C:\\y", "reg import C:\\y", "reg",
        "reg query \\\\other\\HKLM", "sc stop Svc", "sc start Svc", "sc config Svc start= auto", "sc delete Svc",
        "sc \\\\other query Svc", "sc query Svc extra", "cmd /c del C:\\x", "cmd /c dir C:\\ & del x", "cmd /k dir",
        "cmd /c dir C:\\x>C:\\y", "cmd /c dir %PATH%", "cmd /c dir \\\\server\\share", "cmd /c ver & format",
        "cmd dir", "wmic path x call Start", "wmic process call create calc", "wmic product get Name",
        "wmic path Win32_Product get Name", "wmic /node:other os get x", "wmic /output:C:\\x os get x",
        "wmic os set x=1", "schtasks /run /tn x", "schtasks /create /tn x", "schtasks /delete /tn x",
        "schtasks /query /s other", "wevtutil cl Application", "wevtutil qe System /r:other", "subst X: C:\\x",
        "subst X: /d", "net stop Svc", "net use X: \\\\a\\b", "net use * /delete", "certutil -decode a b",
        "certutil -delstore My x", "msiexec /i a.msi", "powershell -Command Get-Date", "shutdown /r", "sqlcmd -Q x",
        "robocopy a b", "iisreset /restart", "C:\\reg.exe query HKLM", "reg query HKLM\\***", "", "sh -c ls",
    ],
)  # fmt: skip
def test_whatever_could_change_something_or_reach_elsewhere_is_not(line: str) -> None:
    assert not is_harmless(line.split())


@given(words=st.lists(st.text("abcregscquy /\\&|<>^%:._-$\"'\n", max_size=12), max_size=6))
def test_no_command_line_with_a_second_command_in_it_is_harmless_to_cmd(words: list[str]) -> None:
    asked = ["cmd", "/c", "dir", *words]

    assert not is_harmless(asked) or not set("&|<>^%\n") & set("".join(words))


def test_only_scripts_that_look_are_asked_again() -> None:
    assert set(powershell.SCRIPTS) >= SCRIPTS
    for name in set(powershell.SCRIPTS) - SCRIPTS:
        assert not is_harmless_script((name, "C:\\x"))
    for name in SCRIPTS:
        text = powershell.SCRIPTS[name]
        for verb in (
            "Set-",
            "Remove-",
            "New-Item",
            "Mount-",
            "Dismount-",
            "Copy-",
            "Move-",
            "Start-",
            "Stop-",
        ):
            assert verb not in text, f"{name} may change something"
    assert not is_harmless_script(("hash-tree", "\\\\server\\share"))


def test_questions_come_out_of_a_transcript_once_and_in_order() -> None:
    lines: list[Mapping[str, Any]] = [
        {"ask": "execute", "argv": ["sc", "query", "A"]},
        {"ask": "execute", "argv": ["sc", "stop", "A"]},
        {"ask": "execute", "script": ["file-version", "C:\\a.exe"]},
        {"ask": "execute", "script": ["shred-file", "C:\\a.exe"]},
        {"ask": "execute", "argv": ["sc", "query", "A"]},
        {"ask": "execute", "argv": ["reg", "query", "HKLM\\…"], "cut": True},
        {"ask": "execute", "argv": ["reg", "query", "HKLM"], "stdin": 4},
        {"ask": "execute", "argv": "sc query A"},
        {"ask": "read", "path": "C:\\x"},
    ]

    found = list(questions_in(lines))

    assert found == [Question(("sc", "query", "A")), Question(("file-version", "C:\\a.exe"), script=True)]
    assert all(one.harmless for one in GENERAL)


# -- shapes ---------------------------------------------------------------------

QC = """[SC] QueryServiceConfig ERFOLG

SERVICE_NAME: x
        TYPE               : 10  WIN32_OWN_PROCESS
        STARTTYP           : 2   AUTO_START
        SERVICE_START_NAME : CONTOSO\\Svc
"""


@pytest.mark.parametrize(
    ("line", "said", "expected"),
    [
        (
            "reg query HKLM\\x",
            "\nHKEY_LOCAL_MACHINE\\x\n    A    REG_SZ    one\n    B    REG_DWORD    0x1\n"
            "\nHKEY_LOCAL_MACHINE\\x\\Sub\n",
            {
                "hkey_local_machine\\x": "key",
                "hkey_local_machine\\x\\a": "REG_SZ",
                "hkey_local_machine\\x\\b": "REG_DWORD",
                "hkey_local_machine\\x\\sub": "key",
            },
        ),
        ("sc query x", "SERVICE_NAME: x\n        STATUS             : 4  RUNNING\n", {"state": "RUNNING"}),
        ("sc qc x", QC, {"start": "AUTO_START", "account": "contoso\\svc"}),
        ("cmd /c dir /b C:\\x", "One.txt\ntwo\n", {"one.txt": "name", "two": "name"}),
        ("wmic os get A,B /value", "\r\r\nA=1\r\r\nB=\r\r\n", {"a": "said", "b": "empty"}),
        ("subst", "E:\\: => C:\\Patch\n", {"E:": "mapped"}),
        ("schtasks /query /fo csv /nh", '"a","b","c"\n', {"columns": "3"}),
        ("whoami", "contoso\\me\n", {"text": "some"}),
        ("script file-version C:\\a.exe", "4.7.12.0\n", {"version": "four numbers"}),
        ("script file-version C:\\a.exe", "4.7 (build 3)\n", {"version": "something else"}),
        ("script hash-tree C:\\x", "AB" * 32 + "|12|Sub\\a.txt\n", {"sub\\a.txt": "digest and size"}),
        ("script transport-facts", "language=FullLanguage\nversion=5.1\n",
         {"language": "FullLanguage", "version": "said"}),
    ],
)  # fmt: skip
def test_a_shape_is_what_a_reader_leans_on(line: str, said: str, expected: dict[str, str]) -> None:
    words = line.split()
    script = words[0] == "script"

    assert shape(words[script:], Exited(0, said.encode()), script) == expected


@given(out=st.binary(max_size=300), question=st.sampled_from(GENERAL))
def test_any_answer_has_a_shape(out: bytes, question: Question) -> None:
    assert isinstance(dict(shape(question.words, Exited(0, out), question.script)), dict)


# -- host and twin ---------------------------------------------------------------------

RUNNING = f"\nSERVICE_NAME: {SERVICE}\n        STATE              : 4  RUNNING \n"
STATE = Question(("sc", "query", SERVICE))
VERSION = Question(("file-version", f"{SYNC}\\Bin\\miiserver.exe"), script=True)


EXITS = "cmd /c exit 1060"


def compare(answers: Answers, questions: Sequence[Question]) -> Conformance:
    host = ScriptedHost({EXITS: Exited(1060), **answers})
    return asyncio.run(conform(host, Console(a_twin(clock=Clock())).host, questions))


def only(found: Conformance) -> tuple[str, tuple[str, ...]]:
    (one,) = found.compared
    return one.verdict, one.differences


def test_two_twins_of_one_estate_answer_alike() -> None:
    one, other = Console(a_twin(clock=Clock())), Console(a_twin(clock=Clock()))
    asked = (*GENERAL, STATE, VERSION, Question(("reg", "query", UNINSTALL, "/s")))

    found = asyncio.run(conform(one.host, other.host, asked))

    assert {one.verdict for one in found.compared} == {"same"} and found.exit_code == 0
    assert len(found.compared) == len(asked)


def test_another_build_of_the_same_product_is_no_difference_but_a_stopped_service_is() -> None:
    one, other = Console(a_twin(an_estate("4.6.607.0"), Clock())), Console(a_twin(clock=Clock()))
    one("sc", "stop", SERVICE)

    found = asyncio.run(conform(one.host, other.host, (STATE, VERSION)))

    assert [one.verdict for one in found.compared] == ["differs", "same"]
    assert found.compared[0].differences == ("state: STOPPED, on the twin RUNNING",)
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("answer", "verdict", "says"),
    [
        (RUNNING, "same", ()),
        (RUNNING.replace("4  RUNNING", "1  STOPPED"), "differs", ("state: STOPPED, on the twin RUNNING",)),
        (Exited(1060), "differs", ("exit code 1060, on the twin 0",)),
        ("nothing that is understood", "differs", ("state: only the twin has it (RUNNING)",)),
        (Lost("reset"), "unknown", ("the line was lost (reset)",)),
        (TimedOut(120), "unknown", ("it did not answer in time",)),
    ],
)
def test_what_a_host_says_is_held_against_its_twin(answer: Any, verdict: str, says: tuple[str, ...]) -> None:
    found = compare({f"sc query {SERVICE}": answer}, (STATE,))

    assert only(found) == (verdict, says)
    assert found.exit_code == (verdict != "same")


def test_where_a_line_cuts_exit_codes_no_more_of_them_is_compared() -> None:
    """As an sshd that runs on no Windows does; it is noticed by a code that is known."""
    asked = Question(("sc", "query", "HandrailNoSuchService"))

    assert only(compare({str(asked): Exited(36)}, (asked,)))[0] == "differs"
    found = compare({str(asked): Exited(36), EXITS: Exited(36)}, (asked,))
    assert only(found)[0] == "same" and found.bits == 8 and conformance_to_json(found)["exit_code_bits"] == 8


def test_what_only_the_host_has_is_no_difference_and_another_type_is() -> None:
    """The twin has a small part of a machine; what it has must be so."""
    key = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
    asked = Question(("reg", "query", key, "/v", "CurrentBuildNumber"))
    whole = key.replace("HKLM", "HKEY_LOCAL_MACHINE")
    said = f"\n{whole}\n    CurrentBuildNumber    {{}}    17763\n    Other    REG_SZ    x\n"

    assert only(compare({str(asked).replace('"', ""): said.format("REG_SZ")}, (asked,)))[0] == "same"
    verdict, says = only(compare({str(asked).replace('"', ""): said.format("REG_DWORD")}, (asked,)))
    assert verdict == "differs" and says[0].endswith("REG_DWORD, on the twin REG_SZ")


def test_a_command_that_the_twin_does_not_know_is_said_and_the_host_is_not_asked() -> None:
    asked = Question(("whoami", "/groups"))
    found = compare({}, (asked,))

    assert found.compared[0].verdict == "not modelled" and found.exit_code == 0


def test_nothing_but_harmless_questions_is_ever_sent() -> None:
    host = ScriptedHost({f"sc query {SERVICE}": RUNNING, EXITS: Exited(1060)})
    asked = (Question(("sc", "stop", SERVICE)), STATE, STATE, Question(("shred-file", "C:\\x"), script=True))

    asyncio.run(conform(host, Console(a_twin(clock=Clock())).host, asked))

    assert host.commands == [EXITS, f"sc query {SERVICE}"]


def test_a_host_that_goes_away_ends_it() -> None:
    class Gone(ScriptedHost):
        async def execute(self, command: Any) -> Any:
            raise HostUnreachable("sync01 does not answer.")

    with pytest.raises(HostUnreachable):
        asyncio.run(conform(Gone(), Console(a_twin(clock=Clock())).host, (STATE,)))


def test_the_document_says_what_differs() -> None:
    document = conformance_to_json(compare({f"sc query {SERVICE}": Exited(1060)}, (STATE,)))

    assert document["schema"] == "handrail/conformance/v1" and document["conforms"] is False
    assert document["questions"] == [
        {"asked": f"sc query {SERVICE}", "verdict": "differs", "differences": ["exit code 1060, on the twin 0"]}
    ]


# -- the command ---------------------------------------------------------------------


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Console:
    """Another twin stands for the real host of the sample estate."""

    from tests.support.archives import archived

    from handrail.cli import conforming

    console = Console(a_twin(archived("mim-sp3-on-twin").plan.estate))
    monkeypatch.setattr(conforming, "open_host", lambda *_: console.host)
    return console


def test_a_run_is_compared_with_its_twin_by_its_own_transcript(tmp_path: Path, real: Console) -> None:
    from tests.support.command import ESTATES, assert_clean, handrail

    transcript = tmp_path / "sync01.jsonl"
    transcript.write_text(f'{{"ask": "execute", "argv": ["sc", "query", "{SERVICE}"]}}\ntorn')
    options = ("conform", "sync01", "--estate", ESTATES / "contoso.yaml", "--transcript", transcript)

    alike = handrail(*options, "--format", "json", home=tmp_path)
    assert_clean(alike)
    assert alike.code == 0, alike.out
    assert alike.json["conforms"] and alike.json["questions"][-1]["asked"] == f"sc query {SERVICE}"

    real("sc", "stop", SERVICE)
    said = handrail(*options, home=tmp_path)
    assert said.code == 1 and "state: STOPPED, on the twin RUNNING" in said.out


def test_what_cannot_be_compared_is_refused_with_a_sentence(tmp_path: Path, real: Console) -> None:
    from tests.support.command import ESTATES, assert_clean, handrail

    estate = ("--estate", ESTATES / "contoso.yaml")
    for options in (("sync01",), ("sync99", *estate), ("sync01", *estate, "--transcript", tmp_path / "none")):
        said = handrail("conform", *options, home=tmp_path)
        assert_clean(said)
        assert said.code in (1, 2)
