"""CROWN: backward linear bounds, sound in floating point.

Zhang et al., "Efficient Neural Network Robustness Certification with General Activation Functions", NeurIPS 2018
(arXiv:1811.00866), on general graphs after Xu et al., "Automatic Perturbation Analysis for Scalable Certified
Robustness and Beyond", NeurIPS 2020 (arXiv:2002.12920). `rows` is one backward pass, `refine` the progressive scheme
that tightens the operands of every nonlinear op before it is relaxed, `boxes` the same for many boxes at once.
"""

from torchlean.bounds.crown.boxes import bound_boxes, crown_boxes
from torchlean.bounds.crown.refine import crown

__all__ = ["bound_boxes", "crown", "crown_boxes"]
