"""Files that are no picture we read: what each is, and what to do, so that nobody has to guess.

Told by content, as the formats that are read are; the ending of a file is often wrong.
"""

import re

_AS_JPEG = "save it as JPEG or PNG"
RAW = f"a raw file of a camera; {_AS_JPEG} with the camera's software, or use the JPEG beside it"
_VIDEO = "a video; save one frame of it as JPEG or PNG"
_SOUND = "a sound file, not a picture"
_ARCHIVE = "unpack it, and use the pictures in it"
_DOCUMENT = "save the pictures in it as files"
_NOT_A_PICTURE = "not a picture"

# The first match counts. Each is matched at the beginning of the file.
_KINDS: tuple[tuple[bytes, str], ...] = (
    (rb"FUJIFILMCCD-RAW", f"a Fujifilm RAF, {RAW}"),
    (rb"IIR[OS]|MMOR", f"an Olympus ORF, {RAW}"),
    (rb"IIU\0", f"a Panasonic RW2, {RAW}"),
    (rb"\0MRM", f"a Minolta MRW, {RAW}"),
    (rb"FOVb", f"a Sigma X3F, {RAW}"),
    (rb"II\x1a\0\0\0HEAPCCDR", f"a Canon CRW, {RAW}"),
    (rb".{4}ftypcrx ", f"a Canon CR3, {RAW}"),
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", f"a JPEG XL picture, which is not read here; {_AS_JPEG}"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", f"a JPEG 2000 picture, which is not read here; {_AS_JPEG}"),
    (rb"II\xbc[\0\x01]", f"a JPEG XR picture, which is not read here; {_AS_JPEG}"),
    (rb"\xff\xd8\xff?\Z", "a JPEG of which nothing but the first bytes is there; copy or download it again"),
    (rb"8BPS", f"a Photoshop document; {_AS_JPEG}"),
    (rb"\0\0[\x01\x02]\0[\x01-\xff]\0.{8,}", f"an icon or cursor (ICO, CUR), which is not read here; {_AS_JPEG}"),
    (rb"icns", f"an icon of macOS (ICNS), which is not read here; {_AS_JPEG}"),
    (rb"gimp xcf", "a GIMP document; export it as JPEG or PNG"),
    (rb"SIMPLE  =", f"a FITS file of measurements; {_AS_JPEG}"),
    (rb"\x76\x2f\x31\x01", f"an OpenEXR picture, which is not read here; {_AS_JPEG}"),
    (rb"#\?(RADIANCE|RGBE)", f"a Radiance HDR picture, which is not read here; {_AS_JPEG}"),
    (rb"DDS \x7c", f"a DDS texture, which is not read here; {_AS_JPEG}"),
    (rb"\xabKTX ", f"a KTX texture, which is not read here; {_AS_JPEG}"),
    (rb"qoif", f"a QOI picture, which is not read here; {_AS_JPEG}"),
    (rb"farbfeld", f"a farbfeld picture, which is not read here; {_AS_JPEG}"),
    (rb"\x0a[\0-\x05]\x01[\x01\x02\x04\x08]", f"a PCX picture, which is not read here; {_AS_JPEG}"),
    (rb"P7\s", f"a PAM picture, which is not read here; {_AS_JPEG}"),
    (rb"P[Ff]\s", f"a PFM file of measurements, which is not read here; {_AS_JPEG}"),
    (rb".{128}DICM", "a DICOM file; export the picture in it as JPEG or PNG"),
    (rb"AT&TFORM", "a DjVu document; save the page you want as JPEG or PNG"),
    (rb"FORM.{4}(ILBM|PBM )", f"an ILBM picture, which is not read here; {_AS_JPEG}"),
    (rb"BPG\xfb", f"a BPG picture, which is not read here; {_AS_JPEG}"),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", f"a Windows metafile; {_AS_JPEG}"),
    (rb"%PDF-|.{1,1000}%PDF-1", "a PDF document; save the page you want as JPEG or PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", f"a PostScript file; {_AS_JPEG}"),
    (rb".{4}ftyp(qt  |isom|iso[2-9]|mp4|M4V|avc1|3g|dash|MSNV|f4v|XAVC)|.{4}(moov|wide|mdat)", _VIDEO),
    (rb".{4}ftypM4[AB]", _SOUND),
    (rb"\x1a\x45\xdf\xa3|\0\0\x01[\xba\xb3]|FLV\x01|\x30\x26\xb2\x75|RIFF.{4}AVI |OggS\0", _VIDEO),
    (rb"RIFF.{4}WAVE|ID3|fLaC|\xff[\xfb\xf3\xf2\xf1\xf9]|#!AMR", _SOUND),
    (rb".{4}ftyp", "a file of the HEIF or MP4 family of a kind that is not read here; save it as JPEG or PNG"),
    (rb"PK\x03\x04.{26}(word/|xl/|ppt/|\[Content_Types\]|mimetype)", f"a document of an office program; {_DOCUMENT}"),
    (rb"PK[\x03\x05\x07]", f"a ZIP archive; {_ARCHIVE}"),
    (rb"Rar!\x1a|7z\xbc\xaf|.{257}ustar", f"an archive; {_ARCHIVE}"),
    (rb"\x1f\x8b|BZh[1-9]|\xfd7zXZ|\x28\xb5\x2f\xfd", f"a compressed file; {_ARCHIVE}"),
    (rb"\0\x05\x16\x07", "a file of macOS that stands beside another (AppleDouble), not a picture; leave it out"),
    (rb"MZ.{2,60}\0|\x7fELF|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe", "a program, not a picture"),
    (rb"SQLite format 3", "a database, not a picture"),
    (rb"\xd0\xcf\x11\xe0", f"a document of an office program or a Thumbs.db, {_NOT_A_PICTURE}"),
    (rb"version https://git-lfs", "a pointer of Git LFS, not the picture itself; run `git lfs pull`"),
)
_COMPILED = tuple((re.compile(pattern, re.DOTALL), what) for pattern, what in _KINDS)

