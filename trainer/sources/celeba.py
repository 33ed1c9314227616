"""CelebA (Liu et al. 2015), aligned and cropped: 202,599 photographs of 10,177 celebrities, 40 attributes each.

`img_align_celeba/000001.jpg`; `identity_CelebA.txt`: `000001.jpg 2880`; `list_eval_partition.txt`: `000001.jpg 0`,
where 0 is train, 1 validation, 2 test; `list_attr_celeba.txt`: the number of pictures, the 40 names, then
`000001.jpg -1 1 ...`, where 1 is true. Checksums: torchvision.datasets.CelebA.
"""

from pathlib import Path

from trainer.errors import SourceError
from trainer.sources.base import Listing, Part, Picture, Skipped
from trainer.sources.fetch.remote import RemoteFile
from trainer.sources.public import DataSet, innermost, read_rows

FOLDER = "img_align_celeba"
PARTITIONS: dict[str, Part] = {"0": "train", "1": "validation", "2": "test"}
TRUTHS = {"1": True, "-1": False}


def read(folder: Path) -> Listing:
    """Every picture that `identity_CelebA.txt` lists, with the number of its celebrity as label.

    A picture that is not there is skipped. Raises SourceError when a list is not what it should be.
    """
    partitions = _column(folder / "list_eval_partition.txt")
    attributes = _attributes(folder / "list_attr_celeba.txt")
    images = innermost((folder / FOLDER).absolute())
    there = {path.name for path in images.iterdir()}
    pictures: list[Picture] = []
    skipped: list[Skipped] = []
    for name, identity in _column(folder / "identity_CelebA.txt").items():
        path = images / name
        if name in there:
            part = PARTITIONS.get(partitions.get(name, ""))
            pictures.append(Picture(path.stem, path, identity, attributes.get(name, {}), part))
        else:
            skipped.append(Skipped(str(path), "identity_CelebA.txt lists it, but there is no such file"))
    return Listing(pictures, skipped)


def _column(file: Path) -> dict[str, str]:
    """A list of one value for each picture."""
    rows = read_rows(file)
    if not all(len(row) == 2 for row in rows):
        raise SourceError(f"{file} is not a list of a picture and a number on each line.")
    return dict(rows)


def _attributes(file: Path) -> dict[str, dict[str, bool]]:
    rows = read_rows(file)
    names = rows[1] if len(rows) > 1 else []
    if not names or rows[0] != [str(len(rows) - 2)] or not all(len(row) == 1 + len(names) for row in rows[2:]):
        raise SourceError(
            f"{file} is not the number of pictures, the names of attributes, and a line for each picture."
        )
    try:
        return {row[0]: {name: TRUTHS[value] for name, value in zip(names, row[1:], strict=True)} for row in rows[2:]}
    except KeyError as error:
        raise SourceError(f"{file} holds the value {error}, which is neither 1 nor -1.") from error


DATA_SET = DataSet(
    "celeba",
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    (
        RemoteFile(f"{FOLDER}.zip", "md5:00d2c5bc6d35e252742224ab0c1e8fcb", unpacked=FOLDER),
        RemoteFile("identity_CelebA.txt", "md5:32bd1bd63d3c78cd57e08160ec5ed1e2"),
        RemoteFile("list_attr_celeba.txt", "md5:75e246fa4810816ffd6ee81facbd244c"),
        RemoteFile("list_eval_partition.txt", "md5:d32c9cbf5e040fd4025c592c306e6668"),
    ),
    read,
    advice=" (links to Google Drive: the folders Img, Anno and Eval of Align&Cropped Images)",
)
