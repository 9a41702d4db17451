"""Any iteration of a loop: its body is followed from a state that holds at the start of every one of them.

The body is tried first, to see what it changes; what it changed is widened (`widening`), and the trial forgotten.
Once a trial changes nothing that the state does not allow for, it stands. Inside of a trial a loop is followed once
only, and what it changes is widened afterwards: so nested loops cost as many passes as they are deep, not a power of
that. The body is then followed for good, and whatever that missed shows, which makes it one more trial.

What an iteration makes for itself, such as the scopes of its calls, is no part of the state: it would change in every
trial, and none would be the last one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torchlean.capture.attempt import checkpoint
from torchlean.capture.budgets import OutOfFuel
from torchlean.capture.journal import Content, Entry, Journal, content_of, put
from torchlean.capture.values import MISSING, ListIterator, Raised, TensorValue, Unknown, Value
from torchlean.capture.widening import CHANGES, Recipe, anything, covers, is_trainable, least, widened

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter

TRIALS = 4
"""A state is widened so often at most: descriptions grow once or twice (a number's ends one after the other, a tensor
whose type changes), then what still changes is unknown."""

Body = Callable[[], object]

Change = Callable[["Interpreter"], None]
"""Widens one place of the state."""


def any_iteration(run: Interpreter, frame: Frame, body: Body, surely: bool) -> object:
    """Follow a body that is repeated; gives back the control flow signal of one iteration.

    Args:
        body: one iteration, from the state that the interpreter has then.
        surely: it runs at least once, so that the state afterwards is the one that the last iteration leaves.
    """
    run.uncertain += 1
    run.state["loops"] = True
    try:
        if run.trying:
            return _within_trial(run, body)
        for attempt in range(TRIALS):
            last = attempt == TRIALS - 1
            followed = _pass(run, frame, body, surely, tries=True, last=last)
            if not followed.kept and not last and not followed.changes:
                followed = _pass(run, frame, body, surely, tries=False)
            if followed.kept:
                return followed.flow
            for change in followed.changes:
                change(run)
        return _pass(run, frame, body, surely, tries=False, last=True).flow
    finally:
        run.uncertain -= 1


def _within_trial(run: Interpreter, body: Body) -> object:
    """One pass, whose changes are widened afterwards."""
    run.cut_short += 1
    before = dict(run.tainted)
    journal, flow = _journaled(run, body)
    for change in _changes(run, journal, before, last=False):
        change(run)
    return flow


def _journaled(run: Interpreter, body: Body) -> tuple[Journal, object]:
    journal = run.journal = Journal(run.journal)
    flow: object = None
    try:
        flow = body()
    except Raised:
        pass  # an iteration that raises leaves the loop: what it changed until then is seen all the same
    except OutOfFuel:
        journal.undo()  # the nodes that it gave to tensors are forgotten with the pass
        raise
    finally:
        run.journal = journal.outer
    return journal, flow


@dataclass(frozen=True, slots=True)
class _Followed:
    """A pass: what has to be widened, the control flow signal, and whether what it did stays."""

    changes: list[Change]
    flow: object
    kept: bool


def _pass(
    run: Interpreter, frame: Frame, body: Body, surely: bool, *, tries: bool, last: bool = False
) -> _Followed:
    """Follow the body; a pass that shows that the state was too narrow is forgotten, and so is a trial, unless it was
    followed as for good: nothing has changed, and no loop in it was cut short.

    After the `last` pass nothing more is widened.
    """
    before, nodes, cut_short = run.tainted, len(run.builder.nodes), run.cut_short
    with _forgettable(run, frame) as attempt:
        run.trying += tries
        try:
            journal, flow = _journaled(run, body)
        finally:
            run.trying -= tries
        changes = [] if last and not tries else _changes(run, journal, before, last, nodes)
        attempt.kept = not changes and (not tries or run.cut_short == cut_short)
        if not attempt.kept:
            journal.undo()
        elif not surely:
            for entry in journal.entries.values():
                if entry.old is not MISSING:
                    put(entry.names, entry.key, entry.old)
    return _Followed(changes, flow, attempt.kept)


def _changes(
    run: Interpreter, journal: Journal, before: dict[int, Any], last: bool, nodes: int | None = None
) -> list[Change]:
    """What has to be widened for the state before a pass to cover the one after it.

    Args:
        nodes: how many there were before a pass that is forgotten. Scopes of its calls, and objects and tensors that it
            made, are then no part of the state: the next pass makes its own.
    """
    doubtful = {place: item[0] for place, item in run.tainted.items() if place not in before}
    names: Iterable[Entry] = journal.entries.values()
    contents: Iterable[Content] = journal.contents.values()
    if nodes is not None:
        first = {place: content.old for place, content in journal.contents.items()}
        doubtful = {
            place: item
            for place, item in doubtful.items()
            if not _made(journal, item, first.get(place, item), nodes)
        }
        names = [entry for entry in names if id(entry.names) not in journal.made]
        contents = [item for item in contents if not _made(journal, item.container, item.old, nodes)]
    return [*_names(run, names, last), *_contents(run, contents, before, doubtful, last)]


def _made(journal: Journal, container: object, old: Any, nodes: int) -> bool:
    """Whether a container or tensor that a pass changed, and that was `old` until then, was made in the same pass."""
    if isinstance(container, TensorValue):
        return (old.node if isinstance(old, TensorValue) else old[0]) >= nodes
    if isinstance(container, ListIterator):
        return container.born > journal.began
    return id(container) in journal.made


def _names(run: Interpreter, entries: Iterable[Entry], last: bool) -> Iterator[Change]:
    for entry in entries:
        new = entry.names.get(entry.key, MISSING)
        recipe = None if new is MISSING else widened(run, entry.old, new)
        if recipe is not None:
            yield _storing(entry.names, entry.key, _unknown if last else recipe)


def _storing(names: dict[Any, Any], key: Any, recipe: Recipe) -> Change:
    return lambda run: run.assign(names, key, recipe(run))


def _unknown(run: Interpreter) -> Unknown:
    return Unknown(CHANGES, reported=True)


def _contents(
    run: Interpreter,
    contents: Iterable[Content],
    unknown: dict[int, Any],
    doubtful: dict[int, object],
    last: bool,
) -> Iterator[Change]:
    yield from map(_tainting, doubtful.values())
    for content in contents:
        container, old = content.container, content.old
        new = content_of(container)
        if id(container) in unknown or id(container) in doubtful:
            continue
        if isinstance(container, TensorValue):
            if _covered(run, container, old, new):
                continue
            yield _refilled(run, container, old) if old[1] == new[1] and not last else _tainting(container)
        elif isinstance(container, list) and covers(run, old, new):
            continue
        elif isinstance(container, list) and len(old) == len(new) and not last:
            yield _relisted(container, widened(run, old, new))
        else:
            yield _tainting(container)


def _covered(run: Interpreter, tensor: TensorValue, old: Any, new: Any) -> bool:
    return old[1] == new[1] and covers(run, TensorValue(*old), TensorValue(*new))


def _refilled(run: Interpreter, tensor: TensorValue, old: Any) -> Change:
    trainable = is_trainable(tensor)
    lower = -math.inf if trainable else least(run, TensorValue(*old), tensor)

    before = run.builder.nodes[old[0]]
    label = before.label if before.op == "random" else None

    def change(run: Interpreter) -> None:
        run.changes(tensor)
        tensor.node = anything(run, tensor.type, trainable, lower=lower, label=label).node

    return change


def _relisted(items: list[Value], recipe: Recipe | None) -> Change:
    """Each item is widened for itself: what an optimiser written by hand keeps for each of its parameters."""

    def change(run: Interpreter) -> None:
        if recipe is not None:
            run.changes(items)
            items[:] = recipe(run)

    return change


def _tainting(container: object) -> Change:
    return lambda run: run.taint(container, Unknown(CHANGES, reported=True))


@dataclass(slots=True)
class _Attempt:
    """Whether what following the body leaves behind is kept."""

    kept: bool = False


@contextmanager
def _forgettable(run: Interpreter, frame: Frame) -> Iterator[_Attempt]:
    """Nodes, diagnostics, observations and everything else that following code leaves behind is taken back, or kept."""
    before = checkpoint(run)
    lists: tuple[list[Any], ...] = (
        *(run.instances, run.calls, run.weights, run.claims, run.classes, run.doubts),
        frame.maybe_returned,
    )
    lengths = [len(items) for items in lists]
    tainted, run.tainted = run.tainted, dict(run.tainted)
    modules, run.modules = run.modules, dict(run.modules)
    place = run.node, run.frame
    settings = run.replaced, run.default_dtype, run.perhaps_raised, run.left_out
    attempt = _Attempt()
    seen = run.observer.mark()
    try:
        yield attempt
    finally:
        if not attempt.kept:
            before.roll_back()
            run.observer.forget_from(seen)
            for items, length in zip(lists, lengths, strict=True):
                del items[length:]
            run.tainted, run.modules = tainted, modules
            run.node, run.frame = place
            run.replaced, run.default_dtype, run.perhaps_raised, run.left_out = settings
