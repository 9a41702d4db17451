"""Methods of Python's own values: strings, numbers and containers.

The real methods are called, from a list of those that are known to be harmless, after what they would cost has been
checked. Containers tell the journal before they change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from torchlean.capture.budgets import TooBig
from torchlean.capture.item_methods import item_method
from torchlean.capture.iteration import items_of
from torchlean.capture.naming import no_attribute
from torchlean.capture.tables import words
from torchlean.capture.values import (
    MISSING,
    Instance,
    ListIterator,
    Native,
    Unknown,
    UserClass,
    Value,
    contains_unknown,
    odd_key,
    type_name,
)
from torchlean.ops.random import Generator

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

TEXT = """capitalize casefold center count encode decode endswith expandtabs find index isalnum isalpha isascii
    isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper ljust lower lstrip partition
    removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip
    swapcase title upper zfill hex"""

METHODS: dict[type, frozenset[str]] = {
    str: words(TEXT),
    bytes: words(TEXT),
    int: words("bit_length bit_count conjugate is_integer as_integer_ratio"),
    float: words("is_integer hex conjugate as_integer_ratio"),
    complex: words("conjugate"),
    tuple: words("count index"),
    list: words("append extend insert pop remove clear copy reverse count index"),
    dict: words("get keys values items pop popitem clear copy setdefault update"),
    set: words("""add discard remove pop clear copy update union intersection difference symmetric_difference issubset
        issuperset isdisjoint difference_update intersection_update"""),
    frozenset: words(
        "copy union intersection difference symmetric_difference issubset issuperset isdisjoint"
    ),
    range: words("count index"),
    slice: words("indices"),
}

DATA: dict[type, frozenset[str]] = {
    int: words("real imag numerator denominator"),
    float: words("real imag"),
    complex: words("real imag"),
    range: words("start stop step"),
    slice: words("start stop step"),
}

MUTATING = words(
    """append extend insert pop remove clear reverse sort popitem setdefault update add discard difference_update
    intersection_update move_to_end"""
)

DUNDERS = words(
    """__len__ __getitem__ __setitem__ __contains__ __iter__ __eq__ __init__ __add__ __mul__ __str__ __repr__
    __call__ __next__ __delitem__ __hash__ __bool__ __int__ __float__"""
)

Method = Callable[..., Value]


def method_of(run: Interpreter, owner: Value, name: str) -> Value:
    """An attribute of a Python value."""
    if isinstance(owner, (torch.Generator, Generator)):
        # A seed chooses among the numbers that may be drawn; every draw stands for all of them.
        return Native(name, lambda run, *arguments, **options: owner, accepts_unknown=True)
    if isinstance(owner, tuple) and name in getattr(owner, "_fields", ()):
        return getattr(owner, name)  # `values` of what `x.max(dim)` gives
    kind = _kind(owner)
    if kind is not None and name in DATA.get(kind, ()):
        return getattr(owner, name)
    method = find_method(owner, name)
    if method is not None:
        return method
    if isinstance(owner, type):
        return _of_type(run, owner, name)
    plain = getattr(owner, name, MISSING) if type(owner).__module__.startswith("torch") else MISSING
    if isinstance(plain, (bool, int, float, str, type(None))):
        return plain
    if owner is None and run.frame is not None and run.frame.caught and not hasattr(None, name):
        text = f"'NoneType' object has no attribute '{name}'"
        return run.error("TL103", text, kind=AttributeError, text=text)
    if kind is None or name in DUNDERS or hasattr(owner, name):
        return Unknown(f"`{name}` of a value of type {type_name(owner)} is not followed", run.place())
    return no_attribute(run, f"a value of type {type_name(owner)}", name, METHODS[kind])


def _kind(owner: Value) -> type | None:
    kind = type(owner)
    return kind if kind in METHODS else next((base for base in METHODS if isinstance(owner, base)), None)


def find_method(owner: Value, name: str) -> Native | None:
    """A method bound to its Python value, where it is followed."""
    special = SPECIAL.get((_kind(owner) or type(owner), name))
    if special is not None:

        def call_special(run: Interpreter, *arguments: Value, **keywords: Value) -> Value:
            return special(run, owner, *arguments, **keywords)

        return Native(name, call_special, accepts_unknown=True)
    kind = _kind(owner)
    if kind is None or name not in METHODS[kind]:
        extra = name == "move_to_end" and hasattr(owner, name)
        if not extra:
            return item_method(owner, name)

    def call_method(run: Interpreter, *arguments: Value, **keywords: Value) -> Value:
        return invoke(run, owner, name, arguments, keywords)

    return Native(name, call_method, accepts_unknown=kind in (list, dict, set))


def invoke(
    run: Interpreter, owner: Any, name: str, arguments: tuple[Value, ...], keywords: dict[str, Value]
) -> Value:
    """Call the real method, within budget; what it raises is reported as the user's mistake."""
    if name in MUTATING:
        run.changes(owner)
    if isinstance(owner, (set, dict)) or name in ("count", "index", "remove"):
        unknown = contains_unknown(arguments[:1]) or (
            odd_key(arguments[:1]) if isinstance(owner, (set, dict)) else None
        )
        if unknown is not None:
            run.taint(owner, unknown)
            return unknown
    try:
        _pay(run, owner, name, arguments)
        result = getattr(owner, name)(*(_plain(run, item, name) for item in arguments), **keywords)
    except TooBig as error:
        return run.over_budget(str(error))
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        return _complaint(run, owner, name, arguments, error)
    return result


