"""The page of corner cases is the table that tests run."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "make_semantics.py"


def test_the_page_is_what_the_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("make_semantics", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page()
