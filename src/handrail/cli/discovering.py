"""`discover`: from hosts to an estate file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.cli import options
from handrail.cli.output import Output
from handrail.cli.secrecy import secret_store
from handrail.documents.estate import LAST_PORT, EstateDocument, estate_document, read_estate, read_hosts
from handrail.documents.files import read_bytes, refuse_unwritable, write_bytes
from handrail.documents.tree import parse
from handrail.errors import BadDocument, BadInput, HandrailError, HostUnreachable, Place
from handrail.guides.catalogue import Catalogue, load
from handrail.guides.facts import check_estate
from handrail.hosts.protocol import Host as Opened
from handrail.model.estate import Connect, Estate, Host, Via
from handrail.probing import sweep
from handrail.probing.drafting import Draft, draft
from handrail.probing.estate_file import comment_of, grouped, written
from handrail.probing.merging import Kept, merge
from handrail.probing.readings import utc_now
from handrail.probing.sweep import HostSheet, Left, Open
from handrail.reporting import text as rendering
from handrail.reporting import words

FAILED = 1
SCHEMA = "handrail/discovery/v1"
WHAT = "The estate file"
_NAME = re.compile(
    r"(?:(?P<name>[^=@:\s]+)=)?(?:(?P<user>[^@\s]+)@)?(?P<address>\[[0-9A-Fa-f:.]+\]|[^:\s]+)(?::(?P<port>[0-9]{1,9}))?\Z"
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be read, and what is known of it already. `text`: of the estate file that is brought up to date."""

    name: str
    hosts: Mapping[str, Host]
    known: Estate | None = None
    text: str | None = None


def discover(
    output: Output,
    hosts: Sequence[str],
    target: str | None,
    update: bool,
    twin: bool,
    via: Via,
    guides: Sequence[str],
    format: str,
) -> int:
    if target is not None and Path(target).exists() and not update:
        raise BadInput(
            "This file is there already.", "Bring it up to date with --update, or name another.", Place(target)
        )
    if update and target is None:
        raise BadInput("--update needs the file that is brought up to date.", "Name it with -o ESTATE.")
    if format == "json" and target is None:
        raise BadInput("--format json tells what was read; the estate itself needs a file.", "Name one with -o ESTATE.")
    catalogue = load(options.folders(guides))
    asked = _asked(hosts, target, update, via, catalogue)
    if target is not None:
        refuse_unwritable(target, WHAT)
    progress = _Progress(output, len(asked.hosts), aside=target is None or format == "json")
    at = utc_now()
    found, left = asyncio.run(
        sweep.sweep(
            list(asked.hosts),
            _on_twin(hosts, catalogue) if twin else _for_real(asked, output),
            sweep.wanted(catalogue),
            told=progress.told,
            estate=asked.known,
        )
    )
    progress.done()
    for one in left:
        output.complain(rendering.harmless(f"handrail: {one.name} was left out: {one.because}"))
    if not found:
        raise HostUnreachable("No host could be read, so nothing was written.", "See above for each of them.")
    made = draft(asked.name, found, catalogue, {} if twin else _told(asked, "connect"), asked.known, _labelled(asked))
    kept: tuple[Kept, ...] = ()
    if asked.text is None:
        text = written(made, left, catalogue, at)
    else:
        merged = merge(asked.text, made)
        text, kept = merged.text, merged.kept
    _must_be_read(text, made, catalogue)
    if target is None:
        output.lines(text.splitlines())
    else:
        write_bytes(target, output.redact(text).encode(), WHAT)
    if format == "json":
        output.json(_document(target, found, left, made, kept))
    else:
        _tell(output, target, found, left, made, kept)
    return FAILED if left else 0


# -- what is to be read -------------------------------------------------------------------------------------------


