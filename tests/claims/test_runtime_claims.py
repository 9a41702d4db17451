"""A claim is an ordinary callable; sampling runs the real thing on binary32 inputs inside its domain."""

import doctest
import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import torchlean as tl
from torchlean.claims import api, logic, plain
from torchlean.claims.sampling import KEPT_VIOLATIONS

BOX = tl.box([-1.0, -1.0], [1.0, 1.0])


@tl.claim(x=BOX)
def sums_below_three(x):
    """The sum of two numbers up to one."""
    return x.sum() < 3.0


@tl.claim(x=BOX)
def sums_below_two(x):
    return x.sum() < 2.0


def test_a_claim_returns_what_its_function_returns() -> None:
    result = sums_below_three(torch.zeros(2))
    assert result.dtype == torch.bool and bool(result)
    assert not bool(sums_below_three(torch.tensor([5.0, 5.0])))  # outside the domain it still runs


def test_a_claim_keeps_the_identity_of_its_function() -> None:
    assert sums_below_three.__name__ == "sums_below_three"
    assert sums_below_three.__doc__ == "The sum of two numbers up to one."
    assert sums_below_three.__wrapped__(torch.ones(2)) == sums_below_three(torch.ones(2))
    assert list(inspect.signature(sums_below_three).parameters) == ["x"]
    assert sums_below_three.domains == {"x": BOX}
    assert repr(sums_below_three) == "<claim sums_below_three(x=box([-1.0, -1.0], [1.0, 1.0]))>"


def test_the_docstrings_examples_are_true() -> None:
    for module in (api, logic, plain):
        outcome = doctest.testmod(module)
        assert outcome.attempted > 0 and outcome.failed == 0, module.__name__


class TestRefusals:
    def test_a_domain_for_an_unknown_argument_names_the_known_ones(self) -> None:
        with pytest.raises(tl.DomainError, match=r"`f` has no argument `y` .* it takes `x`"):

            @tl.claim(y=BOX)
            def f(x):
                return x > 0

    def test_an_argument_without_domain_is_named_with_the_remedy(self) -> None:
        with pytest.raises(tl.DomainError, match=r"`y` of `f` has no domain: .*`@tl.claim\(y="):

            @tl.claim(x=BOX)
            def f(x, y):
                return x > y

    def test_a_claim_without_arguments_is_refused(self) -> None:
        with pytest.raises(tl.DomainError, match="takes no argument"):

            @tl.claim()
            def f():
                return True

    def test_a_plain_list_is_no_domain(self) -> None:
        with pytest.raises(tl.DomainError, match=r"`x` needs a domain, .* got \[0, 1\]"):

            @tl.claim(x=[0, 1])
            def f(x):
                return x > 0

    def test_an_argument_with_a_default_needs_no_domain(self) -> None:
        @tl.claim(x=BOX)
        def f(x, limit=3.0):
            return x.sum() < limit

        assert f.sample(20, seed=0).violated == 0

    def test_a_claim_that_returns_numbers_is_told_to_compare(self) -> None:
        @tl.claim(x=BOX)
        def f(x):
            return x

        with pytest.raises(
            TypeError, match=r"must return a bool or a bool tensor.*got a torch.float32 tensor"
        ):
            f.sample(5)

    def test_sampling_nothing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="n=0"):
            sums_below_two.sample(0)


class TestSampling:
    def test_a_violation_at_one_corner_alone_is_found_and_replays(self) -> None:
        found = sums_below_two.sample(16, seed=0)
        assert found.violated >= 1
        inputs = found.violations[0].inputs
        assert torch.equal(inputs["x"], torch.ones(2))
        assert not bool(sums_below_two(**inputs))

    def test_a_true_claim_has_no_violation_and_the_result_says_it_is_no_proof(self) -> None:
        found = sums_below_three.sample(200, seed=3)
        assert (found.tried, found.violated, found.violations) == (200, 0, ())
        assert (
            "no violation among 200" in repr(found) and "no proof" in repr(found) and "seed 3" in repr(found)
        )

    def test_a_refuted_claim_shows_its_first_violation(self) -> None:
        text = repr(sums_below_two.sample(16, seed=0))
        assert "refutes it" in text and "x = [1.0, 1.0]" in text

    def test_the_seed_repeats_a_run(self) -> None:
        @tl.claim(x=tl.box(-1.0, 1.0, shape=(5,)))
        def never(x):
            return torch.zeros((), dtype=torch.bool)

        first = never.sample(8)
        again = never.sample(8, seed=first.seed)
        pairs = list(zip(first.violations, again.violations, strict=True))
        assert len(pairs) == 8
        assert all(torch.equal(a.inputs["x"], b.inputs["x"]) for a, b in pairs)

    def test_violations_beyond_the_kept_ones_are_counted(self) -> None:
        @tl.claim(x=BOX)
        def never(x):
            return False

        found = never.sample(50, seed=0)
        assert found.violated == found.tried == 50
        assert len(found.violations) == KEPT_VIOLATIONS

    def test_a_result_with_one_false_element_is_a_violation(self) -> None:
        @tl.claim(x=BOX)
        def second_is_false(x):
            return torch.tensor([True, False])

        assert second_is_false.sample(1, seed=0).violated == 1

    def test_every_corner_of_two_inputs_together_is_tried(self) -> None:
        corners = set()

        @tl.claim(x=tl.box([-1.0, -2.0], [1.0, 2.0]), y=tl.box(-3.0, 3.0))
        def holds(x, y):
            corners.add((*x.tolist(), y.item()))
            return True

        holds.sample(40, seed=0)
        assert {(a, b, c) for a in (-1.0, 1.0) for b in (-2.0, 2.0) for c in (-3.0, 3.0)} <= corners

    @given(
        st.lists(
            st.tuples(
                st.floats(allow_nan=False, allow_infinity=False),
                st.floats(allow_nan=False, allow_infinity=False),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def test_inputs_are_finite_binary32_numbers_inside_the_domain(self, ends) -> None:
        low, high = [min(pair) for pair in ends], [max(pair) for pair in ends]
        domain = tl.box(low, high)
        seen = []

        @tl.claim(x=domain)
        def holds(x):
            seen.append(x)
            return True

        try:
            holds.sample(30, seed=0)
        except tl.DomainError as error:
            assert "holds no float32 number" in str(error)
            return
        assert len(seen) == 30
        for x in seen:
            assert x.dtype == torch.float32 and bool(x.isfinite().all())
            assert all(l <= value <= h for l, value, h in zip(low, x.tolist(), high, strict=True))

    def test_a_domain_between_two_float32_neighbours_says_that_nothing_can_run(self) -> None:
        @tl.claim(x=tl.box([0.1], [0.1]))
        def holds(x):
            return True

        with pytest.raises(tl.DomainError, match=r"domain of `x` holds no float32 number at \[0\]"):
            holds.sample(5)

    def test_an_unbounded_domain_is_sampled_with_finite_numbers(self) -> None:
        @tl.claim(x=tl.box(float("-inf"), float("inf")))
        def is_finite(x):
            return x.isfinite()

        assert is_finite.sample(50, seed=0).violated == 0
