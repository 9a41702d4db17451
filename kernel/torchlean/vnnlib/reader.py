"""From text to declarations and assertions.

One pass over the tokens with a stack of open parentheses; a form is read when its `)` comes, so neither depth nor size
costs more than memory. After a mistake reading goes on: words such as `assert` only ever begin a command, so where one
stands inside a form a `)` was forgotten, and the file is understood again from there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from torchlean.vnnlib import networks
from torchlean.vnnlib.declarations import Declarations
from torchlean.vnnlib.formula import Formula
from torchlean.vnnlib.items import BAD, Bad, Empty, Indexed, Item, Quoted, described
from torchlean.vnnlib.lexical import BOUND, DECLARATION, TOKEN, Source, indices
from torchlean.vnnlib.networks import PARTS, Networks
from torchlean.vnnlib.operators import Operators
from torchlean.vnnlib.problems import MEANING, SYNTAX, Problems

IGNORED = frozenset(
    {"set-logic", "set-info", "set-option", "check-sat", "get-model", "get-value", "exit", "echo"}
)
"""SMT-LIB's commands about the solver, which change nothing in what is asked."""

REFUSED = frozenset(
    {"define-fun", "define-const", "declare-sort", "define-sort", "declare-datatype", "push", "pop"}
)
"""SMT-LIB's other commands, known so that the message can say that they are not part of VNN-LIB."""

BYTE_ORDER_MARK = "\ufeff"


@dataclass(slots=True)
class Assertion:
    """`(assert formula)` at `[start, end)`."""

    formula: Formula
    start: int
    end: int


@dataclass(slots=True)
class _Frame:
    """An open parenthesis at `start`; `before` is the token in front of it."""

    start: int
    before: tuple[int, int]
    items: list[Item] = field(default_factory=list)


