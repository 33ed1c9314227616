"""Labeled Faces in the Wild (Huang et al. 2007), deep-funneled: 13,233 photographs of 5,749 people.

`lfw-deepfunneled/<Name>/<Name>_0001.jpg`; `peopleDevTrain.txt` and `peopleDevTest.txt` (view 1): the number of people,
then a line `name n` for each; `pairs.txt` (view 2): see read_pairs. The formats are those of the README of the
publisher (sections 3a to 3d), the checksums those of torchvision.datasets.LFWPeople. The copy at Kaggle has the
pictures one folder deeper, and `peopleDevTrain.csv` with a line `name,images` above.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import SourceError
from trainer.sources.base import Listing, Part, Picture
from trainer.sources.fetch.remote import RemoteFile
from trainer.sources.public import DataSet, innermost, read_rows

PAGE = "http://vis-www.cs.umass.edu/lfw/"
FOLDER = "lfw-deepfunneled"
PEOPLE: dict[str, Part] = {"peopleDevTrain.txt": "train", "peopleDevTest.txt": "test"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures by their ids, whether they show the same person, and the fold (from 0) that the pair is of."""

    first: str
    second: str
    same: bool
    fold: int


def read(folder: Path) -> Listing:
    """Every picture below `lfw-deepfunneled`, with the person's name as label; the ids are the file names.

    Raises SourceError when a list of people is not what it should be.
    """
    parts = {name: part for file, part in PEOPLE.items() for name in _people(folder / file)}
    paths = sorted(innermost((folder / FOLDER).absolute()).glob("*/*.jpg"))
    return Listing([Picture(path.stem, path, path.parent.name, part=parts.get(path.parent.name)) for path in paths])


def read_pairs(file: Path) -> list[Pair]:
    """The pairs of `pairs.txt`, in its order.

    Its first line gives the number of folds and of pairs (`10 300`; `pairsDevTrain.txt` and `pairsDevTest.txt`, of one
    fold, give the latter alone). Each fold lists that many pairs of one person (`name n1 n2`), then as many of two
    (`name1 n1 name2 n2`). `pairs.csv` of Kaggle has the same lines with commas, below the names of its columns: there,
    a fold begins where a pair of one person follows one of two. Raises SourceError when the file is none of these.
    """
    header, *rows = read_rows(file) or [[]]
    if header and header[0].startswith("name,imagenum1,"):
        return _pairs_of_table(file, [row[0].rstrip(",").split(",") for row in rows])
    if len(header) not in {1, 2} or not all(number.isdecimal() for number in header):
        raise SourceError(f"{file} does not begin with the number of folds and of pairs, such as 10 300.")
    folds, pairs = ([1] + [int(number) for number in header])[-2:]
    if len(rows) != 2 * folds * pairs:
        raise SourceError(f"{file} announces {folds} x {2 * pairs} pairs, but lists {len(rows)}.")
    return [
        _pair(row, same=index // pairs % 2 == 0, fold=index // (2 * pairs), file=file) for index, row in enumerate(rows)
    ]


def _pairs_of_table(file: Path, rows: Sequence[Sequence[str]]) -> list[Pair]:
    pairs: list[Pair] = []
    for row in rows:
        same = len(row) == 3
        fold = 0 if not pairs else pairs[-1].fold + (same and not pairs[-1].same)
        pairs.append(_pair(row, same=same, fold=fold, file=file))
    return pairs


def _pair(row: Sequence[str], *, same: bool, fold: int, file: Path) -> Pair:
    if len(row) != (3 if same else 4) or not all(number.isdecimal() for number in (row[1], row[-1])):
        raise SourceError(f"{file} has a line that is not {'name n1 n2' if same else 'name1 n1 name2 n2'}: {row}")
    other = row[0] if same else row[2]
    return Pair(f"{row[0]}_{int(row[1]):04d}", f"{other}_{int(row[-1]):04d}", same, fold)


def _people(file: Path) -> list[str]:
    table = file.with_suffix(".csv")
    if not file.exists() and table.exists():
        header, *rows = [line[0].rsplit(",", 1) for line in read_rows(table)] or [[]]
        is_one = header == ["name", "images"]
    else:
        header, *rows = read_rows(file) or [[]]
        is_one = header == [str(len(rows))]
    if not is_one or not all(len(row) == 2 for row in rows):
        raise SourceError(f"{file} is not the number of people and then a line `name n` for each.")
    return [name for name, _ in rows]


def _list_of_people(name: str, checksum: str) -> RemoteFile:
    return RemoteFile(f"{name}.txt", checksum, f"{PAGE}{name}.txt", copied_as=f"{name}.csv")


DATA_SET = DataSet(
    "lfw",
    PAGE,
    (
        RemoteFile(f"{FOLDER}.tgz", "md5:68331da3eb755a505a502b5aacb3c201", f"{PAGE}{FOLDER}.tgz", FOLDER),
        RemoteFile("pairs.txt", "md5:9f1ba174e4e1c508ff7cdf10ac338a7d", f"{PAGE}pairs.txt", copied_as="pairs.csv"),
        _list_of_people("peopleDevTrain", "md5:54eaac34beb6d042ed3a7d883e247a21"),
        _list_of_people("peopleDevTest", "md5:e4bf5be0a43b5dcd9dc5ccfcb8fb19c5"),
    ),
    read,
    # github.com/pytorch/vision/issues/8888 and pull/9463
    advice=" (that server has not answered since January 2025: look for the page at web.archive.org, or for copies "
    "elsewhere, such as kaggle.com/datasets/jessicali9530/lfw-dataset)",
)
