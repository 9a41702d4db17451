"""`torch.ops.aten`: operators that no public function of torch is, or whose arguments mean something else there.

Parameters are named as in the operators' schemas, and given by name. Every other operator is the tensor method or
function of its own name.
"""

import torch
import torch.nn.functional as F
from torch.nn.modules.module import Module
from torch.nn.modules.rnn import GRU, LSTM, RNN, _step_gru, _step_lstm, _step_relu, _step_tanh

from torchlean.capture.intrinsics import unsupported

_range = slice  # the builtin, before the operator takes its name

_REDUCTIONS = ("none", "mean", "sum")


# -- identities --------------------------------------------------------------------------------------------------------


def alias(self):
    return self


def lift_fresh(self):
    return self


def lift_fresh_copy(self):
    return self


def detach_(self):
    return self


def _assert_tensor_metadata(**checked):
    return None


def copy(self, src, non_blocking=False):
    return src.to(self.dtype).expand_as(self)


def to(self, dtype=None, other=None, non_blocking=False, copy=False):
    if other is not None:
        return self.to(other.dtype)
    return self if dtype is None else self.to(dtype)


def _to_copy(self, dtype=None, non_blocking=False):
    return self if dtype is None else self.to(dtype)


def numpy_T(self):
    return self.T


# -- places in tensors -------------------------------------------------------------------------------------------------


def _within(dim, rank, place):
    return (_range(None),) * (dim % rank) + (place,)


def slice(self, dim=0, start=None, end=None, step=1):
    return self[_within(dim, self.dim(), _range(start, end, step))]


def slice_scatter(self, src, dim=0, start=None, end=None, step=1):
    result = self.clone()
    result[_within(dim, self.dim(), _range(start, end, step))] = src
    return result


def select_scatter(self, src, dim, index):
    result = self.clone()
    result[_within(dim, self.dim(), index)] = src
    return result


def _places(indices):
    return tuple([_range(None) if index is None else index for index in indices])


def index(self, indices):
    return self[_places(indices)]


def index_put(self, indices, values, accumulate=False):
    if accumulate:
        return unsupported("index_put with accumulate=True is not followed")
    result = self.clone()
    result[_places(indices)] = values
    return result


def where(condition, self=None, other=None):
    return torch.where(condition, self, other)


def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    return F.embedding(indices, weight)


def einsum(equation, tensors, path=None):
    return torch.einsum(equation, *tensors)


# -- layers ------------------------------------------------------------------------------------------------------------


def elu(self, alpha=1.0, scale=1.0, input_scale=1.0):
    if scale != 1.0 or input_scale != 1.0:
        return unsupported("elu with scales is not followed")
    return F.elu(self, alpha)


def im2col(self, kernel_size, dilation, padding, stride):
    return F.unfold(self, kernel_size, dilation, padding, stride)


def batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled=True):
    return _native_batch_norm_legit_functional(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )[0]


def _native_batch_norm_legit_no_training(input, weight, bias, running_mean, running_var, momentum, eps):
    return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps), None, None


def _native_batch_norm_legit(input, weight, bias, training, momentum, eps):
    """Of a layer without running statistics."""
    return _with_own_statistics(input, weight, bias, eps), None, None


def _native_batch_norm_legit_functional(
    input, weight, bias, running_mean, running_var, training, momentum, eps
):
    if not training:
        result = F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    else:
        result = _with_own_statistics(input, weight, bias, eps)
    return result, None, None, None, None


def _with_own_statistics(input, weight, bias, eps):
    return F.batch_norm(input, None, None, weight, bias, True, 0.0, eps)


def instance_norm(
    input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled=True
):
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def upsample_nearest1d(input, output_size=None, scale_factors=None):
    return _resized(input, output_size, scale_factors, "nearest", None)


upsample_nearest2d = upsample_nearest3d = upsample_nearest1d


def upsample_linear1d(input, output_size=None, align_corners=False, scale_factors=None):
    return _resized(input, output_size, scale_factors, "linear", align_corners)


def upsample_bilinear2d(input, output_size=None, align_corners=False, scale_factors=None):
    return _resized(input, output_size, scale_factors, "bilinear", align_corners)


def _resized(input, size, scales, mode, align_corners):
    if scales is not None:
        return F.interpolate(input, scale_factor=tuple(scales), mode=mode, align_corners=align_corners)
    return F.interpolate(input, size=tuple(size), mode=mode, align_corners=align_corners)


