"""What may stand next on a command line: commands, options, and the runs, steps, plans and guides that there are.

Asked at every press of the Tab key: it reads the signatures of the commands, and of files and stores only what it
needs, without loading anything that does work. Whatever cannot be read offers nothing.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple

from handrail.cli.app import COMMANDS, Command, Family, name_of
from handrail.running.home import Home

FILES, FOLDERS = "!files", "!folders"
"""Ask the shell to offer its own files, or folders."""

MOST = 2_000
"""So many runs or steps are offered at most."""

LARGEST = 30_000_000
"""A plan of more bytes is not read for its steps."""

PLAN_BEGINS = re.compile(rb'"schema": ?"handrail/plan/')


class Offer(NamedTuple):
    """What may stand there, and what it is."""

    text: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One option or argument as the command's signature declares it. An argument has no `names`."""

    name: str
    names: tuple[str, ...]
    metavar: str
    says: str
    choices: tuple[str, ...]
    takes_value: bool
    repeats: bool


def complete(words: Sequence[str], environment: Mapping[str, str]) -> list[Offer]:
    """What may take the place of the last of `words`, a command line that begins with `handrail`; it may be empty."""
    *before, current = list(words[1:]) or [""]
    command: Command | None = None
    level: dict[str, Command | Family] = {name_of(one): one for _, members in COMMANDS for one in members}
    while before and command is None:
        found = level.get(before[0])
        if found is None:
            return []
        before = before[1:]
        if isinstance(found, Family):
            level = {name_of(one).removeprefix(found.name + "-"): one for one in found.commands}
        else:
            command = found
    if command is None:
        options = [Offer("--help", "Show this message and exit.")]
        commands = [Offer(name, _first_sentence(one)) for name, one in level.items()]
        return _beginning(current, options if current.startswith("-") else commands)
    return _within(parameters_of(command), before, current, environment)


def parameters_of(command: Command) -> list[Parameter]:
    """The parameters of a command, in the order of its signature."""
    found = []
    for name, hint in typing.get_type_hints(command, include_extras=True).items():
        info = next(iter(getattr(hint, "__metadata__", ())), None)
        if info is None or getattr(info, "hidden", False):
            continue
        inner, repeats = _inner(typing.get_args(hint)[0])
        declared = (info.default, *(info.param_decls or ()))  # within Annotated, the first name stands as the default
        names = tuple(one for one in declared if isinstance(one, str) and one.startswith("-"))
        choices = tuple(map(str, typing.get_args(inner))) if typing.get_origin(inner) is Literal else ()
        flag = inner is bool
        says = " ".join((info.help or "").split())
        found.append(Parameter(name, names, info.metavar or "", says, choices, not flag, repeats))
    return found


def _inner(hint: Any) -> tuple[Any, bool]:
    """The type without None, and of a list its members' type."""
    given = [one for one in typing.get_args(hint) if one is not NoneType]
    if given and NoneType in typing.get_args(hint):
        hint = given[0]
    return (typing.get_args(hint)[0], True) if typing.get_origin(hint) is list else (hint, False)


def _within(
    parameters: list[Parameter], before: Sequence[str], current: str, environment: Mapping[str, str]
) -> list[Offer]:
    options = {name: one for one in parameters for name in one.names}
    arguments = [one for one in parameters if not one.names]
    given: dict[str, list[str]] = {}
    expects: Parameter | None = None
    only_arguments = False
    for word in before:
        if expects is not None:
            given.setdefault(expects.name, []).append(word)
            expects = None
        elif word == "--" and not only_arguments:
            only_arguments = True
        elif word.startswith("-") and word != "-" and not only_arguments:
            name, equals, value = word.partition("=")
            one = options.get(name)
            if one is not None and equals:
                given.setdefault(one.name, []).append(value)
            elif one is not None and one.takes_value:
                expects = one
            elif one is not None:
                given.setdefault(one.name, []).append("yes")
        else:
            place = _argument(arguments, given)
            if place is not None:
                given.setdefault(place.name, []).append(word)
    if expects is not None:
        return _beginning(current, _values(Asked(expects, current, given, environment)))
    if current.startswith("-") and not only_arguments:
        name, equals, value = current.partition("=")
        one = options.get(name)
        if equals and one is not None and one.takes_value:
            found = _values(Asked(one, value, given, environment))
            return [
                Offer(f"{name}={offer.text}", offer.says) for offer in _beginning(value, found) if offer.text[:1] != "!"
            ]
        free = (one for one in parameters if one.names and (one.repeats or one.name not in given))
        listed = [Offer(one.names[0], one.says) for one in free]
        return _beginning(current, [*listed, Offer("--help", "Show this message and exit.")])
    place = _argument(arguments, given)
    return _beginning(current, _values(Asked(place, current, given, environment))) if place is not None else []


def _argument(arguments: list[Parameter], given: Mapping[str, list[str]]) -> Parameter | None:
    return next((one for one in arguments if one.repeats or one.name not in given), None)


def _beginning(current: str, offers: Iterable[Offer]) -> list[Offer]:
    """Those that begin with what is there; what the shell is asked for, it filters itself."""
    return [one for one in offers if one.text.startswith(current) or one.text in (FILES, FOLDERS)]


def _first_sentence(one: Command | Family) -> str:
    says = one.says if isinstance(one, Family) else (one.__doc__ or "")
    return says.strip().partition("\n")[0]


# -- values -------------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """Which parameter's value is asked for, what of it is there, and what the line has given so far, by parameter."""

    one: Parameter
    current: str
    given: Mapping[str, list[str]]
    environment: Mapping[str, str]


