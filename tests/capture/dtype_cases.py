"""Calls of torch for every pair of dtypes: `@A` and `@B` stand for the names of two.

The tensors are `m` (2, 2), `v` (3,), `z` (), `t` (1, 1, 4), `x` (1, 1, 4, 4), `w` (1, 1, 2, 2) and `e` (0, 0), of ones:
`m_i64`. A case with `;` is two statements, of which the second is the one that torch may refuse.
"""

from __future__ import annotations

import itertools

DTYPES: dict[str, str] = {
    "f32": "float32",
    "f64": "float64",
    "i64": "int64",
    "i32": "int32",
    "u8": "uint8",
    "b": "bool",
}

SHAPES: dict[str, str] = {
    "m": "2, 2",
    "v": "3",
    "z": "",
    "t": "1, 1, 4",
    "x": "1, 1, 4, 4",
    "w": "1, 1, 2, 2",
    "e": "0, 0",
}

_LOSSES = [
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "soft_margin_loss",
    "kl_div",
    "poisson_nll_loss",
    "hinge_embedding_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "multilabel_soft_margin_loss",
]

_BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "floor_divide",
    "remainder",
    "fmod",
    "pow",
    "maximum",
    "minimum",
    "fmax",
    "atan2",
    "hypot",
    "copysign",
    "bitwise_and",
    "bitwise_or",
    "bitwise_left_shift",
    "logical_and",
    "logical_xor",
    "eq",
    "lt",
    "isclose",
    "allclose",
    "xlogy",
    "logaddexp",
    "heaviside",
    "gcd",
    "nextafter",
    "ldexp",
]

_UNARY = [
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "tanh",
    "sigmoid",
    "abs",
    "neg",
    "sign",
    "floor",
    "round",
    "reciprocal",
    "square",
    "log1p",
    "erf",
    "lgamma",
    "digamma",
    "erfinv",
    "isnan",
    "relu",
    "bitwise_not",
    "logical_not",
]

_REDUCTIONS = [
    "sum",
    "mean",
    "prod",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "any",
    "all",
    "std",
    "var",
    "norm",
    "nansum",
    "nanmean",
    "median",
    "max",
    "min",
    "logsumexp",
]

_ONE_OPERAND = [
    "relu",
    "elu",
    "gelu",
    "silu",
    "softplus",
    "hardtanh",
    "hardswish",
    "logsigmoid",
    "softshrink",
    "glu",
    "dropout",
    "normalize",
]

_LAYERS = """Linear(2, 2)(m_@A)
    Conv2d(1, 1, 2)(x_@A)
    Conv1d(1, 1, 2)(t_@A)
    ConvTranspose2d(1, 1, 2)(x_@A)
    LSTM(2, 3)(m_@A)
    GRUCell(2, 3)(m_@A)
    Embedding(4, 3)(m_@A)
    EmbeddingBag(4, 3)(m_@A)
    LayerNorm(2)(m_@A)
    BatchNorm2d(1)(x_@A)
    GroupNorm(1, 2)(m_@A)
    PReLU()(m_@A)
    Dropout()(m_@A)
    MaxPool2d(2)(x_@A)
    AvgPool2d(2)(x_@A)
    Softmax(-1)(m_@A)"""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


