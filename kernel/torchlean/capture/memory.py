"""What calls that are not followed do to the memory of tensors.

A call may write into the tensors that it gets, and what it gives may share their memory, so that writing into that
writes into them. torch says by a name which of its functions write (`x.index_add_`, `out=`); of other code nothing is
known. Where a tensor may have been written unseen, its numbers are unknown from there on, in all its views.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torchlean.capture.foreign import LOOKS_ONLY
from torchlean.capture.values import MISSING, Native, Storage, TensorValue, Unknown, Value

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

SHARED = "memory of what is not followed"
"""In the interpreter's state: each unknown with the memory that it may share."""

RESHAPING = frozenset(
    f"{name}_" for name in ("t", "transpose", "swapaxes", "swapdims", "squeeze", "unsqueeze", "resize", "set")
)
"""Methods that change the shape of a tensor in place."""


ACCUMULATING = frozenset(f"torch.{name}" for name in ("sum", "mean", "prod", "cumsum", "cumprod"))
"""Functions that convert their operand to the dtype of `out=` before they add or multiply."""

Place = tuple[int, str]
"""Position and keyword of an argument."""

_STATISTICS: tuple[Place, ...] = ((3, "running_mean"), (4, "running_var"))

BESIDE: dict[str, tuple[Place, tuple[Place, ...]]] = {
    "torch.nn.functional.batch_norm": ((5, "training"), ((1, "running_mean"), (2, "running_var"))),
    **dict.fromkeys(("torch.batch_norm", "torch.native_batch_norm"), ((5, "training"), _STATISTICS)),
    "torch.instance_norm": ((5, "use_input_stats"), _STATISTICS),
    "torch.nn.functional.embedding": ((3, "max_norm"), ((1, "weight"),)),
    "torch.nn.functional.embedding_bag": ((3, "max_norm"), ((1, "weight"),)),
    "torch.nn.functional.rrelu": ((4, "inplace"), ((0, "input"),)),
}
"""Functions that write into arguments where another one asks for it, and no name says so: that one, and these."""

GIVEN = "()"
"""Ends the `source` of what one of torch's functions gave."""


def in_place_name(dotted: str) -> bool:
    """Whether torch's naming says that a function writes into its first argument."""
    name = dotted.rpartition(".")[2]
    if name.startswith("__i"):
        return name not in ("__invert__", "__index__", "__int__", "__init__", "__iter__")
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))


def written_by(dotted: str, arguments: list[Value], keywords: dict[str, Value]) -> list[Value]:
    """Of the arguments, those that a call writes into: tensors, or unknowns in their place."""
    return [*_named(dotted, arguments, keywords), *written_beside(dotted, arguments, keywords)]


def _named(dotted: str, arguments: list[Value], keywords: dict[str, Value]) -> list[Value]:
    """Those that it writes into by torch's naming. The first may be a list of them, as of `torch._foreach_add_`."""
    writes = in_place_name(dotted) or keywords.get("inplace") is True
    return [*_tensors(arguments[:1] if writes else []), *_tensors(keywords.get("out"))]


def written_beside(dotted: str, arguments: list[Value], keywords: dict[str, Value]) -> list[Value]:
    """Those that it writes into beside its result: statistics, weights that it scales."""
    if dotted not in BESIDE:
        return []

    def given(place: Place) -> Value:
        position, name = place
        return arguments[position] if position < len(arguments) else keywords.get(name)

    asked, places = BESIDE[dotted]
    if given(asked) is None or given(asked) is False:
        return []
    return list(_tensors([given(place) for place in places]))


def for_out(name: str, keywords: dict[str, Value], target: Value) -> dict[str, Value]:
    """The keywords, without `out=`, by which a function computes in the dtype in which it does with that target."""
    given = keywords.get("dtype") is not None
    if given or name not in ACCUMULATING or not isinstance(target, TensorValue):
        return keywords
    return {**keywords, "dtype": target.dtype}


def changed_by(function: Native, arguments: list[Value], keywords: dict[str, Value]) -> TensorValue | None:
    """The tensor that a call of a function changes in place, if it does."""
    written = _named(function.name, arguments, keywords)
    return written[0] if written and isinstance(written[0], TensorValue) else None


def unseen_call(
    run: Interpreter, callee: Unknown, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    """Forget what a call that is not followed may have written.

    Returns:
        In a script, the result of a function that writes: its tensor, which may now be anything. Else `MISSING`.
    """
    given = [*arguments, *keywords.values()]
    written = written_by(callee.source, arguments, keywords)
    if written and callee.source.rpartition(".")[2] not in RESHAPING and run.in_script:
        from torchlean.capture.described import described_instead

        function = Native(callee.source, lambda run, *given: MISSING)
        target = written[0] if isinstance(written[0], TensorValue) and len(written) == 1 else None
        if target is not None and target is arguments[0]:
            result = described_instead(run, function, arguments, keywords, target, callee.reason)
            if result is not MISSING:
                return result
    if not run.in_script and callee.source.partition(".")[0] not in LOOKS_ONLY:
        written = list(_tensors(given))
    may_share(run, callee, given)
    for value in written:
        overwritten(run, value, callee)
    return MISSING


def is_of_torch(callee: Unknown) -> bool:
    """Whether it is a function of torch, and not what one gave."""
    return callee.source.startswith("torch.") and not callee.source.endswith(GIVEN)


def given_by(run: Interpreter, callee: Unknown) -> Unknown:
    """What a call gave: of torch's functions another value than the function, so that its methods are not that one."""
    if not is_of_torch(callee):
        return callee
    result = Unknown(callee.reason, callee.span, callee.reported, callee.source + GIVEN)
    may_share(run, result, callee)
    return result


def overwritten(run: Interpreter, value: Value, unknown: Unknown) -> None:
    """A tensor, or an unknown that may share the memory of tensors, has got numbers that are not known."""
    if isinstance(value, TensorValue):
        taint_memory(run, value, run.enters(unknown))
    elif isinstance(value, Unknown):
        for storage in run.state.get(SHARED, {}).get(id(value), (value, {}))[1]:
            for handle in list(storage.handles):
                run.taint(handle, run.enters(value))


def taint_memory(run: Interpreter, tensor: TensorValue, unknown: Unknown) -> None:
    """The content of the memory of a tensor, and of all its views, is not known any more."""
    for handle in list(tensor.storage.handles):
        run.taint(handle, unknown)


def may_share(run: Interpreter, unknown: Unknown, given: Value) -> None:
    """`unknown` came from code that got these tensors: it may be a view of any of them.

    Each memory is kept once: unknowns are handed to each other, and what they share would double with every call.
    """
    known: dict[int, tuple[Unknown, dict[Storage, None]]] = run.state.setdefault(SHARED, {})
    for value in _tensors(given):
        if isinstance(value, TensorValue):
            known.setdefault(id(unknown), (unknown, {}))[1][value.storage] = None
        elif isinstance(value, Unknown) and value is not unknown:
            known.setdefault(id(unknown), (unknown, {}))[1].update(known.get(id(value), (value, {}))[1])


def _tensors(value: Value) -> Iterator[Value]:
    """The tensors and unknowns in a value."""
    if isinstance(value, (TensorValue, Unknown)):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
