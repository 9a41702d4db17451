"""Random programs of torch: a few lines of any ops over one to three inputs, with shared values and all kinds of boxes.

A line is drawn from a table and kept if torch runs it, so that shapes need no rules of their own here. Lines that the
capture does not follow stay: what is unknown has to be handled too.
"""

from __future__ import annotations

import math
import random

import torch
import torch.nn.functional as F
from torch import Tensor

Ends = tuple[Tensor, Tensor]

ONE = """
torch.relu({a})  torch.tanh({a})  torch.exp({a})  torch.sin({a} * 7)  torch.cos({a})  F.gelu({a})
F.gelu({a}, approximate='tanh')  F.silu({a})  F.mish({a})  F.elu({a}, 0.3)  F.selu({a})
F.softplus({a}, 3.0, 5.0)  F.leaky_relu({a}, -0.5)  F.leaky_relu({a}, 1.5)  F.hardswish({a})  F.relu6({a})
F.softsign({a})  F.softshrink({a}, 0.4)  F.hardshrink({a}, 0.4)  F.logsigmoid({a})
F.threshold({a}, 0.1, -0.5)  {a}.abs()  {a}**2  {a}**3  torch.atan({a})  torch.asinh({a})  torch.sinh({a})
torch.erf({a})  torch.expm1({a})  {a}.abs().sqrt()  ({a}**2 + 1e-6).rsqrt()  ({a}.abs() + 0.5).log()
torch.log1p({a}.abs())  1 / ({a}.abs() + 0.3)  ({a}.abs() + 0.2)**-0.5  ({a}.abs() + 0.2)**1.7
{a}.abs()**0.3  {a}.clamp(-0.5, 0.8)  {a}.clamp(max=-0.1)  torch.floor({a})  torch.round({a})
torch.frac({a})  torch.sign({a})  torch.tan({a}.tanh())  torch.asin({a}.tanh())  torch.acos({a}.sin())
torch.atanh({a}.tanh() * 0.9)  torch.acosh(1 + {a}.abs())  {a} * 2.5  1 - {a}  {a} / 3  {a} * 1e-20
{a} * 1e15  {a} - 1e6  {a}.half().float()  {a}.int().float()  ({a} > 0).float()
torch.xlogy({a}.abs(), {a}.abs() + 0.1)
"""

TWO = """
{a} + {b}  {a} - {b}  {a} * {b}  {a} * {b}  {a} / ({b}.abs() + 0.5)  {a} / {b}  torch.maximum({a}, {b})
torch.minimum({a}, {b})  torch.atan2({a}, {b})  torch.hypot({a}, {b})  torch.logaddexp({a}, {b})
torch.where({a} > 0, {a}, {b})  torch.where({a} > {b}, {a}, {b})  torch.lerp({a}, {b}, 1.4)
torch.addcmul({a}, {a}, {b}, value=0.5)  ({a}.abs() + 0.1)**{b}.tanh()  {a} @ {b}
torch.sub({a}, {b}, alpha=2)  torch.remainder({a}, {b}.abs() + 0.5)  {a} @ {b}.transpose(-1, -2)
F.mse_loss({a}, {b})  torch.einsum('...i,...i->...', {a}, {b})  torch.cat([{a}, {b}], {d})
torch.stack([{a}, {b}], {d})  torch.outer({a}.flatten()[:3], {b}.flatten()[:2])
F.kl_div({a}.log_softmax(-1), {b}.softmax(-1))  F.cosine_similarity({a}, {b}, dim=-1)
{a}.masked_fill({b} > 0.3, -1.0)  torch.clamp({a}, {b} - 0.5, {b} + 0.5)
torch.floor_divide({a}, {b}.abs() + 0.5)
F.binary_cross_entropy_with_logits({a}, {b}.sigmoid(), reduction='none')
"""

ALONG = """
{a}.sum({d})  {a}.mean({d})  {a}.amax({d})  {a}.max({d}).values  {a}.var({d}, unbiased=False)  {a}.std()
{a}.prod({d})  torch.logsumexp({a}, {d})  {a}.norm(dim={d})  {a}.norm(p=1, dim={d})  torch.softmax({a}, {d})
F.log_softmax({a}, {d})  torch.cumsum({a}, {d})  torch.cumprod({a}, {d})  torch.logcumsumexp({a}, {d})
F.normalize({a}, dim={d})  F.normalize({a}, p=1, dim={d})  {a}.flip({d})  {a}.sort({d}).values
{a}.topk(1, {d}).values  {a}.median({d}).values  {a} - {a}.mean({d}, keepdim=True)  {a}.argmax({d}).float()
{a}.unsqueeze({d})  {a}.squeeze()  torch.roll({a}, 1, {d})  torch.diff({a}, dim={d})  {a}.select({d}, 0)
{a}.chunk(2, {d})[0]  torch.repeat_interleave({a}, 2, {d})  F.layer_norm({a}, {a}.shape[-1:])
F.layer_norm({a}, {a}.shape[-1:], eps=1e-12)  F.rms_norm({a}, {a}.shape[-1:])
-({a}.softmax({d}) * {a}.log_softmax({d})).sum({d})  torch.trapezoid({a}, dim={d})
"""

