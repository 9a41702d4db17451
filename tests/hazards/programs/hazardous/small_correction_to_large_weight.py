"""A claim about a corrected estimate: the correction is lost against the estimate."""
import torch

import torchlean as tl


def corrected(estimate, correction):
    return estimate + correction  # hazard: TL207


@tl.claim(estimate=tl.box([1e9], [2e9]), correction=tl.box([-1.0], [1.0]))
def stays_near(estimate, correction):
    return corrected(estimate, correction) <= 2.1e9
