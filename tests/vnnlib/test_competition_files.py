"""The competition's own files read without a complaint, with the sizes that their benchmarks have."""

from fractions import Fraction
from pathlib import Path

import pytest

from torchlean.vnnlib import parse_file

FILES = Path(__file__).parents[3] / "shared" / "data" / "vnncomp"

SIZES = {
    # folder/file pattern: inputs, outputs, conjunctions of the one region, constraints of each conjunction
    "acasxu/vnnlib/prop_1": (5, 5, 1, 1),
    "acasxu/vnnlib/prop_[2-4]": (5, 5, 1, 4),
    "cersyve/vnnlib/prop_": (2, 2, 1, 2),
    "lsnc/vnnlib/quadrotor2d_state_": (6, 8, 13, 2),
    "lyapunov_nn/pendulum": (2, 3, 2, 2),
    "lyapunov_nn/pendulum_with_rho": (2, 5, 6, 3),
    "mnist_fc/vnnlib/prop_": (784, 10, 9, 1),
    "rl_benchmarks/vnnlib/cartpole_case_": (4, 2, 1, 1),
}

if not FILES.is_dir():
    pytest.skip(f"the competition's files are not at {FILES}", allow_module_level=True)


def files() -> list[Path]:
    return sorted(FILES.rglob("*.vnnlib"))


def expected(file: Path) -> tuple[int, int, int, int]:
    """The longest pattern that fits counts."""
    fitting = [p for p in SIZES if file.match(f"{p}.vnnlib") or file.match(f"{p}*.vnnlib")]
    return SIZES[max(fitting, key=len)]


def test_every_file_is_there() -> None:
    assert len(files()) == 73


@pytest.mark.parametrize("file", files(), ids=lambda file: f"{file.parent.parent.name}-{file.stem}")
def test_a_file_has_the_sizes_of_its_benchmark(file) -> None:
    document = parse_file(str(file))
    assert document.diagnostics == ()
    prop = document.required()
    inputs, outputs, conjunctions, constraints = expected(file)
    assert (prop.inputs, prop.outputs) == (inputs, outputs)
    (region,) = prop.regions
    assert [len(conjunction.constraints) for conjunction in region.unsafe] == [constraints] * conjunctions
    for low, high in zip(region.lower, region.upper, strict=True):
        assert low is not None and high is not None and low <= high


def test_the_numbers_are_those_of_the_file() -> None:
    (region,) = parse_file(str(FILES / "acasxu/vnnlib/prop_2.vnnlib")).required().regions
    assert region.upper[0] == Fraction(679857769, 10**9)
    assert region.lower == tuple(map(Fraction, ("0.6", "-0.5", "-0.5", "0.45", "-0.5")))
    assert region.unsafe[0].constraints[2].y == {3: 1, 0: -1}
