"""A folder of pictures: the folder that a picture lies in is its label. Any depth."""

import os
from pathlib import Path

from retrieval.images import EXTENSIONS
from trainer.errors import SourceError
from trainer.sources.base import PARTS, Listing, Picture, Skipped, stable_id


def read_folder(root: Path) -> Listing:
    """Every picture below `root`, by its file name's ending; hidden files and folders are passed over.

    A picture directly in `root` has no label. Where `root` holds nothing but the folders of a split (train and test,
    perhaps val), they are the parts, not labels. A folder that may not be opened, or is a link, is skipped with a
    reason. Raises SourceError when `root` is no folder or holds no picture.
    """
    if not root.is_dir():
        raise SourceError(
            f"{root} is not a folder. Name a folder of pictures, a CSV file, or pottery, flowers102, lfw or celeba."
        )
    paths, skipped = _walk(root)
    if not paths:
        raise SourceError(f"{root} holds no pictures. Looked for {', '.join(sorted(EXTENSIONS))}, at any depth.")
    places = [path.relative_to(root) for path in paths]
    is_split = _is_split({place.parts[0] if len(place.parts) > 1 else "" for place in places})
    pictures = []
    for path, place in zip(paths, places, strict=True):
        part, folders = (PARTS[place.parts[0]], place.parts[1:-1]) if is_split else (None, place.parts[:-1])
        label = folders[-1] if folders else None
        pictures.append(Picture(stable_id(place.as_posix()), path.absolute(), label, part=part))
    return Listing(pictures, skipped)


def _is_split(folders: set[str]) -> bool:
    """Whether these folders at the top ("" for none) are the parts of a split, each once."""
    parts = [PARTS[name] for name in folders if name in PARTS]
    return len(parts) == len(folders) == len(set(parts)) > 1 and "train" in parts


def _walk(root: Path) -> tuple[list[Path], list[Skipped]]:
    """The files whose names are those of pictures, folder by folder, and what could not be looked at."""
    paths: list[Path] = []
    skipped: list[Skipped] = []

    def refuse(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), error.strerror or str(error)))

    for folder, subfolders, files in os.walk(root, onerror=refuse):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        place = Path(folder)
        links = [place / name for name in subfolders if (place / name).is_symlink()]
        skipped.extend(
            Skipped(str(link), "a link to a folder is not followed; name that folder itself") for link in links
        )
        for name in sorted(files):
            if Path(name).suffix.lower() in EXTENSIONS and not name.startswith("."):
                path = place / name
                if path.is_file():
                    paths.append(path)
                else:
                    skipped.append(Skipped(str(path), "it is not a file"))
    return paths, skipped
