"""`nn.Module` and its containers: what a program can ask of a module has the answer that torch gives.

A fact is an expression over a program. Python evaluates it with real torch; the captured program then asserts it. An
assertion that the capture cannot decide would pass silently, so its negation must be reported.
"""

from __future__ import annotations

from textwrap import dedent

import pytest
import torch

from torchlean.capture import Capture, Workspace, capture_file

PROGRAM = """\
import copy
from collections import OrderedDict
import torch
from torch import nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, n, bias=True):
        super().__init__()
        self.lin = nn.Linear(n, n, bias=bias)
        self.norm = nn.BatchNorm1d(n)
        self.scale = nn.Parameter(torch.ones(n))
        self.register_buffer("offset", torch.zeros(n))
        self.register_buffer("table", torch.arange(n), persistent=False)
        self.register_parameter("missing", None)
        self.plain = torch.ones(2)
        self.depth = 3

    def forward(self, x):
        return self.norm(self.lin(x)) * self.scale + self.offset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.1))
        self.blocks = nn.ModuleList([Block(4), Block(4, bias=False)])
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 1), "b": nn.Linear(4, 2)})
        self.shared = self.stem[0]
        self.weights = nn.ParameterList([nn.Parameter(torch.zeros(i)) for i in range(1, 4)])
        self.extra = nn.ParameterDict({"left": nn.Parameter(torch.zeros(5))})

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.heads["a"](x)


net = Net()
seq = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
named = nn.Sequential(OrderedDict([("first", nn.Linear(2, 2)), ("act", nn.ReLU())]))
"""

FACTS = [
    "list(net.state_dict())",
    "[tuple(v.shape) for v in net.state_dict().values()]",
    "[n for n, _ in net.named_parameters()]",
    "[n for n, _ in net.named_parameters(prefix='p', recurse=False)]",
    "[n for n, _ in net.blocks.named_parameters()]",
    "[n for n, _ in net.named_buffers()]",
    "[n for n, _ in net.named_children()]",
    "[n for n, _ in net.named_modules()]",
    "len(list(net.modules()))",
    "[type(m).__name__ for m in net.modules()]",
    "sum(p.numel() for p in net.parameters())",
    "sum(p.numel() for p in net.parameters() if p.requires_grad)",
    "sum(1 for m in net.modules() if isinstance(m, nn.Linear))",
    "isinstance(net.blocks[0].scale, nn.Parameter)",
    "isinstance(net.blocks[0].scale, torch.Tensor)",
    "isinstance(net.blocks[0].offset, nn.Parameter)",
    "isinstance(net, nn.Module)",
    "isinstance(nn.ReLU6(), nn.Hardtanh)",
    "issubclass(Net, nn.Module)",
    "net.shared is net.stem[0]",
    "net.blocks[0].missing is None",
    "net.training",
    "net.eval().training",
    "[m.training for m in net.eval().modules()] == [False] * 18",
    "net.eval().train().stem[2].training",
    "net.stem.eval().training and net.training",
    "hasattr(net, 'stem')",
    "hasattr(net, 'nothing')",
    "getattr(net, 'nothing', 7)",
    "hasattr(net.blocks[0], 'missing')",
    "net.get_submodule('blocks.1.lin').in_features",
    "tuple(net.get_parameter('blocks.0.lin.weight').shape)",
    "dict(net.named_modules())['blocks.0.norm'].num_features",
    "len(seq)",
    "len(seq[:2])",
    "[type(m).__name__ for m in seq[1:]]",
    "seq[-1].out_features",
    "list(seq.state_dict())",
    "list(seq[1:].state_dict())",
    "len(seq.append(nn.ReLU()))",
    "[type(m).__name__ for m in seq.insert(1, nn.ELU())]",
    "[type(m).__name__ for m in (seq + nn.Sequential(nn.ReLU()))]",
    "[type(m).__name__ for m in seq.extend([nn.GELU()])]",
    "list(named.state_dict())",
    "named.first.in_features",
    "[n for n, _ in named.named_children()]",
    "[type(m).__name__ for m in named.children()]",
    "'a' in net.heads",
    "'c' in net.heads",
    "list(net.heads.keys())",
    "[k for k in net.heads]",
    "[m.out_features for m in net.heads.values()]",
    "len(net.heads)",
    "len(net.blocks)",
    "len(net.weights)",
    "[tuple(w.shape) for w in net.weights]",
    "list(net.extra.keys())",
    "tuple(net.extra['left'].shape)",
    "list(net._modules)",
    "list(net.blocks[0]._parameters)",
    "net.double().stem[0].weight.dtype",
    "net.double().blocks[0].table.dtype",
    "net.half().blocks[0].norm.running_var.dtype",
    "net.to(torch.float64).blocks[1].offset.dtype",
    "net.to('cpu').stem[0].weight.dtype",
    "net.cpu().float().stem[0].weight.dtype",
    "next(net.parameters()).dtype",
    "net.requires_grad_(False) is net",
    "[p.requires_grad for p in net.requires_grad_(False).parameters()] == [False] * 16",
    "net.apply(lambda m: None) is net",
    "copy.deepcopy(net) is net",
    "copy.deepcopy(net).stem[0].weight is net.stem[0].weight",
    "list(copy.deepcopy(net).state_dict()) == list(net.state_dict())",
    "copy.deepcopy(net).shared is net.shared",
    "(lambda c: c.shared is c.stem[0])(copy.deepcopy(net))",
    "nn.Linear(3, 4, bias=False).bias is None",
    "nn.Conv2d(1, 2, 3).kernel_size",
    "nn.Conv2d(1, 2, (3, 5), stride=2).stride",
    "nn.Conv2d(1, 2, 3, padding='same').padding",
    "nn.MaxPool2d(2).stride",
    "nn.AvgPool1d(2).stride",
    "nn.LayerNorm(4).normalized_shape",
    "nn.LayerNorm([2, 4]).eps",
    "nn.BatchNorm2d(3).momentum",
    "tuple(nn.ConvTranspose2d(4, 6, 3, groups=2).weight.shape)",
    "list(nn.LSTM(2, 3, 2, bidirectional=True).state_dict())",
    "list(nn.MultiheadAttention(4, 2).state_dict())",
    "list(nn.MultiheadAttention(4, 2, kdim=3, vdim=5, bias=False).state_dict())",
    "list(nn.TransformerDecoderLayer(4, 2, 8).state_dict())",
    "list(nn.Transformer(4, 2, 1, 1, 8).state_dict())",
    "list(nn.PReLU(3).state_dict())",
    "nn.Embedding(5, 3, padding_idx=-1).padding_idx",
    "nn.ReLU6().max_val",
    "nn.Sequential(*[nn.Linear(2, 2) for _ in range(3)])[1].out_features",
    "[list(group) for group in [net.load_state_dict(net.state_dict())]]",
    "net.load_state_dict({}, strict=False).missing_keys[:2]",
]


