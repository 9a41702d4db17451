"""Weights from files: `tl.load`, `torch.load` and `safetensors.torch.load_file`, read when the file is analysed.

Every file that is read or looked for becomes a dependency of the capture, present or not, so that training a model
or moving its weights is a reason to analyse again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeGuard

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from torchlean.capture.emitter import TensorTooLarge
from torchlean.capture.intrinsics import adopt, cast
from torchlean.capture.places import argument_span
from torchlean.capture.values import Instance, TensorValue, Unknown, Value, native, type_name
from torchlean.capture.weights import WeightFile, WeightFileError
from torchlean.ops import dtype_name

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter
    from torchlean.source import Span

LISTED = 5
"""Names that a message lists before it says how many more there are."""


@native("torchlean.load", unknowns=True)
def load(run: Interpreter, module: Value, path: Value) -> Value:
    """`tl.load(module, path)`: the module with its weights, in evaluation mode.

    Where the file or parts of it cannot be used, that is reported at the path, and the weights stay what the
    constructor made them: shapes are still analysed.
    """
    if not isinstance(module, Instance) or not module.cls.is_module:
        if isinstance(module, Unknown):
            return module
        return run.error("TL103", f"tl.load needs a module such as `Net()`, got {_article(module)}")
    span = argument_span(run, 1, "path")
    name = path_of(run, path, "tl.load", span)
    if name is not None:
        file = weight_file(run, name, [calling_folder(run)], span)
        if file is not None:
            _fill(run, module, file, name, span)
    _method(run, module, "eval")
    return module


@native("torch.load", unknowns=True)
def torch_load(
    run: Interpreter,
    f: Value,
    map_location: Value = None,
    pickle_module: Value = None,
    *,
    weights_only: Value = None,
    mmap: Value = None,
    **pickle_load_args: Value,
) -> Value:
    """`torch.load(path)`, tensors and plain containers only. Relative paths are tried as `folders_of` says."""
    return _loaded(run, f, "torch.load", argument_span(run, 0, "f"))


@native("safetensors.torch.load_file", unknowns=True)
def load_file(run: Interpreter, filename: Value, device: Value = "cpu") -> Value:
    """`safetensors.torch.load_file(path)`."""
    return _loaded(run, filename, "load_file", argument_span(run, 0, "filename"))


def _loaded(run: Interpreter, path: Value, function: str, span: Span | None) -> Value:
    name = path_of(run, path, function, span)
    if name is None:
        return Unknown(f"`{function}` of a path that is not known", run.place(), reported=True)
    file = weight_file(run, name, folders_of(run), span)
    if file is None:
        return Unknown(f"the weight file `{name}` could not be read", run.place(), reported=True)
    tensors = _named(file.content, "")
    _report_non_finite(run, name, tensors, {key: value.dtype for key, value in tensors.items()}, span)
    return loaded_value(run, file.content, "")


def _named(content: object, name: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint that are reached by names alone: weights, and an optimiser's are not."""
    if isinstance(content, Tensor):
        return {name: content} if name else {}
    found = {}
    for key, item in content.items() if isinstance(content, Mapping) else ():
        if isinstance(key, str):
            found.update(_named(item, f"{name}.{key}" if name else key))
    return found


def loaded_value(run: Interpreter, content: object, name: str) -> Value:
    """The content of a checkpoint as values: fresh containers, tensors as parameters of the graph."""
    if isinstance(content, Tensor):
        try:
            return run.emitter.parameter(content, name)
        except TensorTooLarge as error:
            run.report("TL113", f"`{name}`: {error}")
            return Unknown(str(error), run.place(), reported=True)
    if isinstance(content, Mapping):
        return {
            key: loaded_value(run, item, f"{name}.{key}" if name else str(key))
            for key, item in content.items()
        }
    if isinstance(content, (list, tuple)):
        items = [loaded_value(run, item, f"{name}.{index}") for index, item in enumerate(content)]
        return tuple(items) if isinstance(content, tuple) else items
    if content is None or isinstance(content, (bool, int, float, str, torch.dtype)):
        return content
    return Unknown(f"a {type(content).__name__} in a checkpoint is not followed")


# -- files ---------------------------------------------------------------------------------------------------------


def path_of(run: Interpreter, path: Value, function: str, span: Span | None) -> str | None:
    """The path as text; None, and a message, where it is not known."""
    if isinstance(path, (str, os.PathLike)):
        return os.fspath(path)
    if is_file(path):
        return opened_path(run, path)
    if isinstance(path, Unknown):
        if not path.reported:
            run.report(
                "TL102",
                f"the path of {function} is not known, so no weights are read: {path.reason}",
                span=span,
            )
    else:
        run.report("TL103", f"{function} needs the path of a file, got {_article(path)}", span=span)
    return None


def is_file(value: Value) -> TypeGuard[Instance]:
    """Whether this is what `open` gives (`files`)."""
    return isinstance(value, Instance) and value.cls.module.name == "torchlean.files"


def opened_path(run: Interpreter, file: Instance) -> str | None:
    """The path of a file from which nothing was read before; now it is read."""
    path = file.attributes["path"]
    run.assign(file.attributes, "path", None)
    return path if isinstance(path, str) else None


