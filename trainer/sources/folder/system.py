"""What NAS systems, desktops, cameras, phones and cloud clients leave in folders: no pictures, and no labels.

Names are compared in lower case. Whatever begins with a dot is hidden, and needs no entry here.
"""

import re

FOLDERS = frozenset(
    (
        # NAS: Synology, QNAP, Asustor, TerraMaster, Buffalo, Netgear, netatalk, snapshots
        "@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@recycle", "@recently-snapshot", "@thumb", "@__thumb",
        "@__qini", "@upload_cache", "~snapshot", "trashbox", "recycle.bin", "network trash folder", "temporary items",
        "thevolumesettingsfolder",
        # Windows and file systems
        "$recycle.bin", "recycler", "recycled", "system volume information", "found.000", "lost+found", "lost.dir",
        # macOS
        "__macosx",
        # cloud and version control, notebooks, photo programs
        "__pycache__", "node_modules", "captureone", "_gsdata_",
    )
)  # fmt: skip
FOLDER_ENDINGS = (".lrdata", ".lrcat-data", ".lrlibrary", ".cocatalog", ".cosessiondb", ".dtrash")
LIBRARIES = (".photoslibrary", ".photolibrary", ".aplibrary", ".migratedphotolibrary")
"""Folders that macOS shows as one file; originals, previews and thumbnails lie in them side by side."""

FILES = frozenset(
    (
        "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "iconcache.db", "albumartsmall.jpg", "icon\r",
        "picasa.ini", "zbthumbnail.info", "pspbrwse.jbf", "synophoto_thumb.jpg", "autprint.mrk", "pagefile.sys",
        "swapfile.sys", "hiberfil.sys", "autorun.inf",
    )
)  # fmt: skip
_FILE = re.compile(r"albumart_\{.*\}_(large|small)\.jpg|~\$.*|.*~|synofile_thumb_.*|synophoto_thumb_.*|:2e.*")

SIDECARS = frozenset(
    (
        ".xmp", ".aae", ".thm", ".lrv", ".pp3", ".dop", ".on1", ".cos", ".mrk", ".ctg", ".dat@synoeastream",
        ".lrcat", ".lnk", ".url", ".webloc", ".ini", ".db", ".log",
    )
)  # fmt: skip
"""Endings of files that stand beside pictures: edits, previews of videos, lists of cameras, short cuts."""

UNFINISHED = frozenset((".part", ".partial", ".crdownload", ".download", ".tmp", ".!ut", ".opdownload", ".filepart"))
RAW = frozenset(
    (
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
        ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    )
)  # fmt: skip
"""Raw files of cameras. Many are TIFF files by content, whose first picture is a thumbnail."""

OTHER_PICTURES = frozenset(
    (
        ".jxl", ".jp2", ".j2k", ".jpx", ".jxr", ".svg", ".svgz", ".psd", ".psb", ".xcf", ".ico", ".cur", ".icns",
        ".tga", ".exr", ".hdr", ".dds", ".pcx", ".dcm", ".eps", ".ai", ".heics", ".hif", ".avifs", ".pam", ".qoi",
    )
)  # fmt: skip
"""Endings of pictures in formats that are not read: they are named one by one."""


def is_system_folder(name: str) -> bool:
    """Whether a folder is one of a system's or a program's own."""
    name = name.lower()
    return name.startswith(".") or name in FOLDERS or name.endswith(FOLDER_ENDINGS)


def is_system_file(name: str) -> bool:
    """Whether a file is one of a system's or a program's own."""
    name = name.lower()
    ending = name[name.rfind(".") :]
    return name.startswith(".") or name in FILES or ending in SIDECARS or _FILE.fullmatch(name) is not None