def capture(text: str) -> Capture:
    return capture_file("/nowhere/program.py", text, Workspace([]))


def value(fact: str) -> object:
    names: dict[str, object] = {"__name__": "program"}
    torch.manual_seed(0)
    exec(PROGRAM, names)
    return eval(fact, names)


@pytest.mark.parametrize("fact", FACTS)
def test_a_module_answers_as_in_torch(fact: str) -> None:
    answer = value(fact)
    agreed = capture(f"{PROGRAM}\nassert ({fact}) == {answer!r}\n")
    assert [d.message for d in agreed.diagnostics] == []
    denied = capture(f"{PROGRAM}\nassert ({fact}) != {answer!r}\n")
    assert [d.message for d in denied.diagnostics] == ["this assertion is false"]


MISTAKES = [
    ("net.nothing", "TL103", "has no attribute `nothing`"),
    ("net.stemm", "TL103", "did you mean `stem`?"),
    ("seq[7]", "TL103", "index 7 is out of range"),
    ("net.heads['c']", "TL103", "c"),
    ("net.get_submodule('blocks.0.nope')", "TL103", "has no attribute `nope`"),
    ("net.add_module('a.b', nn.ReLU())", "TL103", 'can\'t contain "."'),
    ("net.add_module('stem', 3)", "TL103", "int is not a Module subclass"),
    ("net.register_buffer('stem', torch.zeros(1))", "TL103", "attribute 'stem' already exists"),
    ("net.register_parameter('p', torch.zeros(1))", "TL103", "torch.nn.Parameter or None required"),
    ("nn.Module()(torch.zeros(1))", "TL103", 'missing the required "forward" function'),
    ("nn.Parameter(3)", "TL103", "`nn.Parameter` takes a tensor, got a int"),
    ("nn.Parameter(torch.arange(3))", "TL101", "floating point dtype can require gradients"),
    ("net.to(torch.int64)", "TL103", "only accepts floating point or complex dtypes"),
    ("nn.Sequential(3)", "TL103", "int is not a Module subclass"),
    ("nn.ModuleList([nn.ReLU, nn.ReLU])", "TL103", "is not a Module subclass"),
    (
        "nn.BCEWithLogitsLoss()(torch.zeros(2), torch.tensor([0, 1]))",
        "TL101",
        "a floating target, got torch.int64",
    ),
    ("nn.BCELoss()(torch.full((2,), 0.5), torch.tensor([0, 1]))", "TL101", "one dtype, got torch.float32"),
]


