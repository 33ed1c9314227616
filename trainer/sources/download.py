"""Pictures at URLs, fetched once into a cache folder, each under the hash of its address."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from hashlib import sha256
from pathlib import Path

import requests

from retrieval import images
from retrieval.errors import ImageError
from trainer.progress import Progress

WORKERS = 8
TIMEOUT_SECONDS = (5, 30)  # to connect, and between two pieces of the answer
MAX_BYTES = 50_000_000


def fetch_all(urls: Sequence[str], cache: Path, progress: Progress | None = None) -> dict[str, Path | str]:
    """For each URL the file it now lies in, or the reason why there is none. What is there is not fetched again."""
    wanted = sorted(set(urls))
    if not wanted:
        return {}
    cache = cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    results: dict[str, Path | str] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = {pool.submit(_fetch, url, cache): url for url in wanted}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                results[jobs[job]] = job.result()
                if progress:
                    progress(done, len(wanted))
        except BaseException:  # Ctrl-C above all: what waits is given up, what runs is finished
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def _fetch(url: str, cache: Path) -> Path | str:
    target = cache / sha256(url.encode()).hexdigest()
    if target.exists():
        return target
    part = target.with_suffix(".part")
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as answer, part.open("wb") as file:
            if answer.status_code != requests.codes.ok:
                return f"the server answered {answer.status_code}"
            size = 0
            for piece in answer.iter_content(1 << 16):
                size += len(piece)
                if size > MAX_BYTES:
                    return f"it is larger than {MAX_BYTES // 1_000_000} MB"
                file.write(piece)
        images.inspect(part.read_bytes())  # a page that says "please log in" must not be kept as the picture
        part.replace(target)
    except ImageError as error:
        return f"what the server sent is no picture: {error}"
    except (requests.RequestException, OSError, ValueError) as error:
        return f"it could not be fetched ({type(error).__name__})"
    finally:
        part.unlink(missing_ok=True)
    return target
