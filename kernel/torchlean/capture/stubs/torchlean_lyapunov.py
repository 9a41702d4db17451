"""`torchlean.lyapunov`: what its claims say, as functions of one state.

Interpreted by the analysis and executed by the run time (`claims/lyapunov.py`), so that both mean the same. The facts
of a step are the hypotheses of the theorem `PracticalLyapunov.practically_stable` (lean/TorchLean/Lyapunov.lean).
"""

import torchlean as tl


def step_facts(V, step, lower, upper, rho0, inner, rho, delta):
    """For all states of the region: `lower` and `upper` are its ends, in float64, so that comparing rounds nothing."""

    def inside(x):
        after = step(x)
        return (V(x) > rho) | ((after >= lower) & (after <= upper)).all()

    def decreases(x):
        value = V(x)
        return (value > rho) | (value <= rho0) | (V(step(x)) <= value - delta)

    def settles(x):
        return (V(x) > rho0) | (V(step(x)) <= inner)

    return {"inside": inside, "decreases": decreases, "inner": settles}


def field_facts(V, field, rho0, rho, delta, gradient=None):
    """The derivative of V along the field, where the trajectory through a state goes: at each state by itself."""

    def decreases(x):
        value = V(x)
        slope = tl.D(value, x) if gradient is None else gradient(x)
        return (value > rho) | (value <= rho0) | ((slope * field(x)).sum() <= -delta)

    return {"decreases": decreases}
