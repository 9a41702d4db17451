"""The names of torch that are understood without shapes, by what they do."""

from __future__ import annotations

UNARY = frozenset(
    {
        *(
            "abs",
            "acos",
            "acosh",
            "asin",
            "asinh",
            "atan",
            "atanh",
            "cos",
            "cosh",
            "erf",
            "exp",
            "exp2",
            "expm1",
        ),
        *(
            "log",
            "log10",
            "log1p",
            "log2",
            "logsigmoid",
            "neg",
            "reciprocal",
            "relu",
            "rsqrt",
            "sigmoid",
            "silu",
        ),
        *("sin", "sinh", "sqrt", "square", "tan", "tanh"),
    }
)
"""Functions and methods that are an op of the same name with one operand."""

BINARY = {
    "add": "add",
    "sub": "sub",
    "subtract": "sub",
    "mul": "mul",
    "multiply": "mul",
    "div": "div",
    "divide": "div",
    "true_divide": "div",
    "maximum": "maximum",
    "minimum": "minimum",
    "max": "maximum",
    "min": "minimum",
    "hypot": "hypot",
    "logaddexp": "logaddexp",
}
"""Functions and methods of two operands, which may be numbers."""

REDUCTIONS = {
    "sum": "sum",
    "mean": "mean",
    "amax": "amax",
    "amin": "amin",
    "max": "amax",
    "min": "amin",
    "logsumexp": "logsumexp",
    "std": "std",
    "var": "var",
    "norm": "vector_norm",
}
"""Reductions, over whatever dimensions: the result meets the elements it was made of."""

SAME = frozenset(
    {
        *(
            "Variable",
            "astype",
            "contiguous",
            "clone",
            "cpu",
            "cuda",
            "data",
            "detach",
            "diag",
            "expand",
            "expand_as",
            "flatten",
        ),
        *(
            "float",
            "gather",
            "index_select",
            "masked_select",
            "narrow",
            "permute",
            "repeat",
            "requires_grad_",
            "reshape",
            "select",
        ),
        *(
            "squeeze",
            "t",
            "to",
            "transpose",
            "type",
            "type_as",
            "unsqueeze",
            "view",
            "view_as",
            "diagonal",
            "take",
        ),
    }
)
"""Functions, methods and attributes that hand on the same numbers."""

COMPARISONS = frozenset({"eq", "ge", "gt", "le", "lt", "ne"})
"""Functions and methods whose results are 0 and 1."""

MAKING = frozenset({"FloatTensor", "Tensor", "as_tensor", "from_numpy", "istft", "stft", "tensor"})
"""What makes a tensor of anything."""

PRODUCTS = frozenset(
    {
        *(
            "addmm",
            "baddbmm",
            "bmm",
            "conv1d",
            "conv2d",
            "conv3d",
            "dot",
            "einsum",
            "embedding",
            "linear",
            "matmul",
        ),
        *("mm", "mv", "conv_transpose2d", "bilinear"),
    }
)
"""What sums products of numbers that may be anything."""

LAYERS = {
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "ReLU": "relu",
    "SiLU": "silu",
    "LogSigmoid": "logsigmoid",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Softplus": "softplus",
    "CosineSimilarity": "cosine_similarity",
}
"""Layers that are an op."""

HANDING_ON = frozenset({"Dropout", "Dropout2d", "Identity", "Flatten", "Unflatten", "MaxPool2d", "Upsample"})

NETWORK = frozenset(
    {
        *(
            "Linear",
            "Conv1d",
            "Conv2d",
            "Conv3d",
            "ConvTranspose2d",
            "Bilinear",
            "BatchNorm1d",
            "BatchNorm2d",
        ),
        *(
            "LayerNorm",
            "GroupNorm",
            "LSTM",
            "GRU",
            "RNN",
            "LSTMCell",
            "GRUCell",
            "RNNCell",
            "MultiheadAttention",
        ),
        *("Embedding", "LeakyReLU", "ELU", "GELU", "PReLU", "Parameter"),
    }
)
"""Layers whose outputs may be any number."""

LOSSES = frozenset(
    {
        *("BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "L1Loss", "MSELoss", "NLLLoss"),
        *("SmoothL1Loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy"),
        *("huber_loss", "l1_loss", "mse_loss", "nll_loss", "smooth_l1_loss"),
    }
)
"""Functions and layers that judge a network's output; none of them gives a negative number."""

MOVES = frozenset({"apply", "cpu", "cuda", "eval", "float", "requires_grad_", "to", "train"})
"""Methods of modules that return the module."""

WRAPPERS = frozenset(
    {"DataParallel", "DistributedDataParallel", "compile", "script", "weight_norm", "spectral_norm"}
)
"""What takes a module and returns one that computes the same."""
