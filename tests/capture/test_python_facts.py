"""What Python's own classes and statements make of plain values: programs beside CPython."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.capture.facts import facts_of

PROGRAMS = {
    "match statements": """
    from dataclasses import dataclass
    @dataclass
    class P:
        x: int
        y: int = 0
    class Q:
        __match_args__ = ("a", "b")
        def __init__(self, a, b): self.a, self.b = a, b
    def m(v):
        match v:
            case 0: return "zero"
            case True: return "t"
            case -1 | -2: return "neg"
            case 1.5: return "f"
            case "a" | "b": return "ab"
            case None: return "none"
            case []: return "empty"
            case [x]: return ("one", x)
            case [1, *rest]: return ("star", rest)
            case (x, y) if x == y: return ("eq", x)
            case [x, [y, z]]: return ("nest", x, y, z)
            case {"k": v, **rest}: return ("map", v, rest)
            case P(x=1, y=yy): return ("P1", yy)
            case P(x, y) if x > y: return ("Pgt", x, y)
            case P(): return "P"
            case Q(1, b): return ("Q1", b)
            case Q(a=aa): return ("Q", aa)
            case int(n) if n > 100: return ("big", n)
            case int() | float(): return "num"
            case str() as s: return ("str", s)
            case tuple(): return "tuple"
            case _: return "other"
    values = [0, 1, -1, -2, 1.5, "a", None, [], [7], [1, 2, 3], (2, 2), [1, [2, 3]], [5, [2, 3]], {"k": 1, "z": 2}]
    values += [P(1, 5), P(3, 2), P(2, 3), Q(1, 9), Q(2, 3), 500, 50, 2.5, "zz", (1, 2, 3, 4), (5, 6, 7), set()]
    a = [m(v) for v in values]; del values
    b = [m(v) for v in (False, True, 0.0, 1.0, b"a", {"q": 1}, {}, range(3))]
    def n(v):
        match v:
            case [a, b, *_, c]: return a + b + c
            case {"type": "x", "val": [a, *b]}: return (a, b)
            case (1 | 2) as k: return k * 10
            case complex(): return "c"
        return None
    c = [n([1, 2, 3]), n([1, 2]), n({"type": "x", "val": [1, 2]}), n(1), n(5)]
    match 3:
        case x if x > 5: d = 1
        case x: d = x + 10
    match (1, 2):
        case (1, y): e = y
    f = x
    import enum
    class Col(enum.Enum):
        R = 1
        G = 2
    def o(v):
        match v:
            case Col.R: return 1
            case Col.G: return 2
    g = [o(Col.R), o(Col.G), o(1)]
""",
    "dataclasses": """
    from dataclasses import dataclass, field, replace, asdict, astuple, fields
    @dataclass
    class A:
        x: int
        y: list = field(default_factory=list)
        z: int = field(default=3, repr=False)
        def __post_init__(self): self.w = self.x * 2
    @dataclass
    class B(A):
        k: str = "b"
        def __post_init__(self):
            super().__post_init__(); self.q = self.k
    @dataclass(frozen=True)
    class F:
        a: int = 1
        b: float = 2.0
    @dataclass(order=True)
    class O:
        n: int
        m: str = field(compare=False, default="m")
    from typing import ClassVar
    @dataclass
    class C:
        count: ClassVar[int] = 0
        v: int = 1
        u: int = field(init=False, default=7)
    @dataclass(kw_only=True)
    class K:
        p: int
        q: int = 2
    @dataclass(eq=False)
    class E:
        v: int
    from dataclasses import InitVar
    @dataclass
    class I:
        a: int
        s: InitVar[int] = 5
        def __post_init__(self, s): self.t = self.a + s
    a1 = A(1).w; a2 = A(1).y is A(1).y; a3 = B(2).q; a4 = B(2, [1], 4, "k").k; a5 = repr(A(1))
    a6 = A(1) == A(1); a7 = A(1) == A(2); a8 = A(1, z=9).z; a9 = repr(B(1))
    b1 = F() == F(1, 2.0); b2 = replace(F(), a=5).a; b3 = asdict(A(1)); b4 = astuple(F())
    b5 = [f.name for f in fields(A)]; b6 = O(1) < O(2); b7 = sorted([O(3), O(1)])[0].n
    b8 = O(1, "a") == O(1, "b"); b9 = hash(F()) == hash(F())
    c1 = C().u; c2 = C.count; c3 = K(p=1).q; c4 = E(1) == E(1); c5 = I(1).t; c6 = I(1, 10).t
    c7 = A(x=1, y=[2]).y; c8 = O(1) <= O(1); c9 = max(O(1), O(5)).n
    try:
        F().a = 3
        d1 = 0
    except Exception as e: d1 = type(e).__name__
    try:
        K(1)
        d2 = 0
    except TypeError: d2 = 1
    try:
        A()
        d3 = 0
    except TypeError: d3 = 1
    d4 = F.a; d5 = A.z; d6 = {F(): 1}[F()]; d7 = repr(F()); d8 = repr(O(1)); d9 = replace(A(1), x=4).w
