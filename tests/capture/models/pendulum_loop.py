import torch
from torch import nn

import torchlean as tl

G, LENGTH, MASS, DAMPING = 9.81, 0.5, 0.15, 0.1
DT = 0.05


class Controller(nn.Module):
    def __init__(self, hidden: int = 8, limit: float = 6.0):
        super().__init__()
        self.limit = limit
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, state):
        return torch.clamp(self.layers(state), min=-self.limit, max=self.limit)


controller = tl.load(Controller(), "controller.safetensors")


def dynamics(state, torque):
    theta, omega = state[..., 0:1], state[..., 1:2]
    inertia = MASS * LENGTH**2
    acceleration = (MASS * G * LENGTH * torch.sin(theta) - DAMPING * omega + torque) / inertia
    return torch.cat([omega, acceleration], dim=-1)


def model(state):
    for _ in range(2):
        state = state + DT * dynamics(state, controller(state))
    return state
