"""`assess`, `plan` and `explain`: from an estate file to findings, a plan, and reasons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from handrail.actions.catalogue import signatures
from handrail.assessing.transport_rules import TRANSPORT
from handrail.cli import options
from handrail.cli.output import Output
from handrail.documents.estate import read_estate
from handrail.documents.files import refuse_unwritable
from handrail.documents.plan import plan_to_json, read_plan, write_plan
from handrail.guides import catalogue as guide_catalogue
from handrail.guides.catalogue import Catalogue
from handrail.guides.facts import check_estate
from handrail.guides.lines import line_of
from handrail.model.estate import Acceptance, Estate
from handrail.model.finding import Assessment, Finding
from handrail.reporting import text
from handrail.reporting.findings import assessment_document, assessment_page
from handrail.reporting.plan import plan_page
from handrail.reporting.runbook import runbook_lines

BLOCKED = 3


def assess(
    output: Output, estate_file: str, to: Sequence[str], accept: Sequence[str], guides: Sequence[str], format: str
) -> int:
    from handrail.planning.plan import judge

    accepted = options.acceptances(accept)
    estate, catalogue = read(estate_file, guides)
    aims = options.aims(to, estate, _releases(catalogue))
    assessment = judge(estate, catalogue, signatures(), to=aims, accept=accepted)
    _show_assessment(output, assessment, format)
    _remind(output, accepted, assessment.findings)
    return BLOCKED if assessment.verdict == "blocked" else 0


def plan(
    output: Output,
    estate_file: str,
    to: Sequence[str],
    accept: Sequence[str],
    guides: Sequence[str],
    target: str | None,
    format: str,
) -> int:
    from handrail.planning.plan import make_plan

    accepted = options.acceptances(accept)
    estate, catalogue = read(estate_file, guides)
    if target is not None:
        refuse_unwritable(target, "The plan file", estate_file)
    aims = options.aims(to, estate, _releases(catalogue))
    made = make_plan(estate, catalogue, signatures(), to=aims, accept=accepted)
    _remind(output, accepted, made.findings)
    if isinstance(made, Assessment):
        _show_assessment(output, made, format)
        return BLOCKED
    if target is not None:
        write_plan(made, Path(target))
    if format == "json":
        output.json(plan_to_json(made))
    elif format in ("markdown", "html"):
        output.lines(runbook_lines(made, format))
    else:
        output.lines(text.render(plan_page(made), width=output.width, colour=output.colour))
        if target is not None:
            output.lines(("", f"Written to {text.harmless(target)}."))
    return 0


def explain(output: Output, plan_file: str, step: str | None, format: str) -> int:
    from handrail.planning.explain import explain as find_reasons
    from handrail.reporting.explanation import explanation_document, explanation_page

    plan = read_plan(plan_file)
    if step is not None and step.isdecimal() and len(step) < 10 and 1 <= int(step) <= len(plan.steps):
        step = plan.steps[int(step) - 1].id
    explanation = find_reasons(plan, step)
    if format == "json":
        output.json(explanation_document(explanation))
    else:
        output.lines(text.render(explanation_page(explanation, plan), width=output.width, colour=output.colour))
    return 0


def read(estate_file: str, guides: Sequence[str]) -> tuple[Estate, Catalogue]:
    """The estate, checked against the guides that it needs, and those guides."""
    folders = options.folders(guides)
    document = read_estate(estate_file)
    catalogue = guide_catalogue.load(folders, signatures=signatures())
    return check_estate(document, catalogue), catalogue


def _releases(catalogue: Catalogue) -> options.Releases:
    """Every release that an estate of a product may aim at: those of its whole line."""

    def of(product: str) -> Collection[str]:
        return {name: None for one in line_of(catalogue, product).guides for name in one.guide.releases}

    return of


def _show_assessment(output: Output, assessment: Assessment, format: str) -> None:
    if format == "json":
        output.json(assessment_document(assessment))
    else:
        output.lines(text.render(assessment_page(assessment), width=output.width, colour=output.colour))


def _remind(output: Output, accepted: Sequence[Acceptance], findings: Sequence[Finding]) -> None:
    """An acceptance that did nothing is worth a word: its name may be misspelt, or the rule not acceptable."""
    for one in accepted:
        meant = [f for f in findings if f.rule == one.rule and one.subject in (None, f.subject)]
        name = one.rule + (f"@{one.subject}" if one.subject else "")
        if not meant and one.rule.startswith(TRANSPORT):
            continue  # what it meets shows when the hosts are asked
        if not meant:
            output.complain(f"handrail: note: --accept {text.harmless(name)} meets no finding.")
        elif not any(finding.accepted for finding in meant) and any(finding.blocks for finding in meant):
            output.complain(f"handrail: note: {text.harmless(name)} cannot be accepted; its guide does not allow that.")
