"""The parts of evidence that are pages like others: what was approved and found, before and after, the chains."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from handrail.comparing.fates import Fate
from handrail.documents.evidence_signature import NAMESPACE, read_public
from handrail.model.plan import Plan
from handrail.reporting import words
from handrail.reporting.custody import custody_blocks
from handrail.reporting.drift import drift_blocks
from handrail.reporting.evidence import (
    Gathered,
    acts,
    assets,
    chains,
    customisations,
    installations,
    remedies,
    restore_points,
)
from handrail.reporting.fates import fate_blocks
from handrail.reporting.findings import aim_rows, finding_blocks
from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph, Rows, Table
from handrail.reporting.plan import erratum_blocks, hop_items, way_back_blocks
from handrail.reporting.run import STATES, TONES
from handrail.reporting.waves import standing_blocks, wave_blocks

T = TypeVar("T")

FULL = 60
"""Rows of a table up to which each is shown by itself; beyond, those that differ only in names are one."""

LANES = 200
"""Chains that are listed one by one; evidence.json has all of them."""

_DOES: Mapping[str, str] = {
    "created": "began the run",
    "taken": "carried it on",
    "agreed": "said yes, as the first of two",
    "answered": "answered",
    "drifted": "was refused: what the plan rests on had changed",
    "verified": "looked at it again",
    "going-back": "had a run made that takes it back",
    "taken-back": "the way back came to its end",
    "moved": "moved it to another store",
    "arrived": "had it arrive from another store",
    "ended": "the run ended",
}


def moment(at: str | None) -> str:
    """To the second: `2026-11-20 22:05:07`, in UTC."""
    return at[:19].replace("T", " ") if at else ""


def approved_blocks(found: Gathered) -> Iterator[Block]:
    plan = found.plan
    yield Paragraph(
        "A plan is frozen before anybody approves it. Its digest is that of everything in it: with one word changed "
        "it would be another."
    )
    yield Rows((("plan", plan.digest), *aim_rows(plan.aim), *_guides(plan)))
    given = found.header.approved()
    if given:
        yield Table(("approved by", "at (UTC)", "note"), tuple((one.who, moment(one.at), one.note) for one in given))
    elif found.header.run["target"] == "hosts":
        yield Paragraph("Nobody approved it by name, and its estate demanded no approval.", "warn")
    else:
        yield Paragraph("Nobody approved it by name. A run on a twin or in a lab needs no approval.", "quiet")
    demanded = plan.estate.approvers
    if demanded:
        yield Paragraph(f"Its estate demands {words.count(demanded, 'approval')}.")
    if plan.hops:
        yield Heading("Hops", 3)
        yield Items(tuple(hop_items(plan.hops)))
    yield from wave_blocks(plan)
    if len(plan.steps) <= 2_000:
        yield from way_back_blocks(found.outline, 3)
    elif plan.point_of_no_return is None:
        yield Paragraph("Point of no return: none. Every step of this plan has a way back.", "good")
    else:
        yield Paragraph(f"Point of no return: {found.outline.name(plan.point_of_no_return)}.", "bad")
    yield from erratum_blocks(found.outline, 3)


def _guides(plan: Plan) -> Iterator[tuple[str, str]]:
    for guide in plan.guides:
        yield f"guide {guide.name}", guide.digest


def found_blocks(found: Gathered) -> Iterator[Block]:
    accepted = [one for one in found.plan.findings if one.accepted]
    if not found.plan.findings:
        yield Paragraph("Nothing was found that anybody had to know.", "good")
        return
    yield Paragraph("What was found before the plan was made, each with the document that says so.")
    if accepted:
        names = words.listed(sorted({one.rule for one in accepted}), 20)
        yield Paragraph(f"Accepted by name: {names}.", "warn")
    yield from finding_blocks(found.plan.findings, 3)


def rehearsed_blocks(found: Gathered) -> Iterator[Block]:
    rehearsal = found.header.rehearsal
    if rehearsal is None:
        yield Paragraph("No rehearsal was given with this report.", "quiet")
        return
    cases: Sequence[Mapping[str, Any]] = rehearsal.get("cases", ())
    counts: dict[str, int] = {}
    for one in cases:
        counts[str(one.get("result"))] = counts.get(str(one.get("result")), 0) + 1
    yield Paragraph(
        "The plan was carried out on a twin that was broken on purpose. A twin shows what its mechanisms show and no "
        "more; this file was handed in with the report, and no chain covers it."
    )
    if rehearsal.get("unfaulted"):
        yield Paragraph(str(rehearsal["unfaulted"]), "bad")
    yield Rows(tuple((name, f"{words.count(number, 'case')}") for name, number in sorted(counts.items())))
    failed = [one for one in cases if one.get("result") == "fail"]
    if failed:
        items = [
            Item(f"{one.get('step')}, {one.get('fault')}, then {one.get('then')}: {one.get('because')}", "fail", "bad")
            for one in failed[:FULL]
        ]
        yield Items(tuple(items))
        if len(failed) > FULL:
            yield Paragraph(f"And {len(failed) - FULL:,} more, in evidence.json.")


def people_blocks(found: Gathered) -> Iterator[Block]:
    """Who did what when, and what happened to the run as a whole."""
    rows = []
    drifted = []
    for one in acts(found):
        kind = str(one["kind"])
        did = _DOES.get(kind, kind)
        if kind in ("answered", "agreed"):
            did = f"{did}: {one.get('answer')}"
        if kind == "taken" and one.get("lanes"):
            did = f"{did} ({one['lanes']:,} lanes)"
        if kind == "ended":
            did = f"{did}: {one.get('state')}"
        if kind == "drifted":
            drifted.append(one)
        if kind == "taken" and one.get("because") == "moved":
            did = did.replace("carried it on", "took it from its workers, to move it")
        other = one.get("by") or one.get("to") or one.get("from") or ""
        about = found.outline.name(str(one["step"])) if one.get("step") else str(other)
        rows.append((moment(one["at"]), str(one.get("who") or "-"), did, about, str(one.get("note") or "")))
    if len(rows) > 10 * FULL:
        yield Paragraph(f"The first {10 * FULL:,} of {len(rows):,}; evidence.json has all of them.", "warn")
    yield Table(("at (UTC)", "who", "did", "about", "note"), tuple(rows[: 10 * FULL]))
    if any(who == "played" for _, who, *_ in rows):
        yield Paragraph("`played`: on a twin, what people do and answer is played.", "quiet")
    for one in drifted:
        yield Paragraph(f"{moment(one['at'])}, {one.get('who')}: it was refused to go on.", "bad")
        yield from (block for block in drift_blocks(one) if not isinstance(block, Heading))


def remedy_blocks(found: Gathered) -> Iterator[Block]:
    items = []
    for one in remedies(found):
        by = tuple((found.outline.name(step["step"]), str(step["state"])) for step in one["by"])
        text = f"{found.outline.name(one['step'])} failed with {one['error']}"
        again = f", {one['times']} times" if one["times"] > 1 else ""
        items.append(Item(f"{text}{again}. {one['says']}".strip(), "known", "warn", (Rows(by),)))
    if items:
        yield Heading("Known errors, and what was done about them", 3)
        yield Items(tuple(items[:FULL]))
        if len(items) > FULL:
            yield Paragraph(f"And {len(items) - FULL:,} more, in evidence.json.")


def after_blocks(found: Gathered) -> Iterator[Block]:
    """Builds and assets, before and after."""
    if found.status.state == "rolled-back":
        yield Paragraph(
            f"What stands here was taken back by run {found.status.taken_back_by}; its own evidence tells of that.",
            "warn",
        )
    rows = []
    for one in installations(found):
        seen = one["seen_after"] or one["seen_before"]
        last = f"{moment(seen['at'])}: {seen['says']}" if seen else "by no step"
        builds = (str(one["before"] or "-"), str(one["planned"] or "-"), str(one["after"] or "-"))
        rows.append((one["installation"], *builds, last))
    if rows:
        yield Heading("Installations", 3)
        head = ("installation", "build before", "planned", "build after", "last seen")
        yield _folded(head, rows)
    told = []
    for one in assets(found):
        begun = [by for by in one["changed_by"] if by["state"] not in ("pending", "skipped")]
        after = [str(seen["says"]) for seen in one["seen_after"] if seen["says"]]
        told.append(
            (
                words.asset(one["asset"]),
                f"{words.count(len(one['restore_points']), 'restore point')}",
                words.listed([f"{by['step'].partition('/')[2]} ({by['state']})" for by in begun]) or "by no step",
                "; ".join(dict.fromkeys(after)) or "-",
            )
        )
    if told:
        yield Heading("Assets", 3)
        yield _folded(("asset", "before", "may have been changed", "seen after that"), told)


def customised_blocks(found: Gathered) -> Iterator[Block]:
    fates = []
    for row in customisations(found):
        names = ("asset", "item", "fate", "was", "is_now", "because", "what_to_do")
        fates.append((str(row["host"] or "-"), Fate(*(row[name] for name in names))))
    if not fates:
        yield Paragraph("No step told of a customisation.", "quiet")
    yield from (block for block in fate_blocks(fates) if not isinstance(block, Heading))


def point_blocks(found: Gathered) -> Iterator[Block]:
    rows = []
    for one in restore_points(found):
        proofs = [f"{proof['state']} {moment(proof['at'])}: {proof['says']}" for proof in one["proofs"]]
        rows.append(
            (
                words.listed([words.asset(asset) for asset in one["assets"]]),
                str(one["state"]),
                moment(one["at"]),
                ", ".join(f"{name} {_value(value)}" for name, value in one["is"].items()) or "-",
                "; ".join(proofs) or "by no step",
            )
        )
    if not rows:
        yield Paragraph("The plan makes no restore point.", "quiet")
        return
    yield Paragraph("A backup counts as a restore point only once a step has proved that it can be used.")
    yield _folded(("of", "state", "at (UTC)", "is", "proved"), rows)
    if len(found.plan.steps) <= 2_000:
        yield from _lower(custody_blocks(found.status, found.plan))


def verified_blocks(found: Gathered) -> Iterator[Block]:
    looks = [one for one in acts(found) if one["kind"] == "verified"]
    if not looks:
        yield Paragraph("Nobody has looked again since (`handrail verify`) when this was written.", "quiet")
    for one in looks:
        counts = ", ".join(f"{number:,} {name}" for name, number in one["counts"].items())
        says = "Everything held" if one["holds"] else "Not everything held"
        yield Paragraph(f"{moment(one['at'])}, {one['who']}: {says} ({counts}).", "good" if one["holds"] else "bad")
        if one["wrong"]:
            items = [
                Item(f"{found.outline.name(wrong['step'])}: {wrong.get('because', '')}", str(wrong["verdict"]), "bad")
                for wrong in one["wrong"][:FULL]
            ]
            yield Items(tuple(items))


def back_blocks(found: Gathered) -> Iterator[Block]:
    linked = found.linked
    if linked.takes_back is not None:
        one = linked.takes_back
        yield Paragraph(f"This run takes run {one['run']} back, which {one['who']} began at {moment(one['created'])}.")
        yield Rows((("its plan", str(one["plan"])), ("it stood", str(one["state"]))))
        return
    if not linked.taken_back_by:
        yield Paragraph("No run was made to take this one back.")
    for one in linked.taken_back_by:
        touched = "It has changed things." if one["touched"] else "It has changed nothing."
        yield Paragraph(f"Run {one['run']} was made by {one['who']} at {moment(one['created'])} to take it back.")
        yield Rows((("its plan", str(one["plan"])), ("it stood", f"{one['state']}. {touched}")))


def chain_blocks(found: Gathered, names: str) -> Iterator[Block]:
    yield Paragraph(
        "Nothing here has to be believed because it is written here. The file evidence.json beside this one holds the "
        "plan and every event of the run, in the order in which they were committed. The events of each host are a "
        "chain: each carries the hash of the one before it, and its own hash covers everything in it. Who changes, "
        "drops or adds one event has to make every later hash of its chain anew; and the seals are hashes over the "
        "ends of all chains at one moment."
    )
    rows = [(one["lane"], f"{one['events']:,}", str(one["epoch"]), one["head"]) for one in chains(found)]
    yield Table(("chain", "events", "epoch", "ends with the hash"), tuple(rows[:LANES]))
    if len(rows) > LANES:
        yield Paragraph(f"And {len(rows) - LANES:,} more chains, in evidence.json.")
    if found.seals:
        last, at, heads = found.seals[-1]
        yield Paragraph(
            f"{words.count(len(found.seals), 'seal')}; the last is event {last:,} of {found.count:,}, "
            f"{moment(at)} UTC, and says {heads}."
        )
    yield Paragraph(found.ending, "plain" if found.is_sealed else "warn")
    yield Heading("How to check it", 3)
    yield Paragraph("With Handrail, anywhere; neither the store nor the hosts are needed:")
    yield Code(("handrail report --check FOLDER",))
    yield Paragraph("Where the store can be reached, this compares the two:")
    yield Code((f"handrail report {shlex.quote(found.header.id)} --check FOLDER",))
    yield Paragraph(
        "Without it: an event's hash is the SHA-256 of this list as JSON, with sorted keys, no spaces and ASCII only: "
        "run, lane, sequence, epoch, position, at, kind, step, attempt, data, previous. The first `previous` of a "
        "chain is 64 zeros. The plan is the one of the first event when the SHA-256 of the line `plan` (its value) is "
        "that event's `data.document`. docs/evidence.md of Handrail does it in a few lines of Python."
    )
    yield Paragraph("This page goes with that file when the first command prints this digest, and the second nothing:")
    yield Code(
        (
            "sed '/^\"html\":/,$d' evidence.json | sha256sum",
            f"  {names.removeprefix('sha256:')}",
            'grep -L "$(sha256sum < evidence.html | cut -c 1-64)" evidence.json',
        )
    )
    key = found.header.made.get("key")
    if key:
        public = read_public(str(key))
        yield Paragraph(
            f"evidence.json was signed with the key {public.fingerprint}. Ask whoever wrote this, by another way, "
            "whether that is their key; then OpenSSH can check it:"
        )
        yield Code(
            (
                f"echo 'them {public.line}' > signers",
                f"ssh-keygen -Y verify -f signers -I them -n {NAMESPACE} -s evidence.json.sig < evidence.json",
            )
        )
    else:
        yield Paragraph(
            "It is not signed. The chains show every change that does not make everything behind it anew. Somebody "
            "who rewrites all of it, hashes included, cannot be found out by this file alone: compare it with the "
            "store then, or with a copy that was kept elsewhere.",
            "warn",
        )


def state_of(found: Gathered) -> tuple[str, Any]:
    """How the run stood when this was written, in a sentence, and its tone."""
    says, tone = STATES[found.status.state]
    if found.status.state == "running":
        return "It had not ended when this was written. Only what had happened until then is told.", "warn"
    return says, tone


def standing(found: Gathered) -> Iterator[Block]:
    yield from _lower(standing_blocks(found.status, found.plan))


def title_of(found: Gathered) -> str:
    says = {
        "running": "not ended",
        "waiting": "waiting for a person, not ended",
        "failed": "failed",
        "in-doubt": "in doubt",
        "succeeded": "succeeded",
        "rolled-back": "rolled back",
    }
    return f"Evidence of run {found.header.id}: {says[found.status.state]}"


def tone_of(state: str) -> str:
    return TONES.get(state, "plain")


def _lower(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield Heading(block.text, 3) if isinstance(block, Heading) else block


def _folded(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """Of many rows those that differ only in numbers and names of hosts are one."""
    if len(rows) <= FULL:
        return Table(head, tuple(rows))
    groups = group(rows, lambda row: tuple(_WHERE.sub("@", cell) for cell in row))
    shown = [
        (f"{first[0]} and {len(others):,} more like it" if others else first[0], *first[1:])
        for first, *others in groups[:FULL]
    ]
    if len(groups) > FULL:
        shown.append((f"and {len(groups) - FULL:,} more, in evidence.json", *("" for _ in head[1:])))
    return Table(head, tuple(shown))


_WHERE = re.compile(r"@[\w.-]+|[\w.-]*\d[\w.:\\/-]*")


def group(rows: Iterable[T], key: Callable[[T], Any]) -> list[list[T]]:
    """Rows with the same key together, in the order of their first."""
    found: dict[Any, list[T]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
