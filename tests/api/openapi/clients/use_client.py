"""What a program does with the client that openapi-python-client has generated; what comes of it is printed as JSON.

`python use_client.py ADDRESS KEY PICTURE`, in an environment that has the client as `lookalike_client`.
"""

import base64
import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from lookalike_client import AuthenticatedClient
from lookalike_client.api.items import (
    add_item,
    add_item_by_file,
    add_items,
    delete_item,
    delete_items_of_list,
    describe_item,
    get_item,
    get_thumbnail,
    list_items,
    list_items_by_body,
    replace_picture_by_file,
)
from lookalike_client.api.search import list_facets, search, search_batch, search_by_file, search_link
from lookalike_client.models import (
    BatchBody,
    DeletionBody,
    DescriptionBody,
    DescriptionBodyAttributes,
    FilterBody,
    FilterBodyAttributes,
    ItemBody,
    ItemForm,
    ItemsBody,
    ListBody,
    RangeBody,
    ReplacementForm,
    SearchBody,
    SearchForm,
)
from lookalike_client.types import UNSET, File

ITEM = "shelf 1/piece-021"
FILTER = '{"label": ["label-1", "label-2"], "attributes": {"price": {"lt": 20}}}'


def main(address: str, key: str, path: str) -> dict[str, Any]:
    client = AuthenticatedClient(base_url=address, token=key)
    data = Path(path).read_bytes()
    encoded = base64.b64encode(data).decode()

    def file() -> Any:
        return File(payload=BytesIO(data), file_name="query.jpg", mime_type="image/jpeg")

    within = FilterBodyAttributes()
    within["price"] = RangeBody(lt=20)
    wanted = FilterBody(label=["label-1", "label-2"], attributes=within)
    by_form = search_by_file.sync(client=client, body=SearchForm(file=file(), k=5))
    first = search.sync(client=client, body=SearchBody(id=ITEM, k=5, filter_=wanted))
    second = search.sync(client=client, body=SearchBody(cursor=first.next_cursor, k=5, filter_=wanted))
    linked = search_link.sync(client=client, id=ITEM, k=10, filter_=FILTER)
    queries = [SearchBody(id=ITEM, k=3), SearchBody(image_base64=encoded, k=3), SearchBody(id="nowhere")]
    several = search_batch.sync(client=client, body=BatchBody(queries=queries))

    form = ItemForm(file=file(), id="new/1", label="added", attributes='{"price": 3.5}')
    added = add_item_by_file.sync_detailed(client=client, body=form)
    as_json = add_item.sync_detailed(client=client, body=ItemBody(image_base64=encoded, id="new/2"))
    many = [ItemBody(image_base64=encoded, id=f"new/{number}") for number in (3, 4)]
    batch = add_items.sync(client=client, body=ItemsBody(items=[*many, ItemBody(image_base64="AAAA")]))
    changes = DescriptionBodyAttributes.from_dict({"price": None, "stock": 2})
    described = describe_item.sync(client=client, id="new/1", body=DescriptionBody(label=None, attributes=changes))
    replaced = replace_picture_by_file.sync(
        client=client, id="new/2", body=ReplacementForm(file=file(), attributes='{"stock": 7}')
    )

    listed, cursor = [], UNSET
    while cursor is not None:
        page = list_items_by_body.sync(client=client, body=ListBody(order="-created", limit=25, cursor=cursor))
        listed += [item.id for item in page.items]
        cursor = page.next_cursor
    linked_list, cursor = [], UNSET
    while cursor is not None:
        page = list_items.sync(client=client, filter_=FILTER, limit=4, cursor=cursor)
        linked_list += [item.id for item in page.items]
        cursor = page.next_cursor
    facets = list_facets.sync(client=client, filter_=FILTER)
    thumbnail = get_thumbnail.sync_detailed(client=client, id="new/1")
    gone = delete_items_of_list.sync(client=client, body=DeletionBody(ids=["new/2", "new/3", "new/4"]))
    alone = delete_item.sync_detailed(client=client, id="new/1")
    missing = get_item.sync(client=client, id="new/1")
    return {
        "by file": [hit.id for hit in by_form.hits],
        "by id": [hit.id for hit in [*first.hits, *second.hits]],
        "by link": [hit.id for hit in linked.hits],
        "several": [len(answer.hits) for answer in several.answers[:2]] + [several.answers[2].code],
        "added": [added.status_code, added.parsed.label, dict(added.parsed.attributes.additional_properties)],
        "added as JSON": as_json.status_code,
        "batch": [answer.status for answer in batch.answers],
        "described": [described.label, dict(described.attributes.additional_properties)],
        "replaced": dict(replaced.attributes.additional_properties),
        "listed": listed,
        "listed by link": linked_list,
        "facets": sorted(facet.attribute for facet in facets.facets),
        "thumbnail": thumbnail.content[:4].decode(),
        "deleted": [gone.deleted, int(alone.status_code), missing.code],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
