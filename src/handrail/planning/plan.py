"""From estate, aim and guides to a frozen plan, or to the findings that forbid it."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from handrail.assessing.assess import NO_WAY_BACK as NO_WAY_BACK_RULE
from handrail.assessing.assess import ORDER_CYCLE, Survey, survey
from handrail.documents.plan import freeze
from handrail.guides.catalogue import Catalogue, CompiledGuide
from handrail.guides.lines import line_of
from handrail.model.detection import Detect, DetectSoftware
from handrail.model.estate import Acceptance, Estate
from handrail.model.finding import Assessment, Citation, Finding
from handrail.model.plan import Erratum, Fleet, GuideRef, Hop, Plan, Recognition
from handrail.model.signature import Signature
from handrail.planning.between import keep_supported
from handrail.planning.blocks import Block, Builder, build
from handrail.planning.blueprint import EVERYTHING
from handrail.planning.graph import Cycle, Ordered, in_order
from handrail.planning.order import Reason, Web, weave
from handrail.planning.rollout import weave_waves
from handrail.planning.steps import Laid, lay

GUARDED = Citation("ours", "no destructive step without a proved way back before it")


def make_plan(
    estate: Estate,
    catalogue: Catalogue,
    signatures: Mapping[str, Signature],
    *,
    to: Mapping[str, str] | None = None,
    accept: Sequence[Acceptance] = (),
) -> Plan | Assessment:
    """The plan, frozen; or, when findings forbid it, all that is to be said.

    UnknownName for a deployment, release, accepted rule or action that nothing has; BadInput where a guide is at fault.
    """
    with _no_collection():
        return _make_plan(estate, catalogue, signatures, to, accept)


def _make_plan(
    estate: Estate,
    catalogue: Catalogue,
    signatures: Mapping[str, Signature],
    to: Mapping[str, str] | None,
    accept: Sequence[Acceptance],
) -> Plan | Assessment:
    surveyed = survey(estate, catalogue, to=to, accept=accept)
    web, builder, findings, ordered, fleet = _prepared(surveyed, signatures)
    assessment = surveyed.assessment(findings)
    if assessment.verdict == "blocked" or isinstance(ordered, Cycle):
        return assessment
    builder.forget()
    aims, aim, errata = surveyed.roads.aims, surveyed.aim, surveyed.errata
    # The way to the hosts is looked at when the plan is run: by then what was accepted must stand in it.
    accepted = tuple(dict.fromkeys(surveyed.acceptances))
    compiled = [country.compiled for country in surveyed.roads.guides().values()]
    guides, hops = _guides(surveyed), tuple(hops_of(surveyed))
    # Roads and facts of a large estate are not needed beside its steps.
    del surveyed
    laid = lay(web, builder, ordered.keys, signatures)
    return freeze(
        Plan(
            digest="",
            estate=replace(estate, aim=dict(aims), accept=accepted),
            aim=aim,
            guides=guides,
            findings=assessment.findings,
            hops=hops,
            steps=laid.steps,
            back=laid.back,
            point_of_no_return=laid.point_of_no_return,
            downtime=laid.downtime,
            errata=_errata(compiled, errata, laid),
            detect=recognition(estate, catalogue),
            fleet=fleet,
        )
    )


def recognition(estate: Estate, catalogue: Catalogue) -> Recognition:
    """How the installations of the estate, and the software that their lines name, are recognised."""
    components: dict[str, dict[str, Detect]] = {}
    named: dict[str, DetectSoftware] = {}
    for product in sorted({deployment.product for deployment in estate.deployments.values()}):
        guide = catalogue.of(product).guide
        used = {
            one.component
            for deployment in estate.deployments.values()
            if deployment.product == product
            for one in deployment.installations
        }
        found = {id: one.detect for id, one in guide.components.items() if id in used and one.detect is not None}
        if found:
            components[product] = found
        for each in line_of(catalogue, guide.name).guides:
            named |= each.guide.software
    stated = {name for host in estate.hosts.values() for name in host.software}
    return Recognition(components, {name: one for name, one in named.items() if name in stated})


@contextmanager
def _no_collection() -> Iterator[None]:
    """Plans hold no cycles, and a hundred thousand steps would be searched for them again and again: a third of the
    time. What was switched on before is on again afterwards."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def judge(
    estate: Estate,
    catalogue: Catalogue,
    signatures: Mapping[str, Signature],
    *,
    to: Mapping[str, str] | None = None,
    accept: Sequence[Acceptance] = (),
) -> Assessment:
    """All that planning would find: what the rules say, and what only shows when steps are made and ordered.

    Raises as `make_plan` does.
    """
    surveyed = survey(estate, catalogue, to=to, accept=accept)
    return surveyed.assessment(_prepared(surveyed, signatures)[2])


