"""A rehearsal as one page that needs nothing else: no script, no other file, light or dark as its reader likes."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.rehearsing.results import Case, Rehearsal, Result, failures_of
from handrail.reporting import words
from handrail.reporting.html import document, escape
from handrail.reporting.rehearsal import Part, Row, command, led_to, parts, sampled, tone, unknown, verdict, worst

_SIGNS: dict[Result, tuple[str, str]] = {
    "pass": ("✓", "passed"),
    "no-way-back-as-planned": ("↦", "no way back, as planned"),
    "not-rehearsed": ("?", "not rehearsed"),
    "fail": ("✗", "failed"),
}

_TONES: dict[Result, str] = {
    "pass": "good",
    "no-way-back-as-planned": "warn",
    "not-rehearsed": "warn",
    "fail": "bad",
}

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --quiet: #66717f; --faint: #b4bbc4; --paper: #fbfbf9; --line: #dfe2e6;
  --card: #fff;
  --good: #1b7f4b; --good-back: #e3f4ea; --bad: #b3261e; --bad-back: #fde7e5; --warn: #8a5a00; --warn-back: #fdf1d8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --quiet: #98a2ae; --faint: #4b5561; --paper: #14181d;
  --line: #2c333c;
  --card: #1b2027; --good: #6fd39b; --good-back: #173526; --bad: #ff8f85; --bad-back: #4a1b18; --warn: #f0c36a;
  --warn-back: #40310f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
code, .id { font: 13px/1.45 ui-monospace, Consolas, monospace; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); } p { margin: .4rem 0; }
.sums { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.sums li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; }
.sums b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.verdict { border-left: 4px solid; padding: .5rem .9rem; border-radius: .25rem; }
.good { color: var(--good); background: var(--good-back); } .bad { color: var(--bad); background: var(--bad-back); }
.warn { color: var(--warn); background: var(--warn-back); } .sums .good, .sums .bad, .sums .warn { background: none; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
table { border-collapse: separate; border-spacing: 0; font-size: 13px; width: 100%; }
th, td { padding: .2rem 0; border-bottom: 1px solid var(--line); text-align: center; }
tbody tr:last-child > * { border-bottom: 0; } tbody tr:hover > * { background-color: var(--paper); }
th.step { text-align: left; font-weight: 400; white-space: nowrap; position: sticky; left: 0; background: var(--card);
  width: 100%; padding: .2rem .75rem; }
th.step div { display: flex; gap: .75rem; align-items: baseline; }
th.step .title { flex: 1 1 0; width: 0; overflow: hidden; text-overflow: ellipsis; }
th.fault, td { min-width: 2.1rem; }
th.fault { height: 10.25rem; vertical-align: bottom; font-weight: 500; padding-bottom: .5rem; }
th.fault span { writing-mode: vertical-rl; transform: rotate(180deg); }
td.pass { color: var(--good); } td.fail { color: var(--bad); background: var(--bad-back); font-weight: 700; }
td.no-way-back-as-planned, td.not-rehearsed { color: var(--warn); background: var(--warn-back); }
td.none { color: var(--faint); }
.signs { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .4rem 0 1rem; list-style: none; }
.signs b { display: inline-block; width: 1.5rem; text-align: center; border-radius: .25rem; margin-right: .35rem; }
dl { display: grid; grid-template-columns: minmax(12rem, max-content) 1fr; gap: .15rem 1rem; } dd { margin: 0; }
.case { border: 1px solid var(--line); border-radius: .5rem; background: var(--card); margin: .75rem 0;
  padding: .6rem 1rem; overflow-wrap: anywhere; }
dt, dd { overflow-wrap: anywhere; } pre { overflow-x: auto; margin: .4rem 0; } summary { cursor: pointer; }
@media (max-width: 40rem) { body { padding: 1.25rem .75rem 3rem; } dl { display: block; } dd { margin: 0 0 .6rem; }
  th.step { white-space: normal; min-width: 7.5rem; max-width: 9rem; padding: .2rem .5rem; overflow-wrap: anywhere; }
  th.step .id { font-size: 12px; } th.step .title { display: none; } th.step div { display: block; }
  .case { padding: .5rem .75rem; } pre { white-space: pre-wrap; } }
@media print { .wide { overflow: visible; } body { max-width: none; } }
"""


def render(rehearsal: Rehearsal, plan_file: str) -> str:
    title = f"Rehearsal of the plan for {rehearsal.estate}"
    return "\n".join(document(title, _STYLE, _body(title, rehearsal, plan_file))) + "\n"


