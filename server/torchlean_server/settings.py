"""The configuration section `torchlean`: what can be set, and clear words about what cannot."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("ibp", "crown")

SMALLEST_MEMORY = 512
"""MiB; torch alone takes half of it."""

LARGEST_MEMORY = 1 << 40
"""MiB; the system counts bytes in 63 bits."""

CLOSE = 0.8
"""How similar an unknown key must be to a known one to be taken for a misspelling. Others are the client's own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The server's settings with their defaults.

    Attributes:
        inlay_hints: show intervals at the ends of lines.
        timeout: wall-clock seconds that one analysis may take.
        memory: MiB that one analysis process may take.
        method: how bounds are computed: intervals alone (`ibp`), or linear bounds and splitting too (`crown`).
        lean: whether proved claims are checked by Lean in the background.
        lean_path: a Lean of the person's own choice; None for the one that is found.
        lean_timeout: seconds that Lean may take for one claim.
        export: whether files may be run (in the sandbox) where `torchlean.toml` asks for exported programs. Only the
            client knows whether a workspace is trusted.
    """

    inlay_hints: bool = True
    timeout: float = 30.0
    memory: int = 4096
    method: str = "crown"
    lean: bool = True
    lean_path: str | None = None
    lean_timeout: float = 120.0
    export: bool = False


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    attribute: str
    expected: str
    valid: Callable[[Any], bool]


def _number(value: Any) -> bool:
    """Whether it is one that a float can be: JSON has whole numbers of any size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


_KEYS = (
    _Key("inlayHints.enabled", "inlay_hints", "true or false", lambda value: isinstance(value, bool)),
    _Key("analysis.timeout", "timeout", "seconds above 0", lambda value: _number(value) and value > 0),
    _Key(
        "analysis.memory",
        "memory",
        f"whole MiB, at least {SMALLEST_MEMORY}",
        lambda value: _number(value) and value == int(value) and SMALLEST_MEMORY <= value <= LARGEST_MEMORY,
    ),
    _Key("bounds.method", "method", " or ".join(f'"{m}"' for m in METHODS), lambda value: value in METHODS),
    _Key("lean.enabled", "lean", "true or false", lambda value: isinstance(value, bool)),
    _Key("lean.path", "lean_path", "the path of a Lean", lambda value: isinstance(value, str)),
    _Key("lean.timeout", "lean_timeout", "seconds above 0", lambda value: _number(value) and value > 0),
    _Key("export.enabled", "export", "true or false", lambda value: isinstance(value, bool)),
)

_CONVERTED: Mapping[str, Callable[[Any], Any]] = {
    "timeout": float,
    "memory": int,
    "lean_timeout": float,
    # Clients send the empty default of a text field.
    "lean_path": lambda value: value or None,
}


def parse(section: object) -> tuple[Settings, list[str]]:
    """Settings from the section as the client sent it, nested or with dotted keys; and what was wrong with it.

    A bad value keeps its default. None (nothing configured) is fine.
    """
    if section is None:
        return Settings(), []
    if not isinstance(section, Mapping):
        return Settings(), [f"TL501: `torchlean` should be an object with settings, got {section!r}"]
    given = dict(_flat(section))
    values: dict[str, Any] = {}
    problems = [message for name in given if (message := _misspelling(name))]
    for key in _KEYS:
        value = given.get(key.name)
        if value is None:
            continue
        if key.valid(value):
            values[key.attribute] = _CONVERTED.get(key.attribute, lambda same: same)(value)
        else:
            default = getattr(Settings(), key.attribute)
            shown = str(default).lower() if isinstance(default, bool) else f"{default}"
            problems.append(
                f"TL501: `torchlean.{key.name}` should be {key.expected}, got {value!r}; the default {shown} is used"
            )
    return Settings(**values), problems


def _flat(section: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _misspelling(name: str) -> str | None:
    known = [key.name for key in _KEYS]
    if name in known:
        return None
    close = difflib.get_close_matches(name, known, n=1, cutoff=CLOSE)
    return (
        f"TL501: there is no setting `torchlean.{name}`; did you mean `torchlean.{close[0]}`?"
        if close
        else None
    )
