"""One scenario tried: estate in; findings, hops, plan and the twin's end state compared with what it expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from handrail.actions import signatures
from handrail.assessing.assess import survey
from handrail.documents.estate import acceptance, estate_document
from handrail.documents.plan import plan_to_json
from handrail.documents.tree import Tree, load, tree_of
from handrail.errors import BadDocument, BadInput, HandrailError, Place
from handrail.guides.catalogue import Catalogue
from handrail.guides.facts import check_estate
from handrail.model.estate import Estate
from handrail.model.finding import Assessment
from handrail.model.plan import Plan
from handrail.planning.plan import hops_of, make_plan
from handrail.rehearsing import expecting, going_back, judging
from handrail.rehearsing.changes import changed
from handrail.rehearsing.differences import Difference, placed
from handrail.rehearsing.expecting import Came, Renderings
from handrail.rehearsing.pretending import Cast, carry_out
from handrail.rehearsing.scenario import Ending, Run, Scenario, read_scenario
from handrail.rehearsing.truths import VerifyTruth
from handrail.running.chain import canonical, digest


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of a scenario. Equal `key`: the plans are the same but for their findings."""

    key: str
    steps: int


@dataclass(frozen=True, slots=True)
class Trial:
    """How a scenario fared: `differences` is empty when it passed; `mistakes` when it could be read at all. `ran`: it
    was carried out on the twin. `planned`: none when findings forbid a plan."""

    file: str
    title: str
    covers: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    mistakes: tuple[BadInput, ...] = ()
    ran: bool = False
    planned: Planned | None = None
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.differences and not self.mistakes


def attempt(path: Path, catalogue: Catalogue, renderings: Renderings) -> Trial:
    """Read and try one scenario file. What is wrong with the file itself is in `mistakes`."""
    try:
        scenario = scenario_in(path)
    except BadInput as error:
        return Trial(str(path), path.stem, mistakes=_mistakes(error))
    told = Trial(str(path), scenario.title, scenario.covers, ran=scenario.run is not None)
    try:
        found, plan = _tried(scenario, catalogue, renderings)
        return replace(told, differences=tuple(found), planned=None if plan is None else _planned(plan))
    except BadInput as error:
        return replace(told, mistakes=_mistakes(error, scenario.tree.place("scenario")))
    except HandrailError as error:
        return replace(told, differences=(Difference(str(error), scenario.tree.place("run")),))


def _mistakes(error: BadInput, place: Place | None = None) -> tuple[BadInput, ...]:
    if isinstance(error, BadDocument):
        return error.mistakes
    return (error if error.place is not None else BadInput(error.message, error.advice, place),)


def scenario_in(path: Path) -> Scenario:
    """BadInput when it cannot be read."""
    return read_scenario(load(path, "The scenario"))


def plan_of(scenario: Scenario, catalogue: Catalogue) -> Plan | None:
    """Its plan; None when findings forbid one."""
    estate = estate_of(scenario, catalogue)
    accept = [acceptance(one) for one in scenario.accept]
    made = make_plan(estate, catalogue, signatures(), to=scenario.to, accept=accept)
    return made if isinstance(made, Plan) else None


def _planned(plan: Plan) -> Planned:
    told = {name: value for name, value in plan_to_json(plan).items() if name not in ("digest", "findings")}
    return Planned(digest(canonical(told)), len(plan.steps))


def differences(scenario: Scenario, catalogue: Catalogue, renderings: Renderings) -> list[Difference]:
    """All that is otherwise. BadInput when the scenario itself is wrong; StoreError and the like as they come."""
    return _tried(scenario, catalogue, renderings)[0]


def _tried(scenario: Scenario, catalogue: Catalogue, renderings: Renderings) -> tuple[list[Difference], Plan | None]:
    estate = estate_of(scenario, catalogue)
    accept = [acceptance(one) for one in scenario.accept]
    try:
        surveyed = survey(estate, catalogue, to=scenario.to, accept=accept)
    except BadInput as error:
        raise BadInput(error.message, error.advice, error.place or scenario.tree.place("to")) from None
    made = make_plan(estate, catalogue, signatures(), to=scenario.to, accept=accept)
    plan = made if isinstance(made, Plan) else None
    assessment = made if isinstance(made, Assessment) else Assessment(estate.name, surveyed.aim, made.findings)
    came = Came(assessment, tuple(hops_of(surveyed)), plan)
    found = placed(expecting.compare(scenario.expect, came, renderings), scenario.tree)
    if scenario.run is not None:
        if plan is None:
            blockers = ", ".join(f"{one.rule} for {one.subject}" for one in assessment.findings if one.blocks)
            found.append(Difference(f"There is no plan to run: blocked by {blockers}.", scenario.tree.place("run")))
        else:
            found += _run(scenario, scenario.run, plan, catalogue)
    return found, plan


def estate_of(scenario: Scenario, catalogue: Catalogue) -> Estate:
    """The scenario's estate, with its changes made, checked against the guides."""
    tree = load(scenario.estate, "The scenario's estate file")
    if not scenario.change:
        return check_estate(estate_document(tree), catalogue)
    changes = {path: (value, scenario.tree.place("change", path)) for path, value in scenario.change.items()}
    data = changed(tree.data, changes)
    try:
        return check_estate(estate_document(tree_of(data, str(scenario.estate))), catalogue)
    except BadInput as error:
        # A mistake in the file as it is has its place there; any other came with the changes.
        check_estate(estate_document(tree), catalogue)
        raise _changed_badly(error, scenario.tree) from None


def _changed_badly(error: BadInput, tree: Tree) -> BadDocument:
    mistakes = error.mistakes if isinstance(error, BadDocument) else (error,)
    place = tree.place("change")
    return BadDocument(BadInput(f"The changed estate is wrong: {one.message}", one.advice, place) for one in mistakes)


def _run(scenario: Scenario, run: Run, plan: Plan, catalogue: Catalogue) -> list[Difference]:
    back = run.rollback
    carried = carry_out(
        plan,
        declarations_of(plan, catalogue),
        plants=run.plant,
        people=run.people,
        looks=_looks(run),
        back=None if back is None else Cast(back.plant, back.people, _looks(back)),
    )
    found = placed(judging.ending(run, run.ends, carried), scenario.tree)
    found += placed(judging.truth(run.twin, plan, carried), scenario.tree)
    if back is not None and carried.back is not None:
        found += placed(going_back.compare(back, carried.back, plan), scenario.tree)
    return found


def _looks(expected: Ending) -> bool:
    return any(isinstance(one, VerifyTruth) for one in expected.twin)


def declarations_of(plan: Plan, catalogue: Catalogue) -> Mapping[str, Path]:
    """The `twin.yaml` of every product that the plan's estate has, or comes to on the way."""
    products = dict.fromkeys(deployment.product for deployment in plan.estate.deployments.values())
    products |= dict.fromkeys(one.name for one in plan.guides)
    found = {name: catalogue.of(name).twin_path for name in products if name in catalogue.guides}
    return {name: path for name, path in found.items() if path is not None}