def _asked(hosts: Sequence[str], target: str | None, update: bool, via: Via, catalogue: Catalogue) -> _Asked:
    known: Estate | None = None
    text: str | None = None
    found: dict[str, Host] = {}
    name = Path(target).stem if target is not None else "estate"
    if update and target is not None and Path(target).exists():
        given, found_there, tree = read_hosts(target)
        name, found, text = given or name, dict(found_there), tree.text
        if isinstance(tree.data, dict) and tree.data.get("deployments"):
            known = check_estate(read_estate(target, whole=False), catalogue)
        if not isinstance(tree.data, dict) or "handrail" not in tree.data or "name" not in tree.data:
            raise BadInput("This is no estate file.", "Begin it with `handrail: estate/v1` and `name:`.", Place(target))
    more: dict[str, Host] = {}
    for word in hosts:
        if Path(word).is_file():
            given, listed = _file(word, via)
            name = given or name if text is None else name
        else:
            listed = {(one := _host(word, via, None)).name: one}
        for id, host in listed.items():
            if id in more:
                raise BadInput(f"The host {id!r} is named twice.", "Name it once.")
            more[id] = host
    found |= {id: host for id, host in more.items() if id not in found or found[id].connect is None}
    if not found:
        raise BadInput("No host is named.", "Name hosts, or a file that lists them: handrail discover HOSTS -o ESTATE.")
    # With an estate at hand, only the named hosts are read; all of them when none is named.
    wanted = {id: found[id] for id in more} if more and text is not None else found
    return _Asked(name, wanted, known, text)


def _file(path: str, via: Via) -> tuple[str | None, Mapping[str, Host]]:
    """An estate file, which may hold nothing but hosts; or a plain list, one host on each line."""
    lines = read_bytes(path, "The list of hosts", 4 * 1024 * 1024).decode("utf-8", "replace").splitlines()
    words = [line.partition("#")[0].strip() for line in lines]
    if any(re.match(r"(handrail|hosts)\s*:|\{", line) for line in words):  # in YAML or in JSON
        name, hosts, _ = read_hosts(path)
        return name, hosts
    found: dict[str, Host] = {}
    for number, line in enumerate(words, start=1):
        if line:
            name, _, where = line.partition(" ")
            one = _host(f"{name}={where.strip()}" if where.strip() else name, via, Place(path, number))
            if one.name in found:
                raise BadInput(
                    f"The host {one.name!r} stands here a second time.", "List it once.", Place(path, number)
                )
            found[one.name] = one
    return None, found


def _host(word: str, via: Via, place: Place | None) -> Host:
    """NAME, or NAME=[USER@]ADDRESS[:PORT]; without a name the first part of the address is one."""
    told = _NAME.match(word)
    if told is None or "/" in (told["name"] or told["address"]):
        advice = "Write NAME, [USER@]ADDRESS[:PORT] or NAME=[USER@]ADDRESS[:PORT]; or check the path of the list."
        raise BadInput(f"{word!r} names no host, and there is no such file.", advice, place)
    address = told["address"].strip("[]")
    is_number = re.fullmatch(r"[0-9.]+|.*:.*", address) is not None
    name = told["name"] or (address if is_number else address.partition(".")[0])
    if via == "local":
        return Host(name, connect=Connect("local", user=told["user"]))
    port = int(told["port"]) if told["port"] else None
    if port is not None and not 1 <= port <= LAST_PORT:
        raise BadInput(f"{word!r} has no such port.", f"Ports go from 1 to {LAST_PORT}.", place)
    return Host(name, connect=Connect(via, address=address, port=port, user=told["user"]))


def _told(asked: _Asked, key: str) -> Mapping[str, Any]:
    """What the list of hosts says of each under this key, in the spelling of estate files."""
    from handrail.documents.estate import estate_to_json

    entries = estate_to_json(Estate(asked.name, hosts=asked.hosts)).get("hosts", {})
    return {name: entry[key] for name, entry in entries.items() if key in entry}


def _labelled(asked: _Asked) -> Mapping[str, Mapping[str, Any]]:
    """What people alone can say of hosts that are not in the estate yet: no probe reads it."""
    known = asked.known.hosts if asked.known else {}
    by_key = {key: _told(asked, key) for key in ("labels", "zone")}
    return {
        name: {key: told[name] for key, told in by_key.items() if name in told}
        for name in asked.hosts
        if name not in known
    }


def _for_real(asked: _Asked, output: Output) -> Open:
    store = secret_store(output)
    everybody = {**(asked.known.hosts if asked.known else {}), **asked.hosts}

    async def open_(name: str) -> Opened:
        return await sweep.open_unknown(name, everybody, store.resolve)

    return open_