""",
    "enumerations": """
    import enum
    from enum import Enum, IntEnum, auto, Flag, StrEnum
    class C(Enum):
        R = 1
        G = 2
        B = 3
        CRIMSON = 1
        @property
        def nice(self): return self.name.lower()
        @classmethod
        def first(cls): return cls.R
    class I(IntEnum):
        A = 1
        B = auto()
    class S(StrEnum):
        X = auto()
        Y = "why"
    class F(Flag):
        R = auto()
        W = auto()
        X = auto()
    class T(Enum):
        P = (1, 2)
        def __init__(self, a, b): self.a = a; self.b = b
    class A(Enum):
        P = auto()
        Q = auto()
    a1 = C.R.value; a2 = C.R.name; a3 = C(2).name; a4 = C["G"].value; a5 = [c.name for c in C]; a6 = len(C)
    a7 = C.R is C.CRIMSON; a8 = C.CRIMSON.name; a9 = C.R == 1
    b1 = C.R.nice; b2 = C.first().name; b3 = I.A == 1; b4 = I.B + 1; b5 = I.A < I.B; b6 = S.X.value
    b7 = S.X == "x"; b8 = str(S.Y); b9 = T.P.a + T.P.b
    c1 = A.Q.value; c2 = C.R in C; c3 = str(C.R); c4 = repr(C.R); c5 = f"{I.A}"; c6 = f"{S.X}"
    c7 = F.R | F.W == F.W; c8 = (F.R | F.W).value; c9 = bool(F.R & F.W)
    d1 = isinstance(I.A, int); d2 = isinstance(C.R, C); d3 = list(C.__members__); d4 = {C.R: 1}[C.R]
    d5 = C.R != C.G; d6 = F.R in (F.R | F.W); d7 = [1, 2, 3][I.A]; d8 = max(I).value; d9 = sorted(I)[0].name
    try:
        C(9); e1 = 0
    except ValueError: e1 = 1
    try:
        C["Z"]; e2 = 0
    except KeyError: e2 = 1
    try:
        C.R = 5; e3 = 0
    except AttributeError: e3 = 1
    e4 = C.R.value if C.R else 0; e5 = type(C.R).__name__; e6 = I(1).name; e7 = int(I.B); e8 = I.A * 2.5
    e9 = "%d" % I.B
    f1 = torch.ones(3)[I.A]; f2 = torch.zeros(I.B, 3).shape; f3 = torch.ones(2) * I.B