def _plain(run: Interpreter, item: Value, name: str) -> Value:
    """Python's own methods know nothing of our iterators."""
    return item.items[item.position :] if isinstance(item, ListIterator) else item


def _pay(run: Interpreter, owner: Value, name: str, arguments: tuple[Value, ...]) -> None:
    """Refuse what would take too much memory.

    Raises:
        TooBig: with the reason.
    """
    if isinstance(owner, (str, bytes)):
        largest = max(
            (
                abs(a) if isinstance(a, int) else len(a) if isinstance(a, (str, bytes)) else 0
                for a in arguments
            ),
            default=0,
        )
        grows = name in ("replace", "expandtabs", "center", "ljust", "rjust", "zfill", "encode", "decode")
        cost = len(owner) * (largest + 1) if name in ("replace", "expandtabs") else len(owner) + largest
        run.fuel.allocate(cost // 10 if grows else len(owner) // 10, "this text")
    elif name in ("append", "insert", "add", "setdefault", "copy", "update", "extend", "union"):
        run.fuel.allocate(len(owner) if name in ("copy", "union") else 1, "this container")


def _complaint(
    run: Interpreter, owner: Value, name: str, arguments: tuple[Value, ...], error: Exception
) -> Unknown:
    if isinstance(error, KeyError):
        return run.error("TL103", f"there is no key {error}", kind=KeyError)
    text = f"`.{name}()` of a {type_name(owner)}: {error}"
    return run.error("TL103", text, kind=type(error))


# -- methods that need the interpreter ---------------------------------------------------------------------------------


def _sort(run: Interpreter, owner: list[Value], *, key: Value = None, reverse: Value = False) -> Value:
    from torchlean.capture.builtin_functions import sorted_items

    items = sorted_items(run, owner, key, reverse)
    if isinstance(items, Unknown):
        run.taint(owner, items)
        return items
    run.changes(owner)
    owner[:] = items
    return None


def _extend(run: Interpreter, owner: list[Value], items: Value) -> Value:
    from torchlean.capture.operators import in_place

    result = in_place(run, "add", owner, items)
    return result if isinstance(result, Unknown) else None


def _list_index(run: Interpreter, owner: list[Value] | tuple[Value, ...], item: Value, *bounds: int) -> Value:
    from torchlean.capture.membership import contains

    places = range(len(owner))[slice(*(bounds if len(bounds) > 1 else (*bounds, None)[:2]))]
    for position in places:
        inside = contains(run, [owner[position]], item)
        if inside is True:
            return position
        if isinstance(inside, Unknown):
            return inside
    return run.error("TL103", "the item is not in the list", kind=ValueError)


def _list_count(run: Interpreter, owner: list[Value] | tuple[Value, ...], item: Value) -> Value:
    from torchlean.capture.membership import contains

    found = [contains(run, [other], item) for other in owner]
    return contains_unknown(found) or found.count(True)


def _list_remove(run: Interpreter, owner: list[Value], item: Value) -> Value:
    position = _list_index(run, owner, item)
    if isinstance(position, Unknown):
        if not position.reported:
            run.taint(owner, position)
        return position
    run.changes(owner)
    del owner[position]
    return None


def _join(run: Interpreter, owner: str, iterable: Value) -> Value:
    from torchlean.capture.iteration import items_of

    items = items_of(run, iterable)
    unknown = items if isinstance(items, Unknown) else contains_unknown(items)
    if unknown is not None:
        return unknown
    assert not isinstance(items, Unknown)
    if not all(isinstance(item, type(owner)) for item in items):
        return run.error("TL103", "`join` needs strings")
    run.fuel.allocate(sum(len(item) + len(owner) for item in items) // 10, "this text")
    return owner.join(items)


def _format(run: Interpreter, owner: str, *arguments: Value, **keywords: Value) -> Value:
    from torchlean.capture.text import format_method

    return format_method(run, owner, list(arguments), keywords)


def _update(run: Interpreter, owner: dict[Value, Value], other: Value = (), **keywords: Value) -> Value:
    from torchlean.capture.calling import call

    counts = isinstance(owner, Counter) and not isinstance(other, dict)
    pairs = items_of(run, other) if counts else call(run, dict, [other], keywords)
    if isinstance(pairs, Unknown):
        run.taint(owner, pairs)
        return pairs
    run.changes(owner)
    owner.update(pairs)
    return None


def _next(run: Interpreter, owner: ListIterator) -> Value:
    from torchlean.capture.builtin_functions import next_item

    return next_item(run, owner)


def _numel(run: Interpreter, owner: tuple[int, ...]) -> Value:
    import math

    return math.prod(owner)


SPECIAL: dict[tuple[type, str], Method] = {
    (list, "sort"): _sort,
    (list, "extend"): _extend,
    (list, "index"): _list_index,
    (list, "count"): _list_count,
    (tuple, "count"): _list_count,
    (list, "remove"): _list_remove,
    (tuple, "index"): _list_index,
    (tuple, "numel"): _numel,
    (str, "join"): _join,
    (bytes, "join"): _join,
    (str, "format"): _format,
    (dict, "update"): _update,
    (ListIterator, "__next__"): _next,
}


# -- methods of classes ------------------------------------------------------------------------------------------------


def _of_type(run: Interpreter, owner: type, name: str) -> Value:
    """`str.upper`, `dict.fromkeys`, `object.__setattr__`."""
    if name in ("__name__", "__qualname__"):
        return owner.__name__
    method = type_method(owner, name) or (object_method(name) if owner is object else None)
    if method is not None:
        return method
    if hasattr(owner, name):
        return Unknown(f"`{owner.__name__}.{name}` is not followed", run.place())
    return no_attribute(run, f"class `{owner.__name__}`", name, dir(owner))


def type_method(owner: type | None, name: str) -> Native | None:
    """A method taken from a class; its first argument is the object."""
    if owner is None:
        return None
    if owner is dict and name == "fromkeys":
        return Native("dict.fromkeys", _fromkeys, accepts_unknown=True)
    if (owner, name) not in SPECIAL and name not in METHODS.get(owner, ()):
        return None

    def call_on(run: Interpreter, receiver: Value, *arguments: Value, **keywords: Value) -> Value:
        from torchlean.capture.calling import call

        data = receiver.data if isinstance(receiver, Instance) else receiver
        method = find_method(data, name)
        if method is None:
            return run.error("TL103", f"`{owner.__name__}.{name}` needs a {owner.__name__}")
        return call(run, method, list(arguments), keywords)

    return Native(f"{owner.__name__}.{name}", call_on, accepts_unknown=True)


def _fromkeys(run: Interpreter, keys: Value, value: Value = None) -> Value:
    from torchlean.capture.iteration import items_of

    items = items_of(run, keys)
    if isinstance(items, Unknown):
        return items
    return contains_unknown(items) or dict.fromkeys(items, value)


def _object_init(run: Interpreter, receiver: Value, *arguments: Value, **keywords: Value) -> Value:
    """`object.__init__`; an exception's keeps its arguments, a container's fills it."""
    if isinstance(receiver, Instance) and receiver.cls.builtin is not None:
        builtin = receiver.cls.builtin
        if issubclass(builtin, BaseException):
            receiver.data = arguments
        elif isinstance(receiver.data, (dict, list, set)) and arguments:
            from torchlean.capture.calling import call

            data = call(run, type(receiver.data), list(arguments), keywords)
            if isinstance(data, Unknown):
                run.taint(receiver.data, data)
            else:
                receiver.data = data
    return None


def _object_setattr(run: Interpreter, receiver: Value, name: Value, value: Value) -> Value:
    if isinstance(receiver, Instance):
        from torchlean.capture.attributes import set_plainly

        if isinstance(name, str):
            set_plainly(run, receiver, name, value)
        else:
            receiver.open = (
                name if isinstance(name, Unknown) else Unknown("an attribute with an unusual name")
            )
    elif isinstance(receiver, UserClass) and isinstance(name, str) and not receiver.module.internal:
        run.assign(receiver.names, name, value)
    return None


def _object_delattr(run: Interpreter, receiver: Value, name: Value) -> Value:
    if isinstance(receiver, Instance) and name in receiver.attributes:
        run.remove(receiver.attributes, name)
        return None
    return run.error("TL103", f"there is no attribute `{name}` to delete", kind=AttributeError)


def _object_getattr(run: Interpreter, receiver: Value, name: Value) -> Value:
    """`super().__getattr__(name)`: the module's registries, or the AttributeError."""
    from torchlean.capture.attributes import REGISTRIES, attribute_names

    if isinstance(receiver, Instance) and isinstance(name, str):
        for names in (receiver.attributes, *(receiver.attributes.get(key, {}) for key in REGISTRIES)):
            if name in names:
                return names[name]
        return no_attribute(run, f"`{receiver.cls.name}`", name, attribute_names(receiver))
    return Unknown("an attribute that is not followed")


def _object_getattribute(run: Interpreter, receiver: Value, name: Value) -> Value:
    from torchlean.capture.attributes import plain_attribute

    if isinstance(receiver, Instance) and isinstance(name, str):
        return plain_attribute(run, receiver, name)
    return Unknown("an attribute that is not followed")


def _object_new(run: Interpreter, cls: Value, *arguments: Value, **keywords: Value) -> Value:
    return Instance(cls) if isinstance(cls, UserClass) else Unknown("`__new__` of this class is not followed")


def _nothing(run: Interpreter, *arguments: Value, **keywords: Value) -> Value:
    return None


def _object_repr(run: Interpreter, receiver: Value) -> Value:
    return f"<{type_name(receiver)}>"


def _object_eq(run: Interpreter, receiver: Value, other: Value) -> Value:
    return receiver is other


_OBJECT_METHODS: dict[str, Method] = {
    "__init__": _object_init,
    "__setattr__": _object_setattr,
    "__delattr__": _object_delattr,
    "__getattr__": _object_getattr,
    "__getattribute__": _object_getattribute,
    "__new__": _object_new,
    "__init_subclass__": _nothing,
    "__post_init__": _nothing,
    "__repr__": _object_repr,
    "__str__": _object_repr,
    "__eq__": _object_eq,
}
OBJECT: dict[str, Native] = {
    name: Native(f"object.{name}", function, accepts_unknown=True)
    for name, function in _OBJECT_METHODS.items()
}


def object_method(name: str) -> Native | None:
    """A method that every object has."""
    return OBJECT.get(name)
