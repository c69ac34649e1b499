"""evidence.html: the evidence of a run for people, as one document that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from handrail.reporting import evidence_pages as pages
from handrail.reporting.evidence import Gathered
from handrail.reporting.evidence_steps import lane_lines, wrong_lines
from handrail.reporting.evidence_style import STYLE
from handrail.reporting.html import document, escape, inline, render
from handrail.reporting.page import Block, Rows

Part = Callable[[Gathered], Iterator[Block]]

_ELSEWHERE = {
    "twin": "It ran on a twin, a pretend estate: nothing real was touched.",
    "lab": "It ran on hosts of a lab that stood for those of the estate.",
}
_BEGIN, _END = "<main>", "</main>"

_PARTS: tuple[tuple[str, str, Part], ...] = (
    ("approved", "What was approved", pages.approved_blocks),
    ("found", "What was found", pages.found_blocks),
    ("rehearsed", "What was rehearsed", pages.rehearsed_blocks),
    ("people", "Who did what, and when", pages.people_blocks),
)
_AFTER: tuple[tuple[str, str, Part], ...] = (
    ("after", "Before and after", pages.after_blocks),
    ("customised", "What became of customisations", pages.customised_blocks),
    ("points", "Restore points and their proofs", pages.point_blocks),
    ("verified", "What was verified later", pages.verified_blocks),
    ("back", "The way back", pages.back_blocks),
)


def html_lines(found: Gathered, names: str) -> Iterator[str]:
    """The lines of the document. `names`: the digest by which it names the JSON that it goes with."""
    named = f'<meta name="handrail-evidence" content="{escape(names)}">'
    yield from document(pages.title_of(found), STYLE, _body(found, names), head=[named])


def body_of(text: str) -> str:
    """What stands in the main part of a document that `html_lines` made, for a page with a frame of its own."""
    return text.partition(f"\n{_BEGIN}\n")[2].rpartition(f"\n{_END}\n")[0]


def _body(found: Gathered, names: str) -> Iterator[str]:
    yield _BEGIN
    yield from _head(found)
    yield '<nav aria-label="Contents"><ol>'
    done = ("done", "What was done and seen")
    for id, title in (*((id, title) for id, title, _ in _PARTS), done, *((id, title) for id, title, _ in _AFTER)):
        yield f'<li><a href="#{id}">{title}</a></li>'
    yield '<li><a href="#chains">The chains, and how to check them</a></li></ol></nav>'
    for id, title, part in _PARTS:
        yield from _section(id, title, render(part(found), deeper=0))
    yield from _section(*done, _done(found))
    for id, title, part in _AFTER:
        yield from _section(id, title, render(part(found)))
    yield from _section("chains", "The chains, and how to check them", render(pages.chain_blocks(found, names)))
    yield _END


def _section(id: str, title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f'<section id="{id}" aria-labelledby="{id}-title"><h2 id="{id}-title">{title}</h2>'
    yield from lines
    yield "</section>"


def _head(found: Gathered) -> Iterator[str]:
    run, made = found.header.run, found.header.made
    says, tone = pages.state_of(found)
    yield f"<header><h1>{escape(pages.title_of(found))}</h1>"
    yield f'<p class="verdict {tone}">{inline(says)}</p>'
    if run["target"] in _ELSEWHERE:
        yield f'<p class="verdict warn">{_ELSEWHERE[str(run["target"])]}</p>'
    counts: dict[str, int] = {}
    for one in found.status.steps:
        counts[one.state] = counts.get(one.state, 0) + 1
    yield from render(
        [
            Rows(
                (
                    ("estate", str(run["estate"])),
                    ("plan", str(run["plan"])),
                    ("began", f"{pages.moment(str(run['created']))} UTC, by {run['who']}"),
                    ("last event", f"{pages.moment(found.last)} UTC"),
                    ("steps", ", ".join(f"{number:,} {state}" for state, number in counts.items())),
                    ("events", f"{found.count:,}"),
                    ("written", f"{pages.moment(str(made['at']))} UTC, by {made['by']}, Handrail {made['handrail']}"),
                )
            )
        ]
    )
    yield from render(pages.standing(found))
    yield "</header>"


def _done(found: Gathered) -> Iterator[str]:
    yield "<p>Every step is looked at before and after it acts; only what was seen afterwards decides. Each entry below"
    yield "is an event of the journal, by its number in evidence.json. Times are in UTC.</p>"
    yield from render(pages.remedy_blocks(found))
    folded = any(lane.like for lane in found.lanes)
    if folded:
        yield '<p class="warn">Hosts with the same steps are told as one, by the first of them. evidence.json holds'
        yield "every event of every host; failures and doubts of all hosts stand below.</p>"
    for lane in found.lanes:
        yield from lane_lines(found, lane)
    others = [id for id in found.wrong if id not in found.shown]
    if others:
        yield f"<h3>Failures and doubts on the other hosts ({len(others):,} steps)</h3>"
        yield from wrong_lines(found)
