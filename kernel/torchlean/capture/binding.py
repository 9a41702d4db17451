"""Binding the arguments of a call to the parameters of a definition, with Python's rules and Python's complaints."""

from __future__ import annotations

from torchlean.capture.naming import closest
from torchlean.capture.values import UserFunction, Value


class ArgumentError(Exception):
    """The call does not fit the definition; the message says what was expected and what came."""


def bind(function: UserFunction, arguments: list[Value], keywords: dict[str, Value]) -> dict[str, Value]:
    """Values of all parameters.

    Raises:
        ArgumentError: missing, superfluous or doubly given arguments.
    """
    parameters = function.node.args
    positional = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    names: dict[str, Value] = dict(zip(positional, arguments, strict=False))
    if parameters.vararg is not None:
        names[parameters.vararg.arg] = tuple(arguments[len(positional) :])
    elif len(arguments) > len(positional):
        raise ArgumentError(_too_many(function, len(positional), len(arguments)))
    rest = _bind_keywords(function, names, positional, keywords) if keywords else {}
    if parameters.kwarg is not None:
        names[parameters.kwarg.arg] = rest
    elif rest:
        unexpected = next(iter(rest))
        known = [*positional, *(parameter.arg for parameter in parameters.kwonlyargs)]
        hint = closest(unexpected, known)
        raise ArgumentError(f"`{function.name}()` has no parameter `{unexpected}`{hint}")
    _fill_defaults(function, names, positional)
    return names


def _bind_keywords(
    function: UserFunction, names: dict[str, Value], positional: list[str], keywords: dict[str, Value]
) -> dict[str, Value]:
    """Put keywords into `names`; returns those that name no parameter."""
    parameters = function.node.args
    allowed = set(positional[len(parameters.posonlyargs) :])
    allowed.update(parameter.arg for parameter in parameters.kwonlyargs)
    rest: dict[str, Value] = {}
    for name, value in keywords.items():
        if name not in allowed:
            rest[name] = value
        elif name in names:
            raise ArgumentError(f"`{function.name}()` got two values for `{name}`")
        else:
            names[name] = value
    return rest


def _fill_defaults(function: UserFunction, names: dict[str, Value], positional: list[str]) -> None:
    keyword_only = [parameter.arg for parameter in function.node.args.kwonlyargs]
    missing = []
    for name in (*positional, *keyword_only):
        if name not in names:
            if name in function.defaults:
                names[name] = function.defaults[name]
            else:
                missing.append(name)
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        expected = _signature_text(positional)
        raise ArgumentError(f"`{function.name}()` is called without {listed}; it takes {expected}")


def _too_many(function: UserFunction, expected: int, got: int) -> str:
    positional = [p.arg for p in (*function.node.args.posonlyargs, *function.node.args.args)]
    method = bool(positional) and positional[0] in ("self", "cls")
    return (
        f"`{function.name}()` takes {_signature_text(positional)}, "
        f"but {got - method} {'is' if got - method == 1 else 'are'} given"
    )


def _signature_text(positional: list[str]) -> str:
    """`2 arguments (`a`, `b`)`, without the `self` that the caller does not write."""
    shown = positional[1:] if positional and positional[0] in ("self", "cls") else positional
    if not shown:
        return "no arguments"
    plural = "" if len(shown) == 1 else "s"
    return f"{len(shown)} argument{plural} ({', '.join(f'`{name}`' for name in shown)})"
