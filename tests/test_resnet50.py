"""ResNet50 at its full size from nothing, end to end: every stage, the export and its parity, int8, and a search."""

from pathlib import Path

import pytest
import requests

from retrieval import bundle
from tests.conftest import free_port, run_trainer, serving
from trainer.sources import pottery

pytestmark = pytest.mark.quality

CONFIG = """
deterministic = true

[encoder]
backbone = "resnet50"
weights = "none"
size = 224

[autoencoder]
enabled = true
frozen_epochs = 1
epochs = 1
pictures_per_batch = 6

[head]
dims = 16
views = 1
max_epochs = 3

[finetune]
enabled = true
labels_per_batch = 4
pictures_per_label = 2
max_epochs = 2

[export]
int8 = true
int8_drop = 0.9  # a network that has learnt next to nothing: what is asked is whether it runs, not what it costs

[reduce]
dims = 8
"""


@pytest.mark.slow
def test_resnet50_from_the_pictures_to_a_search(tmp_path: Path) -> None:
    table = pottery.make(tmp_path / "pictures", pieces=6, photos=5, size=256)
    config, artifacts = tmp_path / "config.toml", tmp_path / "artifacts"
    config.write_text(CONFIG)
    done = run_trainer("run", "--source", table, "--config", config, "--artifacts", artifacts)
    assert done.returncode == 0, done.stderr
    manifest = bundle.verify(bundle.bundle_path(artifacts, bundle.current(artifacts)))
    assert (manifest.encoder.name, manifest.encoder.precision) == ("resnet50", "int8")
    assert (manifest.encoder.height, manifest.encoder.width) == (224, 224)
    assert {"frozen", "autoencoder", "head", "finetune", "float32", "int8"} <= set(manifest.metrics)
    assert "Keras and ONNX differ by at most" in done.stderr
    port = free_port()
    with serving("api", port, "/readyz", artifacts=artifacts, api_port=port) as address, requests.Session() as session:
        session.trust_env = False
        picture = next((tmp_path / "pictures").rglob("*.jpg"))
        answer = session.post(f"{address}/search", files={"file": picture.read_bytes()}, data={"k": 3}).json()
    assert len(answer["hits"]) == 3
    assert answer["hits"][0]["cosine"] > 0.99  # itself, through int8
