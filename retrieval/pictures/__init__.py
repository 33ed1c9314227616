"""The pictures of items: in the artifacts folder, or where a URL says.

The files of a training run's source stay where they are and are never touched, unless the run copies them here.
"""

from pathlib import Path

from retrieval.pictures.base import FOLDER, PictureStore, is_ours, keep_all, location_of
from retrieval.pictures.folder import FolderPictures
from retrieval.remote import folder_of

__all__ = ["FOLDER", "PictureStore", "is_ours", "keep_all", "location_of", "open_pictures"]


def open_pictures(artifacts: Path, url: str | None = None) -> PictureStore:
    """The pictures at a URL, or those in the artifacts folder. Connects to nothing.

    Raises StorageUnavailable where the library that the URL needs is not installed.
    """
    if url is None:
        return FolderPictures(artifacts, artifacts)
    folder = folder_of(url)
    if folder is not None:
        return FolderPictures(folder, artifacts)
    from retrieval.pictures.remote import RemotePictures  # whose library only those need who have a URL

    return RemotePictures(url, FolderPictures(artifacts, artifacts))
