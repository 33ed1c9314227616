"""Evaluations of small published bundles: what is a query, what it is searched among, and what is left out."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from retrieval import bundle
from retrieval.catalogue import Catalogue
from retrieval.clusters import Vectors
from retrieval.errors import BundleMissing
from tests import bundles
from tests.bundles import Piece, picture, write_artifacts
from trainer.commands.evaluate import evaluate as command
from trainer.data.labelled import read_labelled
from trainer.errors import SourceError
from trainer.evaluation.evaluate import EvaluationResult, evaluate
from trainer.evaluation.measures import FORMULAS
from trainer.evaluation.metrics import score
from trainer.evaluation.results import Leak, Missing, Protocol, from_json
from trainer.progress import Progress

LABELS = ("bowl", "cup", "jug")


@contextmanager
def silent(_title: str) -> Iterator[Progress]:
    yield lambda _done, _total: None


def shop(count: int = 18, *, start: int = 0) -> list[Piece]:
    """Different pictures of three labels in turn."""
    return [Piece(f"piece-{n}", picture(n), LABELS[n % 3], {}) for n in range(start, start + count)]


Publish = Callable[..., tuple[Path, dict[str, Vectors]]]


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


def folder(root: Path, pictures: Mapping[str, bytes]) -> str:
    """Files by their places below a new folder."""
    for place, data in pictures.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(data)
    return str(root)


def measured(home: Path, queries: str | None = None, gallery: str | None = None, **options: object) -> EvaluationResult:
    sides = [source if source is None else read_labelled(source, home) for source in (queries, gallery)]
    return evaluate(home, *sides, "cosine", silent, **({"ladder": False} | options))  # type: ignore[arg-type]


def known(found: EvaluationResult) -> Protocol:
    protocol = found.evaluation.protocol("known labels")
    assert protocol is not None, found.evaluation.protocols
    return protocol


def new(found: EvaluationResult) -> Protocol:
    protocol = found.evaluation.protocol("new labels")
    assert protocol is not None, found.evaluation.protocols
    return protocol


# --- what is a query


def test_by_default_what_was_held_out_is_searched_in_the_catalogue(publish: Publish) -> None:
    home, vectors = publish()
    found = measured(home)
    rows, labels = np.stack(list(vectors.values())), np.array([LABELS[n % 3] for n in range(18)])
    wanted = score(rows[:3], labels[:3], rows, labels, same=np.arange(3))
    protocol = known(found)
    assert (protocol.queries, protocol.gallery, protocol.leave_one_out) == (3, 18, True)
    assert protocol.measures["map"].value == pytest.approx(wanted.map)
    assert found.evaluation.leaks == ()
    assert found.evaluation.protocols[1] == Missing("new labels", "every query has a label that was trained on")
    assert found.evaluation.query_milliseconds_p50 is not None
    assert found.evaluation.auto_probes == bundles.CLUSTERS


def test_whole_labels_that_were_held_out_are_new_ones(publish: Publish) -> None:
    home, _vectors = publish(parts={f"piece-{n}": "test" for n in range(18) if n % 3 == 0})
    found = measured(home)
    assert (new(found).queries, new(found).gallery, new(found).leave_one_out) == (6, 18, True)
    assert new(found).labels == 1
    assert found.evaluation.protocols[0] == Missing("known labels", "no query has a label that was trained on")


def test_a_head_has_learned_from_what_it_was_chosen_by(publish: Publish) -> None:
    home, _vectors = publish(stage="head")
    with pytest.raises(SourceError, match=r"tiny held nothing back: .*--queries"):
        measured(home)
    home, _vectors = publish("tested", stage="head", parts={"piece-0": "test", "piece-1": "validation"})
    assert known(measured(home)).queries == 1


def test_the_frozen_network_has_learned_from_nothing(publish: Publish) -> None:
    home, _vectors = publish(stage="frozen", parts={"piece-0": "train"})
    assert known(measured(home)).queries == 18


def test_without_a_split_all_of_the_catalogue_was_trained_on(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    (home / "training" / "split.csv").unlink()
    home = tmp_path / "old"
    write_artifacts(home, shop())
    assert known(measured(home)).queries == 18  # it says of itself that it is frozen


@pytest.mark.parametrize("digest", [True, False])
def test_what_was_trained_on_is_dropped_whatever_it_is_called(publish: Publish, tmp_path: Path, digest: bool) -> None:
    home, _vectors = publish(digest=digest)
    queries = folder(tmp_path / "q", {"cup/copy.jpg": picture(7), "cup/new.jpg": picture(100)})
    found = measured(home, queries)
    assert found.evaluation.trained_on == 1
    assert known(found).queries == 1
    with pytest.raises(SourceError, match="was trained on every picture of"):
        measured(home, folder(tmp_path / "r", {"cup/copy.jpg": picture(7)}))


def test_what_was_trained_on_is_dropped_when_the_catalogue_has_moved_on(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    with closing(Catalogue(bundle.catalogue_url(home))) as catalogue:
        catalogue.replace_source([bundles.write_picture(home, piece) for piece in shop(8)])
    queries = folder(tmp_path / "q", {"jug/copy.jpg": picture(17), "jug/new.jpg": picture(100)})
    found = measured(home, queries)
    assert found.evaluation.trained_on == 1
    assert "10 pictures that were trained on are in the catalogue no longer" in found.notes[0]
    assert measured(publish("whole")[0], queries).notes == []


def test_pictures_of_the_same_name_are_not_the_same(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = folder(tmp_path / "q", {"piece-7": b"", "cup/piece-7.jpg": picture(100)})
    assert measured(home, queries).evaluation.trained_on == 0


def test_known_and_new_labels_are_measured_apart(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = {f"{label}/{n}.jpg": picture(n) for n, label in enumerate(["cup", "jug", "cup", *["lamp"] * 4], start=50)}
    gallery = {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)}
    found = measured(home, folder(tmp_path / "q", queries), folder(tmp_path / "g", gallery))
    assert (known(found).queries, known(found).gallery, known(found).leave_one_out) == (3, 9, False)
    assert (new(found).queries, new(found).gallery, new(found).leave_one_out) == (4, 9 + 4, True)
    assert set(known(found).per_label) == {"cup", "jug"}
    assert set(new(found).per_label) == {"lamp"}
    assert new(found).per_label["lamp"]["recall@10"] <= 1


def test_a_label_with_nothing_to_find_is_said(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    found = measured(home, folder(tmp_path / "q", {"lamp/1.jpg": picture(50)}))
    (missing,) = [p for p in found.evaluation.protocols if p.name == "new labels"]
    assert isinstance(missing, Missing)
    assert "no query has a true match" in missing.reason


# --- leaks


def test_a_copy_in_the_gallery_is_reported_and_left_out(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    rest = {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)}
    queries = folder(tmp_path / "q", {"cup/1.jpg": picture(50), "jug/2.jpg": picture(51)})
    clean = measured(home, queries, folder(tmp_path / "clean", rest))
    leaky = measured(home, queries, folder(tmp_path / "leaky", rest | {"cup/twin.jpg": picture(50)}))
    assert clean.evaluation.leaks == ()
    leak = Leak(str(tmp_path / "q/cup/1.jpg"), str(tmp_path / "leaky/cup/twin.jpg"), "identical")
    assert leaky.evaluation.leaks == (leak,)
    found, wanted = (dict(known(each).per_label["cup"]) for each in (leaky, clean))
    # A gallery of another size is multiplied in another order: the last bits of a distance may differ.
    for name in ("distance_hits", "distance_misses"):
        assert found.pop(name) == pytest.approx(wanted.pop(name), abs=1e-6)
    assert found == wanted


def test_the_same_picture_in_other_bytes_is_a_leak_where_it_is_looked_for(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    rest = {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)}
    queries = folder(tmp_path / "q", {"cup/1.jpg": picture(50), "cup/2.jpg": picture(51)})
    clean = measured(home, queries, folder(tmp_path / "clean", rest))
    again = folder(tmp_path / "again", rest | {"cup/again.png": picture(50, format_="PNG")})

    def same_picture(paths: Sequence[Path]) -> list[tuple[int, int]]:
        names = [path.name for path in paths]
        assert len(set(names)) == len(names) == 12
        return [(names.index("again.png"), names.index("1.jpg"))]

    leaky = measured(home, queries, again, same_picture=same_picture)
    leak = Leak(str(tmp_path / "q/cup/1.jpg"), str(tmp_path / "again/cup/again.png"), "same picture")
    assert leaky.evaluation.leaks == (leak,)
    blind = measured(home, queries, again)
    assert blind.evaluation.leaks == ()
    assert known(leaky).measures["mrr"].value < known(blind).measures["mrr"].value
    assert known(clean).queries == known(leaky).queries == 2


def test_a_query_that_lies_in_the_gallery_itself_is_no_leak(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    both = folder(tmp_path / "q", {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)})
    found = measured(home, both, both)
    assert found.evaluation.leaks == ()
    assert known(found).leave_one_out
    assert known(found).measures["precision@10"].value == pytest.approx(0.2)  # two others of its label


def test_a_copy_among_new_labels_is_a_leak(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = folder(tmp_path / "q", {"lamp/1.jpg": picture(50), "lamp/2.jpg": picture(50), "lamp/3.jpg": picture(52)})
    found = measured(home, queries, queries)
    one, two = (str(tmp_path / f"q/lamp/{n}.jpg") for n in (1, 2))
    assert set(found.evaluation.leaks) == {Leak(one, two, "identical"), Leak(two, one, "identical")}
    assert new(found).gallery == 3
    assert new(found).per_label["lamp"]["recall@1"] == pytest.approx((1 + 1 + 1 / 2) / 3)  # the third finds both


# --- several bundles


def test_differences_with_other_bundles(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    other, _vectors = publish("other", bundle_id="before", stage="frozen")
    queries = folder(tmp_path / "q", {f"{LABELS[n % 3]}/{n}.jpg": picture(n) for n in range(70, 79)})
    found = measured(home, queries, against=[str(other), str(bundle.bundle_path(other, "before"))])
    assert set(known(found).against) == {"frozen", "before"}
    difference = known(found).against["frozen"]["map"]
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)  # the same encoder and projection


def test_a_candidate_against_the_live_bundle(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    publish(bundle_id="candidate", live=False)
    queries = folder(tmp_path / "q", {"cup/1.jpg": picture(50)})
    found = measured(home, queries, name="candidate", against=["live"])
    assert found.evaluation.bundle_id == "candidate"
    assert set(known(found).against) == {"live"}
    with pytest.raises(SourceError, match="nothing to compare"):
        measured(home, queries, against=["tiny"])
    with pytest.raises(BundleMissing):
        measured(home, queries, against=["nowhere"])


def test_what_the_other_bundle_was_trained_on_is_no_query_either(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    other, _vectors = publish("other", shop(6, start=50), bundle_id="before", parts={"piece-51": "validation"})
    queries = folder(tmp_path / "q", {f"cup/{n}.jpg": picture(n) for n in (50, 51, 90)})
    found = measured(home, queries, against=[str(other)])
    assert found.evaluation.trained_on == 1
    assert known(found).queries == 2


# --- pictures that cannot be used


def test_broken_and_unlabelled_pictures_are_listed_and_stop_nothing(publish: Publish, tmp_path: Path) -> None:
    home, _vectors = publish()
    queries = {"cup/1.jpg": picture(50), "cup/cut.jpg": picture(51)[:100], "bare.jpg": picture(52)}
    gallery = {"cup/2.jpg": picture(53), "cup/text.png": b"no picture"}
    found = measured(home, folder(tmp_path / "q", queries), folder(tmp_path / "g", gallery))
    assert {Path(entry.place).name for entry in found.skipped} == {"cut.jpg", "bare.jpg", "text.png"}
    assert found.evaluation.skipped == 3
    with pytest.raises(SourceError, match="can be used"):
        measured(home, folder(tmp_path / "r", {"cup/cut.jpg": b"nothing"}))


def test_an_empty_catalogue(publish: Publish) -> None:
    home, _vectors = publish(pieces=[Piece(f"piece-{n}", picture(n), None, {}) for n in range(8)])
    with pytest.raises(SourceError, match="no labelled items"):
        measured(home)


# --- the command


@pytest.fixture
def run() -> Callable[..., str]:
    app = typer.Typer()
    app.command()(command)

    def invoke(*arguments: object) -> str:
        done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return invoke


def test_the_command_writes_everything_as_json(publish: Publish, tmp_path: Path, run: Callable[..., str]) -> None:
    home, _vectors = publish()
    out = tmp_path / "new" / "evaluation.json"
    run("--artifacts", home, "--out", out, "--metric", "euclidean", "--formulas")
    written = json.loads(out.read_text())
    assert written["formulas"] == FORMULAS
    assert [p["name"] for p in written["protocols"]] == ["known labels", "new labels"]
    found = from_json(out.read_bytes(), "here")
    assert found.metric == "euclidean"
    assert {row.probes for row in found.ladder} == {1, 2, 4, "all", "auto", "brute force", "kd-tree"}
    assert all(row.recall_at_10 == 1 for row in found.ladder if not isinstance(row.probes, int))


@pytest.mark.parametrize("options", [["--no-ladder"], []])
def test_scikit_learn_is_loaded_for_the_ladder_alone_and_tensorflow_never(publish: Publish, options: list[str]) -> None:
    home, _vectors = publish()
    arguments = ["trainer", "evaluate", "--artifacts", str(home), "--json", *options]
    code = (
        f"import sys; sys.argv = {arguments!r}\nfrom trainer.cli import app\ntry: app()\nexcept SystemExit: pass\n"
        "print('loaded', *sorted({'tensorflow', 'keras', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["bundle_id"] == "tiny"
    assert done.stderr.splitlines()[-1] == ("loaded" if options else "loaded sklearn")
