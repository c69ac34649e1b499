"""Files of a Windows that has only a command line: whole or not at all, and large ones fetched by the host itself."""

from __future__ import annotations

import asyncio
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import winrm_scripts
from tests.support.scripted_host import Answers, ScriptedHost
from tests.support.winrm import host_at
from tests.support.winrm_commands import Asked
from tests.support.winrm_endpoint import Endpoint, serving

from handrail.errors import FileMissing, HostError, HostUnreachable
from handrail.hosts import powershell, pulling, windows_files
from handrail.hosts.protocol import Command, Exited, Lost, Outcome

OLD = b"old"
NEW = os.urandom(300_000)


class Scripted(ScriptedHost):
    """The reviewed scripts on files of this machine, as they would be done on a host; what came over the line may be
    spoilt on its way."""

    spoil = staticmethod(lambda name, command: command)

    async def execute(self, command: Command) -> Outcome:
        known = powershell.recognise(command.argv)
        if known is None:
            return Exited(0)
        self.commands.append(known[0])
        command = self.spoil(known[0], command)
        return await winrm_scripts.carry_out(Asked(command.argv, command.stdin))


def parts(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large."""
    monkeypatch.setattr(windows_files, "PART", 100_000)
    monkeypatch.setattr(windows_files, "LARGE", 200_000)


def test_a_large_file_is_fetched_by_the_host(small: None, tmp_path: Path) -> None:
    source, there = tmp_path / "source", tmp_path / "there"
    source.write_bytes(NEW)
    host = Scripted()

    asyncio.run(windows_files.put(host, source, str(there), "127.0.0.1"))

    assert there.read_bytes() == NEW
    assert host.commands == ["pull-url", "take-part"]


def test_what_was_changed_on_the_way_is_refused(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody between the host and us answers in our place: the SHA-256 went another way."""
    (tmp_path / "source").write_bytes(NEW)
    (tmp_path / "evil").write_bytes(NEW[:-1] + b"x")
    (tmp_path / "there").write_bytes(OLD)
    real = pulling._send

    async def evil(source: Path, writer: Any) -> None:
        await real(tmp_path / "evil", writer)

    monkeypatch.setattr(pulling, "_send", evil)

    with pytest.raises(HostError, match="did not arrive as it was sent"):
        asyncio.run(windows_files.put(Scripted(), tmp_path / "source", str(tmp_path / "there"), "127.0.0.1"))

    assert (tmp_path / "there").read_bytes() == OLD
    assert parts(tmp_path) == ["evil", "source", "there"]


def test_a_host_that_cannot_reach_us_gets_it_through_its_shell(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").write_bytes(NEW)
    host = Scripted()
    monkeypatch.setitem(winrm_scripts._SCRIPTS, "pull-url", lambda *_: Exited(1, b"", b"Unable to connect"))

    asyncio.run(windows_files.put(host, tmp_path / "source", str(tmp_path / "there"), "127.0.0.1"))

    assert (tmp_path / "there").read_bytes() == NEW
    assert host.commands == ["pull-url", "write-part", "write-part", "write-part", "take-part"]


def test_an_offer_is_good_for_one_who_knows_its_path_and_once(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(NEW)

    def get(url: str) -> bytes:
        with urllib.request.urlopen(url, timeout=5) as answer:
            data: bytes = answer.read()
            return data

    async def go() -> None:
        async with pulling.offer(tmp_path / "source", "127.0.0.1") as offered:
            with pytest.raises(urllib.error.HTTPError):
                await asyncio.to_thread(get, offered.url + "x")
            assert not offered.taken
            assert await asyncio.to_thread(get, offered.url) == NEW
            with pytest.raises(urllib.error.HTTPError):
                await asyncio.to_thread(get, offered.url)
            url = offered.url
        with pytest.raises(urllib.error.URLError):
            await asyncio.to_thread(get, url)

    asyncio.run(go())


def test_a_host_that_asks_for_nothing_does_not_keep_an_offer_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "_ASKING", 0.2)
    (tmp_path / "source").write_bytes(NEW)

    async def go() -> None:
        async with pulling.offer(tmp_path / "source", "127.0.0.1") as offered:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(offered.url.split(":")[2].split("/")[0]))
            writer.write(b"GET ")
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()

    asyncio.run(go())


def test_content_that_was_damaged_on_its_way_does_not_take_the_files_place(tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.write_bytes(OLD)
    host = Scripted()

    def spoil(name: str, command: Command) -> Command:
        return Command(command.argv, b"AAAA")

    host.spoil = spoil

    with pytest.raises(HostError, match="did not arrive as it was sent"):
        asyncio.run(windows_files.write(host, str(path), NEW))

    assert path.read_bytes() == OLD and parts(tmp_path) == ["there"]


def test_a_file_that_is_written_while_it_is_read_is_not_taken_for_whole(small: None, tmp_path: Path) -> None:
    path, target = tmp_path / "there", tmp_path / "target"
    path.write_bytes(NEW)
    host = Scripted()

    def grow(name: str, command: Command) -> Command:
        if len(host.commands) == 2:
            path.write_bytes(NEW + b"more")
        return command

    host.spoil = grow

    with pytest.raises(HostError, match="was changed while it was read"):
        asyncio.run(windows_files.get(host, str(path), target))

    assert not target.exists() and parts(tmp_path) == ["there"]


@pytest.mark.parametrize(
    "answer",
    [
        b"3|1|" + b"0" * 64 + b"\r\nYWJj\r\n",  # another hash
        b"3|1|ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\nYWJ",  # cut off
        b"3|1|ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        b"",
        b"Something else\r\nYWJj",
    ],
)
def test_an_answer_that_is_not_whole_is_no_file(answer: bytes) -> None:
    host = ScriptedHost(otherwise=Exited(0, answer))

    with pytest.raises(HostError, match="did not arrive whole"):
        asyncio.run(windows_files.read(host, "C:\\a"))


def test_silence_and_absence_and_refusal_are_told_apart() -> None:
    for outcome, error, says in (
        (Lost("gone"), HostUnreachable, "did not answer"),
        (Exited(3), FileMissing, "C:\\\\a is not there"),
        (
            Exited(1, b"", b"Access to the path is denied.\r\n"),
            HostError,
            "could not be read: Access to the path is denied",
        ),
    ):
        with pytest.raises(error, match=says):
            asyncio.run(windows_files.read(ScriptedHost(otherwise=outcome), "C:\\a"))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    with serving(made):
        yield made


def test_large_files_go_both_ways_over_the_real_road(small: None, endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(NEW)

    async def go() -> None:
        async with host_at(endpoint) as host:
            await host.put(tmp_path / "source", str(tmp_path / "there"))
            await host.get(str(tmp_path / "there"), tmp_path / "back")
            await host.write(str(tmp_path / "written"), NEW)

    asyncio.run(go())
    assert (tmp_path / "back").read_bytes() == (tmp_path / "written").read_bytes() == NEW
    assert parts(tmp_path) == ["back", "source", "there", "written"]


# -- when was it started?

WMIC = "\r\r\n\r\r\nLastBootUpTime={}\r\r\n\r\r\n"
CIM = "20261121163000.500000+000\r\n"


@pytest.mark.parametrize(
    "said", ["20261121163000.500000+000", "20261121173000.500000+060", "20261121113000.500000-300"]
)
def test_the_same_start_has_the_same_id_in_summer_and_in_winter_and_by_either_tool(said: str) -> None:
    asked: Answers = {"wmic os get lastbootuptime /value": WMIC.format(said)}
    new: Answers = {"wmic os get lastbootuptime /value": 1, "script boot-time": CIM}

    ids = [asyncio.run(windows_files.BootId().ask(ScriptedHost(one))) for one in (asked, new)]

    assert ids == ["20261121163000.500000+000"] * 2


def test_a_windows_without_wmic_is_asked_by_it_once() -> None:
    boot = windows_files.BootId()
    host = ScriptedHost({"wmic os get lastbootuptime /value": 1, "script boot-time": CIM})
    for _ in range(2):
        asyncio.run(boot.ask(host))

    assert host.commands == ["wmic os get lastbootuptime /value", "script boot-time", "script boot-time"]


def test_a_windows_that_does_not_say_is_an_error() -> None:
    host = ScriptedHost({"wmic os get lastbootuptime /value": 1, "script boot-time": 1})
    with pytest.raises(HostError, match="does not say when it was started"):
        asyncio.run(windows_files.BootId().ask(host))
