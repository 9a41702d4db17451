"""How much is known of a node's numbers before the program runs, and the working range of those that are not known.

A training script says little about its numbers: weights become whatever training makes of them, data come from files.
Asking whether `exp(logit)` can overflow "for any real logit" is the right question, asking the same of `x * y` is not:
everything overflows for numbers like 1e30, which no network computes. So unknown numbers are taken from a stated
*working range*, and what a layer computes from weights that may be anything is taken from that range again. Findings
that rest on it are hints, and say so.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Collection

import torch

from torchlean.graph import Graph, Node
from torchlean.graph.origin import Certainty, Source, region_of
from torchlean.intervals import Interval

WORKING = 1e4
"""Inputs, weights and outputs of layers about which nothing is known: |x| <= 10,000.

Large enough that every exponential, softmax and sigmoid of such a number saturates (from 104 on in binary32), and raw
features such as prices or pixel sums fit; small enough that squares and products of a few of them stay far from
binary32's largest number, 3.4e38, as they do in practice.
"""

COMPUTED = WORKING**2
"""What arithmetic makes of such numbers: |x| <= 1e8, again and again. A chain of products then never overflows by its
length alone; a single power from the tenth on does."""

LAYERS = frozenset(
    {
        *("addmm", "batch_norm", "conv", "conv_transpose", "einsum", "group_norm", "instance_norm"),
        *("layer_norm", "linear", "matmul", "rms_norm"),
    }
)
"""Ops whose results are numbers of the working range where their operands are not known."""


class Known(enum.IntEnum):
    """What is known of a node's region, the surest first: a node knows as much as the least sure leaf below it."""

    CERTAIN = 0  # every run keeps to it: a claim's domain, `torch.rand`, weights that were loaded
    LIKELY = 1  # runs leave it with negligible probability: `torch.randn`
    NOTHING = 2  # a working range stands in for it


def known_regions(graph: Graph, domains: Collection[str]) -> list[Known]:
    """What is known of each node; `domains` are the names of the inputs that have one."""
    known: list[Known] = []
    for node in graph:
        if node.inputs:
            known.append(max(known[id] for id in node.inputs))
        else:
            known.append(_of_leaf(node, domains))
    return known


def _of_leaf(node: Node, domains: Collection[str]) -> Known:
    if node.op == "input":
        return Known.CERTAIN if str(node.attributes["name"]) in domains else Known.NOTHING
    if node.op != "random":
        return Known.CERTAIN
    region = region_of(node)
    if region.source in (Source.INITIALISER, Source.TRAINED):
        # Weights are there to be trained, here or by whoever imports the module.
        return Known.NOTHING
    return {
        Certainty.CERTAIN: Known.CERTAIN,
        Certainty.LIKELY: Known.LIKELY,
        Certainty.NONE: Known.NOTHING,
    }[region.certainty]


def leaf_range(node: Node, known: Known) -> Interval:
    """The range of a random leaf, or of an input without a domain; ends beyond the working range are cut."""
    region = region_of(node)
    lower, upper = region.lower, region.upper
    if region.source in (Source.INITIALISER, Source.TRAINED):
        lower, upper = -math.inf, math.inf
    if known is Known.NOTHING:
        lower, upper = max(lower, -WORKING), min(upper, WORKING)
    elif is_rand(node):
        upper = 1.0 - float(torch.finfo(node.type.dtype).eps) / 2
    return Interval.uniform(node.type.shape, lower, upper)


def takes_its_ends(leaf: Node) -> bool:
    """Whether runs may meet the ends of a random leaf's range themselves."""
    source = region_of(leaf).source
    whole = not leaf.type.dtype.is_floating_point
    return is_rand(leaf) or whole or source in (Source.DATA, Source.LABELS, Source.ASSUMED)


def is_rand(node: Node) -> bool:
    """`torch.rand` draws multiples of half an eps from [0, 1): never 1, which matters to `log(1 - u)`."""
    unit = (node.attributes.get("lower"), node.attributes.get("upper")) == (0.0, 1.0)
    return unit and node.type.dtype.is_floating_point and (node.label or "").startswith("rand")
