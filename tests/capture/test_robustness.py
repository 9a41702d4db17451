"""Any text at all: files in the middle of being typed, budgets, and being cancelled."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.capture.marked import capture

from torchlean.capture import Cancelled, Capture, Workspace, capture_file
from torchlean.capture.budgets import Fuel
from torchlean.graph import validate

FILES = sorted((Path(__file__).parents[1] / "fixtures" / "broken").glob("*.py"))
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.py"))
SAMPLE = 23
"""Every 23rd place in the default run: a prime, so that the places fall everywhere in lines."""

SPARSE = 331
"""The same for the examples, whose data files are read each time."""


NOWHERE = Path("/nowhere/main.py")


def followed(text: str, path: Path = NOWHERE) -> Capture:
    """A capture of the text; its places lie inside of it and its graph is well formed."""
    result = capture_file(str(path), text, Workspace([path.parent]))
    lines = text.count("\n") + text.count("\r") + 1
    for problem in result.diagnostics:
        assert problem.message
        assert 0 <= problem.span.line <= problem.span.end_line <= lines
    ids = range(len(result.graph))
    for unit in result.units:
        assert all(seen.node in ids for seen in unit.observations)
        assert all(id in ids for id in (*unit.inputs, *unit.outputs))
    return result


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_whole_files_have_nothing_to_report(path: Path) -> None:
    result = followed(path.read_text())
    assert result.diagnostics == ()
    assert all(unit.failure is None for unit in result.units)
    validate(result.graph)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_some_prefixes_and_files_with_a_character_missing(path: Path) -> None:
    _break(path.read_text(), SAMPLE)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_prefixes_and_files_with_a_character_missing(path: Path) -> None:
    _break(path.read_text(), 1)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_some_broken_examples(path: Path) -> None:
    _break(path.read_text(), SPARSE, path)


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_all_broken_examples(path: Path) -> None:
    _break(path.read_text(), 1, path)


def _break(text: str, step: int, path: Path = NOWHERE) -> None:
    for place in range(0, len(text), step):
        followed(text[:place], path)
        followed(text[:place] + text[place + 1 :], path)


STRANGE = {
    "deep parentheses": "x = " + "(" * 5000 + "1" + ")" * 5000,
    "a long sum": "x = " + " + ".join(["1"] * 10_000),
    "a long chain of attributes": "x = a" + ".b" * 3000,
    "many branches": "x = 1\nif x == 0: pass\n" + "".join(f"elif x == {i}: pass\n" for i in range(2, 1500)),
    "endless recursion": "def f(n): return [g(n) for i in range(3)]\ndef g(n): return f(n)\nf(1)",
    "recursion through a property": "class A:\n  @property\n  def x(self): return self.x\nA().x",
    "recursion through attribute access": "class A:\n  def __getattr__(self, n): return getattr(self, n)\nA().x",
    "lists in themselves": "a = []\na.append(a)\nprint(a, str(a), a == a)\nimport copy\ncopy.deepcopy(a)\nb = [a]",
    "loops in loops": "n = 0\nwhile True:\n  n += 1\n  for i in range(10**9): n += i",
    "doubling": "s, t, n = 'a', [1], 3\nfor i in range(200): s, t, n = s + s, t + t, n * n",
    "huge texts": "f'{1:1000000000}'\n'%*d' % (10**9, 1)\n'a'.ljust(10**10)\n"
    "bytes(10**12)\n','.join(['a' * 10**6] * 10**6)",
    "huge iterators": "import itertools\nlist(itertools.permutations(range(99)))\n"
    "list(range(10**30))\nlist(itertools.count())",
    "huge tensors": "import torch\ntorch.zeros(10**6, 10**6)\ntorch.ones(3).expand(10**9, 3)\ntorch.arange(10**12)",
    "null bytes": "x = 1\0",
    "lone surrogates": "x = '\udcff'",
    "a byte order mark": "\ufeffx = 1",
    "carriage returns": "x = 1\ry = undefined",
    "mixed indentation": "if 1:\n\tx = 1\n        y = 2",
    "classes that contradict each other": "class A: pass\nclass B(A): pass\nclass C(A, B): pass\nC()",
    "statements where they do not belong": "return 5\nbreak\nyield 3\nnonlocal x\nawait y",
    "what must never run": "exec('1/0')\n__import__('os').abort()\nopen('/etc/passwd').read()\nimport os\nos.abort()",
    "Python 2": "print 'x'\nexec 'y'\nraise E, 'z'\nx = 0777\n`x`\nx <> 1",
    "a notebook": "%matplotlib inline\n!pip install torch\nimport torch\n?torch\ntorch.zeros(3).unknown_method()",
    "type parameters": "def f[T](x: T) -> T: return x\nclass A[T]: pass\ntype X = int\nf(1)",
    "emoji and form feeds": "\f\nx = '🙂'\n\f🙂 = 1\nimport torch\n",
    "tabs, and carriage returns with line feeds": "if 1:\r\n\tx = 1\r\n\ty = undefined\r\n",
    "a long line": "x = [" + "1.5, " * 50_000 + "]",
    "many lines": "x = 1\n" * 20_000,
    "deep blocks": "".join(" " * i + "if x:\n" for i in range(90)) + " " * 90 + "y = 1",
    "nested unknown conditions": "import sys\ndef f(n):\n  global k\n  k = n\n"
    "  if sys.argv[n]: f(n + 1)\n  else: f(n + 2)\n  k = -n\nf(0)",
    "generators without an end": "def f():\n  while True: yield 1\nlist(f())\nsum(x for x in f())\nnext(f())\n"
    "zip(f(), f())",
    "asynchronous code": "import asyncio\nasync def f():\n  async with g() as x, h():\n    async for y in x: await y\n"
    "  return [z async for z in x]\nasyncio.run(f())",
    "names of modules that are something else": "import torch\ntorch.relu = 3\ntorch.relu(torch.zeros(2))\n"
    "torch = None\ntorch.zeros(2)\nmax = 3\nmax(1, 2)\nlen = []\nlen(len)",
    "changed from inside": "globals()['x'] = 1\ndel x\nvars().clear()\nlocals().update(y=2)\nprint(y, x)",
    "complex numbers": "import torch\nx = torch.zeros(2)\nx * 1j\nx + complex(1, 2)\nx == 1j\nx ** 1j\n"
    "torch.add(x, 1j)\ntorch.where(x > 0, 1j, x)\nx.fill_(1j)\ntorch.full((2,), 1j)\nx.clamp(min=1j)",
    "patterns that backtrack without end": "import re\nt = 'a' * 40 + 'b'\n"
    "re.match('(a+)+$', t)\nre.split('(a|aa)*$', t)\n"
    "re.sub('a*' * 20 + '$', '', t)\nre.compile('(' * 3000)\nre.findall('(?:(?:a?){99}){99}c', t)\n"
    "re.sub('a', '\\\\g<0>' * 10**6, t)\nre.match('x' * 10**6, t)\nre.match(t, 3)\n"
    "re.match(b'a', b'a')\nre.match([], t)\nre.match('[[a-b]', t)",
    "odd objects": "class A:\n  __bool__ = 5\n  __len__ = None\n"
    "  def __iter__(self): return self\n  def __next__(self): return 1\n"
    "if A(): pass\nlen(A())\nlist(A())\nA() + A()\nA()[A()]",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_programs_end(name: str) -> None:
    followed(STRANGE[name])


def test_a_loop_in_a_loop_does_not_fill_the_graph(tmp_path: Path) -> None:
    text = "import torch\nx = torch.zeros(3)\nfor i in range(2000):\n  for j in range(2000):\n    x = x * 2\n"
    result = capture(text, tmp_path)
    # It is followed once, for any of its rounds, and that is said at the outer loop: the inner one is short.
    assert {(found.code, found.span.line) for found in result.diagnostics} <= {("TL105", 2)}
    assert len(result.graph) < 10_000


def test_claims_and_modules_are_known_after_the_budget_is_used_up(tmp_path: Path) -> None:
    text = """
        import torch
        from torch import nn
        import torchlean as tl
        for i in range(5000):
            for j in range(5000):
                for k in range(5000):
                    pass
        class Net(nn.Module):
            def forward(self, x):
                return x + 1
        @tl.claim(x=tl.box([0.0], [1.0]))
        def grows(x):
            return x + 1 >= 0
    """
    result = capture(text, tmp_path)
    assert {"Net", "grows"} <= {unit.name for unit in result.units if unit.failure is None}


def test_a_cancelled_capture_stops() -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        capture_file(
            "/nowhere/main.py", "while True:\n    for i in range(9000): pass\n", Workspace([]), cancelled
        )


def test_weights_outlive_a_training_loop_that_takes_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchlean.capture.interpreter.Fuel", partial(Fuel, steps=15_000))
    text = """\