""",
    "context managers": """
    from contextlib import contextmanager, suppress, ExitStack, nullcontext, closing
    log = []
    class M:
        def __init__(self, n, swallow=False): self.n, self.s = n, swallow
        def __enter__(self): log.append(("in", self.n)); return self.n * 10
        def __exit__(self, t, v, tb): log.append(("out", self.n, t is not None)); return self.s
    with M(1) as a: b = a + 1
    with M(2) as c, M(3) as d: e = c + d
    with M(4, True): raise ValueError("x")
    f = "after"
    try:
        with M(5): raise KeyError("k")
    except KeyError: g = 1
    @contextmanager
    def cm(v):
        log.append("enter")
        try: yield v * 2
        except ValueError: log.append("caught")
        finally: log.append("fin")
    with cm(4) as h: log.append(h)
    with cm(5): raise ValueError
    with suppress(ZeroDivisionError): i = 1 / 0
    j = 3
    with nullcontext(7) as k: l = k
    def r():
        with M(6): return 9
    m = r()
    for q in range(3):
        with M(7):
            if q == 1: break
    def s():
        with M(8, True):
            raise ValueError
        return "s"
    n = s()
    with (M(9) as o, M(10) as p): t = o * p
    with torch.no_grad(): u = torch.ones(2) * 2
    with torch.no_grad(), M(11) as v: w = v
    class E(Exception): pass
    def x():
        try:
            with M(12): raise E("m")
        except E as err: return str(err)
    y = x()
    with M(13) as (z): pass
    logged = list(log)
""",
    "attributes and special methods": """
    class A:
        shared = []
        n = 1
        def __init__(self): self.own = []
        @property
        def p(self): return self.n * 2
        @p.setter
        def p(self, v): self.n = v
        @staticmethod
        def s(x): return x + 1
        @classmethod
        def c(cls): return cls.n
        def __getattr__(self, name): return "missing " + name
        def __len__(self): return 3
        def __contains__(self, x): return x == 5
        def __getitem__(self, i): return i * 2 if i < 3 else (_ for _ in ()).throw(IndexError)
        def __call__(self, x): return x * 10
        def __eq__(self, o): return isinstance(o, A)
        def __hash__(self): return 1
        def __bool__(self): return False
        def __add__(self, o): return "add"
        def __radd__(self, o): return "radd"
        def __iadd__(self, o): self.n += o; return self
        def __neg__(self): return "neg"
        def __str__(self): return "S"
        def __repr__(self): return "R"
        def __format__(self, spec): return "F" + spec
        def __int__(self): return 7
        def __float__(self): return 7.5
        def __index__(self): return 2
        def __lt__(self, o): return True
        def __enter__(self): return 4
        def __exit__(self, *a): return False
    class B(A):
        n = 5
        def __init__(self): super().__init__(); self.extra = 1
    a = A(); b = B()
    r1 = a.p; a.p = 7; r2 = (a.p, A.n); r3 = A.s(1); r4 = b.c(); r5 = a.zzz; r6 = len(a); r7 = 5 in a; r8 = a[2]
    r9 = a(3)
    s1 = a == b; s2 = a == 1; s3 = 1 if a else 2; s4 = a + 1; s5 = 1 + a; a += 3; s6 = a.n; s7 = -a; s8 = str(a)
    s9 = repr(a)
    t1 = f"{a}"; t2 = f"{a:x}"; t3 = f"{a!r}"; t4 = int(a); t5 = float(a); t6 = [10, 20, 30][a]; t7 = a < b
    A.shared.append(1); u1 = b.shared; b.shared = [9]; u2 = A.shared; u3 = isinstance(b, A)
    u4 = issubclass(B, A); u5 = type(b) is B; u6 = B.__name__; u7 = b.__class__.__name__
    u8 = hasattr(b, "extra"); u9 = getattr(b, "extra", 0)
    class D:
        def __get__(self, o, t): return 42 if o is not None else "cls"
        def __set__(self, o, v): o.__dict__["_v"] = v
    class E:
        d = D()
        __slots__ = ("x", "__dict__")
    e = E(); v1 = e.d; e.d = 5; v2 = e._v; v3 = E.d; v4 = vars(e)
    class F:
        def __init__(self): self.a = 1
        def __setattr__(self, k, v): object.__setattr__(self, k, v * 2)
        def __delattr__(self, k): object.__setattr__(self, "deleted", 1)
    f = F(); f.b = 3; w1 = (f.a, f.b); del f.b; w2 = f.deleted; w3 = f.b
    class M1:
        def hi(self): return "M1"
    class M2(M1):
        def hi(self): return "M2" + super().hi()
    class M3(M1):
        def hi(self): return "M3" + super().hi()
    class M4(M2, M3):
        def hi(self): return "M4" + super().hi()
    w4 = M4().hi(); w5 = [k.__name__ for k in M4.__mro__]
    class S:
        __slots__ = ("a",)
    s_ = S(); s_.a = 1
    try: s_.b = 2; w6 = 0
    except AttributeError: w6 = 1
    try: a.p = 1; A.p.fget; w7 = 1
    except Exception: w7 = 0
    class R:
        @property
        def x(self): return 1
    try: R().x = 2; w8 = 0
    except AttributeError: w8 = 1
    class Sub(int):
        def double(self): return self * 2
    w9 = Sub(4).double() + Sub(1); x1 = Sub(3) == 3; x2 = Sub(3) < 4; x3 = [1, 2, 3, 4][Sub(1)]
    x4 = type(Sub(3) + 1).__name__; x5 = isinstance(Sub(1), int)
    class L(list):
        def total(self): return sum(self)
    l = L([1, 2]); l.append(3); x6 = l.total(); x7 = l == [1, 2, 3]; x8 = len(l); x9 = l[1:]
    class It:
        def __init__(self): self.i = 0
        def __iter__(self): return self
        def __next__(self):
            self.i += 1
            if self.i > 3: raise StopIteration
            return self.i
    y1 = list(It()); y2 = sum(It()); y3 = max(It()); y4 = [v for v in It()]; y5 = 2 in It()
    y6 = dict(zip(It(), "abc")); y7, *y8 = It(); y9 = sorted(It(), reverse=True)
