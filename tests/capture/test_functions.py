"""Functions that are written as compositions in the stubs, against torch itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tests.capture.probing import SEED, assert_same, captured, flat, probe, probed

Shape = tuple[int, ...]

CASES: list[tuple[str, dict[str, Shape]]] = [
    ("torch.cosine_similarity(a, b)", {"a": (2, 3), "b": (2, 3)}),
    ("torch.cosine_similarity(a, b, dim=0)", {"a": (3,), "b": (3,)}),
    ("torch.bilinear(a, b, w, c)", {"a": (2, 3), "b": (2, 4), "w": (5, 3, 4), "c": (5,)}),
    ("torch.deg2rad(a)", {"a": (5,)}),
    ("torch.rad2deg(a)", {"a": (5,)}),
    ("torch.logit(torch.sigmoid(a))", {"a": (5,)}),
    ("torch.logit(a, eps=0.1)", {"a": (5,)}),
    ("torch.sigmoid(a).logit()", {"a": (5,)}),
    ("torch.sinc(a)", {"a": (5,)}),
    ("torch.sinc(a * 0)", {"a": (5,)}),
    ("torch.heaviside(a.round(), torch.tensor(0.5))", {"a": (9,)}),
    ("torch.isclose(a, a + 1e-9)", {"a": (5,)}),
    ("torch.isclose(a, b)", {"a": (5,), "b": (5,)}),
    ("torch.trace(a)", {"a": (3, 4)}),
    ("a.trace()", {"a": (3, 3)}),
    ("torch.cross(a, b, dim=-1)", {"a": (4, 3), "b": (4, 3)}),
    ("torch.cross(a, b, dim=0)", {"a": (3, 4), "b": (3, 4)}),
    ("torch.kron(a, b)", {"a": (2, 3), "b": (4, 2)}),
    ("torch.kron(a, b)", {"a": (2,), "b": (4, 2)}),
    ("torch.cdist(a, b)", {"a": (3, 4), "b": (5, 4)}),
    ("torch.pdist(a)", {"a": (5, 3)}),
    ("torch.pdist(a, p=1.0)", {"a": (4, 2)}),
    ("torch.cdist(a, b, p=1)", {"a": (2, 3, 4), "b": (2, 5, 4)}),
    ("torch.trapezoid(a)", {"a": (2, 6)}),
    ("torch.trapezoid(a, dx=0.1, dim=0)", {"a": (5, 2)}),
    ("torch.trapezoid(a, torch.linspace(0, 1, 6))", {"a": (2, 6)}),
    ("F.scaled_dot_product_attention(q, k, v)", {"q": (2, 3, 4), "k": (2, 5, 4), "v": (2, 5, 6)}),
    ("F.scaled_dot_product_attention(q, k, v, is_causal=True)", {"q": (3, 4), "k": (3, 4), "v": (3, 4)}),
    ("F.scaled_dot_product_attention(q, k, v, scale=0.3)", {"q": (3, 4), "k": (3, 4), "v": (3, 4)}),
    (
        "F.scaled_dot_product_attention(q, k, v, attn_mask=m)",
        {"q": (3, 4), "k": (5, 4), "v": (5, 2), "m": (3, 5)},
    ),
    (
        "F.scaled_dot_product_attention(q, k, v, attn_mask=torch.tensor([[True, False], [False, False]]))",
        {"q": (2, 4), "k": (2, 4), "v": (2, 3)},
    ),
    (
        "F.scaled_dot_product_attention(q, k, v, enable_gqa=True)",
        {"q": (1, 4, 3, 2), "k": (1, 2, 3, 2), "v": (1, 2, 3, 2)},
    ),
    ("F.glu(a)", {"a": (3, 4)}),
    ("F.softmin(a, dim=1)", {"a": (3, 4)}),
    ("F.normalize(a)", {"a": (3, 4)}),
    ("F.normalize(a, p=1, dim=0)", {"a": (3, 4)}),
    ("F.pairwise_distance(a, b, p=1)", {"a": (3, 4), "b": (3, 4)}),
    ("F.one_hot(torch.tensor([0, 2, 1]))", {"a": (1,)}),
    ("F.local_response_norm(a, 2)", {"a": (2, 5, 3, 3)}),
    ("F.local_response_norm(a, 3, alpha=0.1, k=2.0)", {"a": (2, 4, 6)}),
    ("F.instance_norm(a)", {"a": (2, 3, 5)}),
    ("F.instance_norm(a, b, c.abs(), use_input_stats=False)", {"a": (2, 3, 5), "b": (3,), "c": (3,)}),
    ("F.dropout(a, 0.5, training=False)", {"a": (3,)}),
    ("F.dropout(a, 0.0)", {"a": (3,)}),
    ("F.alpha_dropout(a, 0.5)", {"a": (3,)}),
    ("F.mse_loss(a, b, reduction='sum')", {"a": (3, 2), "b": (3, 2)}),
    ("F.mse_loss(a, b, size_average=False)", {"a": (3, 2), "b": (3, 2)}),
    ("F.mse_loss(a > 0, b)", {"a": (3, 2), "b": (3, 2)}),
    ("F.mse_loss(a, b[0, 0] > 0, reduction='none')", {"a": (3, 2), "b": (3, 2)}),
    ("F.smooth_l1_loss(a > 0, b)", {"a": (3, 2), "b": (3, 2)}),
    ("F.huber_loss(a, b > 0)", {"a": (3, 2), "b": (3, 2)}),
    ("F.soft_margin_loss(a, b > 0)", {"a": (3, 2), "b": (3, 2)}),
    ("F.cosine_similarity(a > 0, b)", {"a": (3, 2), "b": (3, 2)}),
    ("F.l1_loss(a, b, reduce=False)", {"a": (3, 2), "b": (3, 2)}),
    ("F.smooth_l1_loss(a, b, beta=0.0)", {"a": (3, 2), "b": (3, 2)}),
    ("F.huber_loss(a, b, reduction='none', delta=0.3)", {"a": (3, 2), "b": (3, 2)}),
    ("F.kl_div(F.log_softmax(a, 1), F.softmax(b, 1), reduction='batchmean')", {"a": (3, 4), "b": (3, 4)}),
    ("F.kl_div(a, torch.tensor([0.0, 0.4, 0.6]), reduction='none')", {"a": (3,)}),
    ("F.nll_loss(F.log_softmax(a, 1), torch.tensor([0, 2, -100]))", {"a": (3, 4)}),
    ("F.nll_loss(a, torch.zeros(2, 3, 3).long(), reduction='none')", {"a": (2, 4, 3, 3)}),
    ("F.cross_entropy(a, torch.tensor([1, -100, 3]), label_smoothing=0.2)", {"a": (3, 4)}),
    ("F.cross_entropy(a, F.softmax(b, 1), label_smoothing=0.2)", {"a": (3, 4), "b": (3, 4)}),
    (
        "F.binary_cross_entropy(torch.sigmoid(a), torch.sigmoid(b), weight=c.abs())",
        {"a": (3,), "b": (3,), "c": (3,)},
    ),
    ("F.binary_cross_entropy(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.5]))", {"a": (1,)}),
    ("F.binary_cross_entropy_with_logits(a, b.half(), reduction='none')", {"a": (3,), "b": (3,)}),
    ("F.gaussian_nll_loss(a, b, c.abs(), full=True)", {"a": (3, 2), "b": (3, 2), "c": (3,)}),
    ("F.poisson_nll_loss(a, b.abs() * 3, full=True)", {"a": (3, 2), "b": (3, 2)}),
    ("F.poisson_nll_loss(a.abs(), b.abs(), log_input=False)", {"a": (3, 2), "b": (3, 2)}),
    ("F.soft_margin_loss(a, torch.sign(b))", {"a": (3, 2), "b": (3, 2)}),
    ("F.multilabel_soft_margin_loss(a, (b > 0).float())", {"a": (3, 2), "b": (3, 2)}),
    ("F.margin_ranking_loss(a, b, torch.sign(c), margin=0.1)", {"a": (3,), "b": (3,), "c": (3,)}),
    ("F.hinge_embedding_loss(a, torch.sign(b))", {"a": (3,), "b": (3,)}),
    ("F.cosine_embedding_loss(a, b, torch.sign(c), margin=0.1)", {"a": (3, 4), "b": (3, 4), "c": (3,)}),
    ("F.hinge_embedding_loss(a, torch.tensor([0.0, 1.0, -1.0, 0.5]), 3.0, reduction='none')", {"a": (4,)}),
    (
        "F.cosine_embedding_loss(a, b, torch.tensor([0.0, 1.0, -1.0, 2.0]), -0.9, reduction='none')",
        {"a": (4, 2), "b": (4, 2)},
    ),
    ("F.triplet_margin_loss(a, b, c, swap=True)", {"a": (3, 4), "b": (3, 4), "c": (3, 4)}),
    ("torch.utils.checkpoint.checkpoint(torch.sin, a, use_reentrant=False)", {"a": (3,)}),
    ("nn.DataParallel(nn.Tanh())(a)", {"a": (3,)}),
    ("nn.utils.parameters_to_vector([a, b])", {"a": (3, 2), "b": (4,)}),
]


@pytest.mark.parametrize(("call", "shapes"), CASES, ids=[call for call, _ in CASES])
def test_a_composition_computes_what_torch_computes(
    call: str, shapes: dict[str, Shape], tmp_path: Path
) -> None:
    torch.manual_seed(SEED)
    inputs = {name: torch.randn(shape) for name, shape in shapes.items()}
    names = {
        "torch": torch,
        "F": F,
        "nn": torch.nn,
        **{name: value.clone() for name, value in inputs.items()},
    }
    with torch.no_grad():
        eager = eval(call, names)
    header = (
        "import torch\nimport torch.nn.functional as F\nimport torch.utils.checkpoint\nfrom torch import nn\n"
    )
    capture = captured(tmp_path / "program.py", probe(header, call, inputs, eager))
    assert [d.message for d in capture.diagnostics] == []
    assert_same(probed(capture, inputs), flat(eager), tolerance=0.0)


def test_batch_normalisation_in_training_mode_uses_and_moves_the_statistics(tmp_path: Path) -> None:
    """Twice forward in training mode, then once in evaluation mode with the moved statistics."""
    torch.manual_seed(SEED)
    inputs = {"a": torch.randn(4, 3, 5), "b": torch.randn(4, 3, 5)}
    layer = torch.nn.BatchNorm1d(3, momentum=0.3)
    with torch.no_grad():
        first, second = layer(inputs["a"]), layer(inputs["b"])
        eager = (first, second, layer.eval()(inputs["a"]), layer.running_mean, layer.running_var)
    text = (
        "import torch\nfrom torch import nn\n\ndef run(a, b):\n    layer = nn.BatchNorm1d(3, momentum=0.3)\n"
    )
    text += "    first, second = layer(a), layer(b)\n"
    text += "    return first, second, layer.eval()(a), layer.running_mean, layer.running_var\n"
    capture = captured(tmp_path / "program.py", probe(text, "run(a, b)", inputs, eager))
    assert [d.code for d in capture.diagnostics] == ["TL312"], "what is verified runs in training mode"
    assert_same(probed(capture, inputs), flat(eager), tolerance=2e-6)


def test_instance_normalisation_in_training_mode_moves_the_statistics(tmp_path: Path) -> None:
    torch.manual_seed(SEED)
    inputs = {"a": torch.randn(4, 3, 5), "b": torch.randn(4, 3, 5)}
    layer, mean, variance = (
        torch.nn.InstanceNorm1d(3, track_running_stats=True),
        torch.zeros(3),
        torch.ones(3),
    )
    with torch.no_grad():
        first, second = layer(inputs["a"]), F.instance_norm(inputs["b"], mean, variance, momentum=0.3)
        eager = (first, second, layer.eval()(inputs["a"]), layer.running_mean, mean, variance)
    text = """\
