"""Calls: of interpreted functions and classes, of TorchLean's own functions, and of torch's through their spellings."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torchlean.capture.binding import ArgumentError, bind
from torchlean.capture.budgets import TooBig
from torchlean.capture.emitter import TensorTooLarge
from torchlean.capture.environment import Environment, Frame
from torchlean.capture.explain import argument_mistake, kind_of, operands, shape_message
from torchlean.capture.foreign import may_change, silenced
from torchlean.capture.function_syntax import own_names, yields
from torchlean.capture.gradient_leaves import note_wanted
from torchlean.capture.gradient_stops import DETACHING, remember_detached
from torchlean.capture.memory import (
    changed_by,
    for_out,
    given_by,
    in_place_name,
    is_of_torch,
    may_share,
    overwritten,
    taint_memory,
    unseen_call,
    written_beside,
    written_by,
)
from torchlean.capture.recursion import too_deep, without_end
from torchlean.capture.refusals import converts, default_dtype, name_in_torch, unless_refused
from torchlean.capture.result import Role
from torchlean.capture.returns import earlier_result, final_result
from torchlean.capture.values import (
    MISSING,
    NATIVES,
    BoundMethod,
    Descriptor,
    ExceptionValue,
    GeneratorStopped,
    Instance,
    ListIterator,
    Namespace,
    Native,
    Partial,
    Raised,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_tensor,
    contains_unknown,
    is_foreign,
    odd_key,
    type_name,
)
from torchlean.capture.varying import Number, as_tensor
from torchlean.capture.views import check_overlap, in_dtype_of, noted, why_not_out
from torchlean.capture.watching import Reachable, at_once
from torchlean.ops import ShapeError, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

Arguments = list[Value]
Keywords = dict[str, Value]


def call(run: Interpreter, callee: Value, arguments: Arguments, keywords: Keywords) -> Value:
    """`callee(*arguments, **keywords)` at the interpreter's place."""
    caller = CALLERS.get(type(callee))
    if caller is not None:
        return unless_refused(
            run, callee, arguments, keywords, lambda: caller(run, callee, arguments, keywords)
        )
    if isinstance(callee, type):
        from torchlean.capture.builtin_types import construct_builtin

        return construct_builtin(run, callee, arguments, keywords)
    if is_foreign(callee):
        unknown = Unknown(f"calling a value of type {type_name(callee)} is not followed", run.place())
        return _call_unknown(run, unknown, arguments, keywords)
    return run.error("TL103", f"a value of type {type_name(callee)} cannot be called")


def _call_unknown(run: Interpreter, callee: Unknown, arguments: Arguments, keywords: Keywords) -> Value:
    from torchlean.capture.forgetting import forget_weights

    writes = written_by(callee.source, arguments, keywords)
    if run.in_script and not writes and is_of_torch(callee) and contains_tensor([arguments, keywords]):
        from torchlean.capture.described import described, said_of_numbers

        result = described(run, callee.source, arguments, keywords)
        if result is not MISSING:
            if callee.source != "torch.autograd.grad":
                said = said_of_numbers(run, callee.reason, callee.source, arguments, keywords)
                run.enters(Unknown(said, run.place()))
            return result
    may_change(run, callee, [*arguments, *keywords.values()])
    result = unseen_call(run, callee, arguments, keywords)
    if result is not MISSING:
        return result
    forget_weights(run, callee, arguments, keywords)
    if run.node is run.discarded:
        return callee  # its result goes nowhere: `plt.plot(x)`
    if contains_tensor(arguments) or contains_tensor(keywords):
        run.enters(callee)
    return given_by(run, callee)


def _call_method(run: Interpreter, callee: BoundMethod, arguments: Arguments, keywords: Keywords) -> Value:
    return call(run, callee.function, [callee.receiver, *arguments], keywords)


def _call_partial(run: Interpreter, callee: Partial, arguments: Arguments, keywords: Keywords) -> Value:
    return call(run, callee.function, [*callee.arguments, *arguments], {**callee.keywords, **keywords})


def _call_class(run: Interpreter, callee: UserClass, arguments: Arguments, keywords: Keywords) -> Value:
    from torchlean.capture.classes import construct

    return construct(run, callee, arguments, keywords)


