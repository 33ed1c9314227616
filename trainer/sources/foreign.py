"""A file that is no CSV, told by its first bytes: what it is, and how to make a folder or a CSV of it."""

import re
import zipfile
from pathlib import Path

from retrieval.errors import UnsupportedFormat
from retrieval.images.formats import PNM, format_of

HEAD_BYTES = 4096

_UNPACK = "Unpack it, and name the folder (or the CSV) that comes out."
_PANDAS = "Make a CSV of it, such as by: python -c \"import pandas; pandas.{}.to_csv('{}.csv', index=False)\""
_MAGIC = (
    (rb"PK(\x03\x04|\x05\x06|\x07\x08)", "a ZIP file", _UNPACK),
    (rb".{257}ustar", "a tar file", _UNPACK),
    (rb"\x1f\x8b", "packed with gzip", "Unpack it: gunzip -k {0}"),
    (rb"BZh[1-9]", "packed with bzip2", "Unpack it: bunzip2 -k {0}"),
    (rb"\xfd7zXZ\0", "packed with xz", "Unpack it: unxz -k {0}"),
    (rb"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it: unzstd {0}"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip file", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR file", _UNPACK),
    (rb"PAR1", "a Parquet file", _PANDAS.format("read_parquet('{0}')", "{1}")),
    (rb"ARROW1|\xff\xff\xff\xff.{4}", "an Arrow or Feather file", _PANDAS.format("read_feather('{0}')", "{1}")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", "Save it as CSV UTF-8 in Excel."),
    (rb"SQLite format 3\0", "an SQLite database", "Export its table: sqlite3 -csv -header {0} 'SELECT ...' > {1}.csv"),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file", _PANDAS.format("read_hdf('{0}')", "{1}")),
    (rb"\x93NUMPY", "a NumPy array", "Save its pictures as files into a folder."),
    (rb"\x80[\x02-\x05]", "a Python pickle", "It can run code when it is opened. Make a CSV of it if you trust it."),
    (rb"%PDF-", "a PDF document", "Save its pictures as files into a folder."),
    (rb"\s*<(!doctype|html|\?xml|svg)", "an HTML or XML document", "Is it the file that was meant to be downloaded?"),
)
_KINDS = tuple((re.compile(magic, re.DOTALL | re.IGNORECASE), kind, mend) for magic, kind, mend in _MAGIC)


def foreign_kind(path: Path, head: bytes) -> str | None:
    """What the file `path`, which begins with `head`, is other than a CSV, and how to mend it; None for a text."""
    for magic, *kind_and_hint in _KINDS:
        if magic.match(head):
            kind, mend = _kind_of_zip(path) if kind_and_hint[0] == "a ZIP file" else kind_and_hint
            return f"it is {kind}. {mend.format(path.name, path.stem)}"
    if _is_picture(head):
        return "it is one picture. Name the folder that it lies in, or a CSV with its name."
    return None


def _is_picture(head: bytes) -> bool:
    try:
        return format_of(head) is not PNM  # which a text may begin as
    except UnsupportedFormat:
        return False


def _kind_of_zip(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
    except (OSError, zipfile.BadZipFile):
        names = []
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook", 'Save it as "CSV UTF-8" in Excel, and name that file.'
    if "content.xml" in names:
        return "an OpenDocument table", "Save it as CSV in LibreOffice, and name that file."
    return "a ZIP file", _UNPACK
