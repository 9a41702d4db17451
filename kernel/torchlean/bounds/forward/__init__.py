"""Forward mode: every value as an affine form of the inputs, for graphs with few inputs and wide layers.

Backward passes (`torchlean.bounds.crown`) take a row through all layers below for every element; a form goes up the
graph once, with one coefficient for each input. It is looser, since what a nonlinear op adds is forgotten but for its
size, so it serves to find out cheaply which elements need rows, and to bound those that rows would take too long for.
"""

from torchlean.bounds.forward.forms import Form, affine, between, parallel, symbols

__all__ = ["Form", "affine", "between", "parallel", "symbols"]