SHAPES = """
{a}.flatten()  {a}.t()  {a}.transpose(-1, -2)  {a}[..., 0]  {a}[..., ::2]  {a}[:, None]
{a}.expand(2, *{a}.shape)  torch.tril({a})  torch.diagonal({a}, dim1=-2, dim2=-1)  torch.diag_embed({a})
F.pad({a}, (1, 0), value=0.5)  F.pad({a}, (1, 1), mode='reflect')  {a}[..., [0, -1]]  {a}.tile(2)
{a}.flatten()[:8].reshape(1, 2, 2, 2)  {a}.flatten()[:8].reshape(1, 2, 4)  {a}.flatten()[:6].reshape(3, 2)
"""

SIGNALS = """
F.max_pool1d({a}, 3, 2, 1)  F.avg_pool1d({a}, 2, 1, 1)  F.interpolate({a}, scale_factor=2, mode='linear')
F.group_norm({a}, 1)  F.group_norm({a}, 2)  F.instance_norm({a})  F.adaptive_max_pool1d({a}, 2)
"""

PICTURES = """
F.max_pool2d({a}, 2, 1)  F.max_pool2d({a}, 2, 1, 1, 2)  F.avg_pool2d({a}, 2, 1, 1, count_include_pad=False)
F.interpolate({a}, size=(3, 3), mode='bilinear', align_corners=True)
F.interpolate({a}, size=(3, 3), mode='bicubic')  F.group_norm({a}, 2)  F.unfold({a}, 2)
{a}.to(memory_format=torch.channels_last)  F.adaptive_avg_pool2d({a}, (1, 2))
"""


def _table(text: str) -> list[str]:
    """Entries stand two spaces apart."""
    return [entry for line in text.split("\n") for entry in line.split("  ") if entry]


TABLES = [_table(text) for text in (ONE, TWO, ALONG, SHAPES)]
BY_RANK = {3: _table(SIGNALS), 4: _table(PICTURES)}

INPUTS = [(3,), (2, 3), (1, 4), (2, 2), (1, 2, 4), (1, 2, 3, 3), (1,), (2, 3, 2), (), (8,)]

MOST = 36
"""Elements of a value: enough for shapes to matter, and few enough for exact arithmetic on each."""

BOXES = [
    "point",
    "1e-12",
    "1e-7",
    "1e-3",
    "0.1",
    "1.0",
    "1e3",
    "1e30",
    "subnormal",
    "kink",
    "positive",
    "ray",
]


