"""A set of queries against a gallery, through the published bundle: every query ranks all pictures of the gallery.

Exact, without an index or a catalogue: what a study of a model needs, and what the index can be held against.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from os.path import relpath
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.durable import write_atomically
from retrieval.encoding.embedder import Embedder
from trainer.bundles import load_current
from trainer.data.loading import embed_readable
from trainer.errors import SourceError
from trainer.evaluation.rank.contact_sheets import Tile, save_sheet, sheet_name
from trainer.evaluation.rankings import TABLE_VALUES, similarities
from trainer.progress import Progress
from trainer.sources.base import Skipped
from trainer.sources.folder import read_folder

ON_A_SHEET = 20  # hits
DIGITS = 6  # of a distance; float32 has no more

Step = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class Hit:
    """One picture of the gallery, by its place in the gallery's folder."""

    rank: int
    picture: str
    cosine_distance: float
    euclidean_distance: float


@dataclass(frozen=True, slots=True)
class RankingSummary:
    """What was done: how many queries were ranked against how many pictures, and which could not be used."""

    bundle_id: str
    queries: int
    gallery: int
    skipped: Sequence[Skipped]


@dataclass(frozen=True, slots=True)
class _Folder:
    """The readable pictures of a folder: their names in it and vectors float32 [n, d]; and the other ones."""

    root: Path
    names: Sequence[str]
    vectors: NDArray[np.float32]
    skipped: Sequence[Skipped]


def rank(
    queries: Path, gallery: Path, artifacts: Path, results: Path, *, sheets: Path | None, k: int, step: Step
) -> RankingSummary:
    """Rank the folder `gallery` for each picture of the folder `queries`, by cosine distance.

    Writes the k nearest of each into the JSON file `results`, at once or not at all, and with `sheets` a contact sheet
    of the first 20 into that folder. A picture that cannot be used is listed under "skipped".
    Raises BundleError, and SourceError for a folder without pictures.
    """
    if results.is_dir():
        raise SourceError(f"{results} is a folder; name the JSON file that the results are to be written to.")
    results.parent.mkdir(parents=True, exist_ok=True)
    if sheets:
        sheets.mkdir(parents=True, exist_ok=True)
    loaded = load_current(artifacts)
    with step("Embedding queries") as progress:
        query_set = _embed(queries, loaded.embedder, progress)
    with step("Embedding the gallery") as progress:
        gallery_set = _embed(gallery, loaded.embedder, progress)
    header = {
        "bundle": loaded.manifest.id,
        "metric": "cosine",
        "queries": len(query_set.names),
        "gallery": len(gallery_set.names),
        "skipped": [
            {"set": kind, "picture": entry.place, "reason": entry.reason}
            for kind, folder in (("queries", query_set), ("gallery", gallery_set))
            for entry in folder.skipped
        ],
    }
    with step("Ranking") as progress:
        _write(results, header, _answers(query_set, gallery_set, k, sheets, progress))
    skipped = [
        Skipped(str(folder.root / entry.place), entry.reason)
        for folder in (query_set, gallery_set)
        for entry in folder.skipped
    ]
    return RankingSummary(loaded.manifest.id, len(query_set.names), len(gallery_set.names), skipped)


def nearest(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], k: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """For each query [d] its k nearest rows of the gallery [m, d]: rows, cosine and Euclidean distances, nearest first.

    All pairs are compared, a block of queries at a time; of equally near rows the earlier comes first.
    """
    block = max(1, TABLE_VALUES // max(1, len(gallery)))
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        for query, nearness in zip(part, similarities(part, gallery, "cosine"), strict=True):
            first = np.argpartition(-nearness, k)[:k] if k < len(gallery) else np.arange(len(gallery))
            rows = first[np.lexsort((first, -nearness[first]))]
            cosine = np.maximum(0, 1 - nearness[rows].astype(np.float64))
            yield rows, cosine, np.linalg.norm(gallery[rows] - query, axis=1).astype(np.float64)


def _embed(root: Path, embedder: Embedder, progress: Progress) -> _Folder:
    listing = read_folder(root)
    embedded = embed_readable(listing.pictures, embedder, progress)

    def within(place: str | Path) -> str:
        return Path(relpath(place, root)).as_posix()

    names = [within(picture.path) for picture in embedded.pictures]
    skipped = [Skipped(within(entry.place), entry.reason) for entry in (*listing.skipped, *embedded.skipped)]
    return _Folder(root, names, embedded.vectors, skipped)


def _answers(
    queries: _Folder, gallery: _Folder, k: int, sheets: Path | None, progress: Progress
) -> Iterator[dict[str, object]]:
    """One entry of the results for each query; its sheet is drawn on the way."""
    ranked = nearest(queries.vectors, gallery.vectors, k)
    for number, (name, (rows, cosine, euclidean)) in enumerate(zip(queries.names, ranked, strict=True), start=1):
        hits = [
            Hit(place, gallery.names[row], round(float(near), DIGITS), round(float(far), DIGITS))
            for place, (row, near, far) in enumerate(zip(rows, cosine, euclidean, strict=True), start=1)
        ]
        if sheets:
            tiles = [_tile(gallery.root, hit) for hit in hits[:ON_A_SHEET]]
            save_sheet(sheets / sheet_name(number, name), Tile(queries.root / name, "Query", name), tiles)
        progress(number, len(queries.names))
        yield {"query": name, "hits": [asdict(hit) for hit in hits]}


def _tile(root: Path, hit: Hit) -> Tile:
    return Tile(root / hit.picture, f"{hit.rank}  ·  cosine {hit.cosine_distance:.3f}", hit.picture)


def _write(path: Path, header: dict[str, object], answers: Iterator[dict[str, object]]) -> None:
    """Write JSON with one line for each answer, none of them held in memory, and put it in place when it is whole."""
    with write_atomically(path, several=True) as draft, draft.open("w", encoding="ascii") as file:
        # json escapes the rest, bytes that are no text as well
        file.write(json.dumps(header, indent=2).removesuffix("\n}") + ',\n  "results": [')
        for number, answer in enumerate(answers):
            file.write((",\n    " if number else "\n    ") + json.dumps(answer))
        file.write("\n  ]\n}\n")
