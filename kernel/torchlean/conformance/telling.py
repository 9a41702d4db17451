"""A comparison in words: the diagnostic where a program and its graph part, and the test that shows it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torchlean.conformance.result import LEAN, LEAN_BINARY32, Parting, UnitAgreement
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.literals import tensor_statement

CODE = "TL114"

_DIGITS = 8
"""Of the inputs' digest in a test's name: enough to tell those of a unit apart."""

EXECUTIONS = {
    "eager": "eager torch",
    "threads": "torch with several threads",
    "compiled": "torch.compile",
    "exported": "the exported program",
    "onnx": "onnxruntime on the ONNX export",
    "channels last": "torch on channels-last tensors",
    "float64": "torch in float64",
    "autocast bfloat16": "torch under autocast to bfloat16",
    "autocast float16": "torch under autocast to float16",
    "graph": "the graph by torch's kernels",
    "binary32": "the executable binary32",
    LEAN: "Lean's evaluation of the claim's network",
    LEAN_BINARY32: "Lean's binary32 on the claim's network",
}
"""Modes as a sentence names them."""


def parting_message(unit: UnitAgreement, parting: Parting) -> str:
    """What is wrong, by how much, why it matters, and what to do."""
    who = EXECUTIONS[parting.mode]
    where = f"from op `{parting.op}` on" if parting.located else "somewhere before this"
    return (
        f"{who} and TorchLean's graph of `{unit.name}` part {where}: what is compared is {parting.executed:.9g} as "
        f"executed, and {parting.expected:.9g} within {parting.bound:.3g} by the graph. What is said of the graph does "
        "not hold of this program; please report it with the inputs that show it"
    )


def diagnostics(unit: UnitAgreement) -> list[Diagnostic]:
    """An error for each mode that is outside of its bound."""
    return [
        diagnostic(CODE, parting.span or unit.span, parting_message(unit, parting))
        for parting in unit.partings
    ]


def as_test(unit: UnitAgreement, parting: Parting, path: Path) -> str:
    """A function for pytest, in a file beside the program, that fails as long as the two part on these inputs."""
    statements = [
        tensor_statement(name, value, parting.dtypes[name]) for name, value in parting.inputs.items()
    ]
    digest = hashlib.sha256("".join(statements).encode()).hexdigest()[:_DIGITS]
    name = "".join(letter if letter.isalnum() else "_" for letter in unit.name)
    inputs = ", ".join(f'"{name}": {name}' for name in parting.inputs)
    lines = [
        f"def test_{name}_agrees_with_its_graph_at_{digest}():",
        "    from pathlib import Path",
        "",
        "    import torch",
        "",
        "    from torchlean.conformance import partings_at",
        "",
        *(line for text in statements for line in text.splitlines()),
        f'    file = Path(__file__).with_name("{path.name}")',
        f'    assert partings_at(file, "{unit.name}", {{{inputs}}}, mode="{parting.mode}") == []',
    ]
    return "\n".join(lines) + "\n"
