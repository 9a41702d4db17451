"""An exported program as plain data: what the process that runs the user's code hands to the one that must not.

`torch.export` gives a graph of torch's own operators (ATen) in the form in which the program called them. Nothing of
it but this record leaves that process: names, numbers, shapes and places as JSON, tensors in a safetensors file.
Neither format can hold code, so reading a reply runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

import torch
from torch import Tensor

from torchlean.ops import TensorType, dtype_name

TENSORS = "exported.safetensors"
"""The file with a reply's tensors, in the folder where the exporting process may write."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The result of a leaf or step, counted through both; of several results the one at `item`."""

    index: int
    item: int | None = None


Argument = Union[None, bool, int, float, str, torch.dtype, Ref, tuple["Argument", ...]]


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the program reads: an input of the unit, a weight or buffer of its module, or a tensor it closes over.

    `kind` is `input`, `parameter` or `constant`; `tensor` is the key of its numbers, empty for an input.
    """

    kind: str
    name: str
    type: TensorType
    tensor: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an ATen operator.

    Attributes:
        target: `aten.linear.default`.
        arguments: by the names of the operator's schema, in its order; those left out have the schema's default.
        types: of the results, as torch itself found them; None for a result that is no tensor.
        places: (path, line counted from zero) of the calls that led here, innermost first, without torch's own files.
    """

    target: str
    arguments: Mapping[str, Argument]
    types: tuple[TensorType | None, ...]
    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What one unit computes: `leaves`, then `steps`, and the tensors it returns.

    `parameters` is the number of elements of all parameters of its module.
    """

    leaves: tuple[Leaf, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Ref, ...]
    parameters: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no program: the stage (`run`, `load`, `find`, `make`, `export`, `record`), the reason, and where.

    `place` is the innermost line outside of torch, if any.
    """

    stage: str
    message: str
    place: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A unit to export: a claim or module, by name, on inputs of these types.

    `assumed` says that nobody calls the module: it is then exported as it runs after `.eval()`.
    """

    kind: str
    name: str
    inputs: tuple[tuple[str, TensorType], ...]
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """What a child process is asked for: units of one file.

    `roots` are folders of the workspace, for imports. `seed` is torch's before the import: weights that no file gives
    are drawn, and the same draw each time keeps replies comparable.
    """

    path: str
    roots: tuple[str, ...]
    requests: tuple[Request, ...]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a job.

    Attributes:
        torch: the version that exported.
        units: a program or the reason why there is none, in the order of the requests.
        files: other files of the user's that were read (imports, weights), absolute.
    """

    torch: str
    units: tuple[Program | Refusal, ...]
    files: tuple[str, ...] = ()
    tensors: Mapping[str, Tensor] = field(default_factory=dict)


class ReplyError(Exception):
    """A reply that is not one."""


def job_document(job: Job) -> dict[str, Any]:
    requests = [
        {"kind": r.kind, "name": r.name, "assumed": r.assumed, "inputs": [[n, _type(t)] for n, t in r.inputs]}
        for r in job.requests
    ]
    return {"path": job.path, "roots": list(job.roots), "seed": job.seed, "requests": requests}


def read_job(raw: Mapping[str, Any]) -> Job:
    requests = tuple(
        Request(r["kind"], r["name"], tuple((n, _read_type(t)) for n, t in r["inputs"]), r["assumed"])
        for r in raw["requests"]
    )
    return Job(raw["path"], tuple(raw["roots"]), requests, raw["seed"])


def reply_document(reply: Reply) -> dict[str, Any]:
    """Without the tensors."""
    units = [_unit(unit) for unit in reply.units]
    return {"torch": reply.torch, "files": list(reply.files), "units": units}


def read_reply(raw: Any, tensors: Mapping[str, Tensor]) -> Reply:
    """Raises:
    ReplyError: it says something else than this module writes: the user's code may have meddled with it.
    """
    try:
        units = tuple(_read_unit(unit, tensors) for unit in raw["units"])
        return Reply(str(raw["torch"]), units, tuple(map(str, raw["files"])), tensors)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReplyError(f"the reply of the exporting process cannot be read ({error})") from error


