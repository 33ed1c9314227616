"""Which face of its picture an item is: one rule for the trainer and the API."""

import pytest

from retrieval.faces.spec import FaceSpec, face_of

ALL = FaceSpec(detector="haar", min_size=40, margin=0, template=None, which="all", missing="skip")
LARGEST = ALL.model_copy(update={"which": "largest"})


@pytest.mark.parametrize(
    ("item_id", "number"),
    [
        ("party", 1),
        ("party#2", 2),
        ("party#10", 10),
        ("party#9999", 9999),
        ("shelf #4/party#3", 3),
        ("two\nlines#2", 2),
        ("party#", 1),
        ("party#0", 1),
        ("party#02", 1),  # no item of that name was ever made
        ("party#-2", 1),
        ("party#2 ", 1),
        ("party#\N{SUPERSCRIPT TWO}", 1),
        ("party#\N{ARABIC-INDIC DIGIT TWO}", 1),
        ("party#10000", 1),
    ],
)
def test_the_number_after_the_last_sign_is_the_face(item_id: str, number: int) -> None:
    assert face_of(item_id, ALL) == number
    assert face_of(item_id, LARGEST) == 1
    assert face_of(item_id, None) == 1
