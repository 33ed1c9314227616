"""The commands of a release, as a person types them; and the gate at the end of a run."""

import csv
import json
import random
import shutil
from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.conftest import Trained, run_trainer
from tests.support.bundles import pieces
from tests.trainer.releases.shops import OLD, Shop, make_shop
from trainer.releases.lock import alone


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two bundles, the later one live."""
    shop = make_shop(tmp_path / "shop", published=True)
    shop.run("second", pieces(12))
    return shop


def labels(artifacts: Path) -> dict[str, str | None]:
    """Of all items, by id."""
    catalogue = Catalogue(bundle.catalogue_url(artifacts))
    result = {item.id: item.label for item in catalogue.items()}
    catalogue.close()
    return result


def test_there_and_back(shop: Shop) -> None:
    done = run_trainer("publish", OLD, "--artifacts", shop.artifacts)
    assert done.returncode == 0, done.stderr
    assert "0 of 10 answers change; mAP 0." in done.stdout
    assert "[+0.00, +0.00]; no label gets worse" in done.stdout
    assert f"Bundle {OLD} is live; before it was second." in done.stdout
    done = run_trainer("rollback", "--artifacts", shop.artifacts)
    assert done.returncode == 0, done.stderr
    assert f"Bundle second is live; before it was {OLD}." in done.stdout
    assert bundle.current(shop.artifacts) == "second"
    done = run_trainer("publish", "second", "--artifacts", shop.artifacts)
    assert "Bundle second is live already." in done.stdout


def test_the_list_and_what_is_pruned(shop: Shop) -> None:
    done = run_trainer("bundles", "--artifacts", shop.artifacts, "--json")
    assert [(row["id"], row["live"]) for row in json.loads(done.stdout)] == [("second", True), (OLD, False)]
    done = run_trainer("bundles", "--artifacts", shop.artifacts)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["bundle", "second", OLD]
    done = run_trainer("prune", "--keep", "1", "--dry-run", "--artifacts", shop.artifacts)
    assert f"Would remove {OLD}" in done.stdout
    assert bundle.bundle_path(shop.artifacts, OLD).exists()
    done = run_trainer("prune", "--keep", "1", "--artifacts", shop.artifacts)
    assert f"Removed {OLD}" in done.stdout
    assert not bundle.bundle_path(shop.artifacts, OLD).exists()
    done = run_trainer("rollback", "--artifacts", shop.artifacts)
    assert (done.returncode, "no bundle was live" in done.stderr) == (1, True)
    done = run_trainer("bundles", "--artifacts", shop.artifacts / "nowhere")
    assert (done.returncode, "There are no bundles in" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("publish", "never"), 1, "There is no bundle never"),
        (("publish", OLD, "--force", "second"), 2, "It names second, not old"),
        (("publish", OLD, "--pin", "nowhere"), 1, "nowhere is not a folder"),
        (("prune",), 2, "--keep"),
        (("prune", "--keep", "-1"), 2, "--keep"),
    ],
)
def test_a_mistake_is_said(arguments: tuple[str, ...], code: int, words: str, shop: Shop) -> None:
    done = run_trainer(*arguments, "--artifacts", shop.artifacts)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert bundle.current(shop.artifacts) == "second"


def test_the_second_of_two_publishers_ends_with_the_name_of_the_first(shop: Shop) -> None:
    with alone(shop.artifacts):
        done = run_trainer("publish", OLD, "--artifacts", shop.artifacts)
    assert done.returncode == 1
    assert "Somebody else is publishing" in done.stderr
    assert "process " in done.stderr


def test_no_tensorflow_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, trainer.releases.release, trainer.releases.inventory; "
    code += "print({'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- at the end of a run


@pytest.mark.slow
def test_a_bundle_trained_on_shuffled_labels_is_refused_by_the_gate(trained: Trained, tmp_path: Path) -> None:
    artifacts = shutil.copytree(trained.artifacts, tmp_path / "artifacts")
    live, before = bundle.current(artifacts), labels(artifacts)
    rows = list(csv.DictReader(trained.table.read_text().splitlines()))
    names = [row["label"] for row in rows]
    random.Random(7).shuffle(names)  # noqa: S311  # no secret
    shuffled = trained.pictures / "shuffled.csv"
    with shuffled.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | {"label": name} for row, name in zip(rows, names, strict=True))
    done = run_trainer("run", "--source", shuffled, "--config", trained.config, "--artifacts", artifacts)
    shuffled.unlink()
    assert done.returncode == 3, done.stdout + done.stderr
    assert "answers change; mAP" in done.stdout
    assert "Not published" in done.stdout
    assert (bundle.current(artifacts), labels(artifacts)) == (live, before)
    (command,) = [line for line in done.stdout.splitlines() if "--force" in line]
    refused = command.split("--force ")[1].split()[0]
    bundle.verify(bundle.bundle_path(artifacts, refused))
    assert list((artifacts / "work").iterdir()) == []
    done = run_trainer(*command.partition("lookalike ")[2].split())
    assert done.returncode == 0, done.stderr
    assert bundle.current(artifacts) == refused
    assert labels(artifacts) != before
    assert labels(artifacts).keys() == before.keys()


@pytest.mark.slow
def test_a_better_bundle_passes(trained: Trained, tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    shutil.copytree(trained.artifacts / "cache", artifacts / "cache")
    frozen = tmp_path / "frozen.toml"
    frozen.write_text("[encoder]\nsize = 96\n[head]\nenabled = false\n[reduce]\ndims = 24\n")
    done = run_trainer("run", "--source", trained.table, "--config", frozen, "--artifacts", artifacts)
    assert done.returncode == 0, done.stdout + done.stderr
    first = bundle.current(artifacts)
    done = run_trainer("run", "--source", trained.table, "--config", trained.config, "--artifacts", artifacts)
    assert done.returncode == 0, done.stdout + done.stderr
    (said,) = [line for line in done.stdout.splitlines() if "answers change" in line]
    assert "[+0." in said
    assert "was trained on" in done.stdout  # the head has seen them
    assert bundle.current(artifacts) != first
    done = run_trainer("rollback", "--artifacts", artifacts)
    assert bundle.current(artifacts) == first
