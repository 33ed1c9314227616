"""Two rates, and how they rise and fall."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.marks import examples
from trainer.training.epochs.optimizer import TwoRates, warm_cosine


def moved(optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable], steps: int = 1) -> list[np.ndarray]:
    """How far each variable goes under the same gradients."""
    before = [variable.numpy() for variable in variables]
    rng = np.random.default_rng(0)
    for _step in range(steps):
        optimizer.apply(
            [keras.ops.convert_to_tensor(rng.normal(size=v.shape).astype("f4")) for v in variables], variables
        )
    return [variable.numpy() - start for variable, start in zip(variables, before, strict=True)]


def variables() -> list[keras.Variable]:
    rng = np.random.default_rng(1)
    return [keras.Variable(rng.normal(size=(4, 3)).astype("f4"), name=name) for name in ("slow", "fast", "slow_too")]


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("steps", [1, 5])
def test_the_slower_variables_move_by_the_factor(factor: float, steps: int) -> None:
    two, plain = variables(), variables()
    result = moved(TwoRates(1e-2, slower=[two[0], two[2]], factor=factor), two, steps)
    wanted = moved(keras.optimizers.AdamW(1e-2, weight_decay=1e-4), plain, steps)
    for number, share in ((0, factor), (1, 1.0), (2, factor)):
        np.testing.assert_allclose(result[number], share * wanted[number], rtol=2e-3, atol=1e-5)


@settings(deadline=None, max_examples=examples(30))
@given(st.integers(1, 200), st.floats(0, 0.9), st.floats(1e-5, 1e-1))
def test_the_rate_rises_along_a_line_and_falls_along_a_cosine(steps: int, share: float, rate: float) -> None:
    schedule = warm_cosine(rate, steps, share)
    warm = min(steps - 1, round(steps * share))
    for step in {0, 1, warm // 2, warm, (warm + steps) // 2, steps - 1, steps}:
        if step < warm:
            wanted = rate * step / warm
        else:
            wanted = rate * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2
        assert float(schedule(step)) == pytest.approx(wanted, rel=1e-3, abs=rate * 1e-4)


def test_the_factor_goes_with_a_rate_that_changes() -> None:
    two, plain = variables(), variables()
    result = moved(TwoRates(warm_cosine(1e-2, 10, 0.3), slower=two[:1], factor=0.1), two, 6)
    wanted = moved(keras.optimizers.AdamW(warm_cosine(1e-2, 10, 0.3), weight_decay=1e-4), plain, 6)
    np.testing.assert_allclose(result[0], 0.1 * wanted[0], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(result[1], wanted[1], rtol=1e-5)
