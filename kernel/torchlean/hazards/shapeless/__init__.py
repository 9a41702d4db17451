"""Hazards in code whose shapes are not known: a data set that is not followed, a network of a size that is computed.

Capture needs shapes: without them nothing enters its graph, and a training script that reads its data through a library
TorchLean does not follow would be judged by nothing at all. Yet `log(sigmoid(x))` is a hazard for every shape. So the
file is read a second time over values without shapes: every tensor is a vector of a few elements, elementwise
operations and reductions are what they are, layers and matrix products give numbers of which nothing is known.
The result is an ordinary graph, looked at by the same detectors; only what rests on a network's outputs or on the shape
of the computation is reported, and only where capture has nothing to say.
"""

from torchlean.hazards.shapeless.examine import examine_shapeless

__all__ = ["examine_shapeless"]
