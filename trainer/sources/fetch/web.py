"""A polite HTTP client: it asks again where that may help, waits when it is told to, and waits for nobody for ever."""

import time
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

USER_AGENT = "Lookalike"
TIMEOUT_SECONDS = (5, 30)  # to connect, and between two pieces of the answer
RETRIES = 4
BACKOFF_SECONDS = 0.5  # the waits are 0, 1, 2 and 4 s
MAX_RETRY_AFTER_SECONDS = 60  # whatever a server asks for
RETRIED = (429, 500, 502, 503, 504)
PIECE_BYTES = 1 << 16


class BrokenOff(requests.ConnectionError):
    """The answer began and did not end."""


class TooSlow(requests.Timeout):
    """The answer took too long as a whole."""


def open_session(connections_per_host: int = 1) -> requests.Session:
    """A session for any number of threads, that retries on a lost connection and on RETRIED, and honours Retry-After.

    No more than `connections_per_host` are open to one host, whatever redirects lead there.
    """
    retry = Retry(
        total=RETRIES,
        backoff_factor=BACKOFF_SECONDS,
        retry_after_max=MAX_RETRY_AFTER_SECONDS,
        status_forcelist=RETRIED,
        raise_on_status=False,
    )
    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # none: threads share the session
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=connections_per_host, pool_block=True, max_retries=retry))
    return session


def pieces(answer: requests.Response, *, decoded: bool, seconds: float = float("inf")) -> Iterator[bytes]:
    """The body as it arrives, in at most `seconds`; `decoded` from the Content-Encoding, or byte by byte as sent.

    Raises BrokenOff when it ends early or the server falls silent, TooSlow when the time is up.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            # Not iter_content, which waits until a whole piece is there: a server that drips could hold it for hours.
            piece = answer.raw.read1(PIECE_BYTES, decode_content=decoded)
        except HTTPError as error:
            raise BrokenOff(str(error)) from error
        if not piece:
            return
        if time.monotonic() > until:
            raise TooSlow(f"more than {seconds} s")
        yield piece
