"""`explain PLAN --if PATH=VALUE`: the plan made again for an estate that is otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handrail.actions.catalogue import signatures
from handrail.cli import options
from handrail.cli.output import Output
from handrail.documents.estate import estate_document, estate_to_json
from handrail.documents.plan import read_plan
from handrail.documents.tree import parse, tree_of
from handrail.errors import BadInput, Place
from handrail.guides import catalogue as guide_catalogue
from handrail.guides.facts import check_estate
from handrail.model.estate import Acceptance
from handrail.planning.plan import make_plan
from handrail.planning.what_if import what_if
from handrail.rehearsing.changes import REMOVE, changed
from handrail.reporting import text
from handrail.reporting.what_if import what_if_document, what_if_page

OPTION = Place("--if")


def explain_if(output: Output, plan_file: str, given: Sequence[str], guides: Sequence[str], format: str) -> int:
    """BadInput for a path that leads nowhere, and for a plan that is a way back."""
    plan = read_plan(plan_file)
    if plan.goes_back is not None:
        raise BadInput("A way back rests on what was done, not on the estate.", "Ask about the plan of its run.")
    changes = dict(_change(one) for one in given)
    catalogue = guide_catalogue.load(options.folders(guides), signatures=signatures())
    values = {path: (_value(value), OPTION) for path, value in changes.items()}
    data = changed(estate_to_json(plan.estate), values)
    estate = check_estate(estate_document(tree_of(data, "The changed estate")), catalogue)
    accept = [Acceptance(one.rule, one.subject) for one in plan.findings if one.accepted]
    aim = {name: release for name, release in plan.aim.items() if f"aim.{name}.to" not in changes}
    found = what_if(plan, make_plan(estate, catalogue, signatures(), to=aim, accept=accept))
    if format == "json":
        output.json(what_if_document(found, changes))
    else:
        output.lines(text.render(what_if_page(found, changes), width=output.width, colour=output.colour))
    return 0


def _change(text_: str) -> tuple[str, str]:
    path, equals, value = text_.partition("=")
    if not equals or not path or not value:
        raise BadInput(f"--if {text_!r} says nothing.", "Write --if PATH=VALUE, such as --if accounts.svc.kind=gmsa.")
    return path, value


def _value(text_: str) -> Any:
    if text_ in ("null", "~"):
        return None
    if text_ == REMOVE:
        return text_
    return parse(text_, "--if", "The value").data
