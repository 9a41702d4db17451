"""The examples are ordinary programs, and what their README says of them is recomputed here."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from tests.examples.loading import EXAMPLES, REFUTED, claims_of, example
from torch import Tensor, nn

README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
MODELS = ["digits/dense.py", "digits/conv.py", "pendulum/controller.py", "untrained.py", "shape_error.py"]


def images(channels: bool) -> tuple[Tensor, Tensor]:
    with np.load(EXAMPLES / "digits" / "digits_test.npz") as data:
        x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    return (x.reshape(-1, 1, 8, 8) if channels else x), y


@pytest.mark.parametrize("name", MODELS)
def test_a_model_file_is_an_ordinary_module(name) -> None:
    module = example(name)
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    assert any(issubclass(cls, nn.Module) for cls in classes)


def test_running_a_model_file_from_elsewhere_finds_its_weights(tmp_path) -> None:
    script = EXAMPLES / "pendulum" / "controller.py"
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", MODELS[:3])
def test_every_claim_runs_on_its_domains_middle(name) -> None:
    claims = claims_of(name)
    assert len(claims) >= 3
    for claim in claims.values():
        (domain,) = claim.domains.values()
        lower, upper = (torch.tensor(end).reshape(domain.shape) for end in (domain.lower, domain.upper))
        assert claim((lower + upper) / 2).dtype == torch.bool


@pytest.mark.parametrize("name", MODELS[:3])
def test_sampling_finds_no_violation_of_the_claims_that_are_to_be_proved(name) -> None:
    for key, claim in claims_of(name).items():
        if key not in REFUTED:
            assert claim.sample(500, seed=1).violations == (), key


def test_sampling_finds_the_violation_of_the_claim_that_is_too_tight() -> None:
    too_tight = claims_of("pendulum/controller.py")["too_tight"]
    found = too_tight.sample(500, seed=1)
    assert found.violated > 0
    assert not bool(too_tight(**found.violations[0].inputs).all())


def test_the_shape_error_is_an_error_in_torch_too() -> None:
    with pytest.raises(RuntimeError, match=r"46 and 64"):
        example("shape_error.py").Mistaken()(torch.zeros(1, 16))


def test_the_untrained_network_takes_the_images_it_was_written_for() -> None:
    assert example("untrained.py").SmallVision()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_weights_are_small_enough_to_live_in_the_repository() -> None:
    files = list(EXAMPLES.glob("*/*.safetensors"))
    assert files
    assert all(file.stat().st_size < 200_000 for file in files)


def certain(layers: list[nn.Module], x: Tensor, y: Tensor, eps: float) -> float:
    """The share of samples whose class intervals keep: by lower and upper ends, in float64."""
    low, high = (x.double() - eps).clamp(0, 1), (x.double() + eps).clamp(0, 1)
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            low, high = split_affine(layer, low, high)
        else:
            low, high = layer(low), layer(high)
    true_class = nn.functional.one_hot(y, 10).bool()
    others = high.masked_fill(true_class, -torch.inf).amax(-1)
    return float((low[true_class] > others).double().mean())


def split_affine(layer: nn.Linear | nn.Conv2d, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Positive weights meet the same end, negative ones the other."""
    weight, bias = layer.weight.double(), layer.bias.double()
    plus, minus = weight.clamp(min=0), weight.clamp(max=0)
    if isinstance(layer, nn.Linear):
        return low @ plus.T + high @ minus.T + bias, high @ plus.T + low @ minus.T + bias

    def convolve(x: Tensor, kernel: Tensor) -> Tensor:
        return nn.functional.conv2d(x, kernel, None, layer.stride, layer.padding)

    bias = bias[:, None, None]
    return convolve(low, plus) + convolve(high, minus) + bias, convolve(high, plus) + convolve(
        low, minus
    ) + bias


def layers_of(name: str, net: nn.Module) -> list[nn.Module]:
    relu = nn.ReLU()
    if name == "dense":
        return [net.fc1, relu, net.fc2, relu, net.fc3, relu, net.fc4]
    return [net.conv1, relu, net.conv2, relu, nn.Flatten(), net.fc1, relu, net.fc2]


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_the_readmes_numbers_about_the_digits_are_true(name) -> None:
    row = re.search(rf"^\| {name} \| (\d+) \| ([\d.]+)% \| ([\d.]+)% \| ([\d.]+)% \|$", README, re.MULTILINE)
    assert row is not None
    net = example(f"digits/{name}.py").net
    x, y = images(channels=name == "conv")
    assert len(y) == 360
    assert sum(p.numel() for p in net.parameters()) == int(row[1])
    with torch.no_grad():
        layers = layers_of(name, net)
        assert torch.equal(nn.Sequential(*layers)(x), net(x))
        measured = [
            float((net(x).argmax(-1) == y).double().mean()),
            certain(layers, x, y, 0.02),
            certain(layers, x, y, 0.05),
        ]
    assert [f"{share:.1%}" for share in measured] == [f"{row[i]}%" for i in (2, 3, 4)]


def test_the_readmes_numbers_about_the_pendulum_are_true() -> None:
    stated = re.search(r"network of (\d+) parameters.*?([\d.]+)% of 1000 random starts", README, re.DOTALL)
    assert stated is not None
    controller = example("pendulum/controller.py").controller
    assert sum(p.numel() for p in controller.parameters()) == int(stated[1])
    sys.path.insert(0, str(EXAMPLES / "pendulum"))  # the training script imports its neighbour
    try:
        train = example("pendulum/train.py")
    finally:
        sys.path.pop(0)
    assert f"{train.share_stabilised(controller):.1%}" == f"{stated[2]}%"


def test_the_test_images_are_not_among_the_training_images() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, y = images(channels=False)
    assert np.array_equal(x.numpy(), (digits.data[order[:360]] / 16.0).astype(np.float32))
    assert np.array_equal(y.numpy(), digits.target[order[:360]])


def test_sample_constants_are_the_test_images_they_say() -> None:
    x, y = images(channels=False)
    dense, conv = example("digits/dense.py"), example("digits/conv.py")
    for values, index, label in [
        (dense.THREE, 32, 3),
        (dense.ZERO, 19, 0),
        (dense.NINE, 11, 9),
        (conv.SEVEN, 43, 7),
        (conv.SIX, 49, 6),
    ]:
        assert torch.equal(torch.tensor(values).flatten(), x[index]) and int(y[index]) == label
