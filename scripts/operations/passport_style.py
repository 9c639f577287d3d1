"""How the passport's page looks, beyond what every page has."""

from __future__ import annotations

from scripts.operations.page_style import BASE

STYLE = (
    BASE
    + """
.verdict .rule { color: var(--quiet); font-size: .88rem; }
.verdict .unsound { color: var(--bad); font-weight: 600; }
.verdict.runs { --edge: var(--runs); } .verdict.major { --edge: var(--major); } .verdict.jit { --edge: var(--jit); }
.verdict.no { --edge: var(--bad); } .verdict.unknown { --edge: var(--quiet); }
.verdict.part { --edge: var(--part); }
.chart { display: block; width: 100%; min-width: 720px; height: auto; font-size: 13px; }
.chart text { fill: var(--ink); } .chart .strong { font-weight: 600; font-size: 14px; }
.chart .quiet { fill: var(--quiet); }
.chart rect.runs { fill: var(--runs); } .chart rect.major { fill: var(--major); } .chart rect.jit { fill: var(--jit); }
.chart rect.no { fill: var(--no); } .chart rect.hatch { fill: var(--hatch); } .chart circle.dot { fill: var(--dot); }
.chart text.on-runs { fill: var(--on-runs); } .chart text.on-major { fill: var(--on-major); }
.chart text.on-jit { fill: var(--on-jit); } .chart text.on-no { fill: var(--on-no); }
.chart text[class^="on-"] { font-size: 12px; font-weight: 600; }
.legend { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: .35rem 1.5rem;
  margin: .5rem 0 0; padding: 0; list-style: none; font-size: .9rem; }
.legend li { display: flex; gap: .6rem; align-items: baseline; }
.key.runs { background: var(--runs); color: var(--on-runs); }
.key.major { background: var(--major); color: var(--on-major); }
.key.part { background: var(--part); color: var(--on-part); }
.key.unknown { background: var(--line); color: var(--quiet); }
.key.jit { color: var(--on-jit);
  background: radial-gradient(var(--dot) 1px, transparent 1.3px) 0 0/6px 6px var(--jit); }
.key.no { color: var(--on-no);
  background: repeating-linear-gradient(45deg, var(--hatch) 0 2px, var(--no) 2px 6px); }
td:last-child { white-space: nowrap; }
.plain { columns: 2; column-gap: 2rem; margin: .6rem 0 0; padding: 0; list-style: none; font-size: .88rem; }
.plain li { break-inside: avoid; overflow-wrap: anywhere; padding: .12rem 0; }
@media (max-width: 560px) { .plain { columns: 1; } .legend { grid-template-columns: 1fr; } }
"""
)
