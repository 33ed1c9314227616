"""URLs of storage: what is none is refused in words that say what to write, and that tell no secret."""

import pytest

from retrieval.remote import storage_url


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("/srv/pictures", "file:///folder"),
        ("s3:/bucket", "s3://bucket/prefix"),
        ("s3://", "names no bucket"),
        ("file://srv/pictures", "three slashes"),
        ("file:///", "three slashes"),
        ("https://example.com/bucket", "nothing can be kept"),
        ("s3://KEY:hush@bucket/prefix", "environment"),
        ("s3://bucket/prefix?secret=hush", "leave out ?"),
        ("s3://bucket/../hush", "no .."),
        ("simplecache::s3://bucket/hush", "not a URL"),
        ("s3://bucket/a b", "without blanks"),
        ("nonsense://bucket/prefix", "not known here"),
    ],
)
def test_what_is_no_place_for_files_is_refused(value: str, advice: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        storage_url(value)
    assert advice in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_slash_at_the_end_means_nothing() -> None:
    assert storage_url(" s3://bucket/prefix/ ") == "s3://bucket/prefix"
    assert storage_url("file:///srv/pictures") == "file:///srv/pictures"
