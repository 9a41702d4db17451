"""One self-contained HTML page about a file's claims and bounds: no network, readable on light and dark screens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from torchlean.analysis.curves import Curve
from torchlean.analysis.result import ClaimResult, FamilyResult, FileAnalysis, UnitResult
from torchlean.command.embedding import Embedding
from torchlean.numbers import lower_text

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 110, 16, 44

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --page: #ffffff; --faint: #667; --line: #d5d9e0;
  --proved: #067a46; --refuted: #b3261e; --unknown: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6eb; --page: #16181d; --faint: #9aa1ad; --line: #383d47;
  --proved: #4cc38a; --refuted: #ff8078; --unknown: #e3b341; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.proved { color: var(--proved); } .refuted { color: var(--refuted); } .unknown { color: var(--unknown); }
.faint { color: var(--faint); } svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 11px; }
details summary { cursor: pointer; margin: 0.6rem 0; }
"""

_SERIES = (("certified", "proved", ""), ("not refuted", "unknown", "6 3"), ("correct", "ink", "2 3"))
"""Name, colour and dashes of each line: certified, what attacks leave, and the samples themselves."""


def page(result: FileAnalysis, name: str, curves: Sequence[Curve], panel: Embedding | None = None) -> str:
    """The whole page.

    Args:
        name: how the page calls the file.
        curves: of its robust families.
        panel: the graphs with their bounds, where there are any.
    """
    claims = [unit for unit in result.units if unit.kind in ("claim", "property")]
    body = [f"<h1>Claims of <code>{escape(name)}</code></h1>"]
    if not claims and not result.families:
        body.append("<p>The file states no claim.</p>")
    if claims:
        body += ["<h2>Claims</h2>", _claims(claims)]
    by_name = {curve.name: curve for curve in curves}
    for family in result.families:
        if not family.facts:
            body += _family(family, by_name.get(family.name))
    if result.diagnostics:
        body += ["<h2>Diagnostics</h2>", _diagnostics(result)]
    if panel is not None:
        body += ["<h2>Bounds of every tensor</h2>", panel.body]
    policy = "default-src 'none'; style-src 'unsafe-inline'" if panel is None else panel.policy
    style = _STYLE if panel is None else _STYLE + panel.style
    title = f"Claims of {escape(name)}"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/><title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n<style>{style}</style></head>\n'
        "<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _claims(claims: Sequence[UnitResult]) -> str:
    rows = []
    for unit in claims:
        inputs = ", ".join(f"{name} ∈ {text}" for name, text in unit.domains)
        head = [f"<code>{escape(unit.name)}</code>", f"<code>{escape(inputs)}</code>"]
        rows.append([*head, *_verdict(unit.claim, unit.failure)])
    return _table(["claim", "for all", "verdict", "evidence", "margin at least", "what was shown"], rows)


def _verdict(claim: ClaimResult | None, failure: str | None = None) -> list[str]:
    """The cells that say what became of a claim."""
    if claim is None:
        return ['<span class="unknown">unknown</span>', "none", "", escape(failure or "not decided in time")]
    mark = f'<span class="{claim.verdict.value}">{claim.verdict.value}</span>'
    margin = "" if claim.margin is None else lower_text(claim.margin)
    return [mark, claim.evidence.value, margin, escape(claim.detail)]


def _family(family: FamilyResult, curve: Curve | None) -> list[str]:
    parts = [
        f"<h2><code>{escape(family.name)}</code> ({escape(family.kind)})</h2>",
        f"<p>{escape(family.text)}</p>",
        f'<p class="faint">{escape(family.detail)}</p>',
    ]
    if curve is not None and len(curve.points) > 1:
        parts += [_plot(curve), _counts(curve)]
    if family.members:
        rows = []
        for index, (name, claim) in enumerate(family.members.items()):
            label = "" if curve is None else str(curve.labels[index])
            rows.append([f"<code>{escape(name)}</code>", label, *_verdict(claim)])
        heads = ["claim", "label", "verdict", "evidence", "margin at least", "what was shown"]
        parts += ['<details open=""><summary>Each sample</summary>', _table(heads, rows), "</details>"]
    return parts


def _counts(curve: Curve) -> str:
    rows = []
    for eps, counts in curve.points:
        numbers = (counts.proved, counts.refuted, counts.total - counts.proved - counts.refuted)
        share = f"{math.floor(1000 * counts.proved / counts.total) / 10:g} %"
        rows.append([f"{eps:g}", *map(str, numbers), share])
    return _table(["eps", "certified", "refuted", "unknown", "certified accuracy"], rows)


def _plot(curve: Curve) -> str:
    """Certified accuracy over the radius, with what attacks leave and the accuracy of the samples themselves."""
    most = curve.points[-1][0] or 1.0
    bottom = HEIGHT - BOTTOM

    def across(eps: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * eps / most

    def up(share: float) -> float:
        return bottom - (bottom - TOP) * share

    caption = f"Accuracy of {curve.name} over eps ({curve.norm})"
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(caption)}">']
    for percent in range(0, 101, 25):
        y = up(percent / 100)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="var(--line)"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>')
    for eps, _ in curve.points:
        parts.append(f'<text x="{across(eps):.1f}" y="{bottom + 16}" text-anchor="middle">{eps:.3g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">eps ({curve.norm})</text>')
    for place, (name, colour, dash) in enumerate(_SERIES):
        shares = [(eps, _share(counts, name)) for eps, counts in curve.points]
        path = " ".join(
            f"{'L' if index else 'M'}{across(eps):.1f} {up(share):.1f}"
            for index, (eps, share) in enumerate(shares)
        )
        stroke = f'stroke="var(--{colour})" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<path d="{path}" fill="none" {stroke}/>')
        x, y = WIDTH - RIGHT + 12, TOP + 12 + 18 * place
        parts.append(f'<path d="M{x} {y - 4}h22" {stroke}/><text x="{x + 28}" y="{y}">{name}</text>')
    return "\n".join([*parts, "</svg>"])


def _share(counts: FamilyResult, series: str) -> float:
    number = {
        "certified": counts.proved,
        "not refuted": counts.total - counts.refuted,
        "correct": counts.correct or 0,
    }[series]
    return number / counts.total


def _diagnostics(result: FileAnalysis) -> str:
    rows = [
        [str(found.span.line + 1), found.severity.name.lower(), found.code, escape(found.message)]
        for found in result.diagnostics
    ]
    return _table(["line", "severity", "code", "message"], rows)


def _table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are markup."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table>"
