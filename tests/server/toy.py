"""A toy analysis with the same shape as the real one, which can be told to misbehave: for tests of the machinery.

A top-level function is a claim; `x = [LOW, HIGH]` in it is a tensor with these bounds. Comments give
orders:

    # sleep S    takes S seconds, asking for cancellation    # stubborn S   the same without asking
    # sleep S unless FILE    the same until FILE exists; also with `early` and `view`
    # early S    publishes a first layer, then takes S seconds
    # crash      raises                                      # die          kills its own process
    # crash once FILE    crashes unless FILE exists, which it then creates
    # memory     allocates without end                       # shared memory    the same in a shared mapping
    # print      writes to standard output from Python and from below it
    # needs PATH    depends on a file that must hold a number
    # roots      the diagnostic TL102 says the workspace's folders
    # shows MODULE    the diagnostic TL102 says the first line of the overlay whose path ends with MODULE

A claim with a docstring has a certificate: `theorem NAME DOCSTRING`, orders for the toy Lean (`fake_lean.py`). With the
docstring `uncheckable` it has none, and with `plan S` it takes S seconds to make it. With `lean STATEMENT := PROOF` it
is a whole file for a real Lean.
"""

from __future__ import annotations

import ast
import hashlib
import mmap
import os
import pathlib
import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from torchlean.analysis.result import (
    Certificate,
    ClaimResult,
    Counters,
    Evidence,
    FileAnalysis,
    NotCheckable,
    Place,
    Plan,
    SymbolResult,
    TensorFact,
    UnitResult,
    Verdict,
)
from torchlean.analysis.views import Ends, Histogram, InputBox, Spread, View, Viewed, unit_id
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.source import Span


class Cancelled(Exception):
    pass


class Session:
    def __init__(self, roots: tuple[str, ...] = ()) -> None:
        self.roots = roots
        self.overlays: dict[str, str] = {}


def analyse(
    path: str,
    text: str,
    session: Session,
    cancelled: Callable[[], bool],
    publish: Callable[[FileAnalysis], None],
) -> FileAnalysis:
    _obey(path, text, cancelled, publish)
    return _result(path, text, session, complete=True)