def adaptive_max_pool1d(self, output_size):
    return F.adaptive_max_pool1d(self, output_size), None


def adaptive_max_pool2d(self, output_size):
    return F.adaptive_max_pool2d(self, output_size), None


def linalg_vector_norm(self, ord=2, dim=None, keepdim=False, dtype=None):
    return torch.linalg.vector_norm(self, ord, dim, keepdim, dtype=dtype)


# -- losses ------------------------------------------------------------------------------------------------------------


def mse_loss(self, target, reduction=1):
    return F.mse_loss(self, target, reduction=_REDUCTIONS[reduction])


def l1_loss(self, target, reduction=1):
    return F.l1_loss(self, target, reduction=_REDUCTIONS[reduction])


def smooth_l1_loss(self, target, reduction=1, beta=1.0):
    return F.smooth_l1_loss(self, target, reduction=_REDUCTIONS[reduction], beta=beta)


def huber_loss(self, target, reduction=1, delta=1.0):
    return F.huber_loss(self, target, reduction=_REDUCTIONS[reduction], delta=delta)


def cross_entropy_loss(self, target, weight=None, reduction=1, ignore_index=-100, label_smoothing=0.0):
    return F.cross_entropy(
        self,
        target,
        weight,
        ignore_index=ignore_index,
        reduction=_REDUCTIONS[reduction],
        label_smoothing=label_smoothing,
    )


def nll_loss_nd(self, target, weight=None, reduction=1, ignore_index=-100):
    return F.nll_loss(self, target, weight, ignore_index=ignore_index, reduction=_REDUCTIONS[reduction])


nll_loss = nll_loss_nd


def binary_cross_entropy(self, target, weight=None, reduction=1):
    return F.binary_cross_entropy(self, target, weight, reduction=_REDUCTIONS[reduction])


def binary_cross_entropy_with_logits(self, target, weight=None, pos_weight=None, reduction=1):
    return F.binary_cross_entropy_with_logits(
        self, target, weight, reduction=_REDUCTIONS[reduction], pos_weight=pos_weight
    )


def kl_div(self, target, reduction=1, log_target=False):
    return F.kl_div(self, target, reduction=_REDUCTIONS[reduction], log_target=log_target)


# -- recurrent layers --------------------------------------------------------------------------------------------------


class _Given:
    """A recurrent layer on weights that are given, instead of its own."""

    def __init__(self, params, has_biases, num_layers, dropout, train, bidirectional):
        Module.__init__(self)
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.training = train
        self.bias = has_biases
        self.given = {}
        count = 4 if has_biases else 2
        suffixes = [s for layer in range(num_layers) for s in _suffixes(layer, bidirectional)]
        for position, suffix in enumerate(suffixes):
            self.given[suffix] = params[position * count : (position + 1) * count]

    def _weights(self, suffix):
        weights = list(self.given[suffix])
        return weights if self.bias else [*weights, None, None]

    def run(self, input, states, batch_first):
        output, final = self._run(input.transpose(0, 1) if batch_first else input, states)
        return (output.transpose(0, 1) if batch_first else output), *final


def _suffixes(layer, bidirectional):
    return [f"_l{layer}", f"_l{layer}_reverse"] if bidirectional else [f"_l{layer}"]


class _GivenLSTM(_Given, LSTM):
    pass


class _GivenGRU(_Given, GRU):
    pass


class _GivenRNN(_Given, RNN):
    pass


def lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    if hx[0].shape[-1] != params[1].shape[-1] or len(params) != num_layers * (2 if bidirectional else 1) * (
        4 if has_biases else 2
    ):
        return unsupported("LSTM with proj_size is not followed")
    layer = _GivenLSTM(params, has_biases, num_layers, dropout, train, bidirectional)
    return layer.run(input, tuple(hx), batch_first)


def gru(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    layer = _GivenGRU(params, has_biases, num_layers, dropout, train, bidirectional)
    return layer.run(input, (hx,), batch_first)


def _rnn(nonlinearity, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    layer = _GivenRNN(params, has_biases, num_layers, dropout, train, bidirectional)
    layer.nonlinearity = nonlinearity
    return layer.run(input, (hx,), batch_first)


def rnn_tanh(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    return _rnn("tanh", input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


def rnn_relu(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    return _rnn("relu", input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    return _step_lstm(input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    return _step_gru(input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    return _step_tanh(input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    return _step_relu(input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
