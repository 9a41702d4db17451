"""Importing the example files as a person would, and which verdict each claim is there to show."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torchlean as tl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# What a claim is there to show; everything not named here is to be proved.
REFUTED = {"too_tight", "careless_nine_stays_nine", "seven_stays_seven_far_away"}
UNDECIDED = {"zero_stays_zero_far_away"}


def example(name: str) -> ModuleType:
    """The example file `name`, relative to `examples/`, executed as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{Path(name).stem}", EXAMPLES / name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Files beside it can be imported, as where it is run as a program; they are forgotten afterwards.
    folder, before = str((EXAMPLES / name).parent), set(sys.modules)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
        for added in set(sys.modules) - before:
            if str(getattr(sys.modules[added], "__file__", "")).startswith(folder):
                del sys.modules[added]
    return module


def claims_of(name: str) -> dict[str, tl.Claim]:
    return {key: value for key, value in vars(example(name)).items() if isinstance(value, tl.Claim)}
