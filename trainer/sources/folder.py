"""A folder of pictures: the folder that a picture lies in is its label. Any depth."""

import os
from pathlib import Path

from retrieval.images import EXTENSIONS
from trainer.errors import SourceError
from trainer.sources.base import Listing, Picture, Skipped, stable_id


def read_folder(root: Path) -> Listing:
    """Every picture below `root`, by its file name's ending; hidden files and folders are passed over.

    A picture directly in `root` has no label. A folder that may not be opened, or is a link, is skipped with a reason.
    Raises SourceError when `root` is no folder or holds no picture.
    """
    if not root.is_dir():
        raise SourceError(f"{root} is not a folder. Name a folder of pictures, a CSV file, or pottery.")
    pictures: list[Picture] = []
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
        label = place.name if place != root else None
        for name in sorted(files):
            if Path(name).suffix.lower() in EXTENSIONS and not name.startswith("."):
                path = place / name
                if not path.is_file():
                    skipped.append(Skipped(str(path), "it is not a file"))
                    continue
                pictures.append(Picture(stable_id(path.relative_to(root).as_posix()), path.absolute(), label))
    if not pictures:
        raise SourceError(f"{root} holds no pictures. Looked for {', '.join(sorted(EXTENSIONS))}, at any depth.")
    return Listing(pictures, skipped)