def certificates(
    path: str, text: str, names: Sequence[str], session: Session, cancelled: Callable[[], bool]
) -> tuple[Plan, ...]:
    functions = {n.name: n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
    return tuple(_plan(functions[name], cancelled) for name in names if name in functions)


def viewed(view: View, path: str, text: str, session: Session, cancelled: Callable[[], bool]) -> Viewed:
    """Each tensor is what the box of the input `x` says, or what the text says; `# view S` takes S seconds."""
    if "# view" in text:
        _wait(text, "view", cancelled)
    units = _result(path, text, session, complete=True).units
    unit = next((unit for unit in units if unit_id(unit.kind, unit.name) == view.unit), None)
    if unit is None:
        return Viewed(None, refused="toy refusal")
    ends = view.domain.get("x")
    if ends is not None:
        low, high = ends.lower[0], ends.upper[0]
        facts = tuple(replace(fact, lower=low, upper=high, method=view.method) for fact in unit.facts)
        unit = replace(unit, facts=facts)
    box = InputBox(0, "x", (2,), "float32", Ends((0.0, 0.0), (1.0, 1.0)), ends)
    bars = Histogram(0.0, 1.0, (2,))
    return Viewed(unit, (box,), tuple(Spread(bars, bars, 0) for _ in unit.facts))


def _plan(function: ast.FunctionDef, cancelled: Callable[[], bool]) -> Plan:
    orders = ast.get_docstring(function) or ""
    if "plan" in orders:
        _sleep(float(orders.split()[1]), cancelled)
    if "uncheckable" in orders:
        return Plan(function.name, _key(function), NotCheckable("op tanh is outside the checker"))
    source = f"theorem {function.name} {orders}\n"
    if orders.startswith("lean "):
        head = "module\n\nprelude\npublic import TorchLean.Double\n\npublic section\n\n"
        source = f"{head}theorem TorchLean.Certificate.{function.name} : {orders[5:]}\n"
    digest = hashlib.sha256(source.encode()).hexdigest()
    return Plan(
        function.name,
        _key(function),
        Certificate(digest, source, f"Toy.{function.name}", "toy arithmetic"),
    )


def _key(function: ast.FunctionDef) -> str:
    """Of what the function says, wherever it stands; none without a docstring."""
    if ast.get_docstring(function) is None:
        return ""
    return hashlib.sha256(ast.unparse(function).encode()).hexdigest()


def _obey(
    path: str, text: str, cancelled: Callable[[], bool], publish: Callable[[FileAnalysis], None]
) -> None:
    if "# early" in text:
        publish(_result(path, text, Session(), complete=False))
    if "# crash once" in text:
        marker = _argument(text, "crash once")
        if not os.path.exists(marker):
            pathlib.Path(marker).touch()
            raise RuntimeError("told to crash once")
    elif "# crash" in text:
        raise RuntimeError("told to crash")
    if "# die" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "# print" in text:
        print("stray output")
        os.system("echo stray output from a child")
    if "# memory" in text:
        hoard = [bytearray(2**26) for _ in range(10_000)]
        raise AssertionError(f"{len(hoard)} blocks were given")
    if "# shared memory" in text:
        block = mmap.mmap(-1, 2**30)
        for offset in range(0, len(block), 4096):
            block[offset] = 1
    if "# stubborn" in text:
        time.sleep(float(_argument(text, "stubborn")))
    for order in ("sleep", "early"):
        if f"# {order}" in text:
            _wait(text, order, cancelled)


def _argument(text: str, order: str) -> str:
    match = re.search(rf"# {order} (\S+)", text)
    assert match is not None
    return match[1]


def _wait(text: str, order: str, cancelled: Callable[[], bool]) -> None:
    released = re.search(rf"# {order} \S+ unless (\S+)", text)
    _sleep(float(_argument(text, order)), cancelled, released[1] if released else None)


def _sleep(seconds: float, cancelled: Callable[[], bool], released: str | None = None) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (released and os.path.exists(released)):
        if cancelled():
            raise Cancelled
        time.sleep(0.01)


def _result(path: str, text: str, session: Session, complete: bool) -> FileAnalysis:
    needed = re.findall(r"# needs (\S+)", text)
    shown = re.findall(r"# shows (\S+)", text)
    diagnostics = _file_diagnostics(path, needed) + _overlay_diagnostics(path, shown, session)
    if "# roots" in text:
        diagnostics.append(diagnostic("TL102", Span(path, 0, 0, 0, 1), " ".join(session.roots)))
    dependencies = (*needed, *(os.path.join(os.path.dirname(path), name) for name in shown))
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        span = Span(path, (error.lineno or 1) - 1, 0, (error.lineno or 1) - 1, 1)
        broken = diagnostic("TL100", span, "toy syntax error")
        return FileAnalysis(path, diagnostics=(*diagnostics, broken), dependencies=dependencies)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    units = tuple(_unit(path, text, function, complete) for function in functions)
    if complete:
        diagnostics += [diagnostic("TL300", unit.span, f"{unit.name}: toy proof") for unit in units]
    symbols = tuple(SymbolResult(u.name, "claim", u.span, u.span) for u in units)
    counters = Counters(computed=sum(len(unit.facts) for unit in units))
    return FileAnalysis(path, units, symbols, tuple(diagnostics), dependencies, counters, complete)


def _file_diagnostics(path: str, needed: list[str]) -> list[Diagnostic]:
    found = []
    for file in needed:
        try:
            float(pathlib.Path(file).read_text())
        except (OSError, ValueError) as error:
            found.append(diagnostic("TL110", Span(path, 0, 0, 0, 1), f"cannot read {file}: {error}"))
    return found


def _overlay_diagnostics(path: str, shown: list[str], session: Session) -> list[Diagnostic]:
    found = []
    for name in shown:
        for overlay, text in session.overlays.items():
            if overlay.endswith(name):
                message = f"{name} starts with {text.splitlines()[0]}"
                found.append(diagnostic("TL102", Span(path, 0, 0, 0, 1), message))
    return found


def _unit(path: str, text: str, function: ast.FunctionDef, complete: bool) -> UnitResult:
    line = text.splitlines()[function.lineno - 1]
    column = line.index(f"def {function.name}") + len("def ")
    span = Span(path, function.lineno - 1, column, function.lineno - 1, column + len(function.name))
    facts, places = [], []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            low, high = (ast.literal_eval(end) for end in node.value.elts)
            bounds = (float(low), float(high), float(high - low)) if complete else (None, None, None)
            op = "toy" if facts else "input"
            facts.append(TensorFact(len(facts), op, "x", (2,), "float32", *bounds))
            source = text.splitlines()[node.lineno - 1].encode()
            start, end = (
                len(source[:c].decode()) for c in (node.targets[0].col_offset, node.end_col_offset or 0)
            )
            place = Span(path, node.lineno - 1, start, node.lineno - 1, end)
            places.append(Place(place, "assignment", ast.unparse(node.targets[0]), (len(facts) - 1,)))
    proved = ClaimResult(Verdict.PROVED, Evidence.ENGINE, "toy", 1.0, key=_key(function))
    claim = proved if complete else None
    domains = (("x", "box(0, 1)"),)
    return UnitResult("claim", function.name, span, "", 0, domains, tuple(facts), tuple(places), claim)
