"""MIM's guide, judged as a document: sound, sourced, complete, and in words that help at night."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.shipped import shipped

from handrail.actions import signatures
from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED, Catalogue, CompiledGuide
from handrail.guides.facts import check_estate
from handrail.guides.lint import lint
from handrail.model.guide import Guide, StepTemplate

ESTATES = sorted((SHIPPED / "mim" / "estates").glob("*.yaml"))
RULES = {
    "mim/sp3/supported-os",
    "mim/sp3/baseline",
    "mim/sp3/all-in-one",
    "mim/sp3/maintenance-window",
    "mim/sp3/prerequisites",
    "mim/sp3/media",
    "mim/sp3/media-mounted",
    "mim/sp3/service-with-portal",
    "mim/sp3/portal-new-deployment",
    "mim/sp3/sharepoint-edition",
    "mim/sp3/no-procedure",
    "mim/sp3/system-state-backup",
    "mim/sp2/minimum-source",
    "mim/sp2/newest-fim",
    "mim/sp2/fim-platform",
    "mim/sp2/media",
    "mim/sp2/sql-alias",
    "mim/sp2/withdrawn-method",
    "mim/database-move-left-out",
    "mim/missing-binding-redirect",
    "mim/unknown-build",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


@pytest.fixture(scope="module")
def compiled(catalogue: Catalogue) -> CompiledGuide:
    return catalogue.of("mim")


@pytest.fixture(scope="module")
def guide(compiled: CompiledGuide) -> Guide:
    return compiled.guide


def all_steps(guide: Guide) -> Iterator[tuple[str, StepTemplate]]:
    """Every step that the guide writes, remedies too, with where it stands."""
    for name, procedure in guide.procedures.items():
        for step in procedure.steps:
            yield f"{name}/{step.id}", step
            for remedy in step.on_error:
                for one in remedy.steps:
                    yield f"{name}/{step.id}/{remedy.error}/{one.id}", one


def test_lint_finds_nothing(compiled: CompiledGuide) -> None:
    """The shipped guide is held to the rules that every author's guide is held to."""
    assert [str(mistake) for mistake in lint(compiled.tree, signatures())] == []


@pytest.mark.parametrize("path", ESTATES, ids=lambda path: path.stem)
def test_sample_estates_state_only_declared_facts(path: Path, catalogue: Catalogue) -> None:
    assert check_estate(read_estate(path), catalogue).deployments


def test_rule_names_are_those_of_the_contract(guide: Guide) -> None:
    named = {one.rule for one in guide.requirements}
    named |= {one.withdrawn_rule for one in guide.sources.values() if one.withdrawn_rule}
    for edge in guide.edges:
        named |= {edge.media_rule} if edge.media_rule else set()
        named |= {edge.announces.rule} if edge.announces else set()
    assert named | {guide.unknown_build_rule} == RULES


def test_everything_cites_a_source_that_is_listed(guide: Guide) -> None:
    """Promise 5: every claim has a source, or is ours with the reason."""
    claims = {f"edge {one.id}": one.source for one in guide.edges}
    claims |= {f"rule {one.rule}": one.source for one in guide.requirements}
    claims |= {f"works_with {one.a} {one.b}": one.source for one in guide.works_with}
    claims |= {f"order {one.first} {one.then}": one.source for one in guide.order}
    claims |= {f"error {id}": one.source for id, one in guide.known_errors.items()}
    claims |= {f"erratum {id}": one.source for id, one in guide.errata.items()}
    claims |= {f"release {id}": one.source for id, one in guide.releases.items()}
    claims |= {where: one.source for where, one in all_steps(guide) if not one.uses.startswith("procedure/")}
    for where, source in claims.items():
        document, hash_, section = source.partition("#")
        assert document in guide.sources, f"{where} cites {source!r}"
        assert hash_ and section, f"{where} cites no section"


def test_steps_have_titles_and_those_that_act_say_how_to_see_that_it_worked(guide: Guide) -> None:
    for where, step in all_steps(guide):
        if step.uses.startswith("procedure/"):
            continue
        assert step.title, f"{where} has no title"
        if step.uses.split(".")[-1] in ("stop", "start", "patch", "do", "backup", "export"):
            assert step.says, f"{where} does not explain itself"


def test_errata_are_shown_where_they_matter(guide: Guide) -> None:
    """Every erratum is named by a step that it concerns."""
    assert set(guide.errata) == {id for _, step in all_steps(guide) for id in step.errata}


def test_the_build_of_sp3_stands_nowhere(guide: Guide, compiled: CompiledGuide) -> None:
    """It is in no document, so it is read from the medium."""
    assert guide.releases["2016-sp3"].builds == ()
    assert guide.releases["2016-sp3"].from_medium
    assert set(re.findall(r"4\.7\.[0-9.]+", compiled.tree.text)) <= {"4.7.1", "4.7.2"}  # of .NET Framework


def test_no_fim_or_mim_build_is_let_through_on_memory(guide: Guide) -> None:
    """4.1.3114.0 circulates as FIM 2010 R2 SP1 without a source: no release has it, no edge begins there."""
    assert all("4.1.3114.0" not in release.builds for release in guide.releases.values())
    kinds = {guide.sources[edge.source.partition("#")[0]].kind for edge in guide.edges}
    assert kinds <= {"official"}


def test_the_documented_disk_label_and_drive_are_never_used(guide: Guide) -> None:
    for where, step in all_steps(guide):
        assert "X22-20157" not in str(step.with_), where
        assert "E:" not in str(step.with_), where
