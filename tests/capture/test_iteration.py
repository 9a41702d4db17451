"""Going through what changes meanwhile: shared iterators, resized containers, generators that raise."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.capture.facts import facts_of
from tests.capture.marked import check_marked

RESIZED = """
    def outcome(change, source):
        count = 0
        try:
            for item in source:
                count += 1
                change()
        except RuntimeError as error:
            return count, str(error)
        return count
    d, e, f, g = {1: 1}, {1: 1, 2: 2}, {1: 1, 2: 2}, {1, 2}
    grown = outcome(lambda: d.update({len(d) + 1: 1}), d)
    shrunk = outcome(lambda: e.popitem(), e)
    listed = outcome(lambda: f.pop(1, None), f.items())
    added = outcome(lambda: g.add(len(g) + 10), g)
    same, kept, copied = {1: 1, 2: 2}, {1: 1}, {1: 1, 2: 2}
    for k in same:
        same[k] = 5
    for k in kept:
        kept[2] = 2
        break
    for k in list(copied):
        copied[k + 10] = 5
    put_back = {1: 1}
    for k in put_back:
        put_back[2] = 2
        del put_back[2]
    late = {1: 1, 2: 2}
    seen = []
    for k, v in late.items():
        late[2] = 50
        seen.append(v)
    for v in late.values():
        late[2] += v
    numbers = [1, 2, 3, 4]
    for n in numbers:
        numbers.remove(n)
    try:
        [kept.pop(k) for k in kept]
    except RuntimeError:
        popped = len(kept)
"""

SHARED = """
    pairs, it = {}, iter([1, 2, 3])
    for x in it:
        pairs[x] = next(it, None)
    it = iter([1, 2, 3])
    for x in it:
        break
    after = next(it)
    it = iter([1, 2, 3, 4, 5])
    nested = [(x, y) for x in it for y in it]
    it = iter([1, 2, 3, 4])
    odd = [x for x in it if next(it, 0)]
    def count():
        n = 0
        while True:
            yield n
            n += 1
    endless = count()
    for n in endless:
        if n == 3:
            break
    following = next(endless)
    rows = enumerate("abcdef")
    for i, letter in rows:
        if letter == "c":
            break
    remaining = list(rows)
"""

RAISING = """
    def failing():
        yield 1
        yield 2
        raise ValueError("x")
    def taken(make):
        items = []
        try:
            for item in make():
                items.append(item)
        except ValueError:
            items.append(-1)
        return items
    plain, numbered = taken(failing), taken(lambda: enumerate(failing()))
    doubled, kept = taken(lambda: (2 * x for x in failing())), taken(lambda: filter(None, failing()))
    squared = taken(lambda: map(lambda x: x * x, failing()))
    it = failing()
    first, second = next(it), next(it)
    try:
        next(it)
        third = 0
    except ValueError as error:
        third = str(error)
    fourth = next(it, "nothing is left")
    try:
        everything = list(failing())
    except ValueError:
        everything = None
    try:
        found = 5 in failing()
    except ValueError:
        found = None
    early = 2 in failing()
    def unpacked():
        try:
            a, b, c = failing()
        except ValueError as error:
            return str(error)
    unpacking = unpacked()
"""

PROGRAMS = {"resized containers": RESIZED, "one iterator, twice": SHARED, "generators that raise": RAISING}


@pytest.mark.parametrize("name", PROGRAMS)
def test_items_come_as_python_gives_them(name: str, tmp_path: Path) -> None:
    facts = facts_of(PROGRAMS[name], tmp_path)
    assert not facts.wrong
    assert not facts.said


def test_an_exception_of_a_generator_that_nothing_catches_is_said(tmp_path: Path) -> None:
    check_marked(
        """
        def failing():
            yield 1
            raise ValueError("x")
        #   ^^^^^^^^^^^^^^^^^^^^^ TL103

        for x in failing():
            pass
        """,
        tmp_path,
    )


def test_a_dictionary_that_is_resized_while_it_is_iterated_over_is_an_error(tmp_path: Path) -> None:
    check_marked(
        """
        d = {1: 1}
        for k in d:
        #        ^ TL103
            d[k + 1] = 1
        """,
        tmp_path,
    )
