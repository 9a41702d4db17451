"""The Lean file of a certificate: self-contained, for a person to open and audit, and for the kernel to check.

It states the model (its integers), the noise, the box and the property as definitions, and one theorem about them. What
a certificate adds to that, the plan, stands apart: nothing of it need be believed. Comments never quote the user's
text, since some words (such as those for axioms) may stand nowhere in a certificate.

The section is noncomputable because nothing in it is ever run: compiling the definitions would take half the time that
Lean spends on reading them. A large plan is proved in parts (`parts`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from torchlean.certificate import lean_terms as terms
from torchlean.certificate.network import Both, Formula, Linear, Literal, Network, Proof, Statement
from torchlean.certificate.parts import Joined, Parts, parts, small

NAMESPACE = "TorchLean.Certificate"

MODULES = ("TorchLean.Check", "TorchLean.Parts")
"""What a certificate imports: the checker, and the theorem that it is sound."""

CONVOLUTIONS = "TorchLean.Layers"
"""What it imports as well where it states convolutions."""

EXECUTIONS = "TorchLean.Bridge"
"""What it imports as well where it speaks of binary32 executions."""

PROOFS = "/-! ## Proofs -/"
"""The line after which only theorems stand."""

SHOWN_ELEMENTS = 64
"""Elements of the input whose box is written out in the header; larger boxes can be read off the definition."""

SHOWN_LITERALS = 64
"""Inequalities that the header writes out."""


@dataclass(frozen=True, slots=True)
class Title:
    """What the header says of the certificate's origin.

    Attributes:
        claim: the claim's name, a Python identifier (`safe[3]` for members of a family).
        weights: SHA-256 of the model's numbers, in hexadecimal digits.
        graph: digest of the claim's graph with its weights and domain, in hexadecimal digits.
        noisy: whether the noise covers the rounding of executions, rather than speaking of real arithmetic.
    """

    claim: str
    weights: str
    graph: str
    noisy: bool


def theorem_name(claim: str) -> str:
    """The full name of a claim's theorem: different for different claims, and an identifier of Lean whatever the
    claim's.

    Letters and digits stay; every other character (underscores too) becomes its code between underscores, so that no
    two names meet. The prefix keeps it from being a keyword.
    """
    safe = re.sub(r"[^A-Za-z0-9_]|_(?=x[0-9a-f]+_)", lambda match: f"_x{ord(match[0]):x}_", claim)
    return f"{NAMESPACE}.claim_{safe}"


def main_theorem(statement: Statement) -> str:
    """Below that name, the one that says most: of all executions, where the certificate speaks of them."""
    return "executed" if statement.network.roles else "holds"


def source(statement: Statement, proof: Proof, title: Title) -> str:
    """The whole file."""
    network, name = statement.network, theorem_name(title.claim)
    order = range(len(network.nodes) - 1, -1, -1)
    noise = ",\n    ".join(terms.naturals(network.noise[index]) for index in order)
    bits = ", ".join(str(proof.bits[index]) for index in order)
    modules = (
        *MODULES,
        *([CONVOLUTIONS] if network.layered else []),
        *([EXECUTIONS] if network.roles else []),
    )
    imports = "\n".join(f"public import {module}" for module in modules)
    return f"""module

prelude
{imports}

/-!
{_header(statement, title)}
-/

public noncomputable section

namespace {name}

{_network(network, proof)}

/-- How far each element of a node may be from the node's exact result, in units of 2^-{network.grid}. -/
@[expose] def noise : Noise := [
    {noise}]

/-- The inputs, in units of 2^-{network.grid}. -/
@[expose] def box : Box := {terms.box(statement.box)}

/-- The property: of the elements of the output. -/
@[expose] def goal : Formula := {terms.formula(statement.goal)}

/-- Where to look closer, and where to split. Nothing of it is believed. -/
@[expose] def plan : Plan := {terms.plan(proof.plan, network)}

/-- Bits of the weights. Checked. -/
@[expose] def bits : Bits := [{bits}]
{_roles(network)}
{PROOFS}

{_proofs(statement, proof)}{_executed(statement, proof)}
end {name}
"""


def _network(network: Network, proof: Proof) -> str:
    term = terms.layer if network.layered else terms.node
    order = range(len(network.nodes) - 1, -1, -1)
    stated = ",\n    ".join(term(network, index, proof.widths[index]) for index in order)
    fields = "output first; each number stands in a field of hexadecimal digits, the first one rightmost."
    if not network.layered:
        return f"/-- The network, {fields} -/\n@[expose] def network : List Node := [\n    {stated}]"
    return f"""/-- The network's layers, {fields}
Weights of a kernel stand in row-major order of its axes. -/
@[expose] def layers : List Layer := [
    {stated}]

/-- The network. -/
@[expose] def network : List Node := networkOf layers"""


def _roles(network: Network) -> str:
    if not network.roles:
        return ""
    roles = ", ".join(f".{role.value}" for role in reversed(network.roles))
    return f"""
/-- What the nodes are to an execution. -/
@[expose] def roles : List Role := [{roles}]
"""


def _executed(statement: Statement, proof: Proof) -> str:
    """The theorem that says most, where the network has roles."""
    network = statement.network
    if not network.roles:
        return ""
    formed = "(formed_of_check checked)" if small(network, proof.plan) else "formed"
    fits = f"executionFits {network.grid} {{}} roles noise bits box"
    return f"""
/-- Whatever binary32 numbers in the box an execution starts from, in whatever order it sums, with or without fused
multiply-adds: all its numbers are finite, and the output has the property. -/
theorem executed : Executions Float32.binary32 {network.grid} network roles box goal :=
  executions_satisfy (bits := bits) holds {formed} ({_evaluated(network, fits)})
