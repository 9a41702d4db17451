"""Programs in the Python that libraries of models are written in: registries, factories, settings, decorators."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch
from tests.capture.agreement import PRELUDE, assert_agrees, run_and_capture, value_of
from tests.capture.marked import capture
from torch import Tensor

PROGRAMS = {
    "a decorator that asks which parameters may only be given by keyword": """
        import functools, inspect
        def by_position_too(build):
            parameters = inspect.signature(build).parameters
            first = next(i for i, p in enumerate(parameters.values()) if p.kind == p.KEYWORD_ONLY)
            names = tuple(inspect.signature(build).parameters)[first:]
            @functools.wraps(build)
            def outer(*args, **kwargs):
                args, rest = args[:first], args[first:]
                kwargs.update(dict(zip(names, rest)))
                return build(*args, **kwargs)
            return outer
        @by_position_too
        @by_position_too
        def layer(inputs, *, outputs=2, factor=1.0):
            built = Layer(inputs, outputs)
            built.factor = factor
            return built
        made = layer(3, 4, 2.0)
        result = made(numbers(2, 3)) * made.factor
    """,
    "a signature with every kind of parameter": """
        import inspect
        def f(a, /, b: int, c=3, *rest, d, e=5.0, **more):
            return a
        class Net:
            def __init__(self, width, depth=2): ...
            def run(self, x): ...
        found = inspect.signature(f)
        kinds = [p.kind for p in found.parameters.values()]
        empty = inspect.Parameter.empty
        defaults = [0 if p.default is empty else p.default for p in found.parameters.values()]
        counts = [len(inspect.signature(g).parameters) for g in (Net, Net.run, Net(1).run, lambda: 0)]
        assert list(found.parameters) == ["a", "b", "c", "rest", "d", "e", "more"]
        result = numbers(3) * torch.tensor([float(sum(int(k) * 10**i for i, k in enumerate(kinds))),
            sum(defaults), float(sum(c * 10**i for i, c in enumerate(counts)))])
    """,
    "a class that calls the constructor of the dataclass it derives from": """
        from dataclasses import dataclass, field
        @dataclass
        class Size:
            width: int
            depth: int = 2
            names: list = field(default_factory=list)
        class Doubled(Size):
            def __init__(self, width, **more):
                super().__init__(2 * width, **more)
        class Halved(Doubled):
            pass
        size, other = Doubled(2, depth=3), Halved(3)
        size.names.append("only here")
        result = numbers(2) * size.width + size.depth + 10 * other.width + other.depth + len(other.names)
    """,
    "what descriptions of blocks mean": """
        import re
        from functools import partial
        from typing import Dict, List, Mapping, Sequence, Tuple
        blocks = [text for stage in ("ir_r2_k3_s2", "cn_k1") for text in stage.split("_")]
        found = [re.split(r"(\\d.*)", block)[:2] for block in blocks[1:]]
        settings = {key: int(number) for key, number in (pair for pair in found if len(pair) == 2)}
        named = re.match(r"(?P<kind>[a-z]+)_(?:r(\\d))?(x)?", "ir_r2")
        assert named.groupdict() == {"kind": "ir"} and named.groups("none") == ("ir", "2", "none")
        assert named["kind"] == named.group(1) and named.span(2) == (4, 5) and named.start(3) == -1
        assert named.group(0, 2) == ("ir_r2", "2") and not re.compile("b").search("a")
        assert re.findall("a.", "abacad") == ["ab", "ac", "ad"] and re.findall("(.)(x?)", "ax") == [("a", "x")]
        assert re.sub("[aeiou]", lambda match: match[0].upper(), "abe", count=1) == "Abe"
        assert re.sub(r"(\\w)-", r"\\1+", "a-b", flags=re.I) == "a+b" and re.escape("a.b") == "a\\\\.b"
        assert [match.end() for match in re.finditer("b*", "abb")] == [0, 3, 3]
        class Settings:
            values = (1, 2)
        kinds = [isinstance(value, kind) for value in ((1,), [2], {}, "", 3, Settings())
            for kind in (Sequence, List, Dict, Tuple, Mapping)]
        scale = partial(torch.mul, other=2.0)
        assert scale.func is torch.mul and scale.keywords == {"other": 2.0} and scale.args == ()
        listed = torch.jit.annotate(List[torch.Tensor], [])
        listed.append(scale(numbers(3)) * sum(2.0**i for i, kind in enumerate(kinds) if kind))
        result = listed[0] * settings["k"] + settings["s"]
    """,
    "settings from an environment in which nothing is set": """
        import os
        fused = int(os.environ.get("NETWORK_FUSED", "3"))
        if "NETWORK_SLOW" in os.environ:
            fused = 100
        os.environ["NETWORK_DEPTH"] = "2"
        depth = int(os.environ["NETWORK_DEPTH"]) + int(os.getenv("NETWORK_WIDTH") is None)
        del os.environ["NETWORK_DEPTH"]
        result = numbers(2) * fused + depth + ("NETWORK_DEPTH" in os.environ)
    """,
    "what kind of thing an argument is": """
        import functools, types
        class Norm(nn.Module):
            def forward(self, x): return x - x.mean()
            def method(self): ...
        def norm(x): return x * 2
        half = functools.partial(norm)
        kinds = [isinstance(f, types.FunctionType) for f in (norm, lambda x: x, Norm, Norm(), half, Norm().method, 3)]
        kinds += [isinstance(f, functools.partial) for f in (norm, Norm, half, None, "text", [half])]
        kinds += [isinstance(f, types.MethodType) for f in (norm, Norm().method)]
        kinds += [isinstance(d, torch.device) for d in (torch.device("cpu"), "cpu")]
        result = numbers(3) * sum(2.0**i for i, kind in enumerate(kinds) if kind)
    """,
    "names that are asked for before they are used": """
        class Plain:
            factor = 2.0
            def __init__(self): self.shift = 1.0
            def scale(self): ...
        names = dir(Plain())
        smooth = F.silu if "silu" in dir(F) else None
        found = ["shift" in names, "scale" in names, "factor" in names, "other" in names, "__eq__" in names]
        result = smooth(numbers(3)) * sum(2.0**i for i, name in enumerate(found) if name) + ("nothing" in dir(torch.nn))
    """,
    "a base class with a parameter that means something to type checkers only": """
        from typing import Generic, TypeVar
        import numpy.typing as npt
        T = TypeVar("T")
        class Space(Generic[T]):
            def __init__(self, size): self.size = size
        class Box(Space[npt.NDArray[float]]):
            def width(self): return self.size * 2
        result = numbers(3) * Box(2.0).width()
    """,
    "as many stages as there are different widths": """
        widths = torch.round(torch.arange(6, dtype=torch.float32) / 2.5) * 8
        stages = len(torch.unique(widths))
        values, places, counts = widths.unique(return_inverse=True, return_counts=True)
        result = numbers(stages) + values[0] + places.sum() + counts[-1]
    """,
    "a double-ended queue": """
        from collections import deque
        kept = deque(maxlen=3)
        for i in range(5):
            kept.append(i)
        kept.appendleft(7)
        free = deque([1.0, 2.0])
        free.extendleft([3.0, 4.0])
        free.rotate(1)
        free.pop()
        last = free.popleft()
        result = numbers(3) * torch.tensor([float(i) for i in kept]) + last + free[0] + len(free) + (9.0 in free)
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_graph_computes_what_the_program_computes(name: str, tmp_path: Path) -> None:
    assert_agrees(PROGRAMS[name], tmp_path)


