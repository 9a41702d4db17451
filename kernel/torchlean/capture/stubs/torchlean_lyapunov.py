"""`torchlean.lyapunov`: what its claims say, as functions of one state.

Interpreted by the analysis and executed by the run time (`claims/lyapunov.py`), so that both mean the same. The facts
of a step are the hypotheses of the theorem `PracticalLyapunov.practically_stable` (lean/TorchLean/Lyapunov.lean).

What V gives is compared in float64, where float32 values, levels and ends are themselves: in float32 `V - delta` would
round, and a decrease below an ulp of V would be none.
"""

import torchlean as tl


def step_facts(V, step, lower, upper, rho0, inner, rho, delta):
    """For all states of the region: `lower` and `upper` are its ends, in float64."""

    def inside(x):
        value = V(x).double()
        after = step(x)
        return (value > rho) | ((after >= lower) & (after <= upper)).all()

    def decreases(x):
        value = V(x).double()
        return (value > rho) | (value <= rho0) | (value - V(step(x)).double() >= delta)

    def settles(x):
        return (V(x).double() > rho0) | (V(step(x)).double() <= inner)

    return {"inside": inside, "decreases": decreases, "inner": settles}


def field_facts(V, field, rho0, rho, delta, gradient=None):
    """The derivative of V along the field, where the trajectory through a state goes: at each state by itself."""

    def decreases(x):
        value = V(x)
        slope = tl.D(value, x) if gradient is None else gradient(x)
        along = (slope * field(x)).sum().double()
        return (value.double() > rho) | (value.double() <= rho0) | (along <= -delta)

    return {"decreases": decreases}
