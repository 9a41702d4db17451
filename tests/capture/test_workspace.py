"""Imports from other files of the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.capture.agreement import PRELUDE, assert_agrees, value_of
from tests.capture.marked import capture

from torchlean.capture import Workspace, capture_file

HELPER = PRELUDE + "def twice(x):\n    return x * 2\n\nSCALE = 3\n"
BLOCKS = (
    PRELUDE
    + "from .parts import offset\n\nclass Block(Layer):\n"
    + "    def forward(self, x):\n        return super().forward(x) + offset(x)\n"
)

IMPORTS = {
    "a file beside it": (
        "import helper\nresult = helper.twice(numbers(2)) * helper.SCALE",
        {"helper": HELPER},
    ),
    "a name": ("from helper import twice as double\nresult = double(numbers(2))", {"helper": HELPER}),
    "everything": ("from helper import *\nresult = twice(numbers(2)) * SCALE", {"helper": HELPER}),
    "a package": (
        "from models.blocks import Block\nresult = Block(3, 2)(numbers(1, 3))",
        {
            "models/__init__": "",
            "models/blocks": BLOCKS,
            "models/parts": "def offset(x):\n    return x.sum()\n",
        },
    ),
    "a module of a package, by its dotted name": (
        "import models.blocks\nresult = models.blocks.Block(3, 2)(numbers(1, 3))",
        {
            "models/__init__": "",
            "models/blocks": BLOCKS,
            "models/parts": "def offset(x):\n    return x.sum()\n",
        },
    ),
    "what a package gives on": (
        "from models import Block, parts\nresult = Block(3, 2)(numbers(1, 3)) + parts.offset(numbers(2))",
        {
            "models/__init__": "from .blocks import Block\nfrom . import parts\n",
            "models/blocks": BLOCKS,
            "models/parts": "def offset(x):\n    return x.sum()\n",
        },
    ),
    "a folder without __init__": (
        "from lib.helper import twice\nresult = twice(numbers(2))",
        {"lib/helper": HELPER},
    ),
    "files that import each other": (
        "import first\nresult = first.f(numbers(2))",
        {
            "first": "import second\ndef f(x):\n    return second.g(x) + 1\n",
            "second": "import first\ndef g(x):\n    return x * 2 if first.f else x\n",
        },
    ),
    "code that only runs as a script": (
        "import helper\nresult = helper.twice(numbers(2))",
        {"helper": HELPER + "if __name__ == '__main__':\n    SCALE = 1 / 0\n"},
    ),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_imported_code_is_followed(name: str, tmp_path: Path) -> None:
    text, files = IMPORTS[name]
    captured = assert_agrees(text, tmp_path, **files)
    assert {str(tmp_path / f"{name}.py") for name in files} <= set(captured.dependencies)


def test_an_unsaved_buffer_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("K = 1\n")
    overlays = {str(tmp_path / "helper.py"): "K = 5\n"}
    text = PRELUDE + "from helper import K\nresult = numbers(2) * K\n"
    captured = capture_file(str(tmp_path / "main.py"), text, Workspace([tmp_path], overlays))
    names: dict[str, object] = {}
    exec(PRELUDE, names)
    ours = value_of(captured, "result")
    assert ours is not None
    assert torch.equal(ours, names["numbers"](2) * 5)  # type: ignore[operator]


def test_read_and_looked_for_files_are_dependencies(tmp_path: Path) -> None:
    captured = capture(
        "import helper\nimport numpy_like\n", tmp_path, helper="import deeper\n", deeper="x = 1\n"
    )
    names = {Path(path).name for path in captured.dependencies}
    assert {"helper.py", "deeper.py", "numpy_like.py"} <= names
    assert str(tmp_path / "main.py") not in captured.dependencies


def test_a_missing_relative_import_is_said_once_and_leaves_the_rest(tmp_path: Path) -> None:
    text = "import torch\nfrom .nowhere import f, g\nx = f(torch.zeros(2))\ny = torch.zeros(3)\n"
    captured = capture(text, tmp_path)
    assert [(d.code, d.span.line) for d in captured.diagnostics] == [("TL104", 1)]


def test_a_name_that_an_imported_file_lacks_is_an_error(tmp_path: Path) -> None:
    captured = capture("from helper import twise\n", tmp_path, helper="def twice(x): return x\n")
    (problem,) = captured.diagnostics
    assert problem.code == "TL103"
    assert "did you mean `twice`" in problem.message


def test_an_imported_file_with_a_syntax_error_is_read_around_it(tmp_path: Path) -> None:
    helper = "def good(x):\n    return x + 1\n\ndef bad(x:\n    return\n"
    text = PRELUDE + "from helper import good\nresult = good(numbers(2))\n"
    captured = capture(text, tmp_path, helper=helper)
    assert [d.code for d in captured.diagnostics] == ["TL104"]
    assert "in line 4, '(' was never closed: only a part" in captured.diagnostics[0].message
    assert value_of(captured, "result") is not None


def test_editing_an_imported_file_changes_the_capture(tmp_path: Path) -> None:
    text = PRELUDE + "from helper import K\nresult = numbers(2) * K\n"
    before = value_of(capture(text, tmp_path, helper="K = 1\n"), "result")
    after = value_of(capture(text, tmp_path, helper="K = 2\n"), "result")
    assert before is not None and after is not None
    assert torch.equal(before * 2, after)


def test_paths_are_computed_from_the_files_own(tmp_path: Path) -> None:
    text = """
        import os
        from pathlib import Path
        here = Path(__file__).resolve().parent
        names = [(here / "weights" / "net.pt").stem, Path("a").with_suffix(".bin").name, os.path.basename(__file__)]
        result = numbers(2) * len(names[0]) + (names[1:] == ["a.bin", "main.py"])
    """
    assert_agrees(text, tmp_path)


def test_of_what_is_installed_only_the_packages_that_are_named_are_followed(tmp_path: Path) -> None:
    installed, here = tmp_path / ".venv", tmp_path
    for name, text in {
        "layers/__init__": "",
        "layers/blocks": "from . import parts\nimport other\n\ndef double(x):\n    return x * parts.FACTOR\n",
        "layers/parts": "FACTOR = 2.0\n",
        "other/__init__": "def half(x):\n    return x / 2\n",
    }.items():
        file = installed / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    text = (
        PRELUDE
        + "import layers.blocks as b\nimport other\nresult = b.double(numbers(2))\nrest = other.half(result)\n"
    )
    captured = capture_file(
        str(here / "main.py"), text, Workspace([here], packages=["layers"], installed=[installed])
    )
    doubled = value_of(captured, "result")
    assert doubled is not None and torch.equal(doubled, torch.tensor([-2.0, -12 / 7]))
    assert value_of(captured, "rest") is None
    (found,) = captured.diagnostics
    assert "`other` is a package outside of the workspace" in found.message
    unnamed = capture_file(str(here / "main.py"), text, Workspace([here], installed=[installed]))
    assert value_of(unnamed, "result") is None


def test_packages_are_named_in_the_configuration_and_found_in_the_environment_beside_it(
    tmp_path: Path,
) -> None:
    package = tmp_path / ".venv" / "lib" / "python3.12" / "site-packages" / "layers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def double(x):\n    return x * 2.0\n")
    text = PRELUDE + "import layers\nresult = layers.double(numbers(2))\n"
    path = str(tmp_path / "main.py")
    assert value_of(capture_file(path, text, Workspace([tmp_path])), "result") is None
    (tmp_path / "torchlean.toml").write_text('# of others\npackages = ["layers", "nowhere_at_all"]\n')
    captured = capture_file(path, text, Workspace([tmp_path]))
    doubled = value_of(captured, "result")
    assert doubled is not None and torch.equal(doubled, torch.tensor([-2.0, -12 / 7]))
    (found,) = captured.diagnostics
    assert (found.code, found.span.path, found.span.line) == ("TL501", str(tmp_path / "torchlean.toml"), 1)
    assert (
        "`nowhere_at_all` is in none of " in found.message
        and "layers" not in found.message.split(" is in ")[0]
    )
    assert str(package / "__init__.py") in captured.dependencies


@pytest.mark.parametrize("value", ["'layers'", "[1]", "['../layers']", "{ a = 1 }"])
def test_what_names_no_packages_is_told_at_its_line(value: str, tmp_path: Path) -> None:
    (tmp_path / "torchlean.toml").write_text(f"packages = {value}\n")
    captured = capture_file(str(tmp_path / "main.py"), PRELUDE, Workspace([tmp_path]))
    (found,) = (each for each in captured.diagnostics if each.code == "TL501")
    assert "`packages` is a list of names as they are imported" in found.message


def test_a_name_that_a_file_lacks_is_an_import_error_that_the_program_may_catch(tmp_path: Path) -> None:
    text = """
        try:
            from other import missing
            found = 1
        except ImportError:
            found = 2
        result = numbers(2) * found
    """
    assert_agrees(text, tmp_path, other="x = 1")
