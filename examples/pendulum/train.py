"""Train the pendulum's controller by imitation, and write its weights.

The teacher is the linear quadratic regulator of the pendulum linearised at the top, cut off at 2 N m; the
network learns its torque on random states. So that intervals can say something about the result, a small loss
pulls together the bounds that interval arithmetic gives on boxes around those states.

Offline, on one CPU core, from a fixed seed.
"""

from pathlib import Path
from unittest import mock

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent

# Importing the model file loads its weights, which are about to be made here: loading is off meanwhile.
with mock.patch("torchlean.load", lambda module, path: module):
    from controller import Controller

SEED = 0
STEPS = 4000
BATCH = 256

GRAVITY = 9.81  # m/s^2
MASS = 0.15  # kg, at the end of the rod
LENGTH = 0.5  # m
FRICTION = 0.1  # N m s
TIME_STEP = 0.01  # s
MAX_TORQUE = 2.0  # N m, of the teacher

STATES = torch.tensor([1.2, 2.0])
"""The teacher is imitated for |theta| up to 1.2 rad and |omega| up to 2 rad/s; the claims stay inside."""

BOX_RADIUS = torch.tensor([0.1, 0.2])
"""Boxes of this size around the states have their interval bounds pulled together."""

WIDTH_WEIGHT = 0.01
"""Strength of that pull: the width of a box costs a hundredth of a squared error."""


def acceleration(theta: Tensor, omega: Tensor, torque: Tensor) -> Tensor:
    """d omega / d t in rad/s^2: gravity tips the pendulum over, friction slows it, the motor turns it."""
    inertia = MASS * LENGTH**2
    return GRAVITY / LENGTH * torch.sin(theta) + (torque - FRICTION * omega) / inertia


def step(state: Tensor, torque: Tensor) -> Tensor:
    """The state (N, 2) one time step later, by the semi-implicit Euler method."""
    theta, omega = state.unbind(-1)
    omega = omega + TIME_STEP * acceleration(theta, omega, torque)
    return torch.stack([theta + TIME_STEP * omega, omega], -1)


def regulator() -> Tensor:
    """Gains (2,) of the discrete linear quadratic regulator at the top, from the Riccati iteration."""
    inertia = MASS * LENGTH**2
    slope = torch.tensor([[0.0, 1.0], [GRAVITY / LENGTH, -FRICTION / inertia]], dtype=torch.float64)
    a = torch.eye(2, dtype=torch.float64) + TIME_STEP * slope
    b = TIME_STEP * torch.tensor([[0.0], [1 / inertia]], dtype=torch.float64)
    state_cost = torch.diag(torch.tensor([1.0, 0.1], dtype=torch.float64))
    cost = state_cost
    for _ in range(2000):  # converges geometrically; 20 simulated seconds are far more than it needs
        gain = torch.linalg.solve(1.0 + b.T @ cost @ b, b.T @ cost @ a)
        cost = state_cost + a.T @ cost @ (a - b @ gain)
    return gain.squeeze(0).float()


def width(layers: nn.Sequential, center: Tensor, radius: Tensor) -> Tensor:
    """Width (N, 1) of the torque's interval on the box `center +- radius`, in plain (not rounded)
    arithmetic.
    """
    for layer in layers:
        if isinstance(layer, nn.Linear):
            center, radius = layer(center), nn.functional.linear(radius, layer.weight.abs())
        else:
            low, high = layer(center - radius), layer(center + radius)
            center, radius = (low + high) / 2, (high - low) / 2
    return 2 * radius


def train(layers: nn.Sequential, gains: Tensor) -> None:
    optimizer = torch.optim.Adam(layers.parameters(), lr=3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        state = (torch.rand(BATCH, 2) * 2 - 1) * STATES
        teacher = (-state @ gains).clamp(-MAX_TORQUE, MAX_TORQUE)
        error = (layers(state).squeeze(-1) - teacher).square().mean()
        loss = error + WIDTH_WEIGHT * width(layers, state, BOX_RADIUS).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()


def share_stabilised(layers: nn.Module, starts: int = 1000, seconds: float = 10.0) -> float:
    """The share of random starts with |theta| <= 0.5, |omega| <= 0.5 that end within 0.05 of upright rest."""
    generator = torch.Generator().manual_seed(SEED)
    state = torch.rand(starts, 2, generator=generator) - 0.5
    with torch.no_grad():
        for _ in range(round(seconds / TIME_STEP)):
            state = step(state, layers(state).squeeze(-1).clamp(-MAX_TORQUE, MAX_TORQUE))
    return (state.abs().amax(-1) <= 0.05).float().mean().item()


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    controller = Controller()
    layers = nn.Sequential(controller.fc1, nn.ReLU(), controller.fc2, nn.ReLU(), controller.fc3)
    gains = regulator()
    train(layers, gains)
    print(f"teacher: torque = -{gains.tolist()} @ [theta, omega], at most {MAX_TORQUE} N m either way")
    print(f"controller: {share_stabilised(layers):.1%} of 1000 starts end upright")
    save_file(controller.state_dict(), HERE / "controller.safetensors")


if __name__ == "__main__":
    main()
