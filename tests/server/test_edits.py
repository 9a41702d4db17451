"""Places move with the text: deltas against characters that carry an identity."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from torchlean.source import Span
from torchlean_server.edits import Delta, replacement
from torchlean_server.text import Text

Edit = tuple[int, int, int]


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[Edit]]:
    """A text's length and edits (start, end, inserted length) that are valid one after the other."""
    length = size = draw(st.integers(0, 12))
    edits = []
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, size))
        end = draw(st.integers(start, min(size, start + 4)))
        inserted = draw(st.integers(0, 3))
        edits.append((start, end, inserted))
        size += inserted - (end - start)
    return length, edits


def replay(length: int, edits: list[Edit]) -> tuple[list[int], Delta]:
    """The identities of the characters afterwards (old ones are their old offsets), and the delta."""
    fresh = itertools.count(1000)
    characters, delta = list(range(length)), Delta()
    for start, end, inserted in edits:
        characters[start:end] = [next(fresh) for _ in range(inserted)]
        delta = delta.then(start, end, inserted)
    return characters, delta


@given(histories())
def test_a_range_is_found_again_exactly_when_its_characters_still_stand_together(
    history: tuple[int, list[Edit]],
) -> None:
    length, edits = history
    characters, delta = replay(length, edits)
    for start in range(length):
        for end in range(start + 1, length + 1):
            wanted = list(range(start, end))
            where = characters.index(start) if start in characters else None
            kept = where is not None and characters[where : where + len(wanted)] == wanted
            assert delta.forward(start, end) == ((where, where + len(wanted)) if kept else None)


@given(histories())
def test_a_character_is_traced_back_exactly_when_it_was_there(history: tuple[int, list[Edit]]) -> None:
    length, edits = history
    characters, delta = replay(length, edits)
    for offset, identity in enumerate(characters):
        assert delta.backward(offset) == (identity if identity < 1000 else None)


@given(histories())
def test_hunks_stay_few_and_in_order(history: tuple[int, list[Edit]]) -> None:
    length, edits = history
    _, delta = replay(length, edits)
    assert len(delta.hunks) <= len(edits)
    for left, right in itertools.pairwise(delta.hunks):
        assert left.old_end < right.old_start and left.new_end < right.new_start


def test_typing_a_word_in_one_place_is_one_hunk() -> None:
    delta = Delta()
    for offset in range(100):
        delta = delta.then(10 + offset, 10 + offset, 1)
    assert len(delta.hunks) == 1
    assert delta.forward(10, 20) == (110, 120)


def test_an_empty_range_moves_and_is_dropped_only_inside_a_replacement() -> None:
    delta = Delta().then(4, 8, 1)
    assert delta.forward(2, 2) == (2, 2)
    assert delta.forward(6, 6) is None
    assert delta.forward(8, 8) == (5, 5)


@given(st.text("ab\n", max_size=12), st.text("ab\n", max_size=12))
def test_a_replacement_turns_one_text_into_the_other(old: str, new: str) -> None:
    start, end, text = replacement(old, new)
    assert old[:start] + text + old[end:] == new
    assert start == end or text == "" or (old[start] != text[0] and old[end - 1] != text[-1])


@given(st.text("aé\r\n\f\u2028", max_size=20))
def test_positions_and_offsets_are_inverse(string: str) -> None:
    text = Text(string)
    for offset in range(len(string) + 1):
        line, column = text.position(offset)
        between = string[max(0, offset - 1) : offset + 1] == "\r\n"
        assert text.offset(line, column) == (offset - 1 if between else min(offset, text.offset(line, 10**9)))


def test_lines_end_as_in_python_and_lsp_and_not_at_form_feeds() -> None:
    text = Text("a\fb\r\nc\u2028d\re\nf")
    assert [text.line(i) for i in range(5)] == ["a\fb", "c\u2028d", "e", "f", ""]
    assert text.offset(99, 0) == len(text.string)
    assert text.offsets(Span("p", 1, 0, 1, 3)) == (5, 8)
