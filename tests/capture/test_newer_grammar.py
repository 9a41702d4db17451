"""Grammar that came with newer versions of Python: followed where this Python reads it, and else refused by name."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import torch
from tests.capture.agreement import value_of
from tests.capture.facts import facts_of
from tests.capture.marked import capture

from torchlean.capture.interpreter import EXPRESSIONS, STATEMENTS
from torchlean.capture.newer_grammar import remark
from torchlean.capture.unfamiliar import pass_over

Version = tuple[int, int]

PROGRAMS: dict[str, tuple[Version, str]] = {
    "type parameters of functions": (
        (3, 12),
        """
    from typing import cast
    def keep[T](x: T, y: T | None = None) -> T:
        return x
    def use[T: (int, float), *Ts, **P](x) -> T:
        return cast(T, x)
    a = keep(3)
    b = keep(torch.tensor([1.0, 2.0]))
    c = use(4)
    class Outer[T]:
        default = 3
        def own[U](self, u: U, k=default) -> U:
            def inner() -> tuple[T, U]:
                return T, U
            inner()
            return k
    d = Outer().own(1)
    """,
    ),
    "type parameters of classes": (
        (3, 12),
        """
    from dataclasses import dataclass
    from typing import NamedTuple, Protocol
    class Base[T]:
        def __init__(self, x: T): self.x = x
    class Sub[T, *Ts, **P](Base[T]):
        def get(self): return self.x
    class Takes[T](Protocol):
        def __call__(self, x: T) -> T: ...
    class Net[M: nn.Module](nn.Module):
        class Pair[A](Base[A]):
            pass
        def __init__(self, inner: M):
            super().__init__()
            self.inner = inner
        def forward(self, x): return self.inner(x)
    @dataclass
    class Point[T]:
        x: T
        y: int = 3
    class Row[T](NamedTuple):
        x: T
        y: int = 0
    a = Sub(5).get()
    b = Base[int](4).x
    c = Net(nn.ReLU())(torch.tensor([-1.0, 2.0]))
    d = Net[nn.ReLU].Pair(2).x
    e = Point(1).x, Point(1).y
    f = Row(1).y
    """,
    ),
    "names that are seen in one scope only": (
        (3, 12),
        """
    T = 7
    def f[T](x: T) -> T: return x
    class A[T]:
        n = 3
        def g(self): return n
    n = 1
    a = T
    b = A().g()
    """,
    ),
    "type aliases": (
        (3, 12),
        """
    type Vector = list[float]
    type Pair[A, B] = tuple[A, B]
    class Holder:
        type Index = int
        def f(self):
            type Own = Holder.Index
            z: Own = 3
            return z
    def first(x: Vector) -> float: return x[0]
    def made():
        return dict[str, Vector], Pair[int, str]
    made()
    a = first([1.5])
    b = Holder().f()
    """,
    ),
    "strings with quotes of their own kind": (
        (3, 12),
        """
    d = {"a": 1}
    a = f"{d["a"]} and {f"{f"{1+1}"}"}"
    b = f"{d["a"]=}"
    """,
    ),
    "backslashes in strings that are put together": (
        (3, 12),
        """
    a = f"{'\\n'.join(["x", "y"])}"
    """,
    ),
    "groups of exceptions": (
        (3, 11),
        """
    a = b = c = d = 0
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
    except* ValueError as group:
        a = 1
        c = len(group.exceptions)
    except* TypeError:
        b = 2
    try:
        raise ValueError("x")
    except* TypeError:
        d = 1
    except* ValueError as group:
        e = type(group).__name__
        d = 2
    f = 1
    try:
        f = 2
    except* ValueError:
        f = 3
    else:
        f += 10
    finally:
        f += 100
    try:
        try:
            raise KeyError("x")
        except* ValueError:
            g = 1
    except KeyError:
        g = 2
    try:
        try:
            raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
        except* ValueError:
            h = 1
        h = 2
    except ExceptionGroup:
        h = 3
    """,
    ),
    "stars in an index and in annotations": (
        (3, 11),
        """
    def count(*args: *tuple[int, ...]): return len(args)
    where = (0, 1)
    a = torch.arange(24).reshape(2, 3, 4)[*where]
    b = count(1, 2)
    """,
    ),
    "defaults of type parameters": (
        (3, 13),
        """
    class Box[T = int]:
        def __init__(self, x: T): self.x = x
    def f[T = int, *Ts = *tuple[int, ...], **P = [int]](x: T) -> T: return x
    a = Box(3).x
    b = f(2)
    """,
    ),
    "defaults of type parameters of aliases": ((3, 13), "type Row[T = int] = list[T]\na = 1\n"),
    "several exceptions without brackets": (
        (3, 14),
        """
    try:
        a = 1
    except ValueError, TypeError:
        a = 2
    """,
    ),
}

NOT_FOLLOWED = {
    "type aliases": {"Vector", "Pair"},
    "defaults of type parameters of aliases": {"Row"},
    "groups of exceptions": {"a", "b", "c", "e", "h"},
}
"""What an alias stands for, and what is in which group."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_newer_grammar_is_followed_or_refused_by_name(name: str, tmp_path: Path) -> None:
    since, text = PROGRAMS[name]
    if sys.version_info >= since:
        facts = facts_of(text, tmp_path)
        assert not facts.wrong
        assert set(facts.unknown) == NOT_FOLLOWED.get(name, set())
        assert not facts.said
        return
    error = capture(text, tmp_path).diagnostics[0]
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert error.code == "TL100"
    assert error.message.endswith(f" Python {since[0]}.{since[1]}; TorchLean runs under {ours})")


MISTAKES = (
    "def f(x y): pass",
    "class A(B: pass",
    "type = = 3",
    "x = [*, 1]",
    'x = f"{a b}"',
    "x = t(1",
    "except (A, B) as e, C:",
)


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_every_version_is_reported_as_python_does(text: str, tmp_path: Path) -> None:
    error = capture(text + "\n", tmp_path).diagnostics[0]
    assert error.code == "TL100" and "TorchLean runs under" not in error.message


def test_the_newest_grammar_of_all_that_is_missing_is_named() -> None:
    text = "def f[T = int](x): pass"
    assert "Python 3.13; TorchLean runs under 3.11" in remark(text, 5, "expected '('", (3, 11))
    assert remark(text, 5, "expected '('", (3, 13)) == ""
    assert "Python 3.12;" in remark("def f[T](x=1): pass", 5, "expected '('", (3, 11))


def test_what_nobody_knows_yet_is_unknown_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Assertions and f-strings stand for syntax that a later Python may have."""
    for table, kind in ((EXPRESSIONS, ast.JoinedStr), (STATEMENTS, ast.Assert)):
        monkeypatch.delitem(table, kind)
    pass_over((ast.JoinedStr, ast.Assert, ast.Name))
    text = """
        import torch
        a = torch.zeros(2)
        name = f"x{1}"
        assert (b := 1)
        c = torch.ones(2) + b
        d = torch.ones(2) + 1
    """
    captured = capture(text, tmp_path)
    assert [d.code for d in captured.diagnostics] == ["TL102"]
    assert "(`ast.Assert`) is newer than what is followed" in captured.diagnostics[0].message
    assert value_of(captured, "c") is None
    assert torch.equal(value_of(captured, "d"), torch.full((2,), 2.0))