def _prepared(
    surveyed: Survey, signatures: Mapping[str, Signature]
) -> tuple[Web, Builder, list[Finding], Ordered | Cycle[Reason], Fleet | None]:
    builder = Builder(surveyed, signatures)
    blocks, mends = build(surveyed, builder)
    web = weave(surveyed.estate, surveyed.roads.crossed, blocks, mends)
    fleet, about_waves = weave_waves(web, surveyed.estate, blocks.values())
    findings = [*builder.findings, *about_waves, *_unguarded(blocks)]
    ordered = in_order([*blocks, *web.barriers], web.links)
    if not isinstance(ordered, Cycle):
        findings += keep_supported(surveyed, web)
        ordered = in_order([*blocks, *web.barriers], web.links)
    if isinstance(ordered, Cycle):
        findings.append(_cycle(ordered, web))
    return web, builder, findings, ordered, fleet


def _unguarded(blocks: Mapping[str, Block]) -> Iterator[Finding]:
    for block in blocks.values():
        for step in block.blueprint.steps:
            if step.lacking:
                names = _titles(block, step.lacking)
                what = (
                    "what it changes, which the guide does not say" if EVERYTHING in step.lacking else ", ".join(names)
                )
                message = f"The step {step.id!r} may destroy {what}, and no restore point of that is proved before it."
                remedy = "Have the guide take and prove a backup first, or accept this risk by name."
                yield Finding(NO_WAY_BACK_RULE, "blocker", block.subject, message, remedy, GUARDED)
            elif step.stranded and not step.chosen.flat.template.no_return:
                what = ", ".join(_titles(block, step.stranded))
                message = f"The step {step.id!r} may destroy {what}, and nothing in its way back brings that back."
                remedy = "Have the guide say in a `back` how it comes back, or accept this risk by name."
                yield Finding(NO_WAY_BACK_RULE, "blocker", block.subject, message, remedy, GUARDED)


def _titles(block: Block, names: Sequence[str]) -> list[str]:
    assets = block.country.guide.components[block.component].assets
    return [assets[one].title if one in assets else one for one in names]


def _cycle(cycle: Cycle[Reason], web: Web) -> Finding:
    parts = [
        f"{_name(link.first)} before {_name(link.then)} ({link.tag.text} {link.tag.source})" for link in cycle.links
    ]
    message = f"These cannot all hold: {'; '.join(parts)}."
    subjects = [web.blocks[link.first].subject for link in cycle.links if link.first in web.blocks]
    remedy = "Aim at fewer installations at once, or correct the order in the guide."
    return Finding(ORDER_CYCLE, "blocker", min(subjects, default="estate"), message, remedy, cycle.links[0].tag.source)


def _name(key: str) -> str:
    return key.rstrip("/-~")


def _guides(surveyed: Survey) -> tuple[GuideRef, ...]:
    guides = {name: country.guide.digest for name, country in surveyed.roads.guides().items()}
    return tuple(GuideRef(name, guides[name]) for name in sorted(guides))


def hops_of(surveyed: Survey) -> Iterator[Hop]:
    """The hops of every road, as a plan lists them; also when findings forbid the plan."""
    for subject, road in surveyed.roads.roads.items():
        for hop in road.hops:
            country = hop.country
            yield Hop(
                installation=subject,
                from_=str(hop.before),
                to=hop.to,
                method=hop.edge.method,
                why=country.why(road, hop),
                source=hop.source,
                not_=country.not_(road, hop),
                build=hop.after.build,
            )


def _errata(guides: Sequence[CompiledGuide], followed: Mapping[str, Sequence[str]], laid: Laid) -> tuple[Erratum, ...]:
    """Those that planned steps, the edges they belong to, and rules about them follow."""
    found: dict[str, Erratum] = {}
    for compiled in guides:
        name = compiled.guide.name
        for id in (*laid.errata.get(name, ()), *followed.get(name, ())):
            text = compiled.guide.errata.get(id)
            if text is not None and id not in found:
                source = compiled.cite(text.source)
                found[id] = Erratum(id, text.says, text.we_do, text.because, source)
    return tuple(found[id] for id in sorted(found))