def _unit(unit: Program | Refusal) -> dict[str, Any]:
    if isinstance(unit, Refusal):
        return {"stage": unit.stage, "message": unit.message, "place": unit.place}
    leaves = [[leaf.kind, leaf.name, _type(leaf.type), leaf.tensor] for leaf in unit.leaves]
    steps = [
        [
            step.target,
            {name: _argument(value) for name, value in step.arguments.items()},
            [None if type is None else _type(type) for type in step.types],
            step.places,
        ]
        for step in unit.steps
    ]
    outputs = [_argument(ref) for ref in unit.outputs]
    return {"leaves": leaves, "steps": steps, "outputs": outputs, "parameters": unit.parameters}


def _read_unit(raw: dict[str, Any], tensors: Mapping[str, Tensor]) -> Program | Refusal:
    if "stage" in raw:
        place = raw["place"]
        return Refusal(str(raw["stage"]), str(raw["message"]), None if place is None else _place(place))
    leaves = tuple(Leaf(str(k), str(n), _read_type(t), str(key)) for k, n, t, key in raw["leaves"])
    steps = tuple(
        Step(
            str(target),
            {str(name): _read_argument(value) for name, value in arguments.items()},
            tuple(None if type is None else _read_type(type) for type in types),
            tuple(map(_place, places)),
        )
        for target, arguments, types, places in raw["steps"]
    )
    outputs = tuple(map(_read_argument, raw["outputs"]))
    refs = tuple(ref for ref in outputs if isinstance(ref, Ref))
    program = Program(leaves, steps, refs, int(raw["parameters"]))
    _check(program, tensors)
    return program


def _check(program: Program, tensors: Mapping[str, Tensor]) -> None:
    """Every reference is to something earlier, every tensor is there and has the type that is said."""
    for leaf in program.leaves:
        if leaf.kind not in ("input", "parameter", "constant"):
            raise ValueError(f"a leaf of kind {leaf.kind!r}")
        if leaf.kind != "input":
            data = tensors[leaf.tensor]
            if TensorType(tuple(data.shape), data.dtype) != leaf.type:
                raise ValueError(f"the tensor of `{leaf.name}` is not a {leaf.type}")
    for position, step in enumerate(program.steps, len(program.leaves)):
        for ref in _references(tuple(step.arguments.values())):
            if not 0 <= ref.index < position:
                raise ValueError(f"step {position} refers to {ref.index}")
    total = len(program.leaves) + len(program.steps)
    if any(not 0 <= ref.index < total for ref in program.outputs):
        raise ValueError("an output that is not computed")


def _references(value: Argument) -> list[Ref]:
    if isinstance(value, tuple):
        return [ref for item in value for ref in _references(item)]
    return [value] if isinstance(value, Ref) else []


def _type(type: TensorType) -> list[Any]:
    return [list(type.shape), dtype_name(type.dtype)]


def _read_type(raw: Any) -> TensorType:
    shape, name = raw
    return TensorType(tuple(int(size) for size in shape), _dtype(name))


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"no dtype {name!r}")
    return found


def _place(raw: Any) -> tuple[str, int]:
    path, line = raw
    return str(path), int(line)


def _argument(value: Argument) -> Any:
    """JSON has no dtypes and references: objects with one key stand for them."""
    if isinstance(value, tuple):
        return [_argument(item) for item in value]
    if isinstance(value, Ref):
        return {"ref": [value.index, value.item]}
    return {"dtype": dtype_name(value)} if isinstance(value, torch.dtype) else value


def _read_argument(raw: Any) -> Argument:
    if isinstance(raw, list):
        return tuple(_read_argument(item) for item in raw)
    if isinstance(raw, dict):
        if "dtype" in raw:
            return _dtype(raw["dtype"])
        index, item = raw["ref"]
        return Ref(int(index), None if item is None else int(item))
    if raw is not None and not isinstance(raw, (bool, int, float, str)):
        raise TypeError(f"an argument {raw!r}")
    return raw