def _call_instance(run: Interpreter, callee: Instance, arguments: Arguments, keywords: Keywords) -> Value:
    method = callee.cls.find("__call__")
    if method is MISSING:
        if callee.cls.open is not None:
            return _call_unknown(run, callee.cls.open, arguments, keywords)
        return run.error("TL103", f"`{callee.cls.name}` objects cannot be called: there is no `__call__`")
    outside = contains_unknown(arguments) or contains_unknown(keywords) if callee.cls.is_module else None
    if outside is not None and run.in_script:
        return _on_data(run, callee, method, arguments, keywords)
    if not run.script_done and callee.cls.module.analysed:
        from torchlean.capture.module_units import ModuleCall, weight_dtypes

        run.calls.append(ModuleCall(callee, list(arguments), dict(keywords), weight_dtypes(callee)))
    result = call(run, method, [callee, *arguments], keywords)
    if callee.creation is not None and isinstance(result, TensorValue) and callee.creation.path == run.path:
        run.observer.see(callee.creation, result.node, Role.LAYER, callee.label)
    return result


def _on_data(
    run: Interpreter, callee: Instance, method: Value, arguments: Arguments, keywords: Keywords
) -> Value:
    """A script's module on data that is not known, such as a loader's: followed without a word about that."""
    given = [silenced(value) for value in arguments]
    named = {name: silenced(value) for name, value in keywords.items()}
    return call(run, method, [callee, *given], named)


def _call_namespace(run: Interpreter, callee: Namespace, arguments: Arguments, keywords: Keywords) -> Value:
    constructor = NATIVES.get(f"{callee.path}.__call__")
    if constructor is not None:
        return call_native(run, constructor, arguments, keywords)
    return run.error("TL103", f"module `{callee.path}` cannot be called")


def _call_descriptor(run: Interpreter, callee: Descriptor, arguments: Arguments, keywords: Keywords) -> Value:
    return call(run, callee.function, arguments, keywords)


# -- functions of files ------------------------------------------------------------------------------------------------


def call_function(
    run: Interpreter,
    function: UserFunction,
    arguments: Arguments,
    keywords: Keywords,
    at_yield: Callable[[Value], Value] | None = None,
) -> Value:
    """Follow the body of an interpreted function; `at_yield` is run by the `yield` of one that manages a context."""
    caller = run.frame
    dotted = name_in_torch(run, function) if "out" in keywords else None
    if dotted is not None:
        return _into(run, dotted, function, arguments, dict(keywords))
    stopped = too_deep(run) or without_end(run, function, [*arguments, *keywords.values()])
    if stopped is not None:
        return stopped
    if function.results is not None:
        return _remembered(run, function, arguments, keywords)
    try:
        names = bind(function, arguments, keywords)
    except ArgumentError as error:
        return run.error("TL103", str(error))
    frame = _callee_frame(run, function, names, arguments)
    frame.at_yield = at_yield
    place = run.node
    try:
        return _body(run, function, frame)
    except Raised as raised:
        if (
            function.module.internal
            and caller is not None
            and not caller.module.internal
            and not caller.caught
        ):
            run.at(place, caller)
            return _reported(run, raised)
        raise
    finally:
        run.node, run.frame = place, caller
        if run.doubts and run.doubts[-1].frame is frame:
            run.doubts.pop()


def _remembered(run: Interpreter, function: UserFunction, arguments: Arguments, keywords: Keywords) -> Value:
    """A call under `functools.lru_cache`."""
    results = run.seen(function.results)
    plain = replace(function, results=None)
    unknown = contains_unknown(arguments) or contains_unknown(keywords) or odd_key(arguments)
    if isinstance(results, Unknown) or unknown is not None:
        return results if isinstance(results, Unknown) else call_function(run, plain, arguments, keywords)
    key = (*arguments, *sorted(keywords.items()))
    try:
        if key in results:
            return results[key]
    except TypeError as error:
        return run.error("TL103", f"`{function.name}` is cached: {error}")
    value = call_function(run, plain, arguments, keywords)
    run.assign(results, key, value)
    return value


def _callee_frame(
    run: Interpreter, function: UserFunction, names: dict[str, Value], arguments: Arguments
) -> Frame:
    environment = Environment(function.environment)
    environment.names = names
    environment.own = own_names(function.node)
    run.makes(names)
    if run.doubts:
        run.doubts[-1].private.add(id(names))
    caller = run.frame
    frame = Frame(environment, function.module, (), function, arguments[0] if arguments else None)
    if caller is not None:
        frame.chain = run.spans()
        frame.depth = caller.depth + 1
        frame.caught = caller.caught
        frame.site = (run.node, caller)
    if function.module.analysed:
        _observe_arguments(run, function, names)
    return frame


