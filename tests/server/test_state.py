"""Freshness over time: each row is a unit, each column what is shown of it after an event.

The letters: `C` current, `c` being checked (older, moved), `s` stale, `.` nothing; small `e` a first layer without
bounds.
"""

from __future__ import annotations

import pytest
from tests.server import toy

from torchlean.analysis.result import FileAnalysis
from torchlean_server.edits import replacement
from torchlean_server.state import Anchor, Document, Freshness, Trouble, has_verdict

TEXT = "def f():\n    x = [0, 1]\n\n\ndef g():\n    y = [2, 3]\n"

BROKEN = "def f(:\n"

_LETTERS = {Freshness.CURRENT: "C", Freshness.CHECKING: "c", Freshness.STALE: "s"}


class Story:
    """A document, and what is drawn of it after each event."""

    def __init__(self) -> None:
        self.document = Document("file:///m.py", "/m.py", 1, TEXT)
        self.document.checking = True
        self.anchors: list[Anchor] = [self.document.anchor()]
        self.rows: dict[str, str] = {"f": "", "g": ""}
        self.draw()

    def draw(self) -> None:
        shown = {unit.unit.name: unit for unit in self.document.units(has_verdict)}
        for name in self.rows:
            letter = "."
            if name in shown:
                layer = shown[name].layer
                letter = _LETTERS[layer.freshness] if layer.track.analysis.complete else "e"
            self.rows[name] += letter

    def edit(self, old: str, new: str) -> None:
        text = self.document.text.string
        assert old in text
        self.document.edit(*replacement(text, text.replace(old, new, 1)))
        self.document.changed(self.document.version + 1)
        self.document.checking = True
        self.anchors.append(self.document.anchor())
        self.draw()

    def answer(self, number: int = -1, complete: bool = True) -> bool:
        """The answer for the text after edit `number` comes."""
        anchor = self.anchors[number]
        accepted = self.document.accept(analysed(anchor.text.string, complete), anchor)
        if self.document.answered():
            self.document.checking = False
        self.draw()
        return accepted

    def stop(self) -> None:
        self.document.stopped(Trouble(self.document.revision, "TL502", "it ran out of memory"))
        self.document.checking = False
        self.draw()

    def columns(self) -> tuple[str, str]:
        return self.rows["f"], self.rows["g"]


def analysed(text: str, complete: bool = True) -> FileAnalysis:
    return toy._result("/m.py", text, toy.Session(), complete)


def test_an_edit_makes_results_stale_until_the_answer_comes() -> None:
    story = Story()
    story.answer()
    story.edit("[0, 1]", "[0, 5]")
    story.answer()
    assert story.columns() == (".CcC", ".CcC")


def test_a_first_layer_shows_what_is_new_and_keeps_older_bounds() -> None:
    story = Story()
    story.answer(complete=False)
    story.answer()
    story.edit("def g", "def h():\n    z = [7, 7]\n\ndef g")
    story.rows["h"] = "...."
    story.answer(complete=False)
    story.answer()
    assert story.columns() == (".eCccC", ".eCccC")
    assert story.rows["h"] == "....eC"


def test_broken_code_keeps_the_last_good_results() -> None:
    story = Story()
    story.answer()
    story.edit("def g():", "def g(:")
    story.answer()
    story.edit("def g(:", "def g():")
    story.answer()
    assert story.columns() == (".CcscC", ".CcscC")


def test_a_stopped_analysis_leaves_stale_results_with_the_reason() -> None:
    story = Story()
    story.answer()
    story.edit("0, 1", "0, 2")
    story.stop()
    assert story.columns() == (".Ccs", ".Ccs")
    assert "out of memory" in story.document.layers()[0].note
    story.edit("0, 2", "0, 3")
    story.answer()
    assert story.columns() == (".CcscC", ".CcscC")


def test_an_answer_for_an_older_text_never_replaces_a_newer_one() -> None:
    story = Story()
    story.edit("0, 1", "0, 2")
    story.edit("0, 2", "0, 3")
    assert story.answer(2)
    assert not story.answer(1)
    assert not story.answer(0)
    assert not story.answer(2, complete=False)
    assert story.columns() == ("...CCCC", "...CCCC")


def test_an_answer_for_an_older_text_is_shown_while_nothing_newer_is_known() -> None:
    story = Story()
    story.edit("def g", "# more\ndef g")
    story.answer(0)
    story.answer(1)
    assert story.columns() == ("..cC", "..cC")


def test_an_old_syntax_error_does_not_replace_a_newer_good_answer() -> None:
    story = Story()
    story.edit("def f()", "def f(")
    story.edit("def f(:", "def f():")
    assert story.answer(2)
    assert not story.answer(1)
    assert story.columns() == ("...CC", "...CC")


def test_places_move_with_the_text_and_vanish_when_they_are_edited() -> None:
    story = Story()
    story.answer()
    track = story.document.complete
    assert track is not None
    place_f, place_g = (unit.places[0] for unit in track.analysis.units)
    story.edit("def f", "# a comment\n\ndef f")
    text = story.document.text.string
    for place, words in ((place_f, "x = [0, 1]"), (place_g, "y = [2, 3]")):
        where = track.now(place.span)
        assert where is not None and text[slice(*where)] == words
    story.edit("2, 3", "2, 4")
    assert track.now(place_g.span) is None
    assert track.now(place_f.span) is not None


@pytest.mark.parametrize("string", ["", "\n", BROKEN])
def test_a_document_without_any_result_shows_nothing(string: str) -> None:
    document = Document("file:///m.py", "/m.py", 1, string)
    assert document.units(has_verdict) == [] and document.layers() == [] and not document.answered()