class Reader:
    """Reads one text; the results are its attributes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems = Problems(source)
        self.declarations = Declarations(self.problems)
        self.assertions: list[Assertion] = []
        self.version: str | None = None
        self._operators = Operators(self.declarations, self.problems)
        self._networks = Networks(self.declarations, self.problems)
        self._stack: list[_Frame] = []
        self._stray = False
        self._commands: dict[str, Callable[[list[Item], int, int], None]] = {
            "assert": self._assert,
            "declare-const": self._declare_const,
            "declare-fun": self._declare_fun,
            "declare-network": self._networks.network,
            "vnnlib-version": self._version,
            **dict.fromkeys(IGNORED, lambda items, start, end: None),
            **{name: partial(self._refused, name) for name in REFUSED},
        }

    def read(self) -> None:
        """Read everything; stops early only when there are too many problems to list."""
        text = self.source.text
        at = len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0
        last = (at, at)
        while (match := TOKEN.search(text, at)) is not None:
            token, place = match[0], match.span()
            at = place[1]
            if token[0] == ";":
                continue
            whole = None if token != "(" or self._stack else BOUND.match(text, place[0])
            if whole is not None:
                self._bound(whole)
            elif (
                token == "(" and not self._stack and (whole := DECLARATION.match(text, place[0])) is not None
            ):
                self._stray = False
                self.declarations.constant(whole[1], whole.span(1))
            else:
                self._take(token, place, last)
            last = place if whole is None else whole.span()
            at = last[1]
            if self.problems.full:
                return
        if self._stack:
            self._unclosed(self._stack[0], len(self._stack), last, "the end of the file")
        if not self.problems.errors:
            self.declarations.check()

    def _take(self, token: str, place: tuple[int, int], last: tuple[int, int]) -> None:
        if token == "(":
            self._stack.append(_Frame(place[0], last))
            self._stray = False
        elif token == ")":
            self._close(place)
        elif not self._stack:
            if not self._stray:
                message = f"expected `(` and a command such as `assert`, got {described(Item(token, *place))}"
                self.problems.add(SYNTAX, place, message)
            self._stray = True
        elif token[0] == "[":
            self._index(token, place)
        elif token[0] in '"|];':
            self._quoted(token, place)
        else:
            self._word(token, place)

    def _bound(self, match: re.Match[str]) -> None:
        """The commonest command, recognised as a whole; what it means is decided where it always is."""
        start, end = match.span(1)
        operator, left, right = [Item(match[n], *match.span(n)) for n in (2, 3, 4)]
        value = self._operators.apply(operator, [left, right], start, end)
        self._stray = False
        self._assert([Item(value, start, end)], match.start(), match.end())

    # Tokens inside forms

    def _word(self, token: str, place: tuple[int, int]) -> None:
        stack = self._stack
        if len(stack) > 1 and not stack[-1].items and token in self._commands:
            frame = stack.pop()
            self._unclosed(stack[0], len(stack), frame.before, f"this `{token}`", (frame.start, place[1]))
            stack[:] = [frame]
        stack[-1].items.append(Item(token, *place))

    def _index(self, token: str, place: tuple[int, int]) -> None:
        """Indices belong to the word in front of them."""
        items = self._stack[-1].items
        if len(token) == 1:
            self.problems.add(SYNTAX, place, "`[` is not closed by `]`")
            if len(items) > 1 and isinstance(items[-1].value, str):
                items.pop()
            items.append(Item(BAD, *place))
            return
        if len(items) < 2 or not isinstance(items[-1].value, str):
            self.problems.add(SYNTAX, place, "indices follow the name of a tensor, as in `X[0,1]`")
            items.append(Item(BAD, *place))
            return
        name = items.pop()
        numbers = indices(token)
        if numbers is None:
            message = "expected whole numbers between commas, as in `[0,1]`"
            self.problems.add(SYNTAX, place, message)
            items.append(Item(BAD, name.start, place[1]))
            return
        items.append(Item(Indexed(str(name.value), numbers), name.start, place[1]))

    def _quoted(self, token: str, place: tuple[int, int]) -> None:
        items = self._stack[-1].items
        if len(token) == 1:
            what = "closes nothing" if token == "]" else "is not closed on its line"
            self.problems.add(SYNTAX, place, f"`{token}` {what}")
            items.append(Item(BAD, *place))
        elif token[0] == "|":
            items.append(Item(token[1:-1], *place))
        else:
            items.append(Item(Quoted(token[1:-1]), *place))

    def _close(self, place: tuple[int, int]) -> None:
        if not self._stack:
            self.problems.add(SYNTAX, place, "`)` closes nothing")
            return
        frame = self._stack.pop()
        items, start, end = frame.items, frame.start, place[1]
        if not self._stack:
            self._command(items, start, end)
            return
        if not items:
            value = Item(Empty(), start, end)
        elif isinstance(items[0].value, str) and items[0].value in PARTS:
            value = Item(self._networks.part(items[0].value, items[1:], start, end), start, end)
        else:
            value = Item(self._operators.apply(items[0], items[1:], start, end), start, end)
        self._stack[-1].items.append(value)

    def _unclosed(
        self,
        outermost: _Frame,
        missing: int,
        place: tuple[int, int],
        before: str,
        then: tuple[int, int] | None = None,
    ) -> None:
        count = "`)` is" if missing == 1 else f"{missing} `)` are"
        related = [((outermost.start, outermost.start + 1), "the form that is not closed")]
        if then is not None:
            related.append((then, "what follows is read as a command of its own"))
        self.problems.add(SYNTAX, place, f"{count} missing before {before}", *related)

    # Commands

    def _command(self, items: list[Item], start: int, end: int) -> None:
        if not items:
            self.problems.add(SYNTAX, (start, end), "expected a command such as `assert`, got `()`")
            return
        head = items[0]
        if isinstance(head.value, Bad):
            return
        name = head.value if isinstance(head.value, str) else ""
        handler = self._commands.get(name)
        if handler is not None:
            handler(items[1:], start, end)
        elif name in PARTS:
            self.problems.add(SYNTAX, head.place, f"`{name}` stands inside `(declare-network …)`")
        else:
            close = difflib.get_close_matches(name, self._commands, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            message = f"expected a command such as `declare-const` or `assert`, got {described(head)}{hint}"
            self.problems.add(SYNTAX, head.place, message)

    def _assert(self, items: list[Item], start: int, end: int) -> None:
        if len(items) != 1:
            # What is wrong inside the operands is reported all the same.
            for item in items:
                self._operators.formula(item)
            self.problems.add(SYNTAX, (start, end), f"`assert` takes one condition, got {len(items)}")
            return
        formula = self._operators.formula(items[0])
        if formula is not None:
            self.assertions.append(Assertion(formula, start, end))

    def _declare_const(self, items: list[Item], start: int, end: int) -> None:
        if len(items) != 2 or not all(isinstance(item.value, str) for item in items):
            if not any(isinstance(item.value, Bad) for item in items):
                self.problems.add(SYNTAX, (start, end), "expected `(declare-const NAME Real)`")
            return
        name, sort = items
        if sort.value != "Real":
            message = f"{described(sort)} is no sort of VNN-LIB 1.0, whose variables are `Real`"
            self.problems.add(MEANING, sort.place, message)
        self.declarations.constant(str(name.value), name.place)

    def _declare_fun(self, items: list[Item], start: int, end: int) -> None:
        """`(declare-fun X_0 () Real)` is SMT-LIB's longer way to declare a constant."""
        if len(items) == 3 and isinstance(items[1].value, Empty):
            self._declare_const([items[0], items[2]], start, end)
        else:
            message = (
                "expected `(declare-fun NAME () Real)`: functions with arguments are not part of VNN-LIB"
            )
            self.problems.add(MEANING, (start, end), message)

    def _version(self, items: list[Item], start: int, end: int) -> None:
        if self.version is not None:
            self.problems.add(SYNTAX, (start, end), "the version was given before")
        self.version = networks.version(items, (start, end), self.problems) or self.version

    def _refused(self, name: str, items: list[Item], start: int, end: int) -> None:
        self.problems.add(MEANING, (start, end), f"`{name}` is not part of VNN-LIB")