def _observe_arguments(run: Interpreter, function: UserFunction, names: dict[str, Value]) -> None:
    parameters = function.node.args
    for parameter in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs):
        value = names.get(parameter.arg)
        if isinstance(value, TensorValue):
            span = function.module.span(parameter)
            run.observer.see(span, value.node, Role.ARGUMENT, parameter.arg)


def _body(run: Interpreter, function: UserFunction, frame: Frame) -> Value:
    node = function.node
    if isinstance(node, ast.Lambda):
        return run.eval(node.body, frame)
    if isinstance(node, ast.AsyncFunctionDef):
        return Unknown("asynchronous code is not followed", run.place())
    if yields(node) and frame.at_yield is None:
        return ListIterator([], begin=lambda iterator: _generated(run, function, frame, iterator))
    try:
        flow = run.block(node.body, frame)
    except Raised:
        if not frame.maybe_returned:
            raise
        return earlier_result(run, frame)
    return final_result(run, frame, flow)


def _generated(
    run: Interpreter, function: UserFunction, frame: Frame, iterator: ListIterator
) -> list[Value] | Unknown:
    """The items of a generator, followed when something asks for the first of them."""
    items: list[Value] = []
    frame.yielded = items
    caller, place = run.frame, run.node
    stopped = too_deep(run)
    if stopped is not None:
        return stopped
    if caller is not None:
        frame.depth, frame.caught = max(frame.depth, caller.depth + 1), caller.caught
    run.changes(iterator)
    body: list[ast.stmt] = function.node.body  # type: ignore[assignment] # a lambda is no generator

    def reach() -> Reachable:
        arguments = list(frame.environment.names.values())
        return Reachable(arguments, function.node, frame.environment.parent)

    def follow() -> list[Value] | Unknown:
        try:
            run.block(body, frame)
        except GeneratorStopped:
            iterator.stop_at(Unknown(f"`{function.name}` gives items without an end", run.place()))
        except Raised as problem:
            iterator.stop_at(problem)
        return items

    try:
        found = at_once(run, iterator, reach, follow, f"`{function.name}`", function.module.internal)
        if isinstance(found, Unknown):
            return found
    finally:
        run.node, run.frame = place, caller
        if run.doubts and run.doubts[-1].frame is frame:
            run.doubts.pop()
    doubt = run.seen(items)
    return doubt if isinstance(doubt, Unknown) else items


def _reported(run: Interpreter, raised: Raised) -> Unknown:
    """An exception of a stub that nothing catches: the user's call is the place to say so."""
    if raised.report is not None:
        raised.report()
    else:
        run.report("TL103", stub_error_text(raised.value))
    return Unknown("an error was reported for it", run.place(), reported=True)


def stub_error_text(value: Value) -> str:
    """The message of an exception that torch would raise."""
    if isinstance(value, ExceptionValue):
        texts = [item for item in value.arguments if isinstance(item, str)]
        return texts[0] if texts else f"this raises {value.kind.__name__}"
    return "this raises an exception"


def report_raised(run: Interpreter, raised: Raised) -> None:
    """Say what an exception that unwound to the top is."""
    if raised.report is not None:
        raised.report()
    else:
        run.report("TL103", stub_error_text(raised.value))


# -- functions of TorchLean --------------------------------------------------------------------------------------------


