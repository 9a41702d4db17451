"""Functions that torch computes by a kernel of its own: see `corner_cases`."""

from __future__ import annotations

import torch
from tests.capture.corner_group import Group

GROUPS: dict[str, Group] = {
    "functions with a kernel of their own": Group(
        "Attention, distances, losses and some products round otherwise than their formulas read; they are executed by "
        "torch's own functions, while bounds are those of the formulas. A query whose keys are all masked gives zeros, "
        "also where the mask is minus infinity; a loss of which every class is to be ignored is NaN; a logarithm in "
        "`binary_cross_entropy` is never below -100.",
        torch.sin(torch.arange(24, dtype=torch.float32)).reshape(4, 6) * 3,
        """F.scaled_dot_product_attention(q, k, k)
        F.scaled_dot_product_attention(q, k, k, is_causal=True)
        F.scaled_dot_product_attention(q, k, k, attn_mask=torch.tensor([[True], [False], [True], [True]]))
        F.scaled_dot_product_attention(q, k, k, attn_mask=torch.tensor([[0.0], [float('-inf')], [0.5], [0.0]]))
        F.scaled_dot_product_attention(q, k, k, scale=-2.0)
        k = k.expand(2, 4, 6) ; result = F.scaled_dot_product_attention(q.reshape(2, 2, 6), k, k)
        F.cross_entropy(x, y)
        F.cross_entropy(x, y, reduction='sum', label_smoothing=0.3)
        F.cross_entropy(x, y, torch.tensor([0.5, 0.0, 2.0, 1.0, 1.0, 1.0]))
        F.cross_entropy(x, F.softmax(q, 1), label_smoothing=0.1)
        F.cross_entropy(x, torch.full((4,), -100))
        F.cross_entropy(x, torch.tensor([3, -1, -1, 0]), ignore_index=-1, reduction='none')
        F.nll_loss(x, y)
        F.binary_cross_entropy(torch.sigmoid(x), torch.sigmoid(q), torch.tensor([2.0]))
        F.binary_cross_entropy((x > 0).float(), (q > 0).float(), reduction='none')
        torch.cdist(x, q)
        torch.cdist(x, x)
        torch.cdist(x.reshape(24, 1).repeat(2, 1), q.reshape(24, 1))
        torch.cdist(x, q, compute_mode='use_mm_for_euclid_dist')
        torch.cdist(x, q, 1.5)
        torch.pdist(x)
        torch.tensordot(x, q, ([0, 1], [0, 1]))
        torch.tensordot(x, q.T, ([0, 1], [1, 0]))
        torch.tensordot(x, q, ([0], [0]))
        torch.tensordot(x[:1], q, ([0, 1], [0, 1]))
        torch.inner(x, q)
        torch.inner(x[0], q)
        torch.inner(x[0, ::2], q[1, ::2])
        torch.trace(x)
        torch.sinc(x)
        torch.sinc(x.round())
        torch.cross(x[:, :3], q[:, :3], dim=1)
        torch.cross(x[:3], q[:3])
        F.triplet_margin_loss(x, q, k, swap=True)
        F.batch_norm(x, None, None, training=True)
        F.batch_norm(x, None, None, x[0], x[1], training=True, eps=0.1)""",
        start="q, k, y = x.flip(0), x.roll(2, 1), torch.tensor([5, 0, -100, 2])",
    ),
}
