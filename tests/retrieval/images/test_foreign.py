"""Files that are no picture we read: each is named, with what to do."""

import gzip
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import images
from retrieval.errors import ImageError, UnsupportedFormat
from tests.support.pictures import encode, scene

REST = bytes(range(256)) * 4


def zipped(name: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"x")
    return buffer.getvalue()


SAVE, UNPACK, AGAIN = "save it as JPEG or PNG", "unpack it", "copy or download it again"
FILES = {
    "empty": (b"", "an empty file", AGAIN),
    "zeros": (bytes(5000), "nothing but zeros", AGAIN),
    "the first bytes of a JPEG": (b"\xff\xd8", "nothing but the first bytes", AGAIN),
    "JPEG XL": (b"\xff\x0a" + REST, "JPEG XL", SAVE),
    "JPEG XL in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n" + REST, "JPEG XL", SAVE),
    "JPEG 2000": (encode(scene(), "JPEG2000"), "JPEG 2000", SAVE),
    "JPEG 2000, bare": (encode(scene(), "JPEG2000", no_jp2=True), "JPEG 2000", SAVE),
    "JPEG XR": (b"II\xbc\1" + REST, "JPEG XR", SAVE),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawing", SAVE),
    "SVG behind a prologue": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a -->\n<svg:svg>', "SVG drawing", SAVE),
    "SVG in UTF-16": ("\ufeff<svg>".encode("utf-16-le"), "SVG drawing", SAVE),
    "a web page": (b"\n <!DOCTYPE html><html><body><svg/></body></html>", "web page", "login"),
    "a web page without a prologue": (b"<script>1</script>", "web page", "login"),
    "PDF": (b"%PDF-1.7\n" + REST, "PDF document", "save the page"),
    "PDF behind something": (b"junk\n%PDF-1.7\n" + REST, "PDF document", "save the page"),
    "Photoshop": (b"8BPS\0\1" + REST, "Photoshop", SAVE),
    "GIMP": (b"gimp xcf v011" + REST, "GIMP", "export it as JPEG or PNG"),
    "ICO": (encode(scene(), "ICO"), "icon", SAVE),
    "CUR": (b"\0\0\2\0\1\0" + REST, "icon or cursor", SAVE),
    "ICNS": (b"icns" + REST, "icon", SAVE),
    "PCX": (encode(scene(), "PCX"), "PCX", SAVE),
    "QOI": (encode(scene(), "QOI"), "QOI", SAVE),
    "DDS": (encode(scene(), "DDS"), "DDS", SAVE),
    "EPS": (encode(scene(), "EPS"), "PostScript", SAVE),
    "OpenEXR": (b"\x76\x2f\x31\1" + REST, "OpenEXR", SAVE),
    "Radiance": (b"#?RADIANCE\n" + REST, "Radiance", SAVE),
    "PFM": (b"Pf 1 1 1.0\n\0\0\0\0", "PFM", SAVE),
    "PAM": (b"P7\nWIDTH 1\n", "PAM", SAVE),
    "DICOM": (bytes(128) + b"DICM" + REST, "DICOM", "export the picture"),
    "FITS": (b"SIMPLE  =                    T" + REST, "FITS", SAVE),
    "CR3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + REST, "Canon CR3, a raw file", "camera's software"),
    "RAF": (b"FUJIFILMCCD-RAW 0201" + REST, "Fujifilm RAF, a raw file", "camera's software"),
    "ORF": (b"IIRO\x08\0\0\0" + REST, "Olympus ORF, a raw file", "camera's software"),
    "RW2": (b"IIU\0\x18\0\0\0" + REST, "Panasonic RW2, a raw file", "camera's software"),
    "MP4": (b"\0\0\0\x20ftypisom\0\0\2\0isom" + REST, "video", "one frame"),
    "QuickTime": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + REST, "video", "one frame"),
    "WebM": (b"\x1a\x45\xdf\xa3" + REST, "video", "one frame"),
    "AVI": (b"RIFF\0\1\0\0AVI LIST" + REST, "video", "one frame"),
    "MP3": (b"ID3\4\0" + REST, "sound", "not a picture"),
    "WAV": (b"RIFF\0\1\0\0WAVEfmt " + REST, "sound", "not a picture"),
    "ZIP": (zipped("a.jpg"), "ZIP archive", UNPACK),
    "Word": (zipped("[Content_Types].xml"), "document of an office program", "save the pictures in it"),
    "RAR": (b"Rar!\x1a\7\0" + REST, "archive", UNPACK),
    "7z": (b"7z\xbc\xaf\x27\x1c" + REST, "archive", UNPACK),
    "gzip": (gzip.compress(b"x", mtime=0), "compressed file", UNPACK),
    "text": (b"Hello, \xc3\xa4 world\r\n", "a text file", "not a picture"),
    "a CSV file": (b"id;path\n1;a.jpg\n", "a text file", "not a picture"),
    "JSON": (b'{"error": "not found"}', "a text file", "not a picture"),
    "XML": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "markup", "not a picture"),
    "Base64": (b"data:image/png;base64,iVBORw0KGgo=", "Base64", "decode it first"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS", "git lfs pull"),
    "AppleDouble": (b"\0\5\x16\7\0\2\0\0Mac OS X" + REST, "AppleDouble", "leave it out"),
    "Thumbs.db": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + REST, "Thumbs.db", "not a picture"),
    "a program": (b"\x7fELF\2\1" + REST, "program", "not a picture"),
    "SQLite": (b"SQLite format 3\0" + REST, "database", "not a picture"),
    "PNG of an app": (b"\x89PNG\r\n\x1a\n\0\0\0\4CgBI\x50\0\x20\2\x2b\xd5\xb3\x7f", "CgBI", "convert it"),
    "a JPEG of 12 bits": (b"\xff\xd8\xff\xc1\0\x0b\x0c\0\1\0\1\1\1\x11\0", "12 bits", "with 8 bits"),
    "a lossless JPEG": (b"\xff\xd8\xff\xc3\0\x0b\x08\0\1\0\1\1\1\x11\0", "lossless JPEG", "save it as PNG"),
    "a JPEG of 2 channels": (b"\xff\xd8\xff\xc0\0\x0e\x08\0\1\0\1\2\1\x11\0\2\x11\0", "2 colour channels", "RGB"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("read", [images.inspect, images.decode])
def test_each_is_named_with_what_to_do(name: str, read: Callable[[bytes], object]) -> None:
    data, what, advice = FILES[name]
    with pytest.raises(UnsupportedFormat) as error:
        read(data)
    assert what in str(error.value)
    assert advice in str(error.value)


@pytest.mark.parametrize("data", [b"\x93unknown\xff" + REST, b"BMW makes cars\xff", b"GIF90a\xff", b"\xfe" * 40])
def test_what_is_not_known_names_the_formats_that_are(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match=r"JPEG, PNG, WebP, GIF, BMP, HEIC, AVIF, TIFF or PBM/PGM/PPM"):
        images.inspect(data)


begun = st.builds(lambda name, rest: FILES[name][0][:40] + rest, st.sampled_from(sorted(FILES)), st.binary())


@given(st.one_of(st.binary(max_size=300), begun))
def test_any_bytes_are_told_without_a_crash(data: bytes) -> None:
    try:
        images.inspect(data)
    except ImageError as error:
        assert len(str(error)) < 300
        assert str(error).isprintable()