"""


def _evaluated(network: Network, test: str) -> str:
    """A proof that a test of the network, which stands for `{}` in it, is true."""
    if not network.layered:
        return "by decide +kernel"
    return f"of_evaluated layers (fun network => {test.format('network')}) (by decide +kernel)"


def _theorem(text: str, name: str, statement: str, reason: str) -> str:
    layout = (
        reason.replace("by decide", " by\n  decide", 1) if reason.startswith("by decide") else f"\n  {reason}"
    )
    return f"/-- {text} -/\ntheorem {name} :{statement} :={layout}\n"


def _proofs(statement: Statement, proof: Proof) -> str:
    """One theorem about the whole plan, or one about each part and what follows from them."""
    network, grid = statement.network, statement.network.grid
    params = f"⟨{grid}, {proof.params.slopes}, {proof.params.places}⟩"
    theorems: list[str] = []

    def proved(found: Parts) -> str:
        if isinstance(found, Joined):
            return f"(both {_branch(found)} {proved(found.low)} {proved(found.high)})"
        test = f"checkAt {params} {{}} noise bits box goal plan {_branch(found)}"
        text, stated = "What stands below a branch of the plan.", f"\n    {test.format('network')} = true"
        theorems.append(_theorem(text, f"part_{len(theorems)}", stated, _evaluated(network, test)))
        return f"part_{len(theorems) - 1}"

    if small(network, proof.plan):
        test, text = f"check {params} {{}} noise bits box goal plan", "The checker accepts the plan."
        theorems.append(
            _theorem(text, "checked", f" {test.format('network')} = true", _evaluated(network, test))
        )
        reason = "check_sound checked"
    else:
        whole = proved(parts(network, proof.plan))
        test, text = "wellFormed {} bits", "The matrices keep to their fields."
        theorems.append(
            _theorem(text, "formed", f" {test.format('network')} = true", _evaluated(network, test))
        )
        reason = f"check_parts_sound (P := {params}) (plan := plan) formed\n    {whole}"
    text = "Whatever the network computes on the box, within the noise, has the property."
    theorems.append(_theorem(text, "holds", f" Claim {grid} network noise box goal", reason))
    if network.layered:
        text = "Matrices of convolutions are what their kernels state: `layersFit_eval`."
        theorems.append(_theorem(text, "fits", " layersFit layers = true", "by decide +kernel"))
    return "\n".join(theorems)


def _branch(found: Parts) -> str:
    return "[" + ", ".join("true" if side else "false" for side in found.branch) + "]"


def _header(statement: Statement, title: Title) -> str:
    network = statement.network
    shape = " -> ".join(
        str(size)
        for size, node in zip(network.sizes[1:], network.nodes, strict=True)
        if isinstance(node, Linear)
    )
    lines = [
        f"# Certificate of the claim `{theorem_name(title.claim).removeprefix(NAMESPACE + '.')}`",
        "",
        f"Model: {network.weights:,} numbers in matrices {network.sizes[0]} -> {shape};",
        f"SHA-256 of its weights {title.weights},",
        f"digest of graph, weights and domain {title.graph}.",
        "",
        *_speaks_of(statement, title.noisy),
        "",
        "For all inputs x with",
        *_box_lines(statement),
        "the output y satisfies",
        *_goal_lines(statement.goal),
    ]
    return "\n".join(lines)


def _speaks_of(statement: Statement, noisy: bool) -> Sequence[str]:
    if statement.network.roles:
        return (
            "It speaks of every binary32 execution, in any order of summation and with any use of fused multiply-adds",
            "(theorem `executed`), by way of every run within the noise below (theorem `holds`).",
        )
    if noisy:
        return (
            "It speaks of every run in which each step's result is within its noise of the exact result on what was",
            "computed before. That executions are such runs is not proved here: the noise was computed by TorchLean.",
        )
    if any(any(e) for e in statement.network.noise):
        return (
            "It speaks of real arithmetic; the noise below covers constants of the program that are no multiples of",
            "a power of two.",
        )
    return ("It speaks of real arithmetic: there is no noise.",)


def _box_lines(statement: Statement) -> Sequence[str]:
    unit = 1 << statement.network.grid
    if len(statement.box) > SHOWN_ELEMENTS:
        return (
            f"  its {len(statement.box)} elements in the intervals of `box` (units of 2^-{statement.network.grid}),",
        )
    return [
        f"  {_decimal(Fraction(low, unit))} <= x[{place}] <= {_decimal(Fraction(high, unit))},"
        for place, (low, high) in enumerate(statement.box)
    ]


def _decimal(number: Fraction) -> str:
    """Exactly, where that is short; otherwise the nearest float64 with a mark, or a power of two beyond those."""
    if abs(number) > sys.float_info.max:
        return f"about {'-' if number < 0 else ''}2^{int(abs(number)).bit_length() - 1}"
    value = float(number)
    return f"{value!r}" if Fraction(value) == number and len(repr(value)) < 20 else f"about {value:.9g}"


def _goal_lines(goal: Formula) -> Sequence[str]:
    text = _formula(goal)
    return (f"  {text}." if text.count("y[") <= SHOWN_LITERALS else "  the formula `goal`.",)


def _formula(goal: Formula) -> str:
    if isinstance(goal, Literal):
        return f"y[{goal.element}] {'>' if goal.strict else '>='} 0"
    word = "and" if isinstance(goal, Both) else "or"
    return f"({_formula(goal.left)} {word} {_formula(goal.right)})"