@pytest.mark.parametrize(("expression", "code", "words"), MISTAKES)
def test_a_mistake_with_a_module_is_reported_at_its_line(expression: str, code: str, words: str) -> None:
    reported = capture(f"{PROGRAM}\n{expression}\n").diagnostics
    assert [(d.code, d.span.line) for d in reported] == [(code, PROGRAM.count("\n") + 1)]
    assert words in reported[0].message
    with pytest.raises((AttributeError, KeyError, TypeError, IndexError, NotImplementedError, RuntimeError)):
        value(expression)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "self.lin = nn.Linear(2, 2)\nsuper().__init__()",
            "cannot assign module before Module.__init__() call",
        ),
        (
            "self.w = nn.Parameter(torch.zeros(1))\nsuper().__init__()",
            "cannot assign parameters before Module.__init__() call",
        ),
        (
            "super().__init__()\nself.lin = nn.Linear(2, 2)\nself.lin = 3",
            "cannot assign 'int' as child module 'lin'",
        ),
        (
            "super().__init__()\nself.w = nn.Parameter(torch.zeros(1))\nself.w = torch.zeros(1)",
            "as parameter 'w' (torch.nn.Parameter or None expected)",
        ),
    ],
)
def test_a_mistake_in_a_constructor_is_reported_where_it_is_made(body: str, words: str) -> None:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    text = (
        dedent("""\
        import torch
        from torch import nn
        class Broken(nn.Module):
            def __init__(self):
        """)
        + lines
        + "\n    def forward(self, x):\n        return x\nbroken = Broken()\n"
    )
    reported = capture(text).diagnostics
    assert words in reported[0].message
    wrong = next(i for i, line in enumerate(body.splitlines()) if "lin = " in line or "w = " in line)
    last = [i for i, line in enumerate(body.splitlines()) if "self." in line][-1]
    assert reported[0].span.line == 4 + max(wrong, last)
    with pytest.raises((AttributeError, TypeError)):
        exec(text, {"__name__": "program"})


@pytest.mark.parametrize(
    "training",
    [
        "fit(net)",
        "Trainer(max_epochs=3).fit(model=net)",
        "optimizer = Lion(net.parameters(), lr=1e-4)",
        "optimizer = Lion([{'params': net[0].parameters()}, {'params': [net[2].weight, net[2].bias]}])",
        "agent = Agent(net)\nfit(agent)",
        "agent = Agent(net)\nfit([agent])",
        "fit(net.forward)",
        "torch.nn.utils.prune.l1_unstructured(net[0], 'weight', amount=0.3); fit(net[2])",
    ],
)
def test_code_that_is_not_followed_may_change_the_weights_it_is_given(training: str) -> None:
    found = capture(UNFOLLOWED.format(training=training))
    claim = next(unit for unit in found.units if unit.name == "small")
    cone, _ = found.graph.cone(claim.outputs)
    ranges = {(node.attributes["lower"], node.attributes["upper"]) for node in cone if node.op == "random"}
    assert ranges == {(-float("inf"), float("inf"))}
    assert {d.code for d in found.diagnostics} == {"TL102"}


@pytest.mark.parametrize(
    "reading", ["torchinfo.summary(net)", "torch.onnx.export(net, None, 'net.onnx')", "print(net)"]
)
def test_code_that_only_looks_at_a_network_leaves_its_weights(reading: str) -> None:
    found = capture(UNFOLLOWED.format(training=reading))
    claim = next(unit for unit in found.units if unit.name == "small")
    cone, _ = found.graph.cone(claim.outputs)
    weights = [node for node in cone if node.op == "random"]
    assert len(weights) == 4
    assert all(abs(float(str(node.attributes["upper"]))) < 1 for node in weights)


UNFOLLOWED = """\
import torch
import torchinfo
from torch import nn
from elsewhere import Lion, Trainer, fit
import torchlean as tl

class Agent:
    def __init__(self, net):
        self.networks = {{"actor": net}}

net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
{training}

@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def small(x):
    return net(x) <= 100.0
"""


HOOKS = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
nn.init.ones_(net[0].weight)
nn.init.zeros_(net[0].bias)
seen = []
net[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
net.register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,))
doubled = net.register_forward_hook(lambda module, inputs, output: output * 2)
x = torch.tensor([1.0, 2.0])
first = net(x)
doubled.remove()
second = net(x)
keywords = nn.Linear(2, 2)
keywords.register_forward_pre_hook(lambda m, a, k: ((k["input"] * 0,), {}), with_kwargs=True)
nn.init.ones_(keywords.bias), nn.init.ones_(keywords.weight)
third = keywords(input=x)
"""


def test_forward_hooks_replace_arguments_and_results_as_in_torch() -> None:
    names: dict[str, object] = {}
    exec(HOOKS, names)
    answers = {
        f"{name}.tolist()": names[name].tolist()  # type: ignore[attr-defined]
        for name in ("first", "second", "third")
    }
    for expression, answer in {**answers, "len(seen)": 2}.items():
        assert capture(f"{HOOKS}\nassert {expression} == {answer!r}\n").diagnostics == ()
        assert len(capture(f"{HOOKS}\nassert {expression} != {answer!r}\n").diagnostics) == 1


def test_a_step_of_an_optimiser_forgets_the_weights() -> None:
    found = capture(
        dedent("""\
        import torch
        from torch import nn
        import torchlean as tl
        net = nn.Linear(2, 1)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        loss = net(torch.zeros(4, 2)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        @tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
        def small(x):
            return net(x) <= 1.0
        """)
    )
    assert [d.message for d in found.diagnostics] == []
    (claim,) = (unit for unit in found.units if unit.name == "small")
    cone, _ = found.graph.cone(claim.outputs)
    ranges = {(node.attributes["lower"], node.attributes["upper"]) for node in cone if node.op == "random"}
    assert ranges == {(-float("inf"), float("inf"))}
    assert not claim.trained
