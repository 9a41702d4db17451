"""The broken twin of `pendulum.py`: the same networks, and a motor of 0.3 N m instead of 2.

From half a radian on, gravity turns the pendulum with more than that. `weak.decreases` is refuted by a state, and along
the trajectory from there V rises for several steps. `weak.inside` still holds, since one step goes not far, and so does
`weak.inner`, since near the top little torque is needed.
"""

from pendulum import V, step

import torchlean as tl


def weak_step(x):
    return step(x, max_torque=0.3)


weak = tl.lyapunov(
    V,
    weak_step,
    region=tl.box([-1.0, -4.0], [1.0, 4.0]),
    level=(0.1, 0.95),
    decrease=0.005,
    inner=0.2,
)
