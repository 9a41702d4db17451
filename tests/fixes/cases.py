"""Functions with a hazardous expression, what the fix makes of it, and inputs where the old one is fine or is not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One rewriting.

    Attributes:
        name, code, words: of the case, the diagnostic and the proposal.
        body: the function `f`, its hazardous expression between « and ».
        new: the expression's text afterwards.
        fine: arguments (as an expression over `torch`) where both must agree to rounding.
        extreme: arguments where the old function is wrong.
        truth: its exact value there, as an expression; None where the new one need only be finite.
        gradient: whether the extreme case is about the derivative by the first argument.
    """

    name: str
    code: str
    words: str
    body: str
    new: str
    fine: str
    extreme: str
    truth: str | None = None
    gradient: bool = False


LOGITS = "(torch.linspace(-4, 4, 15).reshape(5, 3),)"
SPREAD = "(torch.tensor([[200.0, 0.0, 0.0]]),)"
BINARY = "(torch.linspace(-4, 4, 12), torch.tensor([0.0, 1.0, 1.0, 0.0]).repeat(3))"
WRONG = "(torch.tensor([200.0, -200.0]), torch.tensor([0.0, 1.0]))"
CLASSES = "(torch.linspace(-4, 4, 15).reshape(5, 3), torch.tensor([0, 1, 2, 1, 0]))"
MISSED = "(torch.tensor([[200.0, 0.0, 0.0]]), torch.tensor([1]))"

