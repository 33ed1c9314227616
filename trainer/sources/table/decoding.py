"""The bytes of a table as text: unpacked; in UTF-8, UTF-16, or what older programs of the West write."""

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from trainer.errors import SourceError
from trainer.sources.foreign import HEAD_BYTES, foreign_kind

BOMS = (  # the longer first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
MAX_UNPACKED_BYTES = 1 << 30
PACKED: Mapping[bytes, tuple[str, type[gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]]] = {  # by the first bytes
    b"\x1f\x8b": ("gzip", gzip.GzipFile),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\0": ("xz", lzma.LZMAFile),
}
SAVE_AS = "Save it as UTF-8"
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
# Letters with accents come by one or two in the languages of the West, and of the signs of Windows-1252 few are common.
_SIGNS = rb"\x80\x85\x8a\x8c\x8e\x91-\x97\x99\x9a\x9c\x9e\x9f\xa0-\xff"
_WESTERN = re.compile(rb"(?<![\x80-\xff])[" + _SIGNS + rb"]{1,2}(?![\x80-\xff])")


def read_text(table: Path) -> tuple[str, list[str]]:
    """The text of a file, which may be packed, and what there is to say about its encoding.

    Raises SourceError when the file cannot be read, is no text, or is in an encoding that cannot be told.
    """
    data = _read_bytes(table)
    for mark, marked in BOMS:
        if data.startswith(mark):
            return _decode(table, data.removeprefix(mark), marked), []
    if kind := foreign_kind(table, data[:HEAD_BYTES]):
        raise SourceError(f"{table} cannot be read as a CSV: {kind}")
    if encoding := _wide_without_mark(data[:200]):
        return _decode(table, data, encoding), [
            f"{table.name} is read as {encoding.upper()}; it does not say so itself."
        ]
    try:
        return data.decode(), []
    except UnicodeDecodeError as error:
        return _western(table, data, error.start)


def _read_bytes(table: Path) -> bytes:
    """The bytes of a file, unpacked. Raises SourceError."""
    try:
        data = table.read_bytes()
    except OSError as error:
        raise SourceError(f"{table} cannot be read: {error.strerror or error}.") from error
    kind, unpack = next((packed for magic, packed in PACKED.items() if data.startswith(magic)), ("", None))
    if unpack is None:
        return data
    try:
        with unpack(table) as file:
            data = file.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise SourceError(f"{table} is packed with {kind}, but cannot be unpacked: {error}.") from error
    if len(data) > MAX_UNPACKED_BYTES:
        raise SourceError(
            f"{table} unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB. Unpack it yourself, and name that."
        )
    return data


def _decode(table: Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{table} begins as {encoding.upper()}, but is not: {error.reason} at byte {error.start}. {SAVE_AS}."
        ) from error


def _wide_without_mark(head: bytes) -> str | None:
    """The header's names are letters that UTF-16 writes with a zero byte each, and UTF-32 with three."""
    if len(head) % 4 == 0 and 7 <= 10 * head.count(0) / max(1, len(head)) <= 8:
        return "utf-32-be" if head[0] == 0 else "utf-32-le"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 < len(head) or min(even, odd) * 8 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _western(table: Path, data: bytes, start: int) -> tuple[str, list[str]]:
    """Windows-1252 has no mark, so it is taken for what it is only where nothing speaks against it."""
    line = data.count(b"\n", 0, start) + 1
    beginning = max(data.rfind(b"\n", 0, start), data.rfind(b",", 0, start)) + 1
    strange = _WESTERN.sub(b"", data)
    if _MULTIBYTE.search(data) or not strange.isascii() or 0 in data:
        raise SourceError(
            f"{table} cannot be read as a CSV in UTF-8: the byte 0x{data[start]:02X} in line {line} is not UTF-8. "
            f"{SAVE_AS} (in Excel: CSV UTF-8), or convert it: iconv -f THE_ENCODING_IT_HAS -t UTF-8 {table.name}"
        )
    example = data[beginning : start + 20].splitlines()[0].decode("cp1252").strip()
    note = f"{table.name} is not UTF-8 and is read as Windows-1252 (Latin-1): line {line} says {example}. "
    return data.decode("cp1252"), [f"{note}If that is wrong, save it as UTF-8."]
