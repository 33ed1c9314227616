"""Every error that retrieval raises on purpose. Each message names what is wrong and how to mend it.

LookalikeError
├── ImageError
│   ├── UnsupportedFormat     not one of the formats we decode
│   ├── BrokenImage           the right format, but its bytes cannot be decoded
│   ├── TooManyPixels         would need more memory than we allow for one picture
│   └── FaceMissing           no face in it, where faces are compared
├── BundleError
│   ├── BundleMissing         nothing published, or no bundle of that id
│   ├── BundleDamaged         a file is missing, or differs from its checksum or its declared shape
│   └── BundleIncompatible    written in a format version that this code does not read
├── CatalogueError
│   ├── ItemMissing           no item of that id
│   ├── DismissalMissing      no dismissal of that id
│   ├── PictureMissing        the item exists, the file it points to does not
│   └── PictureUnavailable    the store of the pictures does not answer
├── VectorStoreError          a vector store that cannot be opened or does not fit its bundle
│   ├── VectorMissing         the item may exist, but the bundle has no vector of it
│   └── VectorsUnavailable    the database or the server that keeps the vectors does not answer a search
└── StorageError              nothing was written, and what was there is as it was
    ├── StorageFull           the disk has no room left
    ├── StorageBusy           somebody else has been writing for too long
    ├── StorageUnavailable    files or database may not be written, or the disk fails
    └── FolderNotWritable     the artifacts folder is none, or cannot be written to
"""


class LookalikeError(Exception):
    """The root: whoever catches this catches every mistake a user can mend."""


class ImageError(LookalikeError):
    """One picture cannot be used; its neighbours can."""


class UnsupportedFormat(ImageError):
    """The bytes are not a picture in one of the formats we decode."""


class BrokenImage(ImageError):
    """The header is that of a picture we know, but the rest cannot be decoded."""


class TooManyPixels(ImageError):
    """The header announces more pixels than the limit; nothing was decoded."""


class FaceMissing(ImageError):
    """The picture shows no face that the detector finds, and whole pictures are not to be used instead."""


class BundleError(LookalikeError):
    """A bundle cannot be served."""


class BundleMissing(BundleError):
    """Nothing is published here, or there is no bundle of that id."""


class BundleDamaged(BundleError):
    """A file of the bundle is missing, changed, or does not have its declared shape."""


class BundleIncompatible(BundleError):
    """The bundle's format version is not one that this code reads."""


class CatalogueError(LookalikeError):
    """The catalogue cannot answer."""


class ItemMissing(CatalogueError):
    """There is no item of that id."""


class DismissalMissing(CatalogueError):
    """There is no dismissal of that id."""


class PictureMissing(CatalogueError):
    """The item's file is not where the catalogue says."""


class PictureUnavailable(CatalogueError):
    """The store that the item's file is in does not answer, or does not let this server read."""


class VectorStoreError(LookalikeError):
    """A vector store cannot be opened, or does not fit its bundle."""


class VectorMissing(VectorStoreError):
    """There is no vector of that id under this bundle."""


class VectorsUnavailable(VectorStoreError):
    """The database or the server that keeps the vectors does not answer, so nothing can be read."""


class StorageError(LookalikeError):
    """A change could not be written; nothing of it was."""


class StorageFull(StorageError):
    """There is no room left on the disk."""


class StorageBusy(StorageError):
    """Somebody else has been writing for longer than one waits."""


class StorageUnavailable(StorageError):
    """The files may not be written, or the disk reports errors."""


class FolderNotWritable(StorageError):
    """No file can be made in a folder that is to be written to."""