def call_native(run: Interpreter, function: Native, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a torch spelling or another function that is implemented here; its errors are reported at the place."""
    if function.is_spelling and run.in_script:
        arguments, keywords, vary = _with_numbers(run, function, arguments, keywords)
        if vary:
            return _varied(run, function, arguments, keywords)
    if not function.accepts_unknown:
        unknown = contains_unknown(arguments) or contains_unknown(keywords)
        if unknown is not None:
            for value in written_by(function.name, arguments, keywords):
                overwritten(run, value, unknown)
            touches = function.is_spelling or contains_tensor(arguments) or contains_tensor(keywords)
            return run.enters(unknown) if touches else unknown
    if function.is_spelling and "out" in keywords:
        return _into(run, function.name, function, arguments, dict(keywords))
    if function.is_spelling and run.replaced is not None:
        return run.enters(run.replaced)
    first: Any = run.emitter if function.is_spelling else run
    node, frame = run.node, run.frame
    try:
        if function.name.startswith("torch"):
            from torchlean.capture.numpy_arrays import without_numpy

            arguments, keywords = without_numpy(run, function.name, arguments, keywords)
        with default_dtype(run.default_dtype):
            if function.is_spelling and arguments and in_place_name(function.name):
                check_overlap(run, function.name, arguments)
            result = function.call(first, *arguments, **keywords)
        if function.is_spelling:
            noted(run, function.name, arguments, keywords, result)
        if function.name in DETACHING:
            remember_detached(run, result)
        note_wanted(run, function.name, arguments, keywords, result)
        return result
    except ShapeError as error:
        if converts(run, arguments, keywords):
            return _unsupported(
                run, function, arguments, keywords, "`autocast` may convert these operands to one dtype"
            )
        text, related = shape_message(run, str(error), operands(arguments, keywords))
        kind = kind_of(function, error)
        return run.error("TL101", text, *related, kind=kind)
    except TensorTooLarge as error:
        run.report("TL113", str(error))
        return Unknown(str(error), run.place(), reported=True)
    except UnsupportedError as error:
        return _unsupported(run, function, arguments, keywords, str(error))
    except TooBig as error:
        return run.over_budget(str(error))
    except (
        TypeError,
        AttributeError,
        ValueError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        MemoryError,
    ) as error:
        if isinstance(error, RecursionError):
            raise
        mistake = argument_mistake(run, function, arguments, keywords, error)
        if isinstance(mistake, Unknown):
            return mistake
        return _unsupported(run, function, arguments, keywords, mistake)
    finally:
        if frame is not None:
            run.at(node, frame)


def _with_numbers(
    run: Interpreter, function: Native, arguments: Arguments, keywords: Keywords
) -> tuple[Arguments, Keywords, bool]:
    """Numbers that vary, as tensors where torch takes numbers; the third says whether there were any."""
    if Number not in map(type, arguments) and not (keywords and Number in map(type, keywords.values())):
        return arguments, keywords, False

    def converted(value: Value) -> Value:
        return as_tensor(run, value) if isinstance(value, Number) else value

    return [converted(value) for value in arguments], {k: converted(v) for k, v in keywords.items()}, True


def _varied(run: Interpreter, function: Native, arguments: Arguments, keywords: Keywords) -> Value:
    """A call with numbers that vary: where torch wants a plain number in their place, the result is unknown."""
    unknown = contains_unknown(arguments) or contains_unknown(keywords)
    if unknown is not None:
        return run.enters(unknown)
    try:
        return function.call(run.emitter, *arguments, **keywords)
    except (ShapeError, UnsupportedError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, RecursionError):
            raise
        reason = f"`{function.name}` with a number that varies is not followed"
        unknown = Unknown(reason, run.place(), reported=True)
        target = changed_by(function, arguments, keywords)
        if target is not None:
            taint_memory(run, target, unknown)
        return unknown


def _into(run: Interpreter, name: str, function: Value, arguments: Arguments, keywords: Keywords) -> Value:
    """`torch.add(x, y, out=z)` overwrites `z`."""
    target = keywords.pop("out")
    before = len(run.builder.nodes)
    keywords = for_out(name, keywords, target)
    result = CALLERS[type(function)](run, function, arguments, keywords)
    if target is None:
        return result
    if not isinstance(result, Unknown):
        given = [*arguments, *keywords.values()]
        why = why_not_out(run, name, target, result, given, before)
        overwrite = Native(
            "out", lambda run: run.emitter.overwrite(target, in_dtype_of(run, name, result, target))
        )
        result = run.unfollowed(why) if why else call_native(run, overwrite, [], {})
    if isinstance(result, Unknown):
        for written in written_by("", [], {"out": target}):
            overwritten(run, written, result)
    return result


def _unsupported(
    run: Interpreter, function: Native, arguments: Arguments, keywords: Keywords, reason: str
) -> Value:
    """What an op that is not followed would have changed in place is unknown as well."""
    target = changed_by(function, arguments, keywords)
    for written in written_beside(function.name, arguments, keywords):
        overwritten(run, written, Unknown(reason, run.place(), reported=True))
    if run.in_script and function.is_spelling:
        from torchlean.capture.described import described_instead

        result = described_instead(run, function, arguments, keywords, target, reason)
        if result is not MISSING:
            return result
    unknown = run.unfollowed(reason)
    may_share(run, unknown, [*arguments, *keywords.values()])
    if target is not None:
        taint_memory(run, target, unknown)
    return unknown


CALLERS: dict[type, Callable[[Interpreter, Any, Arguments, Keywords], Value]] = {
    Unknown: _call_unknown,
    BoundMethod: _call_method,
    Partial: _call_partial,
    UserClass: _call_class,
    Instance: _call_instance,
    Namespace: _call_namespace,
    Descriptor: _call_descriptor,
    UserFunction: call_function,
    Native: call_native,
}
