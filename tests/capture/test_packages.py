"""How larger libraries of models are written: parts that are imported when asked for, and classes that are wrapped."""

from __future__ import annotations

from pathlib import Path

from tests.capture.agreement import assert_agrees
from tests.capture.marked import capture

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