import torch
net = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(10**9):
    net(torch.rand(3, 2)).sum().backward()
    optimizer.step()
    for _ in range(9000):
        pass
class Model(torch.nn.Module):
    def forward(self, x):
        return net(torch.zeros(3, 5)) + x
"""
    assert {found.code for found in followed(text).diagnostics} == {"TL105"}


def test_a_loss_that_is_made_anew_in_each_step_of_an_agent_is_followed() -> None:
    text = """\
import random
import torch
net = torch.nn.Linear(2, 2)
memory = []
def optimise():
    if len(memory) < 8:
        return
    states = torch.cat(random.sample(memory, 8))
    torch.nn.SmoothL1Loss()(net(states), torch.zeros(8, 2)).backward()
for episode in range(600):
    while random.random() > 0.1:
        memory.append(torch.rand(1, 2))
        optimise()
"""
    assert {found.code for found in followed(text).diagnostics} <= {"TL102"}


def test_capturing_twice_gives_the_same() -> None:
    text = FILES[0].read_text()
    first, second = followed(text), followed(text)
    assert [node.digest for node in first.graph] == [node.digest for node in second.graph]
    assert [unit.observations for unit in first.units] == [unit.observations for unit in second.units]


def test_functions_of_torch_that_do_more_than_compute_are_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`torch.jit.save(x, file)` calls `x.save`, `torch.onnx.export` writes, `from_file` makes the file."""
    monkeypatch.chdir(tmp_path)
    followed("""\
import torch
x = torch.ones(3)
torch.jit.save(x, "a")
torch.onnx.export(x, x, "b")
torch.export.save(x, "c")
torch.from_file("d", True, 3)
torch.multiprocessing.spawn(print, x)
torch.package.PackageExporter("e").save_pickle("a", "b", x)
""")
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_are_made_of_nothing_stay_without_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system promises memory that it does not have, filling it would end the process."""
    made = []
    original = torch.arange

    def arange(*arguments: Any, **options: Any) -> torch.Tensor:
        made.append(original(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(torch, "arange", arange)
    followed("import torch\ntorch.arange(2**33)\n")
    assert {tensor.device.type for tensor in made} == {"meta"}
