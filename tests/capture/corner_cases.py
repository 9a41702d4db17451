"""Where torch's ops do what one may not expect: a table of bodies of `def f(x)` that assign `result`.

Each group says in `law` what torch does; `docs/make_semantics.py` prints the table as docs/semantics.md. A body is one
expression, or statements parted by ` ; `. `REFUSED` lists what TorchLean does not follow, with a part of what it says.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

HALVES = torch.tensor([-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 3.0])
ZEROS = torch.tensor([-0.0, 0.0, -1.0, 1.0, -0.0])
DECIMALS = torch.tensor([-2.5, -1.5, 0.5, 2.5, 0.125, 0.15, 0.25, 0.35, 25.0, 35.0, -15.0, 1.005, 2.675])
DIVIDENDS = torch.tensor(
    [[-7.0, -6.0, -1.0, 0.0, 1.0, 6.0, 7.0, 5.0], [3.0, -3.0, 2.0, 5.0, -2.0, -4.0, 4.0, -3.0]]
)
IMAGE = (torch.arange(36.0) % 7 - 3).reshape(1, 1, 6, 6)
MATRIX = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
PIXELS = torch.tensor([[0.0, 1.0, 254.0], [255.0, 128.0, 7.0]])


@dataclass(frozen=True)
class Group:
    """Cases that share a law.

    Attributes:
        law: what torch does, as a sentence or two.
        x: the input of every case.
        start: statements before each body.
        bodies: the cases.
    """

    law: str
    x: Tensor
    bodies: str
    start: str = ""

    def cases(self) -> list[str]:
        """The bodies, one a line of the table."""
        return [line.strip() for line in self.bodies.strip().splitlines()]


GROUPS: dict[str, Group] = {
    "NaN": Group(
        "Passes through every op that computes with it, `relu`, `clamp`, `maximum`, `amax` and pooling among them; "
        "`fmax`, `fmin` and `nan_to_num` drop it; it is the largest number for `sort`, `topk` and `argmax`; every "
        "comparison with it is false but `!=`; `x ** 0` is 1.",
        HALVES,
        """torch.relu(p)
        p.clamp(-1, 1)
        p.clamp(min=0)
        p.clamp(min=float('nan'))
        p.max()
        p.min(0)[0]
        p.max(0)[1]
        p.argmin()
        torch.maximum(p, x)
        torch.minimum(x, p)
        torch.fmax(p, x)
        torch.fmin(x, p)
        torch.sort(p)[0]
        torch.sort(p)[1]
        torch.sort(p, descending=True)[0]
        torch.topk(p, 3)[0]
        p.kthvalue(2)[0]
        p.median()
        torch.where(p > 0, p, x)
        torch.where(torch.isnan(p), x, p)
        torch.nan_to_num(p, nan=3.0)
        F.leaky_relu(p)
        F.hardtanh(p)
        F.threshold(p, 0.5, 7.0)
        F.softshrink(p)
        torch.sign(p)
        p == p
        p != p
        (p < x) | (p >= x)
        p.bool()
        p.sum()
        p.cumsum(0)
        p.norm(float('inf'))
        F.max_pool1d(p[None], 2)
        F.avg_pool1d(p[None], 2)
        p ** 0
        torch.isclose(p, p)
        torch.isclose(p, p, equal_nan=True)
        torch.heaviside(p, x)
        p % 2
        p // 2
        F.softmax(p, 0)
        p.count_nonzero()""",
        start="p = torch.where(x > 1, x, x * 0 / (x * 0))",
    ),
    "signed zeros": Group(
        "The sign of a zero shows in `1 / x`: `relu`, `round`, `ceil` and products keep or make -0.0; comparisons and "
        "`sign` do not tell it from 0.0.",
        ZEROS,
        """torch.relu(x)
        1 / torch.relu(x)
        1 / x.clamp(min=0)
        torch.maximum(x, -x)
        1 / torch.minimum(x, -x)
        -x
        x * 0
        0 - x
        x + 0
        x + (-0.0)
        1 / x
        torch.sign(x)
        1 / torch.sign(x)
        1 / (x * 0.1).round()
        1 / x.ceil()
        1 / x.trunc()
        x.frac()
        torch.atan2(x, -x)
        x == 0
        1 / x.sort()[0]
        1 / F.max_pool1d(x[None], 2)
        1 / F.leaky_relu(x)
        1 / F.hardshrink(x)
        1 / torch.tanh(x)
        1 / torch.fmod(x, 2)
        1 / torch.remainder(x, 2)
        1 / (x // 2)
        1 / x.prod()
        torch.pow(x, 3)
        x ** -1
        x ** 0.5
        F.pad(x, (1, 1), value=-0.0)""",
    ),
    "division by zero": Group(
        "Of floats it is infinite or NaN, never an error; `x // 0.0` and `x % 0.0` likewise.",
        ZEROS,
        """x / 0
        x / x
        x // 0
        x % 0
        torch.fmod(x, 0)
        torch.div(x, 0, rounding_mode='trunc')
        torch.reciprocal(x)
        torch.rsqrt(x)
        torch.log(x)
        torch.xlogy(x, x)
        torch.nan_to_num(1 / x)
        torch.exp(-1 / x)
        F.normalize(x * 0, dim=0)
        x.long() / 0""",
    ),
    "division and remainder of integers": Group(
        "`/` gives floats; `//` and `%` round towards minus infinity, as in Python; `fmod` and `rounding_mode='trunc'` "
        "towards zero; zero as the divisor is an exception, except of floats.",
        DIVIDENDS,
        """a // b
        a % b
        torch.remainder(a, b)
        torch.fmod(a, b)
        torch.div(a, b, rounding_mode='trunc')
        torch.div(a, b, rounding_mode='floor')
        torch.floor_divide(a, b)
        a / b
        a // 3
        a // -3
        a % -3
        -7 // b
        -7 % b
        torch.fmod(a, -3)
        a.div(-2, rounding_mode='trunc')
        a // 2.0
        a % 2.5
        a // x[1].long()
        x.long() % 0
        x[0] // x[1]
        x[0] % x[1]
        torch.fmod(x[0], x[1])""",
        start="a, b = x[0].long(), torch.tensor([3, -3, 2, 5, -2, -4, 4, -3])",
    ),
    "rounding": Group(
        "`round` goes to the even neighbour from halfway; with `decimals` it multiplies, rounds and divides, in the "
        "tensor's own precision; conversion to integers cuts off.",
        DECIMALS,
        """x.round()
        x.round(decimals=1)
        x.round(decimals=2)
        x.round(decimals=-1)
        x.double().round(decimals=2)
        x.half().round(decimals=1)
        x.floor()
        x.ceil()
        x.trunc()
        x.frac()
        x.int()
        x.to(torch.int8)
        (x * 100).to(torch.int8)
        x.bool()
        x.half()
        x.bfloat16()
        (x * 1e6).half()
        torch.sign(x - 0.5)""",
    ),
    "whole numbers in narrow types": Group(
        "Results wrap round; a Python number wraps round first where the result is an integer too, so `x > -1` is "
        "false for uint8 (-1 is 255); a true division does not wrap; `clamp`, `masked_fill` and `pad` refuse numbers "
        "that do not fit.",
        PIXELS,
        """a * 200
        a + 300
        a - 1
        -a
        a > -1
        a == 300
        a.clamp(-2, 2)
        a.clamp(max=300)
        a / -1
        a / 300
        a / 255
        300 / a
        a % 300
        torch.where(a > 1, a, 300)
        a.masked_fill(a > 1, -1)
        a.masked_fill(a > 1, 300)
        F.pad(a, (1, 1), value=300)
        a.sum()
        a.prod()
        a.float().mean()
        a.max() - a.min()
        a * 2.5
        a.pow(2)
        (a - a.flip(0)).abs()
        torch.xlogy(a, 300)
        c * 200
        c.abs()
        c.clamp(-200, 200)
        c / -300
        F.interpolate(a[None, None].float(), size=4, mode='bilinear')""",
        start="a, c = x.to(torch.uint8), (x - 128).to(torch.int8)",
    ),
    "promotion": Group(
        "Tensors with dimensions decide before those without, and those before Python numbers; floating types before "
        "integers before bool; sums of small integers and of bools are int64.",
        MATRIX,
        """x.half() + x
        x.half() * 2.5
        x.half() + torch.tensor(1e5)
        x.half() * torch.tensor(2.0, dtype=torch.float64)
        x.bfloat16() + x.half()
        x.long() + x
        x.long() * 2.5
        x.long() + torch.tensor(2.5)
        x + torch.tensor(2.0, dtype=torch.float64)
        x[0, 0].double() * x[0]
        x[0, 0].double() * x[0, 1]
        x[0, 0].long() * x[0].half()
        x.bool() + 1
        x.bool() + x.bool()
        -x.bool()
        x.bool() - x.bool()
        x.to(torch.uint8) + x.to(torch.int8)
        torch.where(x > 0, x, 0)
        torch.where(x > 0, 1, 0)
        torch.where(x > 0, x.half(), x.double())
        torch.cat([x, x.double()])
        torch.stack([x.half(), x])
        torch.maximum(x, x.double())
        x.half().sum()
        x.bool().sum()
        x.int().sum()
        x.int().prod()
        x.long() ** 2.0
        2 ** x.long()
        torch.arange(3) / 2 * x
        torch.full((3,), 2) * x
        torch.full_like(x.long(), 2.7)
        torch.clamp(x.long(), 0, 2.5)
        torch.add(x.long(), x.long(), alpha=2.5)
        x == x.double()
        x.half() > 0.1""",
    ),
    "numbers without dimensions": Group(
        "0-d tensors broadcast, have a dimension 0 (or -1) to reduce, and cannot be iterated or concatenated.",
        MATRIX,
        """s + x
        torch.maximum(x, torch.tensor(0.0))
        torch.where(s > 0, x, -x)
        torch.stack([s, x[0, 1]])
        torch.cat([s, s])
        s.sum(0)
        s.max(-1)[0]
        s.softmax(0)
        s.sum(1)
        s.view(-1)
        s[None]
        s[...]
        s[0]
        s.expand(3)
        s.sort()[0]
        s.argmax()
        s @ s
        s.std()
        x * x.new_tensor(2)
        F.mse_loss(s, x[0, 1])
        s.flip(0)
        len(s) * x""",
        start="s = x[0, 0]",
    ),
    "empty tensors": Group(
        "Sums are 0, products 1, means and deviations NaN, `all` true and `any` false, `norm` 0; `max`, `min`, "
        "`argmax` and `amax` over no element are errors; losses that average over nothing are NaN.",
        MATRIX,
        """e.sum()
        e.sum(0)
        e.mean()
        e.mean(0)
        e.prod()
        e.max()
        e.amax(0)
        e.amax(1)
        e.argmax()
        e.all()
        e.any()
        e.std()
        e.norm()
        e.norm(float('inf'))
        e.logsumexp(0)
        e.cumsum(0)
        F.softmax(e, 0)
        torch.cat([e, x])
        x.T[:, :0] @ x[:0]
        e.reshape(-1)
        e.reshape(0, -1)
        e.view(3, 0)
        F.linear(e, torch.ones(2, 3))
        F.mse_loss(e, e)
        F.cross_entropy(e, torch.zeros(0, dtype=torch.long))
        torch.einsum('ij,ij->', e, e)
        e == e
        e.median()""",
        start="e = x[:0]",
    ),
    "padding": Group(
        "Negative amounts crop; `reflect` needs less than the size, `circular` at most the size; `reflect`, "
        "`replicate` and `circular` pad the last dimensions of batched tensors only.",
        IMAGE,
        """F.pad(x, (1, 2, 1, 0))
        F.pad(x, (1, 2, 1, 0), mode='reflect')
        F.pad(x, (1, 2, 1, 0), mode='replicate')
        F.pad(x, (1, 2, 1, 0), mode='circular')
        F.pad(x, (-1, 2, 1, -2))
        F.pad(x, (-1, 2, 0, 0), mode='replicate')
        F.pad(x, (6, 6), mode='reflect')
        F.pad(x, (5, 5, 5, 5), mode='reflect')
        F.pad(x, (6, 6, 6, 6), mode='circular')
        F.pad(x, (7, 7, 7, 7), mode='circular')
        F.pad(x[0, 0], (1, 1), mode='reflect')
        F.pad(x, (1, 1), mode='symmetric')
        F.pad(x.long(), (1, 1), value=2.7)
        nn.ReflectionPad2d(2)(x)
        nn.ReplicationPad2d((1, 0, 2, 3))(x)
        nn.CircularPad2d(2)(x)
        nn.ZeroPad2d((1, -1, 0, 2))(x)""",
    ),
    "pooling": Group(
        "`ceil_mode` drops a last window that begins in the padding; `count_include_pad` counts padding but not what "
        "`ceil_mode` adds beyond it; max pooling pads with minus infinity.",
        IMAGE,
        """F.max_pool2d(x, 3, 2, ceil_mode=True)
        F.max_pool2d(x, 3, 2, padding=1)
        F.max_pool2d(-x.abs() - 9, 3, 2, 1)
        F.max_pool2d(x, 2, dilation=2)
        F.max_pool2d(x, 2, 1, dilation=3, ceil_mode=True)
        F.max_pool2d(x, 4, 3, 2, ceil_mode=True)
        F.max_pool2d(x, (2, 3), (1, 2), (1, 1), ceil_mode=True)
        F.max_pool2d(x, 2, padding=2)
        F.max_pool2d(x, 7)
        F.avg_pool2d(x, 3, 2, 1)
        F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)
        F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)
        F.avg_pool2d(x, 4, 3, 2, ceil_mode=True)
        F.avg_pool2d(x, 4, 3, 2, True, False)
        F.avg_pool2d(x, 2, divisor_override=3)
        F.avg_pool2d(x, 3, 2, 1, True, True, 5)
        F.avg_pool3d(x[None], (1, 3, 2), (1, 2, 1), (0, 1, 1), True, False)
        F.adaptive_avg_pool2d(x, 4)
        F.adaptive_avg_pool2d(x, (None, 5))
        F.adaptive_max_pool2d(x, (1, 5))
        F.max_pool2d(x, 2, return_indices=True)[1]""",
    ),
    "windows": Group(
        "`dilation` spreads the taps of a kernel; `padding='same'` puts the odd zero of an even kernel behind.",
        IMAGE,
        """F.conv2d(x, torch.ones(1, 1, 3, 3), dilation=2)
        F.conv2d(x, torch.ones(1, 1, 2, 2), padding='same')
        F.conv2d(x, torch.ones(1, 1, 4, 2), padding='same', dilation=(1, 3))
        F.conv2d(x, torch.ones(1, 1, 3, 3), padding='same', stride=2)
        F.conv2d(x, torch.ones(1, 1, 3, 3), padding=(1, 2), stride=(2, 1), dilation=(1, 2))
        F.conv_transpose2d(x, torch.ones(1, 1, 3, 3), stride=2, padding=1, output_padding=1, dilation=2)
        F.unfold(x, (2, 3), dilation=(2, 1), padding=1, stride=2)
        x.unfold(2, 3, 2)""",
    ),
    "resizing": Group(
        "`nearest` rounds positions down, `nearest-exact` to the nearest; linear modes shift by half a pixel unless "
        "`align_corners`; integers are rounded to their type after averaging.",
        IMAGE,
        """F.interpolate(x, size=4)
        F.interpolate(x, size=4, mode='nearest-exact')
        F.interpolate(x, size=(3, 9), mode='bilinear')
        F.interpolate(x, size=(3, 9), mode='bilinear', align_corners=True)
        F.interpolate(x, size=(3, 4), mode='bilinear', antialias=True)
        F.interpolate(x, size=(9, 2), mode='bilinear', antialias=True)
        F.interpolate(x, scale_factor=0.4, mode='bilinear', antialias=True)
        F.interpolate(x, scale_factor=1.3, mode='bilinear')
        F.interpolate(x, scale_factor=1.3, recompute_scale_factor=True, mode='bilinear')
        F.interpolate(x.to(torch.uint8), size=4)
        F.interpolate(x.to(torch.uint8), size=4, mode='bilinear')
        F.interpolate(x, size=4, antialias=True)""",
    ),
    "changing in place": Group(
        "Every name of a tensor sees the change, and every view of its memory.",
        MATRIX,
        """x[:, 0] += 1 ; result = x
        x[x > 0] = 0 ; result = x
        x[[0, 0]] += 1 ; result = x
        x[:, [0, 2]] *= 2 ; result = x
        x += x[0] ; result = x
        x[0], x[1] = x[1].clone(), x[0].clone() ; result = x
        y = x ; y += 1 ; result = x
        y = x ; y = y + 1 ; result = x
        y = x.clone() ; y += 1 ; result = x
        y = x.float() ; y += 1 ; result = x
        y = x.double() ; y += 1 ; result = x
        y = x.flip(0) ; y += 1 ; result = x
        y = x.detach() ; y += 1 ; result = x
        y = x.reshape(2, 3) ; y += 1 ; result = x
        y = torch.zeros(2, 3) ; y.data = x ; x += 1 ; result = y
        y = torch.zeros(2, 3) ; y[:] = x ; x += 1 ; result = y
        y = F.relu(x, inplace=True) ; y += 1 ; result = x
        y = x.long() ; y += 0.5 ; result = y
        y = x.long() ; y *= 2 ; result = y
        y = x.half() ; y += x ; result = y
        y = x.long() ; y[0] = 2.7 ; result = y
        y = x.to(torch.uint8) ; y -= 3 ; result = y
        y = x.bool() ; y[0] = 2 ; result = y
        x.copy_(x[0]) ; result = x
        x.clamp_(0, 1) ; result = x
        x.add_(torch.ones(2, 2, 3)) ; result = x
        y = x[:, 0] ; y += 1 ; result = x
        y = x.view(-1) ; x[0, 0] = 9 ; result = y
        y = x.reshape(3, 2) ; y += 1 ; result = x
        y = x.T ; y[0, 1] = 9 ; result = x
        y = x.expand(2, 2, 3) ; x.add_(1) ; result = y
        a, b = x.unbind(0) ; a += b ; result = x
        x[..., -1] = x[..., 0] ; result = x
        y = x.view(torch.int32) ; y += 1 ; result = x
        y = x.as_strided((2, 2), (1, 1)) ; y += 1 ; result = x
        y = x.numpy() ; y += 1 ; result = x
        y = x.numpy() ; y[0] = 1 ; result = x
        w = nn.Buffer(x) ; w += 1 ; result = x
        x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = x
        x.scatter_add_(1, torch.tensor([[0, 0], [1, 2]]), x[:, :2].clone()) ; result = x
        x.fill_diagonal_(0) ; result = x
        x.t_() ; result = x
        x.unsqueeze_(0) ; result = x
        x.set_(torch.zeros(2, 3)) ; result = x
        y = x ; x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = y
        y = x.T ; x.put_(torch.tensor([0]), torch.tensor([7.0])) ; result = y""",
    ),
    "out=": Group(
        "The result is written into the tensor, which keeps its dtype; one of another shape is resized.",
        MATRIX,
        """y = torch.zeros(2, 3) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(2, 3, dtype=torch.float64) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(2, 3, dtype=torch.long) ; torch.add(x, 1, out=y) ; result = y
        torch.exp(x, out=x) ; result = x
        y = torch.zeros(2, 3) ; r = torch.mul(x, 2, out=y) ; r += 1 ; result = y
        y = torch.empty(4, 3) ; torch.cat([x, x], out=y) ; result = y
        y = torch.zeros(3, 2) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(0) ; torch.add(x, 1, out=y) ; result = y
        y = torch.zeros(2, 3) ; z = y[0] ; torch.add(x, 1, out=y) ; result = z
        y = torch.zeros(2, 3) ; torch.add(x[0], 1, out=y[0]) ; result = y
        v, i = torch.zeros(2), torch.zeros(2, dtype=torch.long) ; torch.max(x, 1, out=(v, i)) ; result = v
        y = torch.zeros(2, 3) ; torch.copysign(x, -x, out=y) ; result = y""",
    ),
}

VIEW = "another tensor shares its memory (a view)"
"""What is said where a tensor is changed through one of its views."""

REFUSED: dict[str, str] = {
    "a // x[1].long()": "torch would raise ZeroDivisionError",
    "e.median()": "the median of no elements",
    "F.max_pool2d(x, 2, return_indices=True)[1]": "return_indices=True is not followed",
    "F.interpolate(x.to(torch.uint8), size=4, mode='bilinear')": "convert the image first",
    "x[..., -1] = x[..., 0] ; result = x": VIEW,
    "y = x.view(torch.int32) ; y += 1 ; result = x": "reads the bits as another type",
    "y = x.as_strided((2, 2), (1, 1)) ; y += 1 ; result = x": "`as_strided` of a tensor is not followed",
    "y = x.numpy() ; y += 1 ; result = x": "stay in torch",
    "y = x.numpy() ; y[0] = 1 ; result = x": "stay in torch",
    "w = nn.Buffer(x) ; w += 1 ; result = x": "Buffer` is not followed",
    "x.scatter_add_(1, torch.tensor([[0, 0], [1, 2]]), x[:, :2].clone()) ; result = x": "`scatter_add_` of a tensor",
    "x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = x": "`index_add_` of a tensor",
    "y = x ; x.index_add_(0, torch.tensor([0, 0]), x.clone()) ; result = y": "`index_add_` of a tensor",
    "y = x.T ; x.put_(torch.tensor([0]), torch.tensor([7.0])) ; result = y": "`put_` of a tensor",
    "x.fill_diagonal_(0) ; result = x": "`fill_diagonal_` of a tensor",
    "x.t_() ; result = x": "`t_` of a tensor",
    "x.unsqueeze_(0) ; result = x": "`unsqueeze_` of a tensor",
    "x.set_(torch.zeros(2, 3)) ; result = x": "`set_` of a tensor",
    "y = torch.zeros(3, 2) ; torch.add(x, 1, out=y) ; result = y": "`out=` with another shape",
    "y = torch.zeros(0) ; torch.add(x, 1, out=y) ; result = y": "`out=` with another shape",
    "v, i = torch.zeros(2), torch.zeros(2, dtype=torch.long) ; torch.max(x, 1, out=(v, i)) ; result = v": "several",
    "y = torch.zeros(2, 3) ; torch.copysign(x, -x, out=y) ; result = y": "`torch.copysign` is not followed",
    **{
        f"{body} ; result = {name}": VIEW
        for body, name in (
            ("y = x[:, 0] ; y += 1", "x"),
            ("y = x.view(-1) ; x[0, 0] = 9", "y"),
            ("y = torch.zeros(2, 3) ; y.data = x ; x += 1", "y"),
            ("y = x.reshape(3, 2) ; y += 1", "x"),
            ("y = x.T ; y[0, 1] = 9", "x"),
            ("y = x.expand(2, 2, 3) ; x.add_(1)", "y"),
            ("a, b = x.unbind(0) ; a += b", "x"),
            ("y = torch.zeros(2, 3) ; z = y[0] ; torch.add(x, 1, out=y)", "z"),
            ("y = torch.zeros(2, 3) ; torch.add(x[0], 1, out=y[0])", "y"),
        )
    },
}
"""What TorchLean does not follow: the case, and a part of the reason that it gives."""
