"""One file of a public data set: fetched with resume, and kept only with the checksum that is documented for it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import requests

from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources.fetch import web

TRIES = 5  # how often a transfer that breaks off is taken up again in one run; the next run goes on from there, too
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as its publisher names it. `checksum` is `md5:...` or `sha256:...`.

    `url` is None where no program may fetch it. `unpacked` is the folder that an archive holds. `copied_as` is what
    copies of the data set elsewhere have in its place.
    """

    name: str
    checksum: str
    url: str | None = None
    unpacked: str | None = None
    copied_as: str | None = None

    def is_in(self, folder: Path) -> bool:
        """Whether what reading the data set needs of it lies in `folder`."""
        return (folder / self.needed).exists() or (self.copied_as is not None and (folder / self.copied_as).exists())

    @property
    def needed(self) -> str:
        """The file or folder that reading the data set needs."""
        return self.unpacked or self.name


def fetch_file(file: RemoteFile, url: str, folder: Path, progress: Progress | None = None) -> None:
    """Fetch `file` from `url` into `folder`, going on where an earlier run stopped. `progress` counts megabytes.

    Raises requests.RequestException when it cannot be fetched, SourceError when it has not the documented checksum.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{file.name}.part"
    with web.open_session() as session:
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                _go_on(session, url, part, progress)
                break
            except web.BrokenOff:
                if last:
                    raise
    try:
        verify(file, part)
    except SourceError:
        part.unlink()  # nothing to go on from
        raise
    part.replace(folder / file.name)
    _tag(part).unlink(missing_ok=True)


def verify(file: RemoteFile, path: Path) -> None:
    """Raises SourceError when `path` has not the checksum that is documented for `file`."""
    algorithm, _, expected = file.checksum.partition(":")
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, algorithm).hexdigest()
    if digest != expected:
        raise SourceError(
            f"{path} is not the {file.name} that was published: its {algorithm} is {digest}, not {expected}. "
            "Delete it and fetch it again."
        )


def _go_on(session: requests.Session, url: str, part: Path, progress: Progress | None) -> None:
    """Append what is missing to `part`; from the beginning where the server cannot resume, or its file has changed."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # the bytes that the checksum is of
    if start:
        headers["Range"] = f"bytes={start}-"
        if _tag(part).exists():
            headers["If-Range"] = _tag(part).read_text(encoding="latin-1")
    with session.get(url, headers=headers, stream=True, timeout=web.TIMEOUT_SECONDS) as answer:
        content_range = answer.headers.get("Content-Range", "")
        if start and answer.status_code == requests.codes.range_not_satisfiable and content_range == f"bytes */{start}":
            return  # it was all there
        resumed = answer.status_code == requests.codes.partial and content_range.startswith(f"bytes {start}-")
        if not resumed and answer.status_code in {requests.codes.partial, requests.codes.range_not_satisfiable}:
            part.unlink(missing_ok=True)  # it is no beginning of what the server has: the next try is from the start
            raise web.BrokenOff(f"asked to go on at {start}, the server sent {content_range or 'no range'}")
        answer.raise_for_status()
        if not resumed:
            start = 0
            _remember_version(answer, part)
        total = start + int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if resumed else "wb") as file:
            for piece in web.pieces(answer, decoded=False):
                file.write(piece)
                if progress:
                    progress(_megabytes(file.tell()), max(_megabytes(total), _megabytes(file.tell())))


def _tag(part: Path) -> Path:
    """Beside a part: which version of the file it is of, in the words of its server."""
    return part.with_name(f"{part.name}.version")


def _remember_version(answer: requests.Response, part: Path) -> None:
    """If-Range takes a strong ETag or a date (RFC 9110, 13.1.5); without either the checksum alone must tell."""
    etag = answer.headers.get("ETag", "")
    version = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
    if version:
        _tag(part).write_text(version, encoding="latin-1")
    else:
        _tag(part).unlink(missing_ok=True)


def _megabytes(size: int) -> int:
    return -(-size // MEGABYTE)
