"""Views: tensors that lie in the memory of others, and what writing into one of them does to the others.

The graph has values and no memory. A view that is known for certain (`TensorValue.base`) has the node of its base
behind a few ops that only rearrange. Writing into it is undone op by op into a new node of the base, and every other
tensor of the memory is read from its own base once more. Nothing but the nodes says how a view lies in its base, so
what undoes changes (`journal`) needs to know nothing of views.

`reshape` and its like give a view or a copy, as the strides have it: torch itself is asked, with tensors of those
strides. Where the strides are not known, the result may share the memory, and writing there is not followed.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from torchlean.capture.tables import words
from torchlean.capture.values import Storage, TensorValue, Value
from torchlean.graph import Node
from torchlean.ops import OPS, SPELLINGS, VIEW_OPS, ShapeError, UnsupportedError
from torchlean.ops.arguments import shape_text
from torchlean.ops.elementwise import Elementwise

if TYPE_CHECKING:
    from torchlean.capture.emitter import CaptureEmitter
    from torchlean.capture.interpreter import Interpreter

ALWAYS = words(
    """view view_as t T mT H adjoint transpose swapaxes swapdims permute movedim moveaxis squeeze unsqueeze expand
    expand_as broadcast_to narrow select split split_with_sizes chunk tensor_split hsplit vsplit dsplit unbind unfold
    diagonal unflatten atleast_1d atleast_2d atleast_3d"""
)
"""Functions that give views of their first argument, whatever its strides are."""

PERHAPS = words("reshape reshape_as flatten ravel contiguous")
"""Functions that give a view where the strides allow it, and else a copy."""

DENSE = words("zeros ones full empty tensor arange linspace rand randn randint eye")
"""Functions that make tensors in row-major order."""

ZERO_OR_ONE = words("any all bernoulli")
"""Functions whose results torch converts to any dtype of `out=` that it takes: truths of bytes, draws."""

POINTWISE = words(
    """clone __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __neg__ __pow__ add sub mul div
    neg abs exp log sqrt relu sigmoid tanh sin cos square float double long int softmax log_softmax"""
)
"""Functions whose result is in row-major order where all their tensors are."""

MULTIPLYING = words("linear matmul bmm mm __matmul__")
"""Products of matrices."""

MOST = 64
"""Views that are read again after a write: rows that a loop writes one by one would cost the square of their number."""


def noted(
    run: Interpreter, name: str, arguments: list[Value], keywords: dict[str, Value], result: Value
) -> None:
    """Remember of what a function of torch gave how it lies in memory.

    Raises:
        ShapeError: it is a view of a shape that no strides give.
    """
    name = name.rpartition(".")[2]
    if name in MULTIPLYING:
        if isinstance(result, TensorValue) and _multiplies_densely(run, name, arguments):
            result.dense = True
    elif name in DENSE or name in POINTWISE:
        if isinstance(result, TensorValue) and "memory_format" not in keywords:
            _note_density(run, name, arguments, result)
    elif name in ALWAYS or name in PERHAPS:
        base = arguments[0] if arguments else None
        if name in ("view", "view_as"):
            _check_strides(run, base, result)
        for view in result if isinstance(result, (list, tuple)) else (result,):
            if isinstance(base, TensorValue) and isinstance(view, TensorValue):
                note_view(run, base, view, certain=name in ALWAYS)


def _note_density(run: Interpreter, name: str, arguments: list[Value], result: TensorValue) -> None:
    """Say of a new tensor whether its elements are in row-major order."""
    tensors = [argument for argument in arguments if isinstance(argument, TensorValue)]
    if result.base is None and not any(result.storage is tensor.storage for tensor in tensors):
        result.dense = name in DENSE or all(is_dense(run, tensor) for tensor in tensors)


def _multiplies_densely(run: Interpreter, name: str, arguments: list[Value]) -> bool:
    """Whether a product is certainly in row-major order: of two batches of matrices, and of rows by a layer's weights.

    A matrix times a batch is computed transposed.
    """
    tensors = [argument for argument in arguments if isinstance(argument, TensorValue)]
    if name == "linear":
        return bool(tensors) and is_dense(run, tensors[0])
    return len(tensors) == 2 and len(tensors[0].shape) == len(tensors[1].shape) >= 2


def _check_strides(run: Interpreter, base: Value, view: Value) -> None:
    """`view` of what lies in pieces: `x.transpose(1, 2).view(n, -1)`.

    Raises:
        ShapeError: torch certainly refuses.
    """
    if not isinstance(base, TensorValue) or not isinstance(view, TensorValue) or base.base is None:
        return
    whole = layout(run.emitter, base)
    if whole is None:
        return
    try:
        whole.view(view.shape)
    except RuntimeError:
        raise ShapeError(
            f"`view` copies nothing, and the elements of this tensor {base.type} do not lie in memory so that they are "
            f"one of shape {shape_text(view.shape)}: it is itself a view, by slicing, transposing or expanding. Use "
            "`.reshape(...)`, which copies where it must, or `.contiguous()` before"
        ) from None


def note_view(run: Interpreter, base: TensorValue, view: TensorValue, certain: bool = True) -> None:
    """`view` was made of `base` by ops that rearrange; it is a copy where torch has to make one."""
    if view is base or view.base is not None or view.storage is not base.storage:
        return
    if steps_between(run.emitter, base.node, view.node) is None:
        return
    if certain:
        view.base = base
        return
    whole = layout(run.emitter, base)
    if whole is None:
        return
    contiguous = run.emitter.node(view.node).op == "contiguous"
    if whole.is_contiguous() if contiguous else _is_viewable(whole, view.shape):
        view.base = base
    else:
        view.shares(Storage())
        view.dense = True


def _is_viewable(whole: Tensor, shape: tuple[int, ...]) -> bool:
    return not whole.numel() or bool(whole.reshape(shape).data_ptr() == whole.data_ptr())


def is_dense(run: Interpreter, tensor: TensorValue) -> bool:
    """Whether the elements of a tensor certainly lie in row-major order without gaps."""
    if tensor.base is None:
        return tensor.dense
    whole = layout(run.emitter, tensor)
    return whole is not None and bool(whole.is_contiguous())


def check_overlap(run: Interpreter, name: str, arguments: list[Value]) -> None:
    """A function that writes into its first argument reads others.

    Raises:
        UnsupportedError: they share some numbers with it, so that torch refuses or the order of writing matters.
    """
    target = arguments[0]
    others = [other for other in arguments[1:] if isinstance(other, TensorValue) and other is not target]
    if not isinstance(target, TensorValue) or all(other.storage is not target.storage for other in others):
        return
    written = _numbers(run.emitter, target)
    if name.endswith(".__setitem__") and written is not None:
        written = written[arguments[1]] if is_basic(arguments[1]) else None
    for other in others:
        if other.storage is target.storage:
            read = _numbers(run.emitter, other)
            if written is None or read is None or _meet(written, read):
                raise UnsupportedError(
                    "it is changed in place by a tensor that shares some of its memory (a view); clone that first"
                )


def in_dtype_of(run: Interpreter, name: str, result: TensorValue, target: TensorValue) -> TensorValue:
    """What a call leaves in `out=`, as the memory holds it: zeros and ones may go where nothing else is cast to."""
    if name.rpartition(".")[2] not in ZERO_OR_ONE or result.dtype == target.dtype:
        return result
    converted: TensorValue = SPELLINGS["torch.Tensor.to"](run.emitter, result, target.dtype)
    return converted


def why_not_out(
    run: Interpreter, name: str, target: Value, result: Value, given: list[Value], before: int
) -> str | None:
    """Why it is not known what `out=` holds after a call; None where it is the result.

    Args:
        name, given, before: of the call, see `reads_what_it_writes`.
    """
    tensors = isinstance(target, TensorValue) and isinstance(result, TensorValue)
    if not (tensors and target.shape == result.shape):
        return "`out=` with another shape, or with several tensors, is not followed"
    if name.endswith(".logsumexp") and result.dtype != target.dtype:
        return "torch computes `logsumexp` partly in the dtype of `out=`, which is not followed"
    if reads_what_it_writes(run, target, given, before):
        return (
            "it reads the tensor that `out=` writes (or a view of it) while it is written, and torch does not say what "
            "comes of that; leave `out=` away"
        )
    return None


def reads_what_it_writes(run: Interpreter, target: TensorValue, given: list[Value], before: int) -> bool:
    """Whether a call with `out=` may read numbers that it has written: torch looks out for that in few functions.

    Args:
        given: the call's arguments; tensors in lists are among them.
        before: the length of the graph before the call. What is computed element by element may read and write the
            same numbers in the same order.
    """
    tensors = [x for value in given for x in (value if isinstance(value, (list, tuple)) else (value,))]
    shared = [x for x in tensors if isinstance(x, TensorValue) and x.storage is target.storage]
    if not shared:
        return False
    nodes = run.builder.nodes[before:]
    if not all(node.op == "constant" or isinstance(OPS.get(node.op), Elementwise) for node in nodes):
        return True
    written = _numbers(run.emitter, target)
    read = [None if x is target else _numbers(run.emitter, x) for x in shared]
    return any(
        x is not target and (written is None or numbers is None or _meet(written, numbers))
        for x, numbers in zip(shared, read, strict=True)
    )


def _meet(written: Tensor, read: Tensor) -> bool:
    """Whether numbers are read and written, unless it is the same ones in the same order."""
    same = written.shape == read.shape and bool((written == read).all())
    return not same and bool(torch.isin(written.reshape(-1), read.reshape(-1)).any())


def _numbers(emitter: CaptureEmitter, tensor: TensorValue) -> Tensor | None:
    """Which numbers of its memory a tensor has, in row-major order of the whole; None where that is not known."""
    if tensor.base is None:
        return torch.arange(tensor.type.numel).reshape(tensor.shape)
    found = _numbers(emitter, tensor.base)
    steps = steps_between(emitter, tensor.base.node, tensor.node)
    if found is None or steps is None:
        return None
    for step in steps:
        found = OPS[step.op].evaluate([found], step.attributes)
    return found


def is_basic(index: Value) -> bool:
    """Whether such an index certainly gives a view."""
    if isinstance(index, tuple):
        return all(map(is_basic, index))
    if isinstance(index, slice):
        return all(end is None or type(end) is int for end in (index.start, index.stop, index.step))
    return index is None or index is Ellipsis or type(index) is int


def layout(emitter: CaptureEmitter, tensor: TensorValue) -> Tensor | None:
    """A tensor that lies in memory as this one does; its numbers mean nothing. None where that is not known."""
    base = tensor.base
    if base is None:
        return torch.empty(tensor.shape, dtype=torch.bool) if tensor.dense else None
    found = layout(emitter, base)
    steps = steps_between(emitter, base.node, tensor.node)
    if found is None or steps is None or any(step.op == "flip" for step in steps):
        return None  # only NumPy has views that run backwards
    for step in steps:
        found = _applied(step, found)
    return found


def _applied(step: Node, tensor: Tensor) -> Tensor:
    """The view that a step makes."""
    if step.op in ("reshape", "contiguous"):
        return tensor.view(step.type.shape)
    return OPS[step.op].evaluate([tensor], step.attributes)


def steps_between(emitter: CaptureEmitter, base: int, view: int) -> list[Node] | None:
    """The ops that lead from one node to another and only rearrange; None where others do."""
    steps: list[Node] = []
    while view != base:
        node = emitter.node(view)
        if view < base or (node.op not in VIEW_OPS and node.op != "flip"):
            return None
        steps.insert(0, node)
        view = node.inputs[0]
    return steps


class Views:
    """The tensors of one memory, of which one is about to be written."""

    def __init__(self, emitter: CaptureEmitter, target: TensorValue) -> None:
        self.emitter = emitter
        self.target = target
        self.steps: dict[TensorValue, list[Node]] = {}

    def followed(self, result: TensorValue) -> bool:
        """Whether it is known for each live tensor of the memory how it lies there.

        Python frees what nothing refers to at once, but for cycles, and torch makes one of the frames that call it
        when it first imports its compiler. What lives on in such a cycle only is no tensor of the program's.
        """
        root = self._root(self.target)
        if root is None:
            return False
        if not all(other is result or self._root(other) is root for other in self._handles()):
            gc.collect()
        handles = list(self._handles())
        return len(handles) <= MOST and all(other is result or self._root(other) is root for other in handles)

    def write(self, result: TensorValue) -> None:
        """Give the target the value of `result`, through all the memory.

        Raises:
            UnsupportedError: an element of the target stands in several places of it.
        """
        target = self.target
        others = [other for other in self._handles() if other in self.steps and other is not result]
        steps = {other: self.steps[other] for other in others}
        value, root = result.node, target
        while root.base is not None and root in self.steps:
            for step in reversed(self.steps[root]):
                value = self._undone(step, value)
            root = root.base
        self.emitter.changes(root)
        root.node, root.type = value, result.type if root is target else root.type
        fresh = {root}
        for other in steps:
            self._read(other, fresh)

    def _handles(self) -> Iterator[TensorValue]:
        return iter(list(self.target.storage.handles))

    def _root(self, tensor: TensorValue) -> TensorValue | None:
        """The tensor that has the whole memory; None where the way there is not known."""
        while tensor.base is not None:
            if tensor not in self.steps:
                steps = steps_between(self.emitter, tensor.base.node, tensor.node)
                if steps is None or tensor.base.storage is not tensor.storage:
                    return None
                self.steps[tensor] = steps
            tensor = tensor.base
        return tensor

    def _read(self, view: TensorValue, fresh: set[TensorValue]) -> None:
        """Read a view from its base once more."""
        if view in fresh or view.base is None:
            return
        self._read(view.base, fresh)
        node = view.base.node
        for step in self.steps[view]:
            node = self.emitter.step(step.op, [node], **step.attributes)
        self.emitter.changes(view)
        view.node = node
        fresh.add(view)

    def _undone(self, step: Node, value: int) -> int:
        """The operand of a step with `value` where the step reads."""
        operand = self.emitter.node(step.inputs[0])
        if step.op in ("reshape", "contiguous"):
            return self._reshaped(value, operand.type.shape)
        if step.op == "permute":
            dims = step.attributes["dims"]
            assert isinstance(dims, tuple)
            back = tuple(dims.index(dim) for dim in range(len(dims)))
            return self.emitter.step("permute", [value], dims=back)
        if step.op == "flip":
            return self.emitter.step("flip", [value], **step.attributes)
        if step.op == "slice":
            return self.emitter.step("slice_update", [operand.id, value], index=step.attributes["index"])
        return self._scattered(step, operand, value)

    def _scattered(self, step: Node, operand: Node, value: int) -> int:
        """Write where any step reads, element by element."""
        numbers = torch.arange(operand.type.numel).reshape(operand.type.shape)
        places = OPS[step.op].evaluate([numbers], step.attributes).reshape(-1).clone()
        if places.unique().numel() < places.numel():
            raise UnsupportedError("a view is written that has one number of its memory in several places")
        flat = self._reshaped(operand.id, (operand.type.numel,))
        index = self.emitter.constant(places)
        new = self._reshaped(value, (places.numel(),))
        written = self.emitter.step("index_update", [flat, new, index.node], dims=(0,))
        return self._reshaped(written, operand.type.shape)

    def _reshaped(self, value: int, shape: tuple[int, ...]) -> int:
        if self.emitter.node(value).type.shape == shape:
            return value
        return self.emitter.step("reshape", [value], shape=shape)
