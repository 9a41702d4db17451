"""An inverted pendulum under a trained controller stays near the top: a trained Lyapunov function says so.

The state is `x = [theta, omega]`: the angle from upright in radians and its speed in radians per second. `step` is the
closed loop, one twentieth of a second: controller, motor, and the semi-implicit Euler method. `train.py` trains both
networks.

Proved together, the three facts of `stable` say: from every state with `V(x) <= 0.95` the pendulum never leaves the
region, is at `V(x) <= 0.2` after at most 171 steps, and stays there for ever; for every float32 execution.
"""

import torch
from torch import nn

import torchlean as tl

GRAVITY = 9.81  # m/s^2
LENGTH = 0.5  # m
MASS = 0.15  # kg, at the end of the rod
FRICTION = 0.1  # N m s
TIME_STEP = 0.05  # s
MAX_TORQUE = 2.0  # N m, of the motor


class Controller(nn.Module):
    def __init__(self, hidden: int = 32):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


class Lyapunov(nn.Module):
    def __init__(self, hidden: int = 32):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x))).squeeze(-1)


controller = tl.load(Controller(), "pendulum_controller.safetensors")
V = tl.load(Lyapunov(), "pendulum_lyapunov.safetensors")


def step(x, max_torque=MAX_TORQUE):
    theta, omega = x[..., 0], x[..., 1]
    torque = controller(x).squeeze(-1).clamp(-max_torque, max_torque)
    acceleration = GRAVITY / LENGTH * torch.sin(theta) + (torque - FRICTION * omega) / (MASS * LENGTH**2)
    omega = omega + TIME_STEP * acceleration
    return torch.stack([theta + TIME_STEP * omega, omega], -1)


stable = tl.lyapunov(
    V,
    step,
    region=tl.box([-1.0, -4.0], [1.0, 4.0]),
    level=(0.1, 0.95),
    decrease=0.005,
    inner=0.2,
)
