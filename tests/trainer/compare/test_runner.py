"""Real small runs compared: what is measured and on what, what the page says of it, and what is not done twice."""

import base64
import csv
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Browser
from typer.testing import CliRunner

from retrieval import bundle
from retrieval.catalogue import Catalogue
from tests.bundles import EMBEDDING_DIMS, GRID, SIDE, picture, write_encoder
from trainer.bundles import load_current, open_store
from trainer.commands.compare import compare as command
from trainer.compare import runner as module
from trainer.compare.page import COLUMNS, cells, render, write
from trainer.compare.plan import SetAside, plan, set_aside
from trainer.compare.plots import draw
from trainer.compare.results import Comparison, MeasuredOn, Row, count_parameters
from trainer.config import Config, SplitConfig
from trainer.evaluation.metrics import AtK, Distances
from trainer.networks.onnx_graphs import with_head
from trainer.plotting import DARK, LIGHT
from trainer.progress import Epoch, Progress
from trainer.run.inputs import Inputs
from trainer.sources import pottery

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, as it saves

HEAD = """
[encoder]
backbone = "siamese"
weights = "none"
[head]
dims = [16]
views = 1
max_epochs = 3
[reduce]
dims = 12
"""
FINETUNE = """
[encoder]
backbone = "siamese"
weights = "none"
[head]
enabled = false
[finetune]
enabled = true
loss = "softmax"
labels_per_batch = 4
max_epochs = 2
[reduce]
dims = 12
"""
UNTUNED = 'encoder = {backbone = "siamese", weights = "none"}\nhead = {enabled = false}\nreduce = {dims = 12}\n'
UNREACHABLE = '[encoder]\nbackbone = "resnet50"\nweights = "nowhere.h5"\n'
ODD = "finetune <i>&amp;" if os.name == "posix" else "finetune"  # a name that must not become part of the page


@dataclass
class Quiet:
    """Keeps what it is told; `stop_at` is a step at which somebody presses Ctrl-C."""

    notes: list[str] = field(default_factory=list)
    stop_at: str | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        if title == self.stop_at:
            raise KeyboardInterrupt
        yield lambda _done, _total: None

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, epoch: Epoch) -> None:
        pass