import torch
import torch.nn.functional as F
from torch import nn

def run(a, b):
    layer, mean, variance = nn.InstanceNorm1d(3, track_running_stats=True), torch.zeros(3), torch.ones(3)
    first, second = layer(a), F.instance_norm(b, mean, variance, momentum=0.3)
    return first, second, layer.eval()(a), layer.running_mean, mean, variance
"""
    capture = captured(tmp_path / "program.py", probe(text, "run(a, b)", inputs, eager))
    assert [d.code for d in capture.diagnostics] == ["TL312"], "what is verified runs in training mode"
    assert_same(probed(capture, inputs), flat(eager))


@pytest.mark.parametrize("layer", ["Dropout(0.25)", "Dropout2d(0.25)"])
def test_dropout_in_training_mode_is_a_mask_between_zero_and_its_scale(layer: str, tmp_path: Path) -> None:
    text = f"import torch\nfrom torch import nn\nlayer = nn.{layer}\n"
    inputs = {"x": torch.ones(1, 4, 2, 2)}
    capture = captured(tmp_path / "program.py", probe(text, "layer(x)", inputs, inputs["x"]))
    (mask,) = (node for node in capture.graph if node.op == "random")
    assert mask.type.shape == ((1, 4, 2, 2) if "2d" not in layer else (1, 4, 1, 1))
    assert mask.attributes["lower"] == 0.0
    scale = float(torch.tensor(1.0) / torch.tensor(0.75))
    assert scale <= float(str(mask.attributes["upper"])) <= scale * (1 + 1e-6)