def test_weights_are_standardised_by_a_batch_normalisation_without_statistics(tmp_path: Path) -> None:
    text = """
        class Standardised(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(numbers(4, 3, 2, 2) ** 3)
                self.gain = nn.Parameter(numbers(4) + 2)
            def forward(self, x):
                rows = self.weight.reshape(1, 4, -1)
                weight = F.batch_norm(rows, None, None, weight=self.gain * 0.5, training=True, momentum=0.0, eps=1e-6)
                return F.conv2d(x, weight.reshape_as(self.weight))
        result = Standardised()(numbers(1, 3, 5, 5))
    """
    real, ours, captured = run_and_capture(text, tmp_path)
    assert not captured.diagnostics
    assert isinstance(real, Tensor) and ours is not None
    torch.testing.assert_close(ours, real.detach())  # torch adds in another order


def test_a_single_number_has_no_variance_to_be_normalised_by(tmp_path: Path) -> None:
    text = "result = F.batch_norm(numbers(1, 3), None, None, training=True)"
    captured = capture(PRELUDE + text, tmp_path)
    (found,) = captured.diagnostics
    assert found.code == "TL101"
    assert "Expected more than 1 value per channel when training" in found.message


def test_a_registry_looks_up_the_module_of_what_it_registers(tmp_path: Path) -> None:
    registry = """
        import sys
        KNOWN = {}
        def register(build):
            module = sys.modules[build.__module__]
            KNOWN[build.__name__] = (build, module.CONFIGURATIONS[build.__name__])
            return build
    """
    models = """
        from torch import nn
        from registry import register
        CONFIGURATIONS = {"small": 2.0, "large": 4.0}
        @register
        def small(x): return x + 1
        @register
        def large(x): return x - 1
    """
    text = """
        import models
        from registry import KNOWN
        build, factor = KNOWN["large"]
        result = build(numbers(2, 3)) * factor
    """
    assert_agrees(text, tmp_path, registry=textwrap.dedent(registry), models=textwrap.dedent(models))


def test_networks_are_built_from_the_spaces_of_gymnasium(tmp_path: Path) -> None:
    text = """
        import numpy as np
        from gymnasium import spaces
        from gymnasium.spaces import utils
        picture = spaces.Box(0, 255, (3, 4, 5), np.uint8)
        both = spaces.Dict({"a": spaces.Box(-1.0, np.array([1.0, 2.0])), "b": spaces.Discrete(3)})
        sizes = [utils.flatdim(picture), utils.flatdim(both), both["b"].n, len(both), *picture.sample()[None].shape]
        kinds = [isinstance(both["a"], spaces.Box), isinstance(picture, spaces.Space)]
        kinds += [isinstance(both, spaces.Discrete)]
        result = torch.tensor([float(number) for number in sizes + kinds])
        top = torch.as_tensor(both["a"].high)
        unbounded = both["a"].is_bounded("below")
    """
    captured = capture(PRELUDE + textwrap.dedent(text), tmp_path)
    assert not captured.diagnostics
    numbers, top = value_of(captured, "result"), value_of(captured, "top")
    assert numbers is not None and numbers.tolist() == [60, 5, 3, 2, 1, 3, 4, 5, 1, 1, 0]
    assert top is not None and top.tolist() == [1, 2]
