"""For every pair of programs an input on which the hazardous form breaks and the stable one does not.

`BY_EXECUTION` says how to reach the marked line with it: statements run in the namespace of the program (after it
ran), then the value of an expression. `evidence` executes that.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """How to see the hazard of one pair.

    Attributes:
        value: the expression that goes wrong in the hazardous program.
        before: statements that prepare it, in the namespace of either program.
        exact: its exact value as an expression over `torch` and `math`; None where the twin need only be finite.
        twin: the twin's expression, where it is another.
        marked: whether the marked statements are executed between `before` and `value` (inline code, no function).
        rand: what `torch.rand` returns meanwhile.
    """

    value: str
    before: str = ""
    exact: str | None = None
    twin: str | None = None
    marked: bool = False
    rand: float | None = None


def _slope(function: str, at: str) -> str:
    """The derivative of a function of the program at a point."""
    return f"torch.autograd.functional.jacobian({function}, {at})"


def _bias(layer: str, value: str) -> str:
    """Make a layer's output this constant, as training may."""
    return f"{layer}.weight.data.zero_(); {layer}.bias.data.copy_(torch.tensor({value})); "


BY_EXECUTION: dict[str, Evidence] = {
    "softmax_written_out": Evidence(
        "predict(torch.ones(1, 16))",
        before="W.data.fill_(10.0); b.data.zero_()",
        exact="torch.full((1, 3), 1 / 3)",
    ),
    "log_of_softmax_in_loss": Evidence(
        "cross_entropy(torch.tensor([[200.0, 0.0, 0.0, 0.0]]), torch.tensor([1]))", exact="200.0"
    ),
    "softmax_layer_then_log": Evidence(
        "log_output[0, 1]",
        before=_bias("model[2]", "[200.0, 0.0, 0.0, 0.0, 0.0]") + "output = model(torch.zeros(1, 8))",
        exact="-200.0",
        marked=True,
    ),
    "binary_cross_entropy_by_hand": Evidence(
        "loss",
        before="z = torch.tensor([[200.0]]); y_data = torch.zeros(1, 1); y_hat = torch.sigmoid(z)",
        exact="200.0",
        marked=True,
    ),
    "gan_discriminator_logs": Evidence(
        "G_loss",
        before=_bias("D[2]", "[-200.0]") + "D_real = D_fake = D(torch.zeros(1, 6))",
        exact="200.0",
        marked=True,
    ),
    "logistic_loss_with_exp": Evidence("logistic(torch.tensor(-200.0))", exact="200.0"),
    "vae_log_of_scale": Evidence(
        "loss_function(torch.zeros(1, 12), torch.zeros(1, 12), mu, std)",
        before=_bias("model.fc22", "[-1.0, -1.0]") + "mu, std = model.encode(torch.zeros(1, 12))",
    ),
    "policy_gradient_log_probability": Evidence(
        "log_prob",
        before=_bias("policy.affine2", "[200.0, 0.0]")
        + "probs = log_probs = policy(torch.zeros(4)); action = 1",
        exact="-200.0",
        marked=True,
    ),
    "entropy_of_predictions": Evidence(
        "entropy",
        before="logits = torch.tensor([[200.0, 0.0, 0.0]]); p = torch.softmax(logits, dim=1)",
        exact="0.0",
        marked=True,
    ),
    "sparse_autoencoder_penalty": Evidence(
        "kl_penalty(rho_hat)",
        before=_bias("model.encoder", "[-200.0] * 4")
        + "code, _ = model(torch.zeros(2, 10)); rho_hat = code.mean(dim=0)",
        marked=True,
    ),
    "layer_norm_without_epsilon": Evidence("norm(torch.ones(4))", exact="torch.zeros(4)"),
    "variance_from_moments": Evidence(
        "moments(4096.0 + torch.tensor([[0.0], [0.1], [0.2]]))[1]",
        exact="(4096.0 + torch.tensor([[0.0], [0.1], [0.2]])).double().var(dim=0, unbiased=False)",
    ),
    "cosine_similarity_by_hand": Evidence("cosine(torch.zeros(1, 4), torch.ones(1, 4))", exact="0.0"),
    "angle_between_vectors": Evidence(
        _slope("lambda u: angle(u, u.detach())", "torch.tensor([[1.0, 0.0, 0.0]])"),
    ),
    "contrastive_distance": Evidence(
        _slope("lambda a: criterion(a, torch.zeros(1, 2), torch.ones(1))", "torch.zeros(1, 2)"), exact="0.0"
    ),
    "half_precision_counter": Evidence("seen.double()", exact="8000.0"),
    "coupling_flow": Evidence(
        "layer(torch.ones(1, 2))[0]",
        before="layer = flow.layers[0]; " + _bias("layer.scale_net[2]", "[200.0, 200.0]"),
    ),
    "distance_map_network": Evidence(
        _slope("lambda z: pairwise_distances(z).sum()", "torch.tensor([[0.0, 0.0], [3.0, 4.0]])"),
        exact="torch.tensor([[-1.2, -1.6], [1.2, 1.6]])",
    ),
    "likelihood_as_product": Evidence(
        "score(torch.zeros(4, 4), torch.zeros(400, dtype=torch.long)).log()",
        twin="score(torch.zeros(4, 4), torch.zeros(400, dtype=torch.long))",
        exact="-399 * math.log(4)",
    ),
    "gumbel_noise": Evidence("sample_gumbel((2,))", rand=0.0),
    "image_logits": Evidence("to_logit(torch.zeros(1))", exact="math.log(0.05 / 0.95)"),
    "box_muller": Evidence("normal(3)", rand=0.0, exact="0.0"),
    "masked_mean": Evidence("model(torch.zeros(1, 6, 3), torch.zeros(1, 6))"),
    "graph_degree_normalisation": Evidence("normalise(torch.zeros(2, 2))", exact="0.0"),
    "min_max_scaling": Evidence("min_max(torch.ones(3, 2))", exact="0.0"),
    "advantage_normalisation": Evidence(
        "advantage", before="advantage = torch.ones(4)", exact="0.0", marked=True
    ),
    "gamma_of_normalised_images": Evidence("correct(torch.tensor([-0.5]), 2.2)", exact="0.25 ** (1 / 2.2)"),
    "vector_length_2d": Evidence("length(torch.tensor(3e25), torch.tensor(4e25))", exact="5e25"),
    "power_of_large_inputs": Evidence("feature(torch.tensor([2000.0]))", exact="1.0"),
    "poisson_rate": Evidence(
        "rate",
        before=_bias("model", "[100.0]") + "x = torch.zeros(1, 3); score = model(x)",
        marked=True,
    ),
    "fully_masked_attention": Evidence(
        "attention(torch.zeros(1, 2, 4), torch.zeros(1, 2, dtype=torch.bool))"
    ),
    "label_smoothing_divergence": Evidence(
        "divergence(torch.tensor([[1.0, 0.0, 0.0, 0.0]]), torch.zeros(1, 4))", exact="math.log(4)"
    ),
    "kl_of_two_softmaxes": Evidence(
        "kl(torch.zeros(1, 3), torch.tensor([[200.0, 0.0, 0.0]]))", exact="math.log(1 / 3) + 400 / 3"
    ),
    "focal_loss": Evidence("criterion(torch.tensor([[-200.0]]), torch.ones(1, 1))", exact="50.0"),
    "gaussian_likelihood": Evidence(
        "negative_log_likelihood(torch.ones(1, 1), *model(torch.zeros(1, 2)))",
        before=_bias("model.scale", "[-1.0]"),
    ),
    "log_sum_of_exponentials": Evidence("energy(torch.tensor([[200.0, 200.0]]))", exact="-200 - math.log(2)"),
    "sinkhorn_scaling": Evidence(
        "u",
        twin="f",
        before="cost = torch.full((6, 6), 0.5); log_kernel = -cost / args.epsilon; kernel = log_kernel.exp()",
        marked=True,
    ),
    "sigmoid_by_hand": Evidence(_slope("sigmoid", "torch.tensor(-200.0)"), exact="0.0"),
    "tanh_by_hand": Evidence(
        "cell(torch.zeros(1, 2), torch.zeros(1, 3))[1]", before=_bias("cell.i2h", "[200.0] * 3"), exact="1.0"
    ),
    "log_of_features": Evidence("features", before="raw = torch.zeros(1, 4)", marked=True),
    "accumulated_time": Evidence(
        "advance(clock, dt) - clock",
        before="clock = torch.tensor(16777216.0, dtype=clock.dtype)",
        exact="0.25",
    ),
    "small_correction_to_large_weight": Evidence(
        "corrected(torch.tensor([1e9]), torch.tensor([1.0])) - 1e9", exact="1.0"
    ),
    "joint_probability_of_pixels": Evidence(
        "component_scores(torch.ones(1, 784)).log()", twin="component_scores(torch.ones(1, 784))"
    ),
    "clamp_after_log": Evidence(_slope("loss_of", "torch.zeros(1)")),
    "clamp_after_division": Evidence(
        _slope("lambda b: importance(torch.ones(1), b)", "torch.zeros(1)"), exact="0.0"
    ),
    "identifiers_as_floats": Evidence(
        "columns(torch.tensor([2**24 + 1]), torch.zeros(1))[0, 0].double() - 2**24", exact="1.0"
    ),
    "nanosecond_timestamps": Evidence("features(stamps)[1]", exact="1.0"),
    "stopping_at_equal_loss": Evidence(
        "float(settled(torch.tensor(0.7) * 9, torch.tensor(6.3)))", exact="1.0"
    ),
    "counting_exact_hits": Evidence(
        "hits",
        before="x = torch.tensor([[0.7]]); regressor = lambda x: x * 9; values = torch.tensor([[6.3]])",
        exact="1.0",
        marked=True,
    ),
    "limits_too_close_to_one": Evidence("complement_loss(torch.ones(1))", exact="-math.log(1e-6)"),
    "epsilon_added_to_one": Evidence("no_match(torch.ones(1))"),
    "epsilon_below_float32": Evidence("unit(torch.zeros(1, 5))", exact="0.0"),
    "half_precision_variance_epsilon": Evidence("standardise(torch.ones(4, 2))", exact="0.0"),
    "batch_norm_epsilon": Evidence(
        "(net.bn(torch.full((3, 4, 7, 7), 0.1)).abs() > 1).float().mean()", exact="0.0"
    ),
    "half_precision_energy": Evidence("compress(torch.full((1, 1024), 32768.0))"),
    "half_precision_claim": Evidence("packed(torch.tensor([100.0, 100.0]))"),
    "flush_to_zero_mode": Evidence("torch.tensor(1e-30) * torch.tensor(1e-10)", exact="1e-40"),
    "exponential_minus_one": Evidence("growth(torch.tensor([1e-6]))", exact="math.expm1(1e-6)"),
    "log_of_one_plus": Evidence("log_return(torch.tensor([1e-6]))", exact="math.log1p(1e-6)"),
    "one_minus_cosine": Evidence("potential(torch.tensor([1e-4]))", exact="9.81 * 2 * math.sin(5e-5) ** 2"),
    "unnormalised_contrastive_loss": Evidence(
        "info_nce(torch.full((2, 8), 10.0), torch.full((2, 8), 10.0))", exact="0.5"
    ),
    "norm_regulariser": Evidence("torch.autograd.grad(adapter.penalty(), adapter.delta)[0]", exact="0.0"),
    "attention_weights_by_sum": Evidence("pool(torch.zeros(1, 7, 4))", before=_bias("pool.score", "[-1.0]")),
    "vae_reparameterisation": Evidence(
        "loss_function(torch.zeros(1, 16), torch.zeros(1, 16), mu, logvar)",
        before=_bias("model.fc22", "[200.0] * 3") + "mu, logvar = model.encode(torch.zeros(1, 16))",
    ),
    "conditional_autoencoder": Evidence(
        "loss_function(recon, torch.zeros(1, PIXELS), mu, logvar)",
        before=_bias("model.dec2", "[200.0] * PIXELS")
        + "recon, mu, logvar = model(torch.zeros(1, PIXELS), torch.zeros(1, N_CLASSES))",
    ),
    "mixture_density_network": Evidence(
        "mdn_loss_fn(pi, sigma, mu, torch.tensor([[1000.0]]))",
        before="pi, mu, sigma = network(torch.zeros(1, 1))",
    ),
    "language_model_perplexity": Evidence("perplexity", before="loss = torch.tensor(100.0)", marked=True),
    "triplet_embedding": Evidence(
        _slope("lambda a: loss_fn(a, torch.zeros(1, 2), torch.ones(1, 2))", "torch.zeros(1, 2)"),
    ),
    "unit_sphere_features": Evidence(
        "model.embed(torch.zeros(1, 12))", before=_bias("model.net[2]", "[-1.0] * 6"), exact="0.0"
    ),
    "segmentation_iou": Evidence("iou(torch.zeros(2, 2), torch.zeros(2, 2), 3)", exact="1.0"),
    "adagrad_by_hand": Evidence("p", before="p = torch.zeros(2); g = p; cache = p", marked=True),
    "distillation_with_temperature": Evidence(
        "soften(torch.tensor([[1000.0, 0.0]]))", exact="torch.tensor([[1.0, 0.0]])"
    ),
    "log_power_spectrum": Evidence("net.front(torch.zeros(1, 1, 64))", exact="-100.0"),
    "skip_gram": Evidence(
        "model(*(torch.zeros(1, dtype=torch.long) for _ in range(2)), torch.zeros(1, 5, dtype=torch.long))",
        before="model.u.weight.data.fill_(5.0); model.v.weight.data.fill_(5.0)",
        exact="5 * 200.0",
    ),
    "survival_partial_likelihood": Evidence(
        "negative_partial_likelihood(torch.full((2,), 200.0), torch.ones(2))", exact="math.log(2) / 2"
    ),
    "histogram_entropy": Evidence("entropy(torch.tensor([1.0, 0.0]))", exact="0.0"),
    "continuous_actor": Evidence(
        "log_prob",
        before="prob = normal(torch.tensor([[1000.0]]), torch.zeros(1, 1), torch.ones(1, 1))",
        exact="-0.5 * 1e6 - 0.5 * math.log(2 * math.pi)",
        marked=True,
    ),
    "inverse_document_frequency": Evidence("tf_idf(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))"),
    "pairwise_ranking": Evidence(
        "loss",
        before="prediction_i = torch.tensor([-200.0]); prediction_j = torch.zeros(1)",
        exact="200.0",
        marked=True,
    ),
    "attention_decoder": Evidence(
        "model.attention(torch.zeros(1, HID), torch.zeros(1, SRC, HID))",
        before=_bias("model.attention.attn", "[9.0] * HID") + "model.attention.v.weight.data.fill_(100.0)",
        exact="1 / 7",
    ),
    "inception_score": Evidence(
        "inception_score(lambda x: 200 * torch.eye(2).repeat(2, 1), torch.zeros(4, 1))", exact="math.log(2)"
    ),
    "pearson_loss": Evidence("criterion(torch.ones(4), torch.arange(4.0))", exact="1.0"),
    "contrast_normalisation": Evidence(
        "patches[0][0]", before="patches = Patches(2); patches.patches = torch.ones(2, 1, 6, 6)", exact="0.0"
    ),
    "gradient_penalty": Evidence(
        "autograd.grad(lengths.sum(), gradients)[0]",
        before="gradients = torch.zeros(2, 2, requires_grad=True)",
        exact="0.0",
        marked=True,
    ),
    "spread_of_embeddings": Evidence(
        "torch.autograd.grad(deviation.sum(), first)[0]",
        before="first = torch.zeros(3, 2, requires_grad=True)",
        exact="0.0",
        marked=True,
    ),
    "inverse_root_of_degrees": Evidence("normalize_adj(torch.zeros(N, N))", exact="0.0"),
    "scale_from_linear_layer": Evidence(
        "kl_loss",
        before="Whz_std.data.zero_(); bhz_std.data.zero_(); z_mu, z_std = Q(torch.zeros(1, X_dim))",
        marked=True,
    ),
    "soft_label_training": Evidence(
        "loss",
        before="outputs = torch.tensor([[200.0, 0.0]]); prob = F.softmax(outputs, dim=1); "
        "targets = torch.tensor([[0.0, 1.0]])",
        exact="200.0",
        marked=True,
    ),
    "class_balancing_weights": Evidence("class_weights(torch.zeros(4, dtype=torch.long))"),
    "sharpe_ratio": Evidence("sharpe_loss(torch.ones(3, 2), torch.ones(3, 2))"),
    "box_regression_targets": Evidence("encode(torch.zeros(1, 4), ANCHORS[1])"),
    "logarithmic_regression_error": Evidence(
        "log_rmse(lambda x: torch.full((2, 1), -1.0), features, torch.ones(2, 1))", exact="0.0"
    ),
    "frame_numbers": Evidence(
        "position[1, 0] - position[0, 0]",
        before="frames = torch.tensor([FIRST, FIRST + 1])",
        exact="1.0",
        marked=True,
    ),
    "squashed_policy": Evidence(
        "actor.sample(torch.zeros(1, 3))[1]", before=_bias("actor.mean", "[50.0, 50.0]")
    ),
    "divergence_between_networks": Evidence(
        "imitation",
        before="a = torch.tensor([[200.0, 0.0, 0.0, 0.0, 0.0, 0.0]]); b = torch.zeros(1, 6)",
        exact="math.log(1 / 6) + 5 * 200 / 6",
        marked=True,
    ),
    "old_variable_classifier": Evidence(
        "criterion(torch.sigmoid(torch.tensor([200.0])), torch.zeros(1))",
        exact="200.0",
        twin="criterion(torch.tensor([200.0]), torch.zeros(1))",
    ),
    "policy_with_baseline": Evidence(
        "update(torch.zeros(1, 4), torch.zeros(1, 1, dtype=torch.long), torch.ones(1), torch.ones(1))",
        before=_bias("policy.head", "[0.0, 200.0, 0.0]"),
        exact="200.0",
    ),
    "channel_statistics": Evidence(
        "deviation((x ** 2).mean(), x.mean())",
        before="x = torch.tensor([3000.0, 3000.5])",
        exact="0.25",
        twin="squared_deviation(x.view(2, 1, 1, 1).expand(2, 2, 1, 1), x.mean().expand(2))[0].sqrt()",
    ),
    "tagger_with_attention": Evidence(
        "model.attend(torch.tensor([[200.0, 200.0]]))", exact="torch.tensor([[0.5, 0.5]])"
    ),
    "neighbour_embedding": Evidence(
        "divergence(torch.tensor([[0.0, 0.5], [0.5, 0.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0]]))",
        exact="0.0",
    ),
    "hidden_markov_forward": Evidence(
        "log_likelihood(torch.zeros(4, 4), torch.zeros(4, 5), torch.zeros(400, dtype=torch.long))",
        exact="-400 * math.log(5)",
    ),
    "adam_by_hand": Evidence(
        "p", before="p = torch.zeros(2); m_hat = v_hat = torch.zeros(2)", exact="0.0", marked=True
    ),
    "generalised_cross_entropy": Evidence(
        _slope("lambda z: focal(z, torch.tensor([0]))", "torch.tensor([[200.0, 0.0, 0.0, 0.0, 0.0]])"),
    ),
    "hellinger_distance": Evidence(
        _slope("lambda z: hellinger(z, torch.zeros(1, 3))", "torch.tensor([[200.0, 0.0, -200.0]])"),
    ),
    "proximal_policy_ratio": Evidence(
        "ratio", before="log_prob = torch.tensor([200.0]); old_log_prob = torch.zeros(1)", marked=True
    ),
    "quadratic_roots": Evidence(
        "first",
        before="b, c = torch.tensor([5000.0]), 0.3; discriminant = torch.sqrt(b * b - 4 * c); a = 1.0",
        exact="(-5000 + math.sqrt(5000.0**2 - 1.2)) / 2",
        marked=True,
    ),
    "odds_of_probability": Evidence(
        "weight", before="treated = torch.zeros(1); p = torch.ones(1)", marked=True
    ),
    "rotation_angle": Evidence(
        _slope("lambda r: geodesic(r, torch.eye(3).unsqueeze(0))", "torch.eye(3).unsqueeze(0)")
    ),
    "survival_by_hazards": Evidence(
        "log_survival",
        before="logits = torch.full((1, 60), 20.0); survival = torch.cumprod(1 - torch.sigmoid(logits), dim=1)",
        exact="-1200.0",
        marked=True,
    ),
    "signed_power": Evidence("bilinear", before="bilinear = torch.tensor([-4.0])", marked=True),
    "half_precision_similarity": Evidence(
        "scores", before="q = k = torch.full((1, 1, d), 30.0, dtype=torch.half)", marked=True
    ),
    "temperature_in_loss": Evidence("nt_xent(torch.eye(2, 16), torch.eye(2, 16), 0.01)"),
}

WITHOUT_EXECUTION: dict[str, str] = {
    "gamma_after_normalize_transform": "needs torchvision and a data set",
    "tensor_cores_allowed": "the setting changes results on some graphics cards only",
}
