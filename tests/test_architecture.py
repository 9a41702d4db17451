"""The layers of ARCHITECTURE.md hold: no package imports one that stands below it in the table."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KERNEL = ROOT / "kernel" / "torchlean"
SERVER = ROOT / "server" / "torchlean_server"

LAYERS = [
    {"source", "diagnostics", "numbers", "literals", "edits", "writing"},
    {"cancellation", "configuration", "explain", "startup", "processes", "remembering"},
    {"intervals", "float32", "vnnlib", "lean", "sandbox"},
    {"ops"},
    {"graph"},
    {"capture", "bounds"},
    {"rounding", "exported"},
    {"claims", "hazards"},
    {"verification", "fixes", "certificate"},
    {"analysis"},
    {"conformance"},
    {"command"},
    {"cli"},
]
"""From the bottom to the top. Packages of one layer do not know each other."""

LIGHT = {
    "claims.domain",
    "claims.equations",
    "claims.errors",
    "claims.levels",
    "claims.samples",
    "capture.weights",
}
"""Leaves that lower or equal layers may use: boxes, levels, samples, words for mistakes, reading weight files."""

SERVER_MAY_USE = {
    "analysis.panel",
    "analysis.properties",  # reads property files without torch
    "analysis.result",
    "analysis.views",
    "analysis.wire",
    "analysis.wording",
    "configuration",  # torchlean.toml, without torch
    "diagnostics",
    "edits",
    "explain",
    "lean",  # finds and runs Lean, without torch; imported when Lean is first needed
    "lean.errors",
    "lean.installing",
    "lean.places",
    "literals",
    "source",
    "numbers",
    "startup",
    "writing",
}


def imports(file: Path) -> Iterator[str]:
    """Modules of `torchlean` that the file imports when it is loaded, without the prefix."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "torchlean":
            module = node.module.removeprefix("torchlean").removeprefix(".")
            folder = KERNEL.joinpath(*module.split(".")) if module else KERNEL
            for alias in node.names:
                # `from package import module` is an import of that module.
                inner = folder.is_dir() and (folder / f"{alias.name}.py").exists()
                yield f"{module}.{alias.name}".lstrip(".") if inner else module or "__init__"
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.removeprefix("torchlean.")
                for alias in node.names
                if alias.name.startswith("torchlean.")
            )


def layer(module: str) -> int | None:
    package = module.split(".")[0]
    return next((index for index, packages in enumerate(LAYERS) if package in packages), None)


KERNEL_FILES = [
    file for file in sorted(KERNEL.rglob("*.py")) if "stubs" not in file.parts and file.parent != KERNEL
] + [KERNEL / "cli.py"]


@pytest.mark.parametrize("file", KERNEL_FILES, ids=lambda file: str(file.relative_to(KERNEL)))
def test_a_module_imports_only_from_its_own_package_and_lower_layers(file: Path) -> None:
    own = ".".join(file.relative_to(KERNEL).with_suffix("").parts)
    height = layer(own)
    if height is None:
        pytest.fail(f"{own} belongs to no layer: add its package to ARCHITECTURE.md and to this test")
    for module in imports(file):
        target = layer(module)
        same_package = module.split(".")[0] == own.split(".")[0]
        allowed = same_package or module in LIGHT or (target is not None and target < height)
        assert allowed, f"{own} imports torchlean.{module}"


# The worker is the process that runs the kernel; everything else must do without torch.
SERVER_FILES = [file for file in sorted(SERVER.rglob("*.py")) if file.name != "worker.py"]


@pytest.mark.parametrize("file", SERVER_FILES, ids=lambda file: file.name)
def test_the_server_knows_only_plain_results(file: Path) -> None:
    for module in imports(file):
        assert module in SERVER_MAY_USE, f"{file.name} imports {module}"


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    files = [*KERNEL.rglob("*.py"), *SERVER.rglob("*.py")]
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in files
    }
    assert {name: length for name, length in lengths.items() if length > 500} == {}


class Shadowed(ast.NodeVisitor):
    """Builtins that a function reads outside of the comprehensions that have a variable of the same name."""

    def __init__(self, function: ast.AST) -> None:
        self.own = {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
        self.inlined: set[str] = set()
        self.inside: list[str] = []
        self.read: set[str] = set()
        self.generic_visit(function)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._visit_scope(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self.inlined.update(self._visit_scope(node))

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.inlined.update(self._visit_scope(node))

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.inlined.update(self._visit_scope(node))

    def _visit_scope(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp) -> list[str]:
        targets = [part for generator in node.generators for part in ast.walk(generator.target)]
        names = [part.id for part in targets if isinstance(part, ast.Name)]
        self.inside += names
        self.generic_visit(node)
        del self.inside[len(self.inside) - len(names) :]
        return names

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.inside or not hasattr(builtins, node.id):
            return
        (self.read if isinstance(node.ctx, ast.Load) else self.own).add(node.id)


def shadowed(function: ast.AST) -> set[str]:
    visitor = Shadowed(function)
    return (visitor.read & visitor.inlined) - visitor.own


def test_no_comprehension_hides_a_builtin_that_its_function_reads() -> None:
    """Python 3.12.3, which is in Ubuntu 24.04, takes the builtin for the comprehension's variable, and finds none."""
    example = ast.parse(
        "def f(x):\n    return {id: 0 for id in x}, id(x)\ndef g(x):\n    return {id: id for id in x}"
    )
    assert [shadowed(each) for each in example.body] == [{"id"}, set()]
    found = {}
    for file in [*KERNEL.rglob("*.py"), *SERVER.rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and shadowed(node):
                found[f"{file.name}: {node.name}"] = shadowed(node)
    assert found == {}