@dataclass(frozen=True)
class Compared:
    """Four configurations over a shop of 6 pieces with 8 photographs each; two of them cannot work."""

    source: Path
    configs: Sequence[Path]
    artifacts: Path
    found: Comparison


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Not to be changed."""
    home = tmp_path_factory.mktemp("compared")
    source = pottery.make(home / "shop", pieces=6, photos=8, size=64)
    texts = {"head": HEAD, ODD: FINETUNE, "unreachable": UNREACHABLE}
    for name, text in texts.items():
        (home / f"{name}.toml").write_text(text)
    configs = [home / f"{name}.toml" for name in (*texts, "absent")]
    found = compare(configs, str(source), home / "artifacts", Quiet())
    return Compared(source, configs, home / "artifacts", found)


def compare(paths: Sequence[Path], source: str, artifacts: Path, listener: Quiet) -> Comparison:
    """As the command does it."""
    return module.compare(plan(paths, source, artifacts, listener), source, artifacts, listener)


def row(name: str, *, tuned: bool = True, history: Sequence[Epoch] = (), **changes: Any) -> Row:
    """A row of made-up figures."""
    made = Row(
        configuration=name,
        tuned=tuned,
        encoder="siamese",
        stage="head",
        precision="float32",
        bundle="b",
        artifacts="a",
        measured_on=MeasuredOn("by image", 0, 10, 0, 40, False, "same"),
        at=tuple(AtK(k, 0.5, 0.5, 0.5, 0.5) for k in (1, 5, 10)),
        map=0.5,
        map_at_r=0.5,
        hits=Distances(0.1, 0.2, 3),
        misses=None,
        intervals={},
        query_milliseconds={1: 1.0, 10: 1.0, 100: 1.0},
        parameters=1_000_000,
        encoder_bytes=4_000_000,
        training_seconds=1.0,
        losses={epoch.stage: "triplet" for epoch in history},
        history=tuple(history),
        versions={"numpy": "2"},
    )
    return replace(made, **changes)


def test_every_configuration_before_and_after_and_why_the_others_failed(compared: Compared) -> None:
    found = compared.found
    assert [(r.configuration, r.tuned) for r in found.rows] == [
        ("head", False),
        ("head", True),
        (ODD, False),
        (ODD, True),
    ]
    assert {r.encoder for r in found.rows} == {"siamese"}
    assert len({r.artifacts for r in found.rows}) == 3  # both start from the same
    assert [r.stage for r in found.rows if not r.tuned] == ["frozen", "frozen"]
    assert [failure.configuration for failure in found.failures] == ["unreachable", "absent"]
    assert "nowhere.h5" in found.failures[0].reason
    assert "There is no configuration" in found.failures[1].reason
    assert len({r.measured_on.digest for r in found.rows}) == 1
    before, after = found.rows[0], found.rows[1]
    assert before.training_seconds == 0
    assert after.training_seconds == sum(epoch.seconds for epoch in after.history) > 0
    assert set(after.losses) == {"head"}
    assert all(value > 0 for r in found.rows for value in r.query_milliseconds.values())
    assert found.rows[2].losses == {}
    assert found.rows[3].losses == {"finetune": "softmax"}


def test_the_figures_are_those_of_a_loop(compared: Compared) -> None:
    for measured in compared.found.rows:
        artifacts = Path(measured.artifacts)
        loaded = load_current(artifacts)
        with (artifacts / "source.csv").open(newline="") as file:
            test = {line["id"] for line in csv.DictReader(file) if line["part"] == "test"}
        catalogue, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
        items = list(catalogue.items())
        vectors = {item.id: store.get(item.id).astype(np.float64) for item in items}
        catalogue.close()
        store.close()
        queries, gallery = [i for i in items if i.id in test], [i for i in items if i.id not in test]
        averages, firsts, f1s, near = [], [], [], []
        for query in queries:
            distances = []
            for other in gallery:
                a, b = vectors[query.id], vectors[other.id]
                distances.append((1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b), other.label == query.label))
            ranked = sorted(distances)
            right = [hit for _distance, hit in ranked]
            ranks = [place for place, hit in enumerate(right, start=1) if hit]
            averages.append(np.mean([(n + 1) / rank for n, rank in enumerate(ranks)]))
            firsts.append(any(right[:5]))
            precision, recall = sum(right[:5]) / 5, sum(right[:5]) / len(ranks)
            f1s.append(2 * precision * recall / (precision + recall) if precision else 0)
            near += [distance for distance, hit in ranked[:10] if hit]
        assert (measured.measured_on.queries, measured.measured_on.gallery) == (len(queries), len(gallery)) == (12, 36)
        assert measured.map == pytest.approx(np.mean(averages), abs=1e-6)
        assert measured.at[1].accuracy == pytest.approx(np.mean(firsts))
        assert measured.at[1].f1 == pytest.approx(np.mean(f1s))
        assert measured.hits is not None
        assert measured.hits.cosine == pytest.approx(np.mean(near), abs=1e-5)


def test_no_run_looks_at_the_test_pictures(compared: Compared) -> None:
    for measured in compared.found.rows:
        artifacts = Path(measured.artifacts)
        parts = artifacts / "bundles" / measured.bundle / "training" / "split.csv"
        with parts.open(newline="") as file, (artifacts / "source.csv").open(newline="") as table:
            known = {line["id"]: line["part"] for line in csv.DictReader(file)}
            wanted = {line["id"]: line["part"] for line in csv.DictReader(table)}
        assert sorted(set(wanted.values())) == ["test", "train", "validation"]
        if measured.tuned:
            assert known == wanted


def test_a_second_comparison_trains_nothing(compared: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def run(inputs: Inputs, *_rest: object, **_more: object) -> None:
        started.append(inputs.config.encoder.name)
        raise OSError("this is no new run")

    monkeypatch.setattr(module.pipeline, "run", run)
    again = compare(compared.configs, str(compared.source), compared.artifacts, Quiet())
    assert started == []
    timeless = {"query_milliseconds": {}}
    assert [replace(r, **timeless) for r in again.rows] == [replace(r, **timeless) for r in compared.found.rows]
    twin = compared.configs[0].parent / "elsewhere" / "head.toml"  # of the same name
    twin.parent.mkdir()
    twin.write_text(HEAD.replace("dims = [16]", "dims = [8]"))
    both = compare([compared.configs[0], twin], str(compared.source), compared.artifacts, Quiet())
    assert started == ["siamese"]
    names = [str(path.with_suffix("")) for path in (compared.configs[0], twin)]
    assert [(r.configuration, r.tuned) for r in both.rows] == [(names[0], False), (names[0], True), (names[1], False)]
    assert [failure.configuration for failure in both.failures] == [names[1]]


def test_a_changed_picture_makes_another_source(tmp_path: Path) -> None:
    folder = shelves(tmp_path / "shop", labels=4, pictures=6)
    digest = aside(folder).digest
    assert aside(folder).digest == digest
    next(folder.glob("*/*.jpg")).write_bytes(picture(999))
    assert aside(folder).digest != digest


def test_ctrl_c_and_the_same_command_goes_on(tmp_path: Path) -> None:
    folder = shelves(tmp_path / "shop", labels=4, pictures=6)
    config = tmp_path / "plain.toml"
    config.write_text(UNTUNED)
    with pytest.raises(KeyboardInterrupt):
        compare([config], str(folder), tmp_path / "artifacts", Quiet(stop_at="Writing the bundle"))
    listener = Quiet()
    (measured,) = compare([config], str(folder), tmp_path / "artifacts", listener).rows
    assert not measured.tuned
    assert any(note.startswith("Going on with run") for note in listener.notes)
    out = tmp_path / "out"
    out.mkdir()
    (out / "compare.png").write_bytes(b"of the comparison before")
    write(Comparison(str(folder), module.datetime.now(module.UTC), (measured,), ()), out)
    assert {path.name for path in out.iterdir()} == {"compare.html", "compare.json"}  # nothing trained, no curves
    assert "Nothing was trained" in (out / "compare.html").read_text()


def test_without_labels_there_is_nothing_to_compare_by(tmp_path: Path) -> None:
    folder = tmp_path / "pile"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    config = tmp_path / "plain.toml"
    config.write_text(UNTUNED)
    found = compare([config], str(folder), tmp_path / "artifacts", Quiet())
    assert not found.rows
    assert "nothing to compare by" in found.failures[0].reason


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(["image", "label", "column"]), st.integers(8, 20), st.integers(6, 12), st.integers(0, 5))
def test_what_is_set_aside_is_new_in_the_way_the_split_asks_for(
    tmp_path_factory: pytest.TempPathFactory, by: str, labels: int, pictures: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("listed")
    (folder / "one.jpg").touch()
    rows = [(f"{n}.jpg", f"label {n % labels}", f"sender {n % 7}") for n in range(labels * pictures)]
    for name, _label, _sender in rows:
        (folder / name).touch()
    with (folder / "shop.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "sender"), *rows])
    split = SplitConfig(by="column", column="sender") if by == "column" else SplitConfig.model_validate({"by": by})
    found = set_aside(str(folder / "shop.csv"), Config(split=split, seed=seed), folder, lambda _done, _total: None)
    parts = {Path(line["path"]).name: line["part"] for line in csv.DictReader(found.table.splitlines())}
    assert {folder / name for name, part in parts.items() if part == "test"} == found.test
    grouped = {"image": 0, "label": 1, "column": 2}[by]
    values = {part: {r[grouped] for r in rows if parts[r[0]] == part} for part in ("train", "validation", "test")}
    assert all(values.values())
    assert values["test"].isdisjoint(values["train"] | values["validation"])
    assert values["validation"].isdisjoint(values["train"])


def test_a_publishers_own_test_part_is_kept(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 2)):
        shelves(tmp_path / "shop" / part, labels=3, pictures=count)
    config = Config(split=SplitConfig(by="publisher"))
    found = set_aside(str(tmp_path / "shop"), config, tmp_path, lambda _done, _total: None)
    parts = [(Path(line["path"]).parts[-3], line["part"]) for line in csv.DictReader(found.table.splitlines())]
    assert [part for folder, part in parts if folder == "test"] == ["test"] * 6
    assert {part for folder, part in parts if folder == "train"} == {"train", "validation"}


def test_parameters_are_counted_once(tmp_path: Path) -> None:
    write_encoder(tmp_path / "plain.onnx")
    kernel = EMBEDDING_DIMS * 3 * (SIDE // GRID) ** 2
    assert count_parameters(tmp_path / "plain.onnx") == kernel
    head = np.random.default_rng(0).normal(size=(EMBEDDING_DIMS, 5)).astype(np.float32)
    onnx.save(with_head(onnx.load(tmp_path / "plain.onnx"), head), tmp_path / "headed.onnx")
    assert count_parameters(tmp_path / "headed.onnx") == kernel + head.size


def test_the_best_figures_are_marked() -> None:
    rows = [row("a", map=0.7001, parameters=2), row("b", map=0.7004, parameters=2), row("c", map=0.5, parameters=1)]
    place = [column.title for column in COLUMNS].index("mAP")
    assert [line[place].best for line in cells(rows)] == [True, True, False]  # the first two read the same
    other = replace(rows[1], measured_on=replace(rows[1].measured_on, digest="other"))
    assert not any(line[place].best for line in cells([rows[0], other]))
    sizes = [column.title for column in COLUMNS].index("parameters, M")
    assert not any(line[sizes].best for line in cells(rows))  # all read 0.00
    misses = [column.title for column in COLUMNS].index("misses")
    assert cells(rows)[0][misses].text == "none"


class Parsed(HTMLParser):
    """Tags with their attributes, the text, and the table row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(page)
        self.rows = [[cell.strip() for cell in line] for line in self.rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_the_files_say_what_was_found(compared: Compared, tmp_path: Path) -> None:
    write(compared.found, tmp_path / "new" / "out")
    page = (tmp_path / "new" / "out" / "compare.html").read_text()
    parsed = Parsed(page)
    body = parsed.rows[2:]
    assert [len(line) for line in body] == [2 + len(COLUMNS)] * 4
    assert [line[0] for line in body[2:]] == [f"{ODD}, beforesiamese", f"{ODD}, aftersiamese"]
    assert f"{compared.found.rows[1].map:.3f}" in body[1]
    assert "i" not in {tag for tag, _attributes in parsed.tags}
    for expected in (str(compared.source), "by image, a share of 0.2, seed 0", "12 test pictures", "nowhere.h5"):
        assert expected in parsed.text
    sources = [v or "" for _tag, a in parsed.tags for k, v in a.items() if k in ("src", "srcset", "href")]
    assert len(sources) == 2
    for source in sources:  # nothing from anywhere else
        assert source.startswith("data:image/png;base64,")
        with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
            image.verify()
    assert not re.search(r"https?://|@import|url\(", page)
    figures = json.loads((tmp_path / "new" / "out" / "compare.json").read_text())
    assert [line["map"] for line in figures["rows"]] == [r.map for r in compared.found.rows]
    assert figures["rows"][1]["history"][0]["stage"] == "head"
    assert [failure["configuration"] for failure in figures["failures"]] == ["unreachable", "absent"]
    with Image.open(tmp_path / "new" / "out" / "compare.png") as plot:
        plot.verify()
    assert {p.name for p in (tmp_path / "new" / "out").iterdir()} == {"compare.html", "compare.json", "compare.png"}


def test_pictures_that_differ_are_told(compared: Compared) -> None:
    first, second = compared.found.rows[:2]
    other = replace(second, measured_on=replace(second.measured_on, seed=1, digest="other"))
    page = render(replace(compared.found, rows=(first, other)), None, None)
    assert "hold out different pictures" in page
    assert "hold out different pictures" not in render(compared.found, None, None)


@pytest.mark.parametrize("count", [1, 9])
def test_a_line_for_every_run_in_either_light(count: int) -> None:
    epochs = [Epoch(stage, n, 1 / (n + 1), None, None, n / 10) for stage in ("head", "finetune") for n in range(4)]
    rows = [row(f"run {n}", history=epochs) for n in range(count)]
    light, dark = draw(rows, LIGHT), draw(rows, DARK)
    assert light and dark and light != dark
    with Image.open(BytesIO(light)) as image:
        found = {colour for _count, colour in image.convert("RGB").getcolors(1 << 24) or []}
    for line in LIGHT.lines[:count]:
        assert tuple(int(line[at : at + 2], 16) for at in (1, 3, 5)) in found
    assert draw([row("untuned")], LIGHT) is None


def test_the_page_fits_any_screen(compared: Compared, browser: Browser, tmp_path: Path) -> None:
    write(compared.found, tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "compare.html").as_uri())
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def test_the_command(compared: Compared, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    options = ["--source", str(compared.source), "--artifacts", str(compared.artifacts)]
    configs = [str(path) for path in compared.configs]
    done = CliRunner().invoke(app, [*configs, *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (compared.artifacts / "compare" / "latest" / "compare.html").exists()
    assert not (compared.artifacts / "CURRENT").exists()  # what is served has not changed
    done = CliRunner().invoke(app, [configs[3], *options, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 1
    assert not (tmp_path / "out").exists()
    assert "Example" in CliRunner().invoke(app, ["--help"]).output


def shelves(folder: Path, *, labels: int, pictures: int) -> Path:
    """A folder with a folder of pictures for each label."""
    for label in range(labels):
        (folder / f"label {label}").mkdir(parents=True)
        for number in range(pictures):
            (folder / f"label {label}" / f"{number}.jpg").write_bytes(picture(100 * label + number))
    return folder


def aside(folder: Path) -> SetAside:
    return set_aside(str(folder), Config(), folder.parent, lambda _done, _total: None)
