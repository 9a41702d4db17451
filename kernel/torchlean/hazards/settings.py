"""Hazards that stand in the text and not in the graph: settings (TL220), the default dtype (TL221) and the epsilons of
torch's layers (TL217)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import torch

from torchlean.diagnostics import Diagnostic, Severity
from torchlean.hazards.colours import exchanged
from torchlean.hazards.detectors.epsilons import least_epsilon
from torchlean.hazards.repetition import module_numbers, number_of
from torchlean.hazards.reproducibility import varying
from torchlean.hazards.written import Written, called_name, dotted
from torchlean.ops import dtype_name

SWITCHES: dict[str, str] = {
    "allow_tf32": "matrix products and convolutions of float32 tensors are computed in TF32 on the GPU, whose "
    "numbers have 10 bits after the first instead of 23: relative errors of 1e-3 instead of 1e-7",
    "allow_fp16_reduced_precision_reduction": "sums inside float16 matrix products are rounded to float16 on the "
    "way, and overflow from 65504 on",
    "allow_bf16_reduced_precision_reduction": "sums inside bfloat16 matrix products are rounded to bfloat16 on the way",
}
"""Attributes of `torch.backends` that weaken the arithmetic where they are set to True."""

AUTOCAST = (
    "inside `autocast`, matrix products and convolutions are computed in float16 or bfloat16: relative errors of "
    "1e-3 to 1e-2, and in float16 overflow from 65504 on. Bounds and error bounds shown here hold for float32"
)

NORMALISATIONS = frozenset(
    {
        *("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d"),
        *("InstanceNorm3d", "LayerNorm", "RMSNorm", "SyncBatchNorm"),
        *("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"),
    }
)
"""Layers and functions with an `eps` that is added to a variance."""


def text_hazards(written: Written) -> list[Diagnostic]:
    """What the file's own statements say about the arithmetic."""
    return [
        *_settings(written),
        *_default_dtypes(written),
        *_epsilons(written),
        *varying(written),
        *exchanged(written),
    ]


def _settings(written: Written) -> Iterator[Diagnostic]:
    for node in written.syntax.of(ast.Assign, ast.Call):
        message = None
        if isinstance(node, ast.Assign):
            message = _of_assignment(node)
        elif isinstance(node, ast.Call):
            message = _of_call(node)
        if message is not None:
            assert isinstance(node, (ast.Assign, ast.Call))
            yield Diagnostic("TL220", Severity.HINT, written.module.span(node), message)


def _of_assignment(node: ast.Assign) -> str | None:
    """`torch.backends.cuda.matmul.allow_tf32 = True`."""
    for target in node.targets:
        if not isinstance(target, ast.Attribute) or "backends" not in dotted(target):
            continue
        if target.attr in SWITCHES and isinstance(node.value, ast.Constant) and node.value.value is True:
            return _with(SWITCHES[target.attr])
        if (
            target.attr == "fp32_precision"
            and isinstance(node.value, ast.Constant)
            and node.value.value == "tf32"
        ):
            return _with(SWITCHES["allow_tf32"])
    return None


def _with(effect: str) -> str:
    return f"with this setting {effect}. Leave it off where a result is to be trusted to float32"


def _of_call(node: ast.Call) -> str | None:
    name = called_name(node)
    first = node.args[0] if node.args else None
    value = first.value if isinstance(first, ast.Constant) else None
    if name == "set_flush_denormal" and value is True:
        return (
            "subnormal numbers are flushed to zero from here on: results between 1e-45 and 1.2e-38 become 0, "
            "differences of different small numbers may be 0, and x != y does not imply x - y != 0"
        )
    if name == "set_float32_matmul_precision" and value in ("high", "medium"):
        bits = (
            "TF32, with 10 bits after the first"
            if value == "high"
            else "bfloat16, with 7 bits after the first"
        )
        return (
            f"matrix products of float32 tensors are computed in {bits} where the hardware can: relative errors "
            f"above 1e-4"
        )
    if name == "autocast" and not _is_off(node):
        return AUTOCAST
    return None


def _default_dtypes(written: Written) -> Iterator[Diagnostic]:
    """`torch.set_default_dtype(torch.float64)`; float32 is the default anyway."""
    for node in written.calls:
        if called_name(node) != "set_default_dtype" or not node.args:
            continue
        name = dotted(node.args[0]).rpartition(".")[2]
        dtype = DEFAULTS.get(name)
        if dtype is not None and dtype != torch.float32:
            message = (
                f"from here on, tensors and layers that name no dtype are {dtype_name(dtype)}, and so are the inputs "
                f"of claims: verdicts are about {dtype_name(dtype)} executions, and say nothing of a program that "
                "loads the same weights in float32"
            )
            yield Diagnostic("TL221", Severity.HINT, written.module.span(node), message)


DEFAULTS = {
    "float64": torch.float64,
    "double": torch.float64,
    "float32": torch.float32,
    "float": torch.float32,
    "float16": torch.float16,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
}
"""Names of torch for the types that can be the default."""


def _is_off(node: ast.Call) -> bool:
    return any(
        keyword.arg == "enabled" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        for keyword in node.keywords
    )


def _epsilons(written: Written) -> Iterator[Diagnostic]:
    numbers = module_numbers(written.module.tree)
    least = least_epsilon(torch.float32)
    for node in written.calls:
        if called_name(node) not in NORMALISATIONS:
            continue
        for keyword in node.keywords:
            value = number_of(keyword.value, numbers) if keyword.arg == "eps" else None
            if value is not None and 0 <= value < least:
                message = (
                    f"eps={value:g} is too small for float32: equal numbers of size 1 have a computed variance of up "
                    f"to {least:.1e} by rounding, which the normalisation blows up to size one. The default is 1e-5"
                )
                yield Diagnostic("TL217", Severity.HINT, written.module.span(node), message)
