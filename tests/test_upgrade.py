"""An artifacts folder of version 0.1.0 (commit 4c0cb74) is served by this version, and nothing in it is lost.

tests/golden/README.md says how the folder was made.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.conftest import free_port, run_trainer, serving
from tests.support.bundles import picture

GOLDEN = Path(__file__).parent / "golden" / "artifacts-4c0cb74"
OLDER, NEWER = "20261130-173318-ff20", "20261130-173325-ee5e"
ADDED = {"id": "added/amphora 1", "label": "amphora", "attributes": {"price": 3.5, "stock": 1, "glazed": True}}
DELETED = "2bc5e0d9fa039d3f"


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """A copy of the golden folder, with the empty folders that Git does not keep."""
    copy = shutil.copytree(GOLDEN, tmp_path / "artifacts")
    for name in ("pending", "work"):
        (copy / name).mkdir(exist_ok=True)
    return copy


@pytest.fixture
def api(artifacts: Path) -> Iterator["Api"]:
    port = free_port()
    with serving("api", port, "/readyz", artifacts=artifacts, api_port=port) as address:
        yield Api(address)


class Api:
    """What is asked of a running API."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.session.get(f"{self.address}{path}", params=parameters, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.headers["Content-Type"] == "application/json" else answer.content

    def add(self, seed: int, *, key: str | None = None, **fields: Any) -> requests.Response:
        data = picture(seed, width=64, height=64, format_="PNG")
        form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        headers = {} if key is None else {"Idempotency-Key": key}
        files = {"file": ("a.png", data)}
        return self.session.post(f"{self.address}/items", files=files, data=form, headers=headers, timeout=30)

    def ids(self) -> set[str]:
        return {item["id"] for item in self.get("/items", limit=200)["items"]}

    def all_are_hits_of_themselves(self) -> bool:
        """Whether a search with each item's own picture has that item in first place, or beside its twin."""
        for id_ in self.ids():
            file = {"file": ("a", self.get(f"/items/{quote(id_, safe='')}/image"))}
            answer = self.session.post(f"{self.address}/search", files=file, data={"k": 2}, timeout=30).json()
            if id_ not in [hit["id"] for hit in answer["hits"]]:
                return False
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.1)


def test_the_folder_of_0_1_0_is_served_searched_added_to_and_rolled_back(api: Api, artifacts: Path) -> None:
    before = api.ids()
    assert len(before) == 25
    assert DELETED not in before
    item = api.get(f"/items/{quote(str(ADDED['id']), safe='')}")
    assert item["label"] == ADDED["label"]
    assert item["attributes"] == {**ADDED["attributes"], "maker": "Exekias"}  # type: ignore[dict-item]
    cheap = api.get("/items", filter=json.dumps({"attributes": {"price": {"lt": 5}}}))
    assert [each["id"] for each in cheap["items"]] == [ADDED["id"]]
    assert api.all_are_hits_of_themselves()

    known = {"label": "amphora", "attributes": {"price": 3.5, "stock": 2, "glazed": True, "maker": "Exekias"}}
    again = api.add(77, key="order-1", id="added/amphora 1", **known)
    assert (again.status_code, again.json()["id"]) == (201, ADDED["id"])  # the reply that is remembered
    assert again.json()["sha256"] == item["sha256"]
    assert api.add(78, id="added/new", label="krater").status_code == 201
    assert api.ids() == before | {"added/new"}

    gone_back = run_trainer("rollback", "--artifacts", artifacts)
    assert gone_back.returncode == 0, gone_back.stderr
    wait_until(lambda: bool(api.get("/readyz")["bundle"] == OLDER))
    assert api.ids() == before | {"added/new"}
    assert api.all_are_hits_of_themselves()
    assert api.get("/bundles")["bundles"][1]["report_url"].startswith(f"/bundles/{OLDER}/")


def test_what_was_dismissed_in_0_1_0_stays_dismissed(api: Api) -> None:
    def search(tier: str) -> Any:
        query = {"tier": tier}
        while (answer := api.session.get(f"{api.address}/duplicates", params=query, timeout=30)).status_code == 202:
            time.sleep(0.1)
        return answer.json()

    result = search("same_picture")
    assert (result["total_groups"], result["unreadable"]) == (0, 0)
    api.add(77, id="added/second").raise_for_status()  # the same file as added/amphora 1
    api.session.post(f"{api.address}/duplicates/refresh", timeout=30).raise_for_status()
    members = [{member["id"] for member in group["members"]} for group in search("identical")["groups"]]
    assert members == [{"added/amphora 1", "added/second"}]


def test_its_bundles_are_whole_for_the_command_line(artifacts: Path) -> None:
    listed = run_trainer("bundles", "--json", "--artifacts", artifacts)
    assert [(each["id"], each["live"], each["problem"]) for each in json.loads(listed.stdout)] == [
        (NEWER, True, None),
        (OLDER, False, None),
    ]
    assert run_trainer("verify", artifacts / "bundles" / NEWER).returncode == 0
