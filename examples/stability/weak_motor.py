"""The broken twin of `pendulum.py`: the same networks, and a motor of 0.5 N m instead of 2.

Leaning as far as the region goes, gravity turns the pendulum with 0.62 N m, and the motor loses. `weak.decreases` is
refuted by a state, and the trajectory from there leaves the region. `weak.inside` still holds, since one step goes not
far, and so does `weak.inner`, since near the top little torque is needed.
"""

from pendulum import V, step

import torchlean as tl


def weak_step(x):
    return step(x, max_torque=0.5)


weak = tl.lyapunov(
    V,
    weak_step,
    region=tl.box([-1.0, -4.0], [1.0, 4.0]),
    level=(0.1, 0.95),
    decrease=0.005,
    inner=0.2,
)
