"""Programs under conditions that are not known: what capture knows all the same is what Python computes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.capture.facts import facts_of

PROGRAMS = {
    "names of one memory": """
    maybe = torch.rand(1).item() > 2
    yes = torch.rand(1).item() < 2
    x = torch.zeros(2, 2); v = x.view(-1); w = x[0]
    if maybe: v[0] = 5
    if yes: w[1] = 3
    x2 = x.clone(); v2 = v.clone()
    y = torch.zeros(3); z = y[1:]
    if maybe: z = y.clone()
    z[0] = 1
    a = np.zeros(3); b = a[1:]
    if maybe: b = b.copy()
    b[0] = 7
    c = np.ones(2); s = c.sum()
    if yes: s += 1
    if maybe: c += 1
    d = np.zeros(2); e = d
    if yes: e = e + 1
    e[0] = 9
    f = [1]; it = iter([1, 2, 3])
    if maybe: next(it)
    g = next(it)
    h = {1: 1}
    for k in h:
        if maybe: h[2] = 2
    i = torch.zeros(4); j, l = i.chunk(2)
    if yes: j.add_(1)
    else: l.add_(1)
    l.add_(10)
    m = torch.zeros(2); n = m.view(2, 1)
    for q in range(3):
        if maybe: n[q % 2] = 1
        m[0] += 1
    o = m.clone()
    p = torch.zeros(3)
    for q in range(100):
        r = p[1:]
        r += 1
    t = p.clone()
    u = np.zeros(3)
    for q in range(100):
        u[1:] += 1
        if maybe: break
""",
    "exceptions": """
    maybe = torch.rand(1).item() > 2
    x = torch.zeros(3); v = x[1:]
    try:
        v[0] = 1
        if maybe: raise ValueError
        v[1] = 2
    except ValueError:
        x[0] = 9
    y = x.clone()
    def gen():
        yield 1
        if maybe: raise ValueError
        yield 2
    out = []
    try:
        for g in gen(): out.append(g)
    except ValueError: out.append(0)
    class M:
        def __enter__(self): return 1
        def __exit__(self, *a): return maybe
    with M() as m: q = 3
    try:
        with M(): raise KeyError
    except KeyError: q = 4
    from contextlib import contextmanager
    @contextmanager
    def cm():
        if maybe: yield 1
        else: yield 2
    with cm() as c: d = 5
    @contextmanager
    def cm2():
        try: yield
        except KeyError:
            if not maybe: raise
    try:
        with cm2(): raise KeyError
    except KeyError: e = 1
    else: e = 2
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_that_depends_on_a_condition_is_a_fact(name: str, tmp_path: Path) -> None:
    facts = facts_of(PROGRAMS[name], tmp_path)
    assert not facts.wrong
    assert all(said.startswith("TL102") for said in facts.said)
