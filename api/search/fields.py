"""Which of the fields of a request a mistake is about, where several may hold a picture."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.errors import PROBLEMS, Refusal, refusal_of
from retrieval.errors import ImageError, ItemMissing, PictureMissing, VectorMissing

OF_PICTURES = (ImageError, ItemMissing, PictureMissing, VectorMissing)
OF_URLS = ("url_refused", "url_failed", "url_timeout")


@contextmanager
def within(name: str) -> Iterator[None]:
    """Let what is refused here be told of the field `name`. Raises Refusal in place of what is about a picture."""
    try:
        yield
    except OF_PICTURES as error:
        refusal = refusal_of(error)
        raise _named(name, refusal) from error
    except Refusal as refusal:
        if refusal.code not in OF_URLS:
            raise
        raise _named(name, refusal) from refusal


def _named(name: str, refusal: Refusal) -> Refusal:
    detail = refusal.detail or PROBLEMS[refusal.code][1]
    first, rest = detail[:1], detail[1:]
    text = f"{first.lower()}{rest}" if rest[:1].islower() or rest[:1] == " " else detail
    return Refusal(refusal.code, f"{name}: {text}", headers=refusal.headers)
