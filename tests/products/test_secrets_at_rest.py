"""What is secret lies open only while somebody needs it, in every procedure of every shipped guide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from tests.support.shipped import shipped

from handrail.guides.catalogue import SHIPPED, Catalogue
from handrail.model.guide import Procedure, StepTemplate

GUIDES = sorted(path.parent.name for path in SHIPPED.glob("*/guide.yaml"))
_INNER = "procedure/"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


def flat(procedures: Mapping[str, Procedure], name: str, before: str = "") -> Iterator[tuple[str, StepTemplate]]:
    """The steps of a procedure and of those it takes in, as a plan names them."""
    for step in procedures[name].steps:
        id = f"{before}{step.id}"
        if step.uses.startswith(_INNER):
            yield from flat(procedures, step.uses.removeprefix(_INNER), f"{id}-")
        else:
            yield id, step


def late(step: StepTemplate, parameter: str) -> str:
    value = step.with_.get(parameter)
    return str(value.get("late", "")) if isinstance(value, Mapping) else str(value)


@pytest.mark.parametrize("guide", GUIDES)
def test_exported_keys_are_sealed_before_anything_else_that_leaves_its_mark(catalogue: Catalogue, guide: str) -> None:
    """Only their proof comes in between."""
    for name, procedure in catalogue.of(guide).guide.procedures.items():
        uses = [step.uses for step in procedure.steps]
        for place, one in enumerate(uses):
            if one == "keys.export":
                assert uses[place + 1 : place + 3] == ["keys.prove", "secret.seal"], f"{guide}: {name}"
                export, seal = procedure.steps[place], procedure.steps[place + 2]
                assert late(seal, "file") == f"{export.id}.file" and late(seal, "sha256") == f"{export.id}.sha256"
                assert seal.host == export.host and seal.if_ == export.if_ and not seal.when


@pytest.mark.parametrize("guide", GUIDES)
def test_what_is_opened_is_shredded_on_the_same_host_under_the_same_condition(catalogue: Catalogue, guide: str) -> None:
    """Whatever the procedure takes in is seen with it."""
    procedures = catalogue.of(guide).guide.procedures
    for name in procedures:
        steps = list(flat(procedures, name))
        opened = [(at, step) for at, (_, step) in enumerate(steps) if step.uses == "secret.open"]
        for at, step in opened:
            after = [one for _, one in steps[at + 1 :] if one.uses == "secret.shred"]
            fits = [one for one in after if late(one, "file") == late(step, "to")]
            assert fits, f"{guide}: {name}: what {step.id} opens is never shredded"
            assert (fits[0].host, fits[0].if_, fits[0].when) == (step.host, step.if_, step.when), f"{guide}: {name}"


def test_some_guide_seals_and_some_opens(catalogue: Catalogue) -> None:
    """Otherwise the rules above would hold of nothing."""
    uses = {
        step.uses
        for guide in GUIDES
        for procedure in catalogue.of(guide).guide.procedures.values()
        for step in procedure.steps
    }
    assert {"keys.export", "secret.seal", "secret.open", "secret.shred"} <= uses
