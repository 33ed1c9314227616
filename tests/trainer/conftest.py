"""What several rooms' tests share: a network that is built in no time, and bundles as if they had been tuned."""

import csv
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from retrieval.clusters import Vectors
from tests.support import bundles
from tests.support.bundles import Piece, write_artifacts
from tests.trainer.evaluation.shops import Publish, shop


@pytest.fixture
def tiny_siamese(monkeypatch: pytest.MonkeyPatch) -> None:
    """`siamese` is the tiny network."""
    from tests.trainer.tuning import tiny  # brings TensorFlow
    from trainer.networks import backbones

    monkeypatch.setitem(backbones.BUILDERS, "siamese", tiny)


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Publishes a bundle as if it had been tuned, with a split: every sixth piece, or `parts`, for validation."""

    def make(
        name: str = "artifacts",
        pieces: Sequence[Piece] = tuple(shop()),
        *,
        stage: str = "finetune",
        parts: Mapping[str, str] | None = None,
        bundle_id: str = "tiny",
        live: bool = True,
        digest: bool = True,
    ) -> tuple[Path, dict[str, Vectors]]:
        home, plain = tmp_path / name, bundles.describe
        held = parts or {piece.id: "validation" for row, piece in enumerate(pieces) if row % 6 < 3 and row < 6}

        def describe(bundle_id: str, *, items: int, clusters: int) -> dict[str, object]:
            made = plain(bundle_id, items=items, clusters=clusters)
            encoder = made["encoder"]
            assert isinstance(encoder, dict)
            return made | {"encoder": encoder | {"stage": stage}}

        (home / "training").mkdir(parents=True, exist_ok=True)
        with (home / "training" / "split.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            digests = [[sha256(piece.data).hexdigest()] if digest else [] for piece in pieces]
            rows.writerow(["id", "part", "sha256"][: 3 if digest else 2])
            rows.writerows(
                [piece.id, held.get(piece.id, "train"), *own] for piece, own in zip(pieces, digests, strict=True)
            )
        with monkeypatch.context() as patch:
            patch.setattr(bundles, "describe", describe)
            return home, write_artifacts(home, pieces, bundle_id=bundle_id, publish=live)

    return make
