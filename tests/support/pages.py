"""The pages of the documentation: their blocks, and a player that does what a reader would do with them.

What is in a fenced block decides what becomes of it:

  ```console      lines `$ COMMAND`, each followed by what it prints. Played in order, in one folder and with one home
                  of the page's own; compared word for word, `…` standing for anything. A command ends with 0 unless
                  the next one is `echo $?`.
  ```yaml, ...    below a line that is nothing but a file's name in backquotes: written to that file.
  ```diff         below such a line: lines with - and + are changed in that file.
  ```python       played too.

`<!-- not run: REASON -->` on the line above a console or python block says why it is not played. Whatever names a
command of ours, played or not, is held against the table of commands.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.command import handrail

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = DOCS / "reference"
"""Pages in here, but for the index, are made when the site is built."""

ANYTHING = "…"
_FENCE = re.compile(r"^ {0,3}(?P<fence>```+)(?P<language>[^\s`]*)\s*$")
_NOT_RUN = re.compile(r"^<!-- not run: (?P<why>.+) -->$")
_FILE = re.compile(r"^`(?P<name>[\w./-]+)`$")
_PROGRAM = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?handrail(?= )")
_INLINE = re.compile(r"`((?:\.venv/bin/)?handrail [a-z][^`]*)`")
_RUN = re.compile(r"\b[a-z][a-z0-9-]*-\d{8}-\d+-[a-z0-9]{5}\b")
_PASSING = (
    (_RUN, "RUN"),
    (re.compile(r"\bsha256:[0-9a-f]{12,64}\b|\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\b20\d\d-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: UTC|Z|[+-]\d\d:\d\d)?)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"-[0-9a-f]{8}(?=[\\/ ]|$)"), "-HASH"),
    (re.compile(r"(?<=approved by )\w[\w.-]*(?=\.)"), "SOMEBODY"),
)


_NO_COMMAND = "there is no command"
_PLACEHOLDERS = {"N": "1", "S": "1", "SECONDS": "9"}
"""Words that stand for numbers."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. `line` is that of its fence; `above` the last line with words above it."""

    page: Path
    line: int
    language: str
    text: str
    above: str

    @property
    def not_run(self) -> str | None:
        found = _NOT_RUN.match(self.above)
        return found["why"] if found else None

    @property
    def file(self) -> str | None:
        found = _FILE.match(self.above)
        return found["name"] if found else None

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Typed:
    """One command of a console block, and what it prints."""

    command: str
    prints: str


def pages() -> list[Path]:
    """Everything that people read, without what is generated."""
    found = [path for path in sorted(DOCS.rglob("*.md")) if path.parent != GENERATED or path.name == "index.md"]
    return [ROOT / "README.md", *found]


def blocks(page: Path) -> Iterator[Block]:
    lines = iter(enumerate(page.read_text("utf-8").splitlines(), 1))
    above = ""
    for number, line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            above = line.strip() or above
            continue
        inner = []
        for _, one in lines:
            if one.strip() == opening["fence"]:
                break
            inner.append(f"{one}\n")
        text = "".join(inner)
        yield Block(page, number, opening["language"], text, above)
        above = ""


def typed(block: Block) -> list[Typed]:
    """The commands of a console block."""
    found: list[tuple[str, list[str]]] = []
    lines = iter(block.text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).strip()
            found.append((command, []))
        elif found:
            found[-1][1].append(line)
        else:
            raise AssertionError(f"{block.place}: a console block begins with a line `$ COMMAND`")
    return [Typed(command, "\n".join(printed)) for command, printed in found]


def commands_named(page: Path) -> Iterator[tuple[str, str, bool]]:
    """Where on the page a command of ours stands, the command, and whether it is meant to be whole: one in a block is,
    one within a sentence need not be."""
    for block in blocks(page):
        if block.language in ("", "sh", "console", "text", "bash"):
            for offset, line in enumerate(_joined(block.text), 1):
                if _PROGRAM.match(line):
                    yield f"{page.relative_to(ROOT)}:{block.line + offset}", line, True
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for found in _INLINE.finditer(" ".join(prose.split())):
        yield str(page.relative_to(ROOT)), found[1], False


def _joined(text: str) -> list[str]:
    lines = [line.removeprefix("$ ").strip() for line in text.replace("\\\n", " ").splitlines()]
    return [" ".join(line.split()) for line in lines]


def alike(expected: str, actual: str) -> bool:
    """Whether a command printed what stands on the page: word for word, but for what differs from run to run. How lines
    are broken does not count."""
    wanted = [re.escape(word) for word in _steady(expected).split()]
    pattern = r"\s+".join(wanted).replace(re.escape(ANYTHING), ".*?")
    # A line that is nothing but an ellipsis may stand for no line at all.
    pattern = pattern.replace(r"\s+.*?\s+", r"\s+(?:.*?\s+)??").replace(r"\s+.*?", r".*?")
    return re.fullmatch(pattern, " ".join(_steady(actual).split()), re.DOTALL) is not None


def _steady(text: str) -> str:
    for pattern, word in _PASSING:
        text = pattern.sub(word, text)
    return text


