"""The recipes of CONTRIBUTING: the files that they name exist, and following them is enough."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
RECIPES = {
    title: re.findall(r"^\d\. `([^`]+)`", body, re.MULTILINE)
    for title, body in re.findall(r"### (Add a [^\n]+)\n(.*?)(?=\n###|\Z)", TEXT, re.DOTALL)
}
MAX_FILES = {"backbone": 3, "source": 4, "vector store": 8, "measure": 2, "field": 7}


def recipe(kind: str) -> list[str]:
    """The files that a recipe names."""
    (files,) = [files for title, files in RECIPES.items() if title.startswith(f"Add a {kind}")]
    return files


@pytest.mark.parametrize("kind", MAX_FILES)
def test_a_recipe_names_few_files_and_they_exist(kind: str) -> None:
    files = recipe(kind)
    assert 0 < len(files) <= MAX_FILES[kind]
    for file in files:
        path = ROOT / file
        assert path.parent.is_dir() if "<" in file else path.is_file(), file


def test_a_measure_is_one_entry_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.evaluation import measures, metrics

    added = replace(measures.MEASURES["mrr"], title="Twice MRR", compute=lambda ranked: 2 * mrr(ranked))
    mrr = measures.MEASURES["mrr"].compute
    table = {**measures.MEASURES, "twice": added}
    for module in (measures, metrics):
        monkeypatch.setattr(module, "MEASURES", table)
        monkeypatch.setattr(module, "NAMES", tuple(table))
    vectors = np.random.default_rng(0).standard_normal((12, 4), dtype=np.float32)
    labels = np.array(["a", "b", "c"] * 4)
    values = metrics.per_query(vectors, labels, vectors, labels, metric="cosine").values
    np.testing.assert_allclose(values[:, list(table).index("twice")], 2 * values[:, list(table).index("mrr")])


@pytest.mark.slow
@pytest.mark.quality
def test_a_backbone_of_keras_is_one_entry_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.config import backbones as config
    from trainer.networks import backbones

    entry = config.BACKBONES["resnet50"]._replace(application="ConvNeXtTiny", blocks=r"convnext_tiny_stage_\d+")
    monkeypatch.setattr(backbones, "BACKBONES", {**config.BACKBONES, "convnext-tiny": entry})
    network = backbones.build_backbone("convnext-tiny", "none", 64)
    assert network.output_shape[-1] == 768
