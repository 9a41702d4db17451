"""How larger libraries of models are written: parts that are imported when asked for, and classes that are wrapped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.capture.agreement import PRELUDE, assert_agrees, value_of
from tests.capture.marked import capture

from torchlean.capture import Workspace, capture_file

LAZY = """
import importlib
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    {imports}
else:
    class Parts(types.ModuleType):
        def __getattr__(self, name):
            for part in {parts}:
                module = importlib.import_module(f"{{self.__name__}}.{{part}}")
                found = getattr(module, {renamed}.get(name, name), None)
                if found is not None:
                    return found
            raise AttributeError(name)

    itself = Parts(__name__)
    itself.__path__, itself.__file__, itself.__spec__ = __path__, __file__, __spec__
    sys.modules[__name__] = itself
"""

PACKAGE = {
    "zoo/__init__": LAZY.format(
        imports="from .nets import *\n    from .scales import size as scale",
        parts=["nets", "scales"],
        renamed={"scale": "size"},
    ),
    "zoo/scales": "size = 3.0\n",
    "zoo/nets/__init__": LAZY.format(
        imports="from .flat import *\n    from .broken import *", parts=["flat", "broken"], renamed={}
    ),
    "zoo/nets/flat": "__all__ = ['double']\n\ndef double(x):\n    return x * 2\n\ndef hidden(x):\n    return x\n",
    "zoo/nets/broken": "from .flat import double as twice\n\ndef halve(x):\n    return twice(x) / 4\n",
}


def test_a_package_that_imports_its_parts_when_asked_is_followed_to_them(tmp_path: Path) -> None:
    text = """
        import zoo.nets.flat
        from zoo import double, scale
        from zoo.nets import halve
        result = zoo.nets.flat.hidden(halve(double(numbers(2)) * scale))
    """
    assert_agrees(text, tmp_path, **PACKAGE)


def test_parts_that_nothing_asks_for_are_not_read(tmp_path: Path) -> None:
    captured = capture("from zoo import scale\n", tmp_path, **PACKAGE)
    assert not captured.diagnostics
    assert str(tmp_path / "zoo" / "nets" / "flat.py") not in captured.dependencies


def test_a_name_that_such_a_package_lacks_is_not_known(tmp_path: Path) -> None:
    """Its object may give anything under any name, so that nothing is said to be wrong."""
    assert not capture("from zoo import triple\n", tmp_path, **PACKAGE).diagnostics


WRAPPED = {
    "attributes that pass through a class of one's own": """
        class Same(property):
            def __get__(self, owner, cls): return self.fget(cls)
        class Scale:
            def __set_name__(self, owner, name): self.name = "_" + name
            def __get__(self, owner, cls=None): return 5.0 if owner is None else getattr(owner, self.name)
            def __set__(self, owner, value): setattr(owner, self.name, value + 1)
        class Config:
            names = {"width": "size"}
            size, factor = 3, Scale()
            @Same
            def area(cls): return cls.size ** 2
            @property
            def halved(self): return self.half * 2
            @halved.setter
            def halved(self, value): self.half = value
            def __getattribute__(self, name):
                return super().__getattribute__(super().__getattribute__("names").get(name, name))
            def __setattr__(self, name, value): super().__setattr__(name, value + 1)
        c = Config()
        c.size, c.factor, c.halved = 4, 2, 7
        result = numbers(2) * c.width + c.factor * 10 + c.halved * 100 + Config.area * 1e4 + Config.factor
    """,
    "a constructor that takes more than the fields of a dataclass": """
        import functools
        from dataclasses import MISSING, dataclass, field, fields, is_dataclass
        class Config:
            def __init_subclass__(cls):
                made = dataclass(cls, kw_only=True)
                given = made.__init__
                @functools.wraps(given)
                def __init__(self, **more):
                    for each in fields(made):
                        default = each.default_factory() if each.default is MISSING else each.default
                        setattr(self, each.name, more.pop(each.name, default))
                    self.__post_init__(**more)
                made.__init__ = __init__
            def __post_init__(self, **more):
                for name, value in more.items():
                    setattr(self, name, value)
        class Sizes(Config):
            width: int = 2
            depths: list = field(default_factory=lambda: [3, 4])
        c = Sizes(width=5, extra=7)
        result = numbers(2) * c.width + sum(c.depths) * 10 + c.extra * 100 + is_dataclass(c) + len(fields(Sizes))
    """,
    "results that are a dictionary, a tuple and a dataclass": """
        from collections import OrderedDict
        from dataclasses import dataclass, fields
        class Renaming(type):
            def __setattr__(cls, name, value):
                super().__setattr__("twice" if name == "double" else name, value)
        class Output(OrderedDict, metaclass=Renaming):
            def __post_init__(self):
                for each in fields(self):
                    if self.__dict__.get(each.name) is not None:
                        self[each.name] = getattr(self, each.name)
            def __setattr__(self, name, value):
                super().__setattr__(name, value)
                if value is not None and name in [each.name for each in fields(self)]:
                    super().__setitem__(name, value)
            def __getitem__(self, key):
                return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]
            def to_tuple(self): return tuple(self[key] for key in self.keys())
        @dataclass
        class Encoded(Output):
            last: torch.Tensor = None
            pooled: torch.Tensor = None
            hidden: tuple = None
        Encoded.double = 2
        out = Encoded(last=numbers(2), hidden=(numbers(2) * 3,))
        result = out[0] * 10 + out["hidden"][0] + out.last + len(out) + Encoded.twice * 100 + ("pooled" in out)
    """,
    "the code of a function, and buffers that are assigned": """
        class Positions(nn.Module):
            def __init__(self):
                super().__init__()
                self.ids = nn.Buffer(torch.arange(4).expand((1, -1)), persistent=False)
                self.scale = nn.Buffer(torch.ones(2) * 3)
            def forward(self, x, ids=None):
                start = 1
                return x * self.scale + self.ids[:, start:3]
        code = Positions.forward.__code__
        known = ("ids" in code.co_varnames) + 10 * code.co_varnames.index("x") + 100 * code.co_argcount
        p = Positions()
        result = p(numbers(2)) + known + len(p.state_dict()) * 1e4 + len(list(p.buffers())) * 1e5
    """,
    "mappings, and variables of a context": """
        import importlib.util
        from collections.abc import MutableMapping
        from contextvars import ContextVar
        class Interface(MutableMapping):
            known = {"double": lambda x: x * 2}
            def __init__(self): self.own = {}
            def __getitem__(self, key): return self.own[key] if key in self.own else self.known[key]
            def __setitem__(self, key, value): self.own[key] = value
            def __delitem__(self, key): del self.own[key]
            def __iter__(self): return iter({**self.known, **self.own})
            def __len__(self): return len({**self.known, **self.own})
        table, plain = Interface(), ContextVar("plain", default=5)
        table.update(half=lambda x: x / 2)
        before = plain.set([7])
        inside = plain.get()[0]
        plain.reset(before)
        result = table.get("double")(numbers(2)) + table["half"](numbers(2)) * ("none" in table or 3) + inside
        result = table.get("none", table.setdefault("half"))(result) + plain.get() + len(table.keys()) * 10
    """,
    "names of methods under decorators": """
        import functools
        def plain(function):
            @functools.wraps(function)
            def inner(*arguments): return function(*arguments)
            return inner
        found = []
        def note(function):
            found.append(len(function.__qualname__.split(".")) * 10 + len(function.__name__))
            return function
        class A:
            @note
            @plain
            def forward(self, x): return x * 2
        result = A().forward(numbers(2)) + found[0] + len(str(A)) + (str(type(numbers(2))) == "<class 'torch.Tensor'>")
    """,
}


@pytest.mark.parametrize("name", WRAPPED)
def test_classes_that_are_wrapped_are_followed(name: str, tmp_path: Path) -> None:
    assert_agrees(WRAPPED[name], tmp_path)


UNCERTAIN = """
import os
from somewhere import kind

