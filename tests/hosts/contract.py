"""What every host promises, said once. `RULES` are tried on each kind of host by its own tests.

A rule gets the host, a folder on it that is empty, and how its console is spoken to (`Console`). Where a rule holds on
one kind of system only, it stands in `POSIX`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from handrail.errors import FileMissing, HostError
from handrail.hosts.protocol import Command, Exited, Host, Outcome, TimedOut

SECRET = "planted-Secret-4711"
ODD = bytes(range(256)) * 40
"""Every byte, and no text in any encoding."""


class Console(Protocol):
    """How the commands of the rules are said on one kind of system."""

    def join(self, folder: str, name: str) -> str: ...

    def print_both(self, out: str, err: str, code: int) -> tuple[str, ...]: ...

    def echo_input(self) -> tuple[str, ...]: ...

    def flood(self, size: int) -> tuple[str, ...]: ...

    def wait(self, seconds: int) -> tuple[str, ...]: ...

    def variable(self, name: str) -> tuple[str, ...]: ...

    def where(self) -> tuple[str, ...]: ...

    def append(self, path: str) -> tuple[str, ...]: ...


class Posix:
    """sh, and the usual tools."""

    def join(self, folder: str, name: str) -> str:
        return f"{folder}/{name}"

    def print_both(self, out: str, err: str, code: int) -> tuple[str, ...]:
        return ("sh", "-c", f"printf %s {out}; printf %s {err} >&2; exit {code}")

    def echo_input(self) -> tuple[str, ...]:
        return ("cat",)

    def flood(self, size: int) -> tuple[str, ...]:
        return ("sh", "-c", f"head -c {size} /dev/zero; printf end")

    def wait(self, seconds: int) -> tuple[str, ...]:
        return ("sleep", str(seconds))

    def variable(self, name: str) -> tuple[str, ...]:
        return ("sh", "-c", f'printf %s "${name}"')

    def where(self) -> tuple[str, ...]:
        return ("sh", "-c", 'printf %s "$PWD"')

    def append(self, path: str) -> tuple[str, ...]:
        return ("sh", "-c", 'echo x >> "$1"', "append", path)


@dataclass(frozen=True)
class Where:
    """The folder, as the host knows it and, where the host is this very machine, as we do."""

    folder: str
    console: Console
    here: Path | None = None

    def path(self, name: str) -> str:
        return self.console.join(self.folder, name)


Rule = Callable[[Host, Where], Awaitable[None]]


def exited(outcome: Outcome) -> Exited:
    assert isinstance(outcome, Exited), outcome
    return outcome


async def ask(host: Host, *argv: str, stdin: bytes = b"", cwd: str | None = None) -> Exited:
    return exited(await host.execute(Command(argv, stdin, cwd=cwd, timeout=30.0)))


# -- commands, on any system --------------------------------------------------------------------------------------


async def a_command_answers_with_code_output_and_errors(host: Host, where: Where) -> None:
    assert await ask(host, *where.console.print_both("one", "two", 7)) == Exited(7, b"one", b"two")


async def input_reaches_the_command_and_ends(host: Host, where: Where) -> None:
    for data in (b"line\nand no end", b"x" * 300_000):
        assert (await ask(host, *where.console.echo_input(), stdin=data)).out == data


async def a_working_folder_is_kept_to_and_a_missing_one_is_named(host: Host, where: Where) -> None:
    assert (await ask(host, *where.console.where(), cwd=where.folder)).text.strip() == where.folder
    with pytest.raises(FileMissing, match="gone"):
        await ask(host, *where.console.where(), cwd=where.path("gone"))


async def a_variable_arrives_and_leaves_no_trace(host: Host, where: Where) -> None:
    value = 'it\'s "quoted" $HOME `id` & more'
    command = Command(where.console.variable("RULE"), env={"RULE": value}, timeout=30)

    assert exited(await host.execute(command)).out == value.encode()
    assert (await ask(host, *where.console.variable("RULE"))).out.strip() in (b"", b"%RULE%")


async def a_command_that_hangs_is_ended_in_time(host: Host, where: Where) -> None:
    begun = time.monotonic()
    outcome = await host.execute(Command(where.console.wait(600), timeout=0.5))

    assert outcome == TimedOut(0.5)
    assert time.monotonic() - begun < 15
    assert (await ask(host, *where.console.print_both("on", "", 0))).out == b"on"


async def of_too_much_output_the_end_is_kept_and_the_rest_counted(host: Host, where: Where) -> None:
    outcome = exited(await host.execute(Command(where.console.flood(300_000), timeout=60, most=1000)))

    assert (len(outcome.out), outcome.out[-3:], outcome.cut) == (1000, b"end", 299_003)


async def many_commands_at_once_all_answer(host: Host, where: Where) -> None:
    argvs = [where.console.print_both(f"n{number}", "", number % 5) for number in range(20)]
    answers = await asyncio.gather(*(ask(host, *argv) for argv in argvs))

    assert [(one.code, one.text) for one in answers] == [(number % 5, f"n{number}") for number in range(20)]


async def the_boot_is_the_same_until_it_is_another(host: Host, where: Where) -> None:
    assert await host.boot_id() == await host.boot_id() != ""


# -- files, on any system -----------------------------------------------------------------------------------------


async def what_was_written_is_read_back(host: Host, where: Where) -> None:
    path = where.path("file with a blank, ü and 'quotes'")
    for data in (ODD, b"", b"shorter"):
        await host.write(path, data)
        assert await host.read(path) == data


async def put_and_get_carry_a_file_over(host: Host, where: Where, tmp: Path) -> None:
    (tmp / "a").write_bytes(ODD * 100)
    await host.put(tmp / "a", where.path("b"))
    await host.get(where.path("b"), tmp / "c")

    assert (tmp / "c").read_bytes() == ODD * 100


async def a_missing_file_is_told_from_one_that_cannot_be_read(host: Host, where: Where, tmp: Path) -> None:
    with pytest.raises(FileMissing, match="none is not there"):
        await host.read(where.path("none"))
    with pytest.raises(FileMissing, match="none is not there"):
        await host.get(where.path("none"), tmp / "never")
    with pytest.raises(HostError, match="could not be read") as caught:
        await host.read(where.folder)
    assert not isinstance(caught.value, FileMissing)
    assert not (tmp / "never").exists()


# -- what only POSIX systems promise ------------------------------------------------------------------------------


async def every_byte_arrives_as_input_output_and_argument(host: Host, where: Where) -> None:
    assert (await ask(host, "cat", stdin=ODD)).out == ODD
    odd = bytes(range(1, 256)).decode("utf-8", "surrogateescape") + "\n\n'\"$`\\ end\n"
    for argument in (odd, odd * 20, ""):
        assert (await ask(host, "printf", "%s|", argument)).out == os.fsencode(argument) + b"|"


async def a_program_that_is_not_there_is_127_as_in_a_shell(host: Host, where: Where) -> None:
    answer = await ask(host, "no-such-program-here")

    assert (answer.code, answer.error_text.strip()) == (127, "no-such-program-here: not found")


async def a_command_killed_by_a_signal_never_looks_like_success(host: Host, where: Where) -> None:
    assert await ask(host, "sh", "-c", "kill -9 $$") == Exited(137)


async def a_time_out_ends_the_children_too(host: Host, where: Where) -> None:
    child = where.path("child")
    script = f"sleep 600 & echo $! > '{child}'; trap '' TERM; wait; sleep 600"
    assert isinstance(await host.execute(Command(("sh", "-c", script), timeout=0.5)), TimedOut)
    number = (await host.read(child)).decode().strip()

    assert (await ask(host, "sh", "-c", f"! [ -e /proc/{number} ] || grep -q ') Z' /proc/{number}/stat")).code == 0


async def a_command_that_is_called_off_is_ended(host: Host, where: Where) -> None:
    mark = where.path("mark")
    script = f"echo $$ > '{mark}'; sleep 600"
    task = asyncio.create_task(host.execute(Command(("sh", "-c", script), timeout=600)))
    for _ in range(200):
        if (await ask(host, "test", "-s", mark)).code == 0:
            break
        await asyncio.sleep(0.02)
    number = (await host.read(mark)).decode().strip()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await ask(host, "sh", "-c", f"! [ -e /proc/{number} ] || grep -q ') Z' /proc/{number}/stat")).code == 0


async def input_that_nobody_reads_does_nothing(host: Host, where: Where) -> None:
    """Above all it is not run by a shell in between."""
    trap = f"echo caught > '{where.path('trap')}'\n".encode()
    for data in (trap, trap * 3000):
        assert await ask(host, "true", stdin=data) == Exited(0)
    await ask(host, "true")

    with pytest.raises(FileMissing):
        await host.read(where.path("trap"))


async def a_command_ends_when_its_output_does(host: Host, where: Where) -> None:
    """What a command leaves running and prints later belongs to it, never to the next one."""
    assert (await ask(host, "sh", "-c", "(sleep 0.4; echo late) & echo now")).out == b"now\nlate\n"
    assert (await ask(host, "sh", "-c", "setsid sh -c 'sleep 0.4; echo far' & echo now")).out == b"now\nfar\n"
    begun = time.monotonic()
    assert (await ask(host, "sh", "-c", "sleep 5 > /dev/null 2>&1 & echo now")).out == b"now\n"
    assert time.monotonic() - begun < 4


async def our_own_environment_does_not_leak_into_steps(host: Host, where: Where) -> None:
    names = {line.partition("=")[0] for line in (await ask(host, "env")).text.splitlines()}

    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL"}
    assert (await ask(host, *where.console.where())).text == "/"


async def secrets_do_not_show_in_process_lists(host: Host, where: Where) -> None:
    command = Command(
        ("sh", "-c", "cat > /dev/null; cat /proc/[0-9]*/cmdline | tr '\\0' ' '"),
        stdin=SECRET.encode(),
        env={"RULE": SECRET},
        secrets=(SECRET,),
        timeout=30,
    )
    seen = exited(await host.execute(command)).text

    assert "cmdline" in seen and SECRET not in seen


async def a_new_file_is_private_and_a_replaced_one_keeps_its_mode(host: Host, where: Where) -> None:
    new, old = where.path("new"), where.path("old")
    await ask(host, "sh", "-c", 'echo x > "$1"; chmod 640 "$1"', "make", old)
    await host.write(new, b"y")
    await host.write(old, b"y")

    assert (await ask(host, "stat", "-c", "%a", new, old)).text.split() == ["600", "640"]
    assert (await ask(host, "ls", where.folder)).text.split() == ["new", "old"]


async def a_file_that_cannot_be_written_is_one_clear_sentence(host: Host, where: Where) -> None:
    with pytest.raises(HostError, match=r"gone/file could not be written.*: No such file or directory\."):
        await host.write(where.path("gone") + "/file", b"")


WITH_OUR_FOLDER = (put_and_get_carry_a_file_over, a_missing_file_is_told_from_one_that_cannot_be_read)
"""Rules that need a folder of ours besides."""

RULES: tuple[Callable[..., Awaitable[None]], ...] = (
    a_command_answers_with_code_output_and_errors,
    input_reaches_the_command_and_ends,
    a_working_folder_is_kept_to_and_a_missing_one_is_named,
    a_variable_arrives_and_leaves_no_trace,
    a_command_that_hangs_is_ended_in_time,
    of_too_much_output_the_end_is_kept_and_the_rest_counted,
    many_commands_at_once_all_answer,
    the_boot_is_the_same_until_it_is_another,
    what_was_written_is_read_back,
    *WITH_OUR_FOLDER,
)

POSIX: tuple[Callable[..., Awaitable[None]], ...] = (
    every_byte_arrives_as_input_output_and_argument,
    a_program_that_is_not_there_is_127_as_in_a_shell,
    a_command_killed_by_a_signal_never_looks_like_success,
    a_time_out_ends_the_children_too,
    a_command_that_is_called_off_is_ended,
    input_that_nobody_reads_does_nothing,
    a_command_ends_when_its_output_does,
    our_own_environment_does_not_leak_into_steps,
    secrets_do_not_show_in_process_lists,
    a_new_file_is_private_and_a_replaced_one_keeps_its_mode,
    a_file_that_cannot_be_written_is_one_clear_sentence,
)


async def keep(rule: Callable[..., Awaitable[None]], host: Host, where: Where, ours: Path) -> None:
    """Try one rule, and close the host."""
    try:
        await (rule(host, where, ours) if rule in WITH_OUR_FOLDER else rule(host, where))
    finally:
        await host.close()