def _body(title: str, rehearsal: Rehearsal, plan_file: str) -> Iterator[str]:
    yield f'<h1>{escape(title)}</h1>\n<p class="quiet id">Plan {escape(rehearsal.plan)}</p>'
    yield f'<p class="verdict {tone(rehearsal)}">{escape(verdict(rehearsal))}</p>'
    if rehearsal.sampled:
        yield f"<p>{escape(sampled(rehearsal))}</p>"
    if rehearsal.unfaulted:
        yield f"<p>{escape(rehearsal.unfaulted)}</p>"
        return
    yield from _sums(rehearsal)
    yield from _failures(rehearsal, plan_file)
    if rehearsal.faults:
        yield "<h2>Steps by faults</h2>"
        yield '<p class="quiet">Every step was hit by every fault that can befall it. After each the run was gone on'
        yield "with to its end, and, separately, taken back. The judge is the twin's own ground truth.</p>"
        yield from _legend(rehearsal)
        for part in parts(rehearsal):
            yield from _part(part, rehearsal)
        yield "<h2>The faults</h2>\n<dl>"
        for name, says in rehearsal.faults.items():
            yield f'<dt class="id">{escape(name)}</dt><dd>At this step {escape(says)}.</dd>'
        yield "</dl>"
    yield from _not_rehearsed(rehearsal)
    yield '<p class="quiet">A twin shows what its mechanisms show and no more; the README says what they leave out.</p>'


def _sums(rehearsal: Rehearsal) -> Iterator[str]:
    counts = rehearsal.counts
    tried = len({one.step for one in rehearsal.cases if one.of == "plan"} - rehearsal.not_rehearsed.keys())
    yield '<ul class="sums">'
    yield f"<li><b>{len(rehearsal.steps):,}</b> steps, {tried:,} tried</li>"
    yield f'<li class="good"><b>{counts.passed:,}</b> cases passed</li>'
    yield f'<li class="{"bad" if counts.failed else "good"}"><b>{counts.failed:,}</b> failed</li>'
    if counts.as_planned:
        yield f'<li class="warn"><b>{counts.as_planned:,}</b> no way back, as planned</li>'
    if counts.not_rehearsed:
        yield f'<li class="warn"><b>{counts.not_rehearsed:,}</b> not rehearsed</li>'
    yield "</ul>"


def _legend(rehearsal: Rehearsal) -> Iterator[str]:
    """What the signs mean that are in the matrix."""
    seen = {one.result for one in rehearsal.cases}
    yield '<ul class="signs">'
    for result, (sign, says) in _SIGNS.items():
        if result in seen:
            yield f'<li><b class="{_TONES[result]}">{sign}</b>{says}</li>'
    yield '<li><b class="quiet">·</b>cannot happen there</li></ul>'


def _part(part: Part, rehearsal: Rehearsal) -> Iterator[str]:
    rows = [row for row in part.rows if not row.because]
    if not rows:
        return
    back = "going back: " if part.back else ""
    yield f'<h3 class="id">{back}{escape(part.title)}</h3>'
    yield '<div class="wide"><table>\n<thead><tr><th class="step"></th>'
    yield "".join(f'<th class="fault" scope="col"><span>{escape(name)}</span></th>' for name in rehearsal.faults)
    yield "</tr></thead>\n<tbody>"
    for row in rows:
        head = f'<th class="step" scope="row" title="{escape(row.title)}"><div>{_name(row)}</div></th>'
        yield f"<tr>{head}{_cells(row, rehearsal)}</tr>"
    yield "</tbody></table></div>"


def _name(row: Row) -> str:
    more = f' <span class="quiet">and {words.count(row.others, "other")} like it</span>' if row.others else ""
    title = f'<span class="title quiet">{escape(row.title)}</span>' if row.title else ""
    return f'<span class="id">{escape(row.step.rpartition("/")[2])}</span>{more}{title}'


def _cells(row: Row, rehearsal: Rehearsal) -> str:
    return "".join(_cell(row.cells.get(name, ())) for name in rehearsal.faults)


def _cell(cases: tuple[Case, ...]) -> str:
    if not cases:
        return '<td class="none" title="cannot happen here">·</td>'
    result = worst(cases)
    sign, says = _SIGNS[result]
    told = "; ".join(f"then {one.then}: {_SIGNS[one.result][1]}" for one in cases)
    return f'<td class="{result}" title="{escape(told)}" aria-label="{says}">{sign}</td>'


def _failures(rehearsal: Rehearsal, plan_file: str) -> Iterator[str]:
    found = failures_of(rehearsal.cases)
    if not found:
        return
    yield "<h2>What failed</h2>"
    for one in found:
        case = one.case
        yield f'<div class="case"><p><span class="id">{escape(case.step)}</span></p>'
        yield f"<p><b>{escape(led_to(one))}</b>: {escape(case.because)}</p>"
        if case.story:
            told = "".join(f"<li>{escape(line)}</li>" for line in case.story)
            yield f"<details><summary>What happened</summary><ol>{told}</ol></details>"
        yield f"<pre><code>{escape(command(case, plan_file))}</code></pre></div>"


def _not_rehearsed(rehearsal: Rehearsal) -> Iterator[str]:
    found = unknown(rehearsal)
    if not found:
        return
    yield "<h2>Not rehearsed</h2>\n<dl>"
    for what, because in found:
        yield f'<dt class="id">{escape(what)}</dt><dd>{escape(because)}</dd>'
    yield "</dl>"
