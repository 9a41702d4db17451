"""Corner cases of numbers: NaN, zeros, rounding, whole numbers, promotion, tensors of no and of one element."""

from __future__ import annotations

import torch
from tests.capture.corner_group import Group

HALVES = torch.tensor([-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 3.0])
ZEROS = torch.tensor([-0.0, 0.0, -1.0, 1.0, -0.0])
DECIMALS = torch.tensor([-2.5, -1.5, 0.5, 2.5, 0.125, 0.15, 0.25, 0.35, 25.0, 35.0, -15.0, 1.005, 2.675])
DIVIDENDS = torch.tensor(
    [[-7.0, -6.0, -1.0, 0.0, 1.0, 6.0, 7.0, 5.0], [3.0, -3.0, 2.0, 5.0, -2.0, -4.0, 4.0, -3.0]]
)
MATRIX = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
PIXELS = torch.tensor([[0.0, 1.0, 254.0], [255.0, 128.0, 7.0]])

GROUPS: dict[str, Group] = {
    "NaN": Group(
        "Passes through every op that computes with it, `relu`, `clamp`, `maximum`, `amax` and pooling among them; "
        "`fmax`, `fmin` and `nan_to_num` drop it; it is the largest number for `sort` and `topk`, and what "
        "`argmax` and `argmin` both point at; the median is NaN where any element is; every comparison with it is "
        "false but `!=`; `x ** 0` is 1.",
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
        p[4:].median()
        p[4:].median(0)[0]
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
        x.half() > 0.1
        x.half() * 0.1
        0.1 * x.bfloat16()
        x.half() / 1e5
        x.half() // 0.7
        x[0, 0].half() * 0.1
        x.half() + 0.1
        0.1 / x.half()
        torch.cat([x.half(), x.long()])
        x.sum(dtype=torch.bool)
        x.long().sum(1, dtype=torch.bool)
        x.long().prod(1, dtype=torch.bool)
        x.bool().prod(dtype=torch.bool)
        F.mse_loss(x[0, 0].double(), x, reduction='none')
        F.smooth_l1_loss(x, x[0, 0].double(), reduction='none')
        F.huber_loss(x, x[0, 0].double(), reduction='none')
        F.l1_loss(x[0, 0].double(), x)""",
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
}

REFUSED: dict[str, str] = {
    "a // x[1].long()": "torch would raise ZeroDivisionError",
    "e.median()": "the median of no elements",
}
