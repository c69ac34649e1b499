"""The pages of a plan: its lanes, what it does and why, its hosts and steps. Deciding over it is for `plans.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from handrail.console.desk import desk_of
from handrail.console.following import Study
from handrail.console.guarding import viewer
from handrail.console.lanes import ESTATE
from handrail.console.looking import looking_of
from handrail.console.rendering import render
from handrail.console.run_view import markup
from handrail.console.showing import Asked, Places, hosts_asked, shown
from handrail.model.plan import Plan
from handrail.planning.explain import explain_step
from handrail.reporting import words
from handrail.reporting.explanation import explanation_page
from handrail.reporting.findings import finding_blocks
from handrail.reporting.page import Block, Heading, Item, Items, Paragraph, Table
from handrail.reporting.plan import erratum_blocks, hop_items, way_back_blocks
from handrail.reporting.runbook import doing_blocks
from handrail.reporting.waves import wave_blocks

MOST = 60
"""Entries of a list that are shown; a plan of thousands of hosts has pages of hosts for the rest."""


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(viewer)])

    @router.get("/plans/{digest}/hosts")
    def hosts(
        request: Request,
        digest: str,
        fold: Annotated[str, Query(max_length=40)] = "",
        find: Annotated[str, Query(max_length=200)] = "",
        wave: Annotated[str, Query(max_length=200)] = "",
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> Response:
        plan = desk_of(request).plan(digest)
        lanes = looking_of(request).following.study(plan).lanes
        given = Asked(fold, find, "", wave, page)
        places = Places(f"/plans/{digest}")
        found = hosts_asked(lanes, given)
        return render(
            request,
            "hosts.html",
            name=f"The plan for {plan.estate.name}",
            places=places,
            given=given,
            page=found,
            lanes=shown(lanes, places, only=found.lanes),
            lanes_waves=[one.name for one in lanes.waves],
        )

    @router.get("/plans/{digest}/steps/{step:path}")
    def step_page(request: Request, digest: str, step: str) -> Response:
        plan = desk_of(request).plan(digest)
        study = looking_of(request).following.study(plan)
        found = study.outline.steps.get(step) or study.outline.back.get(step)
        if found is None:
            return render(request, "refusal.html", 404, status=404, sentence="The plan has no such step.", advice="")
        blocks = list(explanation_page(explain_step(plan, found), plan))
        hand = list(doing_blocks(study.outline, found))
        after = [study.outline.steps[one] for one in found.after if one in study.outline.steps]
        return render(
            request,
            "plan-step.html",
            plan=plan,
            step=found,
            places=Places(f"/plans/{digest}"),
            bar=study.lanes.bars.get(step),
            told=markup(blocks),
            by_hand=markup([Heading("By hand"), *hand], 0),
            after=after[:MOST],
        )

    return router


def plan_values(request: Request, plan: Plan) -> Mapping[str, Any]:
    """What `plan/content.html` is given: everything about a plan but what can be done with it. Made once for a plan."""
    study = looking_of(request).following.study(plan)
    if "page" not in study.kept:
        study.kept["page"] = _values(study)
    values: Mapping[str, Any] = study.kept["page"]
    return values


def _values(study: Study) -> dict[str, Any]:
    plan, lanes, outline = study.plan, study.lanes, study.outline
    places = Places(f"/plans/{plan.digest}")
    reasons = outline.reasons()
    return {
        "plan": plan,
        "places": places,
        "lanes": shown(lanes, places),
        "lanes_waves": [one.name for one in lanes.waves],
        "takes": words.duration(lanes.seconds),
        "steps": len(plan.steps),
        "hosts": sum(1 for one in lanes.lanes if one.host != ESTATE),
        "no_return": lanes.no_return,
        "people": [bar for bar in lanes.bars.values() if bar.step.kind == "person"][:MOST],
        "hops": markup([Items(tuple(hop_items(plan.hops)))]) if plan.hops else Markup(),
        "findings": markup(short(finding_blocks(plan.findings)), 0),
        "reasons": reasons[:MOST],
        "more_reasons": max(0, len(reasons) - MOST),
        "waves": markup(short(wave_blocks(plan))),
        "back": markup(short(way_back_blocks(outline))),
        "errata": markup(short(erratum_blocks(outline))),
    }


def short(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same, long lists and tables cut, with how much was left out."""
    for block in blocks:
        if isinstance(block, Items) and len(block.items) > MOST:
            yield Items(tuple(_short(item) for item in block.items[:MOST]))
            yield Paragraph(f"And {len(block.items) - MOST:,} more.", "quiet")
        elif isinstance(block, Items):
            yield Items(tuple(_short(item) for item in block.items))
        elif isinstance(block, Table) and len(block.rows) > 4 * MOST:
            yield Table(block.head, block.rows[: 4 * MOST])
            yield Paragraph(f"And {len(block.rows) - 4 * MOST:,} more.", "quiet")
        else:
            yield block


def _short(item: Item) -> Item:
    return replace(item, inside=tuple(short(item.inside))) if item.inside else item
