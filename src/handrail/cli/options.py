"""Options that carry a small language of their own: `--to [DEPLOYMENT=]RELEASE`, `--accept RULE[@SUBJECT]`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from handrail.errors import BadInput, UnknownName
from handrail.model.estate import Acceptance, Estate

Releases = Callable[[str], Collection[str]]


def aims(given: Sequence[str], estate: Estate, releases: Releases) -> Mapping[str, str]:
    """Deployment -> release. `releases(product)` are the releases that the product's guide knows.

    Without a deployment, a release is meant for every deployment whose guide knows it.
    """
    found: dict[str, str] = {}
    for text in given:
        deployment, equals, release = text.rpartition("=")
        if not release or (equals and not deployment):
            raise BadInput(f"--to {text!r} names no release.", "Write --to RELEASE or --to DEPLOYMENT=RELEASE.")
        if equals and deployment not in estate.deployments:
            raise UnknownName("The deployment", deployment, estate.deployments)
        for name in [deployment] if equals else _meant(release, estate, releases):
            if found.setdefault(name, release) != release:
                raise BadInput(f"--to gives {name!r} two releases, {found[name]!r} and {release!r}.", "Give it one.")
    return found


def _meant(release: str, estate: Estate, releases: Releases) -> Iterable[str]:
    known = {deployment.id: releases(deployment.product) for deployment in estate.deployments.values()}
    meant = [name for name, names in known.items() if release in names]
    if not meant:
        raise UnknownName("The release", release, {name for names in known.values() for name in names})
    return meant


def acceptances(given: Sequence[str]) -> list[Acceptance]:
    """A rule holds no `@`, a subject may."""
    accepted = []
    for text in given:
        rule, at, subject = text.partition("@")
        if not rule or (at and not subject):
            raise BadInput(f"--accept {text!r} is not a rule.", "Write --accept RULE or --accept RULE@SUBJECT.")
        accepted.append(Acceptance(rule, subject or None))
    return accepted


def folders(given: Sequence[str]) -> list[Path]:
    """Existing folders; BadInput otherwise."""
    paths = [Path(text) for text in given]
    for path in paths:
        if not path.is_dir():
            problem = "is not a folder" if path.exists() else "does not exist"
            raise BadInput(f"--guides {str(path)!r} {problem}.", "Name the folder that holds guide.yaml.")
    return paths
