"""Pictures in Base64, in every way in which clients write it."""

import base64
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st

from api.errors import Refusal
from api.web.pictures import decode_base64
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

DATA = picture(1)
PLAIN = base64.b64encode(DATA).decode()
WAYS = {
    "as it is": PLAIN,
    "a data URL": f"data:image/jpeg;base64,{PLAIN}",
    "a data URL with a name": f"data:image/jpeg;name=a.jpg;base64,{PLAIN}",
    "a data URL with blanks": f"data:image/jpeg; base64, {PLAIN}",
    "a data URL in capitals": f" DATA:image/jpeg;BASE64,{PLAIN}",
    "a data URL with escapes": f"data:image/jpeg;base64,{quote(PLAIN, safe='')}",
    "lines": base64.encodebytes(DATA).decode(),
    "lines of Windows": base64.encodebytes(DATA).decode().replace("\n", "\r\n"),
    "indented lines": "\n".join(f"\t  {line}" for line in base64.encodebytes(DATA).decode().splitlines()),
    "URL-safe": base64.urlsafe_b64encode(DATA).decode(),
    "without padding": PLAIN.rstrip("="),
    "URL-safe without padding": base64.urlsafe_b64encode(DATA).decode().rstrip("="),
}

NO_BASE64 = ["A", "AAAAA", "AA=A", "AA==AA==", "é", "A*==", "\0AAA", "data:image/png,AAAA", "data:"]


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_the_same_however_its_base64_is_written(client: TestClient, way: str) -> None:
    expected = client.post("/search", files={"file": DATA}).json()["hits"]
    as_json = client.post("/search", json={"image_base64": WAYS[way]})
    as_form = client.post("/search", files={"image_base64": (None, WAYS[way])})
    several = client.post("/search", json={"items": [{"image_base64": WAYS[way]}]})
    for answer in (as_json, as_form, several):
        assert answer.json()["hits"] == expected, answer.text


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AA=A", "AA==AA==", "é", "A*==", "\0AAA", "data:image/png,AAAA", "data:"]
)
def test_what_is_no_base64_is_refused_with_its_place(client: TestClient, text: str) -> None:
    answer = client.post("/search", json={"items": [{"id": "shelf 1/piece-021"}, {"image_base64": text}]})
    check_problem(answer, 422, "invalid_parameter")
    assert answer.json()["detail"].startswith("items[1].image_base64: ")


@given(st.binary(), st.booleans(), st.booleans(), st.sampled_from(["", "\n", " ", "\r\n"]), st.integers(1, 80))
@example(b"\xff\xef\xbe", True, False, "", 1)
def test_bytes_come_back(data: bytes, url_safe: bool, padded: bool, line_end: str, width: int) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    text = text if padded else text.rstrip("=")
    text = line_end.join(text[start : start + width] for start in range(0, len(text), width))
    assert decode_base64(text, "a") == data
    assert decode_base64(f"data:;base64,{text}", "a") == data


@given(st.text())
def test_any_text_is_decoded_or_refused(text: str) -> None:
    try:
        assert isinstance(decode_base64(text, "a"), bytes)
    except Refusal as refusal:
        assert refusal.code == "invalid_parameter"
