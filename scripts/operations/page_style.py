"""How a page of ours looks: light and dark by the reader's setting, narrow and wide, on paper too."""

from __future__ import annotations

BASE = """
:root { --paper: #fbfbf9; --card: #ffffff; --ink: #1b1f24; --quiet: #5d6570; --line: #dfe2e6;
  --runs: #1f7a4d; --major: #2f6fb3; --jit: #b7791f; --no: #d5d8dd; --bad: #b3261e; --part: #7a4fa3; --on-part: #ffffff;
  --on-runs: #ffffff; --on-major: #ffffff; --on-jit: #1b1300; --on-no: #343a42; --hatch: #c0c5cc; --dot: #8a5a10; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --card: #1c2026; --ink: #e8eaed; --quiet: #9aa3ad; --line: #323840;
    --runs: #46b07c; --major: #6aa6e6; --jit: #e0a64a; --no: #3a414a; --bad: #ff8a80;
    --part: #b493dc; --on-part: #180a26;
    --on-runs: #04170d; --on-major: #061728; --on-jit: #1b1300; --on-no: #c3cad2; --hatch: #4b535d; --dot: #a8752a; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
.eyebrow { margin: 0; color: var(--quiet); font-size: .8rem; letter-spacing: .12em; text-transform: uppercase; }
h1 { margin: .1rem 0 0; font-size: 2.1rem; line-height: 1.2; overflow-wrap: anywhere; }
h1 span { color: var(--quiet); font-weight: 400; }
h2 { margin: 0 0 .5rem; font-size: 1.15rem; }
code, .file { font-family: ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: .9em; }
.file { margin: .35rem 0 0; color: var(--quiet); overflow-wrap: anywhere; }
section { margin-top: 2.25rem; }
.lead { margin: 0 0 1rem; color: var(--quiet); max-width: 70ch; }
.verdict { display: flex; gap: 1.1rem; margin-top: 1.5rem; padding: 1.25rem 1.4rem; background: var(--card);
  border: 1px solid var(--line); border-left: 6px solid var(--edge); border-radius: 10px; }
.verdict h2 { font-size: 1.4rem; margin: 0; }
.verdict h2 span { color: var(--quiet); font-weight: 400; }
.verdict p { margin: .35rem 0 0; overflow-wrap: anywhere; }
.verdict .sign { margin: 0; font-size: 1.8rem; line-height: 1.2; color: var(--edge); }
.scroll { overflow-x: auto; }
.key { flex: none; display: inline-block; width: 1.5em; text-align: center; border-radius: 4px; font-weight: 600; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .45rem 1.5rem; margin: 0; padding: 1.1rem 1.4rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.facts dt { color: var(--quiet); } .facts dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; min-width: 760px; border-collapse: collapse; font-size: .92rem; }
th, td { padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 400; white-space: nowrap; }
tbody th { font-weight: 400; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
small { display: block; color: var(--quiet); font-size: .85em; }
details { margin-top: 1rem; } summary { cursor: pointer; color: var(--quiet); }
.quiet { color: var(--quiet); } .bad { color: var(--bad); }
ul.problem, ul.note { margin: 0; padding-left: 1.2rem; overflow-wrap: anywhere; }
ul.problem li { color: var(--bad); }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem; }
@media (max-width: 560px) { .facts { grid-template-columns: 1fr; gap: .1rem; } .facts dd { margin-bottom: .6rem; }
  h1 { font-size: 1.6rem; } main { padding-top: 1.5rem; } }
@media print { body { background: #fff; } .verdict, .facts { break-inside: avoid; } }
"""
"""What every page has: colours, text, the card of the answer, facts, tables, lists."""
