"""The losses of `torch.nn.functional`, from the formulas in torch's documentation."""

import math

import torch
import torch.nn.functional as F

from torchlean.capture.intrinsics import fail, fused


def _reduced(loss, reduction):
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(f"{reduction} is not a valid value for reduction")


def _chosen(size_average, reduce, reduction):
    """`size_average` and `reduce` are torch's deprecated spelling of `reduction`."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def _promoted(input, target):
    """Truths beside numbers are numbers to torch's kernels, though a subtraction refuses them."""
    if torch.bool not in (input.dtype, target.dtype):
        return input, target
    dtype = torch.result_type(input, target)
    return input.to(dtype), target.to(dtype)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    # As in torch: both have dimensions then, which decides the dtype.
    input, target = torch.broadcast_tensors(input, target)
    if weight is None:
        input, target = _promoted(input, target)
    difference = input - target
    loss = difference * difference
    if weight is not None:
        loss = loss * weight
        if reduction == "mean":
            return loss.sum() / weight.expand_as(loss).sum()
    return _reduced(loss, _chosen(size_average, reduce, reduction))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    input, target = torch.broadcast_tensors(input, target)
    loss = (input - target).abs()
    if weight is not None:
        loss = loss * weight
        if reduction == "mean":
            return loss.sum() / weight.expand_as(loss).sum()
    return _reduced(loss, _chosen(size_average, reduce, reduction))


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = torch.broadcast_tensors(input, target)
    if beta > 0:
        input, target = _promoted(input, target)
    distance = (input - target).abs()
    if beta > 0:
        distance = torch.where(distance < beta, 0.5 * distance * distance / beta, distance - 0.5 * beta)
    return _reduced(distance, _chosen(size_average, reduce, reduction))


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if target.dtype == torch.bool:
        target = target.to(input.dtype)
    distance = (input - target).abs()
    loss = torch.where(distance <= delta, 0.5 * distance * distance, delta * (distance - 0.5 * delta))
    return _reduced(loss if weight is None else loss * weight, reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _reduced(torch.log1p(torch.exp(-input * target)), _chosen(size_average, reduce, reduction))


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    if log_target:
        loss = torch.exp(target) * (target - input)
    else:
        loss = torch.xlogy(target, target) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0]
    return _reduced(loss, _chosen(size_average, reduce, reduction))