def calling_folder(run: Interpreter) -> str:
    """The folder of the file that contains the call: where `tl.load` looks, at run time too."""
    frame = run.frame
    return os.path.dirname(frame.module.path if frame is not None else run.path)


def folders_of(run: Interpreter) -> list[str]:
    """Where a path relative to the working directory may lie: beside the file, or in a folder of the workspace."""
    return list(dict.fromkeys([calling_folder(run), os.path.dirname(run.path), *run.workspace.roots]))


def weight_file(run: Interpreter, name: str, folders: list[str], span: Span | None) -> WeightFile | None:
    """The first such file; None, and a message, where there is none that can be read."""
    paths = [os.path.normpath(os.path.join(folder, name)) for folder in folders]
    for path in paths:
        run.dependencies[path] = None
        if path == paths[-1] or os.path.exists(path):
            try:
                return run.workspace.weights.read(path)
            except WeightFileError as error:
                run.report("TL110", _unreadable(name, path, str(error)), span=span)
                return None
    return None


def _unreadable(name: str, path: str, reason: str) -> str:
    if reason == "does not exist":
        return f"weight file `{name}` does not exist; looked for {path}. Until it does, weights count as untrained"
    return f"weight file `{name}` {reason}"


# -- into the module -----------------------------------------------------------------------------------------------


def _fill(run: Interpreter, module: Instance, file: WeightFile, name: str, span: Span | None) -> None:
    state = _method(run, module, "state_dict")
    if not isinstance(state, dict):
        return
    try:
        tensors = file.tensors
    except WeightFileError as error:
        run.report("TL110", _unreadable(name, file.path, str(error)), span=span)
        return
    expected = {key: value for key, value in state.items() if isinstance(value, TensorValue)}
    problems = misfits({key: value.shape for key, value in expected.items()}, tensors)
    unreal = [
        f"`{key}`"
        for key, value in expected.items()
        if key in tensors and tensors[key].is_complex() and not value.dtype.is_complex
    ]
    if unreal:
        problems.append(f"it has complex numbers in {_listed(unreal)}, whose imaginary parts are discarded")
    if problems:
        text = "; ".join(problems)
        run.report("TL111", f"weight file `{name}` does not fit `{module.cls.name}`: {text}", span=span)
    for key, target in expected.items():
        if key in tensors and tuple(tensors[key].shape) == target.shape:
            adopt(run, target, loaded_value(run, tensors[key], key), key)
    dtypes = {key: value.dtype for key, value in expected.items() if key in tensors}
    _report_non_finite(run, name, tensors, dtypes, span)


def misfits(expected: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor]) -> list[str]:
    """What keeps a file from filling a module: at most `LISTED` names of each kind, in the module's order.

    Args:
        expected: shapes of the module's state by name.
        tensors: the file's tensors.
    """
    missing = [f"`{key}` {shape}" for key, shape in expected.items() if key not in tensors]
    extra = [f"`{key}` {tuple(value.shape)}" for key, value in tensors.items() if key not in expected]
    wrong = [
        f"`{key}` should have shape {shape}, the file has {tuple(tensors[key].shape)}"
        for key, shape in expected.items()
        if key in tensors and tuple(tensors[key].shape) != shape
    ]
    kinds = (("it lacks ", missing), ("it has unexpected ", extra), ("", wrong))
    return [title + _listed(names) for title, names in kinds if names]


def _listed(names: list[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


_checked: WeakIdKeyDictionary = WeakIdKeyDictionary()


def non_finite(tensor: Tensor) -> tuple[int, ...] | None:
    """Index of the first element that is infinite or NaN, None where all are finite; remembered per tensor."""
    if tensor not in _checked:
        bad = ~torch.isfinite(tensor)
        _checked[tensor] = tuple(int(i) for i in bad.nonzero()[0]) if bool(bad.any()) else None
    index: tuple[int, ...] | None = _checked[tensor]
    return index


def _report_non_finite(
    run: Interpreter,
    name: str,
    tensors: Mapping[str, Tensor],
    dtypes: Mapping[str, torch.dtype],
    span: Span | None,
) -> None:
    """Of the tensors named in `dtypes`: a number that the file's dtype holds may be infinite in the module's."""
    found = []
    for key, dtype in dtypes.items():
        index = non_finite(cast(tensors[key], dtype))
        if index is not None:
            number = tensors[key][index]
            narrow = f", too large for {dtype_name(dtype)}," if bool(torch.isfinite(number)) else ""
            found.append(f"`{key}` has {number.item()}{narrow} at {list(index)}")
    if found:
        text = f"weight file `{name}`: {_listed(found)}; such weights make what uses them infinite or NaN"
        run.report("TL112", text, span=span)


def _method(run: Interpreter, module: Instance, name: str) -> Value:
    from torchlean.capture.attributes import attribute
    from torchlean.capture.calling import call

    return call(run, attribute(run, module, name), [], {})


def _article(value: Value) -> str:
    """`the class Net`, `an int`, `a tensor (2,) float32`."""
    name = type_name(value)
    if name.startswith(("class", "function")):
        return f"the {name}"
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"
