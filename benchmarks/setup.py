"""What the benchmarks share: bundles of the grocery pictures, trained once, and where results are published."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.bundle import Bundle
from trainer.bundles import load_current
from trainer.data.labelled import read_labelled
from trainer.data.loading import embed_readable
from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources.base import Skipped

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "artifacts" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Embedded:
    """Labelled pictures as vectors float32 [n, d]. `digests` are the SHA-256 of the files."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.str_]
    digests: Sequence[str]
    paths: Sequence[Path] = ()
    skipped: Sequence[Skipped] = ()


def test_data() -> Path | None:
    """The folder of real pictures, if there is one."""
    variable = os.environ.get("LOOKALIKE_TEST_DATA")
    return Path(variable) if variable and (Path(variable) / "grocery").is_dir() else None


def pictures(data_set: str) -> Path:
    """The folder of one of the data sets."""
    data = test_data()
    if data is None:
        raise FileNotFoundError("LOOKALIKE_TEST_DATA names no folder that holds grocery/")
    return data / data_set


def grocery(part: str) -> Path:
    """One of the data set's own parts: train, val or test."""
    return pictures("grocery") / part


def official() -> Path:
    """A CSV of grocery's training pictures, and its validation pictures to choose by."""
    folder = WORK.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "official.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "part"])
        for part in ("train", "val"):
            files = sorted(grocery(part).resolve().glob("*/*.jpg"))
            writer.writerows((path, path.parent.name, part) for path in files)
    return folder / "official.csv"


def trained(config: str, source: Path | None = None) -> Path:
    """An artifacts folder with a bundle of `source`, or of the grocery training pictures, by a ready configuration."""
    return trained_with(ROOT / f"trainer/configs/{config}.toml", source or grocery("train"))


def trained_with(config: Path, source: Path) -> Path:
    """An artifacts folder with a bundle of `source`, made if it is not there; a training that was stopped goes on.

    Another configuration of the same name gets another folder; delete artifacts/benchmarks after a change of code.
    """
    artifacts = WORK / f"{config.stem}-{source.stem}-{sha256(config.read_bytes()).hexdigest()[:8]}"
    if not (artifacts / "CURRENT").exists():
        options = ["--source", str(source), "--config", str(config), "--resume", "--artifacts", str(artifacts)]
        subprocess.run([sys.executable, "-m", "lookalike", "train", *options], cwd=ROOT, check=True)
    return artifacts


def embed_source(source: str, loaded: Bundle, artifacts: Path, progress: Progress) -> Embedded:
    """The labelled pictures of a source through the bundle. What cannot be used is skipped, with the reason."""
    labelled = read_labelled(source, artifacts)
    embedded = embed_readable(labelled.pictures, loaded.embedder, progress)
    skipped = [*labelled.skipped, *embedded.skipped]
    if not embedded.pictures:
        raise SourceError(f"No picture of {source} can be used: {skipped[0].place}: {skipped[0].reason}.")
    labels = np.array([picture.label for picture in embedded.pictures])
    return Embedded(
        embedded.vectors, labels, embedded.digests, [picture.path for picture in embedded.pictures], skipped
    )


def vectors_of(artifacts: Path, part: str) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """The vectors [n, d] and labels [n] of grocery's train, val or test by the bundle there; kept beside it."""
    file = artifacts / f"grocery-{part}.npz"
    if not file.exists():
        embedded = embed_source(str(grocery(part)), load_current(artifacts), artifacts, lambda *_: None)
        np.savez(file, vectors=embedded.vectors, labels=embedded.labels)
    with np.load(file) as arrays:
        return arrays["vectors"], arrays["labels"]


def table(header: str, rows: Sequence[tuple[object, ...]]) -> str:
    """A Markdown table; `header` as "a | b | c"."""
    columns = header.split("|")
    lines = [f"| {header} |", f"| {' | '.join('---' for _ in columns)} |"]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def publish(name: str, text: str) -> None:
    """Print a result, and put it between the marks of that name in docs/benchmarks.md and in the README."""
    print(text)
    marks = rf"(<!-- {name}:[^>]*-->\n).*?(<!-- /{name} -->)"
    for page in (ROOT / "docs" / "benchmarks.md", ROOT / "README.md"):
        content, count = re.subn(marks, lambda m: f"{m[1]}{text}\n{m[2]}", page.read_text(), flags=re.DOTALL)
        if count != 1 and page.name != "README.md":
            raise ValueError(f"{page} has no place for {name}: it needs <!-- {name}: ... --> and <!-- /{name} -->")
        page.write_text(content)
