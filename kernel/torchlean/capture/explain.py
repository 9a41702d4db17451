"""Messages about calls that do not fit: what was expected, what came, and where each operand came from."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from torchlean.capture.naming import closest
from torchlean.capture.values import Native, TensorValue, Unknown, Value, type_name
from torchlean.diagnostics import Related
from torchlean.ops import OutOfRangeError, ShapeError
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def operands(arguments: list[Value], keywords: dict[str, Value]) -> list[TensorValue]:
    """The tensors among the arguments, in order, also inside lists and tuples."""
    found: list[TensorValue] = []
    for value in (*arguments, *keywords.values()):
        if isinstance(value, TensorValue):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += [item for item in value if isinstance(item, TensorValue)]
    return found


def shape_message(run: Interpreter, text: str, tensors: list[TensorValue]) -> tuple[str, list[Related]]:
    """The op's own words, then each operand with its type and origin."""
    lines = [text]
    related: list[Related] = []
    texts = _operand_texts(run, len(tensors))
    for tensor, expression in zip(tensors, texts, strict=True):
        node = run.builder.nodes[tensor.node]
        if not expression and node.op in ("random", "parameter", "constant"):
            continue  # a layer's own weight, whose shape the message has said
        name = expression or node.label or node.op
        origin = node.spans[0] if node.spans else None
        lines.append(f"  `{name}` is {tensor.type}{_from(run, origin)}")
        if origin is not None and origin != run.place():
            related.append(Related(origin, f"`{name}` {tensor.type} comes from here"))
    return "\n".join(lines), related


def _from(run: Interpreter, origin: Span | None) -> str:
    if origin is None:
        return ""
    where = "" if origin.path == run.path else f" of {origin.path.rpartition('/')[2]}"
    return f", from line {origin.line + 1}{where}"


def _operand_texts(run: Interpreter, count: int) -> list[str]:
    """The source of the operands, where the expression shows them one by one; empty strings otherwise.

    Inside a stub the expression is the user's call that led there: its arguments are the first operands.
    """
    frame, node = run.frame, run.node
    while frame is not None and frame.module.internal:
        node, frame = frame.site if frame.site is not None else (node, None)
    if frame is None:
        return [""] * count
    labels = [frame.module.label(part) for part in _parts(node)][:count]
    return labels + [""] * (count - len(labels))


def _parts(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Subscript):
        return [node.value]
    if isinstance(node, ast.Call):
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        arguments = [
            argument for argument in node.args if not isinstance(argument, (ast.Constant, ast.Starred))
        ]
        # `x.view(...)` has its first operand before the dot, `torch.cat(...)` and `self.fc(x)` have not.
        if owner and isinstance(owner[0], ast.Name) and owner[0].id in ("torch", "F", "nn", "self"):
            owner = []
        return [*owner, *arguments]
    return []


def kind_of(function: Native, error: ShapeError) -> type[BaseException]:
    """The class of the exception that the program gets."""
    if isinstance(error, OutOfRangeError):
        return IndexError
    if isinstance(error.__cause__, (IndexError, TypeError, ValueError)):
        return type(error.__cause__)
    return ValueError if function.name.startswith("numpy.") else RuntimeError


def argument_mistake(
    run: Interpreter,
    function: Native,
    arguments: list[Value],
    keywords: dict[str, Value],
    error: BaseException,
) -> Unknown | str:
    """A Python error inside one of our functions: the user's arguments do not fit its parameters, which is reported, or
    we fall short, and the result says how."""
    name = function.name.removeprefix("torch.Tensor.")
    mistake = _binding_mistake(function, arguments, keywords) or _kind_mistake(function, arguments, keywords)
    if mistake is not None:
        return run.error("TL103", f"`{name}`: {mistake}")
    if not function.is_spelling and isinstance(error, (ArithmeticError, ValueError, LookupError)):
        return run.error("TL103", f"`{name}`: {error}", kind=type(error))
    kinds = ", ".join(type_name(value) for value in (*arguments, *keywords.values()))
    return f"`{name}` with arguments ({kinds}) is not followed"


def _parameters(function: Native) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(function.call).parameters.values())[1:]
    except (ValueError, TypeError):
        return None


def _binding_mistake(function: Native, arguments: list[Value], keywords: dict[str, Value]) -> str | None:
    parameters = _parameters(function)
    if parameters is None:
        return None
    try:
        inspect.Signature(parameters).bind(*arguments, **keywords)
    except TypeError as error:
        unexpected = [key for key in keywords if key not in {p.name for p in parameters}]
        hint = closest(unexpected[0], [p.name for p in parameters]) if unexpected else ""
        shown = ", ".join(str(parameter.name) for parameter in parameters)
        return f"{error}{hint}; its parameters are ({shown})"
    return None


def _kind_mistake(function: Native, arguments: list[Value], keywords: dict[str, Value]) -> str | None:
    """A parameter that must be a tensor got something else."""
    parameters = _parameters(function)
    if parameters is None or not function.is_spelling:
        return None
    bound: dict[str, Any] = inspect.Signature(parameters).bind(*arguments, **keywords).arguments
    for parameter in parameters:
        value = bound.get(parameter.name)
        wants = str(parameter.annotation) == "TensorValue"
        if wants and parameter.name in bound and not isinstance(value, TensorValue):
            return f"argument `{parameter.name}` must be a tensor, got {type_name(value)}"
    return None
