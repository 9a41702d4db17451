"""`torchlean.residual`: what its claims say, as functions of a point of space, and of time where there is one.

Interpreted by the analysis and executed by the run time (`claims/residual.py`), so that both mean the same.
"""

import torch


def small(value, eps):
    return ((value <= eps) & (value >= -eps)).all()


def on_faces(holds, x, lower, upper):
    """On each face of the box: one coordinate at an end, the others as in `x`."""
    places = torch.arange(lower.numel()).reshape(lower.shape)
    faces = [
        torch.where(places == place, end.to(x.dtype), x)
        for place in range(lower.numel())
        for end in (lower, upper)
    ]
    result = holds(faces[0])
    for face in faces[1:]:
        result = result & holds(face)
    return result


def facts_at_rest(functions, tolerances, lower, upper):
    """`lower` and `upper` are the ends of space, in float64."""

    def residual(x):
        return small(functions["residual"](x), tolerances["residual"])

    def boundary(x):
        return on_faces(
            lambda face: small(functions["boundary"](face), tolerances["boundary"]), x, lower, upper
        )

    return {"residual": residual, "boundary": boundary}


def facts_in_time(functions, tolerances, lower, upper, start):
    """The same at a time; `start` is the first, in float64."""

    def residual(x, t):
        return small(functions["residual"](x, t), tolerances["residual"])

    def boundary(x, t):
        return on_faces(
            lambda face: small(functions["boundary"](face, t), tolerances["boundary"]), x, lower, upper
        )

    def initial(x):
        return small(functions["initial"](x, start.to(x.dtype)), tolerances["initial"])

    return {"residual": residual, "boundary": boundary, "initial": initial}
