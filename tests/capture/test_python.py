"""Programs in the Python that models are written in: the captured graph computes what running the program computes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.capture.agreement import assert_agrees

PROGRAMS = {
    "a module with constructor arguments and defaults": """
        class Net(nn.Module):
            def __init__(self, width, scale=2.0, *, depth=2):
                super().__init__()
                self.scale = scale
                self.first = Layer(3, width)
                self.rest = nn.ModuleList([Layer(width, width) for _ in range(depth)])
            def forward(self, x):
                x = self.first(x)
                for layer in self.rest:
                    x = torch.relu(layer(x))
                return x * self.scale
        result = Net(4, depth=3)(numbers(2, 3))
    """,
    "user classes that inherit from each other": """
        class Base(nn.Module):
            factor = 3
            def __init__(self, n):
                super().__init__()
                self.n = n
                self.layer = self.make()
            def make(self):
                return Layer(self.n, self.n)
            def forward(self, x):
                return self.head(self.layer(x)) * self.factor
            def head(self, x):
                raise NotImplementedError
        class Middle(Base):
            def __init__(self, n, m):
                super(Middle, self).__init__(n)
                self.out = Layer(n, m)
            def head(self, x):
                return self.out(x)
        class Net(Middle):
            factor = 5
            def forward(self, x):
                return super().forward(x) + 1
        result = Net(3, 2)(numbers(4, 3))
    """,
    "several bases, in Python's order": """
        class A(nn.Module):
            def f(self, x): return x + 1
        class B(A):
            def f(self, x): return super().f(x) * 2
        class C(A):
            def f(self, x): return super().f(x) * 3
        class D(B, C):
            def forward(self, x): return self.f(x)
        result = D()(numbers(3))
    """,
    "Sequential by position, indexed and sliced": """
        net = nn.Sequential(Layer(3, 4), nn.ReLU(), Layer(4, 4), nn.Tanh(), Layer(4, 2))
        x = numbers(2, 3)
        result = net[-1](net[1:4](net[0](x))) + net(x) + len(net)
    """,
    "Sequential by name, and iterated": """
        from collections import OrderedDict
        net = nn.Sequential(OrderedDict([("a", Layer(3, 3)), ("act", nn.ReLU()), ("b", Layer(3, 2))]))
        x = numbers(2, 3)
        for layer in net:
            x = layer(x)
        result = x + net.b(net.act(net.a(numbers(2, 3))))
    """,
    "a dictionary of modules": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.heads = nn.ModuleDict({"left": Layer(3, 2), "right": Layer(3, 2)})
            def forward(self, x, which):
                return self.heads[which](x) - sum(h(x) for h in self.heads.values())
        result = Net()(numbers(2, 3), "right") + Net()(numbers(2, 3), which="left")
    """,
    "loops over ranges, zip and enumerate": """
        x = numbers(4)
        for i in range(1, 10, 3):
            x = x * i
        for i, (a, b) in enumerate(zip([1, 2, 3], (0.5, 0.25, 0.125)), start=2):
            if i == 3:
                continue
            x = x + a * b * i
        n = 0
        while True:
            n += 1
            if n >= 5:
                break
            x = x - n
        else:
            x = x * 1000
        result = x
    """,
    "else of a loop that ends by itself": """
        x = numbers(2)
        for i in range(3):
            x = x + i
        else:
            x = x * 10
        result = x
    """,
    "comprehensions with conditions and scopes of their own": """
        i = 100
        parts = [numbers(2) * i for i in range(6) if i % 2 if i != 3]
        table = {k: v for k, v in zip("ab", parts)}
        nested = [a * b for a in range(3) for b in range(a)]
        s = {abs(k) for k in (-1, 1, 2)}
        result = table["a"] + table["b"] * i + sum(nested) + len(s) + sum(j for j in range(4))
    """,
    "conditions on known values and early return": """
        def f(x, mode=None, n=3):
            if mode is None:
                return x + 1
            elif mode == "scale" and not n < 2:
                return x * n
            assert n < 2, "n is small"
            return x - 1 if n else x
        x = numbers(3)
        result = f(x) + f(x, "scale") + f(x, mode="scale", n=1) + f(x, "other", 0)
    """,
    "tuples, lists, dictionaries and unpacking": """
        a, (b, *rest), c = 1, [2, 3, 4, 5], {"k": (6, 7)}
        first, *_, last = range(10)
        values = [a, b, *rest, *c["k"]]
        values[0], values[-1] = values[-1], values[0]
        del values[1]
        values.append(8); values.extend([9, 10]); values.insert(0, 0.5); values.pop(2)
        x = torch.tensor(values[1:-1:2], dtype=torch.float32)
        merged = {**{"p": 1}, "q": 2}
        merged.update(r=3)
        merged.setdefault("s", 4)
        result = x * merged["q"] + last + sum(merged.values()) + values.index(9)
    """,
    "strings and formatting": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                for i in range(3):
                    setattr(self, f"layer{i:02d}", Layer(2, 2, scale=i))
            def forward(self, x):
                for i in range(3):
                    x = getattr(self, "layer%02d" % i)(x)
                for name in "layer00 layer{}".format("01").split():
                    x = x + getattr(self, name).bias
                return x
        result = Net()(numbers(2, 2))
    """,
    "lambdas, nested functions and closures": """
        def outer(scale):
            count = 0
            def bump(x, *, by=1):
                nonlocal count
                count += by
                return x * scale + count
            return bump, lambda: count
        bump, read = outer(3)
        twice = lambda f, x: f(f(x))
        x = twice(bump, numbers(2))
        makers = [lambda x, i=i: x * i for i in range(3)]
        result = x + read() + makers[2](numbers(2))
    """,
    "star arguments and keywords": """
        def f(a, /, b, *args, c=1, **kw):
            return a + b * c + sum(args) + kw.get("d", 0)
        options = dict(c=2, d=3)
        result = f(numbers(2), *[1, 2, 3], **options) + f(numbers(2), b=5)
    """,
    "globals": """
        state = 1
        def step():
            global state
            state = state + 1
            return state
        step(); step()
        result = numbers(2) * state
    """,
    "properties, class and static methods": """
        class Net(nn.Module):
            size = 3
            @property
            def double(self): return self.size * 2
            @double.setter
            def double(self, value): self.size = value // 2
            @staticmethod
            def scale(x, k): return x * k
            @classmethod
            def make(cls, size):
                net = cls()
                net.double = 2 * size
                return net
            def forward(self, x): return self.scale(x, self.double)
        result = Net.make(5)(numbers(2)) + Net()(numbers(2)) + Net.scale(numbers(2), 2)
    """,
    "objects with operators of their own": """
        class Pair:
            def __init__(self, a, b): self.a, self.b = a, b
            def __add__(self, other): return Pair(self.a + other.a, self.b + other.b)
            def __radd__(self, other): return self if other == 0 else NotImplemented
            def __getitem__(self, i): return (self.a, self.b)[i]
            def __len__(self): return 2
            def __iter__(self): yield self.a; yield self.b
            def __eq__(self, other): return self.a == other.a
            def __call__(self, x): return x * self.a + self.b
            def __contains__(self, x): return x in (self.a, self.b)
        p = sum([Pair(1, 2), Pair(3, 4)])
        a, b = p
        result = p(numbers(2)) + p[1] + len(p) + a * b + (1 if p == Pair(4, 0) else 0) + (5 if 6 in p else 7)
    """,
    "generators": """
        def powers(x, n):
            for i in range(n):
                yield x ** i
            yield from (x * 2, x * 3)
        result = sum(powers(numbers(3), 3)) + next(iter([10]))
    """,
    "exceptions": """
        def parse(value):
            try:
                number = int(value)
            except (ValueError, TypeError) as error:
                return -1
            else:
                number += 100
            finally:
                number = 7
            return number
        class Stop(Exception): pass
        def f(x):
            try:
                raise Stop("enough")
            except Stop:
                return x + 1
        def missing(d):
            try:
                return d["nothing"]
            except KeyError:
                return 3
        result = f(numbers(2)) + parse("x") + parse("1") + missing({})
    """,
    "with, try-import and main": """
        try:
            import a_package_that_is_not_there as fast
        except ImportError:
            fast = None
        with torch.no_grad(), torch.inference_mode():
            x = numbers(2)
        if __name__ == "__main__":
            result = x + (1 if fast is None else 2)
    """,
    "decorators that change nothing": """
        import functools
        def logged(f):
            @functools.wraps(f)
            def inner(*args, **kwargs):
                print("calling", f.__name__)
                return f(*args, **kwargs) * 2
            return inner
        class Net(nn.Module):
            @torch.no_grad()
            @logged
            def forward(self, x): return x + 1
        result = Net()(numbers(2))
    """,
    "training mode and buffers": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("mean", numbers(2))
                self.register_parameter("nothing", None)
                self.mask = torch.tensor([1.0, 0.0])
                self.steps = 0
            def forward(self, x):
                self.steps += 1
                x = x - self.mean if self.training else x * self.mask
                return x + self.steps
        net = Net()
        a = net(numbers(2))
        result = a + net.eval()(numbers(2))
    """,
    "in-place operations seen through all names": """
        x = numbers(3)
        y = x
        y += 1
        x.mul_(2)
        x[0] = 5
        z = torch.zeros(2, 2)
        z[:, 1] += 3
        z[0] = torch.tensor([7.0, 8.0])
        items = [x]
        items[0] -= 1
        result = x + y + z.sum()
    """,
    "chained comparison, boolean operators and the walrus": """
        n = 5
        x = numbers(2) if 1 < n <= 5 != 6 else numbers(3)
        if (m := n * 2) > 9 and not (n in (1, 2)) or False:
            x = x * m
        empty = [] or [3]
        result = x + empty[0] + (None is not n) + ("a" in "abc")
    """,
    "match": """
        def pick(x, kind):
            match kind:
                case "a" | "b": return x + 1
                case [first, *rest]: return x * first + len(rest)
                case int() if kind > 3: return x * kind
                case None: return x
                case _: return x - 1
        x = numbers(2)
        result = pick(x, "b") + pick(x, [5, 6, 7]) + pick(x, 4) + pick(x, 1) + pick(x, None)
    """,
    "dataclasses, enumerations and named tuples": """
        from dataclasses import dataclass, field
        from enum import Enum
        from typing import NamedTuple, Optional
        from collections import namedtuple, defaultdict
        @dataclass
        class Config:
            width: int = 4
            act: str = "relu"
            sizes: list = field(default_factory=lambda: [1, 2])
            @property
            def total(self): return sum(self.sizes) * self.width
        class Mode(Enum):
            ADD = "add"
            MUL = "mul"
        class Out(NamedTuple):
            value: torch.Tensor
            count: int = 1
        Point = namedtuple("Point", "x y")
        def f(x: torch.Tensor, mode: Optional[Mode] = Mode.ADD) -> Out:
            return Out(x + 1 if mode is Mode.ADD else x * 3, count=2)
        config = Config(width=2)
        config.sizes.append(7)
        value, count = f(numbers(2), Mode("mul"))
        groups = defaultdict(list)
        groups["a"].append(4)
        p = Point(1, y=2)
        result = value * count + f(numbers(2)).value + config.total + groups["a"][0] + p.y + len(groups["b"])
    """,
    "the standard library": """
        import math, functools, itertools, copy, operator
        from functools import partial, reduce
        layers = [Layer(2, 2, scale=s) for s in (1, 2)]
        forward = lambda x: reduce(lambda h, f: f(h), layers, x)
        clone = copy.deepcopy(layers[0])
        with torch.no_grad():
            layers[0].bias += 1
        pairs = list(itertools.product([1, 2], repeat=2))
        steps = list(itertools.accumulate([1, 2, 3])) + list(itertools.chain([1], (2,)))
        scaled = partial(torch.mul, other=math.sqrt(4))
        result = forward(numbers(2)) + clone(numbers(2)) + len(pairs) + sum(steps) + scaled(numbers(2)) + math.pi
    """,
    "sorting, reductions and conversions": """
        items = sorted([3, 1, 2], key=lambda v: -v)
        words = sorted({"b": 1, "a": 2}.items())
        top = max(items, key=lambda v: abs(v - 2)) + min(4, 3.5) + min([], default=9)
        flags = all([1, True]) + any(x > 2 for x in items)
        total = int("12") + float("0.5") + round(2.567, 1) + abs(-3) + divmod(7, 2)[1] + len(str(1234))
        back = list(reversed(items)) + list(map(lambda a, b: a * b, [1, 2], [3, 4])) + list(filter(None, [0, 5]))
        result = torch.tensor(items + back, dtype=torch.float32) + top + flags + total + words[0][1]
    """,
    "shapes in arithmetic": """
        class Net(nn.Module):
            def forward(self, x):
                b, c, *sizes = x.shape
                h = x.view(b, -1)
                assert h.size(1) == c * torch.Size(sizes).numel()
                return h.reshape(b, c, -1).mean(dim=-1) * x.ndim + len(x) + x.shape[-1] + h.dim()
        result = Net()(numbers(2, 3, 4, 5))
    """,
    "values that depend on constants only": """
        mask = torch.tensor([1, 0, 2])
        x = numbers(3)
        if mask.sum() > 2:
            x = x * mask.max().item()
        for i in range(int(mask[2])):
            x = x + i
        while x[0] < 2:
            x = x + 1
        result = x
    """,
    "iterating over a tensor": """
        total = 0
        for row in numbers(3, 2):
            total = total + row * row
        a, b = numbers(2, 3)
        result = total[0] * a + b
    """,
    "import spellings": """
        import torch as t
        import torch.nn as tn
        from torch.nn import functional as TF, Linear
        from torch.nn.functional import relu, softmax as soft
        from torch import Tensor, tanh
        from torch.nn import *
        x: Tensor = numbers(2, 3)
        y = relu(x) + TF.gelu(x) + soft(x, dim=-1) + tanh(x)
        result = y + Sigmoid()(x) + t.nn.functional.relu(x) + tn.ReLU()(x)
    """,
    "custom containers": """
        class Block(nn.Sequential):
            def __init__(self, n):
                super().__init__(Layer(n, n), nn.ReLU())
        class Net(nn.Module):
            def __init__(self, sizes=(3, 3)):
                super().__init__()
                blocks = []
                for n in sizes:
                    blocks += [Block(n)]
                self.body = nn.Sequential(*blocks)
                self.skip = nn.Identity()
            def forward(self, x):
                return self.body(x) + self.skip(x)
        net = Net()
        for name, p in net.named_parameters():
            if name.endswith("bias"):
                nn.init.constant_(p, 0.25)
        result = net(numbers(2, 3)) + sum(p.numel() for p in net.parameters())
    """,
    "a while loop over a list used as a stack": """
        stack = [(numbers(2), 0)]
        total = torch.zeros(2)
        while stack:
            x, depth = stack.pop()
            total = total + x * depth
            if depth < 3:
                stack.append((x + 1, depth + 1))
                if depth % 2:
                    stack.append((x - 1, depth + 2))
        result = total
    """,
    "recursion": """
        def fold(xs):
            return xs[0] if len(xs) == 1 else fold(xs[:-1]) * 0.5 + xs[-1]
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        result = fold([numbers(2) + i for i in range(6)]) + fib(10)
    """,
    "identity and membership": """
        a = [1]; b = a; c = [1]
        b.append(2)
        d = {}
        d.setdefault("x", []).append(5)
        result = numbers(2) + (a is b) + (a is c) * 10 + len(a) + ("x" in d) + d["x"][0]
    """,
    "unicode names before an operation": """
        größe, π = 3, 3.0
        ψ = numbers(2)  # 🙂
        result = ψ * größe + π
    """,
    "default dtype": """
        torch.set_default_dtype(torch.float64)
        x = torch.tensor([1.0, 2.0]) * 0.1
        torch.set_default_dtype(torch.float32)
        result = x + torch.ones(2)
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_graph_computes_what_the_program_computes(name: str, tmp_path: Path) -> None:
    assert_agrees(PROGRAMS[name], tmp_path)
