"""The looks of evidence and of runbooks as HTML: on a screen, wide or narrow, light or dark, and on paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --quiet: #5d6773; --paper: #fbfbf9; --line: #dfe2e6; --card: #fff;
  --link: #1d5fa8; --good: #1b7043; --good-back: #e3f4ea; --bad: #b3261e; --bad-back: #fde7e5; --warn: #7d5200;
  --warn-back: #fdf1d8; --strong: #1d4f91; --strong-back: #e3edf9; --quiet-back: #eceef1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --quiet: #a3acb7; --paper: #14181d; --line: #2f3640;
  --card: #1b2027; --link: #8fbcf0; --good: #6fd39b; --good-back: #173526; --bad: #ff9c93; --bad-back: #4a1b18;
  --warn: #f0c36a; --warn-back: #40310f; --strong: #9cc4f5; --strong-back: #1b2f48; --quiet-back: #262c34; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif;
  overflow-wrap: anywhere; }
main { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; } h2 { font-size: 1.3rem; margin: 0 0 .75rem; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; } h4 { font-size: .95rem; margin: 0 0 .4rem; }
section { border-top: 2px solid var(--line); margin-top: 2.5rem; padding-top: 1.25rem; }
p { margin: .5rem 0; max-width: 50rem; } a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code, pre { font: 12.5px/1.5 ui-monospace, Consolas, monospace; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: .35rem; padding: .5rem .75rem;
  margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); } p.good { color: var(--good); }
p.bad { color: var(--bad); } p.warn { color: var(--warn); }
.verdict { border-left: 4px solid; padding: .5rem .9rem; border-radius: .25rem; max-width: none; }
.verdict.good { background: var(--good-back); } .verdict.bad { background: var(--bad-back); }
.verdict.warn { background: var(--warn-back); }
.mark { display: inline-block; font-size: 12px; font-weight: 600; line-height: 1.5; padding: 0 .45rem;
  border-radius: .25rem; background: var(--quiet-back); color: var(--quiet); white-space: nowrap; }
.mark.good { color: var(--good); background: var(--good-back); }
.mark.bad { color: var(--bad); background: var(--bad-back); }
.mark.warn { color: var(--warn); background: var(--warn-back); }
.mark.strong { color: var(--strong); background: var(--strong-back); }
h4 .mark { margin-left: .6rem; }
dl.rows { margin: .4rem 0; } dl.rows > div { display: grid; grid-template-columns: 9rem 1fr; gap: .75rem; }
dt { color: var(--quiet); } dd { margin: 0; }
ul, ol { padding-left: 1.4rem; } ul.marked { list-style: none; padding: 0; } li { margin: .35rem 0; }
nav ol { columns: 2; margin: 1.25rem 0 0; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--card);
  margin: .6rem 0; }
table { border-collapse: collapse; font-size: 13.5px; width: 100%; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  min-width: 5rem; }
thead th { background: var(--quiet-back); font-weight: 600; } tbody th { font-weight: 500; min-width: 8rem; }
tbody tr:last-child > * { border-bottom: 0; } td:nth-last-child(-n+2) { min-width: 11rem; }
table.steps tbody th { min-width: 2rem; color: var(--quiet); text-align: right; }
table.steps td:nth-child(2) { min-width: 14rem; }
table.steps th:first-child { min-width: 2.75rem; white-space: nowrap; }
table.steps td:nth-child(3) { min-width: 5.5rem; }
table.steps td:nth-child(4), table.steps td:nth-child(5) { white-space: nowrap;
  min-width: 4rem; font-variant-numeric: tabular-nums; }
article.step { border: 1px solid var(--line); border-radius: .5rem; background: var(--card);
  margin: .75rem 0; padding: .75rem 1rem; }
ol.events { list-style: none; padding: 0; margin: .5rem 0 0; }
ol.events > li { border-top: 1px solid var(--line); padding-top: .5rem; }
.when { margin: 0; font-variant-numeric: tabular-nums; } .when .quiet { margin-left: .6rem; }
summary { cursor: pointer; color: var(--quiet); }
@media (max-width: 40rem) { main { padding: 1.25rem .75rem 3rem; } h1 { font-size: 1.3rem; } nav ol { columns: 1; }
  dl.rows > div { grid-template-columns: 1fr; gap: 0; margin-bottom: .35rem; } td:last-child { min-width: 17rem; }
  article.step { padding: .6rem .7rem; } }
@media print {
  :root { color-scheme: light; --ink: #000; --quiet: #444; --paper: #fff; --line: #bbb; --card: #fff; --link: #000;
    --good: #124a2d; --bad: #8c1d17; --warn: #5c3c00; --strong: #143a6b; --good-back: #fff; --bad-back: #fff;
    --warn-back: #fff; --strong-back: #fff; --quiet-back: #fff; }
  @page { margin: 16mm 14mm; }
  body { font-size: 9.5pt; } main { max-width: none; padding: 0; } table, code, pre { font-size: 8pt; }
  nav { display: none; } .wide { overflow: visible; border-radius: 0; }
  thead { display: table-header-group; } tr, .when, pre { break-inside: avoid; }
  th, td, td:nth-last-child(-n+2), table.steps td:nth-child(2) { min-width: 5.8em; padding: .2rem .35rem; }
  thead th { white-space: nowrap; overflow-wrap: normal; }
  table.steps td:nth-child(4), table.steps td:nth-child(5) { white-space: normal; }
  table.steps td:nth-child(2) { width: 32%; } tbody th { min-width: 5.8em; }
  h1, h2, h3, h4, .when { break-after: avoid; }
  section { margin-top: 1.5rem; padding-top: .75rem; } h2, h3 { break-after: avoid; }
  #done, #after, #chains { break-before: page; border-top: 0; margin-top: 0; padding-top: 0; }
  .mark { border: 1px solid; } details > summary { list-style: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""
