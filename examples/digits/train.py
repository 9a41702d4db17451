"""Train both digit networks so that intervals can prove something about them, and write their weights.

Intervals alone prove next to nothing about a network trained the usual way. So the training pushes, beside
the usual loss, the loss of the worst logits that interval arithmetic admits on a ball around each sample
(Gowal et al. 2018, "On the effectiveness of interval bound propagation", arXiv:1810.12715, section 3): the
lower bound of the true class against the upper bounds of all others. The radius and the weight of that loss
grow slowly, since a network faced with the full radius at once learns a constant.

Offline (the data ships with scikit-learn), on one CPU core, from a fixed seed.
"""

from pathlib import Path
from unittest import mock

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent

# Importing a model file loads its weights, which are about to be made here: loading is off meanwhile.
with mock.patch("torchlean.load", lambda module, path: module):
    from conv import Conv
    from dense import Dense

SEED = 0
TEST_SAMPLES = 360
BATCH = 100
EPOCHS = 240
RADIUS = 0.05
"""Largest radius trained for, in pixels from 0 to 1; the claims speak of smaller ones and have room."""


def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training images (N, 64) and labels (N,), then the test ones: a fixed random split of the 1797
    digits.
    """
    data = load_digits()
    order = np.random.default_rng(SEED).permutation(len(data.target))
    x = torch.tensor(data.data[order] / 16.0, dtype=torch.float32)
    y = torch.tensor(data.target[order])
    return x[TEST_SAMPLES:], y[TEST_SAMPLES:], x[:TEST_SAMPLES], y[:TEST_SAMPLES]


def interval(layer: nn.Module, center: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and radius of a layer's outputs on the box `center +- radius`, in plain (not rounded)
    arithmetic.
    """
    if isinstance(layer, nn.Linear):
        return layer(center), nn.functional.linear(radius, layer.weight.abs())
    if isinstance(layer, nn.Conv2d):
        spread = nn.functional.conv2d(radius, layer.weight.abs(), None, layer.stride, layer.padding)
        return layer(center), spread
    low, high = layer(center - radius), layer(center + radius)  # ReLU and Flatten are monotone
    return (low + high) / 2, (high - low) / 2


def worst_logits(layers: nn.Sequential, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """Logits (N, 10) as bad as intervals admit on the ball of radius `eps`, cut to the range of a pixel."""
    low, high = (x - eps).clamp(0, 1), (x + eps).clamp(0, 1)
    center, radius = (low + high) / 2, (high - low) / 2
    for layer in layers:
        center, radius = interval(layer, center, radius)
    true_class = nn.functional.one_hot(y, 10).bool()
    return torch.where(true_class, center - radius, center + radius)


def train(layers: nn.Sequential, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.Adam(layers.parameters(), lr=2e-3)
    decay = torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(EPOCHS * 0.75), int(EPOCHS * 0.9)], 0.3)
    for epoch in range(EPOCHS):
        # A sixth of the epochs without the interval loss, then half of them to reach its full strength.
        strength = min(max((epoch / EPOCHS - 1 / 6) * 2, 0.0), 1.0)
        for batch in torch.randperm(len(x)).split(BATCH):
            clean = nn.functional.cross_entropy(layers(x[batch]), y[batch])
            logits = worst_logits(layers, x[batch], y[batch], RADIUS * strength)
            worst = nn.functional.cross_entropy(logits, y[batch])
            loss = (1 - strength / 2) * clean + strength / 2 * worst
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        decay.step()


def report(name: str, layers: nn.Sequential, x: Tensor, y: Tensor) -> None:
    """Accuracy on the test samples, and on how many of them intervals keep the class within a radius."""
    with torch.no_grad():
        accuracy = (layers(x).argmax(-1) == y).float().mean().item()
        kept = {
            eps: (worst_logits(layers, x, y, eps).argmax(-1) == y).float().mean().item()
            for eps in (0.01, 0.02, 0.05)
        }
    shares = ", ".join(f"{share:.1%} within {eps}" for eps, share in kept.items())
    print(f"{name}: accuracy {accuracy:.1%}; class certain by intervals: {shares}")


def main() -> None:
    torch.set_num_threads(1)
    x, y, x_test, y_test = digits()
    np.savez_compressed(HERE / "digits_test.npz", x=x_test.numpy(), y=y_test.numpy())

    torch.manual_seed(SEED)
    dense = Dense()
    relu = nn.ReLU()
    layers = nn.Sequential(dense.fc1, relu, dense.fc2, relu, dense.fc3, relu, dense.fc4)
    train(layers, x, y)
    report("dense", layers, x_test, y_test)
    save_file(dense.state_dict(), HERE / "dense.safetensors")

    torch.manual_seed(SEED)
    conv = Conv()
    layers = nn.Sequential(conv.conv1, relu, conv.conv2, relu, nn.Flatten(), conv.fc1, relu, conv.fc2)
    train(layers, x.reshape(-1, 1, 8, 8), y)
    report("conv", layers, x_test.reshape(-1, 1, 8, 8), y_test)
    save_file(conv.state_dict(), HERE / "conv.safetensors")


if __name__ == "__main__":
    main()
