"""POST /search."""

from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Form

from api import search
from api.deps import PoolDep, SnapshotDep
from api.errors import Refusal
from api.openapi import problems
from api.schemas import SearchAnswer, SearchForm

router = APIRouter(tags=["search"], form_limits={"max_files": 1, "max_fields": 8, "max_part_size": 1024})


@router.post(
    "/search",
    operation_id="search",
    summary="Find the items most like a picture, or like an item",
    responses=problems(
        "unparseable",
        "item_missing",
        "too_many_bytes",
        "unsupported_format",
        "broken_image",
        "too_many_pixels",
        "face_missing",
        "invalid_parameter",
        "not_ready",
        "overloaded",
    ),
)
async def post_search(
    form: Annotated[SearchForm, Form(media_type="multipart/form-data")], snapshot: SnapshotDep, pool: PoolDep
) -> SearchAnswer:
    """Send exactly one of `file` and `id`. A search with an item uses its stored vector.

    Where faces are compared, a picture is searched with by its largest face.
    """
    started = perf_counter()
    if form.file is not None and form.id is None:
        picture = await form.file.read()
        return await pool.run(search.search_picture, snapshot, picture, form, started=started)
    if form.id is not None and form.file is None:
        return await pool.run(search.search_item, snapshot, form.id, form, started=started)
    raise Refusal("invalid_parameter", "Send exactly one of file and id, as multipart/form-data.")
