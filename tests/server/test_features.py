"""What the editor shows, on source fixtures with the expectation drawn under the line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.server import toy

from torchlean.analysis.result import FileAnalysis, UnitResult
from torchlean.diagnostics import diagnostic
from torchlean.source import Span
from torchlean_server import render
from torchlean_server.edits import replacement
from torchlean_server.features import diagnostics, domain, hover, inlay, lens, symbols
from torchlean_server.state import Document

PATH = "/m.py"

TEXT = """\
def small():
    x = [0, 1]


def 値段():
    s = '😀'; y = [-2, 3.33333333]
"""


def checked(text: str = TEXT) -> Document:
    document = Document("file:///m.py", PATH, 1, text)
    anchor = document.anchor()
    document.accept(analysed(text), anchor)
    return document


def analysed(text: str, complete: bool = True) -> FileAnalysis:
    return toy._result(PATH, text, toy.Session(), complete)


def edit(document: Document, old: str, new: str) -> None:
    document.edit(*replacement(document.text.string, document.text.string.replace(old, new, 1)))
    document.changed(document.version + 1)
    document.checking = True


def at(document: Document, words: str) -> hover.Hover | None:
    return hover.hover(document, document.text.string.index(words))


def drawn(document: Document, start: int, end: int) -> str:
    """The line of a range with the range drawn under it."""
    line, column = document.text.position(start)
    return f"{document.text.line(line)}\n{' ' * column}{'~' * max(1, end - start)}"


def test_a_hover_shows_interval_shape_domain_and_method_under_the_place() -> None:
    document = checked()
    found = at(document, "y =")
    assert found is not None
    assert drawn(document, found.start, found.end) == (
        "    s = '😀'; y = [-2, 3.33333333]\n             ~~~~~~~~~~~~~~~~~~~~"
    )
    for words in ("`y`", "[-2, 3.3334]", "(2,)", "float32", "x ∈ box(0, 1)", "claim `値段`", "not included"):
        assert words in found.markdown
    assert "stale" not in found.markdown


def test_a_hover_on_a_claims_name_or_its_def_shows_verdict_and_evidence() -> None:
    document = checked()
    for words in ("def 値段", "値段"):
        found = at(document, words)
        assert found is not None
        assert drawn(document, found.start, found.end) == "def 値段():\n~~~~~~"
        assert found.markdown.splitlines()[0] == "**claim `値段`: proved**"
        assert "evidence: engine (outward-rounded arithmetic, not re-checked)" in found.markdown
        assert "for all `x ∈ box(0, 1)`" in found.markdown


def test_there_is_no_hover_where_nothing_is_known() -> None:
    document = checked()
    assert at(document, "s = '") is None
    assert hover.hover(document, len(document.text.string)) is None


def test_a_moved_hover_says_that_it_is_stale_and_being_checked() -> None:
    document = checked()
    edit(document, "def small", "import torch\n\ndef small")
    found = at(document, "x =")
    assert found is not None
    assert drawn(document, found.start, found.end) == "    x = [0, 1]\n    ~~~~~~~~~~"
    assert found.markdown.startswith("*stale: for the text before your last edit, being checked*")


def test_an_edited_place_shows_nothing_until_it_is_checked() -> None:
    document = checked()
    edit(document, "[0, 1]", "[0, 2]")
    assert at(document, "x =") is None
    assert at(document, "y =") is not None


def test_a_first_layer_shows_the_shape_at_once_and_the_older_interval_as_stale() -> None:
    document = checked()
    edit(document, "def small", "import torch\n\ndef small")
    document.accept(analysed(document.text.string, complete=False), document.anchor())
    found = at(document, "x =")
    assert found is not None
    assert "(2,)" in found.markdown
    assert "interval `[0, 1]` (stale: for the text before your last edit, being checked)" in found.markdown


def test_new_bounds_are_shown_while_the_claim_is_still_searched() -> None:
    document = checked()
    edit(document, "[0, 1]", "[0, 7]")
    new = analysed(document.text.string)
    searching = replace(new, complete=False, units=tuple(replace(unit, claim=None) for unit in new.units))
    document.accept(searching, document.anchor())
    assert [h.label for h in inlay.hints(document, 0, 10**6)] == ["∈ [0, 7]", "∈ [-2, 3.3334]"]
    assert all(
        entry.title == "proved (engine) · margin ≥ 1 · stale, being checked"
        for entry in lens.lenses(document)
    )


def test_hints_stand_at_line_ends_and_are_marked_when_stale() -> None:
    document = checked()
    assert [(h.line, h.label) for h in inlay.hints(document, 0, 10**6)] == [
        (1, "∈ [0, 1]"),
        (5, "∈ [-2, 3.3334]"),
    ]
    edit(document, "def small", "# new\ndef small")
    (first, _) = inlay.hints(document, 0, len(document.text.string))
    assert (first.line, first.label) == (2, "∈ [0, 1] (stale)")
    assert document.text.string[: first.offset].endswith("x = [0, 1]")
    assert "being checked" in first.tooltip


def test_only_hints_of_the_lines_asked_for_are_given() -> None:
    document = checked()
    assert [h.line for h in inlay.hints(document, 0, 20)] == [1]


def test_a_hint_covers_all_executions_of_its_line() -> None:
    document = checked()
    assert document.complete is not None
    unit = document.complete.analysis.units[0]
    again = replace(unit.facts[0], node=1, lower=-7.0, upper=0.5)
    looped = replace(unit, facts=(unit.facts[0], again), places=(replace(unit.places[0], facts=(0, 1)),))
    document.accept(replace(document.complete.analysis, units=(looped,)), document.anchor())
    assert [h.label for h in inlay.hints(document, 0, 30)] == ["∈ [-7, 1]"]
    found = at(document, "x =")
    assert found is not None
    assert "executed 2 times" in found.markdown
    assert "[-7, 0.5]" in found.markdown and "[0, 1]" in found.markdown


def test_what_is_not_followed_every_time_says_so() -> None:
    document = checked()
    assert document.complete is not None
    unit = document.complete.analysis.units[0]
    some = replace(unit, places=(replace(unit.places[0], partly=True),))
    document.accept(replace(document.complete.analysis, units=(some,)), document.anchor())
    assert [h.label for h in inlay.hints(document, 0, 30)] == ["∈ [0, 1] or unknown"]
    found = at(document, "x =")
    assert found is not None and "not every time is followed: other values are possible" in found.markdown


def two_domains() -> Document:
    """Two claims that look at the same line."""
    document = checked()
    assert document.complete is not None
    first, second = document.complete.analysis.units
    wide = replace(first.facts[0], lower=-9.0, upper=9.0)
    shared = replace(second, facts=(wide,), places=first.places, domains=(("x", "box(-9, 9)"),))
    document.accept(replace(document.complete.analysis, units=(first, shared)), document.anchor())
    return document


def test_the_selected_unit_decides_whose_interval_is_shown() -> None:
    document = two_domains()
    first = at(document, "x =")
    assert domain.select(document, "値段") == "claim:値段"
    second = at(document, "x =")
    assert first is not None and "[0, 1]" in first.markdown and "claim `small`" in first.markdown
    assert second is not None and "[-9, 9]" in second.markdown and "claim `値段`" in second.markdown
    assert [h.label for h in inlay.hints(document, 0, 30)] == ["∈ [-9, 9]"]
    assert [entry.title.endswith("domain shown") for entry in lens.lenses(document)] == [False, True]
    assert domain.select(document, None) is None
    assert at(document, "x =") == first


def test_an_unknown_unit_is_refused_with_what_there_is() -> None:
    with pytest.raises(domain.UnknownUnit, match=re.escape("claim:small, claim:値段")):
        domain.select(checked(), "tiny")


def test_lenses_tell_verdict_evidence_margin_and_freshness() -> None:
    document = checked()
    (first, second) = lens.lenses(document)
    assert first.title == "proved (engine) · margin ≥ 1"
    assert drawn(document, second.start, second.end) == "def 値段():\n    ~~"
    edit(document, "[0, 1]", "[0, 2]")
    assert lens.lenses(document)[0].title.endswith("stale, being checked")


def test_a_family_of_claims_shares_one_lens() -> None:
    document = checked()
    assert document.complete is not None
    unit = document.complete.analysis.units[0]
    family = tuple(replace(unit, name=f"safe[{i}]", claim=None if i == 9 else unit.claim) for i in range(10))
    document.accept(replace(document.complete.analysis, units=family), document.anchor())
    assert [entry.title for entry in lens.lenses(document)] == ["9 proved · 1 being checked of 10"]


def test_the_outline_follows_the_text() -> None:
    document = checked()
    edit(document, "def small", "\n\ndef small")
    found = symbols.symbols(document)
    assert [s.name for s in found] == ["small", "値段"]
    assert drawn(document, *found[0].name_range) == "def small():\n    ~~~~~"
    assert "stale" in found[0].detail


def test_problems_of_broken_code_come_with_older_ones_marked_stale() -> None:
    document = checked()
    edit(document, "[0, 1]", "[0, 1")
    document.accept(analysed(document.text.string), document.anchor())
    document.checking = False
    assert sorted((problem.code, problem.message) for problem in diagnostics.problems(document)) == [
        ("TL100", "toy syntax error"),
        ("TL300", "small: toy proof\n(stale: from before the syntax error)"),
        ("TL300", "値段: toy proof\n(stale: from before the syntax error)"),
    ]


@pytest.mark.parametrize(("examined", "shown"), [(False, ["TL205", "TL300"]), (True, ["TL300"])])
def test_a_layer_with_hazards_replaces_older_ones_and_one_without_keeps_them(
    examined: bool, shown: list[str]
) -> None:
    text = TEXT[: TEXT.index("def 値段")]
    document = checked(text)
    assert document.complete is not None
    hazard = diagnostic("TL205", Span(PATH, 1, 4, 1, 5), "log of zero")
    whole = document.complete.analysis
    document.accept(replace(whole, diagnostics=(*whole.diagnostics, hazard)), document.anchor())
    edit(document, "def small", "import torch\n\ndef small")
    layer = replace(analysed(document.text.string, complete=False), examined=examined)
    document.accept(layer, document.anchor())
    assert sorted(problem.code for problem in diagnostics.problems(document)) == shown


def test_current_problems_have_no_mark() -> None:
    assert [p.message for p in diagnostics.problems(checked())] == ["small: toy proof", "値段: toy proof"]


def test_a_lens_says_how_far_the_search_for_a_verdict_is() -> None:
    span = Span("model.py", 0, 0, 0, 1)
    unit = UnitResult("claim", "safe", span, "", 0, (), (), (), reached="5 of 8 boxes shown (62.5 %)")
    assert render.claim_title(unit) == "being checked · 5 of 8 boxes shown (62.5 %)"
    assert render.claim_title(replace(unit, reached="")) == "being checked"