""",
    "collections": """
    import itertools as it
    from collections import OrderedDict, defaultdict, deque, Counter, namedtuple, ChainMap
    a1 = list(it.chain([1], [2, 3])); a2 = list(it.product([1, 2], "ab"))
    a3 = list(it.combinations([1, 2, 3], 2)); a4 = list(it.permutations([1, 2, 3], 2))
    a5 = list(it.accumulate([1, 2, 3])); a6 = list(it.zip_longest([1, 2], [3], fillvalue=0))
    a7 = list(it.repeat(5, 2)); a8 = list(it.islice(it.count(3), 2))
    a9 = list(it.takewhile(lambda v: v < 3, [1, 2, 3, 1]))
    b1 = list(it.dropwhile(lambda v: v < 3, [1, 3, 1])); b2 = [(k, list(g)) for k, g in it.groupby([1, 1, 2])]
    b3 = list(it.starmap(pow, [(2, 3), (3, 2)])); b4 = list(it.chain.from_iterable([[1], [2]]))
    b5 = list(it.compress("abc", [1, 0, 1])); b6 = list(it.pairwise([1, 2, 3]))
    b7 = list(it.islice([1, 2, 3, 4], 1, None, 2)); b8 = list(it.filterfalse(None, [0, 1, 0]))
    b9 = list(it.accumulate([1, 2, 3], lambda x, y: x * y))
    o = OrderedDict([("a", 1), ("b", 2)]); o.move_to_end("a"); c1 = list(o); c2 = o.popitem(last=False)
    d = defaultdict(list); d["x"].append(1); c3 = dict(d); c4 = d["y"]; c5 = len(d)
    q = deque([1, 2, 3], maxlen=3); q.append(4); c6 = list(q); q.appendleft(0); c7 = list(q); q.rotate(1)
    c8 = list(q); c9 = q[0]
    k = Counter("abca"); d1 = k["a"]; d2 = k["z"]; d3 = k.most_common(1); d4 = sum(k.values()); k.update("aa")
    d5 = k["a"]; d6 = dict(k + Counter("b")); d7 = sorted(k.elements()); Pt = namedtuple("Pt", "x y")
    pt = Pt(1, 2); d8 = pt.x + pt[1]; d9 = tuple(pt)
    e1 = pt._replace(x=5).x if False else 0; e2 = Pt(x=1, y=2) == pt; e3 = pt == (1, 2); e4 = repr(pt)
    x1, y1 = pt; e5 = x1 - y1; e6 = Pt._fields; e7 = ChainMap({"a": 1}, {"b": 2})["b"]; e8 = len(pt)
    e9 = isinstance(pt, tuple)
    dd = {"a": 1}; f1 = dd.setdefault("b", 2); f2 = dd.get("z", 9); dd.update(c=3); f3 = dd.pop("a")
    f4 = list(dd.items()); f5 = dd | {"d": 4}; f6 = {k2: v for k2, v in dd.items() if v > 2}
    f7 = dict(zip("ab", [1, 2])); f8 = dict.fromkeys("ab", 0); f9 = list(reversed({"a": 1, "b": 2}))
    s1 = sorted([("b", 1), ("a", 2), ("b", 0)], key=lambda v: v[0]); s2 = sorted("bca", reverse=True)
    s3 = sorted([3, -1, 2], key=abs); l = [3, 1, 2]; l.sort(); s4 = l; l2 = [1, 2, 3]; l2.reverse(); s5 = l2
    s6 = l2.index(2); s7 = l2.count(1); l2.insert(1, 9); s8 = list(l2); s9 = sorted([(1, "b"), (1, "a")])
    g1 = {1, 2} | {3}; g2 = {1, 2} & {2}; g3 = {1, 2} - {1}; g4 = {1, 2} ^ {2, 3}; g5 = {1} <= {1, 2}
    g6 = {1}.isdisjoint({2}); g7 = len({1, 1.0, True}); g8 = frozenset([1, 2]) == {1, 2}; st = {1}; st.add(2)
    st.discard(5); g9 = st
