"""Discovered from bare hosts of a twin, every sample estate comes back: what the twin knows, and nothing else.

The differences that are listed are the whole of them. Each has its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.shipped import shipped

from handrail.documents.estate import estate_document, estate_to_json, read_estate
from handrail.documents.tree import parse
from handrail.guides.catalogue import SHIPPED, Catalogue
from handrail.guides.facts import check_estate
from handrail.hosts.protocol import Host
from handrail.model.estate import Estate
from handrail.probing.components import is_same_account
from handrail.probing.drafting import Draft, draft
from handrail.probing.estate_file import written
from handrail.probing.facts import NOT_READ
from handrail.probing.sweep import sweep, wanted
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory

SAMPLES = sorted(path for path in SHIPPED.glob("*/estates/*.yaml") if path.parent.parent.name != "postgresql")
AT = datetime(2026, 11, 21, tzinfo=UTC)

NOT_ON_THE_TWIN = {
    "system-center": "the twin models none of these products",
}
EXPLAINED = {
    ("sync", "language_packs"): "the engine has none; samples say so all the same",
    ("sync", "install_source"): "it is for the twin alone",
    ("sync", "disk_label"): "it is for the twin alone",
    ("service", "install_source"): "it is for the twin alone",
    ("service", "disk_label"): "it is for the twin alone",
}
PEOPLE_ONLY = {name for scope in NOT_READ.values() for name in scope}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


def discovered(path: Path, catalogue: Catalogue) -> tuple[Estate, Estate, Draft]:
    """The sample, what was discovered of it, and the draft; the file that was written has been read again."""
    sample = check_estate(read_estate(path), catalogue)
    products = {name: one.twin_path for name, one in catalogue.guides.items() if one.twin_path is not None}
    twin = raise_in_memory(sample, read_declarations(products))

    async def open_(name: str) -> Host:
        return twin.host(name)

    found, left = asyncio.run(sweep(list(sample.hosts), open_, wanted(catalogue)))
    assert not left
    made = draft(sample.name, found, catalogue, {})
    text = written(made, left, catalogue, AT)
    again = check_estate(estate_document(parse(text, "discovered.yaml")), catalogue)
    assert not twin.effects(), "nothing was changed by looking"
    return sample, again, made


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_what_the_twin_knows_of_a_sample_comes_back(path: Path, catalogue: Catalogue) -> None:
    sample, found, made = discovered(path, catalogue)

    missing = {one.address for one in made.missing}
    assert not list(differences(sample, found, missing))


def differences(sample: Estate, found: Estate, missing: set[str]) -> Iterator[str]:
    """What the sample states and discovery says otherwise, or does not say without naming it."""
    stated, read = estate_to_json(sample), estate_to_json(found)
    used = {one.host for each in found.deployments.values() for one in each.installations}
    used |= {one.host for one in found.databases.values()}
    for name, host in stated["hosts"].items():
        if name not in used:
            continue  # nothing stands there yet: it is in the file as a comment
        other = read["hosts"].get(name, {})
        if host.get("os") != other.get("os"):
            yield f"host:{name}.os: {host.get('os')} and {other.get('os')}"
        yield from _software(name, host.get("software", {}), other.get("software", {}))
        yield from _host_facts(sample, found, name)
    for deployment in sample.deployments.values():
        for one in deployment.installations:
            if deployment.product in NOT_ON_THE_TWIN or one.build is None or sample.hosts[one.host].os is None:
                continue  # what nobody has stated, the twin does not know either
            mine = _installation(found, deployment.product, one.component, one.host)
            if mine is None:
                yield f"{one.subject}: not found"
                continue
            if one.build is not None and mine.build != one.build:
                yield f"{one.subject}.build: {one.build} and {mine.build}"
            if one.release is not None and mine.release is not None and mine.release != one.release:
                yield f"{one.subject}.release: {one.release} and {mine.release}"
            yield from _database(sample, found, one, mine)
            yield from _account(sample, found, one, mine)
            for name, value in one.facts.items():
                if name in mine.facts and _plain(mine.facts[name]) != _plain(value):
                    yield f"{one.subject}.{name}: {value} and {mine.facts[name]}"
                elif name not in mine.facts and not _is_explained(one.component, name, mine.subject, missing):
                    yield f"{one.subject}.{name}: {value} and nothing"


def _is_explained(component: str, name: str, subject: str, missing: set[str]) -> bool:
    return f"{subject}.{name}" in missing or name in PEOPLE_ONLY or (component, name) in EXPLAINED


def _software(host: str, stated: Mapping[str, Any], read: Mapping[str, Any]) -> Iterator[str]:
    for name, version in stated.items():
        if name in read and (version or False) != read[name]:
            yield f"host:{host}.software.{name}: {version} and {read[name]}"


def _host_facts(sample: Estate, found: Estate, name: str) -> Iterator[str]:
    stated, read = sample.hosts[name].facts, found.hosts[name].facts
    for fact, value in stated.items():
        if fact in ("key_sets", "deleted_profiles"):
            value = [sample.accounts[id].name for id in value]
            seen = [found.accounts[id].name for id in read.get(fact, ())]
            if fact in read and not all(any(is_same_account(one, other) for other in value) for one in seen):
                yield f"host:{name}.{fact}: {value} and {seen}"
        elif fact == "mounted_media" and value:
            if fact in read:
                yield f"host:{name}.{fact}: {value} and {read[fact]}: no medium was named"
        elif fact in read and read[fact] != value:
            yield f"host:{name}.{fact}: {value} and {read[fact]}"


def _installation(found: Estate, product: str, component: str, host: str) -> Any:
    for deployment in found.deployments.values():
        for one in deployment.installations:
            if (deployment.product, one.component, one.host) == (product, component, host):
                return one
    return None


def _database(sample: Estate, found: Estate, one: Any, mine: Any) -> Iterator[str]:
    if one.database is None or mine.database is None:
        return
    stated, read = sample.databases[one.database], found.databases[mine.database]
    for name in ("engine", "name", "host", "instance", "version"):
        if getattr(stated, name) is not None and getattr(stated, name) != getattr(read, name):
            yield f"database:{stated.id}.{name}: {getattr(stated, name)} and {getattr(read, name)}"


def _account(sample: Estate, found: Estate, one: Any, mine: Any) -> Iterator[str]:
    if one.account is None or mine.account is None:
        return
    stated, read = sample.accounts[one.account], found.accounts[mine.account]
    if not is_same_account(stated.name, read.name) or (stated.kind and stated.kind != read.kind):
        yield f"account:{stated.id}: {stated.name} ({stated.kind}) and {read.name} ({read.kind})"


def _plain(value: Any) -> Any:
    return [str(one).casefold() for one in value] if isinstance(value, list | tuple) else value
