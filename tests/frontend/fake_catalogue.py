"""What a fake API knows beside searching: facets, clusters, a map, duplicates, bundles."""

from typing import Any

from tests.frontend.fake_api import CREATED, FakeApi, Reply, as_json, item

IDS = ("one", "two", "three")
BUNDLES = ("20261124-tuned", "20261122-demo", "20261120-frozen")
ENTRIES = ("0651e1c2f3a4b5c9d8e7f6a5b4c3d2e2", "0651e1c2f3a4b5c9d8e7f6a5b4c3d2e1")
DISMISSAL = "549ffa06777154c68d68ed41e4a0ca51"
MEASURES = {"precision_at_1": 0.57, "map": 0.36, "queries": 120.0}
TUNED = {"precision_at_1": 0.87, "map": 0.82, "queries": 120.0}


def fill(api: FakeApi, text: str | None = None) -> FakeApi:
    """The API with all of it; with a text, this one wherever text comes from outside."""
    words = {} if text is None else {"label": text, "attributes": {text: text}}
    items = [item(text or name, **words) for name in IDS]
    label, attribute = text or "Tall bottle", text or "shape"
    facet = {"attribute": attribute, "values": [{"value": text or "bottle", "count": 3}], "distinct": 1}
    price = {"attribute": "price", "values": [{"value": 3.5, "count": 1}], "distinct": 40, "least": 1.0, "most": 9.5}
    api.replies |= {
        "GET /items": as_json({"items": items, "total": 1200}),
        "POST /items/list": as_json({"items": items, "total": 1200, "next_cursor": "NEXT"}),
        "GET /labels": as_json({"labels": [{"value": label, "count": 3}], "distinct": 1}),
        "GET /facets": as_json({"facets": [facet, price]}),
        "GET /clusters": as_json(
            {"clusters": [cluster(2, items[0]), cluster(5, items[1], size=40)], "drift": drift(text)}
        ),
        "GET /clusters/5": as_json(cluster(5, items[1]) | {"sample": items}),
        "GET /map": as_json({"points": [point(each, n) for n, each in enumerate(items)], "total": 1200}),
        "PATCH /item?id=one": as_json(items[0]),
        "POST /items/delete": as_json({"matching": 2, "deleted": 2}),
        "DELETE /item?id=one": Reply(204),
        "DELETE /item?id=two": Reply(204),
        "POST /items": as_json(items[0], 201),
        "GET /duplicates": as_json(duplicates(items, text)),
        "POST /duplicates/merge": as_json({"item": items[0], "deleted": 1}),
        "POST /duplicates/dismissed": Reply(204),
        "GET /duplicates/dismissed": as_json({"dismissals": [dismissal(items)], "total": 1, "next": None}),
        f"DELETE /duplicates/dismissed/{DISMISSAL}": Reply(204),
        "GET /labels/wrong": as_json(wrong_labels(items, text)),
        "GET /item/history": as_json(history(text)),
        "POST /items/change": as_json({"matching": 2, "changed": 2, "change": 22 * "a"}),
        "POST /items/undo": as_json({"matching": 2, "changed": 2, "change": 22 * "b"}),
        "POST /item/undo": as_json(items[0]),
        "POST /feedback": as_json({"entry": 32 * "c"}, 201),
        "DELETE /feedback": Reply(204),
        "GET /bin": as_json(bin_page(items)),
        "POST /bin/restore": as_json({"restored": 1}),
        "POST /bin/delete": as_json({"deleted": 1}),
        "DELETE /bin": as_json({"deleted": 2}),
        "POST /duplicates/refresh": as_json({"state": "running", "step": "reading", "done": 0, "total": 0}, 202),
        "GET /bundles": as_json({"bundles": bundles(text)}),
        "POST /bundles/20261120-frozen/activate": as_json(bundles(text)[2] | {"live": True}),
    }
    if text is not None:
        api.replies["GET /item?id=one"] = as_json(items[0])
    return api


def wrong_labels(items: list[dict[str, Any]], text: str | None) -> dict[str, Any]:
    """One doubted label, of three that the check listed."""
    suspect = {"item": items[0], "suggested": text or "Round jug", "confidence": 0.8}
    return {"bundle": "demo", "checked": CREATED, "listed": 3, "total": 1, "labels": [suspect]}


def history(text: str | None) -> dict[str, Any]:
    """One change of a label and an attribute."""
    before = {"label": text or "Round jug", "attributes": {text or "shape": text or "jug"}}
    change = {"entry": 32 * "d", "before": before, "after": {"label": None, "attributes": {}}, "by": text}
    return {"changes": [change | {"undoes": None, "created": CREATED}], "next": None}


def cluster(number: int, medoid: dict[str, Any], size: int = 12) -> dict[str, Any]:
    labels = [{"label": medoid["label"], "count": size - 2}, {"label": None, "count": 2}]
    return {"number": number, "size": size, "radius": 0.5, "medoid": medoid, "labels": labels}


def drift(text: str | None) -> dict[str, Any]:
    return {"items": 1200, "trained_items": 900, "retrain": True, "reason": text or "Many are new."}


def point(known: dict[str, Any], number: int) -> dict[str, Any]:
    return {"id": known["id"], "x": number / 7, "y": -number / 3, "label": known["label"], "cluster": number}


def duplicates(items: list[dict[str, Any]], text: str | None = None, **changes: Any) -> dict[str, Any]:
    file = {"bytes": 4800, "written": "2026-11-20T08:00:00Z", "lossless": False, "camera_data": True}
    files = [
        file | {"id": each["id"], "mirrored": place > 0, "colour_profile": False} for place, each in enumerate(items)
    ]
    first = {"keep": items[0]["id"], "why": text or "the most pixels", "members": items, "probability": None}
    first["files"] = files
    known = {"state": "done", "stale": False, "found_at": "2026-11-24T16:00:00Z", "unreadable": 0}
    return (
        known
        | {
            "tier": "identical",
            "total_groups": 1,
            "totals": {"identical": 1, "same_picture": 7, "same_thing": None},
            "groups": [first],
            "next": None,
        }
        | changes
    )


def dismissal(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": DISMISSAL, "created": "2026-11-25T08:00:00Z", "items": items[:2], "gone": 1}


def bin_page(items: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    times = {"deleted": "2026-11-25T08:00:00Z", "deleted_by": None, "ends": "2026-12-25T08:00:00Z"}
    entries = [known | times | {"entry": entry} for known, entry in zip(items, ENTRIES, strict=False)]
    return {"entries": entries, "total": 2, "days": 30, "next": None} | changes


def bundles(text: str | None = None) -> list[dict[str, Any]]:
    """Newest first; the second one is live, the last one not loaded."""
    stages = ("finetune", "head", "frozen")
    return [
        {
            "id": name if text is None else f"{text}{number}",
            "created": f"2026-11-2{4 - number}T10:15:00Z",
            "encoder": text or "efficientnet-lite0",
            "stage": stage,
            "items": 1200,
            "metrics": {} if stage == "frozen" else {text or "frozen": MEASURES, stage: TUNED},
            "live": number == 1,
            "loaded": number < 2,
            "report_url": f"/bundles/{name}/report/index.html",
        }
        for number, (name, stage) in enumerate(zip(BUNDLES, stages, strict=True))
    ]
