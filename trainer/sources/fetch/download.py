"""The pictures of a CSV's URLs: fetched side by side, politely, and once."""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import requests

from retrieval import images
from retrieval.errors import ImageError
from trainer.progress import Progress
from trainer.sources.fetch import web
from trainer.sources.fetch.cache import Cache, Fate

WORKERS = 16
PER_HOST = 4  # connections
TOTAL_SECONDS = 300  # for one picture, however steadily its server drips
MAX_BYTES = 50_000_000


def fetch_all(urls: Sequence[str], cache: Path, progress: Progress | None = None) -> dict[str, Path | str]:
    """For each URL the file it now lies in, or the reason why there is none. What is there is not fetched again.

    The fate of each is written beside the folder `cache` as `fetched.csv`, also when the run is stopped.
    """
    unique_urls = list(dict.fromkeys(urls))
    if not unique_urls:
        return {}
    with Cache(cache.absolute()) as stored:
        fates = {url: fate for url in unique_urls if (fate := stored.find(url))}
        missing = [url for url in unique_urls if url not in fates]
        try:
            with closing(_fetch_side_by_side(missing, stored)) as fetching:
                for fate in fetching:
                    fates[fate.url] = fate
                    if progress:
                        progress(len(fates), len(unique_urls))
        finally:
            stored.write_table(stored.folder.parent / "fetched.csv", unique_urls)
        return {url: stored.path(fate.digest) if fate.digest else str(fate.reason) for url, fate in fates.items()}


def _fetch_side_by_side(urls: Sequence[str], cache: Cache) -> Generator[Fate]:
    """The fates as they are known. At most PER_HOST of one host are under way, so that no worker waits for a slow one.

    When the caller stops, what waits is given up, and what runs is finished and recorded.
    """
    waiting: dict[str, deque[str]] = {}
    for url in urls:
        waiting.setdefault(_host(url), deque()).append(url)
    running: dict[Future[Fate], str] = {}
    with web.open_session(PER_HOST) as session, ThreadPoolExecutor(WORKERS) as pool:

        def start(host: str) -> None:
            if waiting[host]:
                running[pool.submit(_record, session, waiting[host].popleft(), cache)] = host

        try:
            for _ in range(PER_HOST):
                for host in waiting:
                    start(host)
            while running:
                for job in wait(running, return_when=FIRST_COMPLETED).done:
                    start(running.pop(job))
                    yield job.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _host(url: str) -> str:
    """What lies between the scheme and the path; good enough for what is no address, too."""
    return url.split("/")[2].lower()


def _record(session: requests.Session, url: str, cache: Cache) -> Fate:
    fate = _fetch(session, url, cache)
    cache.record(fate)
    return fate


def _fetch(session: requests.Session, url: str, cache: Cache) -> Fate:
    status: int | None = None
    try:
        try:
            status, data = _get(session, url)
        except web.BrokenOff:  # the session retries what does not begin; what does not end is asked for once more
            status, data = _get(session, url)
        if status != requests.codes.ok:
            return Fate(url, status, reason=f"the server answered {status}")
        if len(data) > MAX_BYTES:
            return Fate(url, status, reason=f"it is larger than {MAX_BYTES // 1_000_000} MB")
        images.inspect(data)  # a page that says "please log in" must not be kept as the picture
    except ImageError as error:
        return Fate(url, status, reason=f"what the server sent is no picture: {error}")
    except (requests.RequestException, ValueError) as error:  # ValueError: some that are no addresses
        return Fate(url, status, reason=f"it could not be fetched ({type(error).__name__})")
    return Fate(url, status, cache.keep(data), len(data))


def _get(session: requests.Session, url: str) -> tuple[int, bytes]:
    """Status and body: empty where the status is not 200, cut off where it is longer than MAX_BYTES."""
    data = bytearray()
    with session.get(url, stream=True, timeout=web.TIMEOUT_SECONDS) as answer:
        if answer.status_code == requests.codes.ok:
            for piece in web.pieces(answer, decoded=True, seconds=TOTAL_SECONDS):
                data += piece
                if len(data) > MAX_BYTES:
                    break
        return answer.status_code, bytes(data)
