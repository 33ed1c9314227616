"""Labels that are probably wrong: as the health check of the live model's run lists them, until each is decided."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi
from tests.api.test_errors import check_problem
from tests.support.bundles import picture, pieces, write_artifacts

HEADER = "id,picture,label,suggested,confidence"


def listed(client: TestClient, **params: Any) -> dict[str, Any]:
    answer = client.get("/labels/wrong", params=params)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def serve(tmp_path: Path, open_api: OpenApi, table: str | None) -> TestClient:
    """An API over a shop whose training run left this table."""
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").write_text("<p>report</p>")
    if table is not None:
        (report / "wrong_labels.csv").write_text(table)
    artifacts = tmp_path / "artifacts"
    write_artifacts(artifacts, pieces(12), report=report)
    return open_api(artifacts=artifacts)


def test_an_item_leaves_the_list_when_its_label_is_changed_or_confirmed(tmp_path: Path, open_api: OpenApi) -> None:
    shop = [piece for piece in pieces(12) if piece.label]
    rows = [f"{piece.id},a.jpg,{piece.label},jug,{0.9 - n / 10:.1f}" for n, piece in enumerate(shop[:5])]
    rows.append(f"{shop[5].id},a.jpg,an older label,jug,0.3")
    rows.append("gone,a.jpg,label-1,jug,0.2")
    api = serve(tmp_path, open_api, "\n".join([HEADER, *rows]))
    told = listed(api)
    assert [each["item"]["id"] for each in told["labels"]] == [piece.id for piece in shop[:5]]
    assert (told["listed"], told["total"], told["bundle"]) == (7, 5, "tiny")
    assert (told["labels"][0]["suggested"], told["labels"][0]["confidence"]) == ("jug", 0.9)
    assert [each["item"]["id"] for each in listed(api, limit=2, offset=1)["labels"]] == [p.id for p in shop[1:3]]
    first, second, third = (piece.id for piece in shop[:3])
    api.patch("/item", params={"id": first}, json={"label": "jug"})
    said = api.post("/feedback", json={"id": second, "item": second, "verdict": "right"}).json()
    api.post("/feedback", json={"id": third, "item": third, "verdict": "wrong"})
    api.post("/feedback", json={"id": first, "item": third, "verdict": "right"})
    assert [each["item"]["id"] for each in listed(api)["labels"]] == [piece.id for piece in shop[2:5]]
    assert api.delete("/feedback", params={"entry": said["entry"]}).status_code == 204
    assert listed(api)["total"] == 4
    check_problem(api.delete("/feedback", params={"entry": said["entry"]}), 404, "entry_missing")


def test_what_is_said_of_a_picture_is_not_said_of_another_one_under_its_id(tmp_path: Path, open_api: OpenApi) -> None:
    shop = [piece for piece in pieces(12) if piece.label][:2]
    rows = [f"{piece.id},a.jpg,{piece.label},jug,0.9,{sha256(piece.data).hexdigest()}" for piece in shop]
    api = serve(tmp_path, open_api, "\n".join([f"{HEADER},sha256", *rows]))
    assert [each["item"]["id"] for each in listed(api)["labels"]] == [piece.id for piece in shop]
    assert api.put("/item", params={"id": shop[0].id}, files={"file": picture(77)}).status_code == 200
    assert [each["item"]["id"] for each in listed(api)["labels"]] == [shop[1].id]


def test_a_run_that_checked_no_labels_says_so(tmp_path: Path, open_api: OpenApi) -> None:
    api = serve(tmp_path, open_api, None)
    assert listed(api) == {"bundle": "tiny", "checked": None, "listed": 0, "total": 0, "labels": []}


def test_a_list_that_cannot_be_read_is_damage(tmp_path: Path, open_api: OpenApi) -> None:
    api = serve(tmp_path, open_api, "id,what\na,b\n")
    check_problem(api.get("/labels/wrong"), 503, "bundle_damaged")