""",
    "sums": """
    a = sum([0.1] * 10)
    b = sum([1e16, 1.0, -1e16])
    c = sum(x * 0.1 for x in range(10))
    d = sum([0.1] * 10, 0.0)
    e = sum((0.1, 0.2, 0.3))
    f = sum([1, 0.1, 0.2, 0.3, True, 5])
    g = sum([0.1 + 0j] * 10)
    h = sum([0.1] * 10, torch.zeros(2, dtype=torch.float64))
    i = sum([*[0.1] * 10, torch.zeros(2, dtype=torch.float64), *[0.1] * 10])
    j = sum([], 0.1), sum([]), sum([[1], [2]], [])
    k = sum([float("inf"), 1.0, float("-inf")]), sum([1e308, 1e308, -1e308])
    l = sum([np.float64(0.1)] * 10), sum([0.1, np.float64(0.1), 0.1])
    m = sum([True, True]), sum({0.1, 0.2, 0.3, 0.4})
""",
    "texts of definitions": """
    class Bare:
        pass
    class Documented:
        '''First.

            Further in.
        '''
    a = Bare.__doc__
    b = Documented.__doc__
""",
    "members of enumerations": """
    import enum
    class Small(enum.Enum):
        A = 1
        B = (1, 2)
    class Whole(enum.IntEnum):
        A = 1
    def inside(value, cls):
        try:
            return value in cls
        except TypeError:
            return "refused"
    a = [inside(v, c) for c in (Small, Whole) for v in (1, (1, 2), 5, "A", Small.A, Whole.A, None)]
    class Bits(enum.Flag):
        R = enum.auto()
        G = enum.auto()
        BOTH = R | G
        B = enum.auto()
    class Masks(enum.IntFlag):
        X = 1
        Y = 2
    class Steps(enum.IntEnum):
        def half(self): return self.value / 2
        LOW = 5
        MIDDLE = enum.auto()
        HIGH = MIDDLE + 10
        TOP = enum.auto()
    def tried(f):
        try:
            return f()
        except TypeError:
            return "refused"
    b = [m.name for m in Bits], len(Bits), [m.name for m in Masks]
    c = tried(lambda: [m.name for m in Bits.R | Bits.G]), tried(lambda: len(Masks.X | Masks.Y))
    d = tried(lambda: len(Bits.R)), tried(lambda: [m.value for m in Bits(0)])
    e = tried(lambda: len(Small.A)), tried(lambda: list(Whole.A))
    f = Bits.BOTH.value, Bits.B.value, [m.value for m in Steps], Steps.TOP.half()