def printed(hint):
    parts = []
    if kind(hint):
        parts.append(printed(kind(hint, 1)) + printed(kind(hint, 2)))
    for part in kind(hint):
        parts.append(printed(part))
    return ", ".join(parts)

def base_of(current):
    while True:
        if kind(current):
            return current
        current = kind(current, 1)

def checked(function):
    if not kind(function):
        return function
    raise ValueError("not a function that is known here")

def documented(function):
    function.text = printed(function) + base_of(function)
    return checked(function)

@documented
def double(x):
    return x * 2
"""


def test_what_says_nothing_of_numbers_does_not_use_up_the_steps_of_the_rest(tmp_path: Path) -> None:
    """Recursion, loops and exceptions on what is not known end after a few rounds, and a decorator still returns."""
    text = PRELUDE + "from helper import double\nresult = double(numbers(2))\n"
    captured = capture(text, tmp_path, helper=UNCERTAIN)
    result = value_of(captured, "result")
    assert result is not None and torch.equal(result, torch.tensor([-2.0, -12 / 7]))
    assert "TL105" not in {found.code for found in captured.diagnostics}


def test_what_the_environment_lacks_is_not_found(tmp_path: Path) -> None:
    """Asking for a package says what importing it would; of one that is there, nothing but that."""
    (tmp_path / "site" / "present").mkdir(parents=True)
    text = PRELUDE + (
        "from importlib.util import find_spec\n"
        "result = numbers(2) * (2 if find_spec('absent') is None and find_spec('torch') else 3)\n"
        "other = numbers(2) * (2 if find_spec('present.part') is None else 3)\n"
    )
    workspace = Workspace([tmp_path / "code"], installed=[tmp_path / "site"])
    captured = capture_file(str(tmp_path / "code" / "main.py"), text, workspace)
    result = value_of(captured, "result")
    assert result is not None and torch.equal(result, torch.tensor([-2.0, -12 / 7]))
    assert value_of(captured, "other") is None
