"""`import torchlean` stands in every user file, so it must load nothing heavy."""

import subprocess
import sys

STATE_A_CLAIM = """
import torchlean as tl

@tl.claim(x=tl.ball([0.0, 1.0], 0.5, clip=(0, 1)), y=tl.box(-1.0, 1.0, shape=(2, 3)))
def holds(x, y):
    return x.sum() <= y.sum()
"""


def loaded_after(program: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has loaded after `program`."""
    ending = "\nimport sys\nprint(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program + ending], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_torchlean_loads_neither_torch_nor_numpy() -> None:
    loaded = loaded_after("import torchlean")
    assert "torchlean" in loaded
    assert loaded.isdisjoint({"torch", "numpy", "safetensors", "pygls", "click", "rich"})


def test_stating_a_claim_loads_neither_torch_nor_numpy() -> None:
    loaded = loaded_after(STATE_A_CLAIM)
    assert "torchlean" in loaded
    assert loaded.isdisjoint({"torch", "numpy"})


def test_asking_for_the_type_of_a_sample_loads_torch() -> None:
    assert "torch" in loaded_after("import torchlean\ntorchlean.Sample")
