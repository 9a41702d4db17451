"""Any iteration of a loop: its body is followed from a state that holds at the start of every one of them.

The body is tried first, to see what it changes; what it changed is widened (`widening`), and the trial forgotten.
Once a trial changes nothing that the state does not allow for, the body is followed for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torchlean.capture.attempt import checkpoint
from torchlean.capture.journal import Journal, content_of, put
from torchlean.capture.values import MISSING, Raised, TensorValue, Unknown
from torchlean.capture.widening import CHANGES, Recipe, anything, covers, is_trainable, widened

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter

TRIALS = 4
"""A state is widened so often at most: descriptions grow once or twice (a number's ends one after the other, a tensor
whose type changes), then what still changes is unknown."""

Body = Callable[[], object]


def any_iteration(run: Interpreter, frame: Frame, body: Body, surely: bool) -> object:
    """Follow a body that is repeated; gives back the control flow signal of one iteration.

    Args:
        body: one iteration, from the state that the interpreter has then.
        surely: it runs at least once, so that the state afterwards is the one that the last iteration leaves.
    """
    run.uncertain += 1
    try:
        for attempt in range(TRIALS):
            changes = _tried(run, frame, body, last=attempt == TRIALS - 1)
            if not changes:
                break
            for change in changes:
                change(run)
        return _followed(run, body, surely)
    finally:
        run.uncertain -= 1


def _tried(run: Interpreter, frame: Frame, body: Body, last: bool) -> list[Callable[[Interpreter], None]]:
    """What has to be widened, as seen by following the body and forgetting that."""
    before = run.tainted
    with _forgotten(run, frame):
        journal = run.journal = Journal(run.journal)
        try:
            body()
        except Raised:
            pass  # an iteration that raises leaves the loop: what it changed until then is seen all the same
        finally:
            run.journal = journal.outer
        doubtful = {id: item[0] for id, item in run.tainted.items() if id not in before}
        changes = [*_names(run, journal, last), *_contents(run, journal, before, doubtful, last)]
        journal.undo()
    return changes


def _names(run: Interpreter, journal: Journal, last: bool) -> Iterator[Callable[[Interpreter], None]]:
    for entry in journal.entries.values():
        new = entry.names.get(entry.key, MISSING)
        recipe = None if new is MISSING else widened(run, entry.old, new)
        if recipe is not None:
            yield _storing(entry.names, entry.key, _unknown if last else recipe)


def _storing(names: dict[Any, Any], key: Any, recipe: Recipe) -> Callable[[Interpreter], None]:
    return lambda run: run.assign(names, key, recipe(run))


def _unknown(run: Interpreter) -> Unknown:
    return Unknown(CHANGES, reported=True)


def _contents(
    run: Interpreter, journal: Journal, unknown: dict[int, Any], doubtful: dict[int, object], last: bool
) -> Iterator[Callable[[Interpreter], None]]:
    yield from map(_tainting, doubtful.values())
    for content in journal.contents.values():
        container, old = content.container, content.old
        new = content_of(container)
        if id(container) in unknown or id(container) in doubtful:
            continue
        if isinstance(container, TensorValue):
            if _covered(run, container, old, new):
                continue
            yield _refilling(container) if old[1] == new[1] and not last else _tainting(container)
        elif isinstance(container, list) and covers(run, old, new):
            continue
        else:
            yield _tainting(container)


def _covered(run: Interpreter, tensor: TensorValue, old: Any, new: Any) -> bool:
    return old[1] == new[1] and covers(run, TensorValue(*old), TensorValue(*new))


def _refilling(tensor: TensorValue) -> Callable[[Interpreter], None]:
    def change(run: Interpreter) -> None:
        run.changes(tensor)
        tensor.node = anything(run, tensor.type, is_trainable(tensor)).node

    return change


def _tainting(container: object) -> Callable[[Interpreter], None]:
    return lambda run: run.taint(container, Unknown(CHANGES, reported=True))


@contextmanager
def _forgotten(run: Interpreter, frame: Frame) -> Iterator[None]:
    """Nodes, diagnostics, observations and everything else that following code leaves behind is taken back."""
    before = checkpoint(run)
    lists: tuple[list[Any], ...] = (
        run.instances,
        run.calls,
        run.weights,
        run.claims,
        run.classes,
        run.doubts,
        frame.maybe_returned,
    )
    lengths = [len(items) for items in lists]
    tainted, run.tainted = run.tainted, dict(run.tainted)
    modules, run.modules = run.modules, dict(run.modules)
    place = run.node, run.frame
    kept = run.replaced, run.default_dtype, run.perhaps_raised, run.left_out
    try:
        with run.observer.unit():
            yield
    finally:
        before.roll_back()
        for items, length in zip(lists, lengths, strict=True):
            del items[length:]
        run.tainted, run.modules = tainted, modules
        run.node, run.frame = place
        run.replaced, run.default_dtype, run.perhaps_raised, run.left_out = kept


def _followed(run: Interpreter, body: Body, surely: bool) -> object:
    """The iteration that stays; what it leaves behind may not have happened where the loop may not run."""
    journal = run.journal = Journal(run.journal)
    flow: object = None
    try:
        flow = body()
    except Raised:
        pass  # as above: this iteration ends the loop, if it comes to that
    finally:
        run.journal = journal.outer
    if not surely:
        for entry in journal.entries.values():
            if entry.old is not MISSING:
                put(entry.names, entry.key, entry.old)
    return flow
