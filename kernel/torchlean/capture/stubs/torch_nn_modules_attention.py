"""`torch.nn.MultiheadAttention`, written out as matrix products and softmax (Vaswani et al., 2017)."""

import math

import torch
import torch.nn.functional as F
import torch.nn.init as init
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter

from torchlean.capture.intrinsics import check_sizes, empty, fail


class MultiheadAttention(Module):
    def __init__(
        self,
        embed_dim,
        num_heads,
        dropout=0.0,
        bias=True,
        add_bias_kv=False,
        add_zero_attn=False,
        kdim=None,
        vdim=None,
        batch_first=False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        check_sizes("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, "
                f"got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(f"embed_dim ({embed_dim}) must be divisible by num_heads ({num_heads})")
        self._make_projections(bias, dtype)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        if bias:
            init.constant_(self.out_proj.bias, 0.0)
        if add_bias_kv:
            self.bias_k = Parameter(empty((1, 1, embed_dim), dtype))
            self.bias_v = Parameter(empty((1, 1, embed_dim), dtype))
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn

    def _make_projections(self, bias, dtype):
        size = self.embed_dim
        if self._qkv_same_embed_dim:
            self.in_proj_weight = Parameter(empty((3 * size, size), dtype))
            init.xavier_uniform_(self.in_proj_weight)
            self.register_parameter("q_proj_weight", None)
            self.register_parameter("k_proj_weight", None)
            self.register_parameter("v_proj_weight", None)
        else:
            self.q_proj_weight = Parameter(empty((size, size), dtype))
            self.k_proj_weight = Parameter(empty((size, self.kdim), dtype))
            self.v_proj_weight = Parameter(empty((size, self.vdim), dtype))
            init.xavier_uniform_(self.q_proj_weight)
            init.xavier_uniform_(self.k_proj_weight)
            init.xavier_uniform_(self.v_proj_weight)
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = Parameter(empty((3 * size,), dtype))
            init.constant_(self.in_proj_bias, 0.0)
        else:
            self.register_parameter("in_proj_bias", None)

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        if is_causal and attn_mask is None:
            raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
        batched = query.dim() == 3
        self._check(query, key, value)
        # From here on: (batch, length, features).
        if not batched:
            query, key, value = query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0)
            if key_padding_mask is not None:
                key_padding_mask = key_padding_mask.unsqueeze(0)
        elif not self.batch_first:
            query, key, value = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)
        output, weights = self._attend(query, key, value, key_padding_mask, attn_mask)
        if not batched:
            output, weights = output.squeeze(0), weights.squeeze(0)
        elif not self.batch_first:
            output = output.transpose(0, 1)
        if not need_weights:
            return output, None
        return output, weights.mean(-3) if average_attn_weights else weights

    def _check(self, query, key, value):
        if query.dim() not in (2, 3):
            fail(
                "TL101",
                AssertionError,
                f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D",
            )
        if key.dim() != query.dim() or value.dim() != query.dim():
            fail(
                "TL101",
                AssertionError,
                f"For {query.dim()}-D query, expected key and value to be {query.dim()}-D but found "
                f"{key.dim()}-D and {value.dim()}-D tensors respectively",
            )
        for name, tensor, size in (
            ("query", query, self.embed_dim), ("key", key, self.kdim), ("value", value, self.vdim)
        ):  # fmt: skip
            if tensor.shape[-1] != size:
                fail(
                    "TL101",
                    AssertionError,
                    f"was expecting {name} dimension of {size}, but got {tensor.shape[-1]}",
                )

    def _project(self, query, key, value):
        if self._qkv_same_embed_dim:
            w_q, w_k, w_v = self.in_proj_weight.chunk(3)
        else:
            w_q, w_k, w_v = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        if self.in_proj_bias is None:
            return F.linear(query, w_q), F.linear(key, w_k), F.linear(value, w_v)
        b_q, b_k, b_v = self.in_proj_bias.chunk(3)
        return F.linear(query, w_q, b_q), F.linear(key, w_k, b_k), F.linear(value, w_v, b_v)

    def _heads(self, x):
        """(batch, length, features) -> (batch, heads, length, features of a head)"""
        return x.reshape(x.shape[0], x.shape[1], self.num_heads, self.head_dim).transpose(1, 2)

    def _attend(self, query, key, value, key_padding_mask, attn_mask):
        batch, length, _ = query.shape
        q, k, v = self._project(query, key, value)
        added = 0
        if self.bias_k is not None:
            k = torch.cat([k, self.bias_k.expand(batch, 1, self.embed_dim)], 1)
            v = torch.cat([v, self.bias_v.expand(batch, 1, self.embed_dim)], 1)
            added += 1
        if self.add_zero_attn:
            zeros = torch.zeros(batch, 1, self.embed_dim, dtype=k.dtype)
            k, v = torch.cat([k, zeros], 1), torch.cat([v, zeros], 1)
            added += 1
        q, k, v = self._heads(q), self._heads(k), self._heads(v)
        scores = torch.matmul(q * math.sqrt(1.0 / self.head_dim), k.transpose(-2, -1))
        scores = self._masked(scores, attn_mask, key_padding_mask, added)
        weights = F.dropout(F.softmax(scores, -1), self.dropout, self.training)
        context = torch.matmul(weights, v).transpose(1, 2).reshape(batch, length, self.embed_dim)
        return self.out_proj(context), weights

    def _masked(self, scores, attn_mask, key_padding_mask, added):
        """Boolean masks forbid where they are true, others are summed; keys that were added are not masked."""
        batch, heads, length, _ = scores.shape
        if attn_mask is not None:
            if attn_mask.dim() == 3:
                attn_mask = attn_mask.reshape(batch, heads, length, attn_mask.shape[-1])
            scores = _apply(scores, F.pad(attn_mask, (0, added)) if added else attn_mask)
        if key_padding_mask is not None:
            if added:
                key_padding_mask = F.pad(key_padding_mask, (0, added))
            scores = _apply(scores, key_padding_mask.reshape(batch, 1, 1, key_padding_mask.shape[-1]))
        return scores


def _apply(scores, mask):
    if mask.dtype == torch.bool:
        return scores.masked_fill(mask, -math.inf)
    return scores + mask