_MARKUP = re.compile(rb"\s*<[!?\w]")
_SVG = re.compile(rb"<(\w+:)?svg\b", re.IGNORECASE)
_HTML = re.compile(rb"<(!doctype html|html|head|body|script|title|meta|p|h1|br|table|div)\b", re.IGNORECASE)
_BASE64 = re.compile(rb"\s*(data:image/|/9j/|iVBORw0KGgo|R0lGOD|UklGR)")
_BYTE_ORDER = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 4096


def describe(data: bytes) -> str | None:
    """What a file is that is not read here, and what to do, as "a ..., ..."; None for what cannot be told."""
    if not data:
        return "an empty file; copy or download it again"
    head = data[:_LOOKED_AT]
    for pattern, what in _COMPILED:
        if pattern.match(head):
            return what
    if not head.strip(b"\0"):
        return "a file of nothing but zeros, as an interrupted copy leaves; copy or download it again"
    return _text(head)


def _text(head: bytes) -> str | None:
    """What a text is; None for what is none."""
    text = head.decode("utf-16", "ignore").encode() if head.startswith(_BYTE_ORDER[1:]) else head
    text = text.removeprefix(_BYTE_ORDER[0])
    if _MARKUP.match(text):
        page, drawing = _HTML.search(text), _SVG.search(text)
        if drawing is not None and (page is None or drawing.start() < page.start()):
            return f"an SVG drawing, which has no pixels; {_AS_JPEG}"
        if page is not None:
            return "a web page (HTML), not a picture; the address may need a login, or lead to a page about the picture"
        return "a file of markup (XML), not a picture"
    if _BASE64.match(text):
        return "a picture in Base64, as text; decode it first"
    if all(byte >= 32 or byte in b"\t\r\n\f\x1b" for byte in text) and _is_utf8(text):
        return "a text file, not a picture"
    return None


def _is_utf8(text: bytes) -> bool:
    """Whether it is UTF-8, but for a character that is cut at its end."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start > len(text) - 4 and error.reason == "unexpected end of data"
    return True