TEMPLATES: dict[str, list[str]] = {
    "losses": [
        *(f"F.{loss}(m_@A, m_@B{more})" for loss in _LOSSES for more in ("", ", reduction='none'")),
        "nn.MSELoss()(m_@A, m_@B)",
        "nn.HuberLoss()(m_@A, m_@B)",
        "nn.KLDivLoss()(m_@A, m_@B)",
        "F.kl_div(m_@A, m_@B, log_target=True)",
        "F.gaussian_nll_loss(m_f32, m_@A, m_@B)",
        "F.cross_entropy(m_@A, m_@B)",
        "F.cross_entropy(m_@A, m_@B[0] * 0)",
        "F.nll_loss(m_@A, m_@B[0] * 0)",
        "F.cross_entropy(m_f32, torch.zeros(2, dtype=torch.int64), weight=m_@A[0])",
        "F.cosine_similarity(m_@A, m_@B)",
        "F.triplet_margin_loss(m_@A, m_@B, m_f32)",
    ],
    "operators": [
        *(
            f"m_@A {op} m_@B"
            for op in ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "<<", ">>", "<", "=="]
        ),
        *(
            f"m_@A {op} {number}"
            for op in ["+", "-", "*", "/", "//", "%", "**", "&", "<<", "<"]
            for number in (2, 2.5, True)
        ),
        *(
            f"c = m_@A.clone(); c {op}= m_@B"
            for op in ["+", "-", "*", "/", "//", "%", "**", "&", "|", "<<", ">>"]
        ),
        *(
            f"c = m_@A.clone(); c {op}= {number}"
            for op in ["+", "-", "*", "/", "//", "%", "**", "<<"]
            for number in (2, 2.5, True)
        ),
    ],
    "functions of two": [
        *(f"torch.{name}(m_@A, m_@B)" for name in _BINARY),
        *(f"torch.{name}(m_@A, 2)" for name in _BINARY),
        *(
            f"c = m_@A.clone(); c.{name}_(m_@B)"
            for name in ("sub", "div", "copysign", "atan2", "logical_and", "gcd")
        ),
    ],
    "functions of one": [
        *(f"torch.{name}(m_@A)" for name in (*_UNARY, *_REDUCTIONS[:-1])),
        *(f"c = m_@A.clone(); c.{name}_()" for name in _UNARY if name != "isnan"),
        *(f"F.{name}(m_@A)" for name in _ONE_OPERAND),
        *_lines("""torch.softmax(m_@A, 0)
        F.one_hot(v_@A, 3)
        torch.bincount(v_@A)
        F.max_pool2d(x_@A, 2)
        F.avg_pool2d(x_@A, 2)
        F.adaptive_avg_pool2d(x_@A, 1)
        torch.logit(m_@A)
        torch.bernoulli(m_@A)
        torch.multinomial(m_@A, 1)
        torch.linalg.qr(m_@A)
        torch.linalg.norm(m_@A)
        torch.quantile(m_@A, 0.5)
        torch.cov(m_@A)
        torch.relu(m_@A, out=torch.ones(2, 2))
        nn.init.normal_(m_@A.clone())
        nn.Parameter(m_@A)
        [1, 2, 3][z_@A]"""),
        *(f"nn.{layer}" for layer in _lines(_LAYERS)),
    ],
    "dtypes that are named": [
        *(f"torch.{name}(m_@A, 0, out=torch.empty(2, dtype=z_@B.dtype))" for name in _REDUCTIONS[:13]),
        *(
            f"torch.{name}(m_@A, 0, dtype=z_@B.dtype)"
            for name in ("sum", "mean", "prod", "cumsum", "softmax")
        ),
        *(
            f"torch.{name}(m_@A, m_@A, out=torch.empty(2, 2, dtype=z_@B.dtype))"
            for name in ("add", "sub", "div", "maximum", "pow", "matmul", "atan2", "eq", "bitwise_and")
        ),
        *(
            f"torch.{name}(m_@A, out=torch.empty(2, 2, dtype=z_@B.dtype))"
            for name in (
                "abs",
                "exp",
                "sign",
                "floor",
                "bernoulli",
                "deg2rad",
                "isnan",
                "logical_not",
                "tril",
            )
        ),
        *_lines("""c = m_@A.clone(); c.cumsum_(0, dtype=z_@B.dtype)
        torch.max(m_@A, 0, out=(torch.empty(2, dtype=z_@B.dtype), torch.empty(2, dtype=torch.int64)))
        torch.argsort(m_@A, out=torch.empty(2, 2, dtype=z_@B.dtype))
        torch.where(m_b, m_@A, m_@A, out=torch.empty(2, 2, dtype=z_@B.dtype))
        torch.gather(m_@A, 0, m_i64 * 0, out=torch.empty(2, 2, dtype=z_@B.dtype))
        torch.cat([m_@A, m_@A], out=torch.empty(4, 2, dtype=z_@B.dtype))
        torch.linspace(0, 1, 3, dtype=z_@A.dtype)
        torch.arange(0.5, 3.5, dtype=z_@A.dtype)"""),
    ],
    "matrices and layers": _lines("""torch.mm(m_@A, m_@B)
        torch.mm(e_@A, e_@B)
        torch.matmul(m_@A, v_@B[:2])
        torch.dot(v_@A, v_@B)
        torch.outer(v_@A, v_@B)
        torch.bmm(m_@A[None], m_@B[None])
        torch.addmm(m_f32, m_@A, m_@B)
        torch.addmm(m_@A, m_@B, m_f32)
        torch.addcmul(m_f32, m_@A, m_@B)
        torch.addcdiv(m_f32, m_@A, m_@B)
        torch.lerp(m_@A, m_@B, 0.5)
        torch.einsum('ij,jk->ik', m_@A, m_@B)
        torch.tensordot(m_@A, m_@B, 1)
        torch.cdist(m_@A, m_@B)
        torch.linalg.cross(v_@A, v_@B)
        torch.linalg.solve(torch.eye(2, dtype=m_@A.dtype), m_@B)
        F.linear(m_@A, m_@B)
        F.linear(m_@A, m_@A, v_@B[:2])
        F.conv1d(t_@A, t_@B[..., :2])
        F.conv2d(x_@A, w_@B)
        F.conv2d(x_@A, w_@A, v_@B[:1])
        F.conv_transpose2d(x_@A, w_@B)
        F.layer_norm(m_@A, (2,), m_@B[0])
        F.batch_norm(m_@A, m_@B[0] * 0, m_@B[0])
        F.group_norm(m_@A, 1, m_@B[0], m_@B[0])
        F.prelu(m_@A, m_@B[0, :1])
        F.scaled_dot_product_attention(m_@A[None], m_@B[None], m_@B[None])
        F.scaled_dot_product_attention(m_@A[None], m_@A[None], m_@A[None], attn_mask=m_@B)
        F.grid_sample(x_@A, torch.zeros(1, 2, 2, 2, dtype=m_@B.dtype))
        F.embedding(m_@A * 0, m_@B)"""),
    "places": _lines("""torch.where(m_b, m_@A, m_@B)
        torch.where(m_@A, m_@B, m_@B)
        torch.clamp(m_@A, m_@B, m_@B)
        torch.cat([m_@A, m_@B])
        m_f32.masked_fill(m_@A, z_@B)
        m_@A.masked_fill(m_b, z_@B)
        m_@A.masked_select(m_@B)
        m_@A.masked_scatter(m_b, m_@B)
        m_@A[m_@B * 0]
        m_@A.gather(0, m_@B * 0)
        m_@A.scatter(0, m_i64 * 0, m_@B)
        m_@A.scatter(0, m_@B * 0, 2.5)
        m_@A.scatter_add(0, m_i64 * 0, m_@B)
        m_@A.scatter_add(0, m_@B * 0, m_@A)
        c = m_@A.clone(); c.scatter_add_(0, m_i64 * 0, m_@B)
        m_@A.scatter_reduce(0, m_i64 * 0, m_@B, 'amax')
        m_@A.index_select(0, m_@B[0] * 0)
        m_@A.index_add(0, m_i64[0] * 0, m_@B)
        m_@A.index_copy(0, m_i64[0] * 0, m_@B)
        m_@A.index_fill(0, m_@B[0] * 0, 2.5)
        m_@A.index_put((m_i64[0] * 0,), m_@B)
        m_@A.take(m_@B * 0)
        c = m_@A.clone(); c[0] = m_@B[0]
        c = m_@A.clone(); c[m_@B * 0] = 1
        c = m_@A.clone(); c[m_i64[0] * 0] = m_@B
        c = m_@A.clone(); c.copy_(m_@B)
        torch.isin(m_@A, m_@B)
        torch.bincount(v_@A, v_@B)
        torch.repeat_interleave(v_@A, v_@B)
        torch.complex(m_@A, m_@B)
        torch.searchsorted(v_@A, m_@B)"""),
}


def cases(group: str) -> list[str]:
    """The calls of a group for every dtype, and for every pair where both placeholders occur."""
    found: dict[str, None] = {}
    for template in TEMPLATES[group]:
        for first, second in itertools.product(DTYPES, repeat=2):
            found[template.replace("@A", first).replace("@B", second)] = None
    return list(found)
