"""Which ids a new item may have: one rule for the trainer and the API."""

import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.catalogue import ID_LENGTH, is_id, new_id
from retrieval.text import normal


@pytest.mark.parametrize(
    "text",
    ["a", "vases/amphora 3.jpg", "...", "a..b/.c", "v1.2", "👩\u200d👧", "語" * ID_LENGTH, "c:x", "100%2F", "#?&"],
)
def test_what_people_call_their_pictures_is_an_id(text: str) -> None:
    assert new_id(text) == text


def test_an_id_is_composed() -> None:
    assert new_id("cafe\u0301") == "caf\u00e9"
    assert new_id("e\u0301" * ID_LENGTH) == "\u00e9" * ID_LENGTH


@pytest.mark.parametrize(
    "text",
    [
        ".",
        "..",
        "x/../victim",
        "../x",
        "x/..",
        "x/./y",
        "a\\..\\b",
        "..\\x",
        "%2e%2e",
        "a/%2E./b",
        "%252e",
        "a%2F..%2Fb",
        "..%5cx",
    ],
)
def test_no_segment_means_a_folder(text: str) -> None:
    with pytest.raises(ValueError, match=r"the id has \. or \.\. between slashes"):
        new_id(text)


@pytest.mark.parametrize("text", ["/x", "x/", "a//b", "/", "\\x", "a/\\b"])
def test_no_segment_is_empty(text: str) -> None:
    with pytest.raises(ValueError, match="the id begins or ends with a slash, or has two"):
        new_id(text)


@pytest.mark.parametrize("text", [" a", "a\u00a0", "a\u00a0b", "a\u200bb", "\ufeffa", "a\u202e", "a\u200d"])
def test_what_cannot_be_told_apart_by_eye_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the id has an invisible character, a blank at an end"):
        new_id(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "it has 0"), ("x" * 129, "it has 129"), ("a\nb", r"it holds a line break"), ("a\0", r"it holds U\+0000")],
)
def test_length_and_control_characters(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"the id is not 1 to 128 printable characters: {why}"):
        new_id(text)
    assert not is_id(text)


@given(st.text(st.sampled_from("a. /\\\u00e9e\u0301\u200b\t") | st.characters(codec="utf-8"), max_size=8))
def test_a_new_id_is_a_path_that_no_proxy_changes(text: str) -> None:
    try:
        accepted = new_id(text)
    except ValueError:
        return
    assert is_id(accepted)
    assert new_id(accepted) == accepted == normal(accepted) == unicodedata.normalize("NFC", text)
    assert posixpath.normpath(f"/items/{accepted}") == f"/items/{accepted}"
