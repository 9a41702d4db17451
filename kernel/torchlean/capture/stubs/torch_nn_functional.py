"""`torch.nn.functional`: the functions that are compositions of tensor operations.

Everything primitive (`linear`, `conv2d`, `relu`, `softmax`, ...) is an op of `torchlean.ops` and reached under
the same module name; what stands here is written with those, from the formulas in torch's documentation.
"""

import math

import torch
import torch.nn.functional as F

from torchlean.capture.intrinsics import drawn, fail, fused, in_training, unsupported

from torch.nn._loss_functions import (  # isort: skip
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    cross_entropy,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    margin_ranking_loss,
    mse_loss,
    multilabel_soft_margin_loss,
    nll_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
    triplet_margin_loss,
)


def _dropped(input, mask_shape, p, training, inplace):
    """`input * mask`, the mask drawn from 0 and 1/(1-p)."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    in_training("dropout")
    mask = 0.0 if p == 1.0 else drawn(mask_shape, input.dtype, 0.0, 1.0 / (1.0 - p))
    return _given(input, input * mask, inplace)


def _given(input, result, inplace):
    return input.copy_(result) if inplace else result


def dropout(input, p=0.5, training=True, inplace=False):
    return _dropped(input, tuple(input.shape), p, training, inplace)


def _channels(input, dims):
    """The shape of a mask that keeps or drops whole channels."""
    shape = tuple(input.shape)
    return shape[: len(shape) - dims] + (1,) * dims


def dropout1d(input, p=0.5, training=True, inplace=False):
    return _dropped(input, _channels(input, 1), p, training, inplace)


def dropout2d(input, p=0.5, training=True, inplace=False):
    return _dropped(input, _channels(input, 2), p, training, inplace)


def dropout3d(input, p=0.5, training=True, inplace=False):
    return _dropped(input, _channels(input, 3), p, training, inplace)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    return _given(input, _alpha_dropped(input, tuple(input.shape), p), inplace)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    mask_shape = tuple(input.shape[:2]) + (1,) * (input.dim() - 2)
    return _given(input, _alpha_dropped(input, mask_shape, p), inplace)


def _alpha_dropped(input, mask_shape, p):
    """Self-normalizing networks (Klambauer et al. 2017, section 2): what is dropped becomes SELU's lower limit, and an
    affine map keeps mean and variance."""
    in_training("dropout")
    if p == 1.0:
        return input * 0.0
    limit = 1.7580993408473766  # SELU's scale times its alpha
    scale = 1.0 / math.sqrt((limit * limit * p + 1.0) * (1.0 - p))
    kept = drawn(mask_shape, input.dtype, 0.0, 1.0)
    return input * (kept * scale) + ((kept - 1.0) * (limit * scale) + limit * scale * p)


def glu(input, dim=-1):
    if input.shape[dim] % 2 != 0:
        fail(
            "TL101",
            RuntimeError,
            f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}",
        )
    values, gates = input.chunk(2, dim)
    return values * torch.sigmoid(gates)


def relu_(input):
    return F.relu(input, inplace=True)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    dtype = torch.result_type(x1, x2)
    x1, x2 = torch.broadcast_tensors(x1.to(dtype), x2.to(dtype))
    # Both are divided first, as in torch.
    return (F.normalize(x1, 2.0, dim, eps) * F.normalize(x2, 2.0, dim, eps)).sum(dim)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    return torch.norm(x1 - x2 + eps, p, -1, keepdim)


def pdist(input, p=2.0):
    return torch.pdist(input, p)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    if hard:
        return drawn(tuple(logits.shape), logits.dtype, 0.0, 1.0)
    noise = drawn(tuple(logits.shape), logits.dtype, -math.inf, math.inf)
    return F.softmax((logits + noise) / tau, dim)


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    if input.dim() < 3:
        fail(
            "TL101", ValueError, f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)"
        )
    squared = (input * input).unsqueeze(1)
    before, after = size // 2, (size - 1) // 2
    if input.dim() == 3:
        padded = F.pad(squared, (0, 0, before, after))
        mean = F.avg_pool2d(padded, (size, 1), stride=1).squeeze(1)
    else:
        flat = squared.reshape(input.shape[0], 1, input.shape[1], input.shape[2], -1)
        padded = F.pad(flat, (0, 0, 0, 0, before, after))
        mean = F.avg_pool3d(padded, (size, 1, 1), stride=1).squeeze(1).reshape(input.shape)
    return input / (mean * alpha + k) ** beta


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """With the input's own statistics running ones move towards their mean over the samples, in place."""
    moves = use_input_stats and running_mean is not None
    kept = (None, None) if moves else (running_mean, running_var)
    result = torch.instance_norm(input, weight, bias, *kept, use_input_stats, momentum, eps, True)
    if moves:
        dims = list(range(2, input.dim()))
        mean, variance = input.detach().mean(dims).mean(0), input.detach().var(dims).mean(0)
        running_mean.copy_(running_mean * (1 - momentum) + mean * momentum)
        running_var.copy_(running_var * (1 - momentum) + variance * momentum)
    return result


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    keys, values = key, value
    if enable_gqa:
        repeats = query.shape[-3] // key.shape[-3]
        keys = key.repeat_interleave(repeats, -3)
        values = value.repeat_interleave(repeats, -3)
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = torch.matmul(query, keys.transpose(-2, -1)) * factor
    if is_causal:
        allowed = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
        weights = torch.softmax(scores.masked_fill(allowed.logical_not(), -math.inf), -1)
    elif attn_mask is None:
        weights = torch.softmax(scores, -1)
    elif attn_mask.dtype == torch.bool:
        weights = torch.softmax(scores.masked_fill(attn_mask.logical_not(), -math.inf), -1)
        # A query that may attend to nothing gives zeros, not 0/0.
        weights = weights.masked_fill(attn_mask.any(-1, keepdim=True).logical_not(), 0.0)
    else:
        if attn_mask.dtype != query.dtype:
            return unsupported("attention with a mask of another dtype than the queries is not followed")
        weights = torch.softmax(scores + attn_mask, -1)
    if dropout_p > 0.0:
        return torch.matmul(F.dropout(weights, dropout_p), values)
    return fused(
        torch.matmul(weights, values),
        "scaled_dot_product_attention",
        query,
        key,
        value,
        attn_mask,
        has_mask=attn_mask is not None,
        is_causal=is_causal,
        scale=scale,
        enable_gqa=enable_gqa,
    )
