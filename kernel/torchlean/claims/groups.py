"""Claims about samples that share a graph: what is asked of each, and what bounds have to show of it.

Samples of one class share a graph, whose rows are the differences between the score of that class and each other one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds import BoundsCache
from torchlean.bounds.branching import Goal
from torchlean.claims.decide import Question, pose
from torchlean.claims.domain import Box
from torchlean.claims.goal import clauses_of, goal_of
from torchlean.claims.samples import Samples
from torchlean.graph import Graph, GraphBuilder
from torchlean.rounding import ErrorsCache, rounding_errors


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Samples that one graph speaks of.

    Attributes:
        question: the claim, bounded over the box around all samples.
        members: which samples.
    """

    question: Question
    members: tuple[int, ...]

    def key(self, samples: Samples, member: int) -> bytes:
        """Content key of the claim about one sample: equal keys, equal answers."""
        parts = [self.question.margin.graph[self.question.holds].digest, str(samples.radius).encode()]
        parts += [ends[member].contiguous().numpy().tobytes() for ends in (samples.lower, samples.upper)]
        if samples.radius is not None:
            parts.append(samples.centers[member].contiguous().numpy().tobytes())
        return hashlib.blake2b(b"sample".join(parts), digest_size=16).digest()


@dataclass
class Caches:
    """What is found out once."""

    bounds: BoundsCache
    errors: ErrorsCache


def classified(graph: Graph, scores: int, label: int) -> tuple[Graph, int]:
    """The graph of scores (1, classes) extended by: the label's score is above each other one. Ties count as failures.

    Returns:
        The graph, and the id of the truths, (classes - 1,).
    """
    builder = GraphBuilder()
    builder.nodes = list(graph.nodes)
    count = graph[scores].type.numel
    spans = graph[scores].spans
    flat = builder.op("reshape", [scores], {"shape": (count,)}, spans)
    places = [[label], [other for other in range(count) if other != label]]
    own, others = (
        builder.op("gather", [flat.id, builder.constant(torch.tensor(place)).id], {"dim": 0}, spans)
        for place in places
    )
    holds = builder.op("gt", [own.id, others.id], {}, spans)
    return builder.graph([*graph.outputs, holds.id]), holds.id


def robust_groups(
    graph: Graph,
    scores: int,
    samples: Samples,
    domains: Mapping[str, Box],
    caches: Caches,
    cancelled: Callable[[], bool],
) -> list[Group]:
    """Robustness of a classifier: one group for each label.

    Args:
        scores: id of the scores, (1, classes).
        domains: the box around all samples.

    Raises:
        Cancelled: by the caller.
    """
    assert samples.labels is not None, "robustness is asked of labelled samples"
    groups = []
    for label in sorted(set(samples.labels.tolist())):
        members = (samples.labels == label).nonzero().flatten().tolist()
        extended, holds = classified(graph, scores, label)
        groups.append(_group(extended, holds, members, domains, caches, cancelled))
    return groups


def claim_groups(
    graph: Graph,
    holds: int,
    samples: Samples,
    domains: Mapping[str, Box],
    caches: Caches,
    cancelled: Callable[[], bool],
) -> list[Group]:
    """Any claim, the same for all samples: one group.

    Args:
        holds: id of the claim's truths.

    Raises:
        Cancelled: by the caller.
    """
    return [_group(graph, holds, range(len(samples)), domains, caches, cancelled)]


def _group(
    graph: Graph,
    holds: int,
    members: Sequence[int],
    domains: Mapping[str, Box],
    caches: Caches,
    cancelled: Callable[[], bool],
) -> Group:
    question = pose(graph, holds, domains, caches.bounds, cancelled, executed=True)
    errors = rounding_errors(question.margin.graph, question.bounds, caches.errors, cancelled)
    return Group(replace(question, errors=errors), tuple(members))


def executed_goal(question: Question) -> Goal | None:
    """What bounds of exact values have to show so that every execution keeps the claim. None where rounding may take
    anything."""
    slack = question.slack
    assert slack is not None, "samples are decided for executions"
    clauses = [
        [row for row in clause if math.isfinite(slack.row_error(row))]
        for clause in clauses_of(question.margin)
    ]
    if not all(clauses):
        return None
    return goal_of(question.margin, question.domains, clauses, slack.row_error)


def lost_rows(question: Question) -> Tensor:
    """What rounding may take off each row, in the order of the goal of the whole margin."""
    slack = question.slack
    assert slack is not None, "samples are decided for executions"
    rows = sorted({row for clause in clauses_of(question.margin) for row in clause})
    return torch.tensor([slack.row_error(row) for row in rows], dtype=torch.float64)


def is_drawn(group: Group) -> bool:
    """Whether weights or values are drawn at random: there is no one program to execute then."""
    return any(node.op == "random" for node in group.question.margin.graph)