@dataclass
class Player:
    """Somebody who follows a page, in `folder`. `ids`: runs as the page calls them -> as they are called here."""

    folder: Path
    home: Path
    ids: dict[str, str] = field(default_factory=dict)
    code: int = 0

    def play(self, page: Path) -> int:
        """Follow the whole page. Returns how many blocks were played."""
        played = 0
        for block in blocks(page):
            if block.file and block.language == "diff":
                self.change(block)
            elif block.file and block.language:
                self.write(block)
            elif block.language == "console" and block.not_run is None:
                self.type(block)
                played += 1
            elif block.language == "python" and block.not_run is None:
                self.execute(block)
                played += 1
        return played

    def write(self, block: Block) -> None:
        path = self.folder / str(block.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")

    def change(self, block: Block) -> None:
        path = self.folder / str(block.file)
        lines = block.text.splitlines()
        old = "".join(f"{line[1:]}\n" for line in lines if line[:1] in (" ", "-"))
        new = "".join(f"{line[1:]}\n" for line in lines if line[:1] in (" ", "+"))
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{block.place}: {block.file} does not hold, once:\n{old}"
        path.write_text(text.replace(old, new), "utf-8")

    def type(self, block: Block) -> None:
        commands = typed(block)
        if any("&" in one.command for one in commands):
            said = self._in_shell("\n".join(self._here(one.command) for one in commands))
            self._compare(block, Typed(commands[-1].command, "\n".join(one.prints for one in commands).strip()), said)
            return
        for one, following in itertools.zip_longest(commands, commands[1:]):
            said = self._say(self._here(one.command))
            self._compare(block, one, said)
            asked = following is not None and following.command == "echo $?"
            assert asked or self.code == 0, f"{block.place}: `{one.command}` ended with {self.code}:\n{said}"

    def execute(self, block: Block) -> None:
        done = subprocess.run(
            [sys.executable, "-c", block.text], cwd=self.folder, env=self._environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{block.place}: {done.stdout}{done.stderr}"

    def _say(self, command: str) -> str:
        if command == "echo $?":
            said, self.code = str(self.code), 0
            return said
        words = command.split(" > ")
        if not command.startswith("handrail ") or set(words[0]) & set("|;<>$`"):
            return self._in_shell(command)
        with _standing_in(self.folder):
            answer = handrail(*shlex.split(words[0])[1:], home=self.home)
        self.code = answer.code
        if len(words) == 1:
            return answer.out + answer.err
        (self.folder / words[1].strip()).write_text(answer.out, "utf-8")
        return answer.err

    def _in_shell(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        self.code = done.returncode
        return done.stdout.decode("utf-8", "replace")

    def _environment(self) -> dict[str, str]:
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": programs, "HANDRAIL_HOME": str(self.home)}

    def _here(self, command: str) -> str:
        return _RUN.sub(lambda found: self.ids.get(found[0], found[0]), command)

    def _compare(self, block: Block, one: Typed, said: str) -> None:
        told, here = (list(dict.fromkeys(_RUN.findall(text))) for text in (one.prints, said))
        self.ids |= dict(zip((name for name in told if name not in self.ids), _new(here, self.ids), strict=False))
        assert alike(one.prints, said), (
            f"{block.place}: `{one.command}` does not print what the page says. It prints:\n{said}"
        )


def _new(names: list[str], known: dict[str, str]) -> list[str]:
    return [name for name in names if name not in known.values()]


class _standing_in:
    """The process in another folder, for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = Path.cwd()

    def __enter__(self) -> None:
        os.chdir(self.folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self.before)


def misspelt(line: str, whole: bool = True) -> str | None:
    """What the table of commands has against a line such as `handrail plan ESTATE [-o PLAN]`; None when it is right.
    Words in capitals stand for values, brackets for what may be left out, `a|b` for a choice, of which one has to fit.
    One that is not `whole` may lack arguments."""
    from handrail.cli.app import command

    line = _PROGRAM.sub("", line.split(" > ")[0].split(" | ")[0]).strip()
    try:
        words = shlex.split(line.replace("[", " ").replace("]", " "), comments=True)
    except ValueError as broken:
        return str(broken)
    words = [word for word in words if word not in ("…", "...", "&")]
    if not words or words[0].isupper() or "--help" in words:
        return None
    table = command()
    choices = [word.split("|") if re.fullmatch(r"[\w-]+(\|[\w-]+)+", word) else [word] for word in words]
    spellings = list(itertools.islice(itertools.product(*choices), 20))
    refused = [_refused(table, [_PLACEHOLDERS.get(word, word) for word in spelt]) for spelt in spellings]
    unknown = next((said for said in refused if said and said.startswith(_NO_COMMAND)), None)
    if unknown or None in refused:
        return unknown
    lacking = all(said and said.startswith("Missing argument") for said in refused)
    return None if lacking and (len(spellings) > 1 or not whole) else refused[0]


def _refused(whole: Any, words: list[str]) -> str | None:
    node, rest = whole, list(words)
    while hasattr(node, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in node.commands:
            return f"{_NO_COMMAND} {name!r}"
        node = node.commands[name]
    if hasattr(node, "commands"):
        return None
    try:
        node.make_context(node.name, rest)
    except Exception as error:
        said = getattr(error, "format_message", None)
        if not callable(said):
            raise
        return str(said())
    return None
