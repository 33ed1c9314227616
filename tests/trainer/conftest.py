"""A network that is built in no time, for the tests of all that trains or exports one."""

import pytest

from tests.trainer.tuning import tiny
from trainer.networks import backbones
from trainer.networks.backbones import CENTRED, Backbone


@pytest.fixture
def tiny_siamese(monkeypatch: pytest.MonkeyPatch) -> None:
    """`siamese` is the tiny network."""
    monkeypatch.setitem(backbones.BACKBONES, "siamese", Backbone(CENTRED, tiny, None))