class Program:
    """Lines `v0 = ...`, `v1 = ...` over inputs `x0`, ... and weights `w0`, ..., all float32."""

    def __init__(self, seed: int, length: int) -> None:
        self.source = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.inputs = {f"x{k}": self.source.choice(INPUTS) for k in range(self.source.choice((1, 1, 2, 3)))}
        self.weights: dict[str, Tensor] = {}
        self.lines: dict[str, str] = {}
        self.values = {name: self._normal(*shape) for name, shape in self.inputs.items()}
        for _ in range(30 * length):
            if len(self.lines) < length:
                self._extend()

    def text(self) -> str:
        """The program as a claim, whose assignments the capture observes."""
        weights = [f"{name} = torch.tensor({w.tolist()})" for name, w in self.weights.items()]
        domains = ", ".join(f"{name}=tl.box(-1.0, 1.0, shape={shape})" for name, shape in self.inputs.items())
        head = ["import torch", "import torch.nn.functional as F", "import torchlean as tl", *weights]
        body = [f"    {name} = {line}" for name, line in self.lines.items()]
        claim = [f"@tl.claim({domains})", f"def program({', '.join(self.inputs)}):", *body]
        return "\n".join([*head, *claim, f"    return {next(reversed(self.lines))}.sum() == 0.0", ""])

    def run(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """What torch computes on every line."""
        names = {"torch": torch, "F": F, **self.weights, **inputs}
        for name, line in self.lines.items():
            names[name] = eval(line, names)
        return {name: names[name] for name in self.lines}

    def box(self, kind: str) -> dict[str, Ends]:
        """Float32 ends for every input; some inputs are of another kind."""
        ends = {}
        for name, shape in self.inputs.items():
            chosen = kind if self.source.random() < 0.8 else self.source.choice(BOXES)
            ends[name] = self._ends(chosen, shape)
        return ends

    def points(self, box: dict[str, Ends], count: int) -> list[dict[str, Tensor]]:
        """The extreme corners, random corners and random points."""
        found = []
        for index in range(count):
            point = {}
            for name, (low, high) in box.items():
                share = torch.rand(low.shape, generator=self.generator)
                share = torch.full_like(share, index) if index < 2 else share.round() if index % 2 else share
                top = torch.where(torch.isinf(high), low.abs() + 10.0 ** self.source.randint(0, 20), high)
                inner = torch.where(share == 0, low, torch.where(share == 1, top, low + (top - low) * share))
                point[name] = torch.minimum(torch.maximum(inner, low), high)
            found.append(point)
        return found

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def _ends(self, kind: str, shape: tuple[int, ...]) -> Ends:
        centre, share = self._normal(*shape), torch.rand(shape, generator=self.generator)
        if kind == "point":
            return centre, centre
        if kind == "subnormal":
            return -1e-41 * share.round(), share * 1e-41
        if kind == "kink":
            places, width = centre.round(), 10.0 ** self.source.randint(-8, 0)
            return places - width * share.round(), places + width
        if kind == "positive":
            return torch.zeros(shape), share
        if kind == "ray":
            return centre, torch.where(share < 0.3, math.inf, centre + 1.0)
        offset = self.source.choice((0.0, 0.0, 1.0, 100.0))
        return centre + offset - float(kind) * share, centre + offset + float(kind) * share

    def _extend(self) -> None:
        """Try one more line; weights of a line that torch refuses are forgotten."""
        names, known = list(self.values), dict(self.weights)
        recent = names[-6:]
        a = names[-1] if self.source.random() < 0.45 else self.source.choice(recent)
        b = self.source.choice(recent)
        line = self._line(a, b)
        try:
            value = eval(line, {"torch": torch, "F": F, **self.weights, **self.values})
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
            value = None
        if value is None or value.dtype != torch.float32 or not 0 < value.numel() <= MOST or value.dim() > 5:
            self.weights = known
            return
        name = f"v{len(self.lines)}"
        self.lines[name], self.values[name] = line, value

    def _line(self, a: str, b: str) -> str:
        x = self.values[a]
        if self.source.random() < 0.25:
            return self._layer(a, b)
        table = BY_RANK.get(x.dim()) if self.source.random() < 0.3 else None
        line = self.source.choice(table or self.source.choice(TABLES))
        return line.format(a=a, b=b, d=self.source.randrange(-1, max(x.dim(), 1)))

    def _layer(self, a: str, b: str) -> str:
        shape, width = self.values[a].shape, self.values[a].shape[-1] if self.values[a].shape else 1
        out, size, channels = (
            self.source.randint(1, 4),
            self.source.randint(1, 3),
            shape[1] if len(shape) > 1 else 1,
        )
        if len(shape) in (3, 4) and self.source.random() < 0.7:
            rank, groups = len(shape) - 2, self.source.choice((1, channels))
            step, edge, apart = (self.source.choice(choice) for choice in ((1, 1, 2), (0, 1, 2), (1, 1, 2)))
            if self.source.random() < 0.3:
                weight = self._weight(channels, out, *[size] * rank)
                return f"F.conv_transpose{rank}d({a}, {weight}, None, {step}, {min(edge, 1)}, 0, {groups}, {apart})"
            weight, bias = (
                self._weight(groups * out, channels // groups, *[size] * rank),
                self._weight(groups * out),
            )
            return f"F.conv{rank}d({a}, {weight}, {bias}, {step}, {edge}, {apart}, {groups})"
        dense = f"F.linear({a}, {self._weight(out, width)}, {self._weight(out)})"
        if self.source.random() < 0.5:
            return dense
        q, k, v = (f"F.linear({a}, {self._weight(2, width)})" for _ in range(3))
        return self.source.choice(
            [
                f"torch.softmax({q} @ ({k}).transpose(-1, -2) / 2**0.5, -1) @ {v}",
                f"F.scaled_dot_product_attention({a}, {a}, {b})",
                f"torch.sigmoid({q}) * torch.tanh({k}) + (1 - torch.sigmoid({q})) * {v}",
                f"F.prelu({a}, {self._weight(self.source.choice((1, channels)))})",
                f"F.layer_norm({a}, ({width},), {self._weight(width)}, {self._weight(width)})",
                f"{self._weight(out, shape[-2] if len(shape) > 1 else 1)} @ {a}",
                f"F.bilinear({a}, {b}, {self._weight(out, width, width)})",
            ]
        )

    def _weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        scale = self.source.choice((1.0, 1.0, 0.3, 3.0, 1e-3, 100.0))
        self.weights[name] = self._normal(*shape) * scale
        return name
