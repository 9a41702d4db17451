"""Train the controllers and Lyapunov functions of this folder, and write their weights.

Each controller imitates, on random states, the linear quadratic regulator of its system linearised at the origin. Each
Lyapunov function starts as the regulator's cost, scaled to 1 at the region's border, and both are then trained together
so that the function falls to a given share in one step, with a little to spare (Chang, Roohi, Gao, "Neural Lyapunov
control", 2019).

Offline, on one CPU core, from a fixed seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent

# Importing the model files loads their weights, which are about to be made here: loading is off meanwhile.
with mock.patch("torchlean.load", lambda module, path: module):
    import pendulum
    import van_der_pol

SEED = 0
BATCH = 512
SPARE = 0.003
"""Of the decrease, beyond the share: bounds and rounding need some room."""


@dataclass
class System:
    """What training needs to know of a system.

    `step(x)` is its closed loop; `pull(x, u)` the loop with the force u instead of the controller's. `corner` is the
    upper corner of the region, whose middle is the origin. `costs` are of the two coordinates and of the force.
    `share` is how far V has to fall in one step, and `steps` how long is trained.
    """

    name: str
    controller: nn.Module
    lyapunov: nn.Module
    step: Callable[[Tensor], Tensor]
    pull: Callable[[Tensor, Tensor], Tensor]
    corner: Tensor
    costs: tuple[float, float, float]
    limit: float
    share: float
    steps: int


def pendulum_with(x: Tensor, force: Tensor) -> Tensor:
    with mock.patch.object(pendulum, "controller", lambda _: force):
        return pendulum.step(x)


def van_der_pol_with(x: Tensor, force: Tensor) -> Tensor:
    with mock.patch.object(van_der_pol, "controller", lambda _: force):
        return van_der_pol.step(x)


SYSTEMS = [
    System(
        "pendulum",
        pendulum.controller,
        pendulum.V,
        pendulum.step,
        pendulum_with,
        torch.tensor([1.0, 4.0]),
        (1.0, 0.05, 0.3),
        pendulum.MAX_TORQUE,
        0.93,
        6000,
    ),
    System(
        "van_der_pol",
        van_der_pol.controller,
        van_der_pol.V,
        van_der_pol.step,
        van_der_pol_with,
        torch.tensor([1.5, 1.5]),
        (1.0, 1.0, 0.5),
        10.0,
        0.93,
        3000,
    ),
]


def regulator(system: System) -> tuple[Tensor, Tensor]:
    """Gains (2,) and cost matrix (2, 2) of the system linearised at the origin, from the Riccati iteration."""
    origin, still = torch.zeros(2), torch.zeros(1)
    of_state, of_force = torch.autograd.functional.jacobian(system.pull, (origin, still))
    a, b = of_state.double(), of_force.double()
    state_cost = torch.diag(torch.tensor(system.costs[:2], dtype=torch.float64))
    cost = state_cost
    for _ in range(2000):  # converges geometrically; far more than it needs
        gain = torch.linalg.solve(system.costs[2] + b.T @ cost @ b, b.T @ cost @ a)
        cost = state_cost + a.T @ cost @ (a - b @ gain)
    return gain.squeeze(0).float(), cost.float()


def scaled(cost: Tensor, corner: Tensor) -> Tensor:
    """The cost matrix, scaled so that its largest ellipse inside the region has the value 1."""
    inverse = torch.linalg.inv(cost)
    return cost / (corner.square() / inverse.diagonal()).min()


def train(system: System) -> None:
    gains, cost = regulator(system)
    matrix = scaled(cost, system.corner)
    quadratic = isinstance(system.lyapunov, van_der_pol.Quadratic)
    if quadratic:
        with torch.no_grad():
            system.lyapunov.root.weight.copy_(torch.linalg.cholesky(matrix).T)
    weights = [*system.controller.parameters(), *system.lyapunov.parameters()]
    optimizer = torch.optim.Adam(weights, lr=3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, system.steps)
    for _ in range(system.steps):
        state = (torch.rand(BATCH, 2) * 2 - 1) * system.corner * 1.2
        state = torch.cat([state, state[: BATCH // 4] / 4])  # more of them near the origin
        force = (-state @ gains).clamp(-system.limit, system.limit)
        wanted = ((state @ matrix) * state).sum(-1)
        wanted = wanted if quadratic else wanted.sqrt()  # a network of relus is a norm rather than its square
        value, after = system.lyapunov(state), system.lyapunov(system.step(state))
        imitation = (system.controller(state).squeeze(-1) - force).square().mean()
        shape = (value - wanted).square().mean()
        climb = (torch.relu(after - system.share * value + SPARE) * (wanted < 1.15)).mean()
        loss = 0.3 * imitation + shape + 10 * climb
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()


def main() -> None:
    torch.set_num_threads(1)
    for system in SYSTEMS:
        torch.manual_seed(SEED)
        for module in (system.controller, system.lyapunov):
            for layer in module.children():
                layer.reset_parameters()  # the seed decides, whatever was drawn on import
        train(system)
        save_file(system.controller.state_dict(), HERE / f"{system.name}_controller.safetensors")
        save_file(system.lyapunov.state_dict(), HERE / f"{system.name}_lyapunov.safetensors")
        print(f"{system.name}: trained")


if __name__ == "__main__":
    main()
