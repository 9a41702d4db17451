"""Enumerations: their members, made once with the class, and what Python's own `enum` makes of their names and values.

Where the values are plain, a real enumeration of the same names and values says what `auto()` stands for, which names
are aliases, how a member prints and what flags combine to.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from torchlean.capture.values import (
    MISSING,
    Descriptor,
    Instance,
    Native,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_unknown,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

REAL = "<real>"
"""Where a class keeps the real enumeration, under no name that a program can write."""

AUTO = object()
"""What `enum.auto()` gives, until the class knows its position, where `next_value` does not."""

BASE = "<base>"
"""Where the body of an enumeration finds what it derives from, under no name that a program can write."""

COUNTING = (enum.Enum, enum.IntEnum, enum.Flag, enum.IntFlag)
"""Bases in which `auto()` depends on the values above alone."""

PLAIN = (bool, int, float, str, bytes, type(None))


def next_value(names: dict[str, Value]) -> Value:
    """What `auto()` is in the body of an enumeration that has these names so far: `BOTH = LEFT | RIGHT` may use it."""
    base = names.get(BASE)
    if base is None or "_generate_next_value_" in names:
        return AUTO
    above = [(name, value) for name, value in names.items() if is_plain(value) and name.isidentifier()]
    members = [(name, value) for name, value in above if not name.startswith("_")]
    try:
        return base("Above", [*members, ("_next", enum.auto())])["_next"].value
    except (TypeError, ValueError):
        return AUTO  # texts above, behind which nothing comes


def is_enumeration(cls: Value) -> bool:
    """Whether a followed class is an enumeration."""
    return isinstance(cls, UserClass) and cls.builtin is not None and issubclass(cls.builtin, enum.Enum)


def make_members(run: Interpreter, cls: UserClass) -> None:
    """The members of an enumeration are its only objects; names of equal values are one member."""
    from torchlean.capture.calling import call

    written = {
        name: value
        for name, value in cls.names.items()
        if not name.startswith("_") and not isinstance(value, (UserFunction, Descriptor, UserClass, Native))
    }
    real = _real(cls, written)
    if real is not None and written:
        cls.names[REAL] = real
    mixed = any(isinstance(base, type) and issubclass(base, (int, str, float)) for base in _builtins(cls))
    made: dict[Any, Instance] = {}
    for name, value in written.items():
        member = None if real is None else real[name]
        if member in made:
            cls.names[name] = made[member]
            continue
        unknown = Unknown("what `auto()` stands for here is not followed") if value is AUTO else value
        own = unknown if member is None else member.value
        instance = Instance(cls, {"name": name, "value": own, "_value_": own}, own if mixed else None)
        cls.names[name] = instance
        if member is not None:
            made[member] = instance
        if isinstance(cls.find("__init__"), UserFunction):
            call(run, cls.find("__init__"), [instance, *(own if isinstance(own, tuple) else (own,))], {})


def _builtins(cls: UserClass) -> list[Value]:
    return [base for each in cls.mro for base in (*each.bases, each.builtin)]


def _real(cls: UserClass, written: dict[str, Value]) -> type[enum.Enum] | None:
    """Python's own enumeration of these names; None where it would need what is not plain."""
    if not all(value is AUTO or is_plain(value) for value in written.values()):
        return None
    if any(cls.find(name) is not MISSING for name in ("_generate_next_value_", "__new__", "_missing_")):
        return None
    kinds = [base for base in _builtins(cls) if base in (int, str, float)]
    members = [(name, enum.auto() if value is AUTO else value) for name, value in written.items()]
    base: Any = cls.builtin
    try:
        real: type[enum.Enum] = base(
            cls.name, members, module=cls.module.name or "__main__", type=kinds[0] if kinds else None
        )
    except (TypeError, ValueError):
        return None
    return real


def is_plain(value: Value) -> bool:
    """Whether a value is Python's own, so that a real enumeration can have it."""
    return isinstance(value, PLAIN) or (isinstance(value, tuple) and all(map(is_plain, value)))


def real_class(cls: UserClass) -> type[enum.Enum] | None:
    """The real enumeration behind a followed one."""
    found = cls.names.get(REAL)
    return found if isinstance(found, type) else None


def real_member(value: Value) -> Any:
    """The real member behind a followed one; None where there is none."""
    if not isinstance(value, Instance) or not is_enumeration(value.cls):
        return None
    real = real_class(value.cls)
    return None if real is None else real(value.attributes["value"])


def members(cls: UserClass) -> dict[str, Instance]:
    """The members by name, without aliases."""
    return {
        name: value
        for name, value in cls.names.items()
        if isinstance(value, Instance) and value.cls is cls and value.attributes.get("name") == name
    }


def listed(value: Value) -> list[Value] | None:
    """What iterating over an enumeration gives, or over a member that combines flags (from Python 3.11 on).

    None where a member is no such thing.
    """
    if not isinstance(value, Instance):
        real = real_class(value)
        return list(members(value).values()) if real is None else [followed(value, each) for each in real]
    flags = real_member(value)
    if not isinstance(flags, enum.Flag) or "__iter__" not in vars(enum.Flag):
        return None
    parts: Any = flags
    return [followed(value.cls, flag) for flag in parts]


def member(run: Interpreter, cls: UserClass, arguments: list[Value]) -> Value:
    """`Color(1)`: the member with that value."""
    if contains_unknown(arguments) is not None or (arguments and isinstance(arguments[0], Instance)):
        known = arguments[0] if isinstance(arguments[0], Instance) and arguments[0].cls is cls else None
        return known or Unknown(f"which member of `{cls.name}` this is, is not known")
    for value in members(cls).values():
        if arguments and is_plain(arguments[0]) and value.attributes["value"] == arguments[0]:
            return value
    real = real_class(cls)
    if real is not None and arguments and issubclass(real, enum.Flag) and isinstance(arguments[0], int):
        try:
            return followed(cls, real(arguments[0]))
        except ValueError:
            pass
    if cls.find("_missing_") is not MISSING:
        return Unknown(f"`_missing_` of `{cls.name}` is not followed", run.place())
    return run.error("TL103", f"`{cls.name}` has no member with this value", kind=ValueError)


def followed(cls: UserClass, real: enum.Enum) -> Value:
    """The member of a followed enumeration behind a real one; flags are combined on demand."""
    for value in members(cls).values():
        if value.attributes["value"] == real.value:
            return value
    key = f"<{real.value}>"
    if key not in cls.names:
        data = real.value if isinstance(real, int) else None
        cls.names[key] = Instance(cls, {"name": real.name, "value": real.value, "_value_": real.value}, data)
    return cls.names[key]


def by_name(run: Interpreter, cls: UserClass, name: Value) -> Value:
    """`Color["RED"]`."""
    found = cls.names.get(name) if isinstance(name, str) else None
    if isinstance(found, Instance):
        return found
    if real_class(cls) is None:
        return Unknown("this member is not followed", run.place())
    return run.error("TL103", f"`{cls.name}` has no member {name!r}", kind=KeyError)


OPERATIONS = {
    "and": lambda one, other: one & other,
    "or": lambda one, other: one | other,
    "xor": lambda one, other: one ^ other,
}


def combined(name: str, left: Value, right: Value) -> Value:
    """`left | right` of two flags; `MISSING` where they are something else."""
    one, other = real_member(left), real_member(right)
    if name not in OPERATIONS or not isinstance(one, enum.Flag) or not isinstance(other, enum.Flag):
        return MISSING
    if left.cls is not right.cls:
        return MISSING
    return followed(left.cls, OPERATIONS[name](one, other))