""",
    "decorators that speak to readers and checkers": """
    import warnings
    from typing_extensions import deprecated, override
    class Base:
        def f(self, x): return x
    class Derived(Base):
        @override
        def f(self, x): return x + 1
        @deprecated("use f")
        def g(self, x): return x + 2
    warnings.simplefilter("ignore")
    a = Derived().f(torch.zeros(2))
    b = Derived().g(torch.zeros(2))
""",
    "arguments of the command line": """
    import argparse
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=0.1)
    p.add_argument("--n", type=int, default="3")
    p.add_argument("--flag", action="store_true")
    p.add_argument("--no-cuda", action="store_false", dest="cuda")
    p.add_argument("--name", default="x", choices=["x", "y"])
    p.add_argument("--sizes", nargs="+", type=int, default=[1, 2])
    p.add_argument("-b", "--batch-size", type=int, default=4)
    p.add_argument("--none")
    a = p.parse_args([])
    a1 = a.lr; a2 = a.n; a3 = a.flag; a4 = a.cuda; a5 = a.name; a6 = a.sizes; a7 = a.batch_size; a8 = a.none
    a9 = vars(a)["lr"]
    b = p.parse_args(["--lr", "0.5", "--flag", "--sizes", "3", "4", "-b", "9"]); b1 = b.lr; b2 = b.flag
    b3 = b.sizes; b4 = b.batch_size
    c, d = p.parse_known_args([]); c1 = c.n
    p.set_defaults(n=8); e = p.parse_args([]); e1 = e.n; a.lr = 3; e2 = a.lr; e3 = hasattr(a, "zz")
    e4 = getattr(a, "zz", 1)
    ns = argparse.Namespace(x=1, y=2); f1 = ns.x; f2 = ns == argparse.Namespace(x=1, y=2)
""",
}

NOT_FOLLOWED = {
    "attributes and special methods": {"a", "b", "e", "f", "s_", "l"},
    "collections": {"a6", "a9", "b1", "b2", "b3", "b5", "b8", "d3", "d7", "e7", "q", "pt", "k"},
    "arguments of the command line": {"p", "a", "b", "c", "e", "ns", "b1", "b2", "b3", "b4", "e3", "e4"},
    "dataclasses": {"ClassVar", "b9", "d5", "d6"},  # hashes, and what a class keeps of its fields
}
"""Names of which an honest "unknown" is an answer too."""


SINCE = {"enumerations": (3, 11)}
"""The first version that has all that a program imports (`StrEnum`)."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_are_those_of_python(name: str, tmp_path: Path) -> None:
    if sys.version_info < SINCE.get(name, (3, 10)):
        pytest.skip("this Python lacks what the program imports")
    facts = facts_of(PROGRAMS[name], tmp_path)
    assert not facts.wrong
    assert set(facts.unknown) <= NOT_FOLLOWED.get(name, set())
    assert not facts.said
