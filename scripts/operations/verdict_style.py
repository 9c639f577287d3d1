"""How the verdict's page looks, beyond what every page has."""

from __future__ import annotations

from scripts.operations.page_style import BASE

STYLE = (
    BASE
    + """
.simulated { margin: 1.5rem 0 0; padding: .9rem 1.4rem; border-radius: 10px; color: var(--on-part);
  background: repeating-linear-gradient(135deg, transparent 0 14px, rgba(255, 255, 255, .09) 14px 28px) var(--part);
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.simulated b { display: block; font-size: 1.9rem; line-height: 1.2; letter-spacing: .12em; }
.verdict.not-needed { --edge: var(--runs); } .verdict.needed { --edge: var(--jit); }
.verdict.undecided { --edge: var(--quiet); } .verdict.broken { --edge: var(--bad); }
.verdict.not-applicable { --edge: var(--major); }
.verdict > div { flex: 1; } .verdict .kind { color: var(--edge); }
.verdict .predicted { padding-top: .6rem; margin-top: .8rem; border-top: 1px solid var(--line); }
.why { margin: 0; padding-left: 1.2rem; overflow-wrap: anywhere; } .why li { padding: .15rem 0; }
.why code { color: var(--quiet); } .log small code { font-size: 1em; }
.key.passed, .key.yes { background: var(--runs); color: var(--on-runs); }
.key.failed, .key.crashed, .key.hung, .key.killed { background: var(--bad); color: var(--paper); }
.key.skipped, .key.no { background: var(--line); color: var(--quiet); }
.key { margin-right: .35rem; } .log th, .outcome { white-space: nowrap; }
.log td, .log th { overflow-wrap: anywhere; } .log td:last-child { width: 62%; padding-right: 0; }
.legend { display: flex; flex-wrap: wrap; gap: .35rem 1.5rem; margin: .75rem 0 0; padding: 0; list-style: none;
  color: var(--quiet); font-size: .85rem; }
@media (max-width: 560px) { table { min-width: 0; } thead { display: none; }
  tr { display: block; padding: .55rem 0; border-bottom: 1px solid var(--line); }
  td, th { display: block; padding: .1rem 0; border: 0; } .number { text-align: left; }
  .log td:not(:last-child) { display: inline-block; margin-right: .8rem; } .log td:last-child { width: auto; }
  .simulated b { font-size: 1.5rem; letter-spacing: .08em; } }
@media print { body { font-size: 12px; } h2 { break-after: avoid; } table { min-width: 0; } tr { break-inside: avoid; }
  .scroll { overflow: visible; } .key { border: 1px solid var(--line); } }
"""
)
