"""Recurrent layers, unrolled over the sequence; the gates are those of torch's documentation."""

import math

import torch
import torch.nn.functional as F
import torch.nn.init as init
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter

from torchlean.capture.intrinsics import check_sizes, empty, fail, unsupported


def _step_rnn(activation, x, state, w_ih, w_hh, b_ih, b_hh):
    (h,) = state
    return (activation(F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh)),)


def _step_tanh(x, state, *weights):
    return _step_rnn(torch.tanh, x, state, *weights)


def _step_relu(x, state, *weights):
    return _step_rnn(torch.relu, x, state, *weights)


def _step_lstm(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    gates = F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh)
    i, f, g, o = gates.chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _step_gru(x, state, w_ih, w_hh, b_ih, b_hh):
    (h,) = state
    x_r, x_z, x_n = F.linear(x, w_ih, b_ih).chunk(3, -1)
    h_r, h_z, h_n = F.linear(h, w_hh, b_hh).chunk(3, -1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return ((1 - z) * n + z * h,)


class RNNBase(Module):
    gates = 1
    states = 1

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        check_sizes(
            type(self).__name__, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers
        )
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            size = input_size if layer == 0 else hidden_size * directions
            for suffix in _suffixes(layer, bidirectional):
                self._make_weights(size, suffix, dtype)
        self.reset_parameters()

    def _make_weights(self, input_size, suffix, dtype):
        rows = self.gates * self.hidden_size
        setattr(self, "weight_ih" + suffix, Parameter(empty((rows, input_size), dtype)))
        setattr(self, "weight_hh" + suffix, Parameter(empty((rows, self.hidden_size), dtype)))
        if self.bias:
            setattr(self, "bias_ih" + suffix, Parameter(empty((rows,), dtype)))
            setattr(self, "bias_hh" + suffix, Parameter(empty((rows,), dtype)))

    def reset_parameters(self):
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self):
        return None

    def _step(self, x, state, *weights):
        raise NotImplementedError

    def _weights(self, suffix):
        weights = [getattr(self, "weight_ih" + suffix), getattr(self, "weight_hh" + suffix)]
        if self.bias:
            return [*weights, getattr(self, "bias_ih" + suffix), getattr(self, "bias_hh" + suffix)]
        return [*weights, None, None]

    def _run(self, input, states):
        """`input` as (length, batch, features), `states` as a tuple of (layers * directions, batch, hidden)."""
        last = []
        sequence = list(input.unbind(0))
        for layer in range(self.num_layers):
            outputs = []
            for direction, suffix in enumerate(_suffixes(layer, self.bidirectional)):
                position = len(last)
                state = tuple([part[position] for part in states])
                steps, state = self._unroll(sequence, state, self._weights(suffix), direction == 1)
                outputs.append(steps)
                last.append(state)
            sequence = outputs[0]
            if self.bidirectional:
                sequence = [torch.cat([a, b], -1) for a, b in zip(*outputs, strict=True)]
            if layer < self.num_layers - 1:
                sequence = [F.dropout(x, self.dropout, self.training) for x in sequence]
        final = tuple([torch.stack([state[k] for state in last]) for k in range(self.states)])
        return torch.stack(sequence), final

    def _unroll(self, sequence, state, weights, backwards):
        steps = []
        for x in reversed(sequence) if backwards else sequence:
            state = self._step(x, state, *weights)
            steps.append(state[0])
        return (list(reversed(steps)) if backwards else steps), state

    def _forward(self, input, states):
        if not isinstance(input, torch.Tensor):
            return unsupported(
                "packed sequences are not followed", input
            )  # an unknown input has a reason of its own
        if self.proj_size != 0:
            return unsupported("LSTM with proj_size is not followed")
        if input.dim() not in (2, 3):
            fail(
                "TL101",
                ValueError,
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D instead",
            )
        if input.shape[-1] != self.input_size:
            fail(
                "TL101",
                RuntimeError,
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.shape[-1]}",
            )
        batched = input.dim() == 3
        x = input if batched else input.unsqueeze(1)
        if batched and self.batch_first:
            x = x.transpose(0, 1)
        if x.shape[0] == 0:
            fail("TL101", RuntimeError, "Expected sequence length to be larger than 0 in RNN")
        output, final = self._run(x, self._initial(x, states, batched))
        if not batched:
            return output.squeeze(1), tuple([part.squeeze(1) for part in final])
        return (output.transpose(0, 1) if self.batch_first else output), final

    def _initial(self, x, states, batched):
        count = self.num_layers * (2 if self.bidirectional else 1)
        shape = (count, x.shape[1], self.hidden_size)
        if states is None:
            return tuple([torch.zeros(shape, dtype=x.dtype) for _ in range(self.states)])
        result = tuple([part if batched else part.unsqueeze(1) for part in states])
        for part in result:
            if tuple(part.shape) != shape:
                fail("TL101", RuntimeError, f"Expected hidden size {shape}, got {tuple(part.shape)}")
        return result


def _suffixes(layer, bidirectional):
    return [f"_l{layer}", f"_l{layer}_reverse"] if bidirectional else [f"_l{layer}"]


class RNN(RNNBase):
    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        device=None,
        dtype=None,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype=dtype
        )
        self.nonlinearity = nonlinearity

    def _step(self, x, state, *weights):
        return (_step_tanh if self.nonlinearity == "tanh" else _step_relu)(x, state, *weights)

    def forward(self, input, hx=None):
        output, final = self._forward(input, None if hx is None else (hx,))
        return output, final[0]


class GRU(RNNBase):
    gates = 3

    def _step(self, x, state, *weights):
        return _step_gru(x, state, *weights)

    def forward(self, input, hx=None):
        output, final = self._forward(input, None if hx is None else (hx,))
        return output, final[0]


class LSTM(RNNBase):
    gates = 4
    states = 2

    def _step(self, x, state, *weights):
        return _step_lstm(x, state, *weights)

    def forward(self, input, hx=None):
        return self._forward(input, hx)


class RNNCellBase(Module):
    gates = 1

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__()
        check_sizes(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = self.gates * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), dtype))
        if bias:
            self.bias_ih = Parameter(empty((rows,), dtype))
            self.bias_hh = Parameter(empty((rows,), dtype))
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self):
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _advance(self, step, input, states, count):
        if input.dim() not in (1, 2):
            fail(
                "TL101",
                ValueError,
                f"{type(self).__name__}: Expected input to be 1D or 2D, got {input.dim()}D instead",
            )
        if states is None:
            zeros = torch.zeros((*input.shape[:-1], self.hidden_size), dtype=input.dtype)
            states = (zeros,) * count
        return step(input, states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


class RNNCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, dtype=dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {nonlinearity}")
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        step = _step_tanh if self.nonlinearity == "tanh" else _step_relu
        return self._advance(step, input, None if hx is None else (hx,), 1)[0]


class GRUCell(RNNCellBase):
    gates = 3

    def forward(self, input, hx=None):
        return self._advance(_step_gru, input, None if hx is None else (hx,), 1)[0]


class LSTMCell(RNNCellBase):
    gates = 4

    def forward(self, input, hx=None):
        return self._advance(_step_lstm, input, hx, 2)
