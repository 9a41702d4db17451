"""What torch refuses for the dtypes of operands, or for numbers where it takes tensors: asked of torch itself.

A function of torch that the program calls is called once on small tensors of the same dtypes, on the processor; the
answer is remembered. So the losses, `out=`, whatever works in place and functions that nothing follows are refused as
torch refuses them, by no list of ours. What torch says of sizes and of numbers is not listened to: these tensors have
other numbers, and large ones other sizes.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from torchlean.capture.described import computes
from torchlean.capture.explain import operands, shape_message
from torchlean.capture.memory import overwritten, written_by
from torchlean.capture.tables import words
from torchlean.capture.torch_names import real_object
from torchlean.capture.values import Native, TensorValue, Unknown, UserFunction, Value
from torchlean.ops.arguments import TORCH_ERRORS
from torchlean.ops.op import SMALL, dtype_name

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

Follow = Callable[[], Value]

OF_DTYPES = re.compile(
    r"not implemented for '|d?type|floating|[Ii]ntegral|\b[Bb]ool|uint8|(must|inputs to) be .*[tT]ensors?\b"
    r"|^\w+ did not match \w+$"
)
"""What torch says of dtypes names them so; of sizes, of numbers and of gradients it speaks in other words."""

OF_ARGUMENTS = re.compile(
    r"argument '\w+' .*must be Tensor, not|missing \d+ required|unexpected keyword argument 'out'"
    r"|combination of arguments - got \(.*\bout="
)
"""What torch's reading of arguments says of a number in a tensor's place, and of `out=` where there is none."""

OF_A_DEVICE = re.compile(r"not implemented for '(Half|BFloat16)'|Low precision|Unsupported dtype Half|MKL")
"""Kernels of other devices take 16 bits where the processor's do not, and a file does not say where it runs."""

ELSEWHERE = words(
    "cuda cpu xpu to type pin_memory share_memory_ record_stream backward register_hook apply_ map_ map2_ interpolate"
)
"""Functions that move tensors to a device, call the program's own, need what was computed before, or make as many
numbers as a fraction says."""

WITH_STATISTICS = frozenset(f"torch.nn.functional.{name}" for name in ("batch_norm", "instance_norm"))
"""Functions to which our layers give statistics in training, as torch's do not."""

AUTOCAST = "autocast"
"""In the interpreter's state: the program has asked for automatic mixed precision, where dtypes mix otherwise."""

LARGEST = 4
"""Sizes of tensors that are too large to be computed with: enough for the windows of convolutions and pools."""

AFFORDABLE = 2**22
"""Elements that a call may make, some milliseconds: it may multiply sizes, and repeat by its numbers."""

KEPT = 2**14
"""Answers kept: calls of many programs, but not of all that a server ever sees."""

_refused: dict[Any, Exception | None] = {}
"""By function, default dtype and arguments."""


class _Strange(Exception):
    """An argument that is neither a tensor nor plain."""


def name_in_torch(run: Interpreter, callee: Value) -> str | None:
    """The dotted name of a function of torch that the program calls, or that a layer calls as torch's own does."""
    if isinstance(callee, Native):
        name = callee.name if callee.is_spelling else ""
    elif isinstance(callee, UserFunction):
        name = f"{_home(callee.module.name)}.{callee.name}" if callee.module.internal else ""
    else:
        name = callee.source if isinstance(callee, Unknown) else ""
    if not name.startswith("torch.") or name.rpartition(".")[2] in ELSEWHERE:
        return None
    frame = run.frame
    if frame is not None and frame.module.internal:
        layer = frame.module.name.startswith("torch.nn.modules.") and name.startswith("torch.nn.functional.")
        return name if layer and name not in WITH_STATISTICS else None
    return name


def _home(module: str) -> str:
    """Where users find the functions of a stub: losses stand in a file of their own."""
    return "torch.nn.functional" if module == "torch.nn._loss_functions" else module


def unless_refused(
    run: Interpreter, callee: Value, arguments: list[Value], keywords: dict[str, Value], follow: Follow
) -> Value:
    """What `follow` makes of a call, or the error that torch raises for its dtypes."""
    dotted = name_in_torch(run, callee)
    error = None if dotted is None else _refusal(run, dotted, arguments, keywords)
    if dotted is None or error is None:
        return follow()
    return _refused_call(run, dotted, arguments, keywords, error, follow)


def _refusal(
    run: Interpreter, dotted: str, arguments: list[Value], keywords: dict[str, Value]
) -> Exception | None:
    """What torch raises for operands of these dtypes, None where it takes them or they are not known."""
    if run.replaced is not None or AUTOCAST in run.state or not operands(arguments, keywords):
        return None
    given = [*arguments, keywords]
    try:
        described = _described(given, small=False)
        if max(x.type.numel for x in operands(arguments, keywords)) > SMALL or not _affordable(described):
            described = _described(given, small=True)
    except _Strange:
        return None
    if not _affordable(described):
        return None
    key = (dotted, run.default_dtype, described)
    if key in _refused:
        return _refused[key]
    if len(_refused) >= KEPT:
        _refused.clear()
    error = _refused[key] = _asked(dotted, described, run.default_dtype)
    return error


def converts(run: Interpreter, arguments: list[Value], keywords: dict[str, Value]) -> bool:
    """Whether automatic mixed precision may make operands fit that have different floating dtypes in the graph."""
    dtypes = {x.dtype for x in operands(arguments, keywords) if x.dtype.is_floating_point}
    return AUTOCAST in run.state and len(dtypes) > 1