def _values(asked: Asked) -> list[Offer]:
    if asked.one.choices:
        return [Offer(choice) for choice in asked.one.choices]
    maker = _BY_METAVAR.get(asked.one.metavar)
    if maker is None:
        return [Offer(FILES)] if _is_file(asked.one.metavar) else []
    try:
        return list(maker(asked))
    except Exception:  # nothing that stands on a disk may put an error into somebody's command line
        return []


def _is_file(metavar: str) -> bool:
    return any(word in metavar for word in ("FILE", "PLAN", "ESTATE", "GUIDE", "HOSTS", "MAP"))


def _folders(_: Asked) -> Iterator[Offer]:
    yield Offer(FOLDERS)


def _plans(asked: Asked) -> Iterator[Offer]:
    """Plan files, by what they begin with; with them the folders on the way to others. To write one, any file."""
    found = [] if asked.one.names else _beginning(asked.current, _plan_files(asked.current))
    yield from found
    yield Offer(FOLDERS if found else FILES)


def _plan_files(current: str) -> Iterator[Offer]:
    folder, slash, _ = current.rpartition("/")
    for path in sorted(Path(folder + slash or ".").expanduser().iterdir())[:MOST]:
        if not path.is_file() or path.name.startswith("."):
            continue
        with contextlib.suppress(OSError), path.open("rb") as file:
            if PLAN_BEGINS.search(file.read(200)):
                yield Offer(folder + slash + path.name, "a plan")


def _runs(asked: Asked) -> Iterator[Offer]:
    with _store(asked) as store:
        rows = store.execute("SELECT run, estate, target, created FROM runs ORDER BY created DESC LIMIT ?", (MOST,))
        for run, estate, target, created in rows:
            where = "its twin" if target == "twin" else target
            yield Offer(run, f"{estate} on {where}, {created[:16].replace('T', ' ')}")


ASKING = """
    SELECT step, kind FROM (
        SELECT step, kind, max(position) FROM events WHERE run = ? AND step IS NOT NULL GROUP BY step
    ) WHERE kind IN ('asked', 'agreed', 'in-doubt') LIMIT ?
"""


def _steps(asked: Asked) -> Iterator[Offer]:
    """Of a run, the steps that wait for an answer; of a plan, all of them."""
    if "run" in asked.given:
        with _store(asked) as store:
            for step, kind in store.execute(ASKING, (asked.given["run"][0], MOST)):
                yield Offer(step, "in doubt" if kind == "in-doubt" else "waits for an answer")
    elif "plan" in asked.given:
        path = Path(asked.given["plan"][0]).expanduser()
        if path.stat().st_size <= LARGEST:
            for step in json.loads(path.read_bytes())["steps"][:MOST]:
                yield Offer(str(step["id"]), str(step["title"]))


def _cases(asked: Asked) -> Iterator[Offer]:
    """`STEP:FAULT`: first the step, then what can befall it."""
    step, colon, _ = asked.current.rpartition(":")
    if colon:
        from handrail.rehearsing.faults import FAULTS

        yield from (Offer(f"{step}:{fault.name}", fault.says) for fault in FAULTS.values())
    else:
        yield from (Offer(offer.text + ":", offer.says) for offer in _steps(asked))


def _faults(asked: Asked) -> Iterator[Offer]:
    from handrail.rehearsing.faults import FAULTS

    before, comma, _ = asked.current.rpartition(",")
    if not comma:
        yield Offer("all", "every fault")
        yield Offer("none", "no fault: only whether it comes to its end and back")
    named = before.split(",")
    yield from (Offer(before + comma + one.name, one.says) for one in FAULTS.values() if one.name not in named)


def _guides() -> list[Path]:
    from handrail.guides.catalogue import SHIPPED

    return sorted(path.parent for path in SHIPPED.glob("*/guide.yaml"))


def _products(_: Asked) -> Iterator[Offer]:
    yield from (Offer(path.name) for path in _guides())


def _guides_or_files(asked: Asked) -> Iterator[Offer]:
    yield from _products(asked)
    yield Offer(FILES)


def _scenarios(asked: Asked) -> Iterator[Offer]:
    """Scenarios of the guides that are named on the line, or of all; after a comma, a further one."""
    before, comma, _ = asked.current.rpartition(",")
    named = asked.given.get("names", [])
    for folder in _guides():
        if not named or folder.name in named:
            for path in sorted((folder / "scenarios").glob("*.yaml")):
                if path.stem not in before.split(","):
                    yield Offer(before + comma + path.stem, folder.name)


_BY_METAVAR: Mapping[str, Callable[[Asked], Iterable[Offer]]] = {
    "RUN": _runs,
    "STEP": _steps,
    "STEP:FAULT": _cases,
    "PLAN": _plans,
    "FOLDER": _folders,
    "URL|FOLDER": _folders,
    "PRODUCT": _products,
    "NAME|FOLDER": _guides_or_files,
    "all|none|NAME,...": _faults,
    "NAME,...": _scenarios,
}


@contextlib.contextmanager
def _store(asked: Asked) -> Iterator[sqlite3.Connection]:
    """The store that the line names, or the home's own, only to be read. A server is not asked: it may be slow."""
    named = asked.given.get("store", [""])[0]
    path = Home.find(asked.environment).store_path
    if named:
        if not named.startswith("sqlite:///"):
            raise FileNotFoundError
        path = Path(named.removeprefix("sqlite:///"))
    url = f"file:{str(path).replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=ro"
    connection = sqlite3.connect(url, uri=True, timeout=0.5)
    try:
        yield connection
    finally:
        connection.close()
