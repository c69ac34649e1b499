"""What is to be reached: the aims of the estate file, with what the command line says instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from handrail.errors import BadInput, UnknownName
from handrail.guides.catalogue import Catalogue
from handrail.guides.lines import Line, line_of
from handrail.model.estate import Aim, Estate

# How a hop can be made; a guide may name others.
METHODS = frozenset(
    ("hotfix", "patch", "in-place", "reinstall-on-database", "side-by-side", "new-deployment", "manual")
)


def aims_of(estate: Estate, catalogue: Catalogue, to: Mapping[str, str]) -> dict[str, Aim]:
    """The aim of every deployment that has one, by deployment, in order of their ids.

    `to` maps deployments to releases and wins over the file; the key "" stands for the only deployment (or the only
    one with an aim). UnknownName for a deployment, release or method that nobody knows; BadInput when there is no aim.
    """
    aims = dict(estate.aim)
    for name, release in to.items():
        deployment = name or _only(estate)
        known = aims.get(deployment)
        aims[deployment] = replace(known, to=release) if known else Aim(deployment, release)
    if not aims:
        raise BadInput("The estate has no aim.", "Write one under `aim:`, or give `--to DEPLOYMENT=RELEASE`.")
    for id, aim in aims.items():
        if id not in estate.deployments:
            raise UnknownName("The deployment", id, estate.deployments)
        guide = catalogue.of(estate.deployments[id].product).guide
        line = line_of(catalogue, guide.name)
        if line.owner_of_aim(aim.to) is None:
            releases = [release for one in line.guides for release in one.guide.releases]
            names = " and ".join(one.guide.name for one in line.guides)
            raise UnknownName(f"The release of {names}", aim.to, releases)
        methods = METHODS | {edge.method for one in line.guides for edge in one.guide.edges}
        if aim.prefer is not None and aim.prefer not in methods:
            raise UnknownName("The preferred method", aim.prefer, methods)
        _check_revision(aim, line)
        for one in estate.deployments[id].installations:
            if one.component not in guide.components:
                raise UnknownName(f"The component of {guide.name}", one.component, guide.components)
    return {id: aims[id] for id in sorted(aims)}


def _check_revision(aim: Aim, line: Line) -> None:
    """A revision that no document has would quietly mean the newest."""
    wanted = aim.facts.get("revision")
    documents = [source for one in line.guides for source in one.guide.sources.values()]
    known = [revision for source in documents for revision in source.revisions]
    if wanted is not None and known and wanted not in known:
        raise UnknownName("The revision", str(wanted), known)


def _only(estate: Estate) -> str:
    for candidates in (estate.deployments, estate.aim):
        if len(candidates) == 1:
            return next(iter(candidates))
    known = ", ".join(sorted(estate.deployments)) or "none"
    raise BadInput(
        "It is not clear which deployment is meant.", f"Give `--to DEPLOYMENT=RELEASE`. Deployments: {known}."
    )
