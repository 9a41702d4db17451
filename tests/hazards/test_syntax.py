"""The nodes of a file in one pass are those that `ast.walk` gives."""

import ast
from pathlib import Path

import pytest

from torchlean.hazards.syntax import walked

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*/*.py"))[::20]

EVERYTHING = """
from a.b import c as d
import e, f as g
@h
async def i(j: "k" = 1, /, *l: m, n=2, **o) -> p:
    global q
    async with r as s, t: yield
    async for u in v: await w
    return [x async for x in y if z], {**a, b: c}, {d for e in f}, (lambda g, *h: i), f"{j!r:>{k}}"
class l(m, n=o):
    p: q = r
    try: raise s from t
    except u as v: del w[x:y:z], a
    else: a += -b ** c @ d
    finally: assert e if f else g, h
while (i := j) < k != l in m or not n and ...: nonlocal_ = 1j; break
match o:
    case p(q, r=s) | [t, *u] | {"v": w, **x} | None | 1 if y: pass
"""


@pytest.mark.parametrize("text", [EVERYTHING, "", *(path.read_text(encoding="utf-8") for path in PROGRAMS)])
def test_all_nodes_come_in_order_but_for_operators_and_contexts(text: str) -> None:
    tree = ast.parse(text)
    shared = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
    every = [node for node in ast.walk(tree) if not isinstance(node, shared)]
    syntax = walked(tree)
    assert list(syntax.nodes) == every
    for kind in {type(node) for node in every}:
        assert syntax.of(kind) == [node for node in every if type(node) is kind]
    names = [node for node in every if isinstance(node, (ast.Name, ast.Call))]
    assert syntax.of(ast.Call, ast.Name) == names
    parents = {child: parent for parent in every for child in ast.iter_child_nodes(parent)}
    assert syntax.parents == {
        child: parent for child, parent in parents.items() if not isinstance(child, shared)
    }