def poisson_nll_loss(
    input,
    target,
    log_input=True,
    full=False,
    size_average=None,
    eps=1e-8,
    reduce=None,
    reduction="mean",
):
    if log_input:
        loss = torch.exp(input) - target * input
    else:
        loss = input - target * torch.log(input + eps)
    if full:
        stirling = target * torch.log(target) - target + 0.5 * torch.log(2 * math.pi * target)
        loss = loss + stirling.masked_fill(target <= 1, 0.0)
    return _reduced(loss, _chosen(size_average, reduce, reduction))


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    if not isinstance(var, torch.Tensor):
        var = var * torch.ones_like(input)
    if var.dim() == input.dim() - 1:
        var = var.unsqueeze(-1)
    var = var.clamp(min=eps)
    difference = input - target
    loss = 0.5 * (torch.log(var) + difference * difference / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduced(loss, reduction)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    if tuple(input.shape) != tuple(target.shape):
        fail(
            "TL101",
            ValueError,
            f"Using a target size ({tuple(target.shape)}) that is different to the input size "
            f"({tuple(input.shape)}) is deprecated. Please ensure they have the same size.",
        )
    if target.dtype != input.dtype:
        fail(
            "TL101",
            RuntimeError,
            f"expected input and target of one dtype, got {input.dtype} and {target.dtype}: convert with `.float()`",
        )
    # torch keeps both logarithms at -100 or above, so that 0 * log(0) does not become NaN.
    positive = torch.log(input).clamp(min=-100)
    negative = torch.log1p(-input).clamp(min=-100)
    loss = -(target * positive + (1 - target) * negative)
    if weight is not None:
        loss = loss * weight
    reduction = _chosen(size_average, reduce, reduction)
    return fused(
        _reduced(loss, reduction),
        "binary_cross_entropy",
        input,
        target,
        weight,
        has_weight=weight is not None,
        reduction=reduction,
    )


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    if tuple(input.shape) != tuple(target.shape):
        fail(
            "TL101",
            ValueError,
            f"Target size ({tuple(target.shape)}) must be the same as input size ({tuple(input.shape)})",
        )
    if not target.dtype.is_floating_point:
        fail(
            "TL101",
            RuntimeError,
            f"expected a floating target, got {target.dtype}: convert with `.float()`",
        )
    surprise = -F.logsigmoid(input)
    if pos_weight is not None:
        surprise = surprise * ((pos_weight - 1) * target + 1)
    # torch multiplies and adds in place, in the target's dtype.
    loss = ((1 - target) * input).to(target.dtype)
    loss = (loss + surprise).to(target.dtype)
    if weight is not None:
        loss = loss * weight
    return _reduced(loss, _chosen(size_average, reduce, reduction))


def _class_dim(input):
    return 0 if input.dim() == 1 else 1


def _check_classes(input, target):
    expected = tuple(input.shape)
    expected = () if len(expected) == 1 else (expected[0], *expected[2:])
    if tuple(target.shape) != expected:
        fail(
            "TL101",
            RuntimeError,
            f"expected class indices of shape {expected} for input {tuple(input.shape)}, "
            f"got {tuple(target.shape)}",
        )
    if target.dtype not in (torch.int64, torch.uint8):
        fail("TL101", RuntimeError, f"expected class indices of dtype int64, got {target.dtype}")


def _indices(target):
    """Class indices as the numbers that `ignore_index` is compared with: bytes know no negative ones."""
    return target.to(torch.int64) if target.dtype == torch.uint8 else target


def _class_weights(input, target, weight, ignore_index):
    """Valid class indices, and what each counts: its class's weight, nothing where it is to be ignored."""
    counted = target != ignore_index
    classes = torch.where(counted, target, 0)
    if weight is None:
        return classes, counted.to(input.dtype)
    return classes, weight[classes] * counted.to(input.dtype)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    reduction = _chosen(size_average, reduce, reduction)
    return fused(
        _nll_steps(input, target, weight, ignore_index, reduction),
        "nll_loss",
        input,
        target,
        weight,
        has_weight=weight is not None,
        ignore_index=ignore_index,
        reduction=reduction,
    )


def _nll_steps(input, target, weight, ignore_index, reduction):
    _check_classes(input, target)
    target = _indices(target)
    dim = _class_dim(input)
    classes, weights = _class_weights(input, target, weight, ignore_index)
    loss = -input.gather(dim, classes.unsqueeze(dim)).squeeze(dim) * weights
    if reduction == "mean":
        return loss.sum() / weights.sum()
    return _reduced(loss, reduction)


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    reduction = _chosen(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    return fused(
        _cross_entropy_steps(input, target, weight, ignore_index, reduction, label_smoothing),
        "cross_entropy",
        input,
        target,
        weight,
        has_weight=weight is not None,
        ignore_index=ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def _cross_entropy_steps(input, target, weight, ignore_index, reduction, label_smoothing):
    logs = F.log_softmax(input, _class_dim(input))
    if target.dtype.is_floating_point:
        return _cross_entropy_of_probabilities(logs, target, weight, reduction, label_smoothing)
    target = _indices(target)
    plain = _nll_steps(logs, target, weight, ignore_index, reduction)
    if label_smoothing == 0.0:
        return plain
    smooth = _uniform_loss(logs, target, weight, ignore_index, reduction)
    share = label_smoothing / logs.shape[_class_dim(logs)]
    return (1 - label_smoothing) * plain + share * smooth


def _per_class(weight, logs):
    """Class weights shaped to multiply log-probabilities."""
    return weight.reshape([-1 if dim == _class_dim(logs) else 1 for dim in range(logs.dim())])


def _uniform_loss(logs, target, weight, ignore_index, reduction):
    """The loss against all classes alike, for label smoothing."""
    _, weights = _class_weights(logs, target, weight, ignore_index)
    weighted = logs if weight is None else logs * _per_class(weight, logs)
    loss = (-weighted.sum(_class_dim(logs))).masked_fill(target == ignore_index, 0.0)
    if reduction == "mean":
        return loss.sum() / weights.sum()
    return _reduced(loss, reduction)


def _cross_entropy_of_probabilities(logs, target, weight, reduction, label_smoothing):
    if tuple(target.shape) != tuple(logs.shape):
        fail(
            "TL101",
            RuntimeError,
            f"expected class probabilities of shape {tuple(logs.shape)}, got {tuple(target.shape)}",
        )
    dim = _class_dim(logs)
    if label_smoothing > 0.0:
        target = target * (1 - label_smoothing) + label_smoothing / logs.shape[dim]
    weighted = logs * target if weight is None else logs * target * _per_class(weight, logs)
    if reduction == "mean":
        # One sum over everything, as in torch.
        return -weighted.sum() / (logs.numel() / logs.shape[dim])
    return -weighted.sum() if reduction == "sum" else _reduced(-weighted.sum(dim), reduction)


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    loss = (-target * (input1 - input2) + margin).clamp(min=0)
    return _reduced(loss, _chosen(size_average, reduce, reduction))


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    # Written with `!=`, as in torch: a target that is neither 1 nor -1 counts in both.
    near = torch.where(target != -1, input, 0.0)
    far = torch.where(target != 1, (margin - input).clamp(min=0), 0.0)
    return _reduced(near + far, _chosen(size_average, reduce, reduction))


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    # Not `cosine_similarity`: torch adds 1e-12 to the squared lengths here.
    first, second = (input1 * input1).sum(-1) + 1e-12, (input2 * input2).sum(-1) + 1e-12
    similarity = (input1 * input2).sum(-1) / (first * second).sqrt()
    # A target that is neither 1 nor -1 counts in neither.
    near = torch.where(target == 1, 1 - similarity, 0.0)
    loss = near + torch.where(target == -1, (similarity - margin).clamp(min=0), 0.0)
    return _reduced(loss, _chosen(size_average, reduce, reduction))


def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2,
    eps=1e-6,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    near = F.pairwise_distance(anchor, positive, p, eps)
    far = F.pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = torch.minimum(far, F.pairwise_distance(positive, negative, p, eps))
    return _reduced((margin + near - far).clamp(min=0), _chosen(size_average, reduce, reduction))


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    loss = -(target * F.logsigmoid(input) + (1 - target) * F.logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return _reduced(loss.mean(-1), _chosen(size_average, reduce, reduction))