def _on_twin(hosts: Sequence[str], catalogue: Catalogue) -> Open:
    """The hosts of the twin of an estate: what is read there is what the estate states, as far as the twin knows it."""
    from handrail.twin.declarations import read_declarations
    from handrail.twin.raising import raise_in_memory

    if len(hosts) != 1 or not Path(hosts[0]).is_file():
        raise BadInput("--twin needs one estate file.", "Write handrail discover ESTATE --twin -o OTHER.")
    estate = check_estate(read_estate(hosts[0]), catalogue)
    products = {name: one.twin_path for name, one in catalogue.guides.items() if one.twin_path is not None}
    twin = raise_in_memory(estate, read_declarations(products))

    async def open_(name: str) -> Opened:
        return twin.host(name)

    return open_


# -- what is told -------------------------------------------------------------------------------------------------


class _Progress:
    def __init__(self, output: Output, count: int, aside: bool) -> None:
        self.output = output
        self.count = count
        self.seen = 0
        self.aside = aside

    def told(self, name: str) -> None:
        self.seen += 1
        if self.count > 1 and not self.aside:
            self.output.line(rendering.harmless(f"{self.seen} of {self.count}: {name}"))
            self.output.flush()

    def done(self) -> None:
        if self.count > 1 and not self.aside:
            self.output.line()


def _must_be_read(text: str, made: Draft, catalogue: Catalogue) -> None:
    """What is written can be read again, or nothing is written."""
    if not made.data.get("deployments"):
        return
    try:
        document: EstateDocument = estate_document(parse(text, "the drafted estate"))
        check_estate(document, catalogue)
    except BadDocument as error:
        raise HandrailError(f"What was read makes no estate, so nothing was written: {error}") from error


def _tell(
    output: Output,
    target: str | None,
    found: Sequence[HostSheet],
    left: Sequence[Left],
    made: Draft,
    kept: Sequence[Kept],
) -> None:
    say = output.complain if target is None else output.line
    for one in found:
        here = [f"{each.guide} {each.component} {each.sheet.value('build') or '?'}" for each in one.installed]
        system = one.sheet.value("os") or "a system that was not recognised"
        say(rendering.harmless(f"{one.name}: {system}; {', '.join(here) or 'nothing that a guide knows'}"))
    for each in kept:
        where = " ".join(str(key) for key in each.keys)
        because = f"the file says {each.written!r}, {each.reading.host} says {each.reading.value!r}"
        say(rendering.harmless(f"Kept as it was written: {where}: {because} ({', '.join(each.reading.commands)})"))
    if made.missing:
        say("")
        say(f"Not read ({words.count(len(made.missing), 'fact')}); each blocks where a rule asks for it:")
        for several in grouped(made.missing):
            unread = several[0].unread
            names = ", ".join(one.address for one in several)
            say(rendering.harmless(f"  {names}: {comment_of(unread.because)}"))
            if unread.settle:
                say(rendering.harmless(f"      settle it with: {comment_of(unread.settle)}"))
    if target is not None:
        say("")
        say(rendering.harmless(f"Written to {target}. Add media and aim, then: handrail assess {target}"))
    if left:
        output.complain(f"handrail: {words.count(len(left), 'host')} left out.")


def _document(
    target: str | None, found: Sequence[HostSheet], left: Sequence[Left], made: Draft, kept: Sequence[Kept]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "estate": target,
        "hosts": [one.name for one in found],
        "left_out": [{"host": one.name, "because": one.because} for one in left],
        "read": [
            {
                "at": [str(key) for key in keys],
                "value": _at(made.data, keys),
                "host": one.host,
                "when": one.at,
                "commands": list(one.commands),
            }
            for keys, one in made.read.items()
        ],
        "not_read": [
            {"fact": one.address, "because": one.unread.because, "settle": one.unread.settle} for one in made.missing
        ],
        "kept": [
            {"at": [str(key) for key in one.keys], "written": one.written, "read": one.reading.value} for one in kept
        ],
    }


def _at(data: Any, keys: Sequence[Any]) -> Any:
    for key in keys:
        data = data[key]
    return data
