"""An argv reaches a Windows program as it was meant, whatever stands in it, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support import windows_shell

from handrail.errors import BadInput
from handrail.hosts import powershell, windows_line

VARIABLES = {"PATH": "C:\\evil & del", "A": "expanded", "OS": "Windows_NT", " A": "blank"}

said = st.one_of(
    st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=("Cs", "Zs", "Cc")), max_size=12),
    st.lists(st.sampled_from([*'a \\"%&|<>^()!,;=', "PATH", "A", "OS", ":~0,1"]), max_size=14).map("".join),
)
arguments = st.lists(said, max_size=4)
programs = st.sampled_from(
    ["msiexec", "C:\\Program Files\\A & B\\setup.exe", "\\\\server\\a share\\x (1).exe", "sc.exe", ".\\it's.exe"]
)


@given(programs, arguments)
@example("msiexec", ["INSTALLDIR=C:\\a b\\"])
@example("msiexec", ['a\\"b', "\\\\", 'x="'])
def test_a_program_gets_its_arguments(program: str, rest: list[str]) -> None:
    line = windows_line.for_process((program, *rest))

    assert windows_shell.argv(line) == [program, *rest]
    assert windows_shell.argv(line, old=True) == [program, *rest]


@given(programs, arguments)
@example("msiexec", ["%PATH%", "%PATH:~0,1%", '"%A%"', "a%", "A%", "100%"])
@example("msiexec", ['" & del * & "', "^", '^^"', "|", "!A!"])
def test_cmd_hands_a_program_its_arguments_and_acts_upon_none(program: str, rest: list[str]) -> None:
    line = windows_line.for_cmd((program, *rest))

    for heard in (windows_shell.after_c(line), windows_shell.after_c(f'"{line}"')):
        read = windows_shell.read(heard, VARIABLES)
        assert read.signs == ()
        assert windows_shell.argv(read.commands[0]) == [program, *rest]
        assert windows_shell.first_word(read.commands[0]) == program


@given(st.sampled_from(["mkdir", "del", "copy"]), st.lists(said.filter(lambda one: '"' not in one and one), max_size=4))
def test_a_command_of_cmd_itself_gets_its_words(name: str, rest: list[str]) -> None:
    line = windows_line.for_cmd(("cmd", "/c", name, *rest, "end"))

    read = windows_shell.read(windows_shell.after_c(line), VARIABLES)
    assert read.signs == ()
    assert windows_shell.words(read.commands[0]) == [name, *rest, "end"]


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (("cmd", "/c", "mkdir", "C:\\a b"), 'mkdir "C:\\a b"'),
        (("cmd.exe", "/d", "/c", "del", "/q", "C:\\a\\b"), "del /q C:\\a\\b"),
        (("cmd", "/c", "if", "exist", "C:\\a b", "C:\\c d\\e.exe", "/q"), 'if exist "C:\\a b" C:\\"c d\\e.exe" /q'),
        (("cmd", "/c", "if", "not", "exist", "x", "sc", "stop", "a b"), 'if not exist x sc stop "a b"'),
        (("cmd", "/c", "type a & type b"), "type a & type b"),
        (("cmd", "/c", '"C:\\a b\\c.exe" /x'), '@"C:\\a b\\c.exe" /x'),
        (("msiexec", "/i", "C:\\a b.msi", "DIR=C:\\x y", "/qn"), 'msiexec /i "C:\\a b.msi" DIR="C:\\x y" /qn'),
        (("sc", "query", "a&b"), 'sc query "a&b"'),
        (("cmd",), "cmd"),
    ],
)
def test_lines_are_as_a_person_would_write_them(argv: tuple[str, ...], line: str) -> None:
    assert windows_line.for_cmd(argv) == line


@pytest.mark.parametrize("name", sorted(powershell.SCRIPTS))
def test_every_reviewed_script_comes_through_cmd(name: str) -> None:
    command = powershell.command(name, "C:\\it's 100%", "a b")

    read = windows_shell.read(windows_line.for_cmd(command.argv), VARIABLES)

    assert windows_shell.argv(read.commands[0]) == list(command.argv)


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("",),
        ("a", "b\nc"),
        ("a", "b\0"),
        ('a"b',),
        ("%PATH%\\a.exe",),
        ("cmd", "/c", "mkdir", 'a"b'),
        ("cmd", "/c", "if", "1==1", "x", "y"),
        ("C:\\a.cmd", "50%"),
        ("C:\\a.cmd", 'x"'),
        ("a", "x" * 9000),
    ],
)
def test_what_cannot_be_said_to_cmd_is_refused(argv: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        windows_line.for_cmd(argv)
