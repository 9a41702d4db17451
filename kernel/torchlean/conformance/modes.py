"""The ways in which a program is executed: what each does to it before it is called. In the sandbox only."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from torchlean.conformance.observing import Observed

Run = Callable[..., Sequence[Tensor]]
"""Called with the unit's inputs, in order."""

IMAGES = 4
"""Dimensions of a batch of images, which alone have a layout with channels last."""


class Inapplicable(Exception):
    """The program cannot be executed in this way, or it would be no other one; the message says why."""


@contextmanager
def prepared(mode: str, observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    """The program as this mode executes it.

    Args:
        mode: a key of `MODES`.
        example: inputs of the right types, which some modes follow it on.

    Raises:
        Inapplicable: see there.
        BaseException: whatever torch or the user's code raises.
    """
    with MODES[mode](observed, example) as run:
        yield run


@contextmanager
def _eager(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    yield observed


@contextmanager
def _threads(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    count = max(os.cpu_count() or 1, 2)
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield observed
    finally:
        torch.set_num_threads(before)


@contextmanager
def _compiled(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # its workers would count among the program's processes
    torch._dynamo.reset()
    yield torch.compile(observed, dynamic=False)


@contextmanager
def _exported(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    yield torch.export.export(observed, tuple(example), strict=False).module()


@contextmanager
def _onnx(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError as error:
        raise Inapplicable("onnxruntime is not installed") from error
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model.onnx")
        names = [f"input_{place}" for place in range(len(example))]
        # The newer exporter needs onnxscript; the older one says on every call that it is older.
        with warnings.catch_warnings(), contextlib.redirect_stderr(None):
            warnings.simplefilter("ignore")
            torch.onnx.export(observed, tuple(example), file, input_names=names, dynamo=_has_onnxscript())
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

        def run(*inputs: Tensor) -> list[Tensor]:
            known = {item.name for item in session.get_inputs()}  # one that changes nothing is left out
            feeds = {name: value.numpy() for name, value in zip(names, inputs, strict=True) if name in known}
            return [torch.as_tensor(value) for value in session.run(None, feeds)]

        yield run


def _has_onnxscript() -> bool:
    import importlib.util

    return importlib.util.find_spec("onnxscript") is not None


@contextmanager
def _channels_last(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    tensors = [*example, *observed.parameters()]
    if not any(tensor.dim() == IMAGES for tensor in tensors):
        raise Inapplicable("neither its inputs nor its weights are images")
    observed.to(memory_format=torch.channels_last)

    def run(*inputs: Tensor) -> Sequence[Tensor]:
        laid = [
            value.contiguous(memory_format=torch.channels_last) if value.dim() == IMAGES else value
            for value in inputs
        ]
        return observed(*laid)  # type: ignore[no-any-return]

    try:
        yield run
    finally:
        observed.to(memory_format=torch.contiguous_format)


@contextmanager
def _double(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
    kept = [(tensor, tensor.data) for tensor in _tensors(observed) if tensor.is_floating_point()]
    for tensor, data in kept:
        tensor.data = data.double()

    def run(*inputs: Tensor) -> Sequence[Tensor]:
        wide = [value.double() if value.is_floating_point() else value for value in inputs]
        return observed(*wide)  # type: ignore[no-any-return]

    try:
        yield run
    finally:
        for tensor, data in kept:
            tensor.data = data


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _autocast(dtype: torch.dtype) -> Callable[[Observed, Sequence[Tensor]], AbstractContextManager[Run]]:
    @contextmanager
    def context(observed: Observed, example: Sequence[Tensor]) -> Iterator[Run]:
        with torch.autocast("cpu", dtype=dtype):
            yield observed

    return context


MODES: dict[str, Callable[[Observed, Sequence[Tensor]], AbstractContextManager[Run]]] = {
    "eager": _eager,
    "threads": _threads,
    "compiled": _compiled,
    "exported": _exported,
    "onnx": _onnx,
    "channels last": _channels_last,
    "float64": _double,
    "autocast bfloat16": _autocast(torch.bfloat16),
    "autocast float16": _autocast(torch.float16),
}
"""How each executes the program."""
