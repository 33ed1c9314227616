"""Adds, deletes and new descriptions in any order, with searches between them: always what brute force says."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from numpy.typing import NDArray

from api.main import create_app
from api.settings import Settings
from retrieval import bundle as bundles
from retrieval.clusters import Vectors
from tests.api.conftest import until_ready
from tests.support.bundles import Piece, picture, pieces, write_artifacts

SHOP = pieces(12)
PICTURES = {number: picture(8000 + number) for number in range(10)}
NAMES = st.sampled_from(["a", "b/c", "ü 花", "x" * 128, "%2F", SHOP[0].id, SHOP[1].id])
LABELS = st.sampled_from([None, "label-1", "new"])
SIZES = st.sampled_from([None, 1, 2.5, "large", True])
FILTERS: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda _: True),
    ({"label": "new"}, lambda piece: piece.label == "new"),
    ({"label": {"not": "new"}}, lambda piece: piece.label != "new"),
    ({"attributes": {"size": [1, "large"]}}, lambda piece: _is_one_of(piece.attributes.get("size"), (1, "large"))),
    ({"attributes": {"size": {"gte": 1}}}, lambda piece: type(piece.attributes.get("size")) in (int, float)),
]


def _is_one_of(value: object, expected: tuple[object, ...]) -> bool:
    return any(type(value) is type(one) and value == one for one in expected)


class Living(RuleBasedStateMachine):
    """The API and a dictionary go through the same changes; the API is opened anew from time to time."""

    origin: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.artifacts = shutil.copytree(Living.origin, Path(self.folder.name) / "artifacts")
        self.embedder = bundles.load(bundles.bundle_path(self.artifacts, "tiny")).embedder
        self.expected = {piece.id: piece for piece in SHOP}
        self.open()

    def open(self) -> None:
        self.client = TestClient(create_app(Settings(artifacts=self.artifacts, workers=2)))
        self.client.__enter__()
        until_ready(self.client)

    def teardown(self) -> None:
        self.client.__exit__(None, None, None)
        self.folder.cleanup()

    def vector(self, data: bytes) -> Vectors:
        return self.embedder.embed([self.embedder.prepare(data)])[0]

    @rule(name=NAMES, number=st.sampled_from(sorted(PICTURES)), label=LABELS, size=SIZES)
    def add(self, name: str, number: int, label: str | None, size: Any) -> None:
        data, attributes = PICTURES[number], {} if size is None else {"size": size}
        fields = {"id": name, "attributes": json.dumps(attributes)} | ({} if label is None else {"label": label})
        status = self.client.post("/items", files={"file": data}, data=fields).status_code
        known = self.expected.get(name)
        if known is None:
            assert status == 201
            self.expected[name] = Piece(name, data, label, attributes)
            return
        same = size is None or _is_one_of(known.attributes.get("size"), (size,))
        assert status == (200 if known.data == data and label in (None, known.label) and same else 409)

    @rule(name=NAMES, number=st.sampled_from(sorted(PICTURES)), label=LABELS)
    def replace(self, name: str, number: int, label: str | None) -> None:
        fields = {} if label is None else {"label": label}
        address = f"/item?id={quote(name, safe='')}"
        answer = self.client.put(address, files={"file": PICTURES[number]}, data=fields)
        before = self.expected.get(name)
        assert answer.status_code == (404 if before is None else 200)
        if before is not None:
            self.expected[name] = Piece(name, PICTURES[number], label or before.label, before.attributes)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        answer = self.client.delete(f"/item?id={quote(name, safe='')}")
        assert answer.status_code == (204 if self.expected.pop(name, None) else 404)

    @rule(name=NAMES, label=LABELS, size=SIZES)
    def describe(self, name: str, label: str | None, size: Any) -> None:
        body = {"label": label, "attributes": {"size": size}}
        answer = self.client.patch(f"/item?id={quote(name, safe='')}", json=body)
        before = self.expected.get(name)
        assert answer.status_code == (404 if before is None else 200)
        if before is not None:
            attributes = {
                key: value for key, value in (before.attributes | {"size": size}).items() if value is not None
            }
            self.expected[name] = Piece(name, before.data, label, attributes)

    @rule(filter_case=st.sampled_from(FILTERS[1:]), dry_run=st.booleans())
    def delete_matching(self, filter_case: tuple[dict[str, Any], Any], dry_run: bool) -> None:
        doomed = [piece.id for piece in self.expected.values() if filter_case[1](piece)]
        parameters = {"filter": json.dumps(filter_case[0]), "dry_run": str(dry_run)}
        answer = self.client.delete("/items", params=parameters).json()
        assert answer == {"matching": len(doomed), "deleted": 0 if dry_run else len(doomed)}
        for name in () if dry_run else doomed:
            del self.expected[name]

    @rule()
    def reopen(self) -> None:
        self.client.__exit__(None, None, None)
        self.open()

    @precondition(lambda self: self.expected)
    @rule(
        number=st.sampled_from(sorted(PICTURES)),
        filter_case=st.sampled_from(FILTERS),
        metric=st.sampled_from(["cosine", "euclidean"]),
        k=st.integers(1, 25),
    )
    def search(self, number: int, filter_case: tuple[dict[str, Any], Any], metric: str, k: int) -> None:
        fields = {"filter": json.dumps(filter_case[0]), "metric": metric, "k": str(k)}
        answer = self.client.post("/search", files={"file": PICTURES[number]}, data=fields).json()
        query = self.vector(PICTURES[number]).astype(np.float64)
        expected = [piece for piece in self.expected.values() if filter_case[1](piece)]
        assert answer["exact"]
        assert answer["total"] == len(expected)
        hits = answer["hits"]
        assert len(hits) == len({hit["id"] for hit in hits}) == min(k, len(expected))
        true = {piece.id: _distances(query, self.vector(piece.data).astype(np.float64))[metric] for piece in expected}
        nearest = sorted(true.values())
        for hit, distance in zip(hits, nearest, strict=False):
            measured = 1 - hit["cosine"] if metric == "cosine" else hit["euclidean"]
            assert abs(measured - distance) < 1e-4  # ties may change places
            assert abs(measured - true[hit["id"]]) < 1e-4
            piece = self.expected[hit["id"]]
            assert (hit["label"], hit["attributes"]) == (piece.label, piece.attributes)

    @invariant()
    def lists_what_is_expected(self) -> None:
        answer = self.client.get("/items", params={"limit": 200}).json()
        assert answer["total"] == len(self.expected)
        assert {item["id"]: (item["label"], item["attributes"]) for item in answer["items"]} == {
            piece.id: (piece.label, piece.attributes) for piece in self.expected.values()
        }
        assert self.client.get("/readyz").json()["items"] == len(self.expected)


def _distances(query: NDArray[Any], vector: NDArray[Any]) -> dict[str, float]:
    lengths = np.linalg.norm(query) * np.linalg.norm(vector)
    return {"cosine": float(1 - query @ vector / lengths), "euclidean": float(np.linalg.norm(query - vector))}


@pytest.fixture(scope="module", autouse=True)
def _origin(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Written before a test says in which database items are, as a training run writes them into the folder."""
    Living.origin = tmp_path_factory.mktemp("origin")
    write_artifacts(Living.origin, SHOP)


def test_the_api_and_a_dictionary_go_through_the_same_changes() -> None:
    run_state_machine_as_test(Living, settings=settings(max_examples=8, stateful_step_count=25, deadline=None))