CASES = [
    Case(
        "logarithm of a softmax",
        "TL211",
        "Use log_softmax",
        "def f(z):\n    return «torch.log(torch.softmax(z, dim=1))»",
        "F.log_softmax(z, dim=1)",
        LOGITS,
        SPREAD,
        "torch.tensor([[0.0, -200.0, -200.0]])",
    ),
    Case(
        "softmax under a name, method spelling",
        "TL211",
        "Use log_softmax",
        "def f(z):\n    p = z.softmax(1)\n    return (p * «p.log()»).sum()",
        "F.log_softmax(z, dim=1)",
        LOGITS,
        SPREAD,
        "0.0",
    ),
    Case(
        "chosen probabilities",
        "TL211",
        "Use log_softmax",
        "def f(z):\n    p = F.softmax(z, dim=-1)\n    return «torch.log(p[:, 1])»",
        "F.log_softmax(z, dim=-1)[:, 1]",
        LOGITS,
        SPREAD,
        "-200.0",
    ),
    Case(
        "cross entropy by gather",
        "TL211",
        "Use cross_entropy",
        "def f(z, y):\n    p = F.softmax(z, dim=1)\n"
        "    return -«torch.log(p)».gather(1, y.unsqueeze(1)).mean()",
        "F.cross_entropy(z, y)",
        CLASSES,
        MISSED,
        "200.0",
    ),
    Case(
        "cross entropy with a row of targets",
        "TL211",
        "Use cross_entropy",
        "def f(z, y):\n    p = torch.softmax(z, 1)\n    q = F.one_hot(y, 3).float()\n"
        "    return torch.mean(-(q * «torch.log(p)»).sum(dim=1))",
        "F.cross_entropy(z, q)",
        CLASSES,
        MISSED,
        "200.0",
    ),
    Case(
        "negative log likelihood of a logarithm",
        "TL211",
        "Use cross_entropy",
        "def f(z, y):\n    return F.nll_loss(«torch.log(F.softmax(z, dim=1))», y)",
        "F.cross_entropy(z, y)",
        CLASSES,
        MISSED,
        "200.0",
    ),
    Case(
        "binary cross entropy",
        "TL212",
        "Use binary_cross_entropy_with_logits",
        "def f(z, y):\n    p = torch.sigmoid(z)\n"
        "    return -(y * «torch.log(p)» + (1 - y) * torch.log(1 - p)).mean()",
        "F.binary_cross_entropy_with_logits(z, y)",
        BINARY,
        WRONG,
        "200.0",
    ),
    Case(
        "binary cross entropy, signs inside and added up",
        "TL212",
        "Use binary_cross_entropy_with_logits",
        "def f(z, y):\n    p = z.sigmoid()\n"
        "    return torch.sum(-y * torch.log(p) - (1 - y) * «torch.log(1 - p)»)",
        'F.binary_cross_entropy_with_logits(z, y, reduction="sum")',
        BINARY,
        WRONG,
        "400.0",
    ),
    Case(
        "logarithm of the complement of a sigmoid",
        "TL212",
        "Use logsigmoid",
        "def f(z):\n    p = torch.sigmoid(z)\n    return «torch.log(1 - p)»",
        "F.logsigmoid(-z)",
        LOGITS,
        "(torch.tensor(200.0),)",
        "-200.0",
    ),
    Case(
        "softplus",
        "TL201",
        "Use softplus",
        "def f(z):\n    return torch.log(1 + «torch.exp(-z)»)",
        "F.softplus(-z)",
        LOGITS,
        "(torch.tensor(-200.0),)",
        "200.0",
    ),
    Case(
        "log of a sum of exponentials",
        "TL201",
        "Use logsumexp",
        "def f(z):\n    return torch.log(«z.exp()».sum(dim=1, keepdim=True))",
        "torch.logsumexp(z, dim=1, keepdim=True)",
        LOGITS,
        SPREAD,
        "200.0",
    ),
    Case(
        "log of a sum of all exponentials",
        "TL201",
        "Use logsumexp",
        "def f(z):\n    return torch.log(torch.sum(«torch.exp(2 * z)»))",
        "torch.logsumexp((2 * z).flatten(), dim=0)",
        LOGITS,
        SPREAD,
        "400.0",
    ),
    Case(
        "log1p",
        "TL206",
        "Use log1p",
        "def f(x):\n    return «torch.log(1 + x)»",
        "torch.log1p(x)",
        "(torch.linspace(0.1, 4, 7),)",
        "(torch.tensor(1e-6),)",
        "math.log1p(1e-6)",
    ),
    Case(
        "expm1",
        "TL206",
        "Use expm1",
        "def f(x):\n    return «torch.exp(x) - 1.0»",
        "torch.expm1(x)",
        "(torch.linspace(0.5, 4, 7),)",
        "(torch.tensor(1e-6),)",
        "math.expm1(1e-6)",
    ),
    Case(
        "one minus an exponential, as a factor",
        "TL206",
        "Use expm1",
        "def f(x):\n    return 2 * («1 - torch.exp(-x)»)",
        "2 * ((-torch.expm1(-x)))",
        "(torch.linspace(0.5, 4, 7),)",
        "(torch.tensor(1e-6),)",
        "-2 * math.expm1(-1e-6)",
    ),
    Case(
        "one minus a cosine",
        "TL206",
        "Use 2 sin²",
        "def f(x):\n    return «1 - torch.cos(x)»",
        "(2 * torch.sin(x / 2) ** 2)",
        "(torch.linspace(0.5, 4, 7),)",
        "(torch.tensor(1e-4),)",
        "2 * math.sin(5e-5) ** 2",
    ),
    Case(
        "length of a plane vector",
        "TL219",
        "Use hypot",
        "def f(x, y):\n    return «torch.sqrt(x ** 2 + y * y)»",
        "torch.hypot(x, y)",
        "(torch.linspace(0.5, 4, 7), torch.linspace(-3, 3, 7))",
        "(torch.tensor(3e25), torch.tensor(4e25))",
        "5e25",
    ),
    Case(
        "variance from moments",
        "TL206",
        "Use torch.var",
        "def f(x):\n    m = x.mean(dim=0)\n    return «(x ** 2).mean(dim=0) - m ** 2»",
        "torch.var(x, dim=0, unbiased=False)",
        LOGITS,
        "(4096 + torch.tensor([[0.0], [0.125], [0.25]]),)",
        "torch.tensor([0.0, 0.125, 0.25], dtype=torch.float64).var(unbiased=False)",
    ),
    Case(
        "hand-made softmax in one expression",
        "TL210",
        "Use softmax",
        "def f(z):\n    return «torch.exp(z)» / torch.exp(z).sum(dim=1, keepdim=True)",
        "F.softmax(z, dim=1)",
        LOGITS,
        SPREAD,
        "torch.tensor([[1.0, 0.0, 0.0]])",
    ),
    Case(
        "hand-made softmax in two statements",
        "TL210",
        "Subtract the maximum",
        "def f(z):\n    e = «torch.exp(z)»\n    return e / e.sum(-1, keepdim=True)",
        "torch.exp(z - z.amax(dim=-1, keepdim=True))",
        LOGITS,
        SPREAD,
        "torch.tensor([[1.0, 0.0, 0.0]])",
    ),
    Case(
        "hand-made softmax with a named sum",
        "TL210",
        "Subtract the maximum",
        "def f(z):\n    e = «(2 * z).exp()»\n    total = torch.sum(e, dim=1, keepdim=True)\n    return e / total",
        "torch.exp(2 * z - (2 * z).amax(dim=1, keepdim=True))",
        LOGITS,
        SPREAD,
        "torch.tensor([[1.0, 0.0, 0.0]])",
    ),
    Case(
        "hand-made sigmoid",
        "TL201",
        "Use sigmoid",
        "def f(x):\n    return 1 / (1 + «torch.exp(-x)»)",
        "torch.sigmoid(x)",
        LOGITS,
        "(torch.tensor(-200.0),)",
        "0.0",
        gradient=True,
    ),
    Case(
        "clamp before the logarithm",
        "TL205",
        "Clamp to at least 1e-12",
        "def f(p):\n    return «p.log()».mean()",
        "torch.log(p.clamp(min=1e-12))",
        "(torch.linspace(0.01, 1, 9),)",
        "(torch.zeros(2),)",
        "math.log(1e-12)",
    ),
    Case(
        "clamp that came after the logarithm",
        "TL213",
        "Clamp to at least 1e-12",
        "def f(p):\n    return «torch.log(1 - p).clamp(min=-100)».sum()",
        "torch.log((1 - p).clamp(min=1e-12)).clamp(min=-100)",
        "(torch.linspace(0.01, 0.9, 9),)",
        "(torch.ones(1),)",
        gradient=True,
    ),
    Case(
        "logarithm of a product",
        "TL208",
        "Add up logarithms",
        "def f(p):\n    return torch.log(«p.prod(dim=0)»)",
        "p.log().sum(dim=0)",
        "(torch.linspace(0.1, 1, 9),)",
        "(torch.full((400,), 0.25),)",
        "400 * math.log(0.25)",
    ),
    Case(
        "logarithm of a ratio of softmaxes",
        "TL211",
        "Use log_softmax of both",
        "def f(a, b):\n    p, q = F.softmax(a, dim=1), F.softmax(b, dim=1)\n    return p * «torch.log(p / q)»",
        "p * (F.log_softmax(a, dim=1) - F.log_softmax(b, dim=1))",
        "(torch.linspace(-4, 4, 15).reshape(5, 3), torch.linspace(1, 2, 15).reshape(5, 3))",
        "(torch.zeros(1, 3), torch.tensor([[200.0, 0.0, 0.0]]))",
        "torch.tensor([[-math.log(3), 200 - math.log(3), 200 - math.log(3)]], dtype=torch.float64) / 3",
    ),
    Case(
        "logit",
        "TL205",
        "Use logit",
        "def f(p):\n    return «torch.log(p / (1 - p))»",
        "torch.logit(p, eps=1e-6)",
        "(torch.linspace(0.1, 0.9, 9),)",
        "(torch.zeros(1),)",
        "math.log(1e-6)",
    ),
    Case(
        "division by what may be zero",
        "TL203",
        "Clamp to at least 1e-12 before the division",
        "def f(x):\n    return «(x - 1) / x.sum()»",
        "((x - 1) / x.sum().clamp(min=1e-12))",
        "(torch.linspace(0.1, 0.9, 9),)",
        "(torch.zeros(1),)",
        "-1e12",
    ),
    Case(
        "inverse square root of what may be zero",
        "TL203",
        "Clamp to at least 1e-12 before the rsqrt",
        "def f(d):\n    return «torch.rsqrt(d + d)» * 0",
        "torch.rsqrt((d + d).clamp(min=1e-12)) * 0",
        "(torch.linspace(0.1, 0.9, 9),)",
        "(torch.zeros(1),)",
        "0.0",
    ),
    Case(
        "epsilon under the root",
        "TL219",
        "Add 1e-12 under the root",
        "def f(d):\n    return «torch.sqrt((d ** 2).sum())»",
        "torch.sqrt((d ** 2).sum() + 1e-12)",
        "(torch.linspace(0.5, 4, 7),)",
        "(torch.zeros(3),)",
        "torch.zeros(3)",
        gradient=True,
    ),
    Case(
        "epsilon that was added to the root",
        "TL219",
        "Add 1e-12 under the root instead",
        "def f(d):\n    return «torch.sqrt((d ** 2).sum())» + 1e-8",
        "torch.sqrt((d ** 2).sum() + 1e-12)",
        "(torch.linspace(0.5, 4, 7),)",
        "(torch.zeros(3),)",
        "torch.zeros(3)",
        gradient=True,
    ),
    Case(
        "sum in float64",
        "TL207",
        "Accumulate in float64",
        "def f(x):\n    return «x.cumsum(0)»[-1] - 2.0**24",
        "x.cumsum(0, dtype=torch.float64)[-1]",
        "(torch.linspace(1, 2, 5),)",
        "(torch.tensor([2.0**24, 0.5, 0.5]),)",
        "1.0",
    ),
    Case(
        "terms of different size",
        "TL207",
        "Add in float64",
        "def f(a, b):\n    return («a + b») - a",
        "((a.double() + b.double())) - a",
        "(torch.linspace(1, 2, 5), torch.linspace(1, 2, 5))",
        "(torch.tensor(1e9), torch.tensor(1.0))",
        "1.0",
    ),
    Case(
        "large integers",
        "TL214",
        "Convert to float64",
        "def f(i):\n    return «i.to(torch.float32)» - 2**24",
        "i.double() - 2**24",
        "(torch.arange(2**24, 2**24 + 1),)",
        "(torch.tensor([2**24 + 1]),)",
        "1.0",
    ),
    Case(
        "equality of floats",
        "TL215",
        "Use isclose",
        "def f(a, b):\n    return («a == b»).float()",
        "(torch.isclose(a, b)).float()",
        "(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]))",
        "(torch.tensor(0.7) * 9, torch.tensor(6.3))",
        "1.0",
    ),
    Case(
        "inverse cosine",
        "TL204",
        "Clamp to (-1, 1)",
        "def f(c):\n    return «torch.acos(c)»",
        "torch.acos(c.clamp(-1 + 1e-6, 1 - 1e-6))",
        "(torch.linspace(-0.9, 0.9, 7),)",
        "(torch.tensor(1.0000001),)",
    ),
]
