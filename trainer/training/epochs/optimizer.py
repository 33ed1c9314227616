"""The optimizer of the stages that train a network: two rates, warm-up, cosine decay."""

from collections.abc import Iterable

import keras
from keras import KerasTensor

WEIGHT_DECAY = 1e-4


class TwoRates(keras.optimizers.AdamW):  # type: ignore[misc]  # Keras ships no types
    """AdamW that moves some variables slower than the rest (Loshchilov & Hutter 2017, https://arxiv.org/abs/1711.05101).

    A backbone that knows the world already must not be torn apart by the rate that a fresh head needs.
    """

    def __init__(
        self,
        rate: keras.optimizers.schedules.LearningRateSchedule | float,
        *,
        slower: Iterable[keras.Variable] = (),
        factor: float = 1.0,
    ) -> None:
        super().__init__(rate, weight_decay=WEIGHT_DECAY)
        self.slower = {variable.path for variable in slower}
        self.factor = factor
        self.factors: list[float] = []

    def build(self, variables: list[keras.Variable]) -> None:
        """What Keras calls once the variables are known."""
        super().build(variables)
        self.factors = [self.factor if variable.path in self.slower else 1.0 for variable in variables]

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: KerasTensor) -> None:
        """One variable's step."""
        factor = self.factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)


def warm_cosine(rate: float, steps: int, warmup_share: float) -> keras.optimizers.schedules.LearningRateSchedule:
    """From 0 up to `rate` over the first share of `steps`, then down to 0 along a cosine.

    Loshchilov & Hutter 2016, "SGDR" (https://arxiv.org/abs/1608.03983); warm-up after Goyal et al. 2017
    (https://arxiv.org/abs/1706.02677).
    """
    warm = min(steps - 1, round(steps * warmup_share))
    if warm < 1:
        return keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.schedules.CosineDecay(0.0, steps - warm, warmup_target=rate, warmup_steps=warm)
