"""Storage by URL: databases, and whatever fsspec knows: s3://bucket/prefix, gs://..., file:///folder.

A URL never has credentials in it: the library of the store takes them from the environment, a profile or its host.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from retrieval.errors import StorageUnavailable

BUCKETS = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "az"))
"""Where the first part of a path is a bucket, which nobody makes by writing into it."""
READ_ONLY = frozenset(("http", "https", "data", "ftp"))
INSTALL = "install what it needs: pip install 'lookalike[s3]', or fsspec and the library of that store"
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
DATABASE = re.compile(r"(sqlite|postgresql)(\+\w+)?://")
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 10, 2
"""For S3; others have limits of their own."""


def storage_url(value: str) -> str:
    """The URL of a place where files can be kept, without a slash at its end. Raises ValueError, without the value."""
    text = value.strip()
    scheme, separator, place = text.partition("://")
    if not separator or not SCHEME.fullmatch(scheme):
        raise ValueError("it is not a URL; write file:///folder or s3://bucket/prefix")
    if "::" in text or any(sign.isspace() for sign in text):
        raise ValueError("it must be one URL without blanks, such as s3://bucket/prefix")
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise ValueError("it must hold no user name and no password; they belong in the environment or in a profile")
    if parts.query or parts.fragment:
        raise ValueError("it must end with its path; leave out ? and #, and set options in the environment")
    if {".", ".."} & set(parts.path.split("/")):
        raise ValueError("its path must have no . and no .. in it")
    if scheme in READ_ONLY:
        raise ValueError(f"nothing can be kept at {scheme}://; write file:///folder or s3://bucket/prefix")
    if scheme == "file" and (parts.netloc or not parts.path.strip("/")):
        raise ValueError("it names no folder of this machine; write file:///folder, with three slashes")
    if scheme != "file" and not place.strip("/"):
        raise ValueError(f"it names no bucket; write {scheme}://bucket/prefix")
    if scheme != "file":
        _check_installed(scheme)
    return text.rstrip("/")


def database_url(value: str) -> str:
    """The URL of a database for items, without a password. Raises ValueError, without the value."""
    text = value.strip()
    if not DATABASE.match(text):
        raise ValueError("it is not the URL of a database that can hold the items; begin it with postgresql://")
    parts = urlsplit(text)
    if parts.password is not None or "password" in parts.query.lower():
        raise ValueError("it must hold no password, as it is written into files; set PGPASSWORD, or use ~/.pgpass")
    return text


def folder_of(url: str) -> Path | None:
    """The folder that a file:// URL names; None for every other URL."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme in ("file", "local") else None


def open_file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Connects to nothing. Raises StorageUnavailable."""
    scheme = url.partition("://")[0]
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme in ("s3", "s3a"):
        limits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": {"max_attempts": 1}}
        options["config_kwargs"] = limits
    elif scheme in ("file", "local"):
        options["auto_mkdir"] = True
    try:
        from fsspec.core import url_to_fs

        files, path = url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise StorageUnavailable(f"{url} cannot be used ({error}); {INSTALL}") from error
    if hasattr(files, "retries"):
        files.retries = ATTEMPTS
    return files, str(path)


def can_sign(url: str) -> bool:
    """Whether the store at a URL makes signed addresses of its objects."""
    if folder_of(url) is not None:
        return False
    import fsspec

    return fsspec.get_filesystem_class(url.partition("://")[0]).sign is not fsspec.AbstractFileSystem.sign


def _check_installed(scheme: str) -> None:
    try:
        import fsspec

        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise ValueError(f"{scheme}:// cannot be used ({error}); {INSTALL}") from error
    except ValueError as error:
        raise ValueError(f"{scheme}:// is not known here; write file:///folder or s3://bucket/prefix") from error
