"""A network that holds an inverted pendulum upright: from angle and speed to the torque of its motor.

The state is `x = [theta, omega]`: the angle from upright in radians and its speed in radians per second. The
result is the torque in newton metres. Trained by `train.py`, which also states the pendulum's physics.
"""

import torch
from torch import nn

import torchlean as tl


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


controller = tl.load(Controller(), "controller.safetensors")


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def stays_in_actuator_range(x):
    """The motor gives 2.5 N m at most."""
    return controller(x).abs() <= 2.5


@tl.claim(x=tl.box([0.2, -0.1], [0.5, 0.1]))
def pushes_back_from_the_right(x):
    return controller(x) < 0.0


@tl.claim(x=tl.box([-0.5, -0.1], [-0.2, 0.1]))
def pushes_back_from_the_left(x):
    return controller(x) > 0.0


@tl.claim(x=tl.box([-0.05, -0.05], [0.05, 0.05]))
def is_gentle_near_the_top(x):
    return controller(x).abs() <= 0.15


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def too_tight(x):
    """False: the teacher never exceeds 2 N m, but the network that imitates it does, by a little."""
    return controller(x).abs() <= 2.0


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def just_too_tight_for_intervals(x):
    """True, by little: sampling finds 2.005 N m. Intervals of the whole box reach over 2.1 N m; splitting it helps."""
    return controller(x).abs() <= 2.05
