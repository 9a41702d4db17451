"""Fixes of whole programs: the hazard is gone, the program runs, and its value on the triggering input is right."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.hazards import evidence
from tests.hazards.evidence import program
from tests.hazards.marks import reported

from torchlean.analysis import Session
from torchlean.analysis.fixing import fixes
from torchlean.edits import Fix, applied

FIXED = {
    "accumulated_time": "Add in float64",
    "angle_between_vectors": "Clamp to (-1, 1)",
    "batch_norm_epsilon": "Use 1e-5",
    "binary_cross_entropy_by_hand": "Use binary_cross_entropy_with_logits",
    "clamp_after_division": "Clamp to at least 1e-12 before the division",
    "clamp_after_log": "Clamp to at least 1e-12 before the log",
    "conditional_autoencoder": "Clamp to at least 1e-12 before the log",
    "contrastive_distance": "Add 1e-12 under the root",
    "counting_exact_hits": "Use isclose",
    "distance_map_network": "Replace masked",
    "distillation_with_temperature": "Use softmax",
    "divergence_between_networks": "Use log_softmax",
    "entropy_of_predictions": "Use log_softmax",
    "epsilon_added_to_one": "Clamp the difference",
    "epsilon_below_float32": "Use 1e-12",
    "exponential_minus_one": "Use expm1",
    "flush_to_zero_mode": "Turn it off",
    "focal_loss": "Use logsigmoid",
    "fully_masked_attention": "Fill with -1e9",
    "gumbel_noise": "Clamp to at least 1e-12 before the log",
    "half_precision_claim": "Use bfloat16",
    "half_precision_energy": "Use bfloat16",
    "half_precision_variance_epsilon": "Use 1e-5",
    "half_precision_counter": "Accumulate in float64",
    "identifiers_as_floats": "Convert to float64",
    "inverse_root_of_degrees": "Clamp to at least 1e-12 before the power",
    "kl_of_two_softmaxes": "Use log_softmax of both",
    "language_model_perplexity": "Clamp to at most 80.0",
    "log_of_one_plus": "Use log1p",
    "log_of_softmax_in_loss": "Use log_softmax",
    "log_sum_of_exponentials": "Use logsumexp",
    "logistic_loss_with_exp": "Use softplus",
    "masked_mean": "Clamp to at least 1e-12 before the division",
    "min_max_scaling": "Divide by 1",
    "norm_regulariser": "Add 1e-12 under the root",
    "one_minus_cosine": "Use 2 sin²",
    "pairwise_ranking": "Use logsigmoid",
    "poisson_rate": "Clamp to at most 80.0",
    "skip_gram": "Use logsigmoid",
    "small_correction_to_large_weight": "Add in float64",
    "soft_label_training": "Use cross_entropy",
    "softmax_written_out": "Subtract the maximum",
    "survival_partial_likelihood": "Use logcumsumexp",
    "unnormalised_contrastive_loss": "Subtract the maximum",
    "vae_log_of_scale": "Clamp to at least 1e-12 before the log",
    "vae_reparameterisation": "Clamp to at most 80.0",
    "variance_from_moments": "Use torch.var",
    "vector_length_2d": "Use hypot",
}
"""Programs whose hazards go away by fixes of this kind, one for each marked line."""

ROUNDS = 4
"""More fixes than any program needs."""

EVERYWHERE = (0, 10**6)


@pytest.fixture(autouse=True)
def _settings():
    with evidence.settings_restored():
        yield


def offered(path: Path, words: str) -> list[Fix]:
    found = fixes(str(path), path.read_text(encoding="utf-8"), EVERYWHERE, Session())
    return [fix for fix in found if fix.title.startswith(words)]


@pytest.mark.parametrize("name", FIXED)
def test_the_fixed_program_has_no_hazard_and_gives_the_right_value(name, tmp_path) -> None:
    copy = tmp_path / f"{name}.py"
    copy.write_text(program("hazardous", name).read_text(encoding="utf-8"), encoding="utf-8")
    for _ in range(ROUNDS):
        if not reported(copy):
            break
        found = offered(copy, FIXED[name])
        assert found, [d.message for d in reported(copy)]
        copy.write_text(applied(copy.read_text(encoding="utf-8"), found[0].edits), encoding="utf-8")
    assert not reported(copy)
    value = evidence.observed("hazardous", name, copy)
    assert evidence.is_right(value, evidence.exact(name)), value