def _refused_call(
    run: Interpreter,
    dotted: str,
    arguments: list[Value],
    keywords: dict[str, Value],
    error: Exception,
    follow: Follow,
) -> Value:
    """Report a call that torch refuses: by what our own function says of it, else in torch's words."""
    before = set(run.diagnostics)
    result = follow()
    new = [key for key in run.diagnostics if key not in before]
    if any(code in ("TL101", "TL103") for _, code, _ in new):
        return result
    for key in new:
        del run.diagnostics[key]  # that it is not followed does not matter where it is not computed
    unknown = _reported(run, dotted, arguments, keywords, error)
    for value in written_by(dotted, arguments, keywords):
        overwritten(run, value, unknown)
    return unknown


def _reported(
    run: Interpreter, dotted: str, arguments: list[Value], keywords: dict[str, Value], error: Exception
) -> Unknown:
    name, said = dotted.removeprefix("torch.Tensor.").rpartition(".")[2], str(error).splitlines()[0]
    tensors = operands(arguments, keywords)
    if isinstance(error, TypeError) and OF_ARGUMENTS.search(said):
        return run.error("TL103", f"`{name}`: {said.removeprefix(f'{name}(): ')}", kind=TypeError)
    given = ", ".join(dtype_name(tensor.dtype) for tensor in tensors)
    text, related = shape_message(
        run, f"`{name}` is not defined for {given} tensors (torch: {said})", tensors
    )
    return run.error("TL101", text, *related, kind=type(error))


# -- asking ------------------------------------------------------------------------------------------------------------

_Tensor = tuple[str, torch.dtype, tuple[int, ...]]
"""A tensor among the arguments, without its numbers."""


def _described(value: Value, small: bool) -> Any:
    """The arguments as plain data that can be compared: tensors by what is known of them.

    Raises:
        _Strange: there is something else among them.
    """
    if type(value) is TensorValue:
        return ("tensor", value.dtype, tuple(min(n, LARGEST) for n in value.shape) if small else value.shape)
    if value is None or value is Ellipsis or isinstance(value, (bool, int, float, str, torch.dtype)):
        if isinstance(value, str) and "cuda" in value:
            raise _Strange
        return ("plain", type(value), value)
    if type(value) in (list, tuple):
        return (type(value).__name__, *(_described(item, small) for item in value))
    if isinstance(value, slice):
        return ("slice", *(_described(item, small) for item in (value.start, value.stop, value.step)))
    if type(value) is dict and "device" not in value:
        return ("dict", *((key, _described(item, small)) for key, item in value.items()))
    raise _Strange


def _affordable(described: Any) -> bool:
    """Whether a call on such arguments is quick, whatever it computes: its result may have each with each."""
    return math.prod(max(factor, 1) for factor in _factors(described)) <= AFFORDABLE


def _factors(described: Any) -> Iterator[int]:
    """The number of elements of each tensor, and whole numbers, which may be sizes or repetitions."""
    kind, *parts = described
    if kind == "tensor":
        yield math.prod(parts[1])
    elif kind == "plain":
        yield abs(parts[1]) if parts[0] is int else 1
    else:
        for part in parts:
            yield from _factors(part[1] if kind == "dict" else part)


def _made(described: Any, whole: int) -> Any:
    """The arguments again, with tensors of ones, and of `whole` where they hold whole numbers or truths."""
    kind, *parts = described
    if kind == "tensor":
        dtype, shape = parts
        fill = 1 if dtype.is_floating_point or dtype.is_complex else whole
        return torch.full(shape, fill, dtype=dtype, device="cpu")
    if kind == "plain":
        return parts[1]
    if kind == "dict":
        return {key: _made(item, whole) for key, item in parts}
    made = [_made(item, whole) for item in parts]
    return slice(*made) if kind == "slice" else tuple(made) if kind == "tuple" else made


def _asked(dotted: str, described: Any, default: torch.dtype | None) -> Exception | None:
    """What torch says of dtypes when it is called so, if that is an error.

    Whole numbers are zeros first, which are indices of everything, and then ones, by which everything is divisible.
    """
    function = real_object(dotted)
    known = dotted.startswith("torch.nn.init.") or computes(dotted, function)
    if not callable(function) or isinstance(function, type) or not known:
        return None
    for whole in (0, 1):
        error = _raised(function, _made(described, whole), default)
        if error is None:
            return None
        text = str(error).splitlines()[0] if str(error) else ""
        if isinstance(error, TypeError) and OF_ARGUMENTS.search(text):
            return error
        if OF_DTYPES.search(text) and not isinstance(error, TypeError):
            return None if OF_A_DEVICE.search(text) else error
    return None


def _raised(function: Callable[..., Any], given: list[Any], default: torch.dtype | None) -> Exception | None:
    *arguments, keywords = given
    try:
        with warnings.catch_warnings(), default_dtype(default), torch.no_grad():
            warnings.simplefilter("ignore")
            with torch.random.fork_rng(devices=()):
                function(*arguments, **keywords)
    except (*TORCH_ERRORS, AttributeError, LookupError, ArithmeticError) as error:
        return error.with_traceback(None)  # which would keep the tensors
    return None


@contextmanager
def default_dtype(dtype: torch.dtype | None) -> Iterator[None]:
    """torch decides itself what dtype a constant has; it is told the default that a program has set, for one call."""
    if dtype is None:
        yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
